#include "server/rpc/batch_service.h"

#include <utility>
#include <vector>

#include "core/base/error_details.h"
#include "core/base/status_macros.h"
#include "server/convert/batches_convert.h"
#include "server/convert/request_digest.h"
#include "server/limits.h"
#include "server/rpc/batch_upload.h"
#include "server/rpc/batch_watch.h"
#include "server/rpc/result_stream.h"

namespace sluice {
namespace {

constexpr int kDefaultBatchesPage = 50;
constexpr int kDefaultResultsPage = 100;

struct CheckedBatch {
  NewBatch batch;
  std::vector<NewJob> jobs;
};

absl::StatusOr<CheckedBatch> CheckCreate(const v1::CreateBatchRequest& request,
                                         const NewBatchContext& context) {
  if (!request.has_batch()) return FieldError("batch", "is missing");
  CheckedBatch checked;
  SLUICE_ASSIGN_OR_RETURN(checked.batch, NewBatchFromProto(request.batch(), context));
  if (request.jobs().empty()) return FieldError("jobs", "is empty; a batch needs 1 or more");
  SLUICE_ASSIGN_OR_RETURN(checked.jobs, JobsFromProto(checked.batch.kind, 0, request.jobs()));
  RequestDigest digest;
  digest.Add(request.batch(), "request_id");
  for (const v1::Job& job : request.jobs()) digest.Add(job);
  checked.batch.digest = digest.Finish();
  return checked;
}

absl::Status BatchesToProto(const BatchPage& page, v1::ListBatchesResponse* response) {
  for (const Batch& batch : page.batches)
    SLUICE_RETURN_IF_ERROR(BatchToProto(batch, response->add_batches()));
  response->set_next_page_token(page.next_page_token);
  return absl::OkStatus();
}

void RankedToWire(JobKind kind, const RankedPage& page, v1::ListResultsResponse* response) {
  int64_t rank = page.first_rank;
  for (const Outcome& outcome : page.outcomes) {
    v1::JobResult* result = response->add_results();
    OutcomeToWire(kind, outcome, result);
    result->set_rank(rank++);
  }
  response->set_next_page_token(page.next_page_token);
}

// What a call that is answered with a batch does with the store's answer.
BatchStore::Done<Batch> AnswerWithBatch(const UnaryCall& call, bool has_model, v1::Batch* response) {
  return [call, has_model, response](absl::StatusOr<Batch> batch) {
    call.Finish(batch.ok() ? BatchToProto(*batch, has_model, response) : batch.status());
  };
}

}  // namespace

BatchService::BatchService(BatchServiceParts parts)
    : parts_(parts), methods_([&] {
        const auto method = [&](const char* name, const char* type) {
          return RpcMethod({*parts.metrics, *parts.clock, *parts.refusals},
                           v1::BatchService::service_full_name(), name, type);
        };
        return Methods{method("CreateBatch", "unary"),        method("UploadBatch", "client_stream"),
                       method("GetBatch", "unary"),           method("ListBatches", "unary"),
                       method("CancelBatch", "unary"),        method("DeleteBatch", "unary"),
                       method("WatchBatch", "server_stream"), method("StreamResults", "server_stream"),
                       method("ListResults", "unary")};
      }()) {}

grpc::ServerUnaryReactor* BatchService::CreateBatch(grpc::CallbackServerContext* context,
                                                    const v1::CreateBatchRequest* request,
                                                    v1::Batch* response) {
  const UnaryCall call(methods_.create, *context);
  const auto bytes = static_cast<int64_t>(request->ByteSizeLong());
  const absl::Status size = CheckRequestBytes(bytes, "use UploadBatch");
  const AdmissionRequest asked = {
      .jobs = request->jobs_size(), .bytes = bytes, .expires_after = ExpiryFromProto(request->batch())};
  absl::StatusOr<FrontDoor::Ticket> ticket =
      size.ok() ? parts_.door->AdmitJobs(tenant_, asked) : absl::StatusOr<FrontDoor::Ticket>(size);
  if (!ticket.ok()) {
    call.Finish(ticket.status());
    return call.reactor();
  }
  const bool scheduled =
      parts_.executor->TrySchedule([this, call, request, response, ticket = *std::move(ticket)]() mutable {
        Create(call, *request, response, std::move(ticket));
      });
  if (!scheduled) call.Finish(ServerBusy());
  return call.reactor();
}

void BatchService::Create(UnaryCall call, const v1::CreateBatchRequest& request, v1::Batch* response,
                          FrontDoor::Ticket ticket) {
  absl::StatusOr<CheckedBatch> checked =
      CheckCreate(request, {tenant_, parts_.clock->WallNow(), parts_.has_model});
  if (!checked.ok()) return call.Finish(checked.status());
  parts_.store->CreateBatch(
      std::move(checked->batch), std::move(checked->jobs),
      [ticket = std::move(ticket),
       answer = AnswerWithBatch(call, parts_.has_model, response)](absl::StatusOr<Batch> batch) mutable {
        ticket = FrontDoor::Ticket();
        std::move(answer)(std::move(batch));
      });
}

grpc::ServerReadReactor<v1::UploadBatchRequest>* BatchService::UploadBatch(
    grpc::CallbackServerContext* context, v1::Batch* response) {
  return new BatchUpload({.method = &methods_.upload,
                          .store = parts_.store,
                          .door = parts_.door,
                          .executor = parts_.executor,
                          .clock = parts_.clock,
                          .upload_timeout = parts_.upload_timeout,
                          .has_model = parts_.has_model,
                          .tenant = tenant_},
                         context, response);
}

grpc::ServerUnaryReactor* BatchService::GetBatch(grpc::CallbackServerContext* context,
                                                 const v1::GetBatchRequest* request, v1::Batch* response) {
  const UnaryCall call(methods_.get, *context);
  if (const absl::StatusOr<std::string> id = BatchIdFromName(request->name()); id.ok()) {
    parts_.store->GetBatch(tenant_, *id, AnswerWithBatch(call, parts_.has_model, response));
  } else {
    call.Finish(id.status());
  }
  return call.reactor();
}

grpc::ServerUnaryReactor* BatchService::ListBatches(grpc::CallbackServerContext* context,
                                                    const v1::ListBatchesRequest* request,
                                                    v1::ListBatchesResponse* response) {
  const UnaryCall call(methods_.list, *context);
  absl::StatusOr<int> page_size =
      PageSizeFromProto(request->page_size(), kDefaultBatchesPage, kMaxBatchesPage);
  if (absl::Status token = CheckPageToken(request->page_token()); !token.ok()) page_size = token;
  if (!page_size.ok()) {
    call.Finish(page_size.status());
    return call.reactor();
  }
  parts_.store->ListBatches(tenant_, *page_size, request->page_token(),
                            [call, response](absl::StatusOr<BatchPage> page) {
                              call.Finish(page.ok() ? BatchesToProto(*page, response) : page.status());
                            });
  return call.reactor();
}

grpc::ServerUnaryReactor* BatchService::CancelBatch(grpc::CallbackServerContext* context,
                                                    const v1::CancelBatchRequest* request,
                                                    v1::Batch* response) {
  const UnaryCall call(methods_.cancel, *context);
  if (const absl::StatusOr<std::string> id = BatchIdFromName(request->name()); id.ok()) {
    parts_.store->CancelBatch(tenant_, *id, AnswerWithBatch(call, parts_.has_model, response));
  } else {
    call.Finish(id.status());
  }
  return call.reactor();
}

grpc::ServerUnaryReactor* BatchService::DeleteBatch(grpc::CallbackServerContext* context,
                                                    const v1::DeleteBatchRequest* request,
                                                    google::protobuf::Empty* /*response*/) {
  const UnaryCall call(methods_.remove, *context);
  if (const absl::StatusOr<std::string> id = BatchIdFromName(request->name()); id.ok()) {
    parts_.store->DeleteBatch(tenant_, *id, [call](absl::Status deleted) { call.Finish(deleted); });
  } else {
    call.Finish(id.status());
  }
  return call.reactor();
}

grpc::ServerWriteReactor<v1::BatchProgress>* BatchService::WatchBatch(grpc::CallbackServerContext* context,
                                                                      const v1::WatchBatchRequest* request) {
  return BatchWatch::Start({.method = &methods_.watch,
                            .store = parts_.store,
                            .changes = parts_.changes,
                            .door = parts_.door,
                            .clock = parts_.clock,
                            .reader_timeout = parts_.reader_timeout,
                            .tenant = tenant_,
                            .has_model = parts_.has_model},
                           context, *request);
}

grpc::ServerWriteReactor<v1::JobResult>* BatchService::StreamResults(
    grpc::CallbackServerContext* context, const v1::StreamResultsRequest* request) {
  return ResultStream::Start({.method = &methods_.stream,
                              .store = parts_.store,
                              .feed = parts_.feed,
                              .executor = parts_.executor,
                              .clock = parts_.clock,
                              .reader_timeout = parts_.reader_timeout,
                              .tenant = tenant_},
                             context, *request);
}

grpc::ServerUnaryReactor* BatchService::ListResults(grpc::CallbackServerContext* context,
                                                    const v1::ListResultsRequest* request,
                                                    v1::ListResultsResponse* response) {
  const UnaryCall call(methods_.list_results, *context);
  const absl::StatusOr<std::string> id = BatchIdFromName(request->name());
  absl::StatusOr<int> page_size =
      PageSizeFromProto(request->page_size(), kDefaultResultsPage, kMaxResultsPage);
  for (const absl::Status& check :
       {id.status(), CheckPageToken(request->page_token()), CheckOrderBy(request->order_by())}) {
    if (page_size.ok() && !check.ok()) page_size = check;
  }
  if (!page_size.ok()) {
    call.Finish(page_size.status());
    return call.reactor();
  }
  // The batch first: it tells the tenant and what its results are.
  parts_.store->GetBatch(
      tenant_, *id, [this, call, request, response, page_size](absl::StatusOr<Batch> batch) {
        if (!batch.ok()) return call.Finish(batch.status());
        parts_.store->ReadRanked(batch->id, *page_size, request->page_token(),
                                 [call, response, kind = batch->kind](absl::StatusOr<RankedPage> page) {
                                   if (page.ok()) RankedToWire(kind, *page, response);
                                   call.Finish(page.status());
                                 });
      });
  return call.reactor();
}

}  // namespace sluice
