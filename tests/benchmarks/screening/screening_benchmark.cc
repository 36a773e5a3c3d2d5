// Phase one's hot path: Summarise and Explain on a posting of 1.1 KB with a typical profile.

#include <benchmark/benchmark.h>

#include "core/screening/screener.h"

namespace sluice {
namespace {

constexpr char kProfileText[] =
    "Backend engineer, eight years of C++ and Python. I design distributed systems, message queues and "
    "storage engines, "
    "run Kubernetes clusters, tune PostgreSQL, write documentation and mentor colleagues. I look for a "
    "product company "
    "with strong engineering, remote work and interesting problems in search or machine learning "
    "infrastructure.";

constexpr char kDescription[] =
    "At Quillon Systems we invest in people. Our offices are bright, our coffee is strong and our meetings "
    "are short.\n"
    "Your tasks:\n- Design, build and operate storage services written in C++ and Go.\n- Tune queries and "
    "indexes in "
    "PostgreSQL and keep replication healthy.\n- Review the work of colleagues and write clear "
    "documentation.\n- Plan "
    "capacity for message queues and search clusters, and take part in the on-call rotation.\n- Evaluate new "
    "machine "
    "learning tooling together with the research group.\nRequirements: This is a senior position. At least "
    "five years' "
    "experience with distributed systems. Relevant certification is a plus. You will report to a senior "
    "director. "
    "Last year we donated $25,000 to local charities.\nPay range EUR 80,000 to 95,000 annually. A referral "
    "bonus of "
    "$1,500 is paid.\nHybrid working: two days a week in the office. Travel up to 10%. Visa sponsorship is "
    "available.\n"
    "Benefits include a training budget, subsidised transport and a wellness allowance. You will receive a "
    "structured "
    "onboarding, a mentor and regular feedback. All qualified applicants will receive consideration.";

Profile TypicalProfile() {
  Profile profile;
  profile.text = kProfileText;
  TermsCondition terms{.any_of = {"c++", "rust", "go", "distributed systems"},
                       .none_of = {"java*", "unpaid", "wordpress"}};
  profile.rules.push_back({.id = "stack", .condition = terms});
  profile.rules.push_back({.id = "pay", .condition = SalaryCondition{.at_least = 70'000}});
  profile.rules.push_back(
      {.id = "place", .condition = WorkPlaceCondition{{WorkPlace::kRemote, WorkPlace::kHybrid}}});
  profile.rules.push_back(
      {.id = "level", .condition = SeniorityCondition{{Seniority::kSenior, Seniority::kLead}}});
  profile.rules.push_back({.id = "not there",
                           .effect = RuleEffect::kMustNot,
                           .condition = CompanyCondition{{"Acme Inc", "Initech"}}});
  return profile;
}

Posting TypicalPosting() {
  Posting posting;
  posting.title = "Storage Engineer";
  posting.company = "Quillon Systems GmbH";
  posting.location = "Munich, Germany";
  posting.description = kDescription;
  return posting;
}

absl::StatusOr<PhaseOneSummary> Summarise(const Screener& screener, const Posting& posting) {
  WorkBudget budget;
  return screener.Summarise(posting, absl::UnixEpoch(), budget);
}

void BM_Summarise(benchmark::State& state) {
  const auto screener = Screener::Compile(TypicalProfile()).value();
  const Posting posting = TypicalPosting();
  for (auto _ : state) benchmark::DoNotOptimize(Summarise(*screener, posting));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_Summarise);

void BM_SummariseTextOnly(benchmark::State& state) {
  Profile profile = TypicalProfile();
  profile.rules.clear();
  const auto screener = Screener::Compile(profile).value();
  const Posting posting = TypicalPosting();
  for (auto _ : state) benchmark::DoNotOptimize(Summarise(*screener, posting));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_SummariseTextOnly);

void BM_Explain(benchmark::State& state) {
  const auto screener = Screener::Compile(TypicalProfile()).value();
  const Posting posting = TypicalPosting();
  for (auto _ : state) {
    WorkBudget budget;
    benchmark::DoNotOptimize(screener->Explain(posting, absl::UnixEpoch(), budget));
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_Explain);

void BM_OneRule(benchmark::State& state) {
  Profile profile = TypicalProfile();
  const Rule rule = profile.rules[state.range(0)];
  profile.rules = {rule};
  const auto screener = Screener::Compile(profile).value();
  const Posting posting = TypicalPosting();
  for (auto _ : state) benchmark::DoNotOptimize(Summarise(*screener, posting));
  state.SetLabel(rule.id);
}
BENCHMARK(BM_OneRule)->DenseRange(0, 4);

}  // namespace
}  // namespace sluice
