#include "client/cpp/formats/profile_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "core/base/error_details.h"

namespace sluice {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

constexpr char kProfile[] = R"(id: demo
text: |
  I write C++
  and SQL.
rules:
  - id: pay
    effect: must
    on_unknown: fail
    salary: {at_least: 60000, currency: EUR, period: year}
  - id: no-gambling
    effect: MUST-NOT
    fields: [title, description]
    regex:
      pattern: '(?i)casino'
  - id: remote
    effect: should
    weight: 1.5
    work_place: {any_of: [remote, Hybrid]}
currency_rates:
  - {currency: EUR, usd: 1.1}
cuts: {accept_at: 0.6}
)";

std::string Error(absl::string_view yaml) {
  const auto profile = ParseProfile(yaml, "p.yaml");
  EXPECT_EQ(profile.status().code(), absl::StatusCode::kInvalidArgument);
  return std::string(profile.status().message());
}

TEST(ProfileFile, FillsTheProto) {
  const auto file = ParseProfile(kProfile, "p.yaml");
  ASSERT_TRUE(file.ok()) << file.status();
  const v1::Profile& profile = file->profile;
  EXPECT_EQ(profile.text(), "I write C++\nand SQL.\n");
  ASSERT_EQ(profile.rules_size(), 3);
  EXPECT_EQ(profile.rules(0).on_unknown(), v1::Rule::FAIL);
  EXPECT_EQ(profile.rules(0).salary().at_least(), 60000);
  EXPECT_EQ(profile.rules(0).salary().period(), v1::YEAR);
  EXPECT_EQ(profile.rules(1).effect(), v1::Rule::MUST_NOT);
  EXPECT_EQ(profile.rules(1).fields_size(), 2);
  EXPECT_EQ(profile.rules(1).regex().pattern(), "(?i)casino");
  EXPECT_EQ(profile.rules(2).weight(), 1.5);
  EXPECT_EQ(profile.rules(2).work_place().any_of(1), v1::WorkPlaceCondition::HYBRID);
  EXPECT_EQ(profile.currency_rates(0).usd(), 1.1);
  EXPECT_EQ(profile.cuts().accept_at(), 0.6);
  EXPECT_FALSE(profile.cuts().has_review_at());
}

TEST(ProfileFile, JsonIsYaml) {
  const auto file = ParseProfile(
      R"({"text": "x", "rules": [{"id": "r", "effect": "MUST", "terms": {"any_of": ["a"], "stem": true}}]})",
      "p.json");
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_TRUE(file->profile.rules(0).terms().stem());
}

TEST(ProfileFile, ErrorsNameLineAndColumn) {
  EXPECT_THAT(Error("text: x\nruels: []\n"),
              StartsWith("p.yaml:2:1: unknown key 'ruels'; did you mean 'rules'?"));
  EXPECT_THAT(Error("text: x\nrules:\n  - id: a\n    effect: most\n"),
              StartsWith("p.yaml:4:13: rules[0].effect: 'most' is not one of must, must_not, should"));
  EXPECT_THAT(Error("text: x\nrules:\n  - id: a\n    salary:\n      at_least: lots\n"),
              StartsWith("p.yaml:5:17: rules[0].salary.at_least: expected a number"));
  EXPECT_THAT(Error("text: x\ntext: y\n"), StartsWith("p.yaml:2:1: key 'text' was there before, in line 1"));
  EXPECT_THAT(Error("text: x\nrules:\n  id: a\n"), StartsWith("p.yaml:3:3: rules: expected a list"));
  EXPECT_THAT(Error("text: [a]\n"), StartsWith("p.yaml:1:7: text: expected a single value"));
  EXPECT_THAT(Error("text:\n"), StartsWith("p.yaml:1:1: text: has no value"));
  EXPECT_THAT(Error("text: [open\nrules: []\n"), HasSubstr("broken YAML"));
  EXPECT_THAT(Error("- a\n"), StartsWith("p.yaml:1:1: expected keys and values"));
  EXPECT_THAT(Error(""), HasSubstr("profile is empty"));
  EXPECT_THAT(Error("text: \xFF\n"), HasSubstr("not UTF-8"));
}

// A tag asks for something that is not done: a profile that has one does not mean what it says.
TEST(ProfileFile, UnknownTagsAreErrors) {
  EXPECT_THAT(Error("text: !secret pay\n"), StartsWith("p.yaml:1:7: text: unknown tag '!secret'"));
  EXPECT_THAT(Error("text: x\nrules: !include rules.yaml\n"),
              StartsWith("p.yaml:2:8: rules: unknown tag '!include'"));
  EXPECT_THAT(Error("text: x\nrules: !mine [{id: a}]\n"), HasSubstr("unknown tag '!mine'"));
  EXPECT_THAT(Error("text: x\nrules: [!rule {id: a}]\n"), HasSubstr("rules[0]: unknown tag '!rule'"));
  EXPECT_THAT(Error("!key text: x\n"), HasSubstr("unknown tag '!key'"));
  EXPECT_THAT(Error("!profile\ntext: x\n"), HasSubstr("unknown tag '!profile'"));
  EXPECT_THAT(Error("text: !!binary aGk=\n"), HasSubstr("unknown tag 'tag:yaml.org,2002:binary'"));
  EXPECT_TRUE(ParseProfile("!!map\ntext: !!str 5\nid: ! 'a'\n", "p.yaml").ok());
}

TEST(ProfileFile, AKeyTwiceInJsonIsAnError) {
  EXPECT_THAT(Error("{\"text\": \"x\",\n \"text\": \"y\"}\n"),
              StartsWith("p.yaml:2:2: key 'text' was there before, in line 1"));
  EXPECT_THAT(Error(R"({"text": "x", "rules": [{"id": "a", "id": "b"}]})"),
              HasSubstr("key 'id' was there before"));
}

// The YAML library takes the end of the file, behind a line end, for the missing quote.
TEST(ProfileFile, AQuoteLeftOpenIsAnErrorWhereItBegan) {
  constexpr char kOpen[] = "broken YAML: a quoted value that begins here is never closed";
  EXPECT_EQ(Error("text: \"I bake.\n"), absl::StrCat("p.yaml:1:7: ", kOpen));
  EXPECT_EQ(Error("text: 'I bake, it''s true''\n"), absl::StrCat("p.yaml:1:7: ", kOpen));
  EXPECT_EQ(Error("id: a\ntext: \"two\n  lines\n"), absl::StrCat("p.yaml:2:7: ", kOpen));
  EXPECT_EQ(Error("text: x\nrules:\n  - id: a\n    effect: must\n    terms:\n      any_of:\n        - a\n"
                  "        - 'b\n"),
            absl::StrCat("p.yaml:8:11: ", kOpen));
  EXPECT_EQ(Error("text: x\nid: \"a"), "p.yaml:2:7: broken YAML: illegal EOF in scalar");
  EXPECT_THAT(Error("text: x\nrules: [{id: 'a\n"), HasSubstr("broken YAML"));
}

// What ends like an open quote, and is none, keeps its value.
TEST(ProfileFile, QuotesThatCloseAreLeftAlone) {
  const auto text = [](absl::string_view yaml) {
    const auto file = ParseProfile(yaml, "p.yaml");
    EXPECT_TRUE(file.ok()) << file.status();
    return file.ok() ? file->profile.text() : "";
  };
  EXPECT_EQ(text("text: 'it''s'"), "it's");
  EXPECT_EQ(text("text: \"a\\\"\""), "a\"");
  EXPECT_EQ(text("text: don't \"stop"), "don't \"stop");
  EXPECT_EQ(text("text: |\n  'open"), "'open");
  EXPECT_EQ(text("text: x\n# it's a comment"), "x");
  EXPECT_EQ(text("--- # one\ntext: x\n...\n"), "x");
}

TEST(ProfileFile, IsOneDocument) {
  EXPECT_THAT(Error("text: x\n---\ntext: y\n"), HasSubstr("p.yaml: holds several YAML documents"));
}

TEST(ProfileFile, ARuleHasOneCondition) {
  EXPECT_THAT(Error("rules:\n  - id: a\n    regex: {pattern: x}\n    terms: {any_of: [y]}\n"),
              StartsWith("p.yaml:4:5: rules[0]: a second condition 'terms'; 'regex' is in line 3"));
}

// Aliases that multiply are stopped by the count of values, not by memory.
TEST(ProfileFile, ABombIsDefused) {
  std::string bomb = "rules:\n  - &a {terms: {any_of: [";
  for (int i = 0; i < 1000; ++i) bomb += "x,";
  bomb += "x]}}\n";
  for (int i = 0; i < 1000; ++i) bomb += "  - *a\n";
  EXPECT_THAT(Error(bomb), HasSubstr("more than 100000 values"));
}

// What the server objects to is said in terms of the file, also behind a longer path or a finer one than was
// written.
TEST(ProfileFile, ServerViolationsAreSaidByPlace) {
  const auto file = ParseProfile(kProfile, "p.yaml");
  ASSERT_TRUE(file.ok()) << file.status();
  const absl::Status status =
      WithReason(FieldErrors({{"batch.screen.profile.rules[1].regex.pattern", "missing )"},
                              {"profile.rules[2].work_place.any_of[1]", "no"},
                              {"profile.rules[0].salary.period.nowhere", "odd"},
                              {"jobs[4].posting.title", "too long"},
                              {"priority", "out of range"}}),
                 "BAD_PROFILE");
  const absl::Status said = WithInputPlaces(status, *file, [](int64_t job) -> std::optional<InputPlace> {
    EXPECT_EQ(job, 4);
    return InputPlace{"jobs.csv", 6};
  });
  EXPECT_EQ(said.message(),
            "p.yaml:14:16: rules[1].regex.pattern: missing )\n"
            "p.yaml:18:35: rules[2].work_place.any_of[1]: no\n"
            "p.yaml:9:54: rules[0].salary.period.nowhere: odd\n"
            "jobs.csv:6: posting.title: too long\n"
            "priority: out of range");
  EXPECT_EQ(ReasonOf(said), "BAD_PROFILE");
  EXPECT_EQ(said.code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace sluice
