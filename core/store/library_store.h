// LibraryStore: where documents live: which there are, what their pages hold, and what is already parsed.
//
// The rules, which every engine keeps and tests/contract/library_store_contract.h holds them to:
//  * A document has at most one *visible* edition. A new one is written beside it as a *draft*, page by page,
//    and becomes visible in one commit (PublishDraft); until then readers see the old one, or none.
//  * Drafts are the work of one job (batch and job index). Whoever repeats that job finds its draft again;
//    pages that are there are written over by equal ones.
//  * Page results are keyed by content, stage and options, and not by document: the same book twice, a book
//    that was removed and added again, and a job that starts again after a crash find them. They go with
//    their content, once no document, draft or upload uses it.
//  * What is deleted is gone from the file: pages, texts, titles and labels, also from free pages.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "core/store/done.h"

namespace sluice {

// A document as a client names it.
struct DocumentKey {
  std::string tenant;  // "" is the default tenant
  std::string id;      // of tenant and source: DocumentId (core/store/library_rules.h)
};
// Stored: a number is never changed, nor used again.
enum class DocumentState {
  kComplete = 1,
  kPartial = 2,  // some pages failed; they can be tried again
};

// The job whose work a draft is.
struct DraftKey {
  std::string batch_id;
  int64_t job_index = 0;
  bool operator==(const DraftKey&) const = default;
};

// What an edition is made of, without its pages.
struct EditionHead {
  std::string content;  // SHA-256, 64 hexadecimal digits
  std::string options;  // key of the options that made it; opaque
  std::string profile;  // the archive profile's name
  std::string format;   // that was asked for; "" for none
  std::string source;   // what the client calls it: a path, an address; 1..1024 bytes
  std::string title;
  std::map<std::string, std::string> labels;
  std::string facts;  // opaque: format, outline, …
  int pages = 0;
};

struct PageCounts {
  int failed = 0;
  int degraded = 0;
  int blank = 0;
  int reused = 0;  // not parsed for this edition: their results were there
  bool operator==(const PageCounts&) const = default;
};

struct StoredDocument {
  DocumentKey key;
  EditionHead head;
  DocumentState state = DocumentState::kComplete;
  PageCounts counts;
  DraftKey job;            // that made it
  absl::Time create_time;  // of its first edition
  absl::Time update_time;  // of this one, or of its title and labels
};

// A page of an edition, or of what was parsed.
struct StoredPage {
  int number = 1;        // from 1
  std::string page;      // opaque; "" of one that failed
  std::string raw_key;   // 32 bytes, "" of one that failed
  std::string body_key;  // 32 bytes, of a page of an edition
  std::string degraded;  // reasons joined by commas; "" for none
  bool blank = false;
  // Of one that failed, else OK and "".
  absl::StatusCode error_code = absl::StatusCode::kOk;
  std::string error_reason;
  std::string error_message;
};

// What a page result belongs to.
struct ResultKey {
  std::string content;
  std::string stage;    // "parse"
  std::string options;  // of those that the stage depends on
};

struct DocumentQuery {
  std::string tenant;
  std::map<std::string, std::string> labels;  // only documents that have all of them
  int page_size = 50;                         // 1..1000: so many are looked at, whatever their labels
  std::string page_token;
};

struct DocumentList {
  std::vector<StoredDocument> documents;  // by source
  std::string next_page_token;
};

struct LibraryStats {
  int64_t documents = 0;
  int64_t partial_documents = 0;
  int64_t pages = 0;
  int64_t file_bytes = 0;
};

// Thread-safe. No call blocks: `done` is called exactly once, after the commit the answer depends on, on the
// store's own thread; it must not block. Every call may also fail with UNAVAILABLE (STORE_FAILED, DISK_FULL,
// MEMORY_LOW) and RESOURCE_EXHAUSTED (STORE_BUSY), as the BatchStore's.
class LibraryStore {
 public:
  virtual ~LibraryStore() = default;

  // Results of parsing. One commit; results that are there are written over. At most 64 pages.
  virtual void PutResults(ResultKey key, std::vector<StoredPage> pages, Done<void> done) = 0;
  // Those of first_page.. in order: at most `limit` (1..64), and no more once they have 4 MiB. Missing pages
  // are left out; none: there are no more.
  virtual void ReadResults(ResultKey key, int first_page, int limit, Done<std::vector<StoredPage>> done) = 0;
  // The numbers of those from first_page to last_page that are there and did not fail, in order.
  virtual void ListResults(ResultKey key, int first_page, int last_page, Done<std::vector<int>> done) = 0;

  // Drafts. BeginDraft again for the same job keeps its pages where head.content and head.options are equal,
  // and else empties it.
  virtual void BeginDraft(DocumentKey document, DraftKey job, EditionHead head, Done<void> done) = 0;
  // NOT_FOUND (NO_DRAFT): published, dropped, or never begun. At most 64 pages.
  virtual void PutDraftPages(DraftKey job, std::vector<StoredPage> pages, Done<void> done) = 0;
  // One commit makes the draft the document's visible edition and ends the old one. Counts are taken from its
  // pages (`reused` is the caller's). FAILED_PRECONDITION (PAGES_MISSING): a page from 1 to head.pages is not
  // there. NOT_FOUND (NO_DRAFT) unless the visible edition is of this very job: then it is answered again.
  virtual void PublishDraft(DraftKey job, int reused_pages, Done<StoredDocument> done) = 0;
  // Idempotent. Leaves no trace of the draft.
  virtual void DropDraft(DraftKey job, Done<void> done) = 0;
  // The same of all jobs of a batch.
  virtual void DropDraftsOf(std::string batch_id, Done<void> done) = 0;
  // The batches that have drafts: after a crash some may have ended.
  virtual void DraftBatches(Done<std::vector<std::string>> done) = 0;

  // Documents. A document of another tenant is NOT_FOUND, like one that never was.
  virtual void GetDocument(DocumentKey key, Done<StoredDocument> done) = 0;
  // INVALID_ARGUMENT (field "page_token"): not a token of this call.
  virtual void ListDocuments(DocumentQuery query, Done<DocumentList> done) = 0;
  // As ReadResults, of the visible edition, failed ones with their errors.
  virtual void ReadPages(DocumentKey key, int first_page, int limit, Done<std::vector<StoredPage>> done) = 0;
  // Absent ones stay as they are.
  virtual void UpdateDocument(DocumentKey key, std::optional<std::string> title,
                              std::optional<std::map<std::string, std::string>> labels,
                              Done<StoredDocument> done) = 0;
  // Removes the document and its pages for good, and the page results of its content where nothing else uses
  // that. Answers its content, for its file to be removed, or "" where something else uses it.
  virtual void DeleteDocument(DocumentKey key, Done<std::string> done) = 0;

  // Of these contents, those that no document and no draft uses.
  virtual void UnusedContents(std::vector<std::string> contents, Done<std::vector<std::string>> done) = 0;
  // Removes the page results of contents that no document and no draft uses.
  virtual void ForgetContents(std::vector<std::string> contents, Done<void> done) = 0;
  virtual void Stats(Done<LibraryStats> done) = 0;
  // As EmbeddedStore::Backup.
  virtual void Backup(std::string path, Done<void> done) = 0;
};

}  // namespace sluice
