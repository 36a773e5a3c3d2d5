#include "client/cpp/formats/posting_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "client/cpp/formats/posting_object.h"
#include "tests/client/temporary_file.h"

namespace sluice {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

class PostingReaderTest : public testing::Test {
 protected:
  // The jobs of one file; its summary is kept.
  absl::StatusOr<std::vector<v1::Job>> Read(const std::string& name, absl::string_view content,
                                            bool ignore_unknown = false) {
    return ReadFiles({directory_.Write(name, content)}, ignore_unknown);
  }

  absl::StatusOr<std::vector<v1::Job>> ReadFiles(const std::vector<std::string>& files,
                                                 bool ignore_unknown = false) {
    std::vector<v1::Job> jobs;
    auto summary = ReadPostings(files, {.ignore_unknown_columns = ignore_unknown, .skip_bad = skip_bad_},
                                [&](PostingInput input) {
                                  jobs.push_back(std::move(input.job));
                                  return absl::OkStatus();
                                });
    if (!summary.ok()) return summary.status();
    summary_ = *std::move(summary);
    EXPECT_EQ(summary_.postings, static_cast<int64_t>(jobs.size()));
    return jobs;
  }

  // The one job, or nothing with a failure.
  v1::Job ReadOne(const std::string& name, absl::string_view content) {
    const auto jobs = Read(name, content);
    EXPECT_TRUE(jobs.ok()) << jobs.status();
    if (!jobs.ok() || jobs->size() != 1) {
      ADD_FAILURE() << "expected one posting";
      return {};
    }
    return jobs->front();
  }

  std::string Error(const std::string& name, absl::string_view content) {
    const auto jobs = Read(name, content);
    EXPECT_EQ(jobs.status().code(), absl::StatusCode::kInvalidArgument);
    return std::string(jobs.status().message());
  }

  TemporaryDirectory directory_;
  bool skip_bad_ = false;
  PostingInputSummary summary_;
};

constexpr char kFullRow[] =
    R"({"id":"a1","title":"Engineer","company":"Acme","location":"Bonn, Germany","date_posted":"2026-01-02",)"
    R"("job_type":"fulltime","min_amount":50000,"max_amount":60000.5,"currency":"eur","interval":"yearly",)"
    R"("is_remote":true,"job_url":"https://example.org/1","description":"Builds things."})";

TEST_F(PostingReaderTest, JsonLinesFillEveryField) {
  const v1::Job job = ReadOne("in.jsonl", kFullRow);
  EXPECT_EQ(job.id(), "a1");
  const v1::Posting& posting = job.posting();
  EXPECT_EQ(posting.title(), "Engineer");
  EXPECT_EQ(posting.company(), "Acme");
  EXPECT_EQ(posting.location(), "Bonn, Germany");
  EXPECT_EQ(posting.date_posted(), "2026-01-02");
  EXPECT_EQ(posting.job_type(), "fulltime");
  EXPECT_EQ(posting.min_amount(), 50000);
  EXPECT_EQ(posting.max_amount(), 60000.5);
  EXPECT_EQ(posting.currency(), "EUR");
  EXPECT_EQ(posting.interval(), v1::YEAR);
  EXPECT_TRUE(posting.is_remote());
  EXPECT_EQ(posting.job_url(), "https://example.org/1");
  EXPECT_EQ(posting.description(), "Builds things.");
}

TEST_F(PostingReaderTest, CsvFillsEveryFieldWhateverItsDelimiter) {
  for (const char* delimiter : {",", ";", "\t"}) {
    std::string text =
        "id|title|company|location|date_posted|job_type|min_amount|max_amount|currency|interval|is_remote|"
        "job_url|description\r\n"
        "a1|Engineer|Acme|\"Bonn, Germany; on the "
        "Rhine\"|2026-01-02|fulltime|50000.0|60000|EUR|yearly|True|u|\"Builds\nthings.\"\r\n";
    for (char& c : text) {
      if (c == '|') c = delimiter[0];
    }
    const v1::Posting posting = ReadOne("in.csv", text).posting();
    EXPECT_EQ(posting.location(), "Bonn, Germany; on the Rhine");
    EXPECT_EQ(posting.min_amount(), 50000);
    EXPECT_EQ(posting.interval(), v1::YEAR);
    EXPECT_TRUE(posting.is_remote());
    EXPECT_EQ(posting.description(), "Builds\nthings.");
  }
}

// The header, not the extension, tells what a file is.
TEST_F(PostingReaderTest, FormatIsToldByContent) {
  EXPECT_EQ(ReadOne("in.txt", kFullRow).id(), "a1");
  EXPECT_EQ(ReadOne("in.csv", kFullRow).id(), "a1");
  EXPECT_EQ(ReadOne("in.jsonl", "id,title\nx,Cook\n").id(), "x");
  EXPECT_EQ(ReadOne("in.csv", absl::StrCat("[\n", kFullRow, "\n]")).id(), "a1");
  EXPECT_EQ(ReadOne("in.json", "{\n\"id\": \"p\",\n\"title\": \"Cook\"\n}\n").id(), "p");
}

// Values that pandas and Python write for nothing mean nothing; false and 0 are values.
TEST_F(PostingReaderTest, AbsentIsNotFalse) {
  const v1::Posting absent =
      ReadOne("in.csv", "title,company,min_amount,is_remote,date_posted,interval\nCook,nan,NaN,None,NaT,\n")
          .posting();
  EXPECT_EQ(absent.company(), "");
  EXPECT_FALSE(absent.has_min_amount());
  EXPECT_FALSE(absent.has_is_remote());
  EXPECT_EQ(absent.interval(), v1::SALARY_PERIOD_UNSPECIFIED);

  const v1::Posting zero = ReadOne("in.csv", "title,min_amount,is_remote\nCook,0,False\n").posting();
  EXPECT_FALSE(zero.has_min_amount());  // nobody is paid 0
  EXPECT_TRUE(zero.has_is_remote());
  EXPECT_FALSE(zero.is_remote());
  EXPECT_TRUE(ReadOne("in.csv", "title,is_remote\nCook,1\n").posting().is_remote());
  EXPECT_FALSE(ReadOne("in.jsonl", R"({"title":"Cook","is_remote":null,"min_amount":null})")
                   .posting()
                   .has_is_remote());
}

TEST_F(PostingReaderTest, CsvThatIsNotUtf8IsReadAsWindows1252AndSaidSo) {
  const v1::Posting posting = ReadOne("in.csv",
                                      "title,description\nK\xF6"
                                      "chin,\x80"
                                      "50\x96"
                                      "60 caf\xE9\n")
                                  .posting();
  EXPECT_EQ(posting.title(), "Köchin");
  EXPECT_EQ(posting.description(), "€50–60 café");
  EXPECT_THAT(summary_.notes.Lines(), ElementsAre(HasSubstr("in.csv: is not UTF-8; read as Windows-1252")));
}

// Feeds escape every column, not only those with markup.
TEST_F(PostingReaderTest, CharacterReferencesAreReadInEveryColumn) {
  const v1::Posting posting =
      ReadOne("in.csv",
              "title,company,location,job_url,currency,min_amount,job_type,description\n"
              "Events &amp;amp; Media,Ernst &amp; Sons,Z&uuml;rich,https://x.org/?a=1&amp;b=2,&#69;UR,"
              "5&#48;,full&#8209;time,K&ouml;che\n")
          .posting();
  EXPECT_EQ(posting.title(), "Events & Media");
  EXPECT_EQ(posting.company(), "Ernst & Sons");
  EXPECT_EQ(posting.location(), "Zürich");
  EXPECT_EQ(posting.job_url(), "https://x.org/?a=1&b=2");
  EXPECT_EQ(posting.currency(), "EUR");
  EXPECT_EQ(posting.min_amount(), 50);
  EXPECT_EQ(posting.job_type(), "full‑time");
  EXPECT_EQ(posting.description(), "Köche");
}

TEST_F(PostingReaderTest, AliasesMeanTheSameColumn) {
  const v1::Posting posting =
      ReadOne(
          "in.jsonl",
          R"({"id":"d1","title":"T","company":"C","location":"L","posted_at":"2026-01-01","text":"Body"})")
          .posting();
  EXPECT_EQ(posting.date_posted(), "2026-01-01");
  EXPECT_EQ(posting.description(), "Body");
  EXPECT_THAT(Error("in.jsonl", R"({"text":"a","description":"b"})"),
              HasSubstr("column 'text': says the same as column 'description'"));
}

TEST_F(PostingReaderTest, UnknownColumnIsAnErrorThatNamesFileLineAndColumn) {
  EXPECT_THAT(Error("in.csv", "id,title,locaton\n1,Cook,Bonn\n"),
              HasSubstr("in.csv:1: column 'locaton': unknown; did you mean 'location'?"));
  EXPECT_THAT(Error("in.jsonl", "{\"title\":\"a\"}\n{\"title\":\"b\",\"pay\":3}\n"),
              HasSubstr("in.jsonl:2: column 'pay': unknown"));
}

TEST_F(PostingReaderTest, UnknownColumnsAreLeftOutWhenAskedAndCounted) {
  const auto jobs = Read("in.csv", "title,pay\nCook,3\nBaker,4\n", /*ignore_unknown=*/true);
  ASSERT_TRUE(jobs.ok()) << jobs.status();
  EXPECT_THAT(summary_.ignored_columns, ElementsAre(Pair("pay", 2)));
}

// Every object of JSON may have a name that no other has: memory stays small, and nothing is uncounted.
TEST_F(PostingReaderTest, TheNamesOfIgnoredColumnsThatAreKeptAreBounded) {
  constexpr int kMost = PostingInputSummary::kMaxIgnoredNames;
  std::string lines;
  for (int i = 0; i < kMost + 7; ++i)
    absl::StrAppend(&lines, "{\"title\":\"Cook\",\"", std::string(1000, 'x'), "\":1,\"unnamed: ", i,
                    "\":1}\n");
  ASSERT_TRUE(Read("in.jsonl", lines, /*ignore_unknown=*/true).ok());
  ASSERT_EQ(summary_.ignored_columns.size(), PostingInputSummary::kMaxIgnoredNames);
  EXPECT_EQ(summary_.ignored_under_other_names, 8);
  EXPECT_EQ(summary_.ignored_columns[std::string(PostingInputSummary::kMaxIgnoredNameBytes, 'x')], kMost + 7);
}

// A number of JSON is no text: no hint at a decimal comma, such as the day, makes 350 a day 350,000.
TEST_F(PostingReaderTest, ANumberOfJsonHasItsPointBeforeDecimals) {
  const v1::Posting flat =
      ReadOne("in.jsonl",
              R"({"title":"Cook","date_posted":"02.11.2026","min_amount":350.125,"max_amount":"400.125",)"
              R"("currency":"EUR","interval":"daily"})")
          .posting();
  EXPECT_EQ(flat.min_amount(), 350.125);
  const v1::Posting page =
      ReadOne("in.jsonl",
              R"({"@type":"JobPosting","title":"Cook","datePosted":"02.11.2026","baseSalary":{)"
              R"("currency":"EUR","value":{"minValue":350.125,"maxValue":400,"unitText":"DAY"}}})")
          .posting();
  EXPECT_EQ(page.min_amount(), 350.125);
}

// What JobSpy writes besides is known: left out, counted, no error. So is a pandas index.
TEST_F(PostingReaderTest, JobSpyColumnsAreLeftOutAndCounted) {
  const auto jobs =
      Read("in.csv",
           ",site,title,job_url_direct,salary_source,emails,company_url\n0,indeed,Cook,u,direct_data,,c\n");
  ASSERT_TRUE(jobs.ok()) << jobs.status();
  EXPECT_THAT(summary_.ignored_columns,
              ElementsAre(Pair("", 1), Pair("company_url", 1), Pair("job_url_direct", 1),
                          Pair("salary_source", 1), Pair("site", 1)));
}

TEST_F(PostingReaderTest, MissingIdsAreDerivedStably) {
  EXPECT_EQ(ReadOne("in.jsonl", R"({"title":"Cook","job_url":"https://example.org/7"})").id(),
            "https://example.org/7");
  const auto lines = Read("in.jsonl", "{\"title\":\"Cook\"}\n\n{\"title\":\"Baker\"}\n");
  ASSERT_TRUE(lines.ok()) << lines.status();
  EXPECT_EQ((*lines)[0].id(), "in.jsonl:1");
  EXPECT_EQ((*lines)[1].id(), "in.jsonl:3");
  const auto one_line = Read("in.json", R"([{"title":"Cook"},{"title":"Baker"}])");
  ASSERT_TRUE(one_line.ok()) << one_line.status();
  EXPECT_EQ((*one_line)[0].id(), "in.json:1");
  EXPECT_EQ((*one_line)[1].id(), "in.json:1#2");
  EXPECT_EQ(ReadOne("in.jsonl", R"({"id":42,"title":"Cook"})").id(), "42");
}

TEST_F(PostingReaderTest, DuplicateIdNamesBothPlacesAlsoAcrossFiles) {
  EXPECT_THAT(Error("in.csv", "id,title\n1,Cook\n2,Baker\n1,Cook\n"),
              HasSubstr("in.csv:4: column 'id': '1' was there before"));
  const auto jobs = ReadFiles(
      {directory_.Write("a.csv", "id,title\n1,Cook\n"), directory_.Write("b.csv", "id,title\n1,Cook\n")});
  EXPECT_THAT(std::string(jobs.status().message()), HasSubstr("b.csv:2"));
  EXPECT_THAT(std::string(jobs.status().message()), HasSubstr("a.csv:2"));
}

// One optional value in a form of its own does not refuse a posting, let alone ten thousand.
TEST_F(PostingReaderTest, OptionalValuesThatAreNotUnderstoodAreLeftOutWithALineEach) {
  const auto jobs = Read("in.csv",
                         "title,date_posted,interval,min_amount,max_amount,currency,is_remote\n"
                         "Cook,2026-02-30,per dish,5,6,EUR,False\n"
                         "Baker,2026-01-02,yearly,lots,-5,money,maybe\n");
  ASSERT_TRUE(jobs.ok()) << jobs.status();
  EXPECT_EQ((*jobs)[0].posting().date_posted(), "");
  EXPECT_FALSE((*jobs)[0].posting().has_min_amount());
  EXPECT_EQ((*jobs)[1].posting().date_posted(), "2026-01-02");
  EXPECT_FALSE((*jobs)[1].posting().has_is_remote());
  EXPECT_THAT(summary_.notes.Lines(),
              ElementsAre(HasSubstr("in.csv:2: field 'date_posted': '2026-02-30' is not a date"),
                          HasSubstr("in.csv:2: field 'interval': 'per dish' is not one of"),
                          HasSubstr("in.csv:3: field 'is_remote': 'maybe'"),
                          HasSubstr("in.csv:3: field 'min_amount': 'lots' is not an amount"),
                          HasSubstr("in.csv:3: field 'max_amount': '-5' is not an amount"),
                          HasSubstr("in.csv:3: field 'currency': 'money'")));
}

TEST_F(PostingReaderTest, DatesInTheShapesThatScrapersWrite) {
  for (const char* date :
       {"\"2026-01-02\"", "\"2026-01-02T09:30:00Z\"", "\"2026-01-02 00:00:00\"", "1767312000000"}) {
    EXPECT_EQ(ReadOne("in.jsonl", absl::StrCat("{\"title\":\"Cook\",\"date_posted\":", date, "}"))
                  .posting()
                  .date_posted(),
              "2026-01-02")
        << date;
  }
}

TEST_F(PostingReaderTest, APostingNeedsTitleOrDescription) {
  EXPECT_THAT(Error("in.csv", "title,company\n  ,Acme\n"),
              HasSubstr("in.csv:2: posting has neither title nor description"));
}

TEST_F(PostingReaderTest, APostingOverTheLimitIsAnError) {
  const std::string most(kMaxPostingBytes - 100, 'x');  // 256 KiB less the framing
  EXPECT_EQ(ReadOne("in.csv", "title,description\nCook," + most + "\n").posting().description().size(),
            most.size());
  EXPECT_THAT(Error("in.csv", "title,description\nCook," + most + std::string(100, 'x') + "\n"),
              HasSubstr("the limit is 262144 (256 KiB)"));
}

TEST_F(PostingReaderTest, BrokenJsonNamesItsLine) {
  EXPECT_THAT(Error("in.jsonl", "{\"title\":\"Cook\"}\n{\"title\":\"Bak\n"),
              HasSubstr("in.jsonl:2: broken JSON"));
  EXPECT_THAT(Error("in.jsonl", "{\"title\":\"Cook\"}\n[1]\n"), HasSubstr("in.jsonl:2: expected an object"));
  EXPECT_THAT(Error("in.jsonl", "{\"title\":\"Cook\"}\n17\n"),
              HasSubstr("in.jsonl:2: no posting in this line"));
  EXPECT_THAT(Error("in.jsonl", "{\"title\":\"\xFF\"}\n"), HasSubstr("in.jsonl:1: broken JSON"));
  EXPECT_THAT(Error("in.json", "[\n{\"title\":\"Cook\"},\n{\"title\" \"Baker\"}]"),
              HasSubstr("in.json:3: broken JSON"));
  EXPECT_THAT(Error("in.json", "[{\"title\":\"Cook\"}, 7]"), HasSubstr("expected an object"));
  EXPECT_THAT(Error("in.json", "{\n\"title\":\"Cook\"\n}\n{\n\"title\":\"Baker\"\n}\n"),
              HasSubstr("in.json:4: broken JSON"));
  EXPECT_THAT(Error("in.json", "[{\"a\":" + std::string(2000, '[')), HasSubstr("nests deeper"));
}

TEST_F(PostingReaderTest, RowsOfAnotherLengthThanTheHeaderAreErrors) {
  EXPECT_THAT(Error("in.csv", "id,title\n1,Cook,extra\n"),
              HasSubstr("in.csv:2: row has 3 fields, the header 2"));
}

TEST_F(PostingReaderTest, FilesWithoutPostingsAreErrors) {
  EXPECT_THAT(Error("in.csv", ""), HasSubstr("file is empty"));
  EXPECT_THAT(Error("in.csv", "id,title\n"), HasSubstr("holds no postings"));
  EXPECT_THAT(Error("in.csv", "hello world\n"), HasSubstr("neither JSON nor a page nor CSV"));
  EXPECT_THAT(Error("in.html", "<html><body>Jobs!</body></html>"), HasSubstr("no schema.org JobPosting"));
  EXPECT_EQ(ReadFiles({directory_.Path("none.csv")}).status().code(), absl::StatusCode::kNotFound);
}

constexpr char kJobPosting[] = R"({
  "@context": "https://schema.org/", "@type": "JobPosting",
  "identifier": {"@type": "PropertyValue", "name": "Acme", "value": "J-7"},
  "title": "Engineer &amp; more", "description": "<p>Build <b>things</b>.</p><ul><li>C++</li><li>SQL</li></ul>",
  "datePosted": "2026-01-02T00:00:00Z", "employmentType": ["FULL_TIME", "CONTRACTOR"],
  "hiringOrganization": {"@type": "Organization", "name": "Acme"},
  "jobLocation": {"@type": "Place", "address": {"addressLocality": "Bonn", "addressRegion": "NRW", "addressCountry": {"name": "DE"}}},
  "jobLocationType": "TELECOMMUTE",
  "baseSalary": {"currency": "EUR", "value": {"minValue": 40, "maxValue": "55.5", "unitText": "HOUR"}},
  "url": "https://example.org/7", "directApply": true})";

TEST_F(PostingReaderTest, JobPostingFillsWhatItHas) {
  const v1::Job job = ReadOne("in.json", kJobPosting);
  EXPECT_EQ(job.id(), "J-7");
  EXPECT_EQ(job.posting().title(), "Engineer & more");
  EXPECT_EQ(job.posting().description(), "Build things.\n- C++\n- SQL");
  EXPECT_EQ(job.posting().date_posted(), "2026-01-02");
  EXPECT_EQ(job.posting().job_type(), "FULL_TIME, CONTRACTOR");
  EXPECT_EQ(job.posting().company(), "Acme");
  EXPECT_EQ(job.posting().location(), "Bonn, NRW, DE");
  EXPECT_TRUE(job.posting().is_remote());
  EXPECT_EQ(job.posting().min_amount(), 40);
  EXPECT_EQ(job.posting().max_amount(), 55.5);
  EXPECT_EQ(job.posting().currency(), "EUR");
  EXPECT_EQ(job.posting().interval(), v1::HOUR);
  EXPECT_EQ(job.posting().job_url(), "https://example.org/7");
}

TEST_F(PostingReaderTest, JobPostingsInGraphsListsAndPages) {
  const std::string two = absl::StrCat(
      kJobPosting,
      R"(, {"@type": ["Thing", "http://schema.org/JobPosting"], "title": "Cook", "baseSalary": {"currency": "USD", "value": 30000, "unitText": "YEAR"}})");
  const auto graph = Read(
      "in.json",
      absl::StrCat(R"({"@context": "https://schema.org", "@graph": [{"@type": "WebSite", "name": "x"}, )",
                   two, "]}"));
  ASSERT_TRUE(graph.ok()) << graph.status();
  ASSERT_EQ(graph->size(), 2);
  EXPECT_EQ((*graph)[1].posting().min_amount(), 30000);
  EXPECT_EQ((*graph)[1].posting().max_amount(), 30000);
  EXPECT_EQ((*graph)[1].posting().interval(), v1::YEAR);

  const auto nested =
      Read("in.json", absl::StrCat(R"({"mainEntity": )", kJobPosting, R"(, "publisher": {"name": "x"}})"));
  ASSERT_TRUE(nested.ok()) << nested.status();
  EXPECT_EQ(nested->size(), 1);

  const auto list = Read("in.json", absl::StrCat("[", two, "]"));
  ASSERT_TRUE(list.ok()) << list.status();
  EXPECT_EQ(list->size(), 2);

  const auto page = Read(
      "in.html", absl::StrCat("<!doctype html>\n<html><head>\n<script type=\"application/ld+json\">\n",
                              R"({"@type":"Organization"})", "</script>\n<script type='application/LD+JSON'>",
                              "[", two, "]</script></head><body><p>x</body></html>"));
  ASSERT_TRUE(page.ok()) << page.status();
  ASSERT_EQ(page->size(), 2);
  EXPECT_EQ((*page)[0].id(), "J-7");
}

TEST_F(PostingReaderTest, ABrokenScriptInAPageNamesTheLineOfThePage) {
  EXPECT_THAT(Error("in.html",
                    "<html>\n<script type=\"application/ld+json\">\n{\"@type\": \"JobPosting\",\n \"title\" "
                    "7}</script>"),
              HasSubstr("in.html:4: broken JSON"));
}

// As spreadsheets of several countries save the same table.
TEST_F(PostingReaderTest, SpreadsheetsOfAnyCountry) {
  for (const char* file :
       {"sep=;\nid;title;company;location;min_amount;max_amount;currency;interval;is_remote;date_posted\n"
        "a;Cook;Acme;Bonn;55.000;60.000,50;EUR;yearly;FALSCH;02.11.2026\n;;;;;;;;;\n",
        "id,title,company,location,min_amount,max_amount,currency,interval,is_remote,date_posted\n"
        "a,Cook,Acme,Bonn,\"55,000.00\",60000.50,\u20AC,Yearly,False,2026-11-02T08:00:00Z\n,,,,,,,,,\n",
        "Job ID|Job Title|Company Name|Location|Min Salary|Max Salary|Salary Currency|Pay "
        "Period|Remote|Posted At\n"
        "a|Cook|Acme|Bonn|55 000|60 000,50|EUR|PER_YEAR|FAUX|1793577600\n",
        "id\ttitle\tcompany\tlocation\tmin_amount\tmax_amount\tcurrency\tinterval\tis_remote\tdate_posted\t\n"
        "a\tCook\tAcme\tBonn\t55'000\t60'000.50\tEUR\tp.a.\tno\t2 Nov 2026\t\n"}) {
    const v1::Job job = ReadOne("in.csv", file);
    EXPECT_EQ(job.id(), "a") << file;
    EXPECT_EQ(job.posting().title(), "Cook") << file;
    EXPECT_EQ(job.posting().company(), "Acme") << file;
    EXPECT_EQ(job.posting().min_amount(), 55000) << file;
    EXPECT_EQ(job.posting().max_amount(), 60000.5) << file;
    EXPECT_EQ(job.posting().currency(), "EUR") << file;
    EXPECT_EQ(job.posting().interval(), v1::YEAR) << file;
    EXPECT_TRUE(job.posting().has_is_remote()) << file;
    EXPECT_FALSE(job.posting().is_remote()) << file;
    EXPECT_EQ(job.posting().date_posted(), "2026-11-02") << file;
    EXPECT_EQ(summary_.notes.total(), 0) << file;
  }
}

// The whole file tells in which way a row is written.
TEST_F(PostingReaderTest, AnotherRowTellsWhatAValueOfTwoReadingsMeans) {
  const auto german =
      Read("in.csv", "title,min_amount,date_posted\nCook,55.000,03/11/2026\nBaker,\"1.234,50\",25/12/2026\n");
  ASSERT_TRUE(german.ok()) << german.status();
  EXPECT_EQ((*german)[0].posting().min_amount(), 55000);
  EXPECT_EQ((*german)[0].posting().date_posted(), "2026-11-03");
  const auto american =
      Read("in.csv", "title,min_amount,date_posted\nCook,55.000,03/11/2026\nBaker,20.5,12/25/2026\n");
  ASSERT_TRUE(american.ok()) << american.status();
  EXPECT_EQ((*american)[0].posting().min_amount(), 55);
  EXPECT_EQ((*american)[0].posting().date_posted(), "2026-03-11");
  const v1::Posting unknown =
      ReadOne("in.csv", "title,min_amount,date_posted\nCook,55.000,03/11/2026\n").posting();
  EXPECT_FALSE(unknown.has_min_amount());
  EXPECT_EQ(unknown.date_posted(), "");
  EXPECT_EQ(summary_.notes.total(), 2);
}

TEST_F(PostingReaderTest, ColumnsInTheNamesThatOthersGiveThem) {
  EXPECT_EQ(
      ReadOne("in.jsonl", R"({"jobTitle":"Cook","datePosted":"2026-01-02","jobUrl":"u","isRemote":true})")
          .id(),
      "u");
  EXPECT_EQ(ReadOne("in.csv", " Titel ;Ort;Firma\nK\u00F6chin;Bonn;Acme\n").posting().location(), "Bonn");
  // A column's own name counts before another one.
  const auto both = Read("in.csv", "url,title,job_url\nx,Cook,y\n", /*ignore_unknown=*/true);
  ASSERT_TRUE(both.ok()) << both.status();
  EXPECT_EQ(both->front().posting().job_url(), "y");
  EXPECT_THAT(summary_.ignored_columns, ElementsAre(Pair("url", 1)));
  EXPECT_THAT(Error("in.csv", "url,title,job_url\nx,Cook,y\n"),
              HasSubstr("in.csv:2: column 'url': says the same"));
}

TEST_F(PostingReaderTest, NullWordsAndBareNanAreAbsent) {
  const v1::Posting words =
      ReadOne(
          "in.csv",
          "title,company,location,min_amount,currency,interval,date_posted\nCook,NA,N/A,null,NULL,-,#NV\n")
          .posting();
  EXPECT_EQ(words.company() + words.location() + words.currency() + words.date_posted(), "");
  EXPECT_EQ(summary_.notes.total(), 0);
  for (const char* file : {"in.jsonl", "in.json"}) {
    const std::string posting =
        R"({"title":"NaN, Infinity \" NaN","company":"n/a","min_amount":NaN,"max_amount":-Infinity,"is_remote":null,"job_type":[]})";
    const v1::Posting bare =
        ReadOne(file, file == std::string("in.json") ? absl::StrCat("[\n", posting, "\n]") : posting)
            .posting();
    EXPECT_EQ(bare.title(), "NaN, Infinity \" NaN");
    EXPECT_EQ(bare.company(), "");
    EXPECT_FALSE(bare.has_min_amount() || bare.has_max_amount());
    EXPECT_EQ(summary_.notes.total(), 0);
  }
  EXPECT_THAT(Error("in.jsonl", R"({"title":"Cook","min_amount":Nope})"), HasSubstr("broken JSON"));
}

TEST_F(PostingReaderTest, AnAnswerOfAnApiIsSaidToWrapItsPostings) {
  EXPECT_THAT(Error("in.json", R"({"count":1,"jobs":[{"id":"a","title":"Cook"}]})"),
              HasSubstr("in.json:1: column 'jobs': is a list within an object"));
  const auto related = Read("in.json", R"({"title":"Cook","related":[{"id":"b"}]})", /*ignore_unknown=*/true);
  ASSERT_TRUE(related.ok()) << related.status();
  EXPECT_EQ(related->size(), 1);
}

// JavaScript cuts a text within an emoji, and writes the half of it that is left as an escape.
TEST_F(PostingReaderTest, HalfOfASurrogatePairIsReplaced) {
  for (const auto& [title, read] :
       std::vector<std::pair<const char*, const char*>>{{R"(a\ud83d)", "a\uFFFD"},
                                                        {R"(a\uDE00b)", "a\uFFFDb"},
                                                        {R"(\ud83d\ud83d\ude00)", "\uFFFD\U0001F600"},
                                                        {R"(\ud83d\"\\)", "\uFFFD\"\\"},
                                                        {R"(\\ud83d \ud83d\uDE00)", "\\ud83d \U0001F600"}}) {
    const std::string object = absl::StrCat("{\"title\":\"", title, "\",\"is_remote\":true}");
    EXPECT_EQ(ReadOne("in.jsonl", object).posting().title(), read) << title;
    const v1::Posting posting = ReadOne("in.json", absl::StrCat("[\n", object, "]")).posting();
    EXPECT_EQ(posting.title(), read) << title;
    EXPECT_TRUE(posting.is_remote());
  }
  for (const char* broken :
       {R"({"title":"\u12"})", R"({"title":"\x"})", R"({"title":"\)", R"({"title":"\ud83d)"})
    EXPECT_THAT(Error("in.json", absl::StrCat("[\n", broken)), HasSubstr("in.json:2: broken JSON")) << broken;
}

TEST_F(PostingReaderTest, ANameThatComesTwiceInAnObjectIsAnError) {
  EXPECT_THAT(Error("in.jsonl", "{\"title\":\"a\"}\n{\"title\":\"b\",\"title\":\"c\"}\n"),
              HasSubstr("in.jsonl:2: column 'title': is there twice"));
  EXPECT_THAT(Error("in.json", "[\n{\"title\":\"b\",\n\"title\":\"c\"}]"),
              HasSubstr("in.json:3: column 'title': is there twice"));
  // Names repeat from object to object.
  EXPECT_TRUE(
      Read("in.json", R"([{"title":"a","company":{"name":"b"}},{"title":"c","company":{"name":"d"}}])").ok());
}

TEST_F(PostingReaderTest, ThingsInPlaceOfTexts) {
  const v1::Posting posting =
      ReadOne(
          "in.jsonl",
          R"({"title":"Cook","company":{"name":"Acme"},"location":["Bonn",{"name":"Cologne"}],"job_type":{"x":1}})")
          .posting();
  EXPECT_EQ(posting.company(), "Acme");
  EXPECT_EQ(posting.location(), "Bonn, Cologne");
  EXPECT_EQ(posting.job_type(), "");
  EXPECT_THAT(summary_.notes.Lines(), ElementsAre(HasSubstr("in.jsonl:1: field 'job_type': expected text")));
}

// One bad row among many good ones, in each format; strict is the default.
TEST_F(PostingReaderTest, BadRowsAreSkippedWhenAskedAndNamed) {
  const struct {
    const char* name;
    const char* content;
    std::vector<const char*> bad;
  } kCases[] = {
      {"in.csv",
       "id,title\n1,Cook\n2\n3,\"x\" y\n1,Again\n4,\n5,\"never closed\n6,Baker\n",
       {"in.csv:3: row has 1 fields", "in.csv:4: text after a closing quote",
        "in.csv:5: column 'id': '1' was there", "in.csv:6: posting has neither",
        "in.csv:7: a quoted field opened here"}},
      {"in.jsonl",
       "{\"id\":1,\"title\":\"Cook\"}\n{\"id\":2,\n17\n[1]\n{\"id\":3,\"title\":\"a\",\"title\":\"b\"}\n{"
       "\"title\":{}}\n"
       "{\"title\":\"x\",\"pay\":1}\n{\"id\":1,\"title\":\"Again\"}\n{\"id\":6,\"title\":\"Baker\"}\n",
       {"in.jsonl:2: broken JSON", "in.jsonl:3: no posting", "in.jsonl:4: expected an object",
        "in.jsonl:5: column 'title': is there twice", "in.jsonl:6: column 'title'",
        "in.jsonl:7: column 'pay': unknown", "in.jsonl:8: column 'id'"}},
      {"in.json",
       "[{\"id\":1,\"title\":\"Cook\"},\n7,\n[{\"a\":1},[2]],\n{\"id\":3,\"title\":\"a\",\"title\":\"b\"},\n{"
       "\"title\":{}},\n"
       "{\"id\":6,\"title\":\"Baker\"},\n{\"id\" 7}]",
       {"in.json:2: expected an object", "in.json:3: expected an object", "in.json:4: column 'title'",
        "in.json:5: column 'title'", "in.json:7: broken JSON"}}};
  for (const auto& each : kCases) {
    skip_bad_ = false;
    EXPECT_THAT(Error(each.name, each.content), HasSubstr(each.bad.front()));
    skip_bad_ = true;
    const auto jobs = Read(each.name, each.content);
    ASSERT_TRUE(jobs.ok()) << jobs.status();
    ASSERT_EQ(jobs->size(), 2) << each.name;
    EXPECT_EQ((*jobs)[1].posting().title(), "Baker");
    const std::vector<std::string> lines = summary_.bad.Lines();
    ASSERT_EQ(lines.size(), each.bad.size() + 1) << testing::PrintToString(lines);
    for (size_t i = 0; i < each.bad.size(); ++i) EXPECT_THAT(lines[i], HasSubstr(each.bad[i]));
    EXPECT_EQ(lines.back(), absl::StrCat(each.bad.size(), " bad rows left out"));
  }
}

TEST_F(PostingReaderTest, SkippingGoesOnWithTheNextPage) {
  skip_bad_ = true;
  const auto jobs = ReadFiles({directory_.Write("a.html", "<html><body>Jobs!</body></html>"),
                               directory_.Write("b.jsonl", "{\"title\":\"Cook\"}\n")});
  ASSERT_TRUE(jobs.ok()) << jobs.status();
  EXPECT_EQ(jobs->size(), 1);
  EXPECT_EQ(summary_.bad.total(), 1);
}

TEST_F(PostingReaderTest, TheFirstTenBadRowsAreNamedAndAllCounted) {
  skip_bad_ = true;
  std::string text = "id,title\n0,Cook\n";
  for (int i = 0; i < 25; ++i) absl::StrAppend(&text, "x\n");
  ASSERT_TRUE(Read("in.csv", text).ok());
  const std::vector<std::string> lines = summary_.bad.Lines();
  ASSERT_EQ(lines.size(), 11);
  EXPECT_EQ(lines.back(), "25 bad rows left out; the first 10 are named above");
}

// What is no row is no bad row: nothing of it was read.
TEST_F(PostingReaderTest, SkippingKeepsErrorsOfWholeFiles) {
  skip_bad_ = true;
  EXPECT_THAT(Error("in.csv", "id,title\n1\n2\n"), HasSubstr("holds no postings that can be used:\n"));
  EXPECT_THAT(Error("in.csv", "id,titel2\n1,x\n"), HasSubstr("column 'titel2': unknown"));
  EXPECT_THAT(Error("in.parquet", "PAR1\x15\x04"), HasSubstr("is a Parquet file"));
  EXPECT_EQ(ReadFiles({directory_.Path("none.csv")}).status().code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace sluice
