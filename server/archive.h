// Archive: what the server keeps of documents: the library, the contents and the parser, made together or not
// at all.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "core/base/clock.h"
#include "core/documents/parser/process_document_parser.h"
#include "core/store/content_store.h"
#include "core/store/library_store.h"
#include "core/store/work_queue.h"

namespace sluice {

struct ArchiveOptions {
  std::string data;       // directory: library.db and contents/ are made in it
  std::string parser;     // the program; "": sluice-parser beside this program, or in ../libexec/sluice
  std::string pdfium;     // the library; "": where the program finds it
  int parse_workers = 0;  // 0: by cores and memory
  int cores = 1;
  int64_t memory_bytes = 0;  // that the process may have; 0 unknown
};

// So many processes as there are cores, and no more than half of the memory holds at their limit; 1 at least.
int ParseWorkers(int cores, int64_t memory_bytes, int64_t worker_bytes);

// Thread-safe parts.
struct Archive {
  std::unique_ptr<LibraryStore> library;
  std::unique_ptr<ContentStore> contents;
  std::unique_ptr<ProcessDocumentParser> parser;  // ends first
};

// Errors of the data directory are as the stores'; where there is no parser that works, PARSER_UNUSABLE or
// NO_PDFIUM says why: the server serves without an archive then.
absl::StatusOr<std::unique_ptr<Archive>> OpenArchive(const ArchiveOptions& options, const Clock& clock);

// Drops what an earlier process left of batches that have ended. Blocks for both stores. Errors are theirs.
absl::Status DropAbandonedDrafts(LibraryStore& library, WorkQueue& queue);

}  // namespace sluice
