// BatchCache: what a stage needs of a batch (its compiled profile, its options), made once and kept while it
// is used.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"

namespace sluice {

// Least recently used goes first. A batch asked for while it is being made is made once. Failures are
// answered to whoever waits and not kept. Loop thread only.
template <typename Value>
class BatchCache {
 public:
  using Answer = absl::StatusOr<std::shared_ptr<const Value>>;
  using Done = absl::AnyInvocable<void(Answer) &&>;
  using Make = std::function<void(const std::string& batch_id, Done made)>;

  BatchCache(int max_batches, Make make) : max_batches_(max_batches), make_(std::move(make)) {}

  // `done` runs inline when the batch is there, else later, on the loop's thread.
  void Get(const std::string& batch_id, Done done) {
    Entry& entry = entries_[batch_id];
    entry.last_use = ++uses_;
    if (entry.value != nullptr) {
      std::move(done)(entry.value);
      return;
    }
    entry.waiting.push_back(std::move(done));
    if (entry.waiting.size() > 1) return;
    make_(batch_id, [this, batch_id](Answer answer) { OnMade(batch_id, std::move(answer)); });
  }

  int size() const { return static_cast<int>(entries_.size()); }

 private:
  struct Entry {
    std::shared_ptr<const Value> value;  // null while it is made
    std::vector<Done> waiting;
    int64_t last_use = 0;
  };

  void OnMade(const std::string& batch_id, Answer answer) {
    auto found = entries_.find(batch_id);
    std::vector<Done> waiting = std::move(found->second.waiting);
    found->second.waiting.clear();
    if (answer.ok()) {
      found->second.value = *answer;
      EvictOver(max_batches_);
    } else {
      entries_.erase(found);
    }
    for (Done& done : waiting) std::move(done)(answer);
  }

  void EvictOver(int max_batches) {
    while (size() > max_batches) {
      auto oldest = entries_.end();
      for (auto entry = entries_.begin(); entry != entries_.end(); ++entry) {
        if (entry->second.value == nullptr) continue;
        if (oldest == entries_.end() || entry->second.last_use < oldest->second.last_use) oldest = entry;
      }
      if (oldest == entries_.end()) return;
      entries_.erase(oldest);
    }
  }

  const int max_batches_;
  Make make_;
  std::map<std::string, Entry> entries_;
  int64_t uses_ = 0;
};

}  // namespace sluice
