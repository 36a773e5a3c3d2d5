#include "server/batch_changes.h"

#include <utility>
#include <vector>

namespace sluice {

BatchChanges::Watch::Watch(BatchChanges& changes, std::string batch_id, Callback changed)
    : changes_(changes) {
  MutexLock lock(changes_.mutex_);
  place_ =
      changes_.watches_.emplace(std::move(batch_id), std::make_shared<const Callback>(std::move(changed)));
}

BatchChanges::Watch::~Watch() {
  std::shared_ptr<const Callback> ended;  // may own what must not be destroyed under the lock
  MutexLock lock(changes_.mutex_);
  ended = place_->second;
  changes_.watches_.erase(place_);
}

void BatchChanges::Tell(const std::string& batch_id, BatchChange change) {
  std::vector<std::shared_ptr<const Callback>> told;
  {
    MutexLock lock(mutex_);
    const auto [begin, end] = watches_.equal_range(batch_id);
    for (auto it = begin; it != end; ++it) told.push_back(it->second);
  }
  for (const auto& changed : told) (*changed)(change);
}

void BatchChanges::Close() {
  closed_.store(true);
  std::vector<std::shared_ptr<const Callback>> told;
  {
    MutexLock lock(mutex_);
    for (const auto& [batch_id, changed] : watches_) told.push_back(changed);
  }
  for (const auto& changed : told) (*changed)(BatchChange::kClosed);
}

}  // namespace sluice
