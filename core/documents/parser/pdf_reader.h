// OpenPdf: a PDF through PDFium.
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "core/documents/parser/document_reader.h"
#include "core/documents/parser/pdfium_api.h"

namespace sluice {

// `pdfium` and the request's bytes must outlive the reader. Errors as document_reader.h.
absl::StatusOr<std::unique_ptr<DocumentReader>> OpenPdf(const PdfiumApi& pdfium, const OpenRequest& request);

}  // namespace sluice
