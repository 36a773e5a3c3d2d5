#include "core/text/words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "absl/strings/ascii.h"
#include "core/text/eight_bytes.h"

namespace sluice {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> Terms(const std::string& text) {
  const std::string lowered = LowerKeepingOffsets(text);
  std::vector<std::string> words;
  for (const Word word : TermWords(lowered)) words.emplace_back(WordIn(lowered, word));
  return words;
}

std::vector<std::string> Scoring(const std::string& text) {
  const std::string lowered = LowerKeepingOffsets(text);
  std::vector<std::string> words;
  for (const Word word : ScoringWords(lowered)) words.emplace_back(WordIn(lowered, word));
  return words;
}

// Names of languages and tools are one word each, with their signs.
TEST(TermWordsTest, KeepsTheSignsOfNames) {
  EXPECT_THAT(Terms("C++, C# and .NET; Node.js, L&D (F#)."),
              ElementsAre("c++", "c#", "and", ".net", "node.js", "l&d", "f#"));
  EXPECT_THAT(Terms("full-time, ASP.NET, AT&T."), ElementsAre("full-time", "asp.net", "at&t"));
}

// A slash joins words that stand on their own.
TEST(TermWordsTest, SplitsAtSlashesAndKeepsThem) {
  EXPECT_THAT(Terms("Java/Kotlin CI/CD"), ElementsAre("java", "/", "kotlin", "ci", "/", "cd"));
}

// A sentence's full stop is no part of its last word, and an apostrophe parts words.
TEST(TermWordsTest, EndsWordsAtPunctuation) {
  EXPECT_THAT(Terms("We use Go. Don't wait..."), ElementsAre("we", "use", "go", "don", "t", "wait"));
  EXPECT_THAT(Terms("-- . & #"), IsEmpty());
}

// Offsets count bytes of the text as it was given, whatever its script.
TEST(TermWordsTest, OffsetsPointIntoTheOriginal) {
  const std::string text = "Größe: ÄRZTE, Москва, 東京 İstanbul";
  const std::string lowered = LowerKeepingOffsets(text);
  ASSERT_EQ(lowered.size(), text.size());
  std::vector<std::string> originals;
  for (const Word word : TermWords(lowered)) originals.emplace_back(WordIn(text, word));
  EXPECT_THAT(originals, ElementsAre("Größe", "ÄRZTE", "Москва", "東京", "İstanbul"));
  EXPECT_THAT(Terms(text), ElementsAre("größe", "ärzte", "москва", "東京", "İstanbul"));
}

// Bytes that are no UTF-8 separate words and stay as they are.
TEST(TermWordsTest, BrokenUtf8Separates) {
  const std::string broken =
      "a\xff"
      "B\xe2\x82";
  EXPECT_EQ(LowerKeepingOffsets(broken),
            "a\xff"
            "b\xe2\x82");
  EXPECT_THAT(Terms(broken), ElementsAre("a", "b"));
}

// BM25's words are those of the reference expression, letters of other scripts added.
TEST(ScoringWordsTest, FollowsTheReferenceExpression) {
  EXPECT_THAT(Scoring("C++ driver's e-mail .NET node.js R&D 5+ and/or O'Neil-Smith's."),
              ElementsAre("c++", "driver's", "e-mail", "net", "node.js", "r", "d", "5+", "and", "or",
                          "o'neil-smith's"));
  EXPECT_THAT(Scoring("Café -x- über"), ElementsAre("café", "x", "über"));
}

// The definition, byte by byte.
std::vector<std::string> SlowWords(const std::string& text, absl::string_view inner, bool terms) {
  const auto letter_bytes = [&](size_t at) -> size_t {
    if (at >= text.size()) return 0;
    const auto byte = static_cast<unsigned char>(text[at]);
    if (byte < 0x80) return absl::ascii_isalnum(byte) ? 1 : 0;
    // What the random texts have of other scripts: two-byte letters, and bytes that are no UTF-8.
    return (byte == 0xC3 || byte == 0xD0) && at + 1 < text.size() &&
                   (static_cast<unsigned char>(text[at + 1]) & 0xC0) == 0x80
               ? 2
               : 0;
  };
  const auto run_end = [&](size_t at) {
    while (true) {
      const bool sign = at < text.size() && (text[at] == '+' || text[at] == '#');
      const size_t bytes = sign ? 1 : letter_bytes(at);
      if (bytes == 0) return at;
      at += bytes;
    }
  };
  std::vector<std::string> words;
  for (size_t at = 0; at < text.size();) {
    const bool after_break =
        at == 0 || absl::string_view(" \n([{,/\"").find(text[at - 1]) != std::string::npos;
    const bool dot = terms && text[at] == '.' && letter_bytes(at + 1) > 0 && after_break;
    if (terms && text[at] == '/') {
      words.emplace_back("/");
      ++at;
    } else if (!dot && letter_bytes(at) == 0) {
      ++at;
    } else {
      size_t end = run_end(dot ? at + 1 : at);
      while (end < text.size() && inner.find(text[end]) != absl::string_view::npos &&
             (terms ? letter_bytes(end + 1) > 0 : run_end(end + 1) > end + 1)) {
        end = run_end(end + 1);
      }
      words.push_back(text.substr(at, end - at));
      at = end;
    }
  }
  return words;
}

// Words are found 64 bytes at a time; what is found is what the definition says, wherever the borders fall.
TEST(WordsTest, AreThoseOfTheDefinition) {
  constexpr const char* kPieces[] = {"a", "b", "xyz",  "7",    " ",    " ",         "\n", ".",
                                     "-", "&", "'",    "+",    "#",    "/",         "(",  ",",
                                     "ö", "д", "\xff", "\xc3", "word", "longerword"};
  std::mt19937 random(7);
  for (int round = 0; round < 4000; ++round) {
    std::string text;
    for (size_t pieces = random() % 90; pieces > 0; --pieces) text += kPieces[random() % std::size(kPieces)];
    ASSERT_EQ(Terms(text), SlowWords(text, ".-&", true)) << text;
    ASSERT_EQ(Scoring(text), SlowWords(text, ".'-", false)) << text;
  }
}

TEST(EightBytesTest, RangesHoldTheirBytesAndNoOthers) {
  for (int byte = 0; byte < 256; ++byte) {
    const uint64_t eight = kEachByte * static_cast<uint64_t>(byte);
    EXPECT_EQ(BytesInRange(eight, 'a', 'z'), byte >= 'a' && byte <= 'z' ? kHighBits : 0) << byte;
    EXPECT_EQ(BytesInRange(eight, '+', '+'), byte == '+' ? kHighBits : 0) << byte;
  }
  // Neighbours do not disturb one another.
  EXPECT_EQ(GatherHighBits(BytesInRange(EightBytesAt("z{`a\x80"
                                                     "A9a",
                                                     0),
                                        'a', 'z')),
            0b10001001u);
}

TEST(EightBytesTest, NextDigitFindsEachDigit) {
  const std::string text = "no digit here, then 2 and 39, and at the very end 4";
  std::string digits;
  for (size_t at = NextDigit(text, 0); at < text.size(); at = NextDigit(text, at + 1)) digits += text[at];
  EXPECT_EQ(digits, "2394");
  EXPECT_EQ(NextDigit("none", 0), 4u);
  EXPECT_EQ(NextDigit("", 0), 0u);
}

TEST(StemTest, StemsEnglish) {
  EXPECT_EQ(EnglishStem("engineering"), "engin");
  EXPECT_EQ(EnglishStem("engineers"), "engin");
  EXPECT_EQ(EnglishStem("c++"), "c++");
  EXPECT_TRUE(IsStopWord("with"));
  EXPECT_TRUE(IsStopWord("a"));
  EXPECT_TRUE(IsStopWord("other"));
  EXPECT_FALSE(IsStopWord(""));
  EXPECT_FALSE(IsStopWord("others"));
  EXPECT_FALSE(IsStopWord("th"));
  EXPECT_FALSE(IsStopWord("without"));
}

}  // namespace
}  // namespace sluice
