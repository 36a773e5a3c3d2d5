#include "core/screening/screener.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

#include "core/base/error_details.h"
#include "core/screening/bm25.h"
#include "core/text/words.h"
#include "tests/core/screening/screening_testing.h"

namespace sluice {
namespace {

using testing::Each;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::MatchesRegex;
using testing::Not;
using testing::UnorderedElementsAre;

Rule Should(Rule rule, double weight, OnUnknown on_unknown = OnUnknown::kPass) {
  rule.effect = RuleEffect::kShould;
  rule.weight = weight;
  rule.on_unknown = on_unknown;
  return rule;
}

Rule MustNot(Rule rule) {
  rule.effect = RuleEffect::kMustNot;
  return rule;
}

GatePlan PlanOf(GatePolicy policy, double threshold) {
  GatePlan plan;
  plan.policy = policy;
  plan.threshold = threshold;
  plan.bm25_mean = 0.1;
  plan.bm25_stddev = 0.1;
  return plan;
}

// Everything wrong with a profile is said at once, with the paths of the proto.
TEST(CompileTest, ReportsEveryViolation) {
  Profile profile;
  profile.rules = {Must(RegexCondition{.pattern = "a("}, "a"), Must(TermsCondition{}, "a"),
                   Must(std::monostate{}, "")};
  profile.rules.push_back(Should(Must(TermsCondition{.any_of = {"ok", "!"}}, "d"), 11));
  profile.rules.push_back(Must(SalaryCondition{.at_least = 1, .currency = "XTS"}, "e"));
  profile.rules.push_back(Must(LocationCondition{.countries = {"Germany"}}, "f"));
  profile.rules.push_back(Must(RecencyCondition{-1}, "g"));
  profile.rules.push_back(Must(WorkPlaceCondition{}, "h"));
  profile.rules.push_back(Must(CompanyCondition{{"Acme", "-"}}, "i"));
  profile.rules.back().on_unknown = OnUnknown::kPenalise;
  profile.rules.back().fields = {Field::kTitle};
  profile.currency_rates = {{"EURO", 0}};
  profile.accept_at = 0.2;
  profile.review_at = 0.3;
  const absl::Status status = Screener::Compile(profile).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  std::vector<std::string> fields;
  for (const FieldViolation& violation : FieldViolationsOf(status)) fields.push_back(violation.field);
  EXPECT_THAT(fields,
              UnorderedElementsAre("text", "rules[0].regex.pattern", "rules[1].id", "rules[1].terms",
                                   "rules[2].id", "rules[2]", "rules[3].weight", "rules[3].terms.any_of[1]",
                                   "rules[4].salary.currency", "rules[5].location.countries[0]",
                                   "rules[6].recency.max_age_days", "rules[7].work_place.any_of",
                                   "rules[8].company.any_of[1]", "rules[8].on_unknown", "rules[8].fields",
                                   "currency_rates[0].currency", "currency_rates[0].usd", "cuts.review_at"));
}

TEST(CompileTest, HoldsTheLimits) {
  Profile profile{.text = "x"};
  profile.rules.assign(3, Must(TermsCondition{.any_of = {"a1", "b1", "c1"}}));
  for (size_t i = 0; i < 3; ++i) profile.rules[i].id = std::string(1, static_cast<char>('a' + i));
  EXPECT_TRUE(Screener::Compile(profile).ok());
  EXPECT_EQ(FieldViolationsOf(Screener::Compile(profile, {.max_rules = 2}).status())[0].field, "rules");
  EXPECT_EQ(FieldViolationsOf(Screener::Compile(profile, {.max_text_bytes = 0}).status())[0].field, "text");
  EXPECT_EQ(FieldViolationsOf(Screener::Compile(profile, {.max_terms_per_rule = 2}).status())[0].field,
            "rules[0].terms");
  profile.rules = {Must(RegexCondition{.pattern = "((a{100}){100}){100}"})};
  EXPECT_EQ(FieldViolationsOf(Screener::Compile(profile).status())[0].field, "rules[0].regex.pattern");
}

// What a rule does to a posting, by effect, answer and on_unknown.
TEST(EffectTest, VetoesAndContributions) {
  const Posting remote = WithText("This is a fully remote position."), silent = WithText("Good coffee.");
  const Rule place = Must(WorkPlaceCondition{{WorkPlace::kRemote}});
  const auto summary = [](const Rule& rule, const Posting& posting) {
    return SummaryOf(*ScreenerOf({rule}), posting);
  };
  EXPECT_FALSE(summary(place, remote).vetoed);
  EXPECT_TRUE(summary(Must(WorkPlaceCondition{{WorkPlace::kOnsite}}), remote).vetoed);
  EXPECT_FALSE(summary(place, silent).vetoed);
  EXPECT_TRUE(summary(MustNot(place), remote).vetoed);
  EXPECT_FALSE(summary(MustNot(place), silent).vetoed);
  Rule strict = place;
  strict.on_unknown = OnUnknown::kFail;
  EXPECT_TRUE(summary(strict, silent).vetoed);
  EXPECT_TRUE(summary(MustNot(strict), silent).vetoed);
  EXPECT_FLOAT_EQ(summary(Should(place, 1.5), remote).should_log_odds, 1.5f);
  EXPECT_FLOAT_EQ(summary(Should(place, 1.5), silent).should_log_odds, 0.0f);
  EXPECT_FLOAT_EQ(summary(Should(place, 1.5, OnUnknown::kPenalise), silent).should_log_odds, -0.75f);
  EXPECT_FLOAT_EQ(summary(Should(place, 1.5), WithText("This position is on-site.")).should_log_odds, 0.0f);
}

// The cheap form and the one with reasons decide alike, to the last bit.
TEST(ScreenerTest, SummariseAndExplainAgree) {
  const char* pieces[] = {"C++ databases. ",
                          "This is a fully remote position. ",
                          "Salary: $50,000 per year. ",
                          "Java. ",
                          "Seniority: senior. ",
                          "Hybrid role, 3 days on site. ",
                          "Pay: €45/hour. "};
  const auto screener =
      ScreenerOf({Should(Must(TermsCondition{.any_of = {"databases"}}, "a"), 0.1),
                  Should(Must(SalaryCondition{.at_least = 60'000}, "b"), 0.7, OnUnknown::kPenalise),
                  Must(WorkPlaceCondition{{WorkPlace::kRemote}}, "c"),
                  Should(Must(SeniorityCondition{{Seniority::kSenior}}, "d"), 0.3),
                  MustNot(Must(TermsCondition{.any_of = {"java"}}, "e"))});
  std::mt19937 random(1);
  for (int round = 0; round < 500; ++round) {
    std::string text;
    for (const char* piece : pieces) text += random() % 2 ? piece : "";
    const Posting posting = WithText(text);
    const PhaseOneSummary cheap = SummaryOf(*screener, posting), full = ResultOf(*screener, posting).summary;
    EXPECT_EQ(cheap.vetoed, full.vetoed);
    EXPECT_EQ(cheap.bm25, full.bm25);
    EXPECT_EQ(cheap.should_log_odds, full.should_log_odds);
  }
}

// Any bytes are read without harm: broken UTF-8, half a number, nothing at all.
TEST(ScreenerTest, ReadsAnyBytes) {
  const auto screener = ScreenerOf(
      {Must(TermsCondition{.any_of = {"ab*", "remote off*"}, .stem = true, .ignore_negated = true}, "a"),
       Must(SalaryCondition{.at_least = 1}, "b"), Must(WorkPlaceCondition{{WorkPlace::kRemote}}, "c"),
       Must(SeniorityCondition{{Seniority::kLead}}, "d"), Must(LocationCondition{.countries = {"DE"}}, "e"),
       Must(RegexCondition{.pattern = "r.m"}, "f"), Must(CompanyCondition{{"acme"}}, "g")});
  constexpr absl::string_view kAlphabet[] = {
      "remote", "hybrid",    "office",   "not ",    " ",    ".",    "\n",       "€",    "$",    "9",
      "99,",    "k",         "-",        "–",       "\xff", "\xe2", "/",        "'",    "lead", "a team",
      "senior", " position", "per hour", "salary ", "+",    "#",    "between ", "and ", "home", "days "};
  std::mt19937 random(2);
  for (int round = 0; round < 3000; ++round) {
    std::string text;
    for (int i = random() % 30; i > 0; --i) text += std::string(kAlphabet[random() % std::size(kAlphabet)]);
    Posting posting = WithText(text, text.substr(0, random() % 10));
    posting.location = text.substr(text.size() / 2);
    const PhaseOneResult result = ResultOf(*screener, posting);
    EXPECT_EQ(result.summary.vetoed, SummaryOf(*screener, posting).vetoed);
    const std::string whole = PostingText(posting);
    for (const RuleResult& rule : result.rules) {
      for (const Evidence& evidence : rule.evidence) {
        if (evidence.field != "text") continue;
        EXPECT_EQ(whole.substr(evidence.begin_byte, evidence.end_byte - evidence.begin_byte), evidence.quote);
      }
    }
  }
}

// A long match is quoted up to 200 bytes, not cutting a character.
TEST(ScreenerTest, CutsLongQuotes) {
  std::string text = "x";
  for (int i = 0; i < 200; ++i) text += "ü";
  const RuleResult result = Ask(RegexCondition{.pattern = "xü+"}, WithText(text));
  EXPECT_EQ(result.evidence.at(0).quote.size(), 199u);
}

TEST(VerdictTest, AVetoRejectsWithItsRule) {
  const auto screener = ScreenerOf({Must(SalaryCondition{.at_least = 70'000}, "pay")});
  PhaseOneResult result = ResultOf(*screener, WithText("Salary: €55,000 per year."));
  const Verdict verdict = screener->VerdictWithoutModel(PlanOf(GatePolicy::kVolume, 0.4), result);
  EXPECT_EQ(verdict.decision, Decision::kReject);
  EXPECT_EQ(verdict.decided_by, DecidedBy::kVeto);
  EXPECT_EQ(verdict.score, 0);
  EXPECT_EQ(
      verdict.reasons.at(0),
      "rejected: rule 'pay' — posting pays at most 60,500 USD/year, profile wants ≥ 70,000 (\"€55,000\")");
}

// The gate decides who is encoded, not who is accepted: under it the same cuts judge phase one's probability,
// whatever the policy.
TEST(VerdictTest, APostingUnderTheGateKeepsTheVerdictOfItsProbability) {
  const auto screener = Screener::Compile({.text = "C++", .accept_at = 0.6, .review_at = 0.3}).value();
  std::set<Decision> seen;
  for (const GatePolicy policy : {GatePolicy::kVolume, GatePolicy::kFixed}) {
    for (float bm25 = 0; bm25 < 1; bm25 += 0.05f) {
      PhaseOneResult result;
      result.summary.bm25 = bm25;
      const Verdict gated = screener->VerdictWithoutModel(PlanOf(policy, 1.0), result);
      const Verdict rules_only = screener->VerdictWithoutModel(PlanOf(GatePolicy::kRulesOnly, 0), result);
      EXPECT_EQ(gated.decision, rules_only.decision) << bm25;
      EXPECT_EQ(gated.decided_by, DecidedBy::kPhaseOne);
      EXPECT_EQ(gated.score, PhaseOneProbability(PlanOf(policy, 1.0), result.summary));
      EXPECT_FALSE(gated.phase2.has_value());
      seen.insert(gated.decision);
    }
  }
  EXPECT_THAT(seen, UnorderedElementsAre(Decision::kAccept, Decision::kReview, Decision::kReject));
}

TEST(VerdictTest, APostingUnderTheGateSaysThatItWasNotEncoded) {
  const auto screener = ScreenerOf({});
  PhaseOneResult result;
  result.summary.bm25 = 0.2f;
  const Verdict gated = screener->VerdictWithoutModel(PlanOf(GatePolicy::kVolume, 0.99), result);
  EXPECT_EQ(gated.decision, Decision::kAccept);
  EXPECT_THAT(gated.reasons.front(),
              MatchesRegex("not encoded: under the gate at 0\\.[0-9]+ .threshold 0\\.99."));
  EXPECT_THAT(gated.reasons.back(), HasSubstr("accepted at"));
  const Verdict rules_only = screener->VerdictWithoutModel(PlanOf(GatePolicy::kRulesOnly, 0), result);
  EXPECT_THAT(rules_only.reasons, Each(Not(HasSubstr("gate"))));
}

// A veto rejects under the gate as it does above it, and says nothing of the gate.
TEST(VerdictTest, AVetoUnderTheGateStaysAReject) {
  const auto screener = ScreenerOf({});
  PhaseOneResult result;
  result.summary.vetoed = true;
  const Verdict verdict = screener->VerdictWithoutModel(PlanOf(GatePolicy::kVolume, 0.99), result);
  EXPECT_EQ(verdict.decision, Decision::kReject);
  EXPECT_EQ(verdict.decided_by, DecidedBy::kVeto);
  EXPECT_EQ(verdict.score, 0);
  EXPECT_THAT(verdict.reasons, Each(Not(HasSubstr("gate"))));
}

// An encoded posting is decided by phase two, and says how it got there.
TEST(VerdictTest, TheModelDecides) {
  const auto screener = ScreenerOf({Should(Must(WorkPlaceCondition{{WorkPlace::kRemote}}, "home"), 1)});
  const GatePlan plan = PlanOf(GatePolicy::kVolume, 0.1);
  const PhaseOneResult result =
      ResultOf(*screener, WithText("This is a fully remote position for a C++ engineer."));
  const Verdict verdict = screener->VerdictWithModel(plan, result, 0.58, 2);
  EXPECT_EQ(verdict.decided_by, DecidedBy::kPhaseTwo);
  EXPECT_EQ(verdict.score, *verdict.phase2);
  EXPECT_EQ(*verdict.phase2, PhaseTwoProbability(plan, result.summary, 0.58));
  EXPECT_EQ(verdict.windows, 2);
  EXPECT_EQ(verdict.decision, Decision::kAccept);
  ASSERT_EQ(verdict.reasons.size(), 5u);
  EXPECT_THAT(verdict.reasons[0], HasSubstr("rule 'home' adds 1 — posting is remote"));
  EXPECT_EQ(verdict.reasons[1], "similar to the profile (cosine 0.58)");
  EXPECT_THAT(verdict.reasons[2], HasSubstr("shares with the profile: C++"));
  EXPECT_THAT(verdict.reasons[3], HasSubstr("passed the gate at"));
  EXPECT_THAT(verdict.reasons[4], HasSubstr("accepted at"));
}

TEST(VerdictTest, CutsDecideBetweenAcceptReviewAndReject) {
  Profile profile{.text = "C++", .accept_at = 0.6, .review_at = 0.3};
  const auto screener = Screener::Compile(profile).value();
  for (float bm25 = 0; bm25 < 1; bm25 += 0.05f) {
    PhaseOneResult result;
    result.summary.bm25 = bm25;
    const Verdict verdict = screener->VerdictWithoutModel(PlanOf(GatePolicy::kRulesOnly, 0), result);
    const Decision wanted = verdict.score >= 0.6   ? Decision::kAccept
                            : verdict.score >= 0.3 ? Decision::kReview
                                                   : Decision::kReject;
    EXPECT_EQ(verdict.decision, wanted) << bm25;
    EXPECT_THAT(verdict.reasons, Not(IsEmpty()));
  }
}

double Bm25(const std::string& profile, const std::string& posting) {
  return Bm25Query(profile).Score(LowerKeepingOffsets(posting));
}

TEST(Bm25Test, IsNormalisedAndGrowsWithMatches) {
  EXPECT_EQ(Bm25("welding robots", "accounting"), 0);
  EXPECT_GT(Bm25("welding robots", "welding of pipes"), 0);
  EXPECT_GT(Bm25("welding robots", "welding robots"), Bm25("welding robots", "welding of pipes"));
  EXPECT_LE(Bm25("welding", "welding welding welding welding welding welding"), 1);
  EXPECT_GT(Bm25("engineers", "engineering"), 0) << "stems";
}

// A frequent word weighs less than a rare one.
TEST(Bm25Test, KnowsTheBackground) {
  EXPECT_GT(Bm25("year zymurgy", "zymurgy"), Bm25("year zymurgy", "year"));
}

TEST(Bm25Test, SharesAddUpAndComeLargestFirst) {
  std::vector<TermContribution> shares;
  Bm25Query("Welding robots, pipes and years").Score("welding robots pipes year", &shares);
  ASSERT_EQ(shares.size(), 4u);
  EXPECT_EQ(shares.back().term, "years");
  double sum = 0;
  for (const TermContribution& share : shares) sum += share.share;
  EXPECT_NEAR(sum, 1, 1e-9);
  EXPECT_TRUE(std::is_sorted(shares.begin(), shares.end(),
                             [](const auto& a, const auto& b) { return a.share > b.share; }));
}

// The words whose stem begins otherwise than they do are found all the same.
TEST(Bm25Test, FindsWordsWhoseStemBeginsOtherwise) {
  for (const char* word : {"dying", "lying", "tying", "skies", "happy", "yield", "news"})
    EXPECT_GT(Bm25(word, word), 0) << word;
  EXPECT_GT(Bm25("die", "dying"), 0);
}

TEST(PostingTextTest, PutsAHeadBeforeTheDescriptionUnlessItHasOne) {
  Posting posting = WithText("Good coffee.", "Barista");
  posting.location = "Lyon, France";
  EXPECT_EQ(PostingText(posting), "Barista\nAcme GmbH | Lyon, France\nGood coffee.");
  posting.description = "BARISTA\nGood coffee.";
  EXPECT_EQ(PostingText(posting), posting.description);
  EXPECT_EQ(PostingText(Posting{}), "");
}

}  // namespace
}  // namespace sluice
