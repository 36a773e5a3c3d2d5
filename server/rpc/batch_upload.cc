#include "server/rpc/batch_upload.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/error_details.h"
#include "core/base/status_macros.h"
#include "server/convert/batches_convert.h"
#include "server/convert/wire.h"
#include "server/limits.h"

namespace sluice {

BatchUpload::BatchUpload(BatchUploadParts parts, grpc::CallbackServerContext* context,
                         grpc::ByteBuffer* response)
    : parts_(std::move(parts)), context_(context), response_(response), started_(parts_.method->Start()) {
  const absl::Status opened = Open();
  opened.ok() ? Read() : End(opened);
}

absl::Status BatchUpload::Open() {
  SLUICE_RETURN_IF_ERROR(parts_.method->calls().Arrive());
  SLUICE_ASSIGN_OR_RETURN(upload_ticket_, parts_.door->AdmitUpload(parts_.tenant));
  const std::string what = absl::StrCat(
      "no whole message came for ", absl::FormatDuration(parts_.upload_timeout),
      " and nothing of the batch was kept: upload it again, with shorter pauses or smaller messages");
  stall_ = StallAlarm::Start({.clock = parts_.clock,
                              .turn = StallAlarm::Turn::kReading,
                              .timeout = parts_.upload_timeout,
                              .status = ClientStalled(what),
                              .on_cut = [this](const absl::Status& status) { Fail(status); }},
                             context_);
  place_ =
      parts_.method->calls().Enter([weak = std::weak_ptr<StallAlarm>(stall_)](const absl::Status& status) {
        if (const std::shared_ptr<StallAlarm> stall = weak.lock()) stall->Cut(status);
      });
  return absl::OkStatus();
}

void BatchUpload::Read() {
  if (stall_->Begin()) StartRead(&part_bytes_);
}

void BatchUpload::OnReadDone(bool ok) {
  if (!stall_->End()) return;
  Schedule(ok ? &BatchUpload::TakePart : &BatchUpload::EndOfStream);
}

void BatchUpload::Schedule(void (BatchUpload::*step)()) {
  if (!parts_.executor->TrySchedule([this, step] { (this->*step)(); })) Fail(ServerBusy());
}

void BatchUpload::TakePart() {
  const auto bytes = static_cast<int64_t>(part_bytes_.Length());
  if (absl::Status size = CheckRequestBytes(bytes, "send the jobs in smaller parts"); !size.ok())
    return Fail(size);
  if (absl::Status parsed = ParseMessage(part_bytes_, &part_); !parsed.ok())
    return Fail(ShiftJobPaths(parsed, jobs_));
  if (complete_) return Fail(FieldError("last", "was set in a message before this one"));
  complete_ = part_.last();
  if (batch_id_.empty()) expires_after_ = ExpiryFromProto(part_.batch());
  absl::StatusOr<FrontDoor::Ticket> ticket = parts_.door->AdmitJobs(
      parts_.tenant, {.jobs = part_.jobs_size(), .bytes = bytes, .expires_after = expires_after_});
  if (!ticket.ok()) return Fail(ticket.status());
  part_ticket_ = *std::move(ticket);
  if (batch_id_.empty()) return Begin();
  if (part_.has_batch()) return Fail(FieldError("batch", "is only for the first message"));
  Append();
}

void BatchUpload::Begin() {
  if (!part_.has_batch()) return Fail(FieldError("batch", "is missing in the first message"));
  absl::StatusOr<NewBatch> batch = NewBatchFromProto(
      part_.batch(), {parts_.tenant, parts_.clock->WallNow(), parts_.has_model, parts_.has_parser});
  if (!batch.ok()) return Fail(batch.status());
  may_repeat_ = !part_.batch().request_id().empty();
  if (may_repeat_) digest_.Add(part_.batch(), "request_id");
  kind_ = batch->kind;
  parts_.catalog->BeginUpload(*std::move(batch), [this](absl::StatusOr<Batch> begun) {
    if (!begun.ok()) return Fail(begun.status());
    if (begun->state != BatchState::kUploading) return EndWith(*begun);
    batch_id_ = begun->id;
    part_.jobs_size() > 0 ? Schedule(&BatchUpload::Append) : ReadNext();
  });
}

void BatchUpload::Append() {
  if (part_.jobs_size() == 0) return ReadNext();
  if (jobs_ + part_.jobs_size() > kMaxJobsPerBatch) {
    return Fail(
        FieldError("jobs", absl::StrCat("are more than ", kMaxJobsPerBatch, ", the limit of a batch")));
  }
  absl::StatusOr<std::vector<NewJob>> jobs = JobsFromProto(kind_, jobs_, part_.jobs());
  if (!jobs.ok()) return Fail(jobs.status());
  if (may_repeat_) {
    for (const v1::Job& job : part_.jobs()) digest_.Add(job);
  }
  const int64_t first_index = jobs_;
  jobs_ += part_.jobs_size();
  parts_.catalog->AppendJobs(upload(), *std::move(jobs), [this, first_index](const absl::Status& appended) {
    appended.ok() ? ReadNext() : Fail(ShiftJobPaths(appended, first_index));
  });
}

void BatchUpload::ReadNext() {
  part_ticket_ = FrontDoor::Ticket();
  part_.Clear();
  Read();
}

void BatchUpload::EndOfStream() {
  if (context_->IsCancelled()) return Fail(absl::CancelledError("the stream was cut before its end"));
  if (batch_id_.empty())
    return Fail(FieldError("batch", "is missing: the stream ended before the first message"));
  // A stream may be seen to end before it is seen to be cancelled.
  if (!complete_) {
    return Fail(FieldError("last",
                           "is not set in the final message: the upload may have been cut, and nothing "
                           "of it was kept"));
  }
  if (jobs_ == 0) return Fail(FieldError("jobs", "is empty; a batch needs 1 or more"));
  parts_.catalog->SealUpload(
      upload(), may_repeat_ ? digest_.Finish() : "",
      [this](absl::StatusOr<Batch> sealed) { sealed.ok() ? EndWith(*sealed) : Fail(sealed.status()); });
}

void BatchUpload::Fail(absl::Status status) {
  if (batch_id_.empty()) return End(status);
  // What a failed abandon leaves behind is swept later; the client is told why the upload failed.
  parts_.catalog->AbandonUpload(upload(), [this, status](const absl::Status&) { End(status); });
}

void BatchUpload::EndWith(const Batch& batch) {
  v1::Batch answer;
  const absl::Status status = BatchToProto(batch, &answer);
  if (status.ok()) *response_ = BytesOf(answer);
  End(status);
}

void BatchUpload::End(const absl::Status& status) {
  upload_ticket_ = FrontDoor::Ticket();
  part_ticket_ = FrontDoor::Ticket();
  Finish(parts_.method->Finish(started_, status, *context_));
}

}  // namespace sluice
