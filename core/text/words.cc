#include "core/text/words.h"

#include <libstemmer.h>
#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <memory>

#include "absl/container/flat_hash_map.h"
#include "absl/container/inlined_vector.h"
#include "absl/strings/ascii.h"
#include "core/text/eight_bytes.h"

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

// Which bytes of a text belong to letters and digits, and which to runs of those with + and #: one bit a
// byte, so that a word is found by counting zeros and not by a branch a byte. A byte behind the text is in
// neither.
class WordBytes {
 public:
  explicit WordBytes(absl::string_view text) : letters_(text.size() / 64 + 1), runs_(letters_.size()) {
    constexpr uint64_t kToLower = 0x20 * kEachByte;
    uint64_t beyond_ascii = 0;
    for (size_t at = 0; at < text.size(); at += 8) {
      const uint64_t eight = EightBytesAt(text, at);
      const uint64_t letters = BytesInRange(eight | kToLower, 'a', 'z') | BytesInRange(eight, '0', '9');
      const uint64_t signs = BytesInRange(eight, '+', '+') | BytesInRange(eight, '#', '#');
      letters_[at / 64] |= GatherHighBits(letters) << (at % 64);
      runs_[at / 64] |= GatherHighBits(letters | signs) << (at % 64);
      beyond_ascii |= eight & kHighBits;
    }
    if (beyond_ascii != 0) AddLettersBeyondAscii(text);
  }

  bool IsLetter(size_t at) const { return (letters_[at / 64] >> (at % 64) & 1) != 0; }
  // The first letter or digit from `at` on; behind the text when there is none.
  size_t NextLetter(size_t at) const { return Next(letters_, 0, at); }
  // The end of the run of letters, digits, + and # from `at`.
  size_t RunEnd(size_t at) const { return Next(runs_, ~uint64_t{0}, at); }

 private:
  using Bits = absl::InlinedVector<uint64_t, 64>;

  // The first bit from `at` on that differs from those of `skipped`.
  static size_t Next(const Bits& bits, uint64_t skipped, size_t at) {
    size_t block = at / 64;
    uint64_t left = (bits[block] ^ skipped) & (~uint64_t{0} << (at % 64));
    while (left == 0) {
      if (++block == bits.size()) return std::string::npos;
      left = bits[block] ^ skipped;
    }
    return block * 64 + static_cast<size_t>(std::countr_zero(left));
  }

  void AddLettersBeyondAscii(absl::string_view text) {
    for (size_t at = 0; at < text.size();) {
      if (IsAscii(text[at])) {
        ++at;
        continue;
      }
      const CodePoint point = CodePointAt(text, at);
      const bool letter = point.value >= 0 && IsWordCategory(utf8proc_category(point.value));
      for (size_t end = at + point.bytes; at < end; ++at) {
        letters_[at / 64] |= uint64_t{letter} << (at % 64);
        runs_[at / 64] |= uint64_t{letter} << (at % 64);
      }
    }
  }

  Bits letters_;
  Bits runs_;
};

bool BeginsDotWord(absl::string_view text, const WordBytes& bytes, size_t at) {
  return text[at] == '.' && bytes.IsLetter(at + 1) &&
         (at == 0 || absl::ascii_isspace(static_cast<unsigned char>(text[at - 1])) ||
          absl::string_view("([{,/\"").find(text[at - 1]) != absl::string_view::npos);
}

constexpr size_t kStopWordBytes = 5;

constexpr uint64_t Packed(absl::string_view word) {
  uint64_t packed = 0;
  for (const char c : word) packed = packed << 8 | static_cast<unsigned char>(c);
  return packed;
}

constexpr size_t StopWordSlot(uint64_t packed) {
  return static_cast<size_t>((packed * 0x9E3779B97F4A7C15) >> 57);
}

// Packed words at their slot or the next that was free, in a table that is mostly empty: every word of every
// posting is looked up here.
constexpr std::array<uint64_t, 128> kStopWords = [] {
  constexpr absl::string_view kWords[] = {
      "a",    "an",    "and", "are",  "as",   "at",  "be",   "by",   "for",  "from", "has",   "have",
      "i",    "in",    "is",  "it",   "its",  "of",  "on",   "or",   "that", "the",  "their", "they",
      "this", "to",    "was", "we",   "with", "you", "your", "will", "our",  "my",   "not",   "other",
      "such", "using", "use", "used", "work", "job", "role", "who",  "may",  "can"};
  std::array<uint64_t, 128> slots{};
  for (const absl::string_view word : kWords) {
    size_t slot = StopWordSlot(Packed(word));
    while (slots[slot] != 0) slot = (slot + 1) % slots.size();
    slots[slot] = Packed(word);
  }
  return slots;
}();

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
  unsigned char all = 0;
  for (char& c : lowered) {  // without a branch, so that it is done many bytes at a time
    const auto byte = static_cast<unsigned char>(c);
    all |= byte;
    c = static_cast<char>(byte + (static_cast<unsigned char>(byte - 'A') < 26 ? 'a' - 'A' : 0));
  }
  if (all < 0x80) return lowered;
  for (size_t at = 0; at < lowered.size();) {
    if (IsAscii(lowered[at])) {
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
  const WordBytes bytes(lowered);
  std::vector<Word> words;
  words.reserve(lowered.size() / 5);
  const auto add = [&](size_t begin, size_t end) {
    words.push_back({static_cast<int>(begin), static_cast<int>(end)});
  };
  for (size_t at = 0; at < lowered.size();) {
    const size_t letter = std::min(bytes.NextLetter(at), lowered.size());
    // Between words stands a byte or two, mostly: a slash is a word, a dot may begin the next.
    for (; at < letter; ++at) {
      if (lowered[at] == '/') add(at, at + 1);
      if (at + 1 == letter && BeginsDotWord(lowered, bytes, at)) break;
    }
    if (letter == lowered.size()) break;
    size_t end = bytes.RunEnd(letter);
    while (end < lowered.size() && (lowered[end] == '.' || lowered[end] == '-' || lowered[end] == '&') &&
           bytes.IsLetter(end + 1)) {
      end = bytes.RunEnd(end + 1);
    }
    add(at, end);
    at = end;
  }
  return words;
}

std::vector<Word> ScoringWords(absl::string_view lowered) {
  const WordBytes bytes(lowered);
  std::vector<Word> words;
  words.reserve(lowered.size() / 5);
  for (size_t at = bytes.NextLetter(0); at < lowered.size();) {
    size_t end = bytes.RunEnd(at);
    while (end < lowered.size() && (lowered[end] == '.' || lowered[end] == '\'' || lowered[end] == '-')) {
      const size_t next = bytes.RunEnd(end + 1);
      if (next == end + 1) break;
      end = next;
    }
    words.push_back({static_cast<int>(at), static_cast<int>(end)});
    at = bytes.NextLetter(end);
  }
  return words;
}

bool IsStopWord(absl::string_view lowered_word) {
  if (lowered_word.empty() || lowered_word.size() > kStopWordBytes) return false;
  const uint64_t packed = Packed(lowered_word);
  for (size_t slot = StopWordSlot(packed); kStopWords[slot] != 0; slot = (slot + 1) % kStopWords.size()) {
    if (kStopWords[slot] == packed) return true;
  }
  return false;
}

absl::string_view EnglishStem(absl::string_view lowered_word) {
  // Thread-local because a stemmer may serve one thread at a time and is asked for every word of every
  // posting.
  thread_local RememberingStemmer stemmer;
  return stemmer.Stem(lowered_word);
}

}  // namespace sluice
