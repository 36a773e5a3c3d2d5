#include "client/cpp/formats/csv_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tests/client/temporary_file.h"

namespace sluice {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

bool IsKnown(absl::string_view name) {
  return name == "id" || name == "title" || name == "W\u00E4hrung";
}

class CsvTableTest : public testing::Test {
 protected:
  // "line field/field" of the header and each row, "!line reason" for a broken one.
  std::vector<std::string> Read(absl::string_view content) {
    auto source = ByteSource::Open(directory_.Write("in.csv", content));
    EXPECT_TRUE(source.ok()) << source.status();
    auto table = CsvTable::Open(**source, &IsKnown, notes_);
    if (!table.ok()) return {std::string(table.status().message())};
    delimiter_ = (*table)->delimiter();
    sampled_ = (*table)->sample().size();
    std::vector<std::string> rows = {
        absl::StrCat((*table)->header_line(), " ", absl::StrJoin((*table)->header(), "/"))};
    while (true) {
      auto row = (*table)->Next();
      if (!row.ok()) {
        rows.push_back(
            absl::StrCat("!", row.status().message().substr(directory_.Path("in.csv").size() + 1)));
      } else if (row->has_value()) {
        rows.push_back(absl::StrCat((*row)->line, " ", absl::StrJoin((*row)->fields, "/")));
      } else {
        return rows;
      }
    }
  }

  TemporaryDirectory directory_;
  InputNotes notes_;
  char delimiter_ = 0;
  size_t sampled_ = 0;
};

TEST_F(CsvTableTest, TheDelimiterIsTheOneUnderWhichMostNamesAreKnown) {
  for (const char delimiter : {',', ';', '\t', '|'}) {
    std::string text = "id?title\n1?Cook\n";
    for (char& c : text) {
      if (c == '?') c = delimiter;
    }
    EXPECT_THAT(Read(text), ElementsAre("1 id/title", "2 1/Cook"));
    EXPECT_EQ(delimiter_, delimiter);
  }
}

TEST_F(CsvTableTest, ASepLineNamesTheDelimiter) {
  for (const char* line : {"sep=;", "\"sep=;\"", "SEP=;", "sep=;;", "sep=;\r"}) {
    EXPECT_THAT(Read(absl::StrCat(line, "\nid;title\n1;a,b\n")), ElementsAre("2 id/title", "3 1/a,b"))
        << line;
  }
  EXPECT_THAT(Read("\xEF\xBB\xBFsep=\\t\nid\ttitle\n"), ElementsAre("2 id/title"));
  EXPECT_THAT(Read("sep=^\nid^title\n1^x\n"), ElementsAre("2 id/title", "3 1/x"));
  EXPECT_THAT(Read("sep=;\n"), ElementsAre(HasSubstr("no header behind its sep= line")));
  EXPECT_THAT(Read("sep=ab,id\n1,2\n"), ElementsAre("1 sep=ab/id", "2 1/2"));
}

// What Excel leaves below and beside its data.
TEST_F(CsvTableTest, RowsAndCellsOfNothingAreSkipped) {
  EXPECT_THAT(Read("id,title\n1,Cook\n,\n , \n\xC2\xA0,\n2,Baker,,\n"),
              ElementsAre("1 id/title", "2 1/Cook", "6 2/Baker"));
}

TEST_F(CsvTableTest, TheHeaderOnceMoreIsLeftOutWithANote) {
  EXPECT_THAT(Read("id,title\n1,Cook\nid,title\n2,Baker\n"),
              ElementsAre("1 id/title", "2 1/Cook", "4 2/Baker"));
  EXPECT_THAT(notes_.Lines(), ElementsAre(HasSubstr("in.csv:3: is the header once more")));
}

TEST_F(CsvTableTest, ABrokenRowDoesNotEndTheReading) {
  EXPECT_THAT(Read("id,title\n1\n2,a,b\n3,\"x\" y\n4,Cook\n5,\"open\n6,Baker\n"),
              ElementsAre("1 id/title", "!2: row has 1 fields, the header 2",
                          "!3: row has 3 fields, the header 2", HasSubstr("!4: text after a closing quote"),
                          "5 4/Cook", HasSubstr("!6: a quoted field opened here"), "7 6/Baker"));
}

TEST_F(CsvTableTest, AHeaderInWindows1252IsDecoded) {
  EXPECT_THAT(Read("W\xE4hrung;id\nK\xF6ln;1\n"), ElementsAre("1 W\u00E4hrung/id", "2 K\u00F6ln/1"));
  EXPECT_EQ(delimiter_, ';');
}

TEST_F(CsvTableTest, TheSampleIsTheWholeRowsOfTheBeginning) {
  Read("id,title\n1,Cook\n2\n3,Baker");
  EXPECT_EQ(sampled_, 2);
  std::string text = "id,title\n";
  for (int i = 0; i < 20'000; ++i) absl::StrAppend(&text, i, ",Cook\n");
  EXPECT_THAT(Read(text), SizeIs(20'001));
  EXPECT_GT(sampled_, 5'000);
  EXPECT_LT(sampled_, 20'000);
}

}  // namespace
}  // namespace sluice
