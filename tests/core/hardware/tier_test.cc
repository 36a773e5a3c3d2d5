#include "core/hardware/tier.h"

#include <gtest/gtest.h>

#include <ostream>

#include "core/base/error_details.h"

namespace sluice {

std::ostream& operator<<(std::ostream& out, const TierChoice& choice) {
  return out << TierName(choice.tier) << ", " << choice.devices.size() << " devices, " << choice.replicas
             << " replicas of " << choice.threads_per_replica << " threads, " << choice.max_batch_jobs
             << " jobs, " << choice.max_batch_tokens << " tokens: " << choice.reason;
}

namespace {

struct TierCase {
  const char* name;
  int cores;
  int cuda;
  int mps;
  TierRequest request;
  // wanted
  Tier tier;
  size_t devices;
  int replicas;
  int threads;
  int jobs;
  int64_t tokens;
  const char* reason;
};

std::vector<ComputeDevice> Devices(int cuda, int mps) {
  std::vector<ComputeDevice> devices;
  for (int i = 0; i < cuda; ++i) devices.push_back({.type = "cuda", .index = i});
  for (int i = 0; i < mps; ++i) devices.push_back({.type = "mps", .index = i});
  return devices;
}

class TierTest : public testing::TestWithParam<TierCase> {};

TEST_P(TierTest, IsChosen) {
  const TierCase& wanted = GetParam();
  const absl::StatusOr<TierChoice> choice =
      ChooseTier({.cores = wanted.cores}, Devices(wanted.cuda, wanted.mps), wanted.request);
  ASSERT_TRUE(choice.ok()) << choice.status();
  EXPECT_EQ(choice->tier, wanted.tier) << *choice;
  EXPECT_EQ(choice->devices.size(), wanted.devices) << *choice;
  EXPECT_EQ(choice->replicas, wanted.replicas) << *choice;
  EXPECT_EQ(choice->reason, wanted.reason);
  if (wanted.tier == Tier::kEmergency) return;
  EXPECT_EQ(choice->threads_per_replica, wanted.threads) << *choice;
  EXPECT_EQ(choice->max_batch_jobs, wanted.jobs) << *choice;
  EXPECT_EQ(choice->max_batch_tokens, wanted.tokens) << *choice;
}

constexpr auto kCudaByName = DeviceRequest::kCuda;
constexpr auto kMpsByName = DeviceRequest::kMps;
constexpr auto kCpuByName = DeviceRequest::kCpu;
constexpr auto kNoDevice = DeviceRequest::kNone;

INSTANTIATE_TEST_SUITE_P(
    All, TierTest,
    testing::Values(
        // name, cores, cuda, mps, request -> tier, devices, replicas, threads, jobs, tokens, reason
        TierCase{"OneCore", 1, 0, 0, {}, Tier::kCpu, 0, 1, 1, 6, 2048, "no CUDA or MPS device; 1 core"},
        TierCase{"TwoCores", 2, 0, 0, {}, Tier::kCpu, 0, 1, 2, 6, 2048, "no CUDA or MPS device; 2 cores"},
        TierCase{"SixCores", 6, 0, 0, {}, Tier::kCpu, 0, 1, 6, 6, 2048, "no CUDA or MPS device; 6 cores"},
        TierCase{"EightCores", 8, 0, 0, {}, Tier::kCpu, 0, 2, 4, 6, 2048, "no CUDA or MPS device; 8 cores"},
        TierCase{
            "SixtyFourCores", 64, 0, 0, {}, Tier::kCpu, 0, 11, 5, 6, 2048, "no CUDA or MPS device; 64 cores"},
        TierCase{
            "ManyCores", 768, 0, 0, {}, Tier::kCpu, 0, 64, 12, 6, 2048, "no CUDA or MPS device; 768 cores"},
        TierCase{"OneGpu", 16, 1, 0, {}, Tier::kCuda, 1, 1, 1, 24, 16384, "1 CUDA device"},
        TierCase{"TwoGpus", 16, 2, 0, {}, Tier::kCuda, 2, 2, 1, 24, 16384, "2 CUDA devices"},
        TierCase{"CudaBeforeMps", 8, 1, 1, {}, Tier::kCuda, 1, 1, 1, 24, 16384, "1 CUDA device"},
        TierCase{"Mps", 8, 0, 1, {}, Tier::kMps, 1, 1, 1, 12, 4096, "no CUDA device; an MPS device"},
        TierCase{"CudaByName",
                 8,
                 1,
                 1,
                 {.device = kCudaByName},
                 Tier::kCuda,
                 1,
                 1,
                 1,
                 24,
                 16384,
                 "asked for; 1 CUDA device"},
        TierCase{"MpsByName", 8, 1, 1, {.device = kMpsByName}, Tier::kMps, 1, 1, 1, 12, 4096, "asked for"},
        TierCase{
            "CpuByName", 8, 1, 0, {.device = kCpuByName}, Tier::kCpu, 0, 2, 4, 6, 2048, "asked for; 8 cores"},
        TierCase{"NoneByName",
                 8,
                 1,
                 0,
                 {.device = kNoDevice},
                 Tier::kEmergency,
                 0,
                 0,
                 0,
                 0,
                 0,
                 "asked for: no device is to be used"},
        TierCase{"FewCores",
                 2,
                 0,
                 0,
                 {.emergency_max_cores = 2},
                 Tier::kEmergency,
                 0,
                 0,
                 0,
                 0,
                 0,
                 "no CUDA or MPS device; 2 cores, no more than emergency_max_cores=2"},
        TierCase{"EnoughCores",
                 3,
                 0,
                 0,
                 {.emergency_max_cores = 2},
                 Tier::kCpu,
                 0,
                 1,
                 3,
                 6,
                 2048,
                 "no CUDA or MPS device; 3 cores"},
        TierCase{"FewCoresButAGpu",
                 2,
                 1,
                 0,
                 {.emergency_max_cores = 2},
                 Tier::kCuda,
                 1,
                 1,
                 1,
                 24,
                 16384,
                 "1 CUDA device"},
        TierCase{"FewCoresButCpuByName",
                 2,
                 0,
                 0,
                 {.device = kCpuByName, .emergency_max_cores = 2},
                 Tier::kCpu,
                 0,
                 1,
                 2,
                 6,
                 2048,
                 "asked for; 2 cores"},
        TierCase{"AskedReplicasShareTheCores",
                 8,
                 0,
                 0,
                 {.replicas = 4},
                 Tier::kCpu,
                 0,
                 4,
                 2,
                 6,
                 2048,
                 "no CUDA or MPS device; 8 cores"},
        TierCase{"MoreReplicasThanCores",
                 2,
                 0,
                 0,
                 {.replicas = 4},
                 Tier::kCpu,
                 0,
                 4,
                 1,
                 6,
                 2048,
                 "no CUDA or MPS device; 2 cores"},
        TierCase{"SeveralReplicasOnAGpu",
                 8,
                 1,
                 0,
                 {.replicas = 3},
                 Tier::kCuda,
                 1,
                 3,
                 1,
                 24,
                 16384,
                 "1 CUDA device"},
        TierCase{"FewerReplicasThanGpus",
                 8,
                 4,
                 0,
                 {.replicas = 2},
                 Tier::kCuda,
                 2,
                 2,
                 1,
                 24,
                 16384,
                 "4 CUDA devices"},
        TierCase{"AskedBatch",
                 2,
                 0,
                 0,
                 {.max_batch_jobs = 9, .max_batch_tokens = 777},
                 Tier::kCpu,
                 0,
                 1,
                 2,
                 9,
                 777,
                 "no CUDA or MPS device; 2 cores"}),
    [](const auto& test) { return std::string(test.param.name); });

// A device asked for by name is never quietly replaced by another.
TEST(ChooseTier, AMissingDeviceIsAnError) {
  EXPECT_EQ(ChooseTier({.cores = 8}, Devices(0, 1), {.device = kCudaByName}).status().code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ChooseTier({.cores = 8}, Devices(1, 0), {.device = kMpsByName}).status().code(),
            absl::StatusCode::kFailedPrecondition);
}

// 64 cores were 11 replicas of 5 threads, and nine cores idle.
TEST(ChooseTier, EveryCoreOfAProcessorIsUsed) {
  for (int cores = 1; cores <= 800; ++cores) {
    const TierChoice choice = ChooseTier({.cores = cores}, {}, {}).value();
    EXPECT_EQ(ThreadsOfAllReplicas(choice), cores);
    int threads = 0;
    for (int i = 0; i < choice.replicas; ++i) threads += ThreadsOfReplica(choice, i);
    EXPECT_EQ(threads, cores);
    const int uniform = choice.replicas * choice.threads_per_replica;
    EXPECT_LE(uniform, cores);
    EXPECT_GT(uniform, cores - choice.replicas)
        << cores << " cores: replicas may differ by one thread, not more";
  }
}

// Who asks for few replicas gets ones of the usual width: wider ones would be slower, not faster.
TEST(ChooseTier, AskedReplicasAreNoWiderThanUsual) {
  const TierChoice choice = ChooseTier({.cores = 64}, {}, {.replicas = 2}).value();
  EXPECT_EQ(choice.replicas, 2);
  EXPECT_EQ(ThreadsOfReplica(choice, 0), 6);
  EXPECT_EQ(ThreadsOfAllReplicas(choice), 12);
}

TEST(ChooseTier, NumbersOutOfRangeAreNamed) {
  const auto field_of = [](const TierRequest& request) {
    const absl::Status status = ChooseTier({.cores = 8}, {}, request).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    const auto violations = FieldViolationsOf(status);
    return violations.empty() ? "" : violations[0].field;
  };
  EXPECT_EQ(field_of({.replicas = -1}), "replicas");
  EXPECT_EQ(field_of({.replicas = 65}), "replicas");
  EXPECT_EQ(field_of({.max_batch_jobs = 4097}), "max_batch_jobs");
  EXPECT_EQ(field_of({.max_batch_tokens = -5}), "max_batch_tokens");
  EXPECT_EQ(field_of({.emergency_max_cores = -1}), "emergency_max_cores");
}

TEST(TierName, NamesEveryTier) {
  EXPECT_STREQ(TierName(Tier::kCuda), "cuda");
  EXPECT_STREQ(TierName(Tier::kMps), "mps");
  EXPECT_STREQ(TierName(Tier::kCpu), "cpu");
  EXPECT_STREQ(TierName(Tier::kEmergency), "emergency");
}

}  // namespace
}  // namespace sluice
