#include "core/base/cancellation.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

TEST(Cancellation, DefaultTokenIsNeverCancelled) {
  EXPECT_FALSE(CancellationToken().cancelled());
}

// Every token of a source sees the cancellation, also ones taken before it and ones that outlive the source.
TEST(Cancellation, TokensSeeTheirSource) {
  CancellationToken before;
  CancellationToken after;
  {
    CancellationSource source;
    before = source.token();
    EXPECT_FALSE(before.cancelled());
    source.Cancel();
    source.Cancel();
    after = source.token();
  }
  EXPECT_TRUE(before.cancelled());
  EXPECT_TRUE(after.cancelled());
}

}  // namespace
}  // namespace sluice
