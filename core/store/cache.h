// EmbeddingCache: vectors that were computed before, by the digest of all that they were computed from.
//
// A cache is a convenience. Whatever goes wrong in it, a read finds nothing or a write is lost; it counts
// that and logs the first time. It holds digests and vectors and no text; but a vector is made from a text
// and tells of it, so it is personal data like the text.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/types/span.h"

namespace sluice {

// SHA-256 of everything that a vector depends on. Equal keys, equal vectors.
using EmbeddingKey = std::array<char, 32>;

// A file of fewer bytes would be full of what is not vectors.
inline constexpr int64_t kLeastEmbeddingCacheBytes = 16 << 20;

// In the order of the keys asked for; nothing for those that are not there.
using FoundEmbeddings = std::vector<std::optional<std::vector<float>>>;

// Called for the metrics, outside the cache's locks. Thread-safe; must not block or call the cache.
class EmbeddingCacheObserver {
 public:
  virtual ~EmbeddingCacheObserver() = default;
  virtual void OnSize(int64_t /*bytes*/) {}       // what the cache holds from now on
  virtual void OnEvicted(int64_t /*vectors*/) {}  // they made room for newer ones, or grew too old
  virtual void OnDropped(int64_t /*vectors*/) {}  // they came faster than they are written, or could not be
};

// Thread-safe; no method blocks. Bounded in bytes: what was not used for long goes first, approximately.
class EmbeddingCache {
 public:
  // Answers every Get. No call may come any more.
  virtual ~EmbeddingCache() = default;

  // From memory. False: the vector is not there, or more reads wait than are worth waiting for.
  virtual bool MayHold(const EmbeddingKey& key) const = 0;

  // `done` is called exactly once, on the cache's own thread, never inline; it must not block. A vector comes
  // back bit for bit as it was put. How many keys wait is bounded by asking MayHold first.
  virtual void Get(std::vector<EmbeddingKey> keys, absl::AnyInvocable<void(FoundEmbeddings) &&> done) = 0;

  // Every MayHold and Get from now on sees the vector, unless it was dropped. A key that is there already
  // keeps its vector.
  virtual void Put(const EmbeddingKey& key, absl::Span<const float> vector) = 0;
};

}  // namespace sluice
