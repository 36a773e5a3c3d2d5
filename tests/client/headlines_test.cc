#include "client/cpp/command/headlines.h"

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace sluice {
namespace {

TEST(Headlines, FindsWhatWasAdded) {
  Headlines headlines;
  for (int i = 0; i < 50'000; ++i)
    headlines.Add(absl::StrCat("p", i), {absl::StrCat("Engineer ", i), std::string(60, 'c'), ""});
  for (const int i : {0, 17, 20'000, 49'999}) {
    const Headline found = headlines.Find(absl::StrCat("p", i));
    EXPECT_EQ(found.title, absl::StrCat("Engineer ", i));
    EXPECT_EQ(found.company, std::string(60, 'c'));
    EXPECT_EQ(found.location, "");
  }
  EXPECT_EQ(headlines.Find("p50000").title, "");
}

TEST(Headlines, TheFirstOfAnIdCounts) {
  Headlines headlines;
  headlines.Add("p", {"Baker", "", ""});
  headlines.Add("p", {"Nurse", "", ""});
  EXPECT_EQ(headlines.Find("p").title, "Baker");
}

// Postings beyond the bound are shown by their id; shorter ones after them may still have room.
TEST(Headlines, AreBounded) {
  Headlines headlines(/*max_bytes=*/40);
  headlines.Add("first", {"Baker", "Bakers", "Bonn"});
  headlines.Add("second", {"Baker", "Bakers", "Bonn"});
  EXPECT_EQ(headlines.Find("first").location, "Bonn");
  EXPECT_EQ(headlines.Find("second").title, "");
}

TEST(Headlines, LongTextsAreCut) {
  Headlines headlines;
  headlines.Add("p", {std::string(70'000, 't'), "Bakers", ""});
  EXPECT_EQ(headlines.Find("p").title.size(), 65'535);
  EXPECT_EQ(headlines.Find("p").company, "Bakers");
}

}  // namespace
}  // namespace sluice
