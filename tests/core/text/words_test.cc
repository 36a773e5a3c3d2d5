#include "core/text/words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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

TEST(StemTest, StemsEnglish) {
  EXPECT_EQ(EnglishStem("engineering"), "engin");
  EXPECT_EQ(EnglishStem("engineers"), "engin");
  EXPECT_EQ(EnglishStem("c++"), "c++");
  EXPECT_TRUE(IsStopWord("with"));
  EXPECT_FALSE(IsStopWord("without"));
}

}  // namespace
}  // namespace sluice
