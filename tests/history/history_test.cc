#include "tests/history/history.h"

#include <sstream>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sluice::history {
namespace {

using testing::HasSubstr;

// One of each, every member apart from its default.
History All() {
  return {Limits{4, 7},
          Acknowledged{"b", "t", "screen", 3, "r", "d"},
          Cancelled{"b"},
          DeleteAsked{"b"},
          DeleteRefused{"b"},
          Deleted{"b"},
          Missing{"b"},
          BatchSeen{"b", true, 10, 1, 2, 3, 4, 10, "plan \"with\" quotes\nand lines"},
          OutcomeSeen{"b", 1, 2, "FAILED", 3, "BAD_TEXT", "result"},
          SessionOpened{1, 2},
          SessionRenewed{1, 2, 3},
          SessionClosed{1},
          Claimed{"b", 6, "screen_plan", 1, 2, 3, 4},
          Returned{"b", 1, 2},
          Recorded{"b", 1, 2, "SUCCEEDED"},
          Stepped{"b", 1, 2, "advance"},
          PlanCommitted{"b", "plan"},
          Survivors{"b", {1, 2, 3}},
          Places{"b", 6, 1, 2, 3},
          Restarted{true, 1, 2, 3},
          Settled{}};
}

// What is read back is written the same again: no event and no member is lost on the way.
TEST(History, ReadsWhatItWrote) {
  ASSERT_EQ(All().size(), std::variant_size_v<Event>);
  std::stringstream file;
  Write(All(), file);
  const std::string written = file.str();
  const absl::StatusOr<History> read = Read(file);
  ASSERT_TRUE(read.ok()) << read.status();
  std::ostringstream again;
  Write(*read, again);
  EXPECT_EQ(again.str(), written);
  for (size_t i = 0; i < read->size(); ++i) EXPECT_EQ((*read)[i].index(), i);
}

TEST(History, LineIsWhatItsHeaderShows) {
  EXPECT_EQ(
      ToLine(OutcomeSeen{"b", 1, 2, "SUCCEEDED", 1, "", "0.5"}),
      R"({"event":"outcome","batch":"b","sequence":1,"job":2,"kind":"SUCCEEDED","attempt":1,"reason":"",)"
      R"("result":"0.5"})");
}

// A killed writer leaves half a line; what stands before it counts.
TEST(History, LastLineMayBeCut) {
  std::istringstream file("{\"event\":\"cancelled\",\"batch\":\"b\"}\n{\"event\":\"settl");
  const absl::StatusOr<History> read = Read(file);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->size(), 1u);
}

TEST(History, BrokenLineIsRefusedByItsNumber) {
  for (const std::string broken : {"not json", "{}", R"({"event":"unheard_of"})", R"({"event":"cancelled"})",
                                   R"({"event":"cancelled","batch":7})", "[]"}) {
    std::istringstream file("{\"event\":\"settled\"}\n" + broken + "\n");
    const absl::Status status = Read(file).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << broken;
    EXPECT_THAT(std::string(status.message()), HasSubstr("line 2: ")) << broken;
  }
}

}  // namespace
}  // namespace sluice::history
