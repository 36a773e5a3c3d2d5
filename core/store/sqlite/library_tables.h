// LibraryTables: the rules of library_store.h in SQL, call by call, inside a transaction that the caller
// holds.
//
// Not thread-safe, blocking: only the library's thread touches it. A method that fails may have written; the
// caller rolls its savepoint back.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "core/base/clock.h"
#include "core/store/library_store.h"
#include "core/store/sqlite/connection.h"
#include "core/store/sqlite/store_tables.h"

namespace sluice {

class LibraryTables final : public StoreTables {
 public:
  // Both must outlive it.
  LibraryTables(Connection& connection, const Clock& clock) : connection_(connection), clock_(clock) {}

  // As in library_store.h.
  absl::Status PutResults(const ResultKey& key, const std::vector<StoredPage>& pages);
  absl::StatusOr<std::vector<StoredPage>> ReadResults(const ResultKey& key, int first_page, int limit);
  absl::StatusOr<std::vector<int>> ListResults(const ResultKey& key, int first_page, int last_page);
  absl::Status BeginDraft(const DocumentKey& document, const DraftKey& job, const EditionHead& head);
  absl::Status PutDraftPages(const DraftKey& job, const std::vector<StoredPage>& pages);
  absl::StatusOr<StoredDocument> PublishDraft(const DraftKey& job, int reused_pages);
  absl::Status DropDraft(const DraftKey& job);
  absl::Status DropDraftsOf(const std::string& batch_id);
  absl::StatusOr<std::vector<std::string>> DraftBatches();
  absl::StatusOr<StoredDocument> GetDocument(const DocumentKey& key);
  absl::StatusOr<DocumentList> ListDocuments(const DocumentQuery& query);
  absl::StatusOr<std::vector<StoredPage>> ReadPages(const DocumentKey& key, int first_page, int limit);
  absl::StatusOr<StoredDocument> UpdateDocument(
      const DocumentKey& key, const std::optional<std::string>& title,
      const std::optional<std::map<std::string, std::string>>& labels);
  struct Deleted {
    int64_t edition = 0;  // the number to purge
    std::string content;  // "" where something else uses it
  };
  absl::StatusOr<Deleted> DeleteDocument(const DocumentKey& key);
  absl::StatusOr<std::vector<std::string>> UnusedContents(const std::vector<std::string>& contents);
  absl::StatusOr<int64_t> ForgetContents(const std::vector<std::string>& contents);  // the number to purge
  absl::StatusOr<LibraryStats> Stats();

  // Of an earlier process.
  absl::StatusOr<std::vector<int64_t>> GoneEditions();

  Changes TakeChanges() override { return std::exchange(changes_, Changes{}); }
  absl::StatusOr<bool> PurgeStep(int64_t edition) override;
  absl::StatusOr<bool> AnyLease() override { return false; }
  std::string BatchId(int64_t) const override { return ""; }

 private:
  absl::StatusOr<std::optional<int64_t>> ResultSet(const ResultKey& key);
  absl::StatusOr<std::optional<int64_t>> Draft(const DraftKey& job);
  absl::StatusOr<std::optional<int64_t>> VisibleEdition(const DocumentKey& key);
  absl::StatusOr<StoredDocument> ReadEdition(int64_t edition);
  absl::StatusOr<PageCounts> CountPages(int64_t edition, int pages);
  absl::Status LetGo(int64_t edition);  // it is gone, and to be purged
  absl::StatusOr<bool> IsUsed(const std::string& content);
  absl::StatusOr<bool> PurgeResults(const std::string& content);

  Connection& connection_;
  const Clock& clock_;
  Changes changes_;
};

}  // namespace sluice
