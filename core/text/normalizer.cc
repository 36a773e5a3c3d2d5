#include "core/text/normalizer.h"

#include <unicode/bytestream.h>
#include <unicode/stringpiece.h>
#include <unicode/uniset.h>
#include <unicode/utf8.h>

#include <array>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/text/decomposition.h"
#include "core/text/unicode.h"

namespace sluice {
namespace {

void AppendUtf8(char32_t c, std::string* out) {
  char bytes[U8_MAX_LENGTH];
  int32_t length = 0;
  U8_APPEND_UNSAFE(bytes, length, static_cast<UChar32>(c));
  out->append(bytes, length);
}

void AppendLowerCase(char32_t c, std::string* out) {
  const unicode::LowerCase lower = unicode::ToLower(c);
  AppendUtf8(lower.first, out);
  if (lower.second != 0) AppendUtf8(lower.second, out);
}

size_t EndOfAscii(absl::string_view text, size_t start) {
  while (start < text.size() && U8_IS_SINGLE(text[start])) ++start;
  return start;
}

class BertNormalizer final : public Normalizer {
 public:
  BertNormalizer(const BertNormalizerOptions& options, const Decomposer& decomposer)
      : options_(options), decomposer_(decomposer) {
    for (size_t c = 0; c < ascii_.size(); ++c) ascii_[c] = FoldAscii(static_cast<unsigned char>(c));
  }

  void Normalize(absl::string_view text, std::string* out) const override {
    out->clear();
    out->reserve(text.size() + 16);
    Scratch scratch;
    for (size_t i = 0; i < text.size();) {
      if (const size_t end = EndOfAscii(text, i); end > i) {
        FlushMarks(&scratch, out);
        AppendAscii(text.substr(i, end - i), out);
        i = end;
      } else {
        AppendFolded(unicode::Next(text, &i), &scratch, out);
      }
    }
    FlushMarks(&scratch, out);
  }

 private:
  static constexpr unsigned char kDropped = 0xFF;

  struct Scratch {
    std::vector<char32_t> parts;
    MarkRun marks;
  };

  unsigned char FoldAscii(unsigned char c) const {
    if (options_.clean_text && unicode::IsWhitespace(c) && !unicode::IsControl(c)) return ' ';
    if (options_.clean_text && unicode::IsControl(c)) return kDropped;
    return options_.lowercase ? absl::ascii_tolower(c) : c;
  }

  void AppendAscii(absl::string_view run, std::string* out) const {
    const size_t before = out->size();
    out->resize(before + run.size());
    char* write = out->data() + before;
    for (const char byte : run) {
      const unsigned char folded = ascii_[static_cast<unsigned char>(byte)];
      *write = static_cast<char>(folded);
      write += folded != kDropped;
    }
    out->resize(write - out->data());
  }

  void AppendFolded(char32_t c, Scratch* scratch, std::string* out) const {
    if (options_.clean_text) {
      if (c == unicode::kReplacement || unicode::IsControl(c)) return;
      if (unicode::IsWhitespace(c)) c = ' ';
    }
    const bool chinese = options_.handle_chinese_chars && unicode::IsChinese(c);
    if (chinese) AppendStarter(' ', scratch, out);
    if (options_.strip_accents) {
      AppendWithoutAccents(c, scratch, out);
    } else {
      AppendStarter(c, scratch, out);
    }
    if (chinese) AppendStarter(' ', scratch, out);
  }

  // Marks that are dropped need no ordering; but a dropped starter still keeps the marks around it apart.
  void AppendWithoutAccents(char32_t c, Scratch* scratch, std::string* out) const {
    scratch->parts.clear();
    decomposer_.Append(c, &scratch->parts);
    for (const char32_t part : scratch->parts) {
      const uint8_t combining_class = unicode::CombiningClass(part);
      if (combining_class == 0) FlushMarks(scratch, out);
      if (unicode::IsNonspacingMark(part)) continue;
      if (combining_class == 0) {
        AppendCased(part, out);
      } else {
        scratch->marks.Add(part, combining_class);
      }
    }
  }

  void AppendStarter(char32_t c, Scratch* scratch, std::string* out) const {
    FlushMarks(scratch, out);
    AppendCased(c, out);
  }

  void FlushMarks(Scratch* scratch, std::string* out) const {
    if (scratch->marks.empty()) return;
    scratch->marks.Flush([&](char32_t mark) { AppendCased(mark, out); });
  }

  void AppendCased(char32_t c, std::string* out) const {
    options_.lowercase ? AppendLowerCase(c, out) : AppendUtf8(c, out);
  }

  const BertNormalizerOptions options_;
  const Decomposer decomposer_;
  std::array<unsigned char, 128> ascii_;
};

class LowercaseNormalizer final : public Normalizer {
 public:
  void Normalize(absl::string_view text, std::string* out) const override {
    out->clear();
    for (size_t i = 0; i < text.size();) AppendLowerCase(unicode::Next(text, &i), out);
  }
};

class StripAccentsNormalizer final : public Normalizer {
 public:
  void Normalize(absl::string_view text, std::string* out) const override {
    out->clear();
    for (size_t i = 0; i < text.size();) {
      const char32_t c = unicode::Next(text, &i);
      if (!unicode::IsMark(c)) AppendUtf8(c, out);
    }
  }
};

class DecompositionNormalizer final : public Normalizer {
 public:
  explicit DecompositionNormalizer(const Decomposer& decomposer) : decomposer_(decomposer) {}

  void Normalize(absl::string_view text, std::string* out) const override {
    out->clear();
    MarkRun marks;
    std::vector<char32_t> parts;
    const auto emit = [out](char32_t mark) { AppendUtf8(mark, out); };
    for (size_t i = 0; i < text.size();) {
      parts.clear();
      decomposer_.Append(unicode::Next(text, &i), &parts);
      for (const char32_t part : parts) {
        if (const uint8_t combining_class = unicode::CombiningClass(part); combining_class != 0) {
          marks.Add(part, combining_class);
        } else {
          marks.Flush(emit);
          AppendUtf8(part, out);
        }
      }
    }
    marks.Flush(emit);
  }

 private:
  const Decomposer decomposer_;
};

// Composes text that is decomposed and ordered already, which ICU does in linear time.
class CompositionNormalizer final : public Normalizer {
 public:
  CompositionNormalizer(const icu::Normalizer2& nfc, const icu::UnicodeSet& code_points)
      : code_points_(code_points), composer_(nfc, code_points_) {}

  void Normalize(absl::string_view text, std::string* out) const override {
    out->clear();
    UErrorCode error = U_ZERO_ERROR;
    icu::StringByteSink<std::string> sink(out);
    composer_.normalizeUTF8(0, icu::StringPiece(text.data(), static_cast<int32_t>(text.size())), sink,
                            nullptr, error);
  }

 private:
  const icu::UnicodeSet code_points_;
  const icu::FilteredNormalizer2 composer_;
};

absl::StatusOr<std::unique_ptr<Normalizer>> MakeComposition() {
  UErrorCode error = U_ZERO_ERROR;
  const icu::Normalizer2* nfc = icu::Normalizer2::getNFCInstance(error);
  icu::UnicodeSet code_points(icu::UnicodeString(u"[:age=9.0:]"), error);
  if (U_FAILURE(error)) {
    return absl::FailedPreconditionError(absl::StrCat("ICU has no data for NFC: ", u_errorName(error)));
  }
  return std::make_unique<CompositionNormalizer>(*nfc, code_points);
}

class NormalizerSequence final : public Normalizer {
 public:
  explicit NormalizerSequence(std::vector<std::unique_ptr<Normalizer>> steps) : steps_(std::move(steps)) {}

  void Normalize(absl::string_view text, std::string* out) const override {
    if (steps_.empty()) return CopyWellFormed(text, out);
    steps_.front()->Normalize(text, out);
    std::string previous;
    for (size_t i = 1; i < steps_.size(); ++i) {
      previous.swap(*out);
      steps_[i]->Normalize(previous, out);
    }
  }

 private:
  static void CopyWellFormed(absl::string_view text, std::string* out) {
    out->clear();
    for (size_t i = 0; i < text.size();) AppendUtf8(unicode::Next(text, &i), out);
  }

  const std::vector<std::unique_ptr<Normalizer>> steps_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Normalizer>> MakeBertNormalizer(const BertNormalizerOptions& options) {
  SLUICE_ASSIGN_OR_RETURN(const Decomposer decomposer, Decomposer::Create(/*compatibility=*/false));
  return std::make_unique<BertNormalizer>(options, decomposer);
}

absl::StatusOr<std::unique_ptr<Normalizer>> MakeUnicodeFormNormalizer(UnicodeForm form) {
  const bool compatibility = form == UnicodeForm::kNfkd || form == UnicodeForm::kNfkc;
  SLUICE_ASSIGN_OR_RETURN(const Decomposer decomposer, Decomposer::Create(compatibility));
  auto decomposition = std::make_unique<DecompositionNormalizer>(decomposer);
  if (form == UnicodeForm::kNfd || form == UnicodeForm::kNfkd) return decomposition;
  std::vector<std::unique_ptr<Normalizer>> steps;
  steps.push_back(std::move(decomposition));
  SLUICE_ASSIGN_OR_RETURN(steps.emplace_back(), MakeComposition());
  return MakeNormalizerSequence(std::move(steps));
}

std::unique_ptr<Normalizer> MakeLowercaseNormalizer() {
  return std::make_unique<LowercaseNormalizer>();
}

std::unique_ptr<Normalizer> MakeStripAccentsNormalizer() {
  return std::make_unique<StripAccentsNormalizer>();
}

std::unique_ptr<Normalizer> MakeNormalizerSequence(std::vector<std::unique_ptr<Normalizer>> steps) {
  return std::make_unique<NormalizerSequence>(std::move(steps));
}

}  // namespace sluice
