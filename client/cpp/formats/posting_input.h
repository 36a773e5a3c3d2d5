// PostingInput: a posting as it was read, with where it and its description came from.
#pragma once

#include "client/cpp/formats/input_place.h"
#include "client/cpp/formats/offset_map.h"
#include "sluice/v1/batches.pb.h"

namespace sluice {

struct PostingInput {
  v1::Job job;
  InputPlace place;
  // Of job.posting().description() to the description as the file has it: the value of its JSON member (a
  // list's parts joined by ", ", a JobPosting's by line ends) or CSV field, as UTF-8, in bytes. Text of other
  // fields behind it, such as a JobPosting's skills, is in none.
  OffsetMap description_map;
};

}  // namespace sluice
