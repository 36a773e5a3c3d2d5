#include "client/cpp/command/veto_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace sluice {
namespace {

using testing::HasSubstr;
using testing::Not;

class VetoTextTest : public testing::Test {
 protected:
  VetoTextTest() {
    batch_.mutable_as_of()->set_seconds(
        absl::ToUnixSeconds(absl::FromCivil(absl::CivilDay(2026, 11, 30), absl::UTCTimeZone())));
  }

  struct Veto {
    std::string rule;
    v1::RuleResult::State state = v1::RuleResult::VIOLATED;
    std::string date;
    bool vetoes = true;
  };

  void Add(int postings, const std::vector<Veto>& vetoes) {
    v1::JobResult result;
    result.mutable_verdict()->set_decision(vetoes.empty() ? v1::Verdict::ACCEPT : v1::Verdict::REJECT);
    for (const Veto& veto : vetoes) {
      v1::RuleResult& rule = *result.mutable_verdict()->add_rules();
      rule.set_rule_id(veto.rule);
      rule.set_state(veto.state);
      rule.set_vetoes(veto.vetoes);
      if (veto.date.empty()) continue;
      v1::Evidence& evidence = *rule.add_evidence();
      evidence.set_field("date_posted");
      evidence.set_quote(veto.date);
      evidence.set_normalised(veto.date);
    }
    for (int i = 0; i < postings; ++i) tally_.Add(result);
  }

  std::string Text() const { return VetoText(tally_, batch_); }

  VerdictTally tally_;
  v1::Batch batch_;
};

TEST_F(VetoTextTest, SaysNothingWhereNothingWasVetoed) {
  Add(3, {});
  EXPECT_EQ(Text(), "");
}

TEST_F(VetoTextTest, NamesTheRulesThatVetoedMost) {
  Add(4000, {});
  Add(1200, {{"pay"}});
  Add(30, {{"pay"}, {"level"}});
  Add(1, {{"company"}});
  EXPECT_EQ(Text(), "vetoes     'pay' 1,230, 'level' 30, 'company' 1 (a posting can have several)\n");
}

TEST_F(VetoTextTest, ManyRulesTakeOneLine) {
  Add(100, {});
  for (int i = 0; i < 9; ++i) Add(i + 1, {{absl::StrCat("r", i)}});
  EXPECT_EQ(
      Text(),
      "vetoes     'r8' 9, 'r7' 8, 'r6' 7, 'r5' 6, 'r4' 5 and 4 rules more (a posting can have several)\n");
}

// An old file: the day from which its postings are fresh is in the file.
TEST_F(VetoTextTest, PointsFromOldPostingsAtTheDayThatAgesCountFrom) {
  Add(2, {{"recent", v1::RuleResult::VIOLATED, "2025-12-24"}, {"pay"}});
  Add(1, {{"recent", v1::RuleResult::VIOLATED, "2026-01-14"}});
  Add(7, {{"recent", v1::RuleResult::VIOLATED, "2025-11-02"}});
  EXPECT_EQ(
      Text(),
      "vetoes     'recent' 10, 'pay' 2 (a posting can have several)\n"
      "hint       rule 'recent' leaves 0 of 10 postings. The newest is from 2026-01-14, and ages count from "
      "2026-11-30. To count from another day, screen with --as-of=2026-01-14 or the like.\n");
}

TEST_F(VetoTextTest, AlmostNothingIsLikeNothing) {
  Add(9, {{"recent", v1::RuleResult::VIOLATED, "2026-01-14"}});
  Add(1, {{"recent", v1::RuleResult::UNKNOWN, "", false}});
  EXPECT_THAT(Text(), HasSubstr("rule 'recent' leaves 1 of 10 postings. The newest is from 2026-01-14"));
  Add(1, {});
  EXPECT_EQ(Text(), "vetoes     'recent' 9\n");
}

// Fresh postings that a rule wants out, or that have no date, are not helped by another day.
TEST_F(VetoTextTest, PointsAtNoDayWhereAgeIsNotTheReason) {
  Add(5, {{"not-fresh", v1::RuleResult::SATISFIED, "2026-11-29"}});
  EXPECT_THAT(Text(), Not(HasSubstr("--as-of")));
  tally_ = VerdictTally();
  Add(5, {{"recent", v1::RuleResult::UNKNOWN}});
  EXPECT_EQ(Text(),
            "vetoes     'recent' 5\n"
            "hint       rule 'recent' leaves 0 of 5 postings. 5 say nothing that it could judge, and its "
            "on_unknown "
            "rejects those. See it in the profile.\n");
}

TEST_F(VetoTextTest, AnyRuleThatRejectsAllIsNamedWithWhatToLookAt) {
  Add(20, {{"pay\x1b[31m"}});
  EXPECT_EQ(Text(),
            "vetoes     'pay\\x1b[31m' 20\n"
            "hint       rule 'pay\\x1b[31m' leaves 0 of 20 postings. See it in the profile; --json shows "
            "what it read "
            "in each posting.\n");
}

// A server may say anything: what is kept of it is bounded.
TEST_F(VetoTextTest, TheTallyStaysSmall) {
  for (int i = 0; i < 5000; ++i) Add(1, {{absl::StrCat("r", i)}});
  EXPECT_EQ(tally_.vetoes.size(), VerdictTally::kMaxRules);
}

}  // namespace
}  // namespace sluice
