// How many connections fit into what the system lets a process have.
#include "server/process_limits.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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

}  // namespace
}  // namespace sluice
