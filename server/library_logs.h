// Library logs: what gRPC and protobuf would print on standard error goes into our log.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "core/base/mutex.h"

namespace sluice {

// For a main function to call once, after ConfigureLog and before the first use of the libraries. Their
// errors become warnings, for the server goes on, and the rest debug lines. A client can cause some of them
// as often as it likes, and they quote what it sent: so lines are bounded (LineBudget) and cut
// (WithoutQuotes).
void RouteLibraryLogs();

// Ten lines at once, then one a second. Thread-safe.
class LineBudget {
 public:
  // Nothing when the line is to be left out; else how many were left out since the last one that was not.
  std::optional<int64_t> Take(absl::Duration now);

 private:
  Mutex mutex_;
  double lines_ ABSL_GUARDED_BY(mutex_) = 10;
  absl::Duration counted_at_ ABSL_GUARDED_BY(mutex_) = -absl::InfiniteDuration();
  int64_t left_out_ ABSL_GUARDED_BY(mutex_) = 0;
};

// The beginning of a library's message, up to where it may go on with what a client sent.
std::string WithoutQuotes(absl::string_view message);

}  // namespace sluice
