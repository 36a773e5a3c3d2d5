// EndMark: a small empty file beside the store, by which a process that ends of its own accord with leases in
// hand says so. Whoever opens the store next then blames no job for that end.
//
// The store's own file cannot say it: that it cannot be written may be why the process ends. Without the mark
// an end counts as a death, so a mark that is lost errs on the side of suspicion. Blocking;
// thread-compatible.
#pragma once

#include <string>

#include "absl/status/status.h"

namespace sluice {

// `store` is the path of the store's file.
std::string EndMarkOf(const std::string& store);

bool HasEndMark(const std::string& store);

// Failing is logged, no more: the next start takes this end for a death.
void LeaveEndMark(const std::string& store);

// Removes the mark, also from the disk, if there is one: it speaks of one end only. UNAVAILABLE if it stays.
absl::Status RemoveEndMark(const std::string& store);

}  // namespace sluice
