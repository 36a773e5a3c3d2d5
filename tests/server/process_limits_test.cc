// How many connections fit into what the system lets a process have.
#include "server/process_limits.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

#include "core/base/error_details.h"

namespace sluice {
namespace {

TEST(ProcessLimits, AsManyConnectionsAreTakenAsDescriptorsAreLeft) {
  EXPECT_EQ(*ConnectionsWithin(4096, INT64_MAX), 4096);
  EXPECT_EQ(*ConnectionsWithin(4096, 1024), 768);
  EXPECT_EQ(*ConnectionsWithin(4, 272), 4);
  EXPECT_EQ(*ConnectionsWithin(4096, 272), 16);
}

TEST(ProcessLimits, TooFewDescriptorsAreNamedWithWhatIsNeeded) {
  const absl::StatusOr<int> connections = ConnectionsWithin(4, 271);
  EXPECT_EQ(connections.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReasonOf(connections.status()), "LIMIT_TOO_LOW");
  EXPECT_THAT(std::string(connections.status().message()),
              testing::HasSubstr("RLIMIT_NOFILE, ulimit -n) is 271"));
}

constexpr int64_t kMib = 1 << 20;

TEST(ProcessLimits, AddressSpaceCountsOnlyWhereItIsLimitedAndNearlyUsedUp) {
  HeldMemory memory = {.resident_bytes = 100 * kMib, .virtual_bytes = 1000 * kMib, .mark_bytes = 400 * kMib};
  EXPECT_EQ(HeldBytes(memory), 100 * kMib);
  memory.address_space_bytes = 1256 * kMib;
  EXPECT_EQ(HeldBytes(memory), 100 * kMib);
  memory.virtual_bytes = 1010 * kMib;
  EXPECT_EQ(HeldBytes(memory), 410 * kMib);
  memory.mark_bytes = INT64_MAX;  // memory itself is not limited
  EXPECT_EQ(HeldBytes(memory), INT64_MAX);
}

// In a process of its own, whose limit is lowered.
absl::Status CheckedUnder(rlim_t address_space_bytes) {
  int ends[2];
  EXPECT_EQ(pipe(ends), 0);
  const pid_t child = fork();
  if (child == 0) {
    const rlimit limit = {.rlim_cur = address_space_bytes, .rlim_max = address_space_bytes};
    if (setrlimit(RLIMIT_AS, &limit) != 0) _exit(1);
    const std::string message(CheckThreadsAndMemory(2).message());
    _exit(write(ends[1], message.data(), message.size()) == static_cast<ssize_t>(message.size()) ? 0 : 1);
  }
  close(ends[1]);
  std::string told(4096, '\0');
  const ssize_t size = read(ends[0], told.data(), told.size());
  close(ends[0]);
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  told.resize(size < 0 ? 0 : static_cast<size_t>(size));
  return told.empty() ? absl::OkStatus() : absl::FailedPreconditionError(told);
}

TEST(ProcessLimits, AnAddressSpaceThatCannotSufficeIsNamed) {
  EXPECT_THAT(std::string(CheckedUnder(500 * kMib).message()),
              testing::HasSubstr("RLIMIT_AS (ulimit -v) is 500 MiB"));
  EXPECT_EQ(CheckedUnder(int64_t{16} << 30), absl::OkStatus());
}

}  // namespace
}  // namespace sluice
