// JobIds: gives every job of a batch an id that no other has.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "client/cpp/formats/id_table.h"
#include "client/cpp/formats/input_place.h"
#include "client/cpp/formats/job_places.h"

namespace sluice {

// One for all files of a batch. Takes 21 to 26 bytes a job, whatever its id; see IdTable for how surely
// different ids are told apart. Not thread-safe.
class JobIds {
 public:
  // Completes an empty id to "file:line", with "#2", "#3", … for further postings of one line.
  // INVALID_ARGUMENT for an id that is too long or was there before; the message says where.
  absl::Status Admit(const InputPlace& place, std::string& id);

 private:
  IdTable seen_;
  JobPlaces places_;
  InputPlace last_derived_;
  int64_t derived_here_ = 0;
};

}  // namespace sluice
