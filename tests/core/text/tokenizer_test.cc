#include "core/text/tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <ctime>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/error_details.h"

namespace sluice {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Ids = std::vector<int32_t>;

constexpr int kNoLimit = std::numeric_limits<int>::max();

// The ids of tests/golden/tiny_tokenizer.
enum : int32_t {
  kUnk = 1,
  kCls,
  kSep,
  kMask,
  kThe,
  kSenior,
  kEngineer,
  kEngine,
  kEr,
  kS,
  kIng,
  kUn,
  kAff,
  kAble,
  kA,
  kMoreA,
  kC,
  kPlus,
  kHash,
  kDot,
  kComma,
  kHyphen,
  kBang,
  kCafe,
  kZhong,
  kWen,
  kSigma,
  kMoreFinalSigma,
  kMoreSigma,
  kReplacement,
  kMoreReplacement,
  kOpen,
  kClose,
  kMaskWord,
  kX,
  kNodeJs,
  kCPlusPlus,
};

class TokenizerTest : public ::testing::Test {
 protected:
  Ids Encode(absl::string_view text) { return tokenizer_->Encode(text, kNoLimit, Truncation::kError)->ids; }

  // Without the special tokens.
  Ids Pieces(absl::string_view text) {
    const Ids ids = Encode(text);
    return Ids(ids.begin() + 1, ids.end() - 1);
  }

  const std::unique_ptr<Tokenizer> tokenizer_ = *LoadTokenizer("tests/golden/tiny_tokenizer");
};

TEST_F(TokenizerTest, PutsSpecialTokensAroundThePieces) {
  EXPECT_THAT(Encode("The senior engineer."), ElementsAre(kCls, kThe, kSenior, kEngineer, kDot, kSep));
  EXPECT_THAT(Encode(""), ElementsAre(kCls, kSep));
  EXPECT_THAT(Encode(" \t\n"), ElementsAre(kCls, kSep));
  EXPECT_EQ(tokenizer_->vocabulary_size(), 38);
}

TEST_F(TokenizerTest, TakesTheLongestPieceFirst) {
  EXPECT_THAT(Pieces("engineers"), ElementsAre(kEngineer, kS));
  EXPECT_THAT(Pieces("unaffable"), ElementsAre(kUn, kAff, kAble));
}

// A word is unknown as a whole: no pieces of it are left over.
TEST_F(TokenizerTest, AWordThatNoPiecesMakeUpIsOneUnknown) {
  EXPECT_THAT(Pieces("the enginequ the"), ElementsAre(kThe, kUnk, kThe));
  EXPECT_THAT(Pieces("naffable"), ElementsAre(kUnk)) << "##aff does not start a word";
}

// The limit of 20 in the file counts characters, not bytes, after normalising.
TEST_F(TokenizerTest, AWordOverTheCharacterLimitIsUnknown) {
  EXPECT_EQ(Pieces(std::string(20, 'a')).size(), 20u);
  EXPECT_THAT(Pieces(std::string(21, 'a')), ElementsAre(kUnk));
  std::string sigmas;
  for (int i = 0; i < 20; ++i) absl::StrAppend(&sigmas, "σ");
  EXPECT_EQ(Pieces(sigmas).size(), 20u);
  EXPECT_THAT(Pieces(sigmas + "σ"), ElementsAre(kUnk));
}

TEST_F(TokenizerTest, EveryPunctuationMarkAndIdeographIsAWord) {
  EXPECT_THAT(Pieces("a,the!!-a"), ElementsAre(kA, kComma, kThe, kBang, kBang, kHyphen, kA));
  EXPECT_THAT(Pieces("a中文a"), ElementsAre(kA, kZhong, kWen, kA));
}

TEST_F(TokenizerTest, SpecialTokensInTheTextAreFound) {
  EXPECT_THAT(Pieces("the[MASK]a"), ElementsAre(kThe, kMask, kA));
  EXPECT_THAT(Pieces("[[MASK]]"), ElementsAre(kOpen, kMask, kClose));
  EXPECT_THAT(Pieces("[mask]"), ElementsAre(kOpen, kMaskWord, kClose)) << "only as written";
}

// "Node.js" is looked for in the normalised text, "C++" in the text as given and between word boundaries.
TEST_F(TokenizerTest, AddedTokensFollowTheirFlags) {
  EXPECT_THAT(Pieces("NODE.JS nöde.js xNode.jsx"), ElementsAre(kNodeJs, kNodeJs, kX, kNodeJs, kX));
  EXPECT_THAT(Pieces("C++, (C++)"), ElementsAre(kCPlusPlus, kComma, kUnk, kCPlusPlus, kUnk));
  EXPECT_THAT(Pieces("c++"), ElementsAre(kC, kPlus, kPlus));
  EXPECT_THAT(Pieces("xC++ éC++"), ElementsAre(kUnk, kPlus, kPlus, kUnk, kPlus, kPlus));
}

TEST_F(TokenizerTest, LowersGreekLetterByLetter) {
  EXPECT_THAT(Pieces("ΣΣ Σς"), ElementsAre(kSigma, kMoreSigma, kSigma, kMoreFinalSigma));
}

TEST_F(TokenizerTest, BrokenUtf8CountsAsReplacementCharacters) {
  EXPECT_EQ(Encode("the\xE4\xB8 caf\xC3\xA9\xFF a\xF0\x9F"), Encode("the\uFFFD café\uFFFD a\uFFFD"));
}

TEST_F(TokenizerTest, TruncationIsExplicitAndReported) {
  const std::string text = "the senior engineers, a";  // 6 pieces
  const auto whole = tokenizer_->Encode(text, 8, Truncation::kError);
  ASSERT_TRUE(whole.ok());
  EXPECT_FALSE(whole->truncated);
  EXPECT_EQ(whole->untruncated_tokens, 8);

  const auto end = tokenizer_->Encode(text, 5, Truncation::kEnd);
  ASSERT_TRUE(end.ok());
  EXPECT_THAT(end->ids, ElementsAre(kCls, kThe, kSenior, kEngineer, kSep));
  EXPECT_TRUE(end->truncated);
  EXPECT_EQ(end->untruncated_tokens, 8);

  const auto start = tokenizer_->Encode(text, 5, Truncation::kStart);
  ASSERT_TRUE(start.ok());
  EXPECT_THAT(start->ids, ElementsAre(kCls, kS, kComma, kA, kSep));
  EXPECT_TRUE(start->truncated);
}

TEST_F(TokenizerTest, TooLongNamesCountAndLimit) {
  const absl::Status status = tokenizer_->Encode("the senior engineers, a", 7, Truncation::kError).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ReasonOf(status), "TEXT_TOO_LONG");
  EXPECT_THAT(std::string(status.message()), HasSubstr("8 tokens, the limit is 7"));
}

TEST_F(TokenizerTest, ALimitWithoutRoomForATokenIsRefused) {
  const absl::Status status = tokenizer_->Encode("a", 2, Truncation::kEnd).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ReasonOf(status), "");
  EXPECT_TRUE(tokenizer_->Encode("a", 3, Truncation::kError).ok());
}

TEST_F(TokenizerTest, ATextThatFitsIsOneWindow) {
  EXPECT_THAT(tokenizer_->EncodeWindows("the senior", 4), ElementsAre(Ids{kCls, kThe, kSenior, kSep}));
  EXPECT_THAT(tokenizer_->EncodeWindows("", 3), ElementsAre(Ids{kCls, kSep}));
}

// "unaffable" does not fit behind "the senior" in four pieces, so it starts the next window.
TEST_F(TokenizerTest, WindowsEndBeforeAWordThatDoesNotFit) {
  EXPECT_THAT(tokenizer_->EncodeWindows("the senior unaffable a", 6),
              ElementsAre(Ids{kCls, kThe, kSenior, kSep}, Ids{kCls, kUn, kAff, kAble, kA, kSep}));
}

// Ending before the word would leave less than half of the window in use.
TEST_F(TokenizerTest, AWordLongerThanHalfAWindowIsCutWhereTheWindowIsFull) {
  EXPECT_THAT(tokenizer_->EncodeWindows("the unaffable a", 5),
              ElementsAre(Ids{kCls, kThe, kUn, kAff, kSep}, Ids{kCls, kAble, kA, kSep}));
  EXPECT_THAT(
      tokenizer_->EncodeWindows("aaaaa", 4),
      ElementsAre(Ids{kCls, kA, kMoreA, kSep}, Ids{kCls, kMoreA, kMoreA, kSep}, Ids{kCls, kMoreA, kSep}));
}

// Whatever the limit: nothing lost, nothing twice, no window over the limit, none but the last below half.
TEST_F(TokenizerTest, WindowsHoldThePiecesOfTheTextInOrder) {
  std::string text;
  for (int i = 0; i < 60; ++i)
    absl::StrAppend(&text, "the unaffable engineers[MASK], ", std::string(i % 25, 'a'), " Node.js 中");
  const Ids pieces = Pieces(text);
  for (int max_tokens = 3; max_tokens < 300; ++max_tokens) {
    const auto windows = tokenizer_->EncodeWindows(text, max_tokens);
    Ids joined;
    for (const Ids& window : windows) {
      ASSERT_LE(window.size(), static_cast<size_t>(max_tokens));
      ASSERT_TRUE(&window == &windows.back() || window.size() - 2 >= static_cast<size_t>(max_tokens - 2) / 2);
      ASSERT_EQ(window.front(), kCls);
      ASSERT_EQ(window.back(), kSep);
      joined.insert(joined.end(), window.begin() + 1, window.end() - 1);
    }
    ASSERT_EQ(joined, pieces) << "max_tokens " << max_tokens;
  }
}

double CpuSeconds(const Tokenizer& tokenizer, const std::string& text) {
  double best = std::numeric_limits<double>::infinity();
  for (int i = 0; i < 3; ++i) {
    const std::clock_t start = std::clock();
    EXPECT_TRUE(tokenizer.Encode(text, kNoLimit, Truncation::kError).ok());
    best = std::min(best, static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC);
  }
  return best;
}

// Ten times the text costs about ten times as much, whatever is piled up in it. A quadratic step would cost a
// hundred times as much; the bound lies between, far from the noise of a shared machine.
TEST_F(TokenizerTest, TimeIsLinear) {
  const std::vector<std::string> hard = {
      "a",  "the ", "\x80", "\xF0\x9F", "e\u0301\u0327", "\u302F\U0001D165", "[", "[MASK]",
      "C+", "中",   ", ",   "\u200B",   "Node.j"};
  for (const std::string& unit : hard) {
    std::string text;
    while (text.size() < 20'000) text += unit;
    std::string longer;
    for (int i = 0; i < 10; ++i) longer += text;
    const double once = std::max(CpuSeconds(*tokenizer_, text), 1e-4);
    const double ten_times = CpuSeconds(*tokenizer_, longer);
    EXPECT_LE(ten_times, 30 * once) << "runs of " << unit;
  }
}

}  // namespace
}  // namespace sluice
