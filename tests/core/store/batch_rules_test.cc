#include "core/store/batch_rules.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sluice {
namespace {

using ::testing::HasSubstr;

// A batch of few jobs has room for all their tasks; the greatest has none for any.
TEST(BatchRules, ABatchHasRoomForAsManyTasksAsItHasSlots) {
  const int64_t jobs = 10;
  const int64_t room = kMaxSlotsInBatch - 1 - jobs;
  EXPECT_TRUE(CheckRoomForTasks(0, jobs, 0, kMaxTasks).ok());
  EXPECT_TRUE(CheckRoomForTasks(0, jobs, room - 5, 5).ok());
  const absl::Status full = CheckRoomForTasks(3, jobs, room - 5, 6);
  EXPECT_EQ(full.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(full.message(), HasSubstr("steps[3].tasks: has 6, the batch has room for 5 more"));
  EXPECT_EQ(CheckRoomForTasks(0, kMaxJobsInBatch, 0, 1).code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace sluice
