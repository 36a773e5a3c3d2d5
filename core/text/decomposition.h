// Unicode decomposition and canonical ordering, code point by code point, in linear time.
//
// ICU decomposes single code points here but does not order them: its insertion sort is quadratic on a pile
// of combining marks, and such piles come from outside.
#pragma once

#include <unicode/normalizer2.h>

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"

namespace sluice {

// Immutable and thread-safe.
class Decomposer {
 public:
  // FAILED_PRECONDITION when ICU has no data for the form.
  static absl::StatusOr<Decomposer> Create(bool compatibility);

  // Appends the full decomposition of `c` (NFD, or NFKD with `compatibility`), or `c` itself.
  void Append(char32_t c, std::vector<char32_t>* out) const;

 private:
  explicit Decomposer(const icu::Normalizer2* form) : form_(form) {}

  const icu::Normalizer2* form_;  // ICU's own, never freed
};

// Collects the combining marks that follow a starter and hands them on in canonical order (Unicode, D109),
// those of one class in the order they came. Not thread-safe.
class MarkRun {
 public:
  void Add(char32_t mark, uint8_t combining_class) { marks_.push_back({mark, combining_class}); }
  bool empty() const { return marks_.empty(); }

  // Calls `emit(char32_t)` for each mark in order and forgets them.
  template <typename Emit>
  void Flush(const Emit& emit) {
    if (marks_.size() > 1) Sort();
    for (const Mark& mark : marks_) emit(mark.code_point);
    marks_.clear();
  }

 private:
  struct Mark {
    char32_t code_point;
    uint8_t combining_class;
  };
  void Sort();

  std::vector<Mark> marks_;
  std::vector<Mark> sorted_;
};

}  // namespace sluice
