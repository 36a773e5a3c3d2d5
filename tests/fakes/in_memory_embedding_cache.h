// InMemoryEmbeddingCache: an EmbeddingCache without a file, least recently used first. It passes the contract
// suite of tests/contract/embedding_cache_contract.h as the real one does.
#pragma once

#include <cstdlib>
#include <list>
#include <map>
#include <utility>

#include "core/base/executor.h"
#include "core/base/mutex.h"
#include "core/store/cache.h"

namespace sluice {

// Thread-safe. Reads are answered by `executor`, which must not refuse them.
class InMemoryEmbeddingCache final : public EmbeddingCache {
 public:
  struct Options {
    int64_t max_bytes = 1 << 20;  // of vectors
    EmbeddingCacheObserver* observer = nullptr;
  };

  InMemoryEmbeddingCache(Options options, Executor& executor) : options_(options), executor_(executor) {}

  bool MayHold(const EmbeddingKey& key) const override {
    MutexLock lock(mutex_);
    return places_.count(key) > 0;
  }

  void Get(std::vector<EmbeddingKey> keys, absl::AnyInvocable<void(FoundEmbeddings) &&> done) override {
    const bool taken =
        executor_.TrySchedule([this, keys = std::move(keys), done = std::move(done)]() mutable {
          FoundEmbeddings found;
          for (const EmbeddingKey& key : keys) found.push_back(Find(key));
          std::move(done)(std::move(found));
        });
    if (!taken) std::abort();
  }

  void Put(const EmbeddingKey& key, absl::Span<const float> vector) override {
    int64_t bytes = 0;
    int64_t evicted = 0;
    {
      MutexLock lock(mutex_);
      if (places_.count(key) > 0) return;
      newest_first_.push_front({key, {vector.begin(), vector.end()}});
      places_[key] = newest_first_.begin();
      bytes_ += BytesOf(newest_first_.front());
      for (; bytes_ > options_.max_bytes; ++evicted) EvictOldest();
      bytes = bytes_;
    }
    if (options_.observer == nullptr) return;
    options_.observer->OnSize(bytes);
    if (evicted > 0) options_.observer->OnEvicted(evicted);
  }

  // Reads find nothing any more, as when a real cache loses vectors between MayHold and Get.
  void ForgetAll() {
    MutexLock lock(mutex_);
    forgets_ = true;
  }
  size_t size() const {
    MutexLock lock(mutex_);
    return places_.size();
  }

 private:
  struct Vector {
    EmbeddingKey key;
    std::vector<float> vector;
  };

  static int64_t BytesOf(const Vector& vector) {
    return static_cast<int64_t>(vector.vector.size() * sizeof(float));
  }

  std::optional<std::vector<float>> Find(const EmbeddingKey& key) {
    MutexLock lock(mutex_);
    const auto place = places_.find(key);
    if (place == places_.end() || forgets_) return std::nullopt;
    newest_first_.splice(newest_first_.begin(), newest_first_, place->second);
    return place->second->vector;
  }

  void EvictOldest() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    bytes_ -= BytesOf(newest_first_.back());
    places_.erase(newest_first_.back().key);
    newest_first_.pop_back();
  }

  const Options options_;
  Executor& executor_;
  mutable Mutex mutex_;
  std::list<Vector> newest_first_ ABSL_GUARDED_BY(mutex_);
  std::map<EmbeddingKey, std::list<Vector>::iterator> places_ ABSL_GUARDED_BY(mutex_);
  bool forgets_ ABSL_GUARDED_BY(mutex_) = false;
  int64_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace sluice
