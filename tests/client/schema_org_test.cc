#include "client/cpp/formats/schema_org.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace sluice {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class SchemaOrgTest : public testing::Test {
 protected:
  // A posting with a title and these members besides.
  RawPosting Read(absl::string_view members) {
    return ReadWhole(absl::StrCat(R"({"@type":"JobPosting","title":"T",)", members, "}"));
  }

  RawPosting ReadWhole(absl::string_view json) {
    notes_ = InputNotes();
    std::optional<RawPosting> fields =
        FieldsFromJobPosting(nlohmann::json::parse(json.begin(), json.end()), {"in.json", 3}, {}, notes_);
    EXPECT_TRUE(fields.has_value()) << json;
    return fields.value_or(RawPosting());
  }

  std::string Value(absl::string_view members, PostingColumn column) { return Read(members).Value(column); }

  // "low|high|currency|interval" of a baseSalary.
  std::string Pay(absl::string_view salary) {
    const RawPosting fields = Read(absl::StrCat("\"baseSalary\":", salary));
    return absl::StrCat(fields.Value(PostingColumn::kMinAmount), "|", fields.Value(PostingColumn::kMaxAmount),
                        "|", fields.Value(PostingColumn::kCurrency), "|",
                        fields.Value(PostingColumn::kInterval));
  }

  InputNotes notes_;
};

// Comparing each of so many texts with all before it would take an hour.
TEST_F(SchemaOrgTest, AListMayBeAsLongAsItsFile) {
  constexpr int kSkills = 1'500'000;
  std::string skills = "\"skills\":[\"s0\"";
  for (int i = 1; i < kSkills; ++i) absl::StrAppend(&skills, ",\"s", i / 2, "\"");
  const RawPosting fields = Read(absl::StrCat(skills, "]"));
  ASSERT_EQ(fields.texts().size(), 1u);
  const std::string& text = fields.texts().front().text;
  EXPECT_TRUE(absl::StartsWith(text, "s0, s1, s2, s3, ")) << text.substr(0, 20);
}

TEST_F(SchemaOrgTest, ATextMayBeANumberAThingOrAList) {
  EXPECT_EQ(ReadWhole(R"({"title":404,"description":"x"})").Value(PostingColumn::kTitle), "404");
  EXPECT_EQ(ReadWhole(R"({"title":{"@value":"Cook","@language":"en"}})").Value(PostingColumn::kTitle),
            "Cook");
  EXPECT_EQ(ReadWhole(R"({"title":["", "Cook", "Koch"]})").Value(PostingColumn::kTitle), "Cook");
  EXPECT_EQ(ReadWhole(R"({"name":"Cook"})").Value(PostingColumn::kTitle), "Cook");
  EXPECT_EQ(ReadWhole(R"({"title":" Data\n\t engineer "})").Value(PostingColumn::kTitle), "Data engineer");
  EXPECT_EQ(ReadWhole(R"({"https://schema.org/title":[{"@value":"Cook"}]})").Value(PostingColumn::kTitle),
            "Cook");
  EXPECT_EQ(ReadWhole(R"({"description":["<p>a</p>", {"@value":"b"}]})").Value(PostingColumn::kDescription),
            "<p>a</p>\nb");
  EXPECT_EQ(Value(R"("hiringOrganization":"Acme")", PostingColumn::kCompany), "Acme");
  EXPECT_EQ(Value(R"("hiringOrganization":[{"@type":"Organization","legalName":"Acme Ltd"}])",
                  PostingColumn::kCompany),
            "Acme Ltd");
  EXPECT_EQ(
      Value(R"("employmentType":["FULL_TIME",{"name":"CONTRACTOR"},"FULL_TIME"])", PostingColumn::kJobType),
      "FULL_TIME, CONTRACTOR");
  EXPECT_EQ(Value(R"("datePosted":{"@type":"Date","@value":"2026-11-02"})", PostingColumn::kDatePosted),
            "2026-11-02");
  EXPECT_EQ(Value(R"("identifier":17)", PostingColumn::kId), "17");
  EXPECT_EQ(Value(R"("identifier":[{"name":"Acme"},{"name":"Acme","value":"j1"}])", PostingColumn::kId),
            "j1");
  EXPECT_THAT(notes_.Lines(), IsEmpty());
}

TEST_F(SchemaOrgTest, PlacesInEveryShape) {
  const auto place = [&](absl::string_view members) { return Value(members, PostingColumn::kLocation); };
  EXPECT_EQ(place(R"("jobLocation":"Leeds")"), "Leeds");
  EXPECT_EQ(place(R"("jobLocation":{"address":"Leeds, GB"})"), "Leeds, GB");
  EXPECT_EQ(place(R"("jobLocation":[{"address":{"addressLocality":"Bonn","addressCountry":{"name":"DE"}}},
                                    {"address":{"addressLocality":"Ulm"}}, "Ulm"])"),
            "Bonn, DE; Ulm");
  EXPECT_EQ(place(R"("jobLocation":{"addressLocality":["Bonn"],"addressRegion":"Bonn"})"), "Bonn");
  EXPECT_EQ(place(R"("jobLocation":{"@type":"Place","name":"Head office"})"), "Head office");
  EXPECT_EQ(place(R"("jobLocation":{"@type":"Place","address":{"@type":"PostalAddress","addressLocality":""}},
                     "applicantLocationRequirements":[{"@type":"Country","name":"USA"},{"name":"CA"}])"),
            "USA; CA");
  EXPECT_THAT(notes_.Lines(), IsEmpty());
  EXPECT_EQ(place(R"("jobLocation":{"geo":{"latitude":1}})"), "");
  EXPECT_THAT(notes_.Lines(),
              ElementsAre("in.json:3: field 'jobLocation': is in a form that is not known; left out"));
}

TEST_F(SchemaOrgTest, OnlyTelecommuteIsRemote) {
  const auto remote = [&](absl::string_view type) {
    return Value(absl::StrCat("\"jobLocationType\":", type), PostingColumn::kIsRemote);
  };
  EXPECT_EQ(remote(R"("TELECOMMUTE")"), "true");
  EXPECT_EQ(remote(R"(["telecommute"])"), "true");
  EXPECT_EQ(remote(R"({"@id":"https://schema.org/TELECOMMUTE"})"), "true");
  EXPECT_EQ(remote("\"\""), "");
  EXPECT_THAT(notes_.Lines(), IsEmpty());
  EXPECT_EQ(remote(R"("Hybrid")"), "");
  EXPECT_THAT(notes_.Lines(), ElementsAre(HasSubstr("field 'jobLocationType': 'Hybrid' is not TELECOMMUTE")));
}

// "#job" is the same in every page of a site: taken for an id it would refuse the second one.
TEST_F(SchemaOrgTest, OnlyAWholeAddressIsOne) {
  EXPECT_EQ(Value(R"("url":"https://x.org/1","@id":"https://x.org/2")", PostingColumn::kJobUrl),
            "https://x.org/1");
  EXPECT_EQ(Value(R"("@id":"https://x.org/2")", PostingColumn::kJobUrl), "https://x.org/2");
  EXPECT_EQ(
      Value(R"("mainEntityOfPage":{"@type":"WebPage","@id":"https://x.org/3"})", PostingColumn::kJobUrl),
      "https://x.org/3");
  EXPECT_EQ(Value(R"("@id":"#job")", PostingColumn::kJobUrl), "");
}

TEST_F(SchemaOrgTest, WhatTheJobAsksForIsFurtherText) {
  std::vector<std::string> texts;
  const RawPosting fields =
      Read(R"("responsibilities":"Write C++.","skills":["Java",{"@type":"DefinedTerm","name":"Kafka"}],
                      "qualifications":"<p>Linux</p>","experienceRequirements":{"monthsOfExperience":60},
                      "educationRequirements":{"credentialCategory":"bachelor degree"})");
  for (const RawPosting::FurtherText& further : fields.texts()) texts.push_back(further.text);
  EXPECT_THAT(texts, ElementsAre("Write C++.", "<p>Linux</p>", "Java, Kafka", "60 months of experience",
                                 "bachelor degree"));
  EXPECT_THAT(notes_.Lines(), IsEmpty());
}

TEST_F(SchemaOrgTest, PayInEveryShape) {
  EXPECT_EQ(Pay("null"), "|||");
  EXPECT_EQ(Pay("45000"), "45000|45000||");
  EXPECT_EQ(Pay(R"({"currency":"EUR","value":45000})"), "45000|45000|EUR|");
  EXPECT_EQ(Pay(R"({"currency":"EUR","value":{"minValue":40,"maxValue":"55.5","unitText":"HOUR"}})"),
            "40|55.5|EUR|HOUR");
  EXPECT_EQ(Pay(R"({"currency":"GBP","unitText":"HOUR","value":18.5})"), "18.5|18.5|GBP|HOUR");
  EXPECT_EQ(Pay(R"({"currency":"GBP","minValue":1,"maxValue":2,"unitText":"YEAR"})"), "1|2|GBP|YEAR");
  EXPECT_EQ(Pay(R"({"value":{"value":3,"currency":"GBP","unitCode":"ANN"}})"), "3|3|GBP|YEAR");
  EXPECT_EQ(Pay(R"([{"currency":"EUR","value":[{"value":7,"unitText":"DAY"}]}])"), "7|7|EUR|DAY");
  EXPECT_EQ(Pay(R"({"currency":"EUR","value":[7,8],"duration":"PT1H"})"), "7|8|EUR|HOUR");
  EXPECT_EQ(Pay("[\"40000\", 50000]"), "40000|50000||");
  EXPECT_EQ(Pay(R"({"priceCurrency":"USD","price":"9"})"), "9|9|USD|");
  EXPECT_EQ(Pay(R"({"priceCurrency":"USD","minPrice":"9","maxPrice":10})"), "9|10|USD|");
  EXPECT_EQ(Pay(R"(45000,"salaryCurrency":"USD")"), "45000|45000|USD|");
  EXPECT_THAT(notes_.Lines(), IsEmpty());
}

TEST_F(SchemaOrgTest, PayAsText) {
  EXPECT_EQ(Pay(R"("£40,000 - £50,000 per annum")"), "£40,000 per annum|£50,000 per annum||");
  EXPECT_EQ(Pay(R"("&pound;40,000&ndash;&pound;50,000")"), "£40,000|£50,000||");
  EXPECT_EQ(Pay(R"({"value":"40.000 bis 50.000","unitText":"YEAR"})"), "40.000|50.000||YEAR");
  EXPECT_EQ(Pay(R"("$150-190k")"), "$150k|190k||");
  EXPECT_EQ(Pay(R"("12 - 15 LPA")"), "12 LPA|15 LPA||");
  EXPECT_EQ(Pay(R"("up to £50k")"), "|£50k||");
  EXPECT_EQ(Pay(R"("from 40000")"), "40000|||");
  EXPECT_EQ(Pay(R"("From 40000 to 50000")"), "40000|50000||");
  EXPECT_THAT(notes_.Lines(), IsEmpty());
  EXPECT_EQ(Pay(R"("Competitive")"), "|||");
  EXPECT_THAT(notes_.Lines(),
              ElementsAre("in.json:3: field 'baseSalary': 'Competitive' is no amount; left out"));
  EXPECT_EQ(Pay(R"({"currency":"GBP","value":"Negotiable","unitText":"YEAR"})"), "||GBP|");
  EXPECT_THAT(notes_.Lines(), ElementsAre(HasSubstr("field 'baseSalary.value': 'Negotiable' is no amount")));
}

TEST_F(SchemaOrgTest, ZeroIsNoPay) {
  EXPECT_EQ(Pay(R"({"value":{"minValue":0,"maxValue":"0.00","unitText":"YEAR"}})"), "|||");
  EXPECT_EQ(Pay(R"({"value":{"minValue":0,"maxValue":50000,"unitText":"YEAR"}})"), "|50000||YEAR");
  EXPECT_EQ(Pay("0"), "|||");
  EXPECT_EQ(Pay(R"({"currency":"EUR","value":{"@type":"QuantitativeValue","value":"","unitText":"YEAR"}})"),
            "||EUR|");
  EXPECT_THAT(notes_.Lines(), IsEmpty());
}

TEST_F(SchemaOrgTest, AnEstimateIsNotTheEmployersWord) {
  const RawPosting fields = Read(R"("estimatedSalary":{"currency":"GBP","median":"45000","duration":"P1Y"})");
  EXPECT_EQ(fields.Value(PostingColumn::kMinAmount), "");
  EXPECT_THAT(notes_.Lines(), ElementsAre(HasSubstr("field 'estimatedSalary': is an estimate")));
}

TEST_F(SchemaOrgTest, APropertyInAnUnknownFormIsLeftOutWithALine) {
  Read(
      R"("hiringOrganization":{"logo":"x.png"},"datePosted":{"year":2026},"baseSalary":{"value":{"about":"x"}})");
  EXPECT_THAT(notes_.Lines(),
              testing::UnorderedElementsAre(HasSubstr("'hiringOrganization'"), HasSubstr("'datePosted'"),
                                            HasSubstr("'baseSalary.value'")));
}

}  // namespace
}  // namespace sluice
