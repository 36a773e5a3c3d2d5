// How values of the contract are written into columns.
#pragma once

#include <cstdint>
#include <limits>

#include "absl/time/time.h"
#include "core/store/batch_store.h"

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

}  // namespace sluice
