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
#include "core/store/await.h"
#include "core/store/files/file_content_store.h"
#include "core/store/sqlite/sqlite_library_store.h"
#include "server/limits.h"

namespace sluice {
namespace {

namespace fs = std::filesystem;

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

absl::Status DropAbandonedDrafts(LibraryStore& library, WorkQueue& queue) {
  SLUICE_ASSIGN_OR_RETURN(
      const std::vector<std::string> batches,
      AwaitStore<std::vector<std::string>>([&](auto done) { library.DraftBatches(std::move(done)); }));
  for (const std::string& batch_id : batches) {
    const absl::StatusOr<Batch> batch =
        AwaitStore<Batch>([&](auto done) { queue.ReadBatch(batch_id, std::move(done)); });
    const bool ended = batch.ok() ? IsTerminal(batch->state) : absl::IsNotFound(batch.status());
    if (!ended) continue;
    SLUICE_RETURN_IF_ERROR(
        AwaitStore<void>([&](auto done) { library.DropDraftsOf(batch_id, std::move(done)); }));
  }
  return absl::OkStatus();
}

}  // namespace sluice
