// schema.org JobPostings from file to job: optional properties in every form that sites give them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "client/cpp/formats/evidence_source.h"
#include "client/cpp/formats/posting_reader.h"
#include "tests/client/temporary_file.h"

namespace sluice {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class JobPostingTest : public testing::Test {
 protected:
  // The one posting with a title, a description and these members besides.
  v1::Posting Read(absl::string_view members) { return ReadInput(members).job.posting(); }

  PostingInput ReadInput(absl::string_view members) {
    const std::vector<PostingInput> inputs = ReadFile(
        "in.json", absl::StrCat(R"({"@context":"https://schema.org/","@type":"JobPosting","title":"Cook",)",
                                R"("description":"<p>Short.</p>",)", members, "}"));
    if (inputs.size() != 1) {
      ADD_FAILURE() << "expected one posting of " << members;
      return {};
    }
    return inputs.front();
  }

  std::vector<PostingInput> ReadFile(const std::string& name, absl::string_view content) {
    std::vector<PostingInput> inputs;
    const auto summary = ReadPostings({directory_.Write(name, content)}, {}, [&](PostingInput input) {
      inputs.push_back(std::move(input));
      return absl::OkStatus();
    });
    EXPECT_TRUE(summary.ok()) << summary.status();
    notes_ = summary.ok() ? summary->notes.Lines() : std::vector<std::string>();
    return inputs;
  }

  // "GBP 40000–50000/YEAR" of a baseSalary, and how many lines were noted.
  std::string Pay(absl::string_view salary) {
    const v1::Posting posting = Read(absl::StrCat("\"baseSalary\":", salary));
    const auto end = [](bool has, double amount) { return has ? absl::StrCat(amount) : std::string("?"); };
    return absl::StrCat(
        posting.currency(), " ", end(posting.has_min_amount(), posting.min_amount()), "-",
        end(posting.has_max_amount(), posting.max_amount()), "/",
        posting.interval() == v1::SALARY_PERIOD_UNSPECIFIED ? "?" : v1::SalaryPeriod_Name(posting.interval()),
        " ", notes_.size());
  }

  TemporaryDirectory directory_;
  std::vector<std::string> notes_;
};

TEST_F(JobPostingTest, PayIsUnderstoodInEveryFormThatMeansOneThing) {
  const auto range = [](absl::string_view low, absl::string_view high, absl::string_view unit) {
    return absl::StrCat(R"({"currency":"EUR","value":{"minValue":)", low, R"(,"maxValue":)", high,
                        R"(,"unitText":")", unit, "\"}}");
  };
  for (const char* unit : {"YEAR", "ANNUM", "per year", "Yearly", "p.a.", "ANN", "/yr"})
    EXPECT_EQ(Pay(range("40000", "50000", unit)), "EUR 40000-50000/YEAR 0") << unit;
  for (const char* unit : {"HOUR", "HOURS", "hourly", "HUR", "per hour"})
    EXPECT_EQ(Pay(range("18", "19.5", unit)), "EUR 18-19.5/HOUR 0") << unit;
  EXPECT_EQ(Pay(range("50000", "40000", "YEAR")), "EUR 40000-50000/YEAR 0");
  EXPECT_EQ(Pay(range("\"40.000,00\"", "\"50.000,00\"", "YEAR")), "EUR 40000-50000/YEAR 0");
  EXPECT_EQ(Pay(range("\"40.000\"", "\"50.000\"", "YEAR")), "EUR 40000-50000/YEAR 0");
  EXPECT_EQ(Pay(range("\"40k\"", "\"&euro;50k\"", "YEAR")), "EUR 40000-50000/YEAR 0");
  EXPECT_EQ(Pay(range("2000", "2000", "BIWEEKLY")), "EUR 52000-52000/YEAR 0");
  EXPECT_EQ(Pay(R"({"currency":"£","value":{"value":18.5,"unitText":"HOURS"}})"), "GBP 18.5-18.5/HOUR 0");
  EXPECT_EQ(Pay(R"("£40,000 - £50,000 per annum")"), "GBP 40000-50000/YEAR 0");
  EXPECT_EQ(Pay(R"("$150-190k a year")"), "USD 150000-190000/YEAR 0");
  EXPECT_EQ(Pay(R"("between £40,000 and £50,000 per year")"), "GBP 40000-50000/YEAR 0");
  EXPECT_EQ(Pay(R"("Zwischen 40.000 und 50.000 € p. a.")"), "EUR 40000-50000/YEAR 0");
  EXPECT_EQ(Pay(R"("von 3.000 bis 3.500 € im Monat")"), "EUR 3000-3500/MONTH 0");
  EXPECT_EQ(Pay(R"("₹12 - 15 LPA")"), "INR 1.2e+06-1.5e+06/YEAR 0");
  EXPECT_EQ(Pay(R"("2.500 - 3.000 € im Monat")"), "EUR 2500-3000/MONTH 0");
}

TEST_F(JobPostingTest, PayThatIsNoneIsLeftOutWithOneLine) {
  EXPECT_EQ(Pay(R"("Competitive")"), " ?-?/? 1");
  EXPECT_EQ(Pay(R"({"currency":"GBP","value":"Negotiable"})"), "GBP ?-?/? 1");
  EXPECT_EQ(Pay(R"({"currency":"GBP","value":{"value":"40.000 plus bonus","unitText":"YEAR"}})").substr(0, 5),
            "GBP ?");
  EXPECT_EQ(notes_.size(), 1);
  EXPECT_EQ(Pay(R"({"currency":"GBP","value":{"value":40,"unitText":"YEAR"}})").substr(0, 7), "GBP ?-?");
  EXPECT_THAT(notes_, ElementsAre(HasSubstr("field 'baseSalary.value': '40' is no pay that anybody gets")));
  // What it is paid for is not known: not hours.
  EXPECT_EQ(Pay(R"({"currency":"GBP","value":{"value":40,"unitText":"project"}})"), "GBP ?-?/? 1");
}

TEST_F(JobPostingTest, DaysAreReadOrLeftOutWithOneLine) {
  EXPECT_EQ(Read(R"("datePosted":"Mon, 02 Nov 2026 08:00:00 GMT")").date_posted(), "2026-11-02");
  EXPECT_EQ(Read(R"("datePosted":"02.11.2026")").date_posted(), "2026-11-02");
  EXPECT_THAT(notes_, IsEmpty());
  EXPECT_EQ(Read(R"("datePosted":"02/11/2026","validThrough":"2026-11-10")").date_posted(), "");
  EXPECT_THAT(notes_, ElementsAre(HasSubstr("field 'datePosted': '02/11/2026' can be two days")));
  EXPECT_EQ(Read(R"("datePosted":"soon")").date_posted(), "");
  EXPECT_THAT(notes_, ElementsAre(HasSubstr("field 'datePosted': 'soon' is not a date")));
}

TEST_F(JobPostingTest, ReferencesAreReadInEveryProperty) {
  const v1::Posting posting =
      Read(R"("hiringOrganization":{"name":"Ernst &amp;amp; Sons"},"employmentType":"Full&nbsp;time",
              "jobLocation":{"address":{"addressLocality":"Z&uuml;rich"}},"url":"https://x.org/?a=1&amp;b=2")");
  EXPECT_EQ(posting.company(), "Ernst & Sons");
  EXPECT_EQ(posting.job_type(), "Full time");
  EXPECT_EQ(posting.location(), "Zürich");
  EXPECT_EQ(posting.job_url(), "https://x.org/?a=1&b=2");
}

// What is not in the description has no place in it: evidence from there is not put into the file.
TEST_F(JobPostingTest, WhatTheJobAsksForStandsBehindTheDescription) {
  const PostingInput input = ReadInput(
      R"("responsibilities":"<ul><li>Write C++</li></ul>","skills":"Java, Kafka","qualifications":"Short.")");
  EXPECT_EQ(input.job.posting().description(), "Short.\n- Write C++\nJava, Kafka");
  const EvidenceSource source(input.job.posting(), input.description_map);
  const auto at = [](int32_t begin, int32_t end) {
    v1::Evidence evidence;
    evidence.set_field("description");
    evidence.set_begin_byte(begin);
    evidence.set_end_byte(end);
    return evidence;
  };
  EXPECT_EQ(source.Of(at(0, 5)), (ByteRange{3, 8}));
  EXPECT_EQ(source.Of(at(9, 18)), std::nullopt);
}

TEST_F(JobPostingTest, AFurtherTextThatCannotBeReadRefusesNoPosting) {
  std::string deep;
  for (int i = 0; i < 2000; ++i) deep += "<b>";
  EXPECT_EQ(Read(absl::StrCat("\"skills\":\"", deep, "Baking\"")).description(), "Short.");
  EXPECT_THAT(notes_, ElementsAre(HasSubstr("field 'skills': HTML is nested deeper than 1024")));
}

// As in a browser the last one counts.
TEST_F(JobPostingTest, ANameThatComesTwiceIsNoted) {
  EXPECT_EQ(Read(R"("url":"https://x.org/1","url":"https://x.org/2")").job_url(), "https://x.org/2");
  EXPECT_THAT(notes_, ElementsAre(HasSubstr("in.json:1: field 'url': is there twice in this object")));
}

// An identifier is its employer's own: two of them may use "1".
TEST_F(JobPostingTest, AnIdentifierThatWasThereBeforeRefusesNothing) {
  const char* two = R"([{"@type":"JobPosting","title":"Cook","identifier":1},
{"@type":"JobPosting","title":"Baker","identifier":{"value":"1"}}])";
  const std::vector<PostingInput> inputs = ReadFile("in.json", two);
  ASSERT_EQ(inputs.size(), 2);
  EXPECT_EQ(inputs[0].job.id(), "1");
  EXPECT_EQ(inputs[1].job.id(), "in.json:2");
  EXPECT_THAT(notes_, ElementsAre(HasSubstr("in.json:2: field 'identifier': '1' was there before, in")));

  EXPECT_EQ(ReadInput(absl::StrCat("\"identifier\":\"", std::string(300, 'x'), "\"")).job.id(), "in.json:1");
  EXPECT_THAT(notes_, ElementsAre(HasSubstr("300 bytes; the limit is 256; the id is 'in.json:1'")));
}

}  // namespace
}  // namespace sluice
