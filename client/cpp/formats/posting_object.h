// From a posting's fields as text to a job. Pure.
#pragma once

#include <cstdint>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "client/cpp/formats/input_place.h"
#include "client/cpp/formats/posting_columns.h"
#include "sluice/v1/batches.pb.h"

namespace sluice {

inline constexpr int64_t kMaxPostingBytes = 256 << 10;
inline constexpr size_t kMaxJobIdBytes = 256;

// The job without its id check. An absent id becomes the job_url, else stays empty. INVALID_ARGUMENT names
// place and column: neither title nor description, a bad date, amount, currency, interval or boolean, more
// than kMaxPostingBytes.
absl::StatusOr<v1::Job> JobFromFields(RawPosting fields, const InputPlace& place);

// Gives every job an id that no other has. One for all files of a batch. Not thread-safe.
class JobIds {
 public:
  // Completes an empty id to "file:line", with "#2", "#3", … for further postings of one line.
  // INVALID_ARGUMENT for an id that is too long or was there before; the message says where.
  absl::Status Admit(const InputPlace& place, std::string& id);

 private:
  absl::flat_hash_map<std::string, InputPlace> seen_;
  InputPlace last_derived_;
  int64_t derived_here_ = 0;
};

}  // namespace sluice
