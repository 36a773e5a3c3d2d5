// FairQueue: whose turn it is among batches that want the workers. Pure.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>

#include "absl/functional/any_invocable.h"

namespace sluice {

// A piece of a batch's work. Answers what it took, in steps (core/screening/work_budget.h), as near as it
// knows. Short, for nothing takes a worker from it: what may be long adds the rest of itself again.
using SharedWork = absl::AnyInvocable<int64_t() &&>;

// The batch that was served least goes first, so that a small one never waits for a large or a dear one. So
// that no stream of new ones keeps an old one waiting for ever, every second turn is whosever work has waited
// longest. A batch's pieces keep their order. Not thread-safe.
class FairQueue {
 public:
  struct Turn {
    std::string batch_id;
    SharedWork work;
  };

  void Add(const std::string& batch_id, SharedWork work);
  // There must be one.
  Turn Take();
  // `batch_id` was served so many steps.
  void Charge(const std::string& batch_id, int64_t steps);

  bool empty() const { return waiting_ == 0; }
  int64_t size() const { return waiting_; }

 private:
  struct Piece {
    int64_t number = 0;  // in the order of Add
    SharedWork work;
  };
  struct Share {
    std::deque<Piece> pieces;
    int64_t served = 0;
    int64_t last_use = 0;
  };

  void ForgetIdle();

  std::map<std::string, Share> shares_;
  int64_t added_ = 0;
  int64_t turns_ = 0;
  int64_t waiting_ = 0;
};

}  // namespace sluice
