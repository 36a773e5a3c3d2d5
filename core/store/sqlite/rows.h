// How values of the contract are written into columns.
#pragma once

#include <cstdint>
#include <limits>

#include "absl/time/time.h"
#include "core/store/batch.h"

namespace sluice {

// Beyond the states of the contract: gone for every caller, its rows still to be removed.
inline constexpr BatchState kPurging = static_cast<BatchState>(10);

inline int64_t ToColumn(absl::Time time) {
  if (time == absl::InfiniteFuture()) return std::numeric_limits<int64_t>::max();
  if (time == absl::InfinitePast()) return std::numeric_limits<int64_t>::min();
  return absl::ToUnixMicros(time);
}

inline absl::Time TimeOfColumn(int64_t value) {
  if (value == std::numeric_limits<int64_t>::max()) return absl::InfiniteFuture();
  if (value == std::numeric_limits<int64_t>::min()) return absl::InfinitePast();
  return absl::FromUnixMicros(value);
}

// Saturates, so that an infinite lease never ends.
inline int64_t ToColumn(absl::Duration monotonic) {
  return absl::ToInt64Nanoseconds(monotonic);
}

template <typename Enum>
  requires std::is_enum_v<Enum>
constexpr int64_t ToColumn(Enum value) {
  return static_cast<int64_t>(value);
}

// States in SQL. An index's condition must be spelt in every query that is to use it, so these are texts, and
// asserted.
#define SLUICE_UPLOADING "1"
#define SLUICE_PENDING "2"
#define SLUICE_RUNNING "3"
#define SLUICE_PURGING "10"
#define SLUICE_NOT_ENDED "state < 5"  // as the index batch_open has it
#define SLUICE_ENDED "state >= 5"     // as the index batch_ended has it
#define SLUICE_OPEN SLUICE_NOT_ENDED " AND state <> " SLUICE_UPLOADING
static_assert(ToColumn(BatchState::kUploading) == 1 && ToColumn(BatchState::kPending) == 2 &&
              ToColumn(BatchState::kRunning) == 3 && ToColumn(BatchState::kCancelling) == 4 &&
              ToColumn(BatchState::kSucceeded) == 5 && ToColumn(kPurging) == 10);

}  // namespace sluice
