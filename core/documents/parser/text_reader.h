// OpenText: plain text and Markdown.
//
// Such a document has no pages of its own. A page ends at a form feed, else at the end of the paragraph in
// which its 3,000th character stands.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/documents/parser/document_reader.h"

namespace sluice {

// UTF-8 or UTF-16 with its mark, or else bytes that are nearly all text.
bool LooksLikeText(absl::string_view bytes);

// `format` is "text" or "markdown". Errors as document_reader.h.
absl::StatusOr<std::unique_ptr<DocumentReader>> OpenText(const std::string& format,
                                                         const OpenRequest& request);

}  // namespace sluice
