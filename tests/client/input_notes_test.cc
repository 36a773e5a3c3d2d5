#include "client/cpp/formats/input_notes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace sluice {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

TEST(InputNotes, ANoteNamesFileLineFieldAndReason) {
  InputNotes notes;
  EXPECT_THAT(notes.Lines(), IsEmpty());
  notes.Add({"jobs.html", 12}, "baseSalary", "'lots' is no amount; left out");
  notes.Add({"jobs.csv"}, "", "is not UTF-8: read as Windows-1252");
  EXPECT_EQ(notes.total(), 2);
  EXPECT_THAT(notes.Lines(), ElementsAre("jobs.html:12: field 'baseSalary': 'lots' is no amount; left out",
                                         "jobs.csv: is not UTF-8: read as Windows-1252"));
}

TEST(InputNotes, TenAreShownAndTheOthersCountedInOneLine) {
  InputNotes notes;
  for (int line = 1; line <= 12; ++line) notes.Add({"a.csv", line}, "pay", "is odd");
  notes.Add({"a.csv", 13}, "date", "is odd");
  notes.Add({"a.csv", 14}, "", "is odd");
  const std::vector<std::string> lines = notes.Lines();
  ASSERT_THAT(lines, SizeIs(11));
  EXPECT_EQ(lines[9], "a.csv:10: field 'pay': is odd");
  EXPECT_EQ(lines[10], "and 4 more notes: whole postings or files (1), date (1), pay (2)");
}

TEST(InputNotes, WhatWasNotedOfAPartIsShownOrCountedWithTheRest) {
  InputNotes all, part;
  for (int line = 1; line <= 8; ++line) all.Add({"a.html", line}, "pay", "is odd");
  for (int line = 1; line <= 12; ++line) part.Add({"b.html", line}, "date", "is odd");
  all.Append(part);
  EXPECT_EQ(all.total(), 20);
  const std::vector<std::string> lines = all.Lines();
  ASSERT_THAT(lines, SizeIs(11));
  EXPECT_EQ(lines[9], "b.html:2: field 'date': is odd");
  EXPECT_EQ(lines[10], "and 10 more notes: date (10)");
}

// Names of fields come from the file: a million of them take no more room than a few.
TEST(InputNotes, WhateverAFileHoldsTheNotesStaySmall) {
  InputNotes notes;
  for (int i = 0; i < 1000; ++i) {
    const std::string long_name = absl::StrCat("f", i, std::string(1000, 'x'));
    notes.Add({long_name, 1}, long_name, std::string(10'000, 'y'));
  }
  const std::vector<std::string> lines = notes.Lines();
  ASSERT_THAT(lines, SizeIs(11));
  for (const std::string& line : lines) EXPECT_LT(line.size(), 2000);
  EXPECT_THAT(lines.back(), testing::HasSubstr("other fields (974)"));
}

TEST(InputNotes, WhatIsQuotedCannotSteerATerminal) {
  InputNotes notes;
  notes.Add({"a\x1b[2J.csv", 1}, "b\x1b]0;x\x07", "c\nd\x9b e\r");
  notes.Add({"a.csv", 2}, "b", QuotedForTerminal("\x1b[31m\xff\n"));
  for (const std::string& line : notes.Lines()) {
    for (const char byte : line) EXPECT_GE(static_cast<unsigned char>(byte), 0x20) << line;
    EXPECT_THAT(line, Not(testing::HasSubstr("\x9b")));
  }
  std::string marks = "e";
  for (int i = 0; i < 50'000; ++i) marks += "\xCC\x81";
  EXPECT_LT(QuotedForTerminal(marks).size(), 400);
}

}  // namespace
}  // namespace sluice
