#include "server/convert/batches_convert.h"

#include <memory>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/base/error_details.h"
#include "core/base/status_macros.h"
#include "core/screening/screener.h"
#include "google/rpc/status.pb.h"
#include "server/convert/archive_convert.h"
#include "server/convert/embeddings_convert.h"
#include "server/convert/screening_convert.h"
#include "server/convert/status_convert.h"
#include "server/convert/time_convert.h"
#include "server/limits.h"

namespace sluice {
namespace {

constexpr absl::string_view kNamePrefix = "batches/";
constexpr size_t kMaxBatchIdBytes = 64;

using Violations = std::vector<FieldViolation>;

// A failed part's violations, under `prefix`; a failure without any becomes one.
void AddFailure(absl::string_view prefix, const absl::Status& status, Violations& violations) {
  if (status.ok()) return;
  const Violations found = FieldViolationsOf(PrefixFields(prefix, status));
  if (found.empty()) {
    violations.push_back({std::string(prefix), std::string(status.message())});
  } else {
    violations.insert(violations.end(), found.begin(), found.end());
  }
}

void CheckScreenSpec(const v1::ScreenSpec& spec, Violations& violations) {
  if (!spec.has_profile()) {
    violations.push_back({"batch.screen.profile", "is unset; a screen batch needs a profile"});
  } else if (const absl::StatusOr<Profile> profile = ProfileFromProto(spec.profile()); profile.ok()) {
    AddFailure("batch.screen.profile", Screener::Compile(*profile).status(), violations);
  } else {
    AddFailure("batch.screen.profile", profile.status(), violations);
  }
  const absl::StatusOr<GateOptions> gate = GateFromProto(spec.gate());
  AddFailure("batch.screen", gate.ok() ? ValidateGate(*gate) : gate.status(), violations);
}

void ReadSpec(const v1::NewBatch& proto, NewBatch& batch, Violations& violations) {
  switch (proto.spec_case()) {
    case v1::NewBatch::kScreen:
      batch.kind = JobKind::kScreen;
      CheckScreenSpec(proto.screen(), violations);
      batch.spec = proto.screen().SerializeAsString();
      return;
    case v1::NewBatch::kEmbed:
      batch.kind = JobKind::kEmbed;
      AddFailure("batch.embed.truncation", TruncationFromProto(proto.embed().truncation(), "").status(),
                 violations);
      batch.spec = proto.embed().SerializeAsString();
      return;
    case v1::NewBatch::kArchive:
      batch.kind = JobKind::kArchive;
      AddFailure("batch.archive", CheckArchiveSpec(proto.archive()), violations);
      batch.spec = proto.archive().SerializeAsString();
      batch.expires_after = absl::InfiniteDuration();
      return;
    case v1::NewBatch::SPEC_NOT_SET:
      violations.push_back({"batch", "has no spec; set screen, embed or archive"});
  }
}

std::optional<absl::Duration> AllowedExpiry(const google::protobuf::Duration& proto) {
  const std::optional<absl::Duration> expiry = DurationFromProto(proto);
  const bool allowed =
      expiry.has_value() && *expiry >= absl::Seconds(1) && *expiry <= absl::Seconds(kMaxExpirySeconds);
  return allowed ? expiry : std::nullopt;
}

void ReadTimes(const v1::NewBatch& proto, absl::Time now, NewBatch& batch, Violations& violations) {
  batch.as_of = now;
  if (proto.has_as_of()) {
    if (const auto as_of = TimeFromProto(proto.as_of()); as_of.has_value()) {
      batch.as_of = *as_of;
    } else {
      violations.push_back({"batch.as_of", "is no time between the years 1 and 9999"});
    }
  }
  if (!proto.has_expires_after()) return;
  if (const auto expires_after = AllowedExpiry(proto.expires_after()); expires_after.has_value()) {
    batch.expires_after = *expires_after;
  } else {
    violations.push_back({"batch.expires_after", "must be from 1 second to 7 days"});
  }
}

void AddTooLarge(const std::string& field, int64_t bytes, int64_t limit, Violations& violations) {
  violations.push_back({field, absl::StrCat("is ", bytes, " bytes, limit ", limit)});
}

const char* PayloadName(v1::Job::PayloadCase payload) {
  switch (payload) {
    case v1::Job::kPosting:
      return "posting";
    case v1::Job::kText:
      return "text";
    case v1::Job::kDocument:
      return "document";
    case v1::Job::PAYLOAD_NOT_SET:
      return "payload";
  }
  return "payload";
}

struct KindOfPayload {
  v1::Job::PayloadCase payload;
  const char* does;
};
KindOfPayload PayloadOfKind(JobKind kind) {
  switch (kind) {
    case JobKind::kScreen:
      return {v1::Job::kPosting, "screens postings"};
    case JobKind::kEmbed:
      return {v1::Job::kText, "embeds texts"};
    case JobKind::kArchive:
      return {v1::Job::kDocument, "archives documents"};
  }
  return {v1::Job::PAYLOAD_NOT_SET, ""};
}

std::string TextPayload(const v1::Job& job, const std::string& path, Violations& violations) {
  const auto bytes = static_cast<int64_t>(job.text().size());
  if (bytes > kMaxTextBytes) AddTooLarge(path + ".text", bytes, kMaxTextBytes, violations);
  return job.text();
}

std::string PostingPayload(const v1::Job& job, const std::string& path, Violations& violations) {
  std::string payload = job.posting().SerializeAsString();
  const auto bytes = static_cast<int64_t>(payload.size());
  if (bytes > kMaxPostingBytes) AddTooLarge(path + ".posting", bytes, kMaxPostingBytes, violations);
  AddFailure(path + ".posting", CheckPosting(job.posting()), violations);
  return payload;
}

std::string DocumentPayload(const v1::Job& job, const std::string& path, Violations& violations) {
  v1::NewDocument document = job.document();
  if (document.source().empty()) document.set_source(job.id());
  AddFailure(path + ".document", CheckDocument(document), violations);
  return document.SerializeAsString();
}

// The payload of a job as stored; violations under `path`.
std::string PayloadOf(JobKind kind, const v1::Job& job, const std::string& path, Violations& violations) {
  const KindOfPayload wanted = PayloadOfKind(kind);
  if (job.payload_case() != wanted.payload) {
    const bool none = job.payload_case() == v1::Job::PAYLOAD_NOT_SET;
    violations.push_back({path, none ? absl::StrCat("has no ", PayloadName(wanted.payload))
                                     : absl::StrCat("has a ", PayloadName(job.payload_case()),
                                                    ", but the batch ", wanted.does)});
    return "";
  }
  switch (kind) {
    case JobKind::kScreen:
      return PostingPayload(job, path, violations);
    case JobKind::kEmbed:
      return TextPayload(job, path, violations);
    case JobKind::kArchive:
      return DocumentPayload(job, path, violations);
  }
  return "";
}

int ResultField(JobKind kind) {
  switch (kind) {
    case JobKind::kScreen:
      return v1::JobResult::kVerdictFieldNumber;
    case JobKind::kEmbed:
      return v1::JobResult::kEmbeddingFieldNumber;
    case JobKind::kArchive:
      return v1::JobResult::kDocumentFieldNumber;
  }
  return 0;
}

v1::Batch::State StateToProto(BatchState state) {
  switch (state) {
    case BatchState::kUploading:
      return v1::Batch::STATE_UNSPECIFIED;  // never shown
    case BatchState::kPending:
      return v1::Batch::PENDING;
    case BatchState::kRunning:
      return v1::Batch::RUNNING;
    case BatchState::kCancelling:
      return v1::Batch::CANCELLING;
    case BatchState::kSucceeded:
      return v1::Batch::SUCCEEDED;
    case BatchState::kCompletedWithErrors:
      return v1::Batch::COMPLETED_WITH_ERRORS;
    case BatchState::kFailed:
      return v1::Batch::FAILED;
    case BatchState::kCancelled:
      return v1::Batch::CANCELLED;
    case BatchState::kExpired:
      return v1::Batch::EXPIRED;
  }
  return v1::Batch::STATE_UNSPECIFIED;
}

v1::JobResult::Outcome OutcomeKindToProto(OutcomeKind kind) {
  switch (kind) {
    case OutcomeKind::kSucceeded:
      return v1::JobResult::SUCCEEDED;
    case OutcomeKind::kFailed:
      return v1::JobResult::FAILED;
    case OutcomeKind::kCancelled:
      return v1::JobResult::CANCELLED;
    case OutcomeKind::kExpired:
      return v1::JobResult::EXPIRED;
  }
  return v1::JobResult::OUTCOME_UNSPECIFIED;
}

}  // namespace

absl::StatusOr<NewBatch> NewBatchFromProto(const v1::NewBatch& proto, const NewBatchContext& context) {
  Violations violations;
  NewBatch batch;
  batch.tenant = context.tenant;
  ReadSpec(proto, batch, violations);
  ReadTimes(proto, context.now, batch, violations);
  batch.request_id = proto.request_id();
  if (const auto bytes = static_cast<int64_t>(batch.request_id.size()); bytes > kMaxRequestIdBytes) {
    AddTooLarge("batch.request_id", bytes, kMaxRequestIdBytes, violations);
  }
  batch.priority = proto.priority();
  if (batch.priority < -kMaxPriority || batch.priority > kMaxPriority) {
    violations.push_back({"batch.priority", absl::StrCat("is ", batch.priority, ", must be from ",
                                                         -kMaxPriority, " to ", kMaxPriority)});
  }
  SLUICE_RETURN_IF_ERROR(FieldErrors(violations));
  if (batch.kind == JobKind::kEmbed && !context.has_model) {
    return WithReason(absl::FailedPreconditionError("this server runs without a model and cannot embed"),
                      "NO_MODEL");
  }
  if (batch.kind == JobKind::kArchive && !context.has_parser) return NoParserError();
  return batch;
}

absl::StatusOr<std::vector<NewJob>> JobsFromProto(JobKind kind, int64_t path_index,
                                                  const google::protobuf::RepeatedPtrField<v1::Job>& jobs) {
  Violations violations;
  std::vector<NewJob> checked;
  checked.reserve(jobs.size());
  for (const v1::Job& job : jobs) {
    const std::string path = absl::StrCat("jobs[", path_index++, "]");
    if (job.id().empty()) violations.push_back({path + ".id", "is empty"});
    if (const auto bytes = static_cast<int64_t>(job.id().size()); bytes > kMaxJobIdBytes) {
      AddTooLarge(path + ".id", bytes, kMaxJobIdBytes, violations);
    }
    std::string payload = PayloadOf(kind, job, path, violations);
    checked.push_back({job.id(), std::move(payload)});
    if (static_cast<int64_t>(violations.size()) >= kMaxFieldViolations) break;
  }
  SLUICE_RETURN_IF_ERROR(FieldErrors(violations));
  return checked;
}

absl::Status ShiftJobPaths(const absl::Status& status, int64_t first_index) {
  Violations violations = FieldViolationsOf(status);
  if (violations.empty()) return status;
  for (FieldViolation& violation : violations) {
    const size_t bracket = violation.field.find(']');
    int64_t index = 0;
    if (!absl::StartsWith(violation.field, "jobs[") || bracket == std::string::npos ||
        !absl::SimpleAtoi(violation.field.substr(5, bracket - 5), &index)) {
      continue;
    }
    violation.field = absl::StrCat("jobs[", first_index + index, violation.field.substr(bracket));
  }
  return FieldErrors(violations);
}

absl::Status CheckRequestBytes(int64_t bytes, absl::string_view advice) {
  if (bytes <= kMaxRequestBytes) return absl::OkStatus();
  return FieldError("",
                    absl::StrCat("the request is ", bytes, " bytes, limit ", kMaxRequestBytes, "; ", advice));
}

absl::StatusOr<std::string> BatchIdFromName(absl::string_view name) {
  absl::string_view id = name;
  const bool prefixed = absl::ConsumePrefix(&id, kNamePrefix);
  const bool plain = id.find_first_not_of("0123456789abcdefghijklmnopqrstuv") == absl::string_view::npos;
  if (!prefixed || id.empty() || id.size() > kMaxBatchIdBytes || !plain) {
    return FieldError("name", "is not of the form batches/{id}");
  }
  return std::string(id);
}

std::string BatchName(absl::string_view id) {
  return absl::StrCat(kNamePrefix, id);
}

absl::StatusOr<int> PageSizeFromProto(int32_t page_size, int preset, int64_t limit) {
  if (page_size == 0) return preset;
  if (page_size < 0 || page_size > limit) {
    return FieldError("page_size", absl::StrCat("is ", page_size, ", must be from 1 to ", limit));
  }
  return page_size;
}

absl::Status CheckPageToken(const std::string& page_token) {
  if (static_cast<int64_t>(page_token.size()) <= kMaxPageTokenBytes) return absl::OkStatus();
  return FieldError("page_token",
                    absl::StrCat("is ", page_token.size(), " bytes, limit ", kMaxPageTokenBytes));
}

absl::Status CheckOrderBy(absl::string_view order_by) {
  if (order_by.empty() || order_by == "score") return absl::OkStatus();
  return FieldError("order_by", "is not \"score\", the only order there is");
}

absl::Status BatchToProto(const Batch& batch, v1::Batch* proto) {
  proto->set_name(BatchName(batch.id));
  proto->set_kind(JobKindName(batch.kind));
  proto->set_state(StateToProto(batch.state));
  v1::BatchCounts* counts = proto->mutable_counts();
  counts->set_jobs(batch.counts.jobs);
  counts->set_succeeded(batch.counts.succeeded);
  counts->set_failed(batch.counts.failed);
  counts->set_cancelled(batch.counts.cancelled);
  counts->set_expired(batch.counts.expired);
  TimeToProto(batch.create_time, proto->mutable_create_time());
  if (batch.expire_time != absl::InfiniteFuture()) {
    TimeToProto(batch.expire_time, proto->mutable_expire_time());
  }
  if (batch.end_time != absl::InfiniteFuture()) TimeToProto(batch.end_time, proto->mutable_end_time());
  TimeToProto(batch.as_of, proto->mutable_as_of());
  if (!batch.plan.empty() && !proto->mutable_plan()->ParseFromString(batch.plan)) {
    return absl::DataLossError(absl::StrCat(BatchName(batch.id), ": the stored plan cannot be read"));
  }
  proto->set_last_sequence(batch.last_sequence);
  proto->set_priority(batch.priority);
  return absl::OkStatus();
}

absl::Status BatchToProto(const Batch& batch, bool has_model, v1::Batch* proto) {
  SLUICE_RETURN_IF_ERROR(BatchToProto(batch, proto));
  if (has_model || IsTerminal(batch.state) || proto->plan().survivors() == 0) return absl::OkStatus();
  proto->set_waits_for(
      absl::StrCat("a server with the model that its plan was made for (", proto->plan().model_digest(),
                   "): this one runs without a model, so postings that passed the gate stay queued"));
  return absl::OkStatus();
}

void OutcomeToWire(JobKind kind, const Outcome& outcome, v1::JobResult* proto) {
  proto->set_sequence(outcome.sequence);
  proto->set_id(outcome.job_id);
  proto->set_index(outcome.job_index);
  proto->set_outcome(OutcomeKindToProto(outcome.kind));
  proto->set_attempt(outcome.attempt);
  if (outcome.kind == OutcomeKind::kSucceeded) {
    // An unknown field is encoded as it is; on the wire it cannot be told from the message's own.
    proto->GetReflection()->MutableUnknownFields(proto)->AddLengthDelimited(ResultField(kind),
                                                                            outcome.result);
  }
  if (outcome.kind == OutcomeKind::kFailed) {
    StatusToProto(WithReason(absl::Status(outcome.error_code, outcome.error_message), outcome.error_reason),
                  proto->mutable_error());
  }
}

absl::Duration ExpiryFromProto(const v1::NewBatch& proto) {
  if (!proto.has_expires_after()) {
    return proto.has_archive() ? absl::InfiniteDuration() : NewBatch().expires_after;
  }
  return AllowedExpiry(proto.expires_after()).value_or(absl::InfiniteDuration());
}

}  // namespace sluice
