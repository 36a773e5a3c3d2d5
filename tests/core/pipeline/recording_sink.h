// RecordingSink: a LeaseSink that says how each lease ended.
#pragma once

#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "core/pipeline/lease.h"
#include "gtest/gtest.h"

namespace sluice {

// Single-threaded.
class RecordingSink final : public LeaseSink {
 public:
  void Finish(const LeasePtr& lease, Step step) override {
    End(lease, "finished");
    outcome_ = std::get<NewOutcome>(std::move(step));
  }
  void GiveBack(const LeasePtr& lease) override { End(lease, "given back"); }
  void GiveUp(const LeasePtr& lease) override { End(lease, "given up"); }
  void Drop(const LeasePtr& lease) override { End(lease, "dropped"); }
  void Submitted(const LeasePtr&, int64_t) override {}

  // One word a lease, in order.
  const std::vector<std::string>& ends() const { return ends_; }
  // Of the last one that was finished, which ended by one.
  const NewOutcome& outcome() const { return outcome_; }

 private:
  void End(const LeasePtr& lease, std::string how) {
    EXPECT_FALSE(lease->ended) << how << ", and had ended before";
    lease->ended = true;
    ends_.push_back(std::move(how));
  }

  std::vector<std::string> ends_;
  NewOutcome outcome_;
};

}  // namespace sluice
