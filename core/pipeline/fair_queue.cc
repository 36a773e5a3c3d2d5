#include "core/pipeline/fair_queue.h"

#include <utility>

namespace sluice {
namespace {

// Batches that may come again and are remembered by what they took.
constexpr size_t kMostShares = 256;

}  // namespace

void FairQueue::Add(const std::string& batch_id, SharedWork work) {
  Share& share = shares_[batch_id];
  share.pieces.push_back({++added_, std::move(work)});
  share.last_use = added_;
  ++waiting_;
  ForgetIdle();
}

FairQueue::Turn FairQueue::Take() {
  const bool longest_waiting = ++turns_ % 2 == 0;
  const auto key = [longest_waiting](const Share& share) {
    const int64_t number = share.pieces.front().number;
    return std::pair(longest_waiting ? 0 : share.served, number);
  };
  auto next = shares_.end();
  for (auto share = shares_.begin(); share != shares_.end(); ++share) {
    if (share->second.pieces.empty()) continue;
    if (next == shares_.end() || key(share->second) < key(next->second)) next = share;
  }
  Turn turn{next->first, std::move(next->second.pieces.front().work)};
  next->second.pieces.pop_front();
  --waiting_;
  return turn;
}

void FairQueue::Charge(const std::string& batch_id, int64_t steps) {
  const auto share = shares_.find(batch_id);
  if (share != shares_.end()) share->second.served += steps;
}

void FairQueue::ForgetIdle() {
  if (shares_.size() <= kMostShares) return;
  auto oldest = shares_.end();
  for (auto share = shares_.begin(); share != shares_.end(); ++share) {
    if (!share->second.pieces.empty()) continue;
    if (oldest == shares_.end() || share->second.last_use < oldest->second.last_use) oldest = share;
  }
  if (oldest != shares_.end()) shares_.erase(oldest);
}

}  // namespace sluice
