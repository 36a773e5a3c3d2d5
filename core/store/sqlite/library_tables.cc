#include "core/store/sqlite/library_tables.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "core/base/error_details.h"
#include "core/base/status_macros.h"
#include "core/store/library_rules.h"
#include "core/store/sqlite/library_schema.h"
#include "core/store/sqlite/rows.h"

namespace sluice {
namespace {

constexpr int64_t kPagesPerPurge = 256;

constexpr absl::string_view kEditionColumns =
    "state, tenant, id, batch, job, content, options, profile, source, title, labels, facts, pages, failed, "
    "degraded, blank, reused, create_time, update_time, format";

absl::StatusOr<StoredDocument> DocumentOfRow(const Query& row) {
  StoredDocument document;
  document.key = {.tenant = row.String(1), .id = row.String(2)};
  document.job = {.batch_id = row.String(3), .job_index = row.Int(4)};
  document.head = {.content = row.String(5),
                   .options = row.String(6),
                   .profile = row.String(7),
                   .format = row.String(19),
                   .source = row.String(8),
                   .title = row.String(9),
                   .labels = {},
                   .facts = row.String(11),
                   .pages = static_cast<int>(row.Int(12))};
  SLUICE_ASSIGN_OR_RETURN(document.head.labels, DecodeLabels(row.Bytes(10)));
  document.counts = {.failed = static_cast<int>(row.Int(13)),
                     .degraded = static_cast<int>(row.Int(14)),
                     .blank = static_cast<int>(row.Int(15)),
                     .reused = static_cast<int>(row.Int(16))};
  document.state = document.counts.failed > 0 ? DocumentState::kPartial : DocumentState::kComplete;
  document.create_time = TimeOfColumn(row.Int(17));
  document.update_time = TimeOfColumn(row.Int(18));
  return document;
}

// Reads rows until they are many or large enough; the last one may pass the bound.
template <typename MakePage>
absl::StatusOr<std::vector<StoredPage>> ReadRows(Query& rows, int limit, MakePage make) {
  std::vector<StoredPage> pages;
  int64_t bytes = 0;
  while (static_cast<int>(pages.size()) < limit && bytes < kMostPageBytesRead && rows.Step()) {
    pages.push_back(make(rows));
    bytes += static_cast<int64_t>(pages.back().page.size());
  }
  SLUICE_RETURN_IF_ERROR(rows.status());
  return pages;
}

}  // namespace

absl::StatusOr<std::optional<int64_t>> LibraryTables::ResultSet(const ResultKey& key) {
  Query found = connection_.Select(
      "SELECT result_set FROM result_set WHERE content = ?1 AND stage = ?2 AND options = ?3", key.content,
      key.stage, key.options);
  std::optional<int64_t> set;
  if (found.Step()) set = found.Int(0);
  SLUICE_RETURN_IF_ERROR(found.status());
  return set;
}

absl::Status LibraryTables::PutResults(const ResultKey& key, const std::vector<StoredPage>& pages) {
  SLUICE_RETURN_IF_ERROR(CheckPages(pages));
  SLUICE_RETURN_IF_ERROR(
      connection_.Run("INSERT OR IGNORE INTO result_set (content, stage, options) VALUES (?1, ?2, ?3)",
                      key.content, key.stage, key.options));
  SLUICE_ASSIGN_OR_RETURN(const std::optional<int64_t> set, ResultSet(key));
  if (!set.has_value()) return absl::InternalError("a set of results is not where it was put");
  for (const StoredPage& page : pages) {
    SLUICE_RETURN_IF_ERROR(connection_.Run(
        "INSERT OR REPLACE INTO result (result, error_code, error_reason, error_message, raw_key, bytes) "
        "VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        PageRow(*set, page.number), ToColumn(page.error_code), page.error_reason, page.error_message,
        Blob{page.raw_key}, Blob{page.page}));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<StoredPage>> LibraryTables::ReadResults(const ResultKey& key, int first_page,
                                                                   int limit) {
  SLUICE_RETURN_IF_ERROR(CheckRead(first_page, limit));
  SLUICE_ASSIGN_OR_RETURN(const std::optional<int64_t> set, ResultSet(key));
  if (!set.has_value() || first_page > kMostPagesOfDocument) return std::vector<StoredPage>();
  Query rows = connection_.Select(
      "SELECT result, error_code, error_reason, error_message, raw_key, bytes FROM result "
      "WHERE result BETWEEN ?1 AND ?2 ORDER BY result",
      PageRow(*set, first_page), PageRow(*set, kMostPagesOfDocument));
  return ReadRows(rows, limit, [](const Query& row) {
    return StoredPage{.number = NumberOfRow(row.Int(0)),
                      .page = row.String(5),
                      .raw_key = row.String(4),
                      .error_code = static_cast<absl::StatusCode>(row.Int(1)),
                      .error_reason = row.String(2),
                      .error_message = row.String(3)};
  });
}

absl::StatusOr<std::vector<int>> LibraryTables::ListResults(const ResultKey& key, int first_page,
                                                            int last_page) {
  SLUICE_RETURN_IF_ERROR(CheckRange("first_page", first_page, 1, kMostPagesOfDocument));
  SLUICE_RETURN_IF_ERROR(CheckRange("last_page", last_page, first_page, kMostPagesOfDocument));
  SLUICE_ASSIGN_OR_RETURN(const std::optional<int64_t> set, ResultSet(key));
  std::vector<int> numbers;
  if (!set.has_value()) return numbers;
  Query rows = connection_.Select(
      "SELECT result FROM result WHERE result BETWEEN ?1 AND ?2 AND error_code = 0 ORDER BY result",
      PageRow(*set, first_page), PageRow(*set, last_page));
  while (rows.Step()) numbers.push_back(NumberOfRow(rows.Int(0)));
  SLUICE_RETURN_IF_ERROR(rows.status());
  return numbers;
}

absl::StatusOr<std::optional<int64_t>> LibraryTables::Draft(const DraftKey& job) {
  Query found = connection_.Select("SELECT edition FROM edition WHERE state = " SLUICE_DRAFT
                                   " AND batch = ?1 AND job = ?2",
                                   job.batch_id, job.job_index);
  std::optional<int64_t> edition;
  if (found.Step()) edition = found.Int(0);
  SLUICE_RETURN_IF_ERROR(found.status());
  return edition;
}

absl::Status LibraryTables::BeginDraft(const DocumentKey& document, const DraftKey& job,
                                       const EditionHead& head) {
  SLUICE_RETURN_IF_ERROR(CheckEdition(head));
  SLUICE_ASSIGN_OR_RETURN(const std::optional<int64_t> draft, Draft(job));
  if (draft.has_value()) {
    SLUICE_ASSIGN_OR_RETURN(const StoredDocument old, ReadEdition(*draft));
    if (old.head.content == head.content && old.head.options == head.options &&
        old.head.pages == head.pages && old.key.id == document.id) {
      return connection_.Run("UPDATE edition SET title = ?2, labels = ?3, facts = ?4 WHERE edition = ?1",
                             *draft, head.title, EncodeLabels(head.labels), Blob{head.facts});
    }
    SLUICE_RETURN_IF_ERROR(LetGo(*draft));
  }
  return connection_.Run(
      "INSERT INTO edition (state, tenant, id, batch, job, content, options, profile, source, title, labels, "
      "facts, pages, format) VALUES (" SLUICE_DRAFT
      ", ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
      document.tenant, document.id, job.batch_id, job.job_index, head.content, head.options, head.profile,
      head.source, head.title, EncodeLabels(head.labels), Blob{head.facts}, head.pages, head.format);
}

absl::Status LibraryTables::PutDraftPages(const DraftKey& job, const std::vector<StoredPage>& pages) {
  SLUICE_RETURN_IF_ERROR(CheckPages(pages));
  SLUICE_ASSIGN_OR_RETURN(const std::optional<int64_t> draft, Draft(job));
  if (!draft.has_value()) return NoDraft(job);
  for (const StoredPage& page : pages) {
    SLUICE_RETURN_IF_ERROR(connection_.Run(
        "INSERT OR REPLACE INTO page (page, blank, degraded, error_code, error_reason, error_message, "
        "raw_key, body_key, bytes) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        PageRow(*draft, page.number), page.blank ? 1 : 0, page.degraded, ToColumn(page.error_code),
        page.error_reason, page.error_message, Blob{page.raw_key}, Blob{page.body_key}, Blob{page.page}));
  }
  return absl::OkStatus();
}

absl::StatusOr<PageCounts> LibraryTables::CountPages(int64_t edition, int pages) {
  Query counted = connection_.Select(
      "SELECT count(*), sum(error_code <> 0), sum(degraded <> ''), sum(blank) FROM page "
      "WHERE page BETWEEN ?1 AND ?2",
      PageRow(edition, 1), PageRow(edition, pages));
  if (!counted.Step()) return counted.status();
  if (counted.Int(0) != pages) return PagesMissing(pages, static_cast<int>(counted.Int(0)));
  return PageCounts{.failed = static_cast<int>(counted.Int(1)),
                    .degraded = static_cast<int>(counted.Int(2)),
                    .blank = static_cast<int>(counted.Int(3))};
}

absl::StatusOr<StoredDocument> LibraryTables::PublishDraft(const DraftKey& job, int reused_pages) {
  SLUICE_ASSIGN_OR_RETURN(const std::optional<int64_t> draft, Draft(job));
  if (!draft.has_value()) {
    Query made =
        connection_.Select(absl::StrCat("SELECT ", kEditionColumns, " FROM edition WHERE state = ", kVisible,
                                        " AND batch = ?1 AND job = ?2"),
                           job.batch_id, job.job_index);
    if (made.Step()) return DocumentOfRow(made);
    SLUICE_RETURN_IF_ERROR(made.status());
    return NoDraft(job);
  }
  SLUICE_ASSIGN_OR_RETURN(const StoredDocument document, ReadEdition(*draft));
  SLUICE_ASSIGN_OR_RETURN(const PageCounts counts, CountPages(*draft, document.head.pages));
  const int64_t now = ToColumn(clock_.WallNow());
  int64_t created = now;
  SLUICE_ASSIGN_OR_RETURN(const std::optional<int64_t> before, VisibleEdition(document.key));
  if (before.has_value()) {
    SLUICE_ASSIGN_OR_RETURN(const StoredDocument old, ReadEdition(*before));
    created = ToColumn(old.create_time);
    SLUICE_RETURN_IF_ERROR(LetGo(*before));
  }
  SLUICE_RETURN_IF_ERROR(connection_.Run("UPDATE edition SET state = " SLUICE_VISIBLE
                                         ", failed = ?2, degraded = ?3, blank = ?4, reused = ?5, "
                                         "create_time = ?6, update_time = ?7 WHERE edition = ?1",
                                         *draft, counts.failed, counts.degraded, counts.blank, reused_pages,
                                         created, now));
  return ReadEdition(*draft);
}

absl::Status LibraryTables::DropDraft(const DraftKey& job) {
  SLUICE_ASSIGN_OR_RETURN(const std::optional<int64_t> draft, Draft(job));
  return draft.has_value() ? LetGo(*draft) : absl::OkStatus();
}

absl::Status LibraryTables::DropDraftsOf(const std::string& batch_id) {
  std::vector<int64_t> editions;
  {
    Query drafts = connection_.Select(
        "SELECT edition FROM edition WHERE state = " SLUICE_DRAFT " AND batch = ?1", batch_id);
    while (drafts.Step()) editions.push_back(drafts.Int(0));
    SLUICE_RETURN_IF_ERROR(drafts.status());
  }
  for (const int64_t edition : editions) SLUICE_RETURN_IF_ERROR(LetGo(edition));
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> LibraryTables::DraftBatches() {
  std::vector<std::string> batches;
  Query drafts = connection_.Select("SELECT DISTINCT batch FROM edition WHERE state = " SLUICE_DRAFT);
  while (drafts.Step()) batches.push_back(drafts.String(0));
  SLUICE_RETURN_IF_ERROR(drafts.status());
  return batches;
}

absl::Status LibraryTables::LetGo(int64_t edition) {
  SLUICE_RETURN_IF_ERROR(
      connection_.Run("UPDATE edition SET state = " SLUICE_GONE " WHERE edition = ?1", edition));
  changes_.purging.push_back(edition);
  return absl::OkStatus();
}

absl::StatusOr<std::optional<int64_t>> LibraryTables::VisibleEdition(const DocumentKey& key) {
  Query found = connection_.Select("SELECT edition FROM edition WHERE state = " SLUICE_VISIBLE
                                   " AND tenant = ?1 AND id = ?2",
                                   key.tenant, key.id);
  std::optional<int64_t> edition;
  if (found.Step()) edition = found.Int(0);
  SLUICE_RETURN_IF_ERROR(found.status());
  return edition;
}

absl::StatusOr<StoredDocument> LibraryTables::ReadEdition(int64_t edition) {
  Query found = connection_.Select(
      absl::StrCat("SELECT ", kEditionColumns, " FROM edition WHERE edition = ?1"), edition);
  if (found.Step()) return DocumentOfRow(found);
  SLUICE_RETURN_IF_ERROR(found.status());
  return absl::InternalError(absl::StrCat("edition ", edition, " is gone"));
}

absl::StatusOr<StoredDocument> LibraryTables::GetDocument(const DocumentKey& key) {
  SLUICE_ASSIGN_OR_RETURN(const std::optional<int64_t> edition, VisibleEdition(key));
  if (!edition.has_value()) return NoSuchDocument(key.id);
  return ReadEdition(*edition);
}

absl::StatusOr<DocumentList> LibraryTables::ListDocuments(const DocumentQuery& query) {
  SLUICE_RETURN_IF_ERROR(CheckQuery(query));
  std::string after;
  if (!query.page_token.empty()) {
    SLUICE_ASSIGN_OR_RETURN(after, DecodeListToken(query));
  }
  Query rows =
      connection_.Select(absl::StrCat("SELECT ", kEditionColumns, " FROM edition WHERE state = ", kVisible,
                                      " AND tenant = ?1 AND source > ?2 ORDER BY source"),
                         query.tenant, after);
  DocumentList list;
  int looked_at = 0;
  while (rows.Step()) {
    if (looked_at++ == query.page_size) {
      list.next_page_token = EncodeListToken(query, after);
      return list;
    }
    SLUICE_ASSIGN_OR_RETURN(StoredDocument document, DocumentOfRow(rows));
    after = document.head.source;
    if (HasLabels(document.head.labels, query.labels)) list.documents.push_back(std::move(document));
  }
  SLUICE_RETURN_IF_ERROR(rows.status());
  return list;
}

absl::StatusOr<std::vector<StoredPage>> LibraryTables::ReadPages(const DocumentKey& key, int first_page,
                                                                 int limit) {
  SLUICE_RETURN_IF_ERROR(CheckRead(first_page, limit));
  SLUICE_ASSIGN_OR_RETURN(const std::optional<int64_t> edition, VisibleEdition(key));
  if (!edition.has_value()) return NoSuchDocument(key.id);
  if (first_page > kMostPagesOfDocument) return std::vector<StoredPage>();
  Query rows = connection_.Select(
      "SELECT page, blank, degraded, error_code, error_reason, error_message, raw_key, body_key, bytes "
      "FROM page WHERE page BETWEEN ?1 AND ?2 ORDER BY page",
      PageRow(*edition, first_page), PageRow(*edition, kMostPagesOfDocument));
  return ReadRows(rows, limit, [](const Query& row) {
    return StoredPage{.number = NumberOfRow(row.Int(0)),
                      .page = row.String(8),
                      .raw_key = row.String(6),
                      .body_key = row.String(7),
                      .degraded = row.String(2),
                      .blank = row.Int(1) != 0,
                      .error_code = static_cast<absl::StatusCode>(row.Int(3)),
                      .error_reason = row.String(4),
                      .error_message = row.String(5)};
  });
}

absl::StatusOr<StoredDocument> LibraryTables::UpdateDocument(
    const DocumentKey& key, const std::optional<std::string>& title,
    const std::optional<std::map<std::string, std::string>>& labels) {
  SLUICE_ASSIGN_OR_RETURN(const std::optional<int64_t> edition, VisibleEdition(key));
  if (!edition.has_value()) return NoSuchDocument(key.id);
  if (title.has_value()) {
    SLUICE_RETURN_IF_ERROR(
        connection_.Run("UPDATE edition SET title = ?2 WHERE edition = ?1", *edition, *title));
  }
  if (labels.has_value()) {
    SLUICE_RETURN_IF_ERROR(connection_.Run("UPDATE edition SET labels = ?2 WHERE edition = ?1", *edition,
                                           EncodeLabels(*labels)));
  }
  SLUICE_RETURN_IF_ERROR(connection_.Run("UPDATE edition SET update_time = ?2 WHERE edition = ?1", *edition,
                                         ToColumn(clock_.WallNow())));
  return ReadEdition(*edition);
}

absl::StatusOr<LibraryTables::Deleted> LibraryTables::DeleteDocument(const DocumentKey& key) {
  SLUICE_ASSIGN_OR_RETURN(const std::optional<int64_t> edition, VisibleEdition(key));
  if (!edition.has_value()) return NoSuchDocument(key.id);
  SLUICE_ASSIGN_OR_RETURN(const StoredDocument document, ReadEdition(*edition));
  SLUICE_RETURN_IF_ERROR(LetGo(*edition));
  Deleted deleted{.edition = *edition};
  SLUICE_ASSIGN_OR_RETURN(const bool used, IsUsed(document.head.content));
  if (!used) deleted.content = document.head.content;
  return deleted;
}

absl::StatusOr<bool> LibraryTables::IsUsed(const std::string& content) {
  Query user = connection_.Select(
      "SELECT 1 FROM edition WHERE content = ?1 AND state < " SLUICE_GONE " LIMIT 1", content);
  const bool used = user.Step();
  SLUICE_RETURN_IF_ERROR(user.status());
  return used;
}

absl::StatusOr<std::vector<std::string>> LibraryTables::UnusedContents(
    const std::vector<std::string>& contents) {
  std::vector<std::string> unused;
  for (const std::string& content : contents) {
    SLUICE_ASSIGN_OR_RETURN(const bool used, IsUsed(content));
    if (!used) unused.push_back(content);
  }
  return unused;
}

// An edition that was never there stands for each, whose purge removes the results.
absl::StatusOr<int64_t> LibraryTables::ForgetContents(const std::vector<std::string>& contents) {
  int64_t last = 0;
  for (const std::string& content : contents) {
    SLUICE_RETURN_IF_ERROR(connection_.Run(
        "INSERT INTO edition (state, tenant, id, batch, job, content, options, profile, source, title, "
        "labels, facts, pages, format) VALUES (" SLUICE_GONE
        ", '', '', '', 0, ?1, '', '', '', '', '', x'', 0, '')",
        content));
    Query made = connection_.Select("SELECT last_insert_rowid()");
    if (!made.Step()) return made.status();
    last = made.Int(0);
    changes_.purging.push_back(last);
  }
  return last;
}

absl::StatusOr<LibraryStats> LibraryTables::Stats() {
  LibraryStats stats;
  {
    Query counted = connection_.Select(
        "SELECT count(*), sum(failed > 0), sum(pages) FROM edition WHERE state = " SLUICE_VISIBLE);
    if (!counted.Step()) return counted.status();
    stats.documents = counted.Int(0);
    stats.partial_documents = counted.Int(1);
    stats.pages = counted.Int(2);
  }
  Query size =
      connection_.Select("SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()");
  if (!size.Step()) return size.status();
  stats.file_bytes = size.Int(0);
  return stats;
}

absl::StatusOr<std::vector<int64_t>> LibraryTables::GoneEditions() {
  std::vector<int64_t> editions;
  Query gone = connection_.Select("SELECT edition FROM edition WHERE state = " SLUICE_GONE);
  while (gone.Step()) editions.push_back(gone.Int(0));
  SLUICE_RETURN_IF_ERROR(gone.status());
  return editions;
}

absl::StatusOr<bool> LibraryTables::PurgeStep(int64_t edition) {
  SLUICE_RETURN_IF_ERROR(connection_.Run(
      "DELETE FROM page WHERE page IN (SELECT page FROM page WHERE page BETWEEN ?1 AND ?2 LIMIT ?3)",
      PageRow(edition, 1), PageRow(edition, kMostPagesOfDocument), kPagesPerPurge));
  if (connection_.changes() > 0) return false;
  std::string content;
  {
    Query gone = connection_.Select("SELECT content FROM edition WHERE edition = ?1", edition);
    if (gone.Step()) content = gone.String(0);
    SLUICE_RETURN_IF_ERROR(gone.status());
  }
  // What was parsed goes with the last edition that was made of it.
  SLUICE_ASSIGN_OR_RETURN(const bool used, IsUsed(content));
  if (!used) {
    SLUICE_ASSIGN_OR_RETURN(const bool more, PurgeResults(content));
    if (more) return false;
  }
  SLUICE_RETURN_IF_ERROR(connection_.Run("DELETE FROM edition WHERE edition = ?1", edition));
  return true;
}

absl::StatusOr<bool> LibraryTables::PurgeResults(const std::string& content) {
  int64_t set = 0;
  {
    Query sets = connection_.Select("SELECT result_set FROM result_set WHERE content = ?1 LIMIT 1", content);
    const bool found = sets.Step();
    SLUICE_RETURN_IF_ERROR(sets.status());
    if (!found) return false;
    set = sets.Int(0);
  }
  SLUICE_RETURN_IF_ERROR(
      connection_.Run("DELETE FROM result WHERE result IN (SELECT result FROM result WHERE result BETWEEN ?1 "
                      "AND ?2 LIMIT ?3)",
                      PageRow(set, 1), PageRow(set, kMostPagesOfDocument), kPagesPerPurge));
  if (connection_.changes() > 0) return true;
  SLUICE_RETURN_IF_ERROR(connection_.Run("DELETE FROM result_set WHERE result_set = ?1", set));
  return true;
}

}  // namespace sluice
