#include "core/text/decomposition.h"

#include <array>

#include "absl/strings/str_cat.h"
#include "core/text/unicode.h"

namespace sluice {

absl::StatusOr<Decomposer> Decomposer::Create(bool compatibility) {
  UErrorCode error = U_ZERO_ERROR;
  const icu::Normalizer2* form =
      compatibility ? icu::Normalizer2::getNFKDInstance(error) : icu::Normalizer2::getNFDInstance(error);
  if (U_FAILURE(error)) {
    return absl::FailedPreconditionError(
        absl::StrCat("ICU has no data for ", compatibility ? "NFKD" : "NFD", ": ", u_errorName(error)));
  }
  return Decomposer(form);
}

void Decomposer::Append(char32_t c, std::vector<char32_t>* out) const {
  constexpr char32_t kFirstThatDecomposes = 0xA0;
  icu::UnicodeString parts;
  if (c < kFirstThatDecomposes || !unicode::IsNormalizable(c) ||
      !form_->getDecomposition(static_cast<UChar32>(c), parts)) {
    out->push_back(c);
    return;
  }
  for (int32_t i = 0; i < parts.length(); i = parts.moveIndex32(i, 1)) {
    out->push_back(static_cast<char32_t>(parts.char32At(i)));
  }
}

void MarkRun::Sort() {
  std::array<size_t, 257> starts{};
  for (const Mark& mark : marks_) ++starts[mark.combining_class + 1];
  for (size_t i = 1; i < starts.size(); ++i) starts[i] += starts[i - 1];
  sorted_.resize(marks_.size());
  for (const Mark& mark : marks_) sorted_[starts[mark.combining_class]++] = mark;
  marks_.swap(sorted_);
}

}  // namespace sluice
