// Limits: the bounds a request is checked against, each with one name. The table in the docs is made from
// this one.
#pragma once

#include <array>
#include <cstdint>

namespace sluice {

inline constexpr int64_t kMaxPostingBytes = 256 << 10;
inline constexpr int64_t kMaxTextBytes = 256 << 10;
inline constexpr int64_t kMaxRequestBytes = 4 << 20;
inline constexpr int64_t kMaxJobsPerBatch = 1'000'000;
inline constexpr int64_t kMaxJobIdBytes = 256;
inline constexpr int64_t kMaxRequestIdBytes = 128;
inline constexpr int64_t kMaxTextsPerEmbed = 1024;
inline constexpr int64_t kMaxContentBytes = int64_t{2} << 30;
inline constexpr int64_t kMaxDocumentPages = 20'000;
inline constexpr int64_t kMaxSourceBytes = 1024;
inline constexpr int64_t kMaxTitleBytes = 1024;
inline constexpr int64_t kMaxLabels = 32;
inline constexpr int64_t kMaxLabelKeyBytes = 64;
inline constexpr int64_t kMaxLabelValueBytes = 256;
inline constexpr int64_t kMaxPasswordBytes = 256;
inline constexpr int64_t kMaxBooksAtOnce = 64;
inline constexpr int64_t kMaxDocumentsPage = 1000;
inline constexpr int64_t kMinPictureSide = 16;
inline constexpr int64_t kMaxPictureSide = 4096;
inline constexpr int64_t kMaxPieceBytes = 1 << 20;
inline constexpr int64_t kMaxExpirySeconds = 7 * 24 * 3600;
inline constexpr int64_t kMaxPriority = 100;
inline constexpr int64_t kMaxBatchesPage = 1000;
inline constexpr int64_t kMaxResultsPage = 256;
inline constexpr int64_t kMaxAnswerBytes = 4 << 20;  // what gRPC's clients take unless told otherwise
inline constexpr int64_t kMaxPageTokenBytes = 1024;
inline constexpr int64_t kMinWatchIntervalMs = 20;
inline constexpr int64_t kMaxFieldViolations = 32;

// gRPC itself cuts off here; between this and kMaxRequestBytes the refusal is ours and names the field.
inline constexpr int64_t kMaxReceiveBytes = 2 * kMaxRequestBytes;

struct Limit {
  const char* name;
  int64_t value;
  const char* doc;
};

inline constexpr std::array<Limit, 27> kLimits = {{
    {"max_posting_bytes", kMaxPostingBytes, "bytes of one posting, all its fields together"},
    {"max_text_bytes", kMaxTextBytes, "bytes of one text to embed"},
    {"max_request_bytes", kMaxRequestBytes,
     "bytes of a CreateBatch or Embed request, or of one part of an upload"},
    {"max_jobs_per_batch", kMaxJobsPerBatch, "jobs in a batch"},
    {"max_job_id_bytes", kMaxJobIdBytes, "bytes of a job's id"},
    {"max_request_id_bytes", kMaxRequestIdBytes, "bytes of a request_id"},
    {"max_texts_per_embed", kMaxTextsPerEmbed, "texts in an Embed request"},
    {"max_content_bytes", kMaxContentBytes, "bytes of a document's content"},
    {"max_document_pages", kMaxDocumentPages, "pages of a document"},
    {"max_source_bytes", kMaxSourceBytes, "bytes of a document's source"},
    {"max_title_bytes", kMaxTitleBytes, "bytes of a document's title"},
    {"max_labels", kMaxLabels, "labels of a document"},
    {"max_label_key_bytes", kMaxLabelKeyBytes, "bytes of a label's key"},
    {"max_label_value_bytes", kMaxLabelValueBytes, "bytes of a label's value"},
    {"max_password_bytes", kMaxPasswordBytes, "bytes of a document's password"},
    {"max_books_at_once", kMaxBooksAtOnce, "ArchiveSpec.books_at_once"},
    {"max_documents_page", kMaxDocumentsPage, "ListDocumentsRequest.page_size"},
    {"max_picture_side", kMaxPictureSide, "pixels of a side of a page's picture"},
    {"max_piece_bytes", kMaxPieceBytes, "bytes of a message of an upload of a content"},
    {"max_expiry_seconds", kMaxExpirySeconds, "seconds of NewBatch.expires_after"},
    {"max_priority", kMaxPriority, "NewBatch.priority, and the same below zero"},
    {"max_batches_page", kMaxBatchesPage, "ListBatchesRequest.page_size"},
    {"max_results_page", kMaxResultsPage, "ListResultsRequest.page_size"},
    {"max_answer_bytes", kMaxAnswerBytes, "bytes of any answer or message of a stream"},
    {"max_page_token_bytes", kMaxPageTokenBytes, "bytes of a page token"},
    {"min_watch_interval_ms", kMinWatchIntervalMs, "WatchBatchRequest.min_interval, at least"},
    {"max_field_violations", kMaxFieldViolations, "field violations that one answer names"},
}};

}  // namespace sluice
