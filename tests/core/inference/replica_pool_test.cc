#include "core/inference/replica_pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <future>

#include "core/base/thread.h"
#include "tests/fakes/fake_encoder.h"
#include "tests/fakes/simulated_clock.h"

namespace sluice {
namespace {

using testing::HasSubstr;

using Answer = absl::StatusOr<std::vector<float>>;

EncoderFactory MakeFake(FakeEncoderOptions options = {}) {
  return [options]() -> absl::StatusOr<std::unique_ptr<Encoder>> {
    return std::make_unique<FakeEncoder>(options);
  };
}

std::vector<float> VectorOf(const std::vector<int32_t>& tokens) {
  FakeEncoder encoder;
  std::vector<float> vector(8);
  const absl::Span<const int32_t> text = tokens;
  EXPECT_EQ(encoder.Encode({&text, 1}, absl::MakeSpan(vector)), absl::OkStatus());
  return vector;
}

class ReplicaPoolTest : public testing::Test {
 protected:
  static constexpr int32_t kPoison = 666;

  ReplicaPoolTest()
      : scheduler_(MicroBatchScheduler::Create({}, clock_, nullptr).value()), metrics_(registry_) {}
  // Close first, or the pool would wait for ever.
  ~ReplicaPoolTest() override { scheduler_->Close(); }

  // Futures of the answers, in order; all are submitted at once, so that one replica takes them as one batch.
  std::vector<std::future<Answer>> Submit(const std::vector<std::vector<int32_t>>& texts) {
    std::vector<std::future<Answer>> answers;
    std::vector<EncodeWork> works;
    for (const auto& tokens : texts) {
      std::promise<Answer> promise;
      answers.push_back(promise.get_future());
      works.push_back({.tokens = tokens, .done = [promise = std::move(promise)](Answer answer) mutable {
                         promise.set_value(std::move(answer));
                       }});
    }
    EXPECT_EQ(scheduler_->SubmitAll(std::move(works)), absl::OkStatus());
    return answers;
  }

  absl::StatusOr<std::unique_ptr<ReplicaPool>> Start(std::vector<ReplicaSpec> specs) {
    return ReplicaPool::Create({.replicas = std::move(specs)}, *scheduler_, clock_, &metrics_);
  }

  static std::vector<ReplicaSpec> One(FakeEncoderOptions options = {},
                                      MicroBatchLimits limits = {.max_jobs = 8}) {
    std::vector<ReplicaSpec> specs;
    specs.push_back({.name = "cpu-0", .make_encoder = MakeFake(options), .limits = limits});
    return specs;
  }

  double Fallbacks(const std::string& from, const std::string& to, const std::string& reason) {
    for (const auto& family : registry_.Collect()) {
      if (family.name != "sluice_device_fallback_total") continue;
      for (const auto& metric : family.metric) {
        std::map<std::string, std::string> labels;
        for (const auto& label : metric.label) labels[label.name] = label.value;
        if (labels["from"] == from && labels["to"] == to && labels["reason"] == reason)
          return metric.counter.value;
      }
    }
    return -1;
  }

  SimulatedClock clock_;
  std::unique_ptr<MicroBatchScheduler> scheduler_;
  prometheus::Registry registry_;
  ServiceMetrics metrics_;
};

// Works come back to their own callers, whichever replica took them.
TEST_F(ReplicaPoolTest, EveryWorkGetsItsOwnVector) {
  std::vector<ReplicaSpec> specs = One();
  specs.push_back(
      {.name = "cpu-1", .make_encoder = MakeFake(), .limits = {.max_tokens = 100, .max_jobs = 3}});
  const auto pool = Start(std::move(specs)).value();
  std::vector<std::vector<int32_t>> texts;
  for (int32_t i = 0; i < 200; ++i) texts.push_back(std::vector<int32_t>(2 + i % 30, i));
  auto answers = Submit(texts);
  for (size_t i = 0; i < texts.size(); ++i) EXPECT_EQ(answers[i].get().value(), VectorOf(texts[i])) << i;

  const std::vector<ReplicaStatus> replicas = pool->Replicas();
  ASSERT_EQ(replicas.size(), 2u);
  EXPECT_EQ(replicas[0].name, "cpu-0");
  EXPECT_EQ(replicas[0].encoder.model_name, "fake");
  EXPECT_EQ(replicas[1].limits.max_jobs, 3);
  EXPECT_EQ(replicas[0].encoded_jobs + replicas[1].encoded_jobs, 200);
  scheduler_->Close();
}

// Four texts that one pass had room for go as two, one and one: whoever is free takes half of what waits.
TEST_F(ReplicaPoolTest, ReplicasShareAFewTexts) {
  auto answers = Submit({{1, 2}, {3, 4}, {5, 6}, {7, 8}});
  std::atomic<int> passes = 0;
  std::vector<ReplicaSpec> specs = One({.passes = &passes});
  specs.push_back(
      {.name = "cpu-1", .make_encoder = MakeFake({.passes = &passes}), .limits = {.max_jobs = 8}});
  const auto pool = Start(std::move(specs)).value();
  for (auto& answer : answers) EXPECT_TRUE(answer.get().ok());
  EXPECT_EQ(passes, 3);
  scheduler_->Close();
}

// A poison work fails alone with the encoder's reason, its neighbours succeed, and the steps down are
// counted.
TEST_F(ReplicaPoolTest, PoisonWorkFailsAlone) {
  auto answers = Submit({{1, 2}, {3, 4}, {5, kPoison}, {7, 8}});
  const auto pool = Start(One({.poison_id = kPoison})).value();
  EXPECT_EQ(answers[2].get().status(), absl::InternalError("the id 666 is poison"));
  EXPECT_EQ(answers[0].get().value(), VectorOf({1, 2}));
  EXPECT_EQ(answers[1].get().value(), VectorOf({3, 4}));
  EXPECT_EQ(answers[3].get().value(), VectorOf({7, 8}));
  EXPECT_EQ(Fallbacks("batch", "half_batch", "INTERNAL"), 1);
  EXPECT_EQ(Fallbacks("half_batch", "single_job", "INTERNAL"), 1);
  EXPECT_EQ(pool->Replicas()[0].encoded_jobs, 3);
  EXPECT_EQ(pool->Replicas()[0].encoded_tokens, 6);
  scheduler_->Close();
}

TEST_F(ReplicaPoolTest, OutOfMemoryFallsBackToSmallerBatches) {
  std::atomic<int> passes = 0;
  auto answers = Submit({{1, 2}, {3, 4}, {5, 6}, {7, 8}});
  const auto pool = Start(One({.max_jobs_in_memory = 2, .passes = &passes})).value();
  for (auto& answer : answers) EXPECT_TRUE(answer.get().ok());
  EXPECT_EQ(passes, 3);
  EXPECT_EQ(Fallbacks("batch", "half_batch", "RESOURCE_EXHAUSTED"), 1);
  scheduler_->Close();
}

// What a pass meets between its layers is up to the test.
class VisitedEncoder final : public Encoder {
 public:
  explicit VisitedEncoder(std::function<void()> visit) : visit_(std::move(visit)) {}
  const EncoderDescription& description() const override { return fake_.description(); }
  absl::Status Encode(absl::Span<const absl::Span<const int32_t>> texts, absl::Span<float> vectors) override {
    return fake_.Encode(texts, vectors);
  }
  bool SetBetweenLayers(std::function<void()> between_layers) override {
    return fake_.SetBetweenLayers([this, between_layers] {
      visit_();
      between_layers();
    });
  }

 private:
  FakeEncoder fake_;
  const std::function<void()> visit_;
};

class GivingWayTest : public ReplicaPoolTest {
 protected:
  void Submit(const std::string& name, WorkClass work_class, bool patient = false) {
    EXPECT_TRUE(scheduler_->Submit(Named(name, work_class, patient)).ok());
  }

  EncodeWork Named(const std::string& name, WorkClass work_class, bool patient) {
    return {.tokens = {1, 2, 3, 4},
            .work_class = work_class,
            .patient = patient,
            .done = [this, name](const Answer& answer) {
              EXPECT_TRUE(answer.ok()) << answer.status();
              answered_.push_back(name);
              if (name == "last") all_answered_.set_value();
            }};
  }

  // Runs what was submitted until "last" is answered; `visit` is called before each text of a pass with how
  // often it was called before.
  void Run(std::function<void(int)> visit) {
    std::vector<ReplicaSpec> specs;
    specs.push_back({.name = "cpu-0",
                     .make_encoder = [&]() -> absl::StatusOr<std::unique_ptr<Encoder>> {
                       return std::make_unique<VisitedEncoder>([&] { visit(visits_++); });
                     },
                     .limits = {.max_jobs = 2}});
    pool_ = Start(std::move(specs)).value();
    all_answered_.get_future().get();
    scheduler_->Close();
  }

  int visits_ = 0;  // on the replica's thread, as the next
  std::vector<std::string> answered_;
  std::promise<void> all_answered_;
  std::unique_ptr<ReplicaPool> pool_;
};

// A small call that comes while a bulk pass runs does not wait for its end, and time spent on it is not the
// pass's.
TEST_F(GivingWayTest, ABulkPassLetsASmallCallIn) {
  Submit("bulk", WorkClass::kBulk);
  Submit("last", WorkClass::kBulk);
  Run([&](int visit) {
    clock_.Advance(absl::Seconds(1));
    if (visit == 1) Submit("small", WorkClass::kInteractive);
  });
  EXPECT_THAT(answered_, testing::ElementsAre("small", "bulk", "last"));
  // Eight tokens in two visits, four in one: 12 in 3 s, and no second counted twice.
  EXPECT_DOUBLE_EQ(pool_->TokensPerSecond(), 4);
  EXPECT_EQ(metrics_.Replica("cpu", "fp32").device_utilization_ratio->Value(), 0);
}

TEST_F(GivingWayTest, SoDoesALargeCallsPass) {
  Submit("large", WorkClass::kInteractive, true);
  Submit("last", WorkClass::kInteractive, true);
  Run([&](int visit) {
    if (visit == 1) Submit("small", WorkClass::kInteractive);
  });
  EXPECT_THAT(answered_, testing::ElementsAre("small", "large", "last"));
}

// Neither does a small call's pass, nor is bulk or a large call's work let in.
TEST_F(GivingWayTest, OnlySmallCallsAreLetInAndTheyGiveNoWay) {
  Submit("first", WorkClass::kInteractive);
  Run([&](int visit) {
    if (visit == 0) Submit("second", WorkClass::kInteractive);
    if (visit == 1) {
      Submit("bulk", WorkClass::kBulk);
      Submit("large", WorkClass::kInteractive, true);
    }
    if (visit == 2) Submit("last", WorkClass::kBulk);
  });
  EXPECT_EQ(answered_[0], "first");
  EXPECT_EQ(answered_[1], "second");
}

// gRPC's threads, which would only queue more behind it, wait longer for a small call's pass; not for a bulk
// pass, also after it let one in.
TEST_F(GivingWayTest, ASmallCallsPassHasALongerTimeSlice) {
  bool can_ask = false;
  absl::Duration of_system;
  Thread("system", [&] {
    can_ask = SetTimeSlice(absl::ZeroDuration());
    of_system = TimeSlice();
  }).Join();
  if (!can_ask) GTEST_SKIP() << "threads cannot ask for time slices here: needs Linux 6.12";
  std::vector<absl::Duration> slices;
  Submit("bulk", WorkClass::kBulk);
  Submit("last", WorkClass::kBulk);
  Run([&](int visit) {
    slices.push_back(TimeSlice());
    if (visit == 0) Submit("small", WorkClass::kInteractive);
  });
  EXPECT_EQ(answered_.front(), "small");
  EXPECT_THAT(slices, testing::ElementsAre(testing::_, absl::Milliseconds(8), of_system));
}

// Real tokens and padding are counted apart; padding is what the row ladder adds to a pass.
TEST_F(ReplicaPoolTest, CountsTokensAndPadding) {
  auto answers = Submit({std::vector<int32_t>(60, 1), std::vector<int32_t>(10, 1)});
  const auto pool = Start(One()).value();
  for (auto& answer : answers) EXPECT_TRUE(answer.get().ok());
  const ReplicaMetrics series = metrics_.Replica("cpu", "fp32");
  EXPECT_EQ(series.tokens_total->Value(), 70);
  EXPECT_EQ(series.padding_tokens_total->Value(), 128 - 70);
  EXPECT_EQ(series.device_utilization_ratio->Value(), 0) << "nothing is being encoded";
  scheduler_->Close();
}

// Beside a small call a pass of bulk work may take 20 ms. A replica that has done nothing yet knows by its
// cost model how many texts that is, and one without has to take them all.
TEST_F(ReplicaPoolTest, TheCostModelBoundsBulkWorkBeforeAnyIsDone) {
  const auto passes_with = [&](const CostModel& cost) {
    scheduler_ = MicroBatchScheduler::Create({}, clock_, nullptr).value();
    std::atomic<int> passes{0};
    std::vector<EncodeWork> works;
    std::promise<void> done;
    std::atomic<int> left{21};
    for (int i = 0; i < 21; ++i) {
      works.push_back({.tokens = {1, 2, 3, 4},
                       .work_class = i == 0 ? WorkClass::kInteractive : WorkClass::kBulk,
                       .done = [&](const Answer&) {
                         if (--left == 0) done.set_value();
                       }});
    }
    EXPECT_EQ(scheduler_->SubmitAll(std::move(works)), absl::OkStatus());
    std::vector<ReplicaSpec> specs = One({.passes = &passes}, {.max_jobs = 64});
    specs[0].cost = cost;
    const auto pool = Start(std::move(specs)).value();
    done.get_future().get();
    scheduler_->Close();
    return passes.load();
  };
  EXPECT_EQ(passes_with({.seconds_per_token = 0.001}), 1 + 4) << "the small call, then 20 tokens a pass";
  EXPECT_EQ(passes_with({}), 1 + 1);
}

TEST(CostIsOff, NeedsMuchWorkThatIsFarOff) {
  const auto off = [](int64_t tokens, double first, double second) {
    return CostIsOff(
        {{.encoded_tokens = tokens, .slowness = first}, {.encoded_tokens = tokens, .slowness = second}});
  };
  EXPECT_TRUE(off(20'000, 2.5, 2.1));
  EXPECT_TRUE(off(20'000, 0.4, 0.4));
  EXPECT_FALSE(off(20'000, 2.5, 1)) << "one of them only";
  EXPECT_FALSE(off(9'000, 9, 9)) << "a few passes in a busy moment";
  EXPECT_FALSE(CostIsOff({}));
}

// An encoder that cannot be made is the pool's failure, and the replicas that could be are gone when it is
// returned.
TEST_F(ReplicaPoolTest, FirstFailureIsReturnedAndNothingIsLeftRunning) {
  std::atomic<int> alive = 0;
  std::vector<ReplicaSpec> specs = One({.alive = &alive});
  specs.push_back(
      {.name = "cuda-0", .make_encoder = [] { return absl::FailedPreconditionError("no such device"); }});
  const auto pool = Start(std::move(specs));
  EXPECT_EQ(pool.status(), absl::FailedPreconditionError("replica cuda-0: no such device"));
  EXPECT_EQ(alive, 0);
}

TEST_F(ReplicaPoolTest, RefusesOptionsOutOfRangeByName) {
  EXPECT_EQ(Start({}).status(), absl::InvalidArgumentError("replicas=0, want 1..64"));
  const auto no_jobs = Start(One({}, {.max_tokens = 10, .max_jobs = 0}));
  EXPECT_EQ(no_jobs.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(no_jobs.status().message()), HasSubstr("replica cpu-0: max_tokens=10, max_jobs=0"));
}

TEST_F(ReplicaPoolTest, CreditIsTwoMicroBatchesAReplica) {
  std::vector<ReplicaSpec> specs = One({}, {.max_tokens = 100, .max_jobs = 4});
  specs.push_back({.name = "cpu-1", .make_encoder = MakeFake(), .limits = {.max_tokens = 50, .max_jobs = 4}});
  const auto pool = Start(std::move(specs)).value();
  EXPECT_EQ(pool->CreditTargetTokens(), 300);
  EXPECT_EQ(pool->TokensPerSecond(), 0) << "before the first batch";
  scheduler_->Close();
}

// After Close the threads end by themselves: destroying the pool does not hang, and the encoders are gone
// with it.
TEST_F(ReplicaPoolTest, EndsWhenTheSchedulerIsClosed) {
  std::atomic<int> alive = 0;
  auto pool = Start(One({.alive = &alive})).value();
  EXPECT_EQ(alive, 1);
  scheduler_->Close();
  pool.reset();
  EXPECT_EQ(alive, 0);
}

}  // namespace
}  // namespace sluice
