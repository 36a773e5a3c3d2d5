#include "client/cpp/formats/job_places.h"

#include <algorithm>

#include "client/cpp/formats/varint.h"

namespace sluice {
namespace {

constexpr int64_t kJobsBetweenMarks = 64;

}  // namespace

void JobPlaces::Add(const InputPlace& place) {
  if (files_.empty() || files_.back().name != place.file) files_.push_back({size_, place.file});
  AppendVarint(ZigZag(place.line - last_line_), steps_);
  last_line_ = place.line;
  if (size_ % kJobsBetweenMarks == 0) marks_.push_back({steps_.size(), place.line});
  ++size_;
}

std::optional<InputPlace> JobPlaces::Of(int64_t job) const {
  if (job < 0 || job >= size_) return std::nullopt;
  const auto after =
      std::upper_bound(files_.begin(), files_.end(), job,
                       [](int64_t number, const File& file) { return number < file.first_job; });
  const Mark& mark = marks_[job / kJobsBetweenMarks];
  absl::string_view steps(steps_);
  steps.remove_prefix(mark.position);
  int64_t line = mark.line;
  for (int64_t more = job % kJobsBetweenMarks; more > 0; --more) {
    uint64_t step = 0;
    TakeVarint(steps, step);
    line += UnZigZag(step);
  }
  return InputPlace{std::prev(after)->name, line};
}

}  // namespace sluice
