#include "server/rpc/library_service.h"

#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/base/error_details.h"
#include "core/base/status_macros.h"
#include "server/convert/archive_convert.h"
#include "server/convert/batches_convert.h"
#include "server/convert/request_digest.h"
#include "server/limits.h"
#include "server/rpc/content_upload.h"

namespace sluice {
namespace {

constexpr int kDefaultDocumentsPage = 50;
constexpr int kPagesAtOnce = 64;

absl::StatusOr<DocumentQuery> QueryOf(const v1::ListDocumentsRequest& request, const std::string& tenant) {
  SLUICE_RETURN_IF_ERROR(CheckPageToken(request.page_token()));
  SLUICE_RETURN_IF_ERROR(CheckLabels(request.labels()));
  DocumentQuery query{.tenant = tenant,
                      .labels = {request.labels().begin(), request.labels().end()},
                      .page_token = request.page_token()};
  SLUICE_ASSIGN_OR_RETURN(query.page_size,
                          PageSizeFromProto(request.page_size(), kDefaultDocumentsPage, kMaxDocumentsPage));
  return query;
}

absl::Status CheckUpdate(const v1::UpdateDocumentRequest& request) {
  if (!request.has_title() && !request.has_labels())
    return FieldError("title", "is unset, and so are labels");
  SLUICE_RETURN_IF_ERROR(CheckTitle(request.title()));
  return CheckLabels(request.labels().labels());
}

absl::Status NoSuchPage(const StoredDocument& document, int number) {
  return WithReason(
      absl::NotFoundError(absl::StrCat(DocumentName(document.key.id), " has ", document.head.pages,
                                       " pages, none with number ", number)),
      "PAGE_NOT_FOUND");
}

// Of the edition that is there: its failed pages have no results, so they alone are read.
v1::NewBatch ShelfOf(const StoredDocument& document, const std::string& request_id) {
  v1::NewBatch shelf;
  shelf.mutable_archive()->set_profile(document.head.profile);
  shelf.set_request_id(request_id);
  return shelf;
}

v1::Job JobOf(const StoredDocument& document) {
  v1::Job job;
  job.set_id("retry");
  v1::NewDocument* const again = job.mutable_document();
  again->set_sha256(document.head.content);
  again->set_source(document.head.source);
  again->set_title(document.head.title);
  for (const auto& [key, value] : document.head.labels) (*again->mutable_labels())[key] = value;
  again->set_format(document.head.format);
  return job;
}

}  // namespace

LibraryService::LibraryService(LibraryServiceParts parts)
    : parts_(parts), methods_([&] {
        const auto method = [&](const char* name, const char* type) {
          return RpcMethod(parts.rpc, v1::LibraryService::service_full_name(), name, type);
        };
        return Methods{method("UploadContent", "client_stream"),
                       method("GetUpload", "unary"),
                       method("ListDocuments", "unary"),
                       method("GetDocument", "unary"),
                       method("GetPage", "unary"),
                       method("UpdateDocument", "unary"),
                       method("RetryDocument", "unary"),
                       method("DeleteDocument", "unary")};
      }()) {}

template <typename Call, typename Serve>
grpc::ServerUnaryReactor* LibraryService::Start(const RpcMethod& method, grpc::CallbackServerContext* context,
                                                const grpc::ByteBuffer* request, grpc::ByteBuffer* response,
                                                Serve serve) {
  return Call::Start(method, *context, *request, *response, [this, serve](const typename Call::Ptr& call) {
    if (parts_.library == nullptr) return call->Finish(NoParserError());
    serve(call);
  });
}

grpc::ServerReadReactor<grpc::ByteBuffer>* LibraryService::UploadContent(grpc::CallbackServerContext* context,
                                                                         grpc::ByteBuffer* response) {
  return new ContentUpload({.method = &methods_.upload,
                            .contents = parts_.contents,
                            .door = parts_.door,
                            .clock = &parts_.rpc.clock,
                            .upload_timeout = parts_.upload_timeout,
                            .tenant = tenant_},
                           context, response);
}

grpc::ServerUnaryReactor* LibraryService::GetUpload(grpc::CallbackServerContext* context,
                                                    const grpc::ByteBuffer* request,
                                                    grpc::ByteBuffer* response) {
  using Call = UnaryCall<v1::GetUploadRequest, v1::Upload>;
  return Start<Call>(methods_.get_upload, context, request, response, [this](const Call::Ptr& call) {
    const std::string sha256 = call->request().sha256();
    if (absl::Status digest = CheckContentDigest(sha256); !digest.ok()) return call->Finish(digest);
    parts_.contents->GetState(sha256, [call, sha256](absl::StatusOr<ContentState> state) {
      if (!state.ok()) return call->Finish(state.status());
      call->response().set_sha256(sha256);
      call->response().set_offset(state->offset);
      call->response().set_complete(state->complete);
      call->Finish(absl::OkStatus());
    });
  });
}

grpc::ServerUnaryReactor* LibraryService::ListDocuments(grpc::CallbackServerContext* context,
                                                        const grpc::ByteBuffer* request,
                                                        grpc::ByteBuffer* response) {
  using Call = UnaryCall<v1::ListDocumentsRequest, v1::ListDocumentsResponse>;
  return Start<Call>(methods_.list, context, request, response, [this](const Call::Ptr& call) {
    const absl::StatusOr<DocumentQuery> query = QueryOf(call->request(), tenant_);
    if (!query.ok()) return call->Finish(query.status());
    parts_.library->ListDocuments(*query, [call](absl::StatusOr<DocumentList> list) {
      if (!list.ok()) return call->Finish(list.status());
      for (const StoredDocument& document : list->documents) {
        DocumentToProto(document, call->response().add_documents());
      }
      call->response().set_next_page_token(list->next_page_token);
      call->Finish(absl::OkStatus());
    });
  });
}

grpc::ServerUnaryReactor* LibraryService::GetDocument(grpc::CallbackServerContext* context,
                                                      const grpc::ByteBuffer* request,
                                                      grpc::ByteBuffer* response) {
  return Start<GetCall>(methods_.get, context, request, response, [this](const GetCall::Ptr& call) {
    const absl::StatusOr<std::string> id = DocumentIdFromName(call->request().name());
    if (!id.ok()) return call->Finish(id.status());
    const DocumentKey key{tenant_, *id};
    parts_.library->GetDocument(key, [this, call, key](absl::StatusOr<StoredDocument> document) {
      if (!document.ok()) return call->Finish(document.status());
      DocumentToProto(*document, &call->response());
      AddPages(call, key, 1);
    });
  });
}

void LibraryService::AddPages(const GetCall::Ptr& call, const DocumentKey& key, int first_page) {
  parts_.library->ReadPages(key, first_page, kPagesAtOnce,
                            [this, call, key](absl::StatusOr<std::vector<StoredPage>> pages) {
                              if (!pages.ok()) return call->Finish(pages.status());
                              for (const StoredPage& page : *pages) AddPageToProto(page, &call->response());
                              if (pages->empty()) return call->Finish(absl::OkStatus());
                              AddPages(call, key, pages->back().number + 1);
                            });
}

grpc::ServerUnaryReactor* LibraryService::GetPage(grpc::CallbackServerContext* context,
                                                  const grpc::ByteBuffer* request,
                                                  grpc::ByteBuffer* response) {
  return Start<GetPageCall>(
      methods_.get_page, context, request, response, [this](const GetPageCall::Ptr& call) {
        const absl::StatusOr<PageName> name = PageFromName(call->request().name());
        if (!name.ok()) return call->Finish(name.status());
        if (call->request().has_picture()) {
          const absl::StatusOr<PictureSize> size = PictureFromProto(call->request().picture());
          if (!size.ok()) return call->Finish(size.status());
        }
        parts_.library->GetDocument(
            {tenant_, name->document_id},
            [this, call, number = name->number](absl::StatusOr<StoredDocument> document) {
              document.ok() ? AnswerPage(call, *document, number) : call->Finish(document.status());
            });
      });
}

void LibraryService::AnswerPage(const GetPageCall::Ptr& call, const StoredDocument& document, int number) {
  if (number > document.head.pages) return call->Finish(NoSuchPage(document, number));
  parts_.library->ReadPages(
      document.key, number, 1, [this, call, document, number](absl::StatusOr<std::vector<StoredPage>> pages) {
        if (!pages.ok()) return call->Finish(pages.status());
        if (pages->empty() || pages->front().number != number)
          return call->Finish(NoSuchPage(document, number));
        if (absl::Status read = PageToProto(document, pages->front(), &call->response()); !read.ok()) {
          return call->Finish(read);
        }
        call->request().has_picture() ? AddPicture(call, document, number) : call->Finish(absl::OkStatus());
      });
}

void LibraryService::AddPicture(const GetPageCall::Ptr& call, const StoredDocument& document, int number) {
  parts_.contents->Open(document.head.content, [this, call, document, number](
                                                   absl::StatusOr<std::shared_ptr<const OpenFile>> file) {
    if (!file.ok()) return call->Finish(file.status());
    const absl::StatusOr<PictureSize> size = PictureFromProto(call->request().picture());
    parts_.parser->DrawPage({.file = *std::move(file),
                             .format = document.head.format,
                             .file_name = document.head.source,
                             .password = ""},
                            number, *size, {}, [call](absl::StatusOr<std::string> picture) {
                              if (picture.ok()) call->response().set_picture(*std::move(picture));
                              call->Finish(picture.status());
                            });
  });
}

grpc::ServerUnaryReactor* LibraryService::UpdateDocument(grpc::CallbackServerContext* context,
                                                         const grpc::ByteBuffer* request,
                                                         grpc::ByteBuffer* response) {
  using Call = UnaryCall<v1::UpdateDocumentRequest, v1::Document>;
  return Start<Call>(methods_.update, context, request, response, [this](const Call::Ptr& call) {
    const v1::UpdateDocumentRequest& update = call->request();
    absl::StatusOr<std::string> id = DocumentIdFromName(update.name());
    if (absl::Status checked = CheckUpdate(update); id.ok() && !checked.ok()) id = checked;
    if (!id.ok()) return call->Finish(id.status());
    std::optional<std::string> title;
    if (update.has_title()) title = update.title();
    std::optional<std::map<std::string, std::string>> labels;
    if (update.has_labels()) labels.emplace(update.labels().labels().begin(), update.labels().labels().end());
    parts_.library->UpdateDocument({tenant_, *id}, std::move(title), std::move(labels),
                                   [call](absl::StatusOr<StoredDocument> document) {
                                     if (document.ok()) DocumentToProto(*document, &call->response());
                                     call->Finish(document.status());
                                   });
  });
}

grpc::ServerUnaryReactor* LibraryService::RetryDocument(grpc::CallbackServerContext* context,
                                                        const grpc::ByteBuffer* request,
                                                        grpc::ByteBuffer* response) {
  return Start<RetryCall>(methods_.retry, context, request, response, [this](const RetryCall::Ptr& call) {
    const absl::StatusOr<std::string> id = DocumentIdFromName(call->request().name());
    if (!id.ok()) return call->Finish(id.status());
    parts_.library->GetDocument({tenant_, *id}, [this, call](absl::StatusOr<StoredDocument> document) {
      document.ok() ? Retry(call, *document) : call->Finish(document.status());
    });
  });
}

void LibraryService::Retry(const RetryCall::Ptr& call, const StoredDocument& document) {
  if (document.counts.failed == 0) {
    return call->Finish(WithReason(absl::FailedPreconditionError(absl::StrCat(DocumentName(document.key.id),
                                                                              " has no page that failed")),
                                   "NOTHING_FAILED"));
  }
  absl::StatusOr<FrontDoor::Ticket> ticket = parts_.door->AdmitJobs(tenant_, {.jobs = 1});
  if (!ticket.ok()) return call->Finish(ticket.status());
  const v1::NewBatch shelf = ShelfOf(document, call->request().request_id());
  absl::StatusOr<NewBatch> batch = NewBatchFromProto(
      shelf, {.tenant = tenant_, .now = parts_.rpc.clock.WallNow(), .has_model = false, .has_parser = true});
  google::protobuf::RepeatedPtrField<v1::Job> jobs;
  *jobs.Add() = JobOf(document);
  absl::StatusOr<std::vector<NewJob>> checked = JobsFromProto(JobKind::kArchive, 0, jobs);
  if (!batch.ok() || !checked.ok()) return call->Finish(batch.ok() ? checked.status() : batch.status());
  if (!batch->request_id.empty()) {
    RequestDigest digest;
    digest.Add(shelf, "request_id");
    digest.Add(jobs.Get(0));
    batch->digest = digest.Finish();
  }
  parts_.catalog->CreateBatch(*std::move(batch), *std::move(checked),
                              [call, ticket = *std::move(ticket),
                               failed = document.counts.failed](absl::StatusOr<Batch> made) mutable {
                                ticket = FrontDoor::Ticket();
                                if (made.ok()) {
                                  call->response().set_batch(BatchName(made->id));
                                  call->response().set_pages(failed);
                                }
                                call->Finish(made.status());
                              });
}

grpc::ServerUnaryReactor* LibraryService::DeleteDocument(grpc::CallbackServerContext* context,
                                                         const grpc::ByteBuffer* request,
                                                         grpc::ByteBuffer* response) {
  using Call = UnaryCall<v1::DeleteDocumentRequest, google::protobuf::Empty>;
  return Start<Call>(methods_.remove, context, request, response, [this](const Call::Ptr& call) {
    const absl::StatusOr<std::string> id = DocumentIdFromName(call->request().name());
    if (!id.ok()) return call->Finish(id.status());
    parts_.library->DeleteDocument({tenant_, *id}, [this, call](absl::StatusOr<std::string> content) {
      if (!content.ok() || content->empty()) return call->Finish(content.status());
      parts_.contents->Remove(*content, [call](const absl::Status& removed) { call->Finish(removed); });
    });
  });
}

}  // namespace sluice
