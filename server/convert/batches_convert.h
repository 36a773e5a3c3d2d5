// BatchService's messages checked and turned into the store's values, and back.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/store/batch.h"
#include "sluice/v1/batches.pb.h"

namespace sluice {

struct NewBatchContext {
  std::string tenant;
  absl::Time now;
  bool has_model = false;
  bool has_parser = false;
};

// Checks everything about a batch but its jobs; a screen batch's profile is compiled to find what is wrong
// with it. The digest is left empty. INVALID_ARGUMENT carries every violation, with paths from "batch.";
// FAILED_PRECONDITION (reason NO_MODEL, NO_PARSER): an embed batch without a
// model, an archive batch without a parser.
absl::StatusOr<NewBatch> NewBatchFromProto(const v1::NewBatch& proto, const NewBatchContext& context);

// `path_index` is the first job's in "jobs[i]". INVALID_ARGUMENT carries up to kMaxFieldViolations
// violations. Duplicate ids are for the store to find.
absl::StatusOr<std::vector<NewJob>> JobsFromProto(JobKind kind, int64_t path_index,
                                                  const google::protobuf::RepeatedPtrField<v1::Job>& jobs);

// The store's paths "jobs[i]" count in one call; in a batch of several parts they count from the first job of
// all.
absl::Status ShiftJobPaths(const absl::Status& status, int64_t first_index);

// INVALID_ARGUMENT, with `advice`, when a request is larger than kMaxRequestBytes.
absl::Status CheckRequestBytes(int64_t bytes, absl::string_view advice);

// "batches/{id}" to the id; INVALID_ARGUMENT, field "name".
absl::StatusOr<std::string> BatchIdFromName(absl::string_view name);
std::string BatchName(absl::string_view id);

// 0 means `preset`; INVALID_ARGUMENT (field "page_size") below 0 or above `limit`.
absl::StatusOr<int> PageSizeFromProto(int32_t page_size, int preset, int64_t limit);
absl::Status CheckPageToken(const std::string& page_token);
// "" and "score" are the one order there is; INVALID_ARGUMENT (field "order_by").
absl::Status CheckOrderBy(absl::string_view order_by);

// DATA_LOSS when the stored plan is no message of this server's.
absl::Status BatchToProto(const Batch& batch, v1::Batch* proto);

// The same, and what the batch waits for on this server.
absl::Status BatchToProto(const Batch& batch, bool has_model, v1::Batch* proto);

// For answers that only pass an outcome on. What the store keeps as a result is what the field `verdict`,
// `embedding` or `document` is encoded to, and goes along unread: the client sees the field set, `proto`
// itself does not.
void OutcomeToWire(JobKind kind, const Outcome& outcome, v1::JobResult* proto);

// How long the batch is to live, said or not; infinite where what is said is not allowed, which
// NewBatchFromProto refuses.
absl::Duration ExpiryFromProto(const v1::NewBatch& proto);

}  // namespace sluice
