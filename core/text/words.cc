#include "core/text/words.h"

#include <libstemmer.h>
#include <utf8proc.h>

#include <array>
#include <cstdint>
#include <memory>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/ascii.h"

namespace sluice {
namespace {

constexpr size_t kStemsRemembered = 1 << 15;

bool IsAscii(char c) {
  return static_cast<unsigned char>(c) < 0x80;
}

struct CodePoint {
  utf8proc_int32_t value = -1;  // -1: no UTF-8
  int bytes = 1;
};

CodePoint CodePointAt(absl::string_view text, size_t at) {
  CodePoint point;
  const auto bytes = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()) + at,
                                      static_cast<utf8proc_ssize_t>(text.size() - at), &point.value);
  if (bytes <= 0) return {};
  point.bytes = static_cast<int>(bytes);
  return point;
}

bool IsWordCategory(utf8proc_category_t category) {
  switch (category) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
      return true;
    default:
      return false;
  }
}

enum ByteClass : uint8_t { kOther, kLetter, kSign, kBeyondAscii };

// A table because every byte of every posting is looked up here.
constexpr std::array<ByteClass, 256> kClassOf = [] {
  std::array<ByteClass, 256> classes{};
  for (int c = 0; c < 256; ++c) {
    const bool letter = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    classes[c] = c >= 0x80 ? kBeyondAscii : letter ? kLetter : c == '+' || c == '#' ? kSign : kOther;
  }
  return classes;
}();

ByteClass ClassOf(char c) {
  return kClassOf[static_cast<unsigned char>(c)];
}

// Bytes of the letter or digit at `at`; 0 when there is none.
size_t LetterAt(absl::string_view text, size_t at) {
  if (at >= text.size()) return 0;
  if (const ByteClass of_byte = ClassOf(text[at]); of_byte != kBeyondAscii) return of_byte == kLetter ? 1 : 0;
  const CodePoint point = CodePointAt(text, at);
  return point.value >= 0 && IsWordCategory(utf8proc_category(point.value)) ? point.bytes : 0;
}

// End of the run of letters, digits, + and # from `at`.
size_t RunEnd(absl::string_view text, size_t at) {
  while (at < text.size()) {
    const ByteClass of_byte = ClassOf(text[at]);
    if (of_byte == kOther) break;
    const size_t letter = of_byte == kBeyondAscii ? LetterAt(text, at) : 1;
    if (letter == 0) break;
    at += letter;
  }
  return at;
}

bool BeginsDotWord(absl::string_view text, size_t at) {
  return text[at] == '.' && LetterAt(text, at + 1) > 0 &&
         (at == 0 || absl::ascii_isspace(static_cast<unsigned char>(text[at - 1])) ||
          absl::string_view("([{,/\"").find(text[at - 1]) != absl::string_view::npos);
}

// An English stemmer and the stems it gave. A stemmer object is not thread-safe and costs more to make than
// to use.
class RememberingStemmer {
 public:
  RememberingStemmer() : stemmer_(sb_stemmer_new("english", nullptr), &sb_stemmer_delete) {}

  absl::string_view Stem(absl::string_view word) {
    const auto found = stems_.find(word);
    if (found != stems_.end()) return found->second;
    if (stems_.size() >= kStemsRemembered) stems_.clear();
    const auto* letters = reinterpret_cast<const sb_symbol*>(word.data());
    const sb_symbol* stem = sb_stemmer_stem(stemmer_.get(), letters, static_cast<int>(word.size()));
    std::string made =
        stem == nullptr ? std::string(word)
                        : std::string(reinterpret_cast<const char*>(stem), sb_stemmer_length(stemmer_.get()));
    return stems_.emplace(std::string(word), std::move(made)).first->second;
  }

 private:
  std::unique_ptr<sb_stemmer, void (*)(sb_stemmer*)> stemmer_;
  absl::flat_hash_map<std::string, std::string> stems_;
};

}  // namespace

std::string LowerKeepingOffsets(absl::string_view text) {
  std::string lowered(text);
  for (size_t at = 0; at < lowered.size();) {
    if (IsAscii(lowered[at])) {
      lowered[at] = absl::ascii_tolower(static_cast<unsigned char>(lowered[at]));
      ++at;
      continue;
    }
    const CodePoint point = CodePointAt(text, at);
    if (point.value >= 0) {
      const utf8proc_int32_t lower = utf8proc_tolower(point.value);
      utf8proc_uint8_t bytes[4];
      if (lower != point.value && utf8proc_encode_char(lower, bytes) == point.bytes) {
        lowered.replace(at, point.bytes, reinterpret_cast<const char*>(bytes), point.bytes);
      }
    }
    at += point.bytes;
  }
  return lowered;
}

std::vector<Word> TermWords(absl::string_view lowered) {
  std::vector<Word> words;
  words.reserve(lowered.size() / 6);
  for (size_t at = 0; at < lowered.size();) {
    if (lowered[at] == '/') {
      words.push_back({static_cast<int>(at), static_cast<int>(at + 1)});
      ++at;
      continue;
    }
    const bool dot = BeginsDotWord(lowered, at);
    if (!dot && LetterAt(lowered, at) == 0) {
      ++at;
      continue;
    }
    size_t end = RunEnd(lowered, dot ? at + 1 : at);
    while (end < lowered.size() && (lowered[end] == '.' || lowered[end] == '-' || lowered[end] == '&') &&
           LetterAt(lowered, end + 1) > 0) {
      end = RunEnd(lowered, end + 1);
    }
    words.push_back({static_cast<int>(at), static_cast<int>(end)});
    at = end;
  }
  return words;
}

std::vector<Word> ScoringWords(absl::string_view lowered) {
  std::vector<Word> words;
  words.reserve(lowered.size() / 6);
  for (size_t at = 0; at < lowered.size();) {
    if (LetterAt(lowered, at) == 0) {
      ++at;
      continue;
    }
    size_t end = RunEnd(lowered, at);
    while (end < lowered.size() && (lowered[end] == '.' || lowered[end] == '\'' || lowered[end] == '-')) {
      const size_t next = RunEnd(lowered, end + 1);
      if (next == end + 1) break;
      end = next;
    }
    words.push_back({static_cast<int>(at), static_cast<int>(end)});
    at = end;
  }
  return words;
}

bool IsStopWord(absl::string_view lowered_word) {
  static const auto* const kStopWords = new absl::flat_hash_set<absl::string_view>{
      "a",    "an",    "and", "are",  "as",   "at",  "be",   "by",   "for",  "from", "has",   "have",
      "i",    "in",    "is",  "it",   "its",  "of",  "on",   "or",   "that", "the",  "their", "they",
      "this", "to",    "was", "we",   "with", "you", "your", "will", "our",  "my",   "not",   "other",
      "such", "using", "use", "used", "work", "job", "role", "who",  "may",  "can"};
  return lowered_word.size() <= 5 && kStopWords->contains(lowered_word);
}

absl::string_view EnglishStem(absl::string_view lowered_word) {
  // Thread-local because a stemmer may serve one thread at a time and is asked for every word of every
  // posting.
  thread_local RememberingStemmer stemmer;
  return stemmer.Stem(lowered_word);
}

}  // namespace sluice
