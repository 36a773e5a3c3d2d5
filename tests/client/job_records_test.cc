#include "client/cpp/command/job_records.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace sluice {
namespace {

// Of all sizes: none, a few bytes, more than a block of memory.
std::string RecordOf(int64_t job) {
  const size_t bytes = job % 500 == 7 ? 3'000'000 : job * job % 300;
  return absl::StrCat(bytes > 0 ? absl::StrCat(job, ":") : "", std::string(bytes, 'x'));
}

TEST(JobRecords, AreFoundByJob) {
  constexpr int64_t kJobs = 5000;
  JobRecords records(/*max_bytes=*/100 << 20);
  for (int64_t job = 0; job < kJobs; ++job) records.Add(RecordOf(job));
  EXPECT_EQ(records.kept(), kJobs);
  EXPECT_EQ(records.left_out(), 0);
  for (int64_t job = 0; job < kJobs; ++job) ASSERT_TRUE(records.Find(job) == RecordOf(job)) << "job " << job;
  EXPECT_EQ(records.Find(kJobs), std::nullopt);
  EXPECT_EQ(records.Find(-1), std::nullopt);
}

// Once one does not fit, neither it nor those after it are kept: jobs are known by their order.
TEST(JobRecords, AreBounded) {
  JobRecords records(/*max_bytes=*/10);
  records.Add("abc");
  records.Add("");
  records.Add("abcde");
  records.Add("a");
  EXPECT_EQ(records.kept(), 2);
  EXPECT_EQ(records.left_out(), 2);
  EXPECT_EQ(records.Find(0), "abc");
  EXPECT_EQ(records.Find(1), "");
  EXPECT_EQ(records.Find(2), std::nullopt);
  EXPECT_EQ(records.Find(3), std::nullopt);
}

TEST(JobRecords, FitToTheLastByte) {
  JobRecords records(/*max_bytes=*/5);
  records.Add("abcd");
  EXPECT_EQ(records.Find(0), "abcd");
}

}  // namespace
}  // namespace sluice
