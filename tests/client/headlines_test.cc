#include "client/cpp/command/headlines.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace sluice {
namespace {

TEST(Headlines, FindsWhatWasAdded) {
  Headlines headlines;
  for (int i = 0; i < 50'000; ++i) headlines.Add({absl::StrCat("Engineer ", i), std::string(60, 'c'), ""});
  for (const int i : {0, 17, 20'000, 49'999}) {
    const Headline found = headlines.Find(i);
    EXPECT_EQ(found.title, absl::StrCat("Engineer ", i));
    EXPECT_EQ(found.company, std::string(60, 'c'));
    EXPECT_EQ(found.location, "");
  }
  EXPECT_EQ(headlines.Find(50'000).title, "");
}

// Postings beyond the bound are shown by their id.
TEST(Headlines, AreBounded) {
  Headlines headlines(/*max_bytes=*/20);
  headlines.Add({"Baker", "Bakers", "Bonn"});
  headlines.Add({"Baker", "Bakers", "Bonn"});
  EXPECT_EQ(headlines.Find(0).location, "Bonn");
  EXPECT_EQ(headlines.Find(1).title, "");
}

}  // namespace
}  // namespace sluice
