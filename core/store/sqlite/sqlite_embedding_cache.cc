#include "core/store/sqlite/sqlite_embedding_cache.h"

#include <algorithm>
#include <deque>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "core/base/error_details.h"
#include "core/base/log.h"
#include "core/base/mutex.h"
#include "core/base/status_macros.h"
#include "core/base/thread.h"
#include "core/store/sqlite/embedding_table.h"
#include "core/store/sqlite/file_place.h"

namespace sluice {
namespace {

constexpr size_t kVectorsPerCommit = 64;
constexpr size_t kEvictedAtOnce = 64;
constexpr size_t kMostEvicted = 1024;  // in a transaction, for the sake of the log's size
// A commit costs the same for one vector as for many. What waits for one is read from memory meanwhile.
constexpr absl::Duration kLinger = absl::Milliseconds(50);
constexpr absl::Duration kLookAtAgeEvery = absl::Hours(1);
constexpr absl::Duration kIdleTurn = absl::Minutes(1);

class SqliteEmbeddingCache final : public EmbeddingCache {
 public:
  SqliteEmbeddingCache(SqliteEmbeddingCacheOptions options, FilePlace directory,
                       std::unique_ptr<EmbeddingTable> table, const Clock& clock)
      : options_(std::move(options)),
        directory_(std::move(directory)),
        clock_(clock),
        table_(std::move(table)) {
    thread_ = Thread("cache", [this] { Run(); });
  }

  ~SqliteEmbeddingCache() override {
    {
      MutexLock lock(mutex_);
      closed_ = true;
      changed_.NotifyAll();
    }
    thread_.Join();
  }

  bool MayHold(const EmbeddingKey& key) const override {
    MutexLock lock(mutex_);
    if (waiting_reads_ >= static_cast<size_t>(options_.max_waiting_reads)) return false;
    return places_.contains(key) || unwritten_.contains(key);
  }

  void Get(std::vector<EmbeddingKey> keys, absl::AnyInvocable<void(FoundEmbeddings) &&> done) override {
    MutexLock lock(mutex_);
    waiting_reads_ += keys.size();
    reads_.push_back({std::move(keys), std::move(done)});
    changed_.NotifyAll();
  }

  void Put(const EmbeddingKey& key, absl::Span<const float> vector) override {
    auto kept = std::make_shared<const std::vector<float>>(vector.begin(), vector.end());
    {
      MutexLock lock(mutex_);
      if (places_.contains(key) || unwritten_.contains(key)) return;
      if (!broken_ && unwritten_.size() < static_cast<size_t>(options_.max_waiting_writes)) {
        unwritten_.emplace(key, std::move(kept));
        to_write_.push_back(key);
        if (to_write_.size() == 1 || to_write_.size() == kVectorsPerCommit) changed_.NotifyAll();
        return;
      }
    }
    if (options_.observer != nullptr) options_.observer->OnDropped(1);
  }

 private:
  using Entry = EmbeddingTable::Entry;
  using Vector = std::shared_ptr<const std::vector<float>>;

  struct Place {
    int64_t slot = 0;
    bool used = false;  // since it was put there
  };
  struct Read {
    std::vector<EmbeddingKey> keys;
    absl::AnyInvocable<void(FoundEmbeddings) &&> done;
  };
  struct Write {
    Entry entry;
    Vector vector;
  };
  // What one transaction does to the file, and then to `places_`.
  struct Changes {
    std::vector<Write> written;
    std::vector<std::pair<Entry, int64_t>> moved;  // to the slot
    std::vector<Entry> evicted;
  };

  void Run() {
    Note(Load());
    while (AwaitTurn()) {
      const bool read = AnswerReads();
      Note(WriteWaiting(/*all=*/!read));
      Note(EvictOld());
    }
  }

  bool AwaitTurn() {
    MutexLock lock(mutex_);
    if (more_old_ && !closed_) return true;
    if (reads_.empty() && to_write_.empty() && !closed_) changed_.WaitFor(mutex_, kIdleTurn);
    if (reads_.empty() && to_write_.size() < kVectorsPerCommit && !closed_) changed_.WaitFor(mutex_, kLinger);
    return !reads_.empty() || !to_write_.empty() || !closed_;
  }

  // Whatever failed, the cache goes on: with an empty file, if it can no longer trust this one.
  void Note(const absl::Status& status) {
    if (status.ok() || table_ == nullptr) return;
    if (!table_->failed()) {
      if (!std::exchange(failed_before_, true)) {
        Log(LogLevel::kWarning, options_.path, ": some vectors are not cached: ", status.message());
      }
      return;
    }
    // What has taken the file's place, or that of its directory, is somebody else's.
    std::error_code absent;
    const bool ours =
        directory_.Check().ok() && (table_->in_place() || !std::filesystem::exists(options_.path, absent));
    table_.reset();
    if (ours && !std::exchange(remade_, true)) {
      Log(LogLevel::kWarning, options_.path, " is made anew: it cannot be used any more");
      if (auto table = EmbeddingTable::Remake(options_.path); table.ok()) table_ = *std::move(table);
    }
    if (table_ == nullptr)
      Log(LogLevel::kError, options_.path, " failed: nothing is cached until the next start");
    MutexLock lock(mutex_);
    places_.clear();
    broken_ = table_ == nullptr;
  }

  absl::Status Load() {
    SLUICE_ASSIGN_OR_RETURN(const std::vector<Entry> entries, table_->All());
    {
      MutexLock lock(mutex_);
      places_.reserve(entries.size());
      for (const Entry& entry : entries) places_[entry.key] = {entry.slot};
    }
    if (!entries.empty()) next_slot_ = entries.back().slot + 1;
    return Fit();
  }

  // The bound may be smaller than it was.
  absl::Status Fit() {
    size_t evicted = 0;
    while (true) {
      Changes changes;
      SLUICE_RETURN_IF_ERROR(Transact(changes));
      if (changes.evicted.empty()) return evicted > 0 ? table_->Shrink() : absl::OkStatus();
      evicted += changes.evicted.size();
    }
  }

  bool AnswerReads() {
    std::deque<Read> reads;
    {
      MutexLock lock(mutex_);
      reads.swap(reads_);
    }
    for (Read& read : reads) {
      FoundEmbeddings found;
      for (const EmbeddingKey& key : read.keys) found.push_back(Find(key));
      {
        MutexLock lock(mutex_);
        waiting_reads_ -= read.keys.size();
      }
      std::move(read.done)(std::move(found));
    }
    return !reads.empty();
  }

  std::optional<std::vector<float>> Find(const EmbeddingKey& key) {
    Entry entry{.slot = 0, .key = key};
    {
      MutexLock lock(mutex_);
      if (const auto waiting = unwritten_.find(key); waiting != unwritten_.end()) return *waiting->second;
      const auto place = places_.find(key);
      if (place == places_.end()) return std::nullopt;
      place->second.used = true;
      entry.slot = place->second.slot;
    }
    auto vector = table_->Read(entry);
    Note(vector.status());
    if (vector.ok() && vector->has_value()) return *std::move(vector);
    MutexLock lock(mutex_);
    places_.erase(key);  // to be written again; the slot goes when its turn comes
    return std::nullopt;
  }

  absl::Status WriteWaiting(bool all) {
    Changes changes;
    {
      MutexLock lock(mutex_);
      if (to_write_.empty() || (!all && to_write_.size() < kVectorsPerCommit)) return absl::OkStatus();
      const size_t count = std::min(to_write_.size(), kVectorsPerCommit);
      for (size_t i = 0; i < count; ++i) {
        const auto waiting = unwritten_.find(to_write_[i]);
        if (places_.contains(to_write_[i])) {  // it was put while the file's keys were still being read
          unwritten_.erase(waiting);
        } else {
          changes.written.push_back({{next_slot_++, waiting->first}, waiting->second});
        }
      }
      to_write_.erase(to_write_.begin(), to_write_.begin() + static_cast<ptrdiff_t>(count));
    }
    return Transact(changes);
  }

  absl::Status EvictOld() {
    more_old_ = false;
    if (table_ == nullptr || clock_.MonotonicNow() < look_at_age_) return absl::OkStatus();
    SLUICE_ASSIGN_OR_RETURN(std::vector<Entry> old,
                            table_->MadeBefore(clock_.WallNow() - options_.max_age, kEvictedAtOnce));
    more_old_ = old.size() == kEvictedAtOnce;
    if (!more_old_) look_at_age_ = clock_.MonotonicNow() + kLookAtAgeEvery;
    if (old.empty()) return absl::OkStatus();
    Changes changes{.evicted = std::move(old)};
    return Transact(changes);
  }

  // Writes and evicts what `changes` says, and then as much as the bound asks for. All or nothing, but for
  // the vectors to write: they leave memory either way.
  absl::Status Transact(Changes& changes) {
    int64_t bytes = 0;
    const absl::Status status = Execute(changes, bytes);
    if (!status.ok() && table_ != nullptr) table_->Rollback();
    {
      MutexLock lock(mutex_);
      for (const Write& write : changes.written) unwritten_.erase(write.entry.key);
      if (status.ok()) Apply(changes);
    }
    Show(changes, status.ok(), bytes);
    return status;
  }

  absl::Status Execute(Changes& changes, int64_t& bytes) {
    if (table_ == nullptr) return absl::UnavailableError("there is no file to write to");
    SLUICE_RETURN_IF_ERROR(table_->Begin());
    for (const Write& write : changes.written) {
      SLUICE_RETURN_IF_ERROR(table_->Insert(write.entry, *write.vector, clock_.WallNow()));
    }
    for (const Entry& entry : changes.evicted) SLUICE_RETURN_IF_ERROR(table_->Delete(entry.slot));
    SLUICE_ASSIGN_OR_RETURN(bytes, table_->UsedBytes());
    while (bytes + EmbeddingTable::kLogBytes > options_.max_bytes && changes.evicted.size() < kMostEvicted) {
      SLUICE_RETURN_IF_ERROR(EvictOldest(changes));
      SLUICE_ASSIGN_OR_RETURN(bytes, table_->UsedBytes());
    }
    return table_->Commit();
  }

  // The oldest that were not used; those that were get a second chance at the end.
  absl::Status EvictOldest(Changes& changes) {
    SLUICE_ASSIGN_OR_RETURN(const std::vector<Entry> oldest, table_->Oldest(kEvictedAtOnce));
    if (oldest.empty()) return absl::InternalError("the file is too large although it holds no vectors");
    for (const Entry& entry : oldest) {
      if (TakeUsed(entry)) {
        SLUICE_RETURN_IF_ERROR(table_->Move(entry.slot, next_slot_));
        changes.moved.emplace_back(entry, next_slot_++);
      } else {
        SLUICE_RETURN_IF_ERROR(table_->Delete(entry.slot));
        changes.evicted.push_back(entry);
      }
    }
    return absl::OkStatus();
  }

  bool TakeUsed(const Entry& entry) {
    MutexLock lock(mutex_);
    Place* const place = PlaceOf(entry);
    return place != nullptr && std::exchange(place->used, false);
  }

  void Apply(const Changes& changes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    for (const Write& write : changes.written) places_[write.entry.key] = {write.entry.slot};
    for (const auto& [entry, slot] : changes.moved) {
      if (Place* const place = PlaceOf(entry); place != nullptr) place->slot = slot;
    }
    for (const Entry& entry : changes.evicted) {
      if (PlaceOf(entry) != nullptr) places_.erase(entry.key);
    }
  }

  // Null when the key is elsewhere or nowhere: what is in its slot is of no use.
  Place* PlaceOf(const Entry& entry) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const auto place = places_.find(entry.key);
    return place != places_.end() && place->second.slot == entry.slot ? &place->second : nullptr;
  }

  void Show(const Changes& changes, bool done, int64_t bytes) {
    if (options_.observer == nullptr) return;
    if (!done) return options_.observer->OnDropped(static_cast<int64_t>(changes.written.size()));
    options_.observer->OnSize(bytes);
    if (!changes.evicted.empty()) options_.observer->OnEvicted(static_cast<int64_t>(changes.evicted.size()));
  }

  const SqliteEmbeddingCacheOptions options_;
  const FilePlace directory_;
  const Clock& clock_;

  mutable Mutex mutex_;
  CondVar changed_;
  absl::flat_hash_map<EmbeddingKey, Place> places_ ABSL_GUARDED_BY(mutex_);      // what the file holds
  absl::flat_hash_map<EmbeddingKey, Vector> unwritten_ ABSL_GUARDED_BY(mutex_);  // until they are committed
  std::deque<EmbeddingKey> to_write_ ABSL_GUARDED_BY(mutex_);
  std::deque<Read> reads_ ABSL_GUARDED_BY(mutex_);
  size_t waiting_reads_ ABSL_GUARDED_BY(mutex_) = 0;  // keys, those being read too
  bool broken_ ABSL_GUARDED_BY(mutex_) = false;       // nothing can be written any more
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;

  // The cache's thread alone from here on.
  std::unique_ptr<EmbeddingTable> table_;
  int64_t next_slot_ = 1;
  absl::Duration look_at_age_ = absl::ZeroDuration();
  bool more_old_ = false;
  bool failed_before_ = false;
  bool remade_ = false;

  Thread thread_;
};

absl::Status CheckOptions(const SqliteEmbeddingCacheOptions& options) {
  SLUICE_RETURN_IF_ERROR(CheckRange("max_bytes", options.max_bytes, kLeastEmbeddingCacheBytes, INT64_MAX));
  SLUICE_RETURN_IF_ERROR(CheckRange("max_waiting_reads", options.max_waiting_reads, 1, INT32_MAX));
  SLUICE_RETURN_IF_ERROR(CheckRange("max_waiting_writes", options.max_waiting_writes, 1, INT32_MAX));
  return CheckPositive("max_age", options.max_age);
}

}  // namespace

absl::StatusOr<std::unique_ptr<EmbeddingCache>> OpenSqliteEmbeddingCache(SqliteEmbeddingCacheOptions options,
                                                                         const Clock& clock) {
  SLUICE_RETURN_IF_ERROR(CheckOptions(options));
  SLUICE_ASSIGN_OR_RETURN(std::unique_ptr<EmbeddingTable> table, EmbeddingTable::Open(options.path));
  const std::filesystem::path directory = std::filesystem::path(options.path).parent_path();
  SLUICE_ASSIGN_OR_RETURN(FilePlace place, FilePlace::Of(directory.empty() ? "." : directory.string()));
  return std::make_unique<SqliteEmbeddingCache>(std::move(options), std::move(place), std::move(table),
                                                clock);
}

}  // namespace sluice
