// Postings out of pages, as sites and their plugins write them.
#include "client/cpp/formats/page_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "tests/client/temporary_file.h"

namespace sluice {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr char kPosting[] = R"({"@type":"JobPosting","title":"Engineer","description":"Builds things."})";

std::string Script(absl::string_view json) {
  return absl::StrCat("<script type=\"application/ld+json\">", json, "</script>\n");
}

class PageReaderTest : public testing::Test {
 protected:
  // The titles of a page's postings.
  absl::StatusOr<std::vector<std::string>> Read(absl::string_view page) {
    notes_ = InputNotes();
    const auto source = ByteSource::Open(directory_.Write("in.html", page));
    if (!source.ok()) return source.status();
    std::vector<std::string> titles;
    const absl::Status status = ReadPage(
        **source,
        [&](RawPosting fields, const InputPlace& place) {
          titles.push_back(absl::StrCat(fields.Value(PostingColumn::kTitle), " ", place.line));
          company_ = fields.Value(PostingColumn::kCompany);
          return absl::OkStatus();
        },
        notes_);
    if (!status.ok()) return status;
    return titles;
  }

  std::vector<std::string> ReadWhole(absl::string_view page) {
    auto titles = Read(page);
    EXPECT_TRUE(titles.ok()) << titles.status();
    return titles.ok() ? *titles : std::vector<std::string>();
  }

  std::string Error(absl::string_view page) {
    const absl::Status status = Read(page).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    return std::string(status.message());
  }

  TemporaryDirectory directory_;
  InputNotes notes_;
  std::string company_;  // of the last posting
};

TEST_F(PageReaderTest, AScriptThatIsNotStrictJsonIsReadAsItIsMeant) {
  for (const std::string& script :
       {absl::StrCat("\n//<![CDATA[\n", kPosting, "\n//]]>\n"), absl::StrCat("<!--\n", kPosting, "\n-->"),
        absl::StrCat("/* data */\n", kPosting), absl::StrCat("\xEF\xBB\xBF", kPosting, ";"),
        absl::StrCat(R"({"@type":"Organization","name":"Q"})", "\n", kPosting),
        std::string(R"({"@type":"JobPosting","title":"Engineer","description":"a	b)"
                    "\n"
                    R"(c","url":"it\'s",})")}) {
    EXPECT_THAT(ReadWhole(Script(script)), ElementsAre(testing::StartsWith("Engineer "))) << script;
    EXPECT_THAT(notes_.Lines(), IsEmpty());
  }
}

TEST_F(PageReaderTest, ABrokenScriptIsLeftOutWithOneLineWhenAnotherHasThePosting) {
  EXPECT_THAT(ReadWhole(absl::StrCat("<html>\n", Script("{\"@type\": \"Web\n\"x\" 7}"), Script(kPosting),
                                     Script("jobs = {}"))),
              ElementsAre("Engineer 4"));
  EXPECT_THAT(
      notes_.Lines(),
      ElementsAre(AllOf(HasSubstr("in.html:3: broken JSON: expected"), HasSubstr("left out")),
                  HasSubstr("in.html:5: broken JSON: expected an object or a list, found 'jobs = {}'")));
}

// A posting in front of the place where a script breaks has been read whole.
TEST_F(PageReaderTest, APostingBeforeTheBreakIsRead) {
  EXPECT_THAT(ReadWhole(Script(absl::StrCat(kPosting, "\n{\"@type\":"))), ElementsAre("Engineer 1"));
  EXPECT_EQ(notes_.total(), 1);
}

TEST_F(PageReaderTest, APageWithoutAnyPostingNamesEachReason) {
  EXPECT_THAT(Error(absl::StrCat(Script("{\"@type\" 7}"), Script(R"({"@type":"JobPosting","@id":"#job"})"))),
              AllOf(HasSubstr("in.html: no schema.org JobPosting of this page could be read:\n"),
                    HasSubstr("in.html:1: broken JSON: expected ':' behind a name"), HasSubstr("\n"),
                    HasSubstr("in.html:2: a JobPosting that has neither title nor description")));
  EXPECT_THAT(Error("<html><body>Jobs!</body></html>"), HasSubstr("no schema.org JobPosting in a <script"));
  EXPECT_THAT(notes_.Lines(), IsEmpty());
}

TEST_F(PageReaderTest, PostingsStandAtAnyDepthAndUnderAnyOfTheirNames) {
  for (const char* script :
       {R"({"@context":"https://schema.org","@graph":[{"@type":"WebPage"},%s]})",
        R"({"@type":"WebPage","mainEntity":%s})",
        R"({"@type":"ItemList","itemListElement":[{"@type":"ListItem","position":1,"item":%s}]})",
        "[[%s]]"}) {
    const std::string text = script;
    const size_t at = text.find("%s");
    EXPECT_THAT(ReadWhole(Script(absl::StrCat(text.substr(0, at), kPosting, text.substr(at + 2)))),
                ElementsAre("Engineer 1"))
        << script;
  }
  for (const char* type : {R"("@type":["Thing","JobPosting"])", R"("@type":"http://schema.org/JobPosting")",
                           R"("@type":"schema:JobPosting")", R"("type":"JobPosting")"}) {
    EXPECT_THAT(ReadWhole(Script(absl::StrCat("{", type, R"(,"title":"Engineer"})"))),
                ElementsAre("Engineer 1"))
        << type;
  }
}

TEST_F(PageReaderTest, APostingThatTwoPluginsWriteIsReadOnce) {
  EXPECT_THAT(ReadWhole(absl::StrCat(Script(kPosting), Script(kPosting))), ElementsAre("Engineer 1"));
  EXPECT_THAT(notes_.Lines(), ElementsAre(HasSubstr("in.html:2: the same JobPosting as before")));
}

// A reference to a posting elsewhere in the graph is none of its own.
TEST_F(PageReaderTest, AMereReferenceIsLeftOut) {
  EXPECT_THAT(ReadWhole(Script(absl::StrCat(R"([{"@type":"JobPosting","@id":"#job"},)", kPosting, "]"))),
              ElementsAre("Engineer 1"));
  EXPECT_THAT(notes_.Lines(), ElementsAre(HasSubstr("neither title nor description; left out")));
}

// As graphs of plugins do, also over scripts and backwards.
TEST_F(PageReaderTest, AReferenceToAnOrganizationMeansIt) {
  const std::string posting = Script(
      R"({"@type":"JobPosting","title":"Cook","hiringOrganization":{"@type":"Organization","@id":"https://x.org/#o"}})");
  const std::string graph = Script(
      R"({"@graph":[{"@type":"WebSite","publisher":{"@id":"https://x.org/#o"}},)"
      R"({"@type":"Organization","@id":"https://x.org/#o","name":"Acme"},{"@type":"Brand","@id":"#b","name":"B"}]})");
  EXPECT_THAT(ReadWhole(absl::StrCat(posting, graph)), ElementsAre("Cook 1"));
  EXPECT_EQ(company_, "Acme");
  EXPECT_THAT(ReadWhole(absl::StrCat(graph, posting)), ElementsAre("Cook 2"));
  EXPECT_EQ(company_, "Acme");
  EXPECT_THAT(notes_.Lines(), IsEmpty());
  EXPECT_THAT(ReadWhole(posting), ElementsAre("Cook 1"));
  EXPECT_EQ(company_, "");
  EXPECT_THAT(notes_.Lines(), ElementsAre(HasSubstr("field 'hiringOrganization'")));
}

// Markup within scripts is text: a page with many postings does not nest.
TEST_F(PageReaderTest, APageMayHoldManyPostingsWithMarkup) {
  std::string page;
  for (int i = 0; i < 3000; ++i) {
    absl::StrAppend(&page, Script(absl::StrCat(R"({"@type":"JobPosting","title":"Cook )", i,
                                               R"(","description":"<div><b>a<\/b><\/div>"})")));
  }
  EXPECT_EQ(ReadWhole(page).size(), 3000);
}

TEST_F(PageReaderTest, NestingWithoutEndIsABrokenScript) {
  const std::string deep(200'000, '[');
  EXPECT_THAT(ReadWhole(absl::StrCat(Script(deep), Script(kPosting))), ElementsAre("Engineer 2"));
  EXPECT_THAT(notes_.Lines(), ElementsAre(HasSubstr("nests deeper than 64")));
}

}  // namespace
}  // namespace sluice
