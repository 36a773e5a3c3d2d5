// Normalizer: the text clean-up of a tokenizer.json, before the text is cut into words.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace sluice {

// Immutable and thread-safe. Linear time.
class Normalizer {
 public:
  virtual ~Normalizer() = default;

  // Replaces `*out` by the normalised `text`. Any bytes go in, each maximal ill-formed subsequence as U+FFFD;
  // well-formed UTF-8 comes out.
  virtual void Normalize(absl::string_view text, std::string* out) const = 0;
};

struct BertNormalizerOptions {
  bool clean_text = true;            // drop controls, NUL and U+FFFD; white space becomes a space
  bool handle_chinese_chars = true;  // spaces around ideographs
  bool strip_accents = true;         // NFD, then drop nonspacing marks
  bool lowercase = true;
};

// FAILED_PRECONDITION when ICU has no data.
absl::StatusOr<std::unique_ptr<Normalizer>> MakeBertNormalizer(const BertNormalizerOptions& options);

enum class UnicodeForm { kNfd, kNfc, kNfkd, kNfkc };

// FAILED_PRECONDITION when ICU has no data for the form.
absl::StatusOr<std::unique_ptr<Normalizer>> MakeUnicodeFormNormalizer(UnicodeForm form);

std::unique_ptr<Normalizer> MakeLowercaseNormalizer();
std::unique_ptr<Normalizer> MakeStripAccentsNormalizer();  // drops all marks, decomposes nothing

// One after the other; none leaves well-formed text as it is.
std::unique_ptr<Normalizer> MakeNormalizerSequence(std::vector<std::unique_ptr<Normalizer>> steps);

}  // namespace sluice
