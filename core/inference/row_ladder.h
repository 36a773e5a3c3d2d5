// The row ladder: the few row counts a forward pass is allowed to have.
//
// oneDNN builds a primitive for every new row count and keeps it: 1,400 different counts grew a process from
// 0.26 to 3.5 GB, and each cost 1.5 to 10 ms the first time. So a pass over packed tokens is padded up to the
// next rung.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <vector>

namespace sluice {

inline constexpr int64_t kRowLadderStep = 64;

// The rung for `tokens` (>= 0) packed tokens: the next multiple of 64 up to 2,048 rows, beyond that the next
// multiple of a sixteenth of the power of two below, so that every octave has 16 rungs and padding stays
// within 6.25 % above 1,024 rows. At least 64.
inline int64_t RowsOnLadder(int64_t tokens) {
  const int64_t last = std::max<int64_t>(tokens, 1) - 1;
  const auto octave = static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(last)));
  const int64_t step = std::max(kRowLadderStep, octave / 16);
  return (last / step + 1) * step;
}

// Rows of a pass over `tokens` that belong to no text.
inline int64_t PaddingRows(int64_t tokens) {
  return RowsOnLadder(tokens) - tokens;
}

// Every rung up to and including the one for `max_tokens`, ascending.
inline std::vector<int64_t> RowLadder(int64_t max_tokens) {
  std::vector<int64_t> rungs;
  const int64_t top = RowsOnLadder(max_tokens);
  for (int64_t rung = RowsOnLadder(1); rung <= top; rung = RowsOnLadder(rung + 1)) rungs.push_back(rung);
  return rungs;
}

}  // namespace sluice
