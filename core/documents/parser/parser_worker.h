// ParserWorker: one parser process over its restarts: opens documents, reads and draws pages, and decides
// what a death or a silence costs.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "core/base/mutex.h"
#include "core/documents/parser/document_parser.h"
#include "core/documents/parser/parser_process.h"
#include "core/documents/parser/process_document_parser.h"

namespace sluice {

// One thread's but for Usage, which is thread-safe. Calls block.
class ParserWorker {
 public:
  explicit ParserWorker(const DocumentParserOptions& options) : options_(options) {}

  // So that the first document does not wait for it.
  absl::Status StartProcess();
  const std::string& sandbox_gaps() const { return sandbox_gaps_; }

  absl::StatusOr<DocumentFacts> Describe(const DocumentSource& source, const CancellationToken& cancellation);
  absl::Status ReadPages(const DocumentSource& source, PageRange range, const CancellationToken& cancellation,
                         const std::function<void(ReadPageEnd)>& on_page);
  absl::StatusOr<std::string> DrawPage(const DocumentSource& source, int number, PictureSize size,
                                       const CancellationToken& cancellation);

  // From any thread: a call under way ends with CANCELLED soon, and no other begins.
  void Close() { closed_.store(true); }

  ParserUsage Usage() const;

 private:
  // What is open in the process; the file by its device and inode.
  struct Opened {
    uint64_t device = 0;
    uint64_t inode = 0;
    std::string format;
    std::string file_name;
    std::string password;
    bool operator==(const Opened&) const = default;
  };

  absl::StatusOr<DocumentFacts> Open(const DocumentSource& source, const CancellationToken& cancellation);
  absl::StatusOr<DocumentFacts> OpenOnce(const DocumentSource& source, const CancellationToken& cancellation);
  absl::Status ReadRun(const DocumentSource& source, PageRange range, const CancellationToken& cancellation,
                       const std::function<void(ReadPageEnd)>& on_page, int& next);
  absl::StatusOr<Page> ReadAlone(const DocumentSource& source, int number,
                                 const CancellationToken& cancellation);
  absl::StatusOr<std::string> DrawOnce(const DocumentSource& source, int number, PictureSize size,
                                       const CancellationToken& cancellation);
  absl::StatusOr<ParserMessage> Receive(const CancellationToken& cancellation);
  absl::Status Lose(const absl::Status& why);
  void EndProcess(ParserRestart why);
  void RecycleIfDue();

  const DocumentParserOptions options_;
  std::atomic<bool> closed_ = false;
  std::unique_ptr<ParserProcess> process_;
  std::string sandbox_gaps_;
  std::optional<Opened> opened_;
  DocumentFacts facts_;
  bool opened_before_loss_ = false;  // the last run of pages was at a page when it ended
  int pages_ = 0;                    // of this process
  int64_t first_bytes_ = 0;          // resident, when it had begun

  mutable Mutex mutex_;
  ParserUsage usage_ ABSL_GUARDED_BY(mutex_);  // of processes that ended; resident_bytes of the one that runs
  absl::Duration running_cpu_time_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace sluice
