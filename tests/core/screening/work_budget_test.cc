// What phase one may do for one posting: counted, the same everywhere, and ended when it is no longer wanted.
#include "core/screening/work_budget.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "core/base/error_details.h"
#include "core/screening/attributes/work_place.h"
#include "tests/core/screening/screening_testing.h"

namespace sluice {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr size_t kLongPosting = 254 << 10;

std::string Repeated(absl::string_view piece, size_t bytes = kLongPosting) {
  std::string text;
  while (text.size() + piece.size() <= bytes) absl::StrAppend(&text, piece);
  return text;
}

std::vector<Rule> Patterns(int count, const std::string& pattern) {
  std::vector<Rule> rules;
  for (int i = 0; i < count; ++i)
    rules.push_back(Must(RegexCondition{.pattern = pattern}, absl::StrCat("pattern-", i)));
  return rules;
}

// The steps that a posting takes, which both forms of phase one must spend alike, and end alike.
int64_t StepsOf(const Screener& screener, const Posting& posting, absl::Status* status = nullptr) {
  WorkBudget cheap, full;
  const auto summary = screener.Summarise(posting, AsOf(), cheap);
  const auto result = screener.Explain(posting, AsOf(), full);
  EXPECT_EQ(summary.status(), result.status());
  if (summary.ok() && result.ok()) {
    EXPECT_EQ(summary->vetoed, result->summary.vetoed);
    EXPECT_EQ(summary->bm25, result->summary.bm25);
    EXPECT_EQ(summary->should_log_odds, result->summary.should_log_odds);
  }
  const bool cut_short = summary.ok() && summary->vetoed;  // the cheap form ends at a veto
  if (!cut_short) {
    EXPECT_EQ(cheap.spent(), full.spent());
  }
  if (status != nullptr) *status = summary.status();
  return full.spent();
}

TEST(WorkBudgetTest, StopsForGoodOnceMoreIsAskedForThanThereIs) {
  WorkBudget budget({}, 100);
  EXPECT_TRUE(budget.Spend(60));
  EXPECT_TRUE(budget.Spend(40));
  EXPECT_FALSE(budget.exhausted());
  EXPECT_FALSE(budget.Spend(1));
  EXPECT_TRUE(budget.exhausted());
  EXPECT_FALSE(budget.Spend(0));
  EXPECT_FALSE(budget.cancelled());
  EXPECT_EQ(budget.spent(), 100);
}

TEST(WorkBudgetTest, StopsOnceItsWorkIsNoLongerWanted) {
  CancellationSource source;
  WorkBudget budget(source.token());
  EXPECT_TRUE(budget.Spend(1'000'000));
  source.Cancel();
  int64_t steps = 0;
  while (budget.Spend(1000)) steps += 1000;
  EXPECT_LT(steps, 1'000'000);
  EXPECT_TRUE(budget.cancelled());
  EXPECT_FALSE(budget.exhausted());
  EXPECT_FALSE(budget.Spend(0));
}

// What took minutes fails at once, and says which rule is to blame.
TEST(PostingBudgetTest, APostingThatPatternsTakeTooLongForFailsWithTheRuleNamed) {
  const auto screener = ScreenerOf(Patterns(24, "(?:a{0,31}){31}b"));
  absl::Status status;
  StepsOf(*screener, WithText(Repeated("a")), &status);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ReasonOf(status), "WORK_BUDGET_EXCEEDED");
  EXPECT_THAT(std::string(status.message()), HasSubstr("rule \"pattern-0\""));
  // The same profile reads a short posting.
  EXPECT_LT(StepsOf(*screener, WithText(Repeated("a", 1000))), kMostPostingSteps);
}

// Patterns without a repetition that have more states than the longest posting has bytes, and classes within
// a named group: they cost what their programs have, however much they look like literals.
TEST(PostingBudgetTest, APatternOfManyStatesIsChargedByItsProgram) {
  std::string fork = "a", text;
  for (int i = 0; i < 30; ++i) fork += "(a|b)";
  for (uint32_t random = 1; text.size() < kLongPosting; random = random * 1664525 + 1013904223)
    text += (random >> 31) != 0 ? 'a' : 'b';
  for (const std::string& pattern : {fork + "c", "(?i)" + fork + "c", std::string("(?P<n>a[ab]{30}c)")}) {
    EXPECT_GT(StepsOf(*ScreenerOf(Patterns(1, pattern)), WithText(text)), 30 * int64_t{kLongPosting})
        << pattern;
  }
  for (const char* pattern : {"x(rust|golang)y", "(?i)rust|golang", "(?i:rust)"}) {
    EXPECT_LT(StepsOf(*ScreenerOf(Patterns(1, pattern)), WithText(text)), 5 * int64_t{kLongPosting})
        << pattern;
  }
}

// A posting is read for its length, whichever column has it.
TEST(PostingBudgetTest, ALongTitleIsChargedAsALongDescription) {
  Posting posting = WithText("Good coffee.");
  const auto screener = ScreenerOf(Patterns(1, "storage"));
  const int64_t before = StepsOf(*screener, posting);
  posting.title = Repeated("coffee ");
  EXPECT_GT(StepsOf(*screener, posting) - before, 2 * static_cast<int64_t>(posting.title.size()));
}

// Wide profiles of plain patterns and phrases read the longest posting there may be.
TEST(PostingBudgetTest, PlainRulesReadTheLongestPosting) {
  std::vector<Rule> rules = Patterns(24, "\\b(rust|c\\+\\+|golang)\\b");
  for (Rule& rule : rules) rule.effect = RuleEffect::kShould;
  for (int i = 0; i < 24; ++i) {
    rules.push_back(
        Must(TermsCondition{.none_of = {"unpaid", "night shift", "wordpress*"}, .ignore_negated = true},
             absl::StrCat("terms-", i)));
  }
  rules.push_back(Must(RegexCondition{.pattern = "[3-9]\\+? years"}, "years"));
  rules.back().effect = RuleEffect::kShould;
  const auto screener = ScreenerOf(rules);
  absl::Status status;
  StepsOf(*screener,
          WithText(Repeated("We build distributed storage in C++ and look for people who measure. ")),
          &status);
  EXPECT_TRUE(status.ok()) << status;
}

// The budget ends at the same rule whoever asks; a veto that came before it stands.
TEST(PostingBudgetTest, AVetoBeforeTheBudgetIsSpentStands) {
  std::vector<Rule> rules = Patterns(24, "(?:a{0,31}){31}b");
  rules.push_back(Must(CompanyCondition{{"Initech"}}, "company"));
  const auto screener = ScreenerOf(rules);
  const Posting posting = WithText(Repeated("a"));
  absl::Status status;
  StepsOf(*screener, posting, &status);
  ASSERT_TRUE(status.ok()) << status;
  const PhaseOneResult result = ResultOf(*screener, posting);
  EXPECT_TRUE(result.summary.vetoed);
  ASSERT_EQ(result.rules.size(), 25u);
  EXPECT_TRUE(result.rules.back().vetoes);
  EXPECT_EQ(result.rules.front().state, Ternary::kUnknown);
  EXPECT_FALSE(result.rules.front().vetoes);
  EXPECT_THAT(result.rules.front().explanation, HasSubstr("not looked at"));
}

TEST(PostingBudgetTest, ACancelledPostingEndsBetweenRules) {
  CancellationSource source;
  source.Cancel();
  const auto screener = ScreenerOf(Patterns(3, "storage"));
  WorkBudget cheap(source.token()), full(source.token());
  const Posting posting = WithText(Repeated("distributed storage "));
  EXPECT_EQ(screener->Summarise(posting, AsOf(), cheap).status().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(screener->Explain(posting, AsOf(), full).status().code(), absl::StatusCode::kCancelled);
}

Rule PhrasesThatBeginAlike(int rule, int phrases) {
  TermsCondition terms;
  for (int i = 0; i < phrases; ++i) terms.any_of.push_back(absl::StrCat("a b", rule, "x", i));
  Rule wish = Must(std::move(terms), absl::StrCat("terms-", rule));
  wish.effect = RuleEffect::kShould;
  return wish;
}

// Phrases that begin alike are followed together: a thousand of them take what ten take.
TEST(PostingBudgetTest, PhrasesThatBeginAlikeTakeNoMoreThanOne) {
  const Posting posting = WithText(Repeated("a "));
  const int64_t ten = StepsOf(*ScreenerOf({PhrasesThatBeginAlike(0, 10)}), posting);
  const int64_t thousand = StepsOf(*ScreenerOf({PhrasesThatBeginAlike(0, 1000)}), posting);
  EXPECT_LT(thousand, ten * 11 / 10);
}

// Neither many rules nor phrases that nearly match everywhere get past the budget.
TEST(PostingBudgetTest, PhrasesEndAtTheBudgetToo) {
  std::vector<Rule> rules;
  for (int i = 0; i < 256; ++i) rules.push_back(PhrasesThatBeginAlike(i, 1000));
  absl::Status status;
  StepsOf(*ScreenerOf(rules), WithText(Repeated("a ")), &status);
  EXPECT_EQ(ReasonOf(status), "WORK_BUDGET_EXCEEDED");
  TermsCondition nearly{.any_of = {Repeated("a ", 4000) + "b"}};
  StepsOf(*ScreenerOf({Must(nearly, "long")}), WithText(Repeated("a ")), &status);
  EXPECT_EQ(ReasonOf(status), "WORK_BUDGET_EXCEEDED");
  EXPECT_THAT(std::string(status.message()), HasSubstr("rule \"long\""));
  TermsCondition denied{.ignore_negated = true};
  for (int i = 1; i <= 1000; ++i) denied.any_of.push_back(Repeated("no a ", 5 * i));
  StepsOf(*ScreenerOf({Must(denied, "denied")}), WithText("not " + Repeated("no a ")), &status);
  EXPECT_EQ(ReasonOf(status), "WORK_BUDGET_EXCEEDED");
}

// What a rule says of a posting's columns is short however long those are: a verdict has hundreds of rules.
TEST(PostingBudgetTest, ReasonsDoNotRepeatLongColumns) {
  Posting posting = WithText("Good coffee.");
  posting.company = Repeated("Acme ");
  posting.location = Repeated("Berlin ");
  Rule company = Must(CompanyCondition{{"Initech"}}, "company");
  Rule place = Must(LocationCondition{.countries = {"US"}, .places = {"Ulm"}}, "place");
  const PhaseOneResult result = ResultOf(*ScreenerOf({company, place}), posting);
  for (const RuleResult& rule : result.rules) {
    EXPECT_LT(rule.explanation.size(), 300u);
    for (const Evidence& evidence : rule.evidence) EXPECT_LT(evidence.normalised.size(), 300u);
  }
}

TEST(PatternLimitsTest, AProgramThatReadsNoPostingIsRefused) {
  const auto violation = [](const std::vector<Rule>& rules) {
    const auto fields = FieldViolationsOf(Screener::Compile({.text = "x", .rules = rules}).status());
    return fields.empty() ? "none" : absl::StrCat(fields[0].field, ": ", fields[0].description);
  };
  EXPECT_EQ(violation(Patterns(24, "(?:a{0,31}){31}b")), "none");
  EXPECT_THAT(
      violation(Patterns(1, "(?:\\w{0,31}){31}#")),
      testing::MatchesRegex("rules.0..regex.pattern: becomes [0-9]+ instructions; the limit is 4096.*"));
  EXPECT_THAT(violation(Patterns(1, "(?:\\pL{0,9}){9}#")), HasSubstr("becomes too many instructions"));
}

// Compiling is bounded as well: patterns that are too much together are refused from there on.
TEST(PatternLimitsTest, TheProgramsOfAProfileAreBounded) {
  const auto fields = FieldViolationsOf(
      Screener::Compile({.text = "x", .rules = Patterns(256, "(?:a{0,31}){31}b")}).status());
  ASSERT_FALSE(fields.empty());
  EXPECT_EQ(fields[0].field, "rules[35].regex.pattern");
  EXPECT_THAT(fields[0].description, HasSubstr("the limit of a profile is 65536"));
}

// Every attribute and rule reads hostile text in time that grows with its length, not with its square: what a
// text of twice the length takes is counted by the budget, and by a hang detector for what the budget does
// not count.
TEST(HostileTextTest, EveryAttributeReadsTheLongestPostings) {
  std::vector<Rule> rules = {
      Must(SalaryCondition{.at_least = 1}, "pay"),
      Must(WorkPlaceCondition{{WorkPlace::kRemote, WorkPlace::kHybrid, WorkPlace::kOnsite}}, "place"),
      Must(SeniorityCondition{{Seniority::kLead}}, "level"),
      Must(LocationCondition{.countries = {"DE"}, .places = {"ulm", "ne* ulm"}}, "location"),
      Must(CompanyCondition{{"acme"}}, "company"),
      Must(TermsCondition{.any_of = {"ab*", "remote office"}, .stem = true, .ignore_negated = true}, "terms"),
      Must(RegexCondition{.pattern = "\\bremote\\b"}, "pattern")};
  for (Rule& rule : rules) rule.effect = RuleEffect::kShould;
  const auto screener = ScreenerOf(rules);
  for (const char* piece : {"1",
                            "9,",
                            "1.",
                            "$",
                            "€",
                            "€1 ",
                            "1 000 ",
                            "1-",
                            "between 1 and ",
                            "/h",
                            ",",
                            ".",
                            " ",
                            "\n",
                            "a",
                            "aä",
                            "\xcc\x81",
                            "e\xcc\x81",
                            "\xff",
                            "\xe2\x82",
                            "İ",
                            "a.",
                            "a-",
                            "a'",
                            "not ",
                            "no ",
                            "n't ",
                            "remote ",
                            "not remote ",
                            "hybrid office ",
                            "senior ",
                            "lead a team ",
                            "head of ",
                            "on-site ",
                            "or ",
                            "CA, ",
                            "new york / ",
                            "inc. ",
                            "abc def",
                            "/",
                            ";",
                            "<p>",
                            "&amp;",
                            "k",
                            "salary "}) {
    Posting posting = WithText(Repeated(piece));
    posting.title = Repeated(piece);
    posting.company = Repeated(piece);
    posting.location = Repeated(piece);
    posting.currency = "EUR";
    absl::Status status;
    StepsOf(*screener, posting, &status);
    EXPECT_TRUE(status.ok()) << piece << ": " << status;
  }
}

// What is looked for around one word is not looked for in all that follows it: this took minutes.
TEST(HostileTextTest, ManyWordsOfTheWorkPlaceAreReadInOnePass) {
  const std::string text = Repeated("hybrid office ", size_t{8} << 20);
  const ScannedText scanned(text), location("");
  const auto reading = ReadWorkPlace(WithText(""), scanned, location);
  ASSERT_TRUE(reading.has_value());
  EXPECT_TRUE(reading->hybrid);
}

}  // namespace
}  // namespace sluice
