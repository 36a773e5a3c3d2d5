#include "server/rpc/content_upload.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/error_details.h"
#include "core/base/status_macros.h"
#include "server/convert/archive_convert.h"
#include "server/convert/wire.h"
#include "server/limits.h"

namespace sluice {

ContentUpload::ContentUpload(ContentUploadParts parts, grpc::CallbackServerContext* context,
                             grpc::ByteBuffer* response)
    : parts_(std::move(parts)), context_(context), response_(response), started_(parts_.method->Start()) {
  const absl::Status opened = Open();
  opened.ok() ? Read() : End(opened);
}

absl::Status ContentUpload::Open() {
  SLUICE_RETURN_IF_ERROR(parts_.method->calls().Arrive());
  if (parts_.contents == nullptr) return NoParserError();
  SLUICE_ASSIGN_OR_RETURN(ticket_, parts_.door->AdmitUpload(parts_.tenant));
  const std::string what =
      absl::StrCat("no whole message came for ", absl::FormatDuration(parts_.upload_timeout),
                   ": what came is kept; ask GetUpload and go on from there");
  stall_ = StallAlarm::Start({.clock = parts_.clock,
                              .turn = StallAlarm::Turn::kReading,
                              .timeout = parts_.upload_timeout,
                              .status = ClientStalled(what),
                              .on_cut = [this](const absl::Status& status) { End(status); }},
                             context_);
  place_ =
      parts_.method->calls().Enter([weak = std::weak_ptr<StallAlarm>(stall_)](const absl::Status& status) {
        if (const std::shared_ptr<StallAlarm> stall = weak.lock()) stall->Cut(status);
      });
  return absl::OkStatus();
}

void ContentUpload::Read() {
  if (stall_->Begin()) StartRead(&piece_bytes_);
}

void ContentUpload::OnReadDone(bool ok) {
  if (!stall_->End()) return;
  ok ? TakePiece() : EndOfStream();
}

void ContentUpload::TakePiece() {
  const auto bytes = static_cast<int64_t>(piece_bytes_.Length());
  // A little more than the piece, for the rest of the message.
  if (bytes > kMaxPieceBytes + 1024) {
    return End(FieldError("piece", absl::StrCat("makes a message of ", bytes, " bytes, limit ",
                                                kMaxPieceBytes, ": send smaller pieces")));
  }
  piece_.Clear();
  if (absl::Status parsed = ParseMessage(piece_bytes_, &piece_); !parsed.ok()) return End(parsed);
  if (absl::Status head = TakeHead(); !head.ok()) return End(head);
  Write();
}

absl::Status ContentUpload::TakeHead() {
  if (!sha256_.empty()) {
    return piece_.has_content() ? FieldError("content", "is only for the first message") : absl::OkStatus();
  }
  if (!piece_.has_content()) return FieldError("content", "is missing in the first message");
  SLUICE_RETURN_IF_ERROR(PrefixFields("content", CheckContentDigest(piece_.content().sha256())));
  sha256_ = piece_.content().sha256();
  size_ = piece_.content().size();
  offset_ = piece_.content().offset();
  return absl::OkStatus();
}

void ContentUpload::Write() {
  const auto bytes = static_cast<int64_t>(piece_.piece().size());
  parts_.contents->Write(
      {.digest = sha256_, .bytes = size_, .offset = offset_, .piece = std::move(*piece_.mutable_piece())},
      [this, bytes](absl::StatusOr<ContentState> state) {
        if (!state.ok()) return End(PrefixFields("content", state.status()));
        state_ = *state;
        offset_ += bytes;
        // Nothing more is needed: the client need not send the rest.
        state_.complete ? End(absl::OkStatus()) : Read();
      });
}

void ContentUpload::EndOfStream() {
  if (context_->IsCancelled()) return End(absl::CancelledError("the stream was cut before its end"));
  if (sha256_.empty())
    return End(FieldError("content", "is missing: the stream ended before its first message"));
  End(absl::OkStatus());
}

void ContentUpload::End(const absl::Status& status) {
  ticket_ = FrontDoor::Ticket();
  if (status.ok()) {
    v1::Upload upload;
    upload.set_sha256(sha256_);
    upload.set_offset(state_.offset);
    upload.set_complete(state_.complete);
    *response_ = BytesOf(upload);
  }
  Finish(parts_.method->Finish(started_, status, *context_));
}

}  // namespace sluice
