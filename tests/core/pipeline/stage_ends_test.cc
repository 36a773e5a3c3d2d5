#include "core/pipeline/stage_ends.h"

#include "core/base/error_details.h"
#include "gmock/gmock.h"
#include "tests/core/pipeline/recording_sink.h"
#include "tests/fakes/simulated_clock.h"

namespace sluice {
namespace {

using ::testing::ElementsAre;

class StageEndsTest : public testing::Test {
 protected:
  StageEndsTest() {
    context_.sink = &sink_;
    context_.parts.scheduler = scheduler_.get();
  }
  void Queue() {
    EncodeWork work{.tokens = {1, 2, 3}};
    work.done = [](const absl::StatusOr<std::vector<float>>&) {};
    ASSERT_TRUE(scheduler_->Submit(std::move(work)).ok());
  }
  using EndStage = void (*)(PipelineContext&, const LeasePtr&, const absl::Status&);
  // How `end` ends a lease for `status`; that of a stop, if there is one, comes first.
  std::string EndOf(EndStage end, const absl::Status& status, StopReason stop = StopReason::kNone) {
    auto lease = std::make_shared<Lease>();
    lease->stop = stop;
    end(context_, lease, status);
    return sink_.ends().back();
  }

  SimulatedClock clock_;
  std::unique_ptr<MicroBatchScheduler> scheduler_ = *MicroBatchScheduler::Create({}, clock_, nullptr);
  RecordingSink sink_;
  PipelineContext context_;
};

TEST_F(StageEndsTest, NoModelIsAFailureThatSaysSo) {
  EXPECT_EQ(NoModelError().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReasonOf(NoModelError()), "NO_MODEL");
}

TEST_F(StageEndsTest, ABatchThatCannotBeReadNowIsGivenBack) {
  EXPECT_EQ(EndOf(EndUnread, absl::UnavailableError("away")), "given back");
  EXPECT_EQ(EndOf(EndUnread, absl::ResourceExhaustedError("busy")), "given back");
  EXPECT_EQ(EndOf(EndUnread, absl::NotFoundError("deleted")), "dropped");
}

TEST_F(StageEndsTest, ABatchThatCannotBeReadAtAllFailsItsJobs) {
  EXPECT_EQ(EndOf(EndUnread, WithReason(absl::DataLossError("no message"), "BAD_SPEC")), "finished");
  EXPECT_EQ(sink_.outcome().kind, OutcomeKind::kFailed);
  EXPECT_EQ(sink_.outcome().error_code, absl::StatusCode::kDataLoss);
  EXPECT_EQ(sink_.outcome().error_reason, "BAD_SPEC");
}

// A full queue empties; a text that an empty one refuses will be refused again.
TEST_F(StageEndsTest, AWorkThatNeverFitsFails) {
  const absl::Status full = WithReason(absl::ResourceExhaustedError("full"), "QUEUE_FULL");
  EXPECT_EQ(EndOf(EndRefused, full), "finished");
  EXPECT_EQ(sink_.outcome().error_reason, "QUEUE_FULL");
  Queue();
  EXPECT_EQ(EndOf(EndRefused, full), "given back");
}

TEST_F(StageEndsTest, AClosedSchedulerMayPass) {
  EXPECT_EQ(EndOf(EndRefused, absl::UnavailableError("closed")), "given back");
  EXPECT_EQ(EndOf(EndUnencoded, absl::UnavailableError("closed")), "given back");
  EXPECT_EQ(EndOf(EndRefused, absl::InvalidArgumentError("no tokens")), "finished");
  EXPECT_EQ(sink_.outcome().error_code, absl::StatusCode::kInvalidArgument);
}

// What was cancelled ends by the reason of its stop; one that failed before the stop came, by its own.
TEST_F(StageEndsTest, ACancelledWorkEndsByItsStop) {
  const absl::Status cancelled = absl::CancelledError("no longer wanted");
  EXPECT_EQ(EndOf(EndUnencoded, cancelled, StopReason::kDraining), "given back");
  EXPECT_EQ(EndOf(EndUnencoded, cancelled, StopReason::kSessionLost), "dropped");
  EXPECT_EQ(EndOf(EndUnencoded, cancelled, StopReason::kBatchCancelled), "finished");
  EXPECT_EQ(sink_.outcome().kind, OutcomeKind::kCancelled);
  EXPECT_EQ(EndOf(EndUnencoded, absl::InternalError("not finite"), StopReason::kDraining), "finished");
  EXPECT_EQ(sink_.outcome().error_code, absl::StatusCode::kInternal);
}

TEST_F(StageEndsTest, AnEncodersFailureIsTheJobs) {
  EXPECT_EQ(EndOf(EndUnencoded, WithReason(absl::InternalError("not finite"), "NOT_FINITE")), "finished");
  EXPECT_EQ(sink_.outcome().kind, OutcomeKind::kFailed);
  EXPECT_EQ(sink_.outcome().error_reason, "NOT_FINITE");
  EXPECT_EQ(EndOf(EndUnencoded, absl::CancelledError("by nobody")), "finished");
}

}  // namespace
}  // namespace sluice
