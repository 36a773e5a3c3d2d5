#include "client/cpp/command/progress.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/cpp/formats/terminal_text.h"

namespace sluice {
namespace {

constexpr int kMaxBarCells = 30;
constexpr int kMinBarCells = 5;

int64_t DoneJobs(const v1::BatchCounts& counts) {
  return counts.succeeded() + counts.failed() + counts.cancelled() + counts.expired();
}

std::string Bar(double done, int cells) {
  const int filled = std::clamp(static_cast<int>(done * cells), 0, cells);
  return absl::StrCat("[", std::string(filled, '#'), std::string(cells - filled, '-'), "]");
}

}  // namespace

std::string WithThousands(int64_t number) {
  const std::string digits = absl::StrCat(std::abs(number));
  std::string text = number < 0 ? "-" : "";
  for (size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) text += ',';
    text += digits[i];
  }
  return text;
}

std::string DurationText(absl::Duration duration) {
  const double seconds = absl::ToDoubleSeconds(duration);
  if (seconds < 1) return absl::StrFormat("%.2f s", seconds);
  if (seconds < 10) return absl::StrFormat("%.1f s", seconds);
  const auto whole = static_cast<int64_t>(std::llround(seconds));
  if (whole < 60) return absl::StrCat(whole, " s");
  if (whole < 3600) return absl::StrCat(whole / 60, " min ", whole % 60, " s");
  return absl::StrCat(whole / 3600, " h ", whole % 3600 / 60, " min");
}

std::string ProgressText(const v1::BatchProgress& progress, int columns) {
  const v1::Batch& batch = progress.batch();
  const int64_t jobs = batch.counts().jobs();
  const int64_t done_jobs = DoneJobs(batch.counts());
  const double done = jobs > 0 ? static_cast<double>(done_jobs) / static_cast<double>(jobs) : 0;
  const bool planning = batch.kind() == "screen" && !batch.has_plan();
  const absl::string_view stage = planning                   ? "phase one"
                                  : batch.kind() == "screen" ? "phase two"
                                                             : batch.kind().c_str();

  std::string tail = absl::StrFormat("  %s/%s  %d %%", WithThousands(done_jobs), WithThousands(jobs),
                                     static_cast<int>(std::floor(done * 100)));
  if (progress.jobs_per_second() > 0) {
    absl::StrAppendFormat(&tail, "  %s/s", WithThousands(std::llround(progress.jobs_per_second())));
  }
  if (progress.has_time_left()) {
    absl::StrAppend(&tail, "  ",
                    DurationText(absl::Seconds(progress.time_left().seconds()) +
                                 absl::Nanoseconds(progress.time_left().nanos())),
                    " left");
  }
  const int room = columns - static_cast<int>(stage.size() + tail.size()) - 3;
  const std::string bar =
      room < kMinBarCells ? std::string() : absl::StrCat(" ", Bar(done, std::min(room, kMaxBarCells)));
  return FitColumns(absl::StrCat(stage, bar, tail), columns);
}

void ProgressLine::Show(absl::string_view text) {
  if (terminal_.err_is_terminal && terminal_.moves) {
    Wipe();
    terminal_.err << text << std::flush;
    on_screen_columns_ = ColumnsOf(text);
    return;
  }
  const absl::Duration now = clock_.MonotonicNow();
  if (now - last_shown_ < kPlainInterval) return;
  last_shown_ = now;
  terminal_.err << text << std::endl;
}

void ProgressLine::Clear() {
  if (on_screen_columns_ == 0) return;
  Wipe();
  terminal_.err << std::flush;
  on_screen_columns_ = 0;
}

void ProgressLine::Wipe() {
  if (terminal_.colour) {
    terminal_.err << "\r\x1b[K";
  } else {
    terminal_.err << '\r' << std::string(on_screen_columns_, ' ') << '\r';
  }
}

}  // namespace sluice
