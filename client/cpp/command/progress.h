// Progress of a batch, on a terminal as a bar that moves, elsewhere as a line now and then.
#pragma once

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/cpp/command/terminal.h"
#include "core/base/clock.h"
#include "sluice/v1/batches.pb.h"

namespace sluice {

// "screening [#####-----]  412/1,000  41 %  235/s  3 s left" in at most `columns` cells. Pure.
std::string ProgressText(const v1::BatchProgress& progress, int columns);

// "1,234,567".
std::string WithThousands(int64_t number);

// "0.12 s", "3.4 s", "2 min 5 s".
std::string DurationText(absl::Duration duration);

// Not thread-safe. Nothing of the bar is left on the terminal after Clear or destruction.
class ProgressLine {
 public:
  // Elsewhere than on a terminal a line every this long is enough.
  static constexpr absl::Duration kPlainInterval = absl::Seconds(5);

  // Both must outlive it.
  ProgressLine(Terminal& terminal, const Clock& clock) : terminal_(terminal), clock_(clock) {}
  ~ProgressLine() { Clear(); }

  void Show(absl::string_view text);
  void Clear();

 private:
  // Takes the line away; without colour no escape sequence is used.
  void Wipe();

  Terminal& terminal_;
  const Clock& clock_;
  absl::Duration last_shown_ = -absl::InfiniteDuration();
  int on_screen_columns_ = 0;
};

}  // namespace sluice
