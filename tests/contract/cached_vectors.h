// Vectors for the tests of embedding caches, by name, and calls that wait for their answers.
#pragma once

#include <atomic>
#include <cstring>
#include <thread>
#include <utility>

#include "core/base/notification.h"
#include "core/store/cache.h"

namespace sluice {

inline EmbeddingKey KeyOf(int64_t name) {
  EmbeddingKey key = {};
  std::memcpy(key.data(), &name, sizeof(name));
  key[31] = static_cast<char>(name % 7);
  return key;
}

// A vector that tells which key it belongs to.
inline std::vector<float> VectorOf(int64_t name, size_t dimensions = 384) {
  std::vector<float> vector(dimensions);
  for (size_t i = 0; i < dimensions; ++i) vector[i] = static_cast<float>(name) + 0.5F * static_cast<float>(i);
  return vector;
}

inline FoundEmbeddings AwaitGet(EmbeddingCache& cache, std::vector<EmbeddingKey> keys) {
  Notification ready;
  FoundEmbeddings answer;
  cache.Get(std::move(keys), [&](FoundEmbeddings found) {
    answer = std::move(found);
    ready.Notify();
  });
  ready.Wait();
  return answer;
}

inline std::optional<std::vector<float>> AwaitGet(EmbeddingCache& cache, int64_t name) {
  return AwaitGet(cache, std::vector<EmbeddingKey>{KeyOf(name)})[0];
}

// Tries until it is not dropped.
inline void PutSurely(EmbeddingCache& cache, int64_t name, size_t dimensions = 384) {
  while (!cache.MayHold(KeyOf(name))) {
    cache.Put(KeyOf(name), VectorOf(name, dimensions));
    std::this_thread::yield();
  }
}

// Thread-safe.
class CountingCacheObserver final : public EmbeddingCacheObserver {
 public:
  void OnSize(int64_t bytes) override {
    bytes_ = bytes;
    if (bytes > most_bytes_) most_bytes_ = bytes;
  }
  void OnEvicted(int64_t vectors) override { evicted_ += vectors; }
  void OnDropped(int64_t vectors) override { dropped_ += vectors; }

  int64_t bytes() const { return bytes_; }
  int64_t most_bytes() const { return most_bytes_; }
  int64_t evicted() const { return evicted_; }
  int64_t dropped() const { return dropped_; }

 private:
  std::atomic<int64_t> bytes_ = 0;
  std::atomic<int64_t> most_bytes_ = 0;
  std::atomic<int64_t> evicted_ = 0;
  std::atomic<int64_t> dropped_ = 0;
};

}  // namespace sluice
