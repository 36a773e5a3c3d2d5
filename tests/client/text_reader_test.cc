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
  absl::Status Read(absl::string_view content, bool ignore_unknown = false) {
    texts_.clear();
    return ReadTexts(directory_.Write("in", content), {.ignore_unknown_columns = ignore_unknown},
                     [&](std::string text, const InputPlace&) {
                       texts_.push_back(std::move(text));
                       return absl::OkStatus();
                     })
        .status();
  }

  TemporaryDirectory directory_;
  std::vector<std::string> texts_;
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

}  // namespace
}  // namespace sluice
