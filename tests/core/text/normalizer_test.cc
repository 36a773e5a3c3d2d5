#include "core/text/normalizer.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace sluice {
namespace {

using std::string_literals::operator""s;

std::string Normalized(const Normalizer& normalizer, absl::string_view text) {
  std::string out = "what was there before";
  normalizer.Normalize(text, &out);
  return out;
}

std::string Bert(absl::string_view text, const BertNormalizerOptions& options = {}) {
  return Normalized(**MakeBertNormalizer(options), text);
}

std::string Form(UnicodeForm form, absl::string_view text) {
  return Normalized(**MakeUnicodeFormNormalizer(form), text);
}

BertNormalizerOptions None() {
  return {false, false, false, false};
}

// Each maximal ill-formed subsequence is one U+FFFD: the examples of the Unicode standard (tables 3-8 to
// 3-11), and what else goes wrong in practice.
TEST(BrokenUtf8Test, EachMaximalIllFormedSubsequenceIsOneReplacementCharacter) {
  const std::pair<std::string, std::string> cases[] = {
      {"\xC0\xAF\xE0\x80\xBF\xF0\x81\x82\x41", "��������A"},  // overlong
      {"\xED\xA0\x80\xED\xBF\xBF\xED\xAF\x41", "��������A"},  // surrogates
      {"\xF4\x91\x92\x93\xFF\x41\x80\xBF\x42", "�����A��B"},  // beyond U+10FFFF, lone continuations
      {"\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41", "����A"},      // truncated
      {"\x80", "�"},                                          // lone continuation
      {"a\xE4\xB8", "a�"},                                    // cut off at the end
      {"a\xF0\x9F\x9A", "a�"},                                //
      {"\xE4\xB8\xE4\xB8\xAD", "�中"},                        // cut off, then whole
      {"caf\xE9 au lait", "caf� au lait"},                    // Latin-1
      {"\xFE\xFF\x30", "��0"},                                // UTF-16 mark
      {"\xF8\x88\x80\x80\x80", "�����"},                      // five bytes
      {"\xC3\0x"s, "�\0x"s},                                  // NUL is a character
      {"\xEF\xBF\xBD", "�"},                                  // the replacement itself
      {"plain \xF0\x9F\x9A\x80", "plain 🚀"},
  };
  const auto identity = MakeNormalizerSequence({});
  for (const auto& [broken, expected] : cases) EXPECT_EQ(Normalized(*identity, broken), expected);
}

// Every normaliser hands on well-formed text only, so that no later step meets broken bytes.
TEST(BrokenUtf8Test, AllNormalizersReplaceIt) {
  std::vector<std::unique_ptr<Normalizer>> all;
  for (const UnicodeForm form :
       {UnicodeForm::kNfd, UnicodeForm::kNfc, UnicodeForm::kNfkd, UnicodeForm::kNfkc}) {
    all.push_back(*MakeUnicodeFormNormalizer(form));
  }
  all.push_back(MakeLowercaseNormalizer());
  all.push_back(MakeStripAccentsNormalizer());
  all.push_back(*MakeBertNormalizer(None()));
  all.push_back(*MakeBertNormalizer({false, true, true, true}));
  for (const auto& normalizer : all)
    EXPECT_EQ(Normalized(*normalizer, "a\xC3\x9F\xED\xA0\x80z\xC3"), "aß���z�");
  EXPECT_EQ(Bert("a\xE4\xB8z\xC3"), "az") << "cleaning drops U+FFFD";
}

TEST(BertNormalizerTest, CleansControlsAndWhiteSpace) {
  EXPECT_EQ(Bert("a\0b\x01\x7F"
                 "c\u0085\u200B\u00AD\uFFFD\U000E0001\uE000"s),
            "abc");
  EXPECT_EQ(Bert("a\tb\nc\rd\u00A0e\u3000f\u2028g"), "a b c d e f g");
  EXPECT_EQ(Bert("a\x0B"
                 "b\x0C"
                 "c"),
            "abc")
      << "vertical tab and form feed are controls first";
  EXPECT_EQ(Bert("a\tb\u200B", None()), "a\tb\u200B");
}

// The reference knows the categories of Unicode 8: a format control of Unicode 14 is unassigned, and stays.
TEST(BertNormalizerTest, KeepsControlsYoungerThanTheReference) {
  EXPECT_EQ(Bert("a\u0600\u0890"
                 "b"),
            "a\u0890"
            "b");
}

TEST(BertNormalizerTest, PutsSpacesAroundIdeographs) {
  EXPECT_EQ(Bert("a中文b"), "a 中  文 b");
  EXPECT_EQ(Bert("カナ한글"), Form(UnicodeForm::kNfd, "カナ한글")) << "neither kana nor Hangul";
  EXPECT_EQ(Bert("\uF900"), " 豈 ") << "a compatibility ideograph decomposes";
}

TEST(BertNormalizerTest, StripsAccentsAndLowersCase) {
  EXPECT_EQ(Bert("ÀÉÎÕÜ ẞ Ø"), "aeiou ß ø");
  EXPECT_EQ(Bert("E\u0301\u0327X"), "ex");
  EXPECT_EQ(Bert("İ"), "i");
  EXPECT_EQ(Bert("İ", {true, true, false, true}), "i\u0307");
  EXPECT_EQ(Bert("ÀÉ", {true, true, true, false}), "AE");
  EXPECT_EQ(Bert("ΟΔΥΣΣΕΥΣ"), "οδυσσευσ") << "no final sigma: the reference lowers each letter by itself";
}

// Spacing marks survive the stripping, in canonical order; a dropped starter between them keeps them apart.
TEST(BertNormalizerTest, OrdersTheMarksItKeeps) {
  EXPECT_EQ(Bert("a\u302F\U0001D165"), "a\U0001D165\u302F");
  EXPECT_EQ(Bert("a\u302F\u0301\U0001D165"), "a\U0001D165\u302F");
  EXPECT_EQ(Bert("a\u302F\u034F\U0001D165"), "a\u302F\U0001D165");
}

TEST(UnicodeFormTest, ComposesAndDecomposes) {
  EXPECT_EQ(Form(UnicodeForm::kNfd, "é각Å"), "e\u0301\u1100\u1161\u11A8A\u030A");
  EXPECT_EQ(Form(UnicodeForm::kNfc, "e\u0301\u1100\u1161\u11A8\u212B"), "é각\u00C5");
  EXPECT_EQ(Form(UnicodeForm::kNfkd, "ﬁ½"), "fi1\u20442");
  EXPECT_EQ(Form(UnicodeForm::kNfkc, "ﬁ Ａe\u0301"), "fi Aé");
  EXPECT_EQ(Form(UnicodeForm::kNfd, "a\u0301\u0327\u0300"), "a\u0327\u0301\u0300");
  EXPECT_EQ(Form(UnicodeForm::kNfc, "a\u0301\u0327"), "\u00E1\u0327");
}

// The reference normalises by Unicode 9.
TEST(UnicodeFormTest, LeavesYoungerCodePointsAlone) {
  EXPECT_EQ(Form(UnicodeForm::kNfd, "\U00011938"), "\U00011938");
  EXPECT_EQ(Form(UnicodeForm::kNfkc, "\u32FF"), "\u32FF");
}

TEST(SequenceTest, RunsTheStepsInOrder) {
  std::vector<std::unique_ptr<Normalizer>> steps;
  steps.push_back(*MakeUnicodeFormNormalizer(UnicodeForm::kNfd));
  steps.push_back(MakeStripAccentsNormalizer());
  steps.push_back(MakeLowercaseNormalizer());
  EXPECT_EQ(Normalized(*MakeNormalizerSequence(std::move(steps)), "CAFÉ"), "cafe");
}

}  // namespace
}  // namespace sluice
