#include "server/archive.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/error_details.h"
#include "core/base/log.h"
#include "core/base/status_macros.h"
#include "core/store/files/file_content_store.h"
#include "core/store/sqlite/sqlite_library_store.h"
#include "server/limits.h"

namespace sluice {
namespace {

namespace fs = std::filesystem;

constexpr int kBatchesAtOnce = 1000;

std::string FindParser() {
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  if (error) return "";
  const fs::path directory = program.parent_path();
  for (const fs::path& place :
       {directory / "sluice-parser", directory.parent_path() / "libexec/sluice/sluice-parser"}) {
    if (fs::is_regular_file(place, error)) return place.string();
  }
  return "";
}

void DropDrafts(LibraryStore& library, std::vector<std::string> open) {
  library.DropDraftsExcept(std::move(open), [](const absl::Status& dropped) {
    if (!dropped.ok()) Log(LogLevel::kWarning, "abandoned drafts stay in the library: ", dropped.message());
  });
}

// Gathers the open batches, page by page.
void ListOpen(std::shared_ptr<LibraryStore> library, BatchCatalog& catalog, std::vector<std::string> open,
              std::string page_token) {
  catalog.ListBatches("", kBatchesAtOnce, std::move(page_token),
                      [library, &catalog, open = std::move(open)](absl::StatusOr<BatchPage> page) mutable {
                        if (!page.ok()) {
                          return Log(LogLevel::kWarning,
                                     "abandoned drafts stay in the library: ", page.status().message());
                        }
                        for (const Batch& batch : page->batches) {
                          if (!IsTerminal(batch.state)) open.push_back(batch.id);
                        }
                        if (page->next_page_token.empty()) return DropDrafts(*library, std::move(open));
                        ListOpen(library, catalog, std::move(open), page->next_page_token);
                      });
}

}  // namespace

int ParseWorkers(int cores, int64_t memory_bytes, int64_t worker_bytes) {
  const int64_t fit = memory_bytes > 0 ? memory_bytes / 2 / worker_bytes : cores;
  return static_cast<int>(std::clamp<int64_t>(std::min<int64_t>(cores, fit), 1, 64));
}

absl::StatusOr<std::unique_ptr<Archive>> OpenArchive(const ArchiveOptions& options, const Clock& clock) {
  DocumentParserOptions parser;
  parser.program.path = options.parser.empty() ? FindParser() : options.parser;
  parser.program.pdfium = options.pdfium;
  parser.max_pages = static_cast<int>(kMaxDocumentPages);
  if (parser.program.path.empty()) {
    return WithReason(absl::NotFoundError("sluice-parser is not beside this program; name it by --parser"),
                      "PARSER_UNUSABLE");
  }
  parser.workers = options.parse_workers > 0
                       ? options.parse_workers
                       : ParseWorkers(options.cores, options.memory_bytes, parser.program.max_memory_bytes);
  auto archive = std::make_unique<Archive>();
  SLUICE_ASSIGN_OR_RETURN(archive->parser, StartDocumentParser(parser));
  const fs::path data(options.data);
  SLUICE_ASSIGN_OR_RETURN(archive->library,
                          OpenSqliteLibraryStore({.path = (data / "library.db").string()}, clock));
  SLUICE_ASSIGN_OR_RETURN(archive->contents, OpenFileContentStore({.directory = (data / "contents").string(),
                                                                   .max_content_bytes = kMaxContentBytes},
                                                                  clock));
  Log(LogLevel::kInfo, "archive: ", parser.workers, " parser processes");
  if (!archive->parser->sandbox_gaps().empty()) {
    Log(LogLevel::kWarning, "the parser's sandbox is without ", archive->parser->sandbox_gaps());
  }
  return archive;
}

void DropAbandonedDrafts(std::shared_ptr<LibraryStore> library, BatchCatalog& catalog) {
  ListOpen(std::move(library), catalog, {}, "");
}

}  // namespace sluice
