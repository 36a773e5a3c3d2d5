// How well attributes are read and vetoes given on the labelled benchmark. Reads SLUICE_BENCH, or
// ../shared/bench beside the source tree; skipped without either. The bounds are below what was measured, to
// notice a step back.

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "core/screening/attributes/company.h"
#include "core/screening/posting_view.h"
#include "core/screening/screener.h"
#include "tests/core/screening/screening_testing.h"

namespace sluice {
namespace {

using nlohmann::json;

std::string BenchDirectory() {
  const char* given = std::getenv("SLUICE_BENCH");
  return given != nullptr ? given : "../shared/bench";
}

std::vector<json> ReadLines(const std::string& path) {
  std::ifstream in(path);
  std::vector<json> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(json::parse(line));
  return lines;
}

absl::CivilDay DayOf(const std::string& text) {
  absl::CivilDay day;
  EXPECT_TRUE(absl::ParseCivilTime(text, &day)) << text;
  return day;
}

Posting PostingOf(const json& item) {
  Posting posting;
  posting.id = item["id"];
  posting.title = item["title"];
  posting.company = item["company"];
  posting.location = item["location"];
  posting.date_posted = DayOf(item["posted_at"]);
  posting.description = item["text"];
  return posting;
}

const absl::Time kAsOf = absl::FromCivil(absl::CivilDay(2026, 1, 15), absl::UTCTimeZone());

struct Counts {
  int right = 0, total = 0;
  std::map<std::string, int> wrong;
  double Share() const { return total == 0 ? 0 : 1.0 * right / total; }
  void Add(bool correct, const std::string& confusion) {
    ++total;
    right += correct;
    if (!correct) ++wrong[confusion];
  }
};

std::string OrNone(const json& value) {
  return value.is_null() ? "none" : value.get<std::string>();
}

std::string WorkPlaceRead(PostingView& view) {
  if (!view.work_place().has_value()) return "none";
  const WorkPlaceReading& reading = *view.work_place();
  return reading.remote ? "remote" : reading.hybrid ? "hybrid" : "onsite";
}

bool SalaryAgrees(PostingView& view, const json& gold) {
  if (!view.pay().has_value() || gold.is_null()) return !view.pay().has_value() && gold.is_null();
  const std::optional<YearlyUsd> yearly = ToYearlyUsd(*view.pay(), CurrencyRates());
  const double wanted = gold["annual_usd_max"];
  return yearly.has_value() && yearly->high.has_value() && std::abs(*yearly->high - wanted) <= 0.01 * wanted;
}

class BenchmarkAccuracyTest : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    directory_ = BenchDirectory() + "/" + GetParam();
    for (const json& item : ReadLines(directory_ + "/items.jsonl")) postings_.push_back(PostingOf(item));
    if (postings_.empty()) GTEST_SKIP() << "no benchmark in " << directory_ << "; set SLUICE_BENCH";
    gold_ = ReadLines(directory_ + "/gold.jsonl");
    ASSERT_EQ(gold_.size(), postings_.size());
  }

  std::string directory_;
  std::vector<Posting> postings_;
  std::vector<json> gold_;
};

// Exact match of every attribute that rules read, over all postings.
TEST_P(BenchmarkAccuracyTest, ReadsAttributes) {
  std::map<std::string, Counts> counts;
  for (size_t i = 0; i < postings_.size(); ++i) {
    WorkBudget budget;
    PostingView view(postings_[i], budget);
    const json& gold = gold_[i];
    const auto add = [&](const char* attribute, bool right, const std::string& read,
                         const std::string& wanted) {
      counts[attribute].Add(right, wanted + " read as " + read + " (" + postings_[i].id + ")");
    };
    const std::string place = WorkPlaceRead(view),
                      level = view.seniority() ? SeniorityName(view.seniority()->level) : "none";
    add("work place", place == OrNone(gold["remote"]), place, OrNone(gold["remote"]));
    add("seniority", level == OrNone(gold["seniority"]), level, OrNone(gold["seniority"]));
    const std::string pay = view.pay() ? DescribePay(*view.pay(), CurrencyRates()) : "none";
    add("salary", SalaryAgrees(view, gold["salary"]), pay, gold["salary"].dump());
    const std::string country = absl::StrJoin(view.countries(), ",");
    add("country", country == gold["country"], country, gold["country"]);
    const std::string company = NormalisedCompany(postings_[i].company);
    add("company", company == LowerKeepingOffsets(gold["company"].get<std::string>()), company,
        gold["company"]);
  }
  for (const auto& [attribute, count] : counts) {
    std::cout << absl::StrFormat("%s %-10s %.2f %% of %d\n", GetParam(), attribute, count.Share() * 100,
                                 count.total);
    for (const auto& [confusion, n] : count.wrong) std::cout << "    " << confusion << "\n";
    EXPECT_GE(count.Share(), 0.995) << attribute;
  }
}

std::optional<Rule> RuleOf(const json& hard) {
  const std::string kind = hard["kind"];
  Rule rule{.id = kind};
  if (kind == "salary_at_least")
    rule.condition = SalaryCondition{.at_least = hard["usd_per_year"].get<double>()};
  if (kind == "max_age_days") rule.condition = RecencyCondition{hard["days"].get<int>()};
  if (kind == "exclude_company") {
    rule.effect = RuleEffect::kMustNot;
    rule.condition = CompanyCondition{hard["any_of"].get<std::vector<std::string>>()};
  }
  if (kind == "country")
    rule.condition = LocationCondition{.countries = hard["any_of"].get<std::vector<std::string>>()};
  if (kind == "remote") {
    WorkPlaceCondition places;
    for (const std::string place : hard["any_of"]) {
      places.any_of.push_back(place == "remote"   ? WorkPlace::kRemote
                              : place == "hybrid" ? WorkPlace::kHybrid
                                                  : WorkPlace::kOnsite);
    }
    rule.condition = places;
  }
  if (kind == "seniority") {
    SeniorityCondition levels;
    for (const std::string level : hard["any_of"]) {
      for (int i = 0; i < 5; ++i) {
        if (level == SeniorityName(static_cast<Seniority>(i)))
          levels.any_of.push_back(static_cast<Seniority>(i));
      }
    }
    rule.condition = levels;
  }
  if (std::holds_alternative<std::monostate>(rule.condition)) return std::nullopt;
  return rule;
}

bool Contains(const json& list, const json& value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

// The benchmark's own definition, on its true attributes.
bool Violates(const json& hard, const json& gold) {
  const std::string kind = hard["kind"];
  if (kind == "salary_at_least")
    return !gold["salary"].is_null() && gold["salary"]["annual_usd_max"] < hard["usd_per_year"];
  if (kind == "remote") return !gold["remote"].is_null() && !Contains(hard["any_of"], gold["remote"]);
  if (kind == "country") return gold["remote"] != "remote" && !Contains(hard["any_of"], gold["country"]);
  if (kind == "seniority")
    return !gold["seniority"].is_null() && !Contains(hard["any_of"], gold["seniority"]);
  if (kind == "max_age_days")
    return absl::CivilDay(2026, 1, 15) - DayOf(gold["posted_at"]) > hard["days"].get<int>();
  std::set<std::string> names;
  for (const std::string name : hard["any_of"]) names.insert(LowerKeepingOffsets(name));
  return names.contains(LowerKeepingOffsets(gold["company"].get<std::string>()));
}

// Vetoes of the rule kinds that screening knows, over all profiles and postings.
TEST_P(BenchmarkAccuracyTest, VetoesWhatViolatesARule) {
  std::map<std::string, std::array<int, 3>> counts;  // right, wrong, missed
  for (const json& query : ReadLines(directory_ + "/queries.jsonl")) {
    for (const json& hard : query["rules"]["hard"]) {
      const std::optional<Rule> rule = RuleOf(hard);
      if (!rule.has_value()) continue;
      Profile profile{.text = "x", .rules = {*rule}};
      const auto screener = Screener::Compile(profile);
      ASSERT_TRUE(screener.ok()) << screener.status();
      for (size_t i = 0; i < postings_.size(); ++i) {
        const bool vetoed = SummaryOf(**screener, postings_[i], kAsOf).vetoed,
                   violates = Violates(hard, gold_[i]);
        for (const std::string& key : {rule->id, std::string("all")}) {
          counts[key][0] += vetoed && violates;
          counts[key][1] += vetoed && !violates;
          counts[key][2] += !vetoed && violates;
        }
      }
    }
  }
  for (const auto& [kind, n] : counts) {
    const double precision = 1.0 * n[0] / std::max(1, n[0] + n[1]),
                 recall = 1.0 * n[0] / std::max(1, n[0] + n[2]);
    std::cout << absl::StrFormat("%s veto %-16s precision %.2f %%, recall %.2f %%\n", GetParam(), kind,
                                 precision * 100, recall * 100);
    EXPECT_GE(precision, 0.99) << kind;
    EXPECT_GE(recall, 0.99) << kind;
  }
}

INSTANTIATE_TEST_SUITE_P(Splits, BenchmarkAccuracyTest,
                         testing::Values(std::string("dev"), std::string("check")),
                         [](const auto& split) { return split.param; });

}  // namespace
}  // namespace sluice
