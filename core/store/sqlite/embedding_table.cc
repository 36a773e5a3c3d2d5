#include "core/store/sqlite/embedding_table.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "core/base/log.h"
#include "core/base/sha256.h"
#include "core/base/status_macros.h"
#include "core/store/sqlite/openable.h"

namespace sluice {
namespace {

constexpr int kCacheApplicationId = 0x534c4543;  // "SLEC"
constexpr int kCacheSchema = 1;
constexpr size_t kSumBytes = 8;

static_assert(std::endian::native == std::endian::little, "vectors are stored as they lie in memory");

// Several vectors fit a page, with little left over. The id is in the file before there is a log, so that
// whose it is can be told whatever happens.
constexpr char kMake[] = R"sql(
PRAGMA page_size = 16384; PRAGMA auto_vacuum = INCREMENTAL; PRAGMA synchronous = OFF;
BEGIN IMMEDIATE;
PRAGMA application_id = %d; PRAGMA user_version = %d;
CREATE TABLE entry (slot INTEGER PRIMARY KEY, key BLOB NOT NULL, made INTEGER NOT NULL);
CREATE TABLE vector (slot INTEGER PRIMARY KEY, bytes BLOB NOT NULL);
COMMIT;
)sql";

// Nothing is synced: the batches' commits wait for the disk, and these must not make them wait longer. After
// a power cut the sums tell what is torn, and a damaged file is made anew.
constexpr const char* kConfigure =
    "PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA secure_delete = ON;"
    "PRAGMA wal_autocheckpoint = 128; PRAGMA journal_size_limit = 4194304; PRAGMA cache_size = -4096;"
    "PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF;";

enum class Owner { kNobody, kUs, kOther };

// By the file's first page, where SQLite keeps the application's id at byte 68.
Owner OwnerOf(const std::string& path) {
  if (!OddKindOf(path).empty()) return Owner::kOther;
  std::ifstream file(path, std::ios::binary);
  char start[72] = {};
  file.read(start, sizeof(start));
  if (std::all_of(std::begin(start), std::end(start), [](char byte) { return byte == 0; })) {
    return Owner::kNobody;
  }
  const auto* id = reinterpret_cast<const unsigned char*>(start) + 68;
  const int application = id[0] << 24 | id[1] << 16 | id[2] << 8 | id[3];
  return application == kCacheApplicationId ? Owner::kUs : Owner::kOther;
}

void RemoveFiles(const std::string& path) {
  std::error_code ignored;
  for (const char* suffix : {"", "-wal", "-shm", "-journal"}) std::filesystem::remove(path + suffix, ignored);
}

absl::StatusOr<int64_t> ReadPragma(Connection& connection, absl::string_view sql) {
  Query pragma = connection.Select(sql);
  const int64_t value = pragma.Step() ? pragma.Int(0) : 0;
  SLUICE_RETURN_IF_ERROR(pragma.status());
  return value;
}

absl::string_view BytesOf(const EmbeddingKey& key) {
  return {key.data(), key.size()};
}

std::string SumOf(const EmbeddingKey& key, absl::string_view bytes) {
  Sha256 digest;
  digest.Update(BytesOf(key));
  digest.Update(bytes);
  return digest.Finish().substr(0, kSumBytes);
}

}  // namespace

absl::StatusOr<std::unique_ptr<EmbeddingTable>> EmbeddingTable::Open(const std::string& path) {
  if (OwnerOf(path) == Owner::kOther) {
    std::error_code error;
    std::filesystem::rename(path, path + ".set-aside", error);
    if (error)
      return absl::UnavailableError(absl::StrCat(path, " is no embedding cache and cannot be moved"));
    Log(LogLevel::kWarning, path, " is no embedding cache of Sluice: renamed to ", path, ".set-aside");
    RemoveFiles(path);
  }
  absl::StatusOr<std::unique_ptr<EmbeddingTable>> table = TryOpen(path);
  if (table.ok() || absl::IsUnavailable(table.status())) return table;
  Log(LogLevel::kWarning, path, " cannot be used and is made anew: ", table.status().message());
  return Remake(path);
}

absl::StatusOr<std::unique_ptr<EmbeddingTable>> EmbeddingTable::Remake(const std::string& path) {
  RemoveFiles(path);
  return TryOpen(path);
}

absl::StatusOr<std::unique_ptr<EmbeddingTable>> EmbeddingTable::TryOpen(const std::string& path) {
  SLUICE_ASSIGN_OR_RETURN(std::unique_ptr<Connection> connection, Connection::Open(path));
  SLUICE_RETURN_IF_ERROR(connection->Script("PRAGMA locking_mode = EXCLUSIVE"));
  if (OwnerOf(path) == Owner::kNobody) {
    SLUICE_RETURN_IF_ERROR(connection->Script(absl::StrFormat(kMake, kCacheApplicationId, kCacheSchema)));
  }
  SLUICE_RETURN_IF_ERROR(connection->Script(kConfigure));
  SLUICE_ASSIGN_OR_RETURN(const int64_t schema, ReadPragma(*connection, "PRAGMA user_version"));
  if (schema != kCacheSchema) return absl::FailedPreconditionError(absl::StrCat("it has schema ", schema));
  SLUICE_RETURN_IF_ERROR(connection->WatchPlace());  // what was read has opened the log
  return std::unique_ptr<EmbeddingTable>(new EmbeddingTable(std::move(connection)));
}

absl::StatusOr<std::vector<EmbeddingTable::Entry>> EmbeddingTable::Entries(Query query) {
  std::vector<Entry> entries;
  while (query.Step()) {
    Entry& entry = entries.emplace_back(Entry{.slot = query.Int(0), .key = {}});
    const absl::string_view key = query.Bytes(1);
    std::copy_n(key.begin(), std::min(key.size(), entry.key.size()), entry.key.begin());
  }
  SLUICE_RETURN_IF_ERROR(query.status());
  return entries;
}

absl::StatusOr<std::vector<EmbeddingTable::Entry>> EmbeddingTable::All() {
  return Entries(connection_->Select("SELECT slot, key FROM entry ORDER BY slot"));
}

absl::StatusOr<std::vector<EmbeddingTable::Entry>> EmbeddingTable::Oldest(size_t limit) {
  return Entries(
      connection_->Select("SELECT slot, key FROM entry ORDER BY slot LIMIT ?", static_cast<int64_t>(limit)));
}

absl::StatusOr<std::vector<EmbeddingTable::Entry>> EmbeddingTable::MadeBefore(absl::Time time, size_t limit) {
  return Entries(connection_->Select("SELECT slot, key FROM entry WHERE made < ? ORDER BY slot LIMIT ?",
                                     absl::ToUnixSeconds(time), static_cast<int64_t>(limit)));
}

absl::StatusOr<std::optional<std::vector<float>>> EmbeddingTable::Read(const Entry& entry) {
  Query row = connection_->Select("SELECT bytes FROM vector WHERE slot = ?", entry.slot);
  const absl::string_view stored = row.Step() ? row.Bytes(0) : absl::string_view();
  SLUICE_RETURN_IF_ERROR(row.status());
  if (stored.size() < kSumBytes || stored.size() % sizeof(float) != 0) return std::nullopt;
  const absl::string_view bytes = stored.substr(0, stored.size() - kSumBytes);
  if (SumOf(entry.key, bytes) != stored.substr(bytes.size())) return std::nullopt;
  std::vector<float> vector(bytes.size() / sizeof(float));
  std::memcpy(vector.data(), bytes.data(), bytes.size());
  return vector;
}

absl::Status EmbeddingTable::Insert(const Entry& entry, absl::Span<const float> vector, absl::Time made) {
  std::string bytes(reinterpret_cast<const char*>(vector.data()), vector.size() * sizeof(float));
  absl::StrAppend(&bytes, SumOf(entry.key, bytes));
  SLUICE_RETURN_IF_ERROR(connection_->Run("INSERT INTO entry VALUES (?, ?, ?)", entry.slot,
                                          Blob{BytesOf(entry.key)}, absl::ToUnixSeconds(made)));
  return connection_->Run("INSERT INTO vector VALUES (?, ?)", entry.slot, Blob{bytes});
}

absl::Status EmbeddingTable::Move(int64_t from_slot, int64_t to_slot) {
  SLUICE_RETURN_IF_ERROR(connection_->Run("UPDATE entry SET slot = ?2 WHERE slot = ?1", from_slot, to_slot));
  return connection_->Run("UPDATE vector SET slot = ?2 WHERE slot = ?1", from_slot, to_slot);
}

absl::Status EmbeddingTable::Delete(int64_t slot) {
  SLUICE_RETURN_IF_ERROR(connection_->Run("DELETE FROM entry WHERE slot = ?", slot));
  return connection_->Run("DELETE FROM vector WHERE slot = ?", slot);
}

void EmbeddingTable::Rollback() {
  if (connection_->in_transaction()) (void)connection_->Run("ROLLBACK");
}

absl::StatusOr<int64_t> EmbeddingTable::UsedBytes() {
  SLUICE_ASSIGN_OR_RETURN(const int64_t pages, ReadPragma(*connection_, "PRAGMA page_count"));
  SLUICE_ASSIGN_OR_RETURN(const int64_t free, ReadPragma(*connection_, "PRAGMA freelist_count"));
  SLUICE_ASSIGN_OR_RETURN(const int64_t page_bytes, ReadPragma(*connection_, "PRAGMA page_size"));
  return (pages - free) * page_bytes;
}

}  // namespace sluice
