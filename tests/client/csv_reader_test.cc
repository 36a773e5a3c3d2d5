#include "client/cpp/formats/csv_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tests/client/temporary_file.h"

namespace sluice {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class CsvReaderTest : public testing::Test {
 protected:
  absl::StatusOr<std::vector<CsvRecord>> Read(absl::string_view text, char delimiter = ',') {
    auto source = ByteSource::Open(directory_.Write("in.csv", text));
    if (!source.ok()) return source.status();
    CsvReader reader(**source, delimiter);
    std::vector<CsvRecord> records;
    while (true) {
      auto record = reader.Next();
      if (!record.ok()) return record.status();
      if (!record->has_value()) return records;
      records.push_back(**record);
    }
  }

  TemporaryDirectory directory_;
};

TEST_F(CsvReaderTest, SplitsFieldsAndKeepsTheLineOfEachRecord) {
  const auto records = Read("a,b\n1,2\n\n3,\n");
  ASSERT_TRUE(records.ok()) << records.status();
  ASSERT_EQ(records->size(), 3);
  EXPECT_THAT((*records)[0].fields, ElementsAre("a", "b"));
  EXPECT_THAT((*records)[1].fields, ElementsAre("1", "2"));
  EXPECT_THAT((*records)[2].fields, ElementsAre("3", ""));
  EXPECT_EQ((*records)[2].line, 4);
}

// A newline inside quotes belongs to the field; the next record's line counts it.
TEST_F(CsvReaderTest, QuotedFieldsHoldDelimitersQuotesAndNewlines) {
  const auto records = Read("\"a,\"\"b\"\"\nc\",d\r\ne,f");
  ASSERT_TRUE(records.ok()) << records.status();
  EXPECT_THAT((*records)[0].fields, ElementsAre("a,\"b\"\nc", "d"));
  EXPECT_THAT((*records)[1].fields, ElementsAre("e", "f"));
  EXPECT_EQ((*records)[1].line, 3);
  const auto blanks = Read("\"a\" ,\"b\" \n");
  ASSERT_TRUE(blanks.ok()) << blanks.status();
  EXPECT_THAT((*blanks)[0].fields, ElementsAre("a", "b"));
}

TEST_F(CsvReaderTest, CrLfAndByteOrderMarkAreNoPartOfFields) {
  const auto records = Read("\xEF\xBB\xBF\"a\",b\r\n1,\"2\"\r\n");
  ASSERT_TRUE(records.ok()) << records.status();
  EXPECT_THAT((*records)[0].fields, ElementsAre("a", "b"));
  EXPECT_THAT((*records)[1].fields, ElementsAre("1", "2"));
}

TEST_F(CsvReaderTest, AnOpenQuoteNamesTheLineWhereItWasOpened) {
  const auto records = Read("a,b\n1,\"never closed\n2,3\n");
  EXPECT_EQ(records.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(records.status().message()),
              HasSubstr("in.csv:2: a quoted field opened here is never closed"));
}

TEST_F(CsvReaderTest, StrayQuotesAreErrors) {
  EXPECT_THAT(std::string(Read("a\n12\"inch\n").status().message()),
              HasSubstr("in.csv:2: a quote inside an unquoted field"));
  EXPECT_THAT(std::string(Read("a\n\"x\"y\n").status().message()),
              HasSubstr("in.csv:2: text after a closing quote"));
  EXPECT_THAT(std::string(Read("a\n\"x\"\ry\n").status().message()), HasSubstr("text after a closing quote"));
}

TEST_F(CsvReaderTest, ARecordWithoutEndIsCutShortByTheLimit) {
  const auto records = Read("a\n\"" + std::string(CsvReader::kMaxRecordBytes + 2, 'x'));
  EXPECT_THAT(std::string(records.status().message()), HasSubstr("is a quote left open?"));
}

// A quote that is never closed swallows the lines behind it; they are given back.
TEST_F(CsvReaderTest, RecoversBehindTheFirstLineOfABrokenRecord) {
  auto source =
      ByteSource::Open(directory_.Write("in.csv", "a,b\n1,\"x\n2,y\n3,\"z\" z\n4,\"u\nv\"\n5,12\"\n6,w"));
  ASSERT_TRUE(source.ok());
  CsvReader reader(**source, ',');
  std::vector<std::string> seen;
  for (auto record = reader.Next(); !record.ok() || record->has_value(); record = reader.Next()) {
    if (record.ok()) {
      seen.push_back(absl::StrCat((*record)->line, " ", absl::StrJoin((*record)->fields, "/")));
    } else {
      seen.push_back("broken");
      reader.Recover();
    }
  }
  EXPECT_THAT(seen, ElementsAre("1 a/b", "broken", "3 2/y", "broken", "5 4/u\nv", "broken", "8 6/w"));
}

}  // namespace
}  // namespace sluice
