#include "core/store/sqlite/sqlite_library_store.h"

#include <utility>

#include "core/base/error_details.h"
#include "core/base/status_macros.h"
#include "core/store/batch_rules.h"
#include "core/store/sqlite/library_schema.h"
#include "core/store/sqlite/library_tables.h"
#include "core/store/sqlite/store_call.h"
#include "core/store/sqlite/store_thread.h"

namespace sluice {
namespace {

class SqliteLibraryStore final : public LibraryStore {
 public:
  SqliteLibraryStore(const SqliteLibraryStoreOptions& options, LibraryTables& tables,
                     StoreThread::Parts parts)
      : tables_(tables),
        thread_({.max_waiting_calls = options.max_waiting_calls,
                 .max_calls_per_commit = options.max_calls_per_commit,
                 .name = "library"},
                std::move(parts)) {}
  ~SqliteLibraryStore() override { thread_.Close(); }

  void PutResults(ResultKey key, std::vector<StoredPage> pages, Done<void> done) override {
    Run(CallEffect::kWrites, std::move(done), &LibraryTables::PutResults, std::move(key), std::move(pages));
  }
  void ReadResults(ResultKey key, int first_page, int limit, Done<std::vector<StoredPage>> done) override {
    Run(CallEffect::kReads, std::move(done), &LibraryTables::ReadResults, std::move(key), first_page, limit);
  }
  void ListResults(ResultKey key, int first_page, int last_page, Done<std::vector<int>> done) override {
    Run(CallEffect::kReads, std::move(done), &LibraryTables::ListResults, std::move(key), first_page,
        last_page);
  }
  void BeginDraft(DocumentKey document, DraftKey job, EditionHead head, Done<void> done) override {
    Run(CallEffect::kWrites, std::move(done), &LibraryTables::BeginDraft, std::move(document), std::move(job),
        std::move(head));
  }
  void PutDraftPages(DraftKey job, std::vector<StoredPage> pages, Done<void> done) override {
    Run(CallEffect::kWrites, std::move(done), &LibraryTables::PutDraftPages, std::move(job),
        std::move(pages));
  }
  void PublishDraft(DraftKey job, int reused_pages, Done<StoredDocument> done) override {
    Run(CallEffect::kWrites, std::move(done), &LibraryTables::PublishDraft, std::move(job), reused_pages);
  }
  void DropDraft(DraftKey job, Done<void> done) override {
    Run(CallEffect::kFrees, std::move(done), &LibraryTables::DropDraft, std::move(job));
  }
  void DropDraftsOf(std::string batch_id, Done<void> done) override {
    Run(CallEffect::kFrees, std::move(done), &LibraryTables::DropDraftsOf, std::move(batch_id));
  }
  void DraftBatches(Done<std::vector<std::string>> done) override {
    Run(CallEffect::kReads, std::move(done), &LibraryTables::DraftBatches);
  }
  void GetDocument(DocumentKey key, Done<StoredDocument> done) override {
    Run(CallEffect::kReads, std::move(done), &LibraryTables::GetDocument, std::move(key));
  }
  void ListDocuments(DocumentQuery query, Done<DocumentList> done) override {
    Run(CallEffect::kReads, std::move(done), &LibraryTables::ListDocuments, std::move(query));
  }
  void ReadPages(DocumentKey key, int first_page, int limit, Done<std::vector<StoredPage>> done) override {
    Run(CallEffect::kReads, std::move(done), &LibraryTables::ReadPages, std::move(key), first_page, limit);
  }
  void UpdateDocument(DocumentKey key, std::optional<std::string> title,
                      std::optional<std::map<std::string, std::string>> labels,
                      Done<StoredDocument> done) override {
    Run(CallEffect::kWrites, std::move(done), &LibraryTables::UpdateDocument, std::move(key),
        std::move(title), std::move(labels));
  }
  void DeleteDocument(DocumentKey key, Done<std::string> done) override {
    Done<LibraryTables::Deleted> then_purge =
        [this, done = std::move(done)](absl::StatusOr<LibraryTables::Deleted> deleted) mutable {
          if (!deleted.ok()) return std::move(done)(deleted.status());
          thread_.AwaitPurge(deleted->edition, [content = deleted->content,
                                                done = std::move(done)](const absl::Status& purged) mutable {
            if (!purged.ok()) return std::move(done)(purged);
            std::move(done)(std::move(content));
          });
        };
    Run(CallEffect::kFrees, std::move(then_purge), &LibraryTables::DeleteDocument, std::move(key));
  }
  void UnusedContents(std::vector<std::string> contents, Done<std::vector<std::string>> done) override {
    Run(CallEffect::kReads, std::move(done), &LibraryTables::UnusedContents, std::move(contents));
  }
  void ForgetContents(std::vector<std::string> contents, Done<void> done) override {
    if (contents.empty()) return std::move(done)(absl::OkStatus());
    Done<int64_t> then_purge = [this, done = std::move(done)](absl::StatusOr<int64_t> last) mutable {
      if (!last.ok()) return std::move(done)(last.status());
      thread_.AwaitPurge(*last, std::move(done));
    };
    Run(CallEffect::kFrees, std::move(then_purge), &LibraryTables::ForgetContents, std::move(contents));
  }
  void Stats(Done<LibraryStats> done) override {
    Run(CallEffect::kReads, std::move(done), &LibraryTables::Stats);
  }
  void Backup(std::string path, Done<void> done) override {
    thread_.Backup(std::move(path), std::move(done));
  }

 private:
  template <typename Answer, typename... Params, typename... Args>
  void Run(CallEffect effect, absl::AnyInvocable<void(Answer) &&> done,
           Answer (LibraryTables::*method)(Params...), Args... args) {
    thread_.Enqueue(CallOf(tables_, effect, std::move(done), method, std::move(args)...));
  }

  LibraryTables& tables_;  // the thread's
  StoreThread thread_;
};

absl::Status CheckOptions(const SqliteLibraryStoreOptions& options) {
  SLUICE_RETURN_IF_ERROR(CheckRange("max_waiting_calls", options.max_waiting_calls, 1, 1 << 20));
  SLUICE_RETURN_IF_ERROR(CheckRange("max_calls_per_commit", options.max_calls_per_commit, 1, 1 << 20));
  SLUICE_RETURN_IF_ERROR(CheckRange("cache_bytes", options.cache_bytes, 1 << 20, int64_t{1} << 40));
  SLUICE_RETURN_IF_ERROR(CheckRange("reserve_bytes", options.reserve_bytes, 0, int64_t{1} << 40));
  return CheckRange("max_page_count", options.max_page_count, 0, 1 << 30);
}

absl::StatusOr<StoreThread::Parts> OpenParts(const SqliteLibraryStoreOptions& options, const Clock& clock,
                                             DiskReserve reserve) {
  SLUICE_ASSIGN_OR_RETURN(std::unique_ptr<Connection> connection,
                          OpenDatabase(kLibraryDatabase, {.path = options.path,
                                                          .cache_bytes = options.cache_bytes,
                                                          .max_page_count = options.max_page_count}));
  auto tables = std::make_unique<LibraryTables>(*connection, clock);
  SLUICE_ASSIGN_OR_RETURN(std::vector<int64_t> purging, tables->GoneEditions());
  return StoreThread::Parts{std::move(connection), std::move(tables), std::move(purging), std::move(reserve)};
}

}  // namespace

absl::StatusOr<std::unique_ptr<LibraryStore>> OpenSqliteLibraryStore(const SqliteLibraryStoreOptions& options,
                                                                     const Clock& clock) {
  SLUICE_RETURN_IF_ERROR(CheckOptions(options));
  SLUICE_ASSIGN_OR_RETURN(StoreThread::Parts parts,
                          StoreThread::Open(options.path, options.reserve_bytes, [&](DiskReserve reserve) {
                            return OpenParts(options, clock, std::move(reserve));
                          }));
  auto& tables = static_cast<LibraryTables&>(*parts.tables);  // OpenParts made them
  return std::make_unique<SqliteLibraryStore>(options, tables, std::move(parts));
}

}  // namespace sluice
