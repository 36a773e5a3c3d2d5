// EmbeddingTable: the file of the embedding cache, cache.db.
//
// Vectors stand in slots of rising numbers, so that both tables grow at one end and are emptied at the other;
// which slot holds which key is for the cache to remember. A vector is float32, little-endian, and is
// followed by a sum over its key and bytes.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "core/store/cache.h"
#include "core/store/sqlite/connection.h"

namespace sluice {

// Not thread-safe: one thread owns it. Every call blocks for the file.
class EmbeddingTable {
 public:
  // What the write-ahead log beside the file may take.
  static constexpr int64_t kLogBytes = 8 << 20;

  struct Entry {
    int64_t slot = 0;
    EmbeddingKey key;
  };

  // Opens the file or makes it. Nothing in it is irreplaceable: a damaged one, or one of another release, is
  // deleted and made anew; one that is not a cache of Sluice's is renamed to PATH.set-aside. Either is
  // logged. UNAVAILABLE when it cannot be made.
  static absl::StatusOr<std::unique_ptr<EmbeddingTable>> Open(const std::string& path);
  // Deletes the file and makes it anew.
  static absl::StatusOr<std::unique_ptr<EmbeddingTable>> Remake(const std::string& path);

  absl::StatusOr<std::vector<Entry>> All();
  absl::StatusOr<std::vector<Entry>> Oldest(size_t limit);
  absl::StatusOr<std::vector<Entry>> MadeBefore(absl::Time time, size_t limit);

  // Nothing when the slot is empty, or holds another key's vector or a torn one.
  absl::StatusOr<std::optional<std::vector<float>>> Read(const Entry& entry);

  // Between Begin and Commit or Rollback.
  absl::Status Insert(const Entry& entry, absl::Span<const float> vector, absl::Time made);
  absl::Status Move(int64_t from_slot, int64_t to_slot);
  absl::Status Delete(int64_t slot);

  absl::Status Begin() { return connection_->Run("BEGIN IMMEDIATE"); }
  absl::Status Commit() { return connection_->Commit(); }
  void Rollback();

  // Of the file, without what was freed in it and is used again.
  absl::StatusOr<int64_t> UsedBytes();
  // Gives what was freed back to the file system.
  absl::Status Shrink() {
    return connection_->Script("PRAGMA incremental_vacuum; PRAGMA wal_checkpoint(TRUNCATE)");
  }

  // The file cannot be trusted any more: Remake it, if it is still at its path.
  bool failed() const { return connection_->failed(); }
  bool in_place() { return connection_->CheckPlace().ok(); }

 private:
  explicit EmbeddingTable(std::unique_ptr<Connection> connection) : connection_(std::move(connection)) {}
  static absl::StatusOr<std::unique_ptr<EmbeddingTable>> TryOpen(const std::string& path);
  absl::StatusOr<std::vector<Entry>> Entries(Query query);

  const std::unique_ptr<Connection> connection_;
};

}  // namespace sluice
