// BatchChanges: who wants to be told when a batch changes.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "core/base/mutex.h"

namespace sluice {

enum class BatchChange {
  kProgress,  // new outcomes, a plan or another state
  kEnded,     // terminal
  kClosed,    // of whichever batch: the server drains
};

// Thread-safe. Must outlive its watches.
class BatchChanges {
 public:
  using Callback = std::function<void(BatchChange)>;

  // Destroying it ends the watch; a callback that is under way may still end after that.
  class Watch {
   public:
    Watch(BatchChanges& changes, std::string batch_id, Callback changed);
    ~Watch();
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;

   private:
    BatchChanges& changes_;
    std::multimap<std::string, std::shared_ptr<const Callback>>::iterator place_;
  };

  // Call `changed` of every watch of the batch, on this thread: it must not block.
  void OnOutcomes(const std::string& batch_id) { Tell(batch_id, BatchChange::kProgress); }
  void OnBatchEnded(const std::string& batch_id) { Tell(batch_id, BatchChange::kEnded); }

  // For a drain: closed() from here on, and every watch is told.
  void Close();
  bool closed() const { return closed_.load(); }

 private:
  void Tell(const std::string& batch_id, BatchChange change);

  std::atomic<bool> closed_ = false;
  Mutex mutex_;
  std::multimap<std::string, std::shared_ptr<const Callback>> watches_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace sluice
