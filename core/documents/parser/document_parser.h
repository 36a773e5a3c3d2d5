// DocumentParser: documents to pages in processes of their own, as the server sees it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/base/cancellation.h"
#include "core/base/open_file.h"
#include "core/documents/page.h"
#include "core/documents/parser/document_reader.h"

namespace sluice {

// What to read. `file` is an open, regular file, which whoever reads maps; its offset is not used.
struct DocumentSource {
  std::shared_ptr<const OpenFile> file;
  std::string format;     // as in OpenRequest
  std::string file_name;  // as in OpenRequest
  std::string password;
};

struct PageRange {
  int first = 1;  // from 1
  int count = 1;
};

// One page's end. A page that was cut off by a crash, a hang or its deadline is tried once more, alone in a
// fresh process; then it has failed: INTERNAL (PARSER_CRASHED), DEADLINE_EXCEEDED (PAGE_DEADLINE),
// RESOURCE_EXHAUSTED (PARSER_MEMORY), or what DocumentReader says.
struct ReadPageEnd {
  int number = 0;
  absl::StatusOr<Page> page;
};

// Thread-safe. No call blocks. Each `done` is called exactly once, on a thread of the parser's; it must not
// block. A cancelled call ends within a second with CANCELLED, its process killed if need be. A call that
// finds the queue full is RESOURCE_EXHAUSTED (PARSER_BUSY); after Close, UNAVAILABLE.
class DocumentParser {
 public:
  virtual ~DocumentParser() = default;

  virtual void Describe(DocumentSource source, CancellationToken cancellation,
                        absl::AnyInvocable<void(absl::StatusOr<DocumentFacts>) &&> done) = 0;

  // Calls `on_page` once for each page of the range, in order, as soon as the page is there; then `done`. Not
  // OK: the document cannot be opened, its deadline passed, or the call was cancelled; pages that were handed
  // over before stay good. Ranges are short (64 pages or fewer), for what is handed over is kept by the
  // caller.
  virtual void ReadPages(DocumentSource source, PageRange range, CancellationToken cancellation,
                         absl::AnyInvocable<void(ReadPageEnd)> on_page,
                         absl::AnyInvocable<void(absl::Status) &&> done) = 0;

  // A person waits for it: it goes before reading.
  virtual void DrawPage(DocumentSource source, int number, PictureSize size, CancellationToken cancellation,
                        absl::AnyInvocable<void(absl::StatusOr<std::string>) &&> done) = 0;

  virtual int workers() const = 0;
};

}  // namespace sluice
