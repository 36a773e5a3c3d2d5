#include "core/base/status_macros.h"

#include <gtest/gtest.h>

#include <memory>

namespace sluice {
namespace {

absl::StatusOr<std::unique_ptr<int>> MakeInt(bool fail) {
  if (fail) return absl::NotFoundError("no int");
  return std::make_unique<int>(7);
}

absl::StatusOr<int> Twice(bool fail) {
  SLUICE_ASSIGN_OR_RETURN(std::unique_ptr<int> first, MakeInt(false));
  SLUICE_ASSIGN_OR_RETURN(const std::unique_ptr<int> second, MakeInt(fail));
  return *first + *second;
}

absl::Status Check(absl::Status status, bool& reached) {
  SLUICE_RETURN_IF_ERROR(status);
  reached = true;
  return absl::OkStatus();
}

TEST(StatusMacros, AssignMovesTheValueOrReturnsTheStatus) {
  EXPECT_EQ(Twice(false).value(), 14);
  EXPECT_EQ(Twice(true).status(), absl::NotFoundError("no int"));
}

TEST(StatusMacros, ReturnIfErrorGoesOnAfterOk) {
  bool reached = false;
  EXPECT_TRUE(Check(absl::OkStatus(), reached).ok());
  EXPECT_TRUE(reached);
  reached = false;
  EXPECT_EQ(Check(absl::AbortedError("x"), reached), absl::AbortedError("x"));
  EXPECT_FALSE(reached);
}

}  // namespace
}  // namespace sluice
