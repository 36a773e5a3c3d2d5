// DocumentReader: one document, opened from bytes. It lives in the parser's own process (sluice-parser), for
// the libraries behind it crash, hang and grow.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/documents/page.h"

namespace sluice {

struct PictureSize {
  int max_width = 1000;  // pixels, 16..4096; the page's shape is kept within both
  int max_height = 1400;
};

// One thread's. Calls block as long as the library behind takes; who calls sets the deadline.
//
// Errors are typed by reason, and name the page (from 1) and the limit that was passed:
//   ENCRYPTED, WRONG_PASSWORD (PERMISSION_DENIED) · DAMAGED, NOT_A_DOCUMENT, UNKNOWN_FORMAT, NO_PAGES
//   (INVALID_ARGUMENT) · TOO_MANY_PAGES, PAGE_TOO_LARGE, TOO_MANY_OBJECTS (RESOURCE_EXHAUSTED)
class DocumentReader {
 public:
  virtual ~DocumentReader() = default;

  virtual const DocumentFacts& facts() const = 0;
  // `number` from 1 to facts().pages. The page in reading order, with blocks as far as one page alone tells:
  // paragraphs, list items, code, footnotes, figures, captions. Heads and headings need the whole book
  // (core/documents/book_structure.h).
  virtual absl::StatusOr<Page> ReadPage(int number) = 0;
  // The page as a PNG. FAILED_PRECONDITION (reason NO_PICTURE) in a format without pages.
  virtual absl::StatusOr<std::string> DrawPage(int number, PictureSize size) = 0;
};

struct OpenRequest {
  absl::string_view bytes;  // must outlive the reader
  std::string format;       // "pdf", "text", …; "" lets the bytes tell, then `file_name`
  std::string file_name;    // what a person called it; only its ending is looked at
  std::string password;
  int max_pages = 20'000;
};

}  // namespace sluice
