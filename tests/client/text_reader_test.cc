#include "client/cpp/formats/text_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/client/temporary_file.h"

namespace sluice {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class TextReaderTest : public testing::Test {
 protected:
  absl::Status Read(absl::string_view content, bool ignore_unknown = false, const std::string& name = "in") {
    texts_.clear();
    lines_.clear();
    auto summary = ReadTexts(directory_.Write(name, content), {.ignore_unknown_columns = ignore_unknown},
                             [&](std::string text, const InputPlace& place) {
                               texts_.push_back(std::move(text));
                               lines_.push_back(place.line);
                               return absl::OkStatus();
                             });
    if (!summary.ok()) return summary.status();
    EXPECT_EQ(summary->texts, static_cast<int64_t>(texts_.size()));
    notes_ = summary->notes;
    return absl::OkStatus();
  }

  std::string Error(absl::string_view content, const std::string& name = "in") {
    const absl::Status status = Read(content, false, name);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(texts_, testing::IsEmpty());
    return std::string(status.message());
  }

  TemporaryDirectory directory_;
  std::vector<std::string> texts_;
  std::vector<int64_t> lines_;
  InputNotes notes_;
};

// Row and line keep step: an empty line is an empty text.
TEST_F(TextReaderTest, OneTextALine) {
  ASSERT_TRUE(Read("one\r\n\nthree").ok());
  EXPECT_THAT(texts_, ElementsAre("one", "", "three"));
}

TEST_F(TextReaderTest, JsonLines) {
  ASSERT_TRUE(Read("{\"id\": \"a\", \"text\": \"one\\ntwo\"}\n\n{\"text\": \"x\"}\n").ok());
  EXPECT_THAT(texts_, ElementsAre("one\ntwo", "x"));
}

TEST_F(TextReaderTest, OtherFieldsOnlyWhenAsked) {
  EXPECT_THAT(std::string(Read("{\"text\": \"x\", \"title\": \"y\"}\n").message()),
              HasSubstr("in:1: column 'title': unknown"));
  EXPECT_TRUE(Read("{\"text\": \"x\", \"title\": \"y\"}\n", true).ok());
}

TEST_F(TextReaderTest, ErrorsNameTheLine) {
  EXPECT_THAT(std::string(Read("{\"text\": \"x\"}\n{\"text\": 3}\n").message()),
              HasSubstr("in:2: column 'text'"));
  EXPECT_THAT(std::string(Read("{\"text\": \"x\"}\n{\"tex\n").message()), HasSubstr("in:2: broken JSON"));
  EXPECT_THAT(std::string(Read("ok\n\xFF\n").message()), HasSubstr("in:2: text is not UTF-8"));
  EXPECT_THAT(std::string(Read("ok\n" + std::string(kMaxTextBytes + 1, 'x')).message()),
              HasSubstr("in:2: text has 262145 bytes"));
  EXPECT_EQ(Read("").code(), absl::StatusCode::kInvalidArgument);
}

// A table is read by its column, never line by line with its header.
TEST_F(TextReaderTest, CsvIsReadByItsColumnText) {
  for (const char* content :
       {"id,text\n1,\"one, two\"\n2,\"a\nb\"\n", "\xEF\xBB\xBFText;ID\r\none, two;1\r\n\"a\nb\";2\r\n",
        "text\tid\none, two\t1\n\"a\nb\"\t2\n", "sep=;\nid;text\n1;one, two\n2;\"a\nb\"\n;\n"}) {
    for (const char* name : {"in", "in.csv"}) {
      ASSERT_TRUE(Read(content, false, name).ok()) << Read(content, false, name);
      EXPECT_THAT(texts_, ElementsAre("one, two", "a\nb")) << content;
    }
  }
  EXPECT_EQ(notes_.total(), 0);
  ASSERT_TRUE(Read("text\nNone\n").ok());
  EXPECT_THAT(texts_, ElementsAre("None"));
  EXPECT_THAT(lines_, ElementsAre(2));
  // Row n of the matrix is text n, also where a text is "text".
  ASSERT_TRUE(Read("text\none\ntext\nthree\n").ok());
  EXPECT_THAT(texts_, ElementsAre("one", "text", "three"));
  EXPECT_THAT(notes_.Lines(), ElementsAre(HasSubstr("in:1: is taken for the header of CSV")));
  ASSERT_TRUE(Read("id,text\n1,caf\xE9\n").ok());
  EXPECT_THAT(texts_, ElementsAre("caf\u00E9"));
}

TEST_F(TextReaderTest, ATableWithoutAColumnTextIsRefused) {
  EXPECT_THAT(Error("id,content\n1,x\n", "in.csv"), HasSubstr("in.csv:1: no column 'text'"));
  EXPECT_THAT(Error("title,description\nCook,Cooks\n"), HasSubstr("in:1: no column 'text'"));
  EXPECT_THAT(Error("id,text,mood\n1,x,good\n"), HasSubstr("in:1: column 'mood': unknown"));
  EXPECT_THAT(Error("text,text\na,b\n"), HasSubstr("is there twice"));
}

TEST_F(TextReaderTest, JsonListsOfTextsAndOfObjects) {
  ASSERT_TRUE(Read("[{\"text\":\"one\"},\n {\"id\":2,\"text\":\"two\"}]\n").ok());
  EXPECT_THAT(texts_, ElementsAre("one", "two"));
  EXPECT_THAT(lines_, ElementsAre(1, 2));
  ASSERT_TRUE(Read("[\n  \"one\",\n  \"two\"\n]").ok());
  EXPECT_THAT(texts_, ElementsAre("one", "two"));
  EXPECT_THAT(Error("[\n {\"text\": 7}]"), HasSubstr("in:2: column 'text'"));
  EXPECT_THAT(Error("[1, 2, 3]"), HasSubstr("in:1: expected a text"));
  EXPECT_THAT(Error("[[\"a\"]]"), HasSubstr("found a list"));
  EXPECT_THAT(Error("[\"one\n"), HasSubstr("broken JSON"));
  EXPECT_THAT(Error("[]"), HasSubstr("holds no texts"));
}

TEST_F(TextReaderTest, ANameThatComesTwiceIsAnError) {
  EXPECT_THAT(Error("{\"text\": \"a\", \"text\": \"b\"}\n"),
              HasSubstr("in:1: column 'text': is there twice"));
  EXPECT_THAT(Error("[\n{\"text\": \"a\", \"text\": \"b\"}]"),
              HasSubstr("in:2: column 'text': is there twice"));
}

// Text may begin with a bracket, and what begins as JSON does is never text.
TEST_F(TextReaderTest, AFileHasOneMeaning) {
  ASSERT_TRUE(Read("[Remote] Java developer\n[1] Cook\n\"quoted\"\n").ok());
  EXPECT_THAT(texts_, ElementsAre("[Remote] Java developer", "[1] Cook", "\"quoted\""));
  ASSERT_TRUE(Read("the text, as it is\nid, text\n").ok());
  EXPECT_THAT(texts_, ElementsAre("the text, as it is", "id, text"));
  EXPECT_THAT(Error("{x} is a set\nplain\n"), HasSubstr("in:1: broken JSON"));
  EXPECT_THAT(Error("{x} is a set\nplain\n"), HasSubstr("a file that begins with '{'"));
  EXPECT_THAT(Error("plain\n", "in.json"), HasSubstr("is not JSON"));
  EXPECT_THAT(Error("<!DOCTYPE html>\n<p>x</p>\n"), HasSubstr("is an HTML page"));
  ASSERT_TRUE(Read("\"one\"\n\"two\"\n", false, "in.jsonl").ok());
  EXPECT_THAT(texts_, ElementsAre("one", "two"));
}

}  // namespace
}  // namespace sluice
