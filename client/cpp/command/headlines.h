// Headlines: what the ranked table says of a posting, remembered from when it was sent.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "client/cpp/command/job_records.h"

namespace sluice {

// Empty where only the id is known.
struct Headline {
  std::string title;
  std::string company;
  std::string location;
};

// A table shows few postings, but which is known only at the end; so all are kept, packed, up to `max_bytes`.
// Once one does not fit, the rows of it and of those after it show the id alone. Not thread-safe.
class Headlines {
 public:
  static constexpr size_t kDefaultMaxBytes = 24 << 20;

  explicit Headlines(size_t max_bytes = kDefaultMaxBytes) : records_(max_bytes) {}

  // Of the batch's next job.
  void Add(const Headline& headline);

  // An empty one for a job that is not there.
  Headline Find(int64_t job_index) const;

 private:
  JobRecords records_;
};

}  // namespace sluice
