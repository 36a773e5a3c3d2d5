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
  if (request.batch().request_id().empty()) return checked;  // nobody can ask for it again
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
template <typename Call>
Done<Batch> AnswerWithBatch(const std::shared_ptr<Call>& call, bool has_model) {
  return [call, has_model](absl::StatusOr<Batch> batch) {
    call->Finish(batch.ok() ? BatchToProto(*batch, has_model, &call->response()) : batch.status());
  };
}

absl::StatusOr<int> CheckListResults(const v1::ListResultsRequest& request) {
  SLUICE_RETURN_IF_ERROR(CheckPageToken(request.page_token()));
  SLUICE_RETURN_IF_ERROR(CheckOrderBy(request.order_by()));
  return PageSizeFromProto(request.page_size(), kDefaultResultsPage, kMaxResultsPage);
}

}  // namespace

BatchService::BatchService(BatchServiceParts parts)
    : parts_(parts), methods_([&] {
        const auto method = [&](const char* name, const char* type) {
          return RpcMethod(parts.rpc, v1::BatchService::service_full_name(), name, type);
        };
        return Methods{method("CreateBatch", "unary"),        method("UploadBatch", "client_stream"),
                       method("GetBatch", "unary"),           method("ListBatches", "unary"),
                       method("CancelBatch", "unary"),        method("DeleteBatch", "unary"),
                       method("WatchBatch", "server_stream"), method("StreamResults", "server_stream"),
                       method("ListResults", "unary")};
      }()) {}

grpc::ServerUnaryReactor* BatchService::CreateBatch(grpc::CallbackServerContext* context,
                                                    const grpc::ByteBuffer* request,
                                                    grpc::ByteBuffer* response) {
  return CreateCall::Start(methods_.create, *context, *request, *response,
                           [this](const CreateCall::Ptr& call) { Admit(call); });
}

void BatchService::Admit(const CreateCall::Ptr& call) {
  const int64_t bytes = call->request_bytes();
  if (absl::Status size = CheckRequestBytes(bytes, "use UploadBatch"); !size.ok()) return call->Finish(size);
  absl::StatusOr<FrontDoor::Ticket> ticket =
      parts_.door->AdmitJobs(tenant_, {.jobs = call->request().jobs_size(),
                                       .bytes = bytes,
                                       .expires_after = ExpiryFromProto(call->request().batch())});
  if (!ticket.ok()) return call->Finish(ticket.status());
  const bool scheduled = parts_.executor->TrySchedule(
      [this, call, ticket = *std::move(ticket)]() mutable { Create(call, std::move(ticket)); });
  if (!scheduled) call->Finish(ServerBusy());
}

void BatchService::Create(const CreateCall::Ptr& call, FrontDoor::Ticket ticket) {
  const v1::CreateBatchRequest request = call->TakeRequest();
  absl::StatusOr<CheckedBatch> checked =
      CheckCreate(request, {tenant_, parts_.rpc.clock.WallNow(), parts_.has_model, parts_.has_parser});
  if (!checked.ok()) return call->Finish(checked.status());
  parts_.catalog->CreateBatch(std::move(checked->batch), std::move(checked->jobs),
                              [ticket = std::move(ticket), answer = AnswerWithBatch(call, parts_.has_model)](
                                  absl::StatusOr<Batch> batch) mutable {
                                ticket = FrontDoor::Ticket();
                                std::move(answer)(std::move(batch));
                              });
}

grpc::ServerReadReactor<grpc::ByteBuffer>* BatchService::UploadBatch(grpc::CallbackServerContext* context,
                                                                     grpc::ByteBuffer* response) {
  return new BatchUpload({.method = &methods_.upload,
                          .catalog = parts_.catalog,
                          .door = parts_.door,
                          .executor = parts_.executor,
                          .clock = &parts_.rpc.clock,
                          .upload_timeout = parts_.upload_timeout,
                          .has_model = parts_.has_model,
                          .has_parser = parts_.has_parser,
                          .tenant = tenant_},
                         context, response);
}

grpc::ServerUnaryReactor* BatchService::GetBatch(grpc::CallbackServerContext* context,
                                                 const grpc::ByteBuffer* request,
                                                 grpc::ByteBuffer* response) {
  using Call = UnaryCall<v1::GetBatchRequest, v1::Batch>;
  return Call::Start(methods_.get, *context, *request, *response, [this](const Call::Ptr& call) {
    const absl::StatusOr<std::string> id = BatchIdFromName(call->request().name());
    if (!id.ok()) return call->Finish(id.status());
    parts_.catalog->GetBatch({tenant_, *id}, AnswerWithBatch(call, parts_.has_model));
  });
}

grpc::ServerUnaryReactor* BatchService::ListBatches(grpc::CallbackServerContext* context,
                                                    const grpc::ByteBuffer* request,
                                                    grpc::ByteBuffer* response) {
  using Call = UnaryCall<v1::ListBatchesRequest, v1::ListBatchesResponse>;
  return Call::Start(methods_.list, *context, *request, *response, [this](const Call::Ptr& call) {
    const std::string& page_token = call->request().page_token();
    absl::StatusOr<int> page_size =
        PageSizeFromProto(call->request().page_size(), kDefaultBatchesPage, kMaxBatchesPage);
    if (absl::Status token = CheckPageToken(page_token); !token.ok()) page_size = token;
    if (!page_size.ok()) return call->Finish(page_size.status());
    parts_.catalog->ListBatches(tenant_, *page_size, page_token, [call](absl::StatusOr<BatchPage> page) {
      call->Finish(page.ok() ? BatchesToProto(*page, &call->response()) : page.status());
    });
  });
}

grpc::ServerUnaryReactor* BatchService::CancelBatch(grpc::CallbackServerContext* context,
                                                    const grpc::ByteBuffer* request,
                                                    grpc::ByteBuffer* response) {
  using Call = UnaryCall<v1::CancelBatchRequest, v1::Batch>;
  return Call::Start(methods_.cancel, *context, *request, *response, [this](const Call::Ptr& call) {
    const absl::StatusOr<std::string> id = BatchIdFromName(call->request().name());
    if (!id.ok()) return call->Finish(id.status());
    parts_.catalog->CancelBatch({tenant_, *id}, AnswerWithBatch(call, parts_.has_model));
  });
}

grpc::ServerUnaryReactor* BatchService::DeleteBatch(grpc::CallbackServerContext* context,
                                                    const grpc::ByteBuffer* request,
                                                    grpc::ByteBuffer* response) {
  using Call = UnaryCall<v1::DeleteBatchRequest, google::protobuf::Empty>;
  return Call::Start(methods_.remove, *context, *request, *response, [this](const Call::Ptr& call) {
    const absl::StatusOr<std::string> id = BatchIdFromName(call->request().name());
    if (!id.ok()) return call->Finish(id.status());
    parts_.catalog->DeleteBatch({tenant_, *id}, [call](absl::Status deleted) { call->Finish(deleted); });
  });
}

grpc::ServerWriteReactor<grpc::ByteBuffer>* BatchService::WatchBatch(grpc::CallbackServerContext* context,
                                                                     const grpc::ByteBuffer* request) {
  return BatchWatch::Start({.method = &methods_.watch,
                            .catalog = parts_.catalog,
                            .changes = parts_.changes,
                            .door = parts_.door,
                            .clock = &parts_.rpc.clock,
                            .reader_timeout = parts_.reader_timeout,
                            .tenant = tenant_,
                            .has_model = parts_.has_model},
                           context, *request);
}

grpc::ServerWriteReactor<grpc::ByteBuffer>* BatchService::StreamResults(grpc::CallbackServerContext* context,
                                                                        const grpc::ByteBuffer* request) {
  return ResultStream::Start({.method = &methods_.stream,
                              .catalog = parts_.catalog,
                              .feed = parts_.feed,
                              .executor = parts_.executor,
                              .clock = &parts_.rpc.clock,
                              .reader_timeout = parts_.reader_timeout,
                              .tenant = tenant_},
                             context, *request);
}

grpc::ServerUnaryReactor* BatchService::ListResults(grpc::CallbackServerContext* context,
                                                    const grpc::ByteBuffer* request,
                                                    grpc::ByteBuffer* response) {
  using Call = ListResultsCall;
  return Call::Start(methods_.list_results, *context, *request, *response, [this](const Call::Ptr& call) {
    const absl::StatusOr<std::string> id = BatchIdFromName(call->request().name());
    if (!id.ok()) return call->Finish(id.status());
    const absl::StatusOr<int> page_size = CheckListResults(call->request());
    if (!page_size.ok()) return call->Finish(page_size.status());
    // The batch first: it tells what its results are.
    parts_.catalog->GetBatch({tenant_, *id}, [this, call, page_size](absl::StatusOr<Batch> batch) {
      batch.ok() ? ListRanked(call, *batch, *page_size) : call->Finish(batch.status());
    });
  });
}

void BatchService::ListRanked(const ListResultsCall::Ptr& call, const Batch& batch, int page_size) {
  parts_.results->ReadRanked({batch.tenant, batch.id}, page_size, call->request().page_token(),
                             [call, kind = batch.kind](absl::StatusOr<RankedPage> page) {
                               if (page.ok()) RankedToWire(kind, *page, &call->response());
                               call->Finish(page.status());
                             });
}

}  // namespace sluice
