#include "client/cpp/command/verdict_tally.h"

#include "absl/strings/str_cat.h"

namespace sluice {
namespace {

constexpr size_t kMaxFailuresTold = 10;

}  // namespace

void VerdictTally::Add(const v1::JobResult& result) {
  switch (result.verdict().decision()) {
    case v1::Verdict::ACCEPT:
      ++accepted;
      break;
    case v1::Verdict::REVIEW:
      ++to_review;
      break;
    case v1::Verdict::REJECT:
      ++rejected;
      break;
    default:
      break;
  }
  if (result.outcome() == v1::JobResult::FAILED && failures.size() < kMaxFailuresTold) {
    failures.push_back(absl::StrCat(result.id(), ": ", result.error().message()));
  }
}

}  // namespace sluice
