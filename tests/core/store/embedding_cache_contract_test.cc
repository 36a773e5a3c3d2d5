#include "tests/contract/embedding_cache_contract.h"

#include "core/base/thread_pool.h"
#include "core/store/sqlite/sqlite_embedding_cache.h"
#include "tests/contract/scratch_directory.h"
#include "tests/fakes/in_memory_embedding_cache.h"
#include "tests/fakes/simulated_clock.h"

namespace sluice {
namespace {

// Each cache with what it stands on.
class FileCache final : public EmbeddingCache {
 public:
  FileCache(int64_t max_bytes, EmbeddingCacheObserver* observer)
      : cache_(
            OpenSqliteEmbeddingCache(
                {.path = directory_.File("cache.db"), .max_bytes = max_bytes, .observer = observer}, clock_)
                .value()) {}

  bool MayHold(const EmbeddingKey& key) const override { return cache_->MayHold(key); }
  void Get(std::vector<EmbeddingKey> keys, absl::AnyInvocable<void(FoundEmbeddings) &&> done) override {
    cache_->Get(std::move(keys), std::move(done));
  }
  void Put(const EmbeddingKey& key, absl::Span<const float> vector) override { cache_->Put(key, vector); }

 private:
  ScratchDirectory directory_;
  SimulatedClock clock_;
  std::unique_ptr<EmbeddingCache> cache_;
};

class ThreadedMemoryCache final : public EmbeddingCache {
 public:
  ThreadedMemoryCache(int64_t max_bytes, EmbeddingCacheObserver* observer)
      : cache_({.max_bytes = max_bytes, .observer = observer}, *pool_) {}
  ~ThreadedMemoryCache() override { pool_.reset(); }

  bool MayHold(const EmbeddingKey& key) const override { return cache_.MayHold(key); }
  void Get(std::vector<EmbeddingKey> keys, absl::AnyInvocable<void(FoundEmbeddings) &&> done) override {
    cache_.Get(std::move(keys), std::move(done));
  }
  void Put(const EmbeddingKey& key, absl::Span<const float> vector) override { cache_.Put(key, vector); }

 private:
  std::unique_ptr<ThreadPool> pool_ = ThreadPool::Create({.name = "cache"}).value();
  InMemoryEmbeddingCache cache_;
};

template <typename Cache>
std::unique_ptr<EmbeddingCache> Make(int64_t max_bytes, EmbeddingCacheObserver* observer) {
  return std::make_unique<Cache>(max_bytes, observer);
}

INSTANTIATE_TEST_SUITE_P(Sqlite, EmbeddingCacheContract,
                         testing::Values(CacheFactory{"Sqlite", Make<FileCache>}));
INSTANTIATE_TEST_SUITE_P(InMemory, EmbeddingCacheContract,
                         testing::Values(CacheFactory{"InMemory", Make<ThreadedMemoryCache>}));

}  // namespace
}  // namespace sluice
