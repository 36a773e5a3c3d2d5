#include "client/cpp/formats/job_places.h"

#include <gtest/gtest.h>

#include <vector>

#include "absl/strings/str_cat.h"

namespace sluice {
namespace {

// Also where lines are skipped, shared, or go back because another file began.
TEST(JobPlaces, KnowsTheLineOfEachJob) {
  std::vector<InputPlace> all;
  for (int64_t i = 0; i < 200; ++i) all.push_back({"a.csv", 2 + i * i});
  for (int64_t i = 0; i < 3; ++i) all.push_back({"b.json", 7});
  for (int64_t i = 0; i < 100; ++i) all.push_back({absl::StrCat(i, ".html"), i % 3});
  JobPlaces places;
  for (const InputPlace& place : all) places.Add(place);
  ASSERT_EQ(places.size(), static_cast<int64_t>(all.size()));
  for (size_t i = 0; i < all.size(); ++i)
    EXPECT_EQ(places.Of(static_cast<int64_t>(i)), all[i]) << "job " << i;
}

TEST(JobPlaces, OfNoJob) {
  JobPlaces places;
  EXPECT_EQ(places.Of(0), std::nullopt);
  places.Add({"a.csv", 2});
  EXPECT_EQ(places.Of(1), std::nullopt);
  EXPECT_EQ(places.Of(-1), std::nullopt);
}

}  // namespace
}  // namespace sluice
