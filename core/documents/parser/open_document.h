// Formats: which readers this build has, and the choice among them.
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "core/documents/parser/document_reader.h"
#include "core/documents/parser/pdfium_api.h"

namespace sluice {

// One thread's, as its readers are; `pdfium` must outlive it and them.
class Formats {
 public:
  explicit Formats(const PdfiumApi& pdfium) : pdfium_(pdfium) {}

  // By request.format, else by the bytes, else by the name's ending. UNKNOWN_FORMAT (INVALID_ARGUMENT) says
  // what the bytes look like, and which formats there are.
  absl::StatusOr<std::unique_ptr<DocumentReader>> Open(const OpenRequest& request) const;

 private:
  const PdfiumApi& pdfium_;
};

}  // namespace sluice
