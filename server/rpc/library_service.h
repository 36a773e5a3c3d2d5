// LibraryService: sluice.v1.LibraryService over the library, the contents and the parser. Thin: requests are
// checked and converted by server/convert; an upload lives in its own reactor.
#pragma once

#include <memory>
#include <string>

#include "core/documents/parser/document_parser.h"
#include "core/store/batch_catalog.h"
#include "core/store/content_store.h"
#include "core/store/library_store.h"
#include "server/front_door.h"
#include "server/rpc/rpc_method.h"
#include "server/rpc/unary_call.h"
#include "sluice/v1/library.grpc.pb.h"

namespace sluice {

// All must outlive the service and its calls. Without a library (null, like the contents and the parser)
// every call is FAILED_PRECONDITION, reason NO_PARSER.
struct LibraryServiceParts {
  RpcShared rpc;
  LibraryStore* library = nullptr;
  ContentStore* contents = nullptr;
  DocumentParser* parser = nullptr;
  BatchCatalog* catalog = nullptr;
  FrontDoor* door = nullptr;
  absl::Duration upload_timeout = absl::Minutes(1);  // of each message of UploadContent; > 0
};

// Every method takes and gives bytes (server/convert/wire.h).
using RawLibraryService = v1::LibraryService::WithRawCallbackMethod_UploadContent<
    v1::LibraryService::WithRawCallbackMethod_GetUpload<
        v1::LibraryService::WithRawCallbackMethod_ListDocuments<
            v1::LibraryService::WithRawCallbackMethod_GetDocument<
                v1::LibraryService::WithRawCallbackMethod_GetPage<
                    v1::LibraryService::WithRawCallbackMethod_UpdateDocument<
                        v1::LibraryService::WithRawCallbackMethod_RetryDocument<
                            v1::LibraryService::WithRawCallbackMethod_DeleteDocument<
                                v1::LibraryService::Service>>>>>>>>;

// Thread-safe. Nothing blocks: every answer comes from a store's callback or the parser's.
class LibraryService final : public RawLibraryService {
 public:
  explicit LibraryService(LibraryServiceParts parts);

  grpc::ServerReadReactor<grpc::ByteBuffer>* UploadContent(grpc::CallbackServerContext* context,
                                                           grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* GetUpload(grpc::CallbackServerContext* context, const grpc::ByteBuffer* request,
                                      grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* ListDocuments(grpc::CallbackServerContext* context,
                                          const grpc::ByteBuffer* request,
                                          grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* GetDocument(grpc::CallbackServerContext* context, const grpc::ByteBuffer* request,
                                        grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* GetPage(grpc::CallbackServerContext* context, const grpc::ByteBuffer* request,
                                    grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* UpdateDocument(grpc::CallbackServerContext* context,
                                           const grpc::ByteBuffer* request,
                                           grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* RetryDocument(grpc::CallbackServerContext* context,
                                          const grpc::ByteBuffer* request,
                                          grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* DeleteDocument(grpc::CallbackServerContext* context,
                                           const grpc::ByteBuffer* request,
                                           grpc::ByteBuffer* response) override;

 private:
  struct Methods {
    RpcMethod upload, get_upload, list, get, get_page, update, retry, remove;
  };
  using GetPageCall = UnaryCall<v1::GetPageRequest, v1::DocumentPage>;
  using RetryCall = UnaryCall<v1::RetryDocumentRequest, v1::RetryDocumentResponse>;
  using GetCall = UnaryCall<v1::GetDocumentRequest, v1::Document>;

  // A call that needs the library.
  template <typename Call, typename Serve>
  grpc::ServerUnaryReactor* Start(const RpcMethod& method, grpc::CallbackServerContext* context,
                                  const grpc::ByteBuffer* request, grpc::ByteBuffer* response, Serve serve);
  void AddPages(const GetCall::Ptr& call, const DocumentKey& key, int first_page);
  void AnswerPage(const GetPageCall::Ptr& call, const StoredDocument& document, int number);
  void AddPicture(const GetPageCall::Ptr& call, const StoredDocument& document, int number);
  void Retry(const RetryCall::Ptr& call, const StoredDocument& document);

  const LibraryServiceParts parts_;
  const Methods methods_;
  const std::string tenant_;  // the default one
};

}  // namespace sluice
