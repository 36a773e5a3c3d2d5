// RunParser: what sluice-parser does: answers requests with the readers it is given, until the server is
// gone.
#pragma once

#include <functional>
#include <memory>

#include "absl/status/statusor.h"
#include "core/documents/parser/document_reader.h"

namespace sluice {

using OpenDocumentFunction =
    std::function<absl::StatusOr<std::unique_ptr<DocumentReader>>(const OpenRequest& request)>;

// Blocks. Returns when the other side of `socket` is gone or sends what is no request. `greeting` goes with
// the Hello: what of the sandbox the system refused, for the server's log.
void RunParser(int socket, const std::string& greeting, const OpenDocumentFunction& open);

}  // namespace sluice
