#include "core/documents/parser/process_document_parser.h"

#include <deque>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/error_details.h"
#include "core/base/mutex.h"
#include "core/base/status_macros.h"
#include "core/base/thread.h"
#include "core/documents/parser/parser_worker.h"

namespace sluice {
namespace {

// What a call is until a worker takes it. One of `run` and `refuse` is called, once.
struct Call {
  absl::AnyInvocable<void(ParserWorker&) &&> run;
  absl::AnyInvocable<void(absl::Status) &&> refuse;
  CancellationToken cancellation;
};

enum class Urgency { kViewer, kBulk };

absl::Status Closed() {
  return absl::CancelledError("the parser is closed");
}

class PooledParser final : public ProcessDocumentParser {
 public:
  explicit PooledParser(const DocumentParserOptions& options) : options_(options) {}

  ~PooledParser() override {
    std::deque<Call> waiting;
    {
      MutexLock lock(mutex_);
      closed_ = true;
      waiting.swap(pictures_);
      for (Call& call : ranges_) waiting.push_back(std::move(call));
      ranges_.clear();
      changed_.NotifyAll();
    }
    for (const std::unique_ptr<ParserWorker>& worker : workers_) worker->Close();
    for (Call& call : waiting) std::move(call.refuse)(Closed());
    threads_.clear();
  }

  absl::Status Start() {
    for (int i = 0; i < options_.workers; ++i) workers_.push_back(std::make_unique<ParserWorker>(options_));
    SLUICE_RETURN_IF_ERROR(workers_.front()->StartProcess());
    sandbox_gaps_ = workers_.front()->sandbox_gaps();
    for (size_t i = 0; i < workers_.size(); ++i) {
      threads_.emplace_back(
          absl::StrCat("parser-", i), [this, i] { Work(*workers_[i]); }, ThreadPriority::kBackground);
    }
    return absl::OkStatus();
  }

  void Describe(DocumentSource source, CancellationToken cancellation,
                absl::AnyInvocable<void(absl::StatusOr<DocumentFacts>) &&> done) override {
    Add<absl::StatusOr<DocumentFacts>>(Urgency::kBulk, cancellation, std::move(done),
                                       [source = std::move(source), cancellation](ParserWorker& worker) {
                                         return worker.Describe(source, cancellation);
                                       });
  }

  void ReadPages(DocumentSource source, PageRange range, CancellationToken cancellation,
                 absl::AnyInvocable<void(ReadPageEnd)> on_page,
                 absl::AnyInvocable<void(absl::Status) &&> done) override {
    Add<absl::Status>(Urgency::kBulk, cancellation, std::move(done),
                      [source = std::move(source), range, cancellation,
                       on_page = std::move(on_page)](ParserWorker& worker) mutable {
                        return worker.ReadPages(source, range, cancellation,
                                                [&on_page](ReadPageEnd end) { on_page(std::move(end)); });
                      });
  }

  void DrawPage(DocumentSource source, int number, PictureSize size, CancellationToken cancellation,
                absl::AnyInvocable<void(absl::StatusOr<std::string>) &&> done) override {
    Add<absl::StatusOr<std::string>>(
        Urgency::kViewer, cancellation, std::move(done),
        [source = std::move(source), number, size, cancellation](ParserWorker& worker) {
          return worker.DrawPage(source, number, size, cancellation);
        });
  }

  int workers() const override { return options_.workers; }
  const std::string& sandbox_gaps() const override { return sandbox_gaps_; }

  ParserUsage Usage() const override {
    ParserUsage all;
    for (const std::unique_ptr<ParserWorker>& worker : workers_) {
      const ParserUsage one = worker->Usage();
      for (size_t i = 0; i < all.restarts.size(); ++i) all.restarts[i] += one.restarts[i];
      all.cpu_time += one.cpu_time;
      all.resident_bytes += one.resident_bytes;
    }
    return all;
  }

 private:
  template <typename Answer>
  void Add(Urgency urgency, const CancellationToken& cancellation, absl::AnyInvocable<void(Answer) &&> done,
           absl::AnyInvocable<Answer(ParserWorker&)> work) {
    auto shared = std::make_shared<absl::AnyInvocable<void(Answer) &&>>(std::move(done));
    Call call{.run = [shared, work = std::move(work)](
                         ParserWorker& worker) mutable { std::move (*shared)(work(worker)); },
              .refuse = [shared](absl::Status why) { std::move (*shared)(std::move(why)); },
              .cancellation = cancellation};
    absl::Status refusal;
    {
      MutexLock lock(mutex_);
      if (closed_) {
        refusal = Closed();
      } else if (static_cast<int>(pictures_.size() + ranges_.size()) >= options_.max_waiting_calls) {
        refusal = WithReason(absl::ResourceExhaustedError(absl::StrCat(
                                 options_.max_waiting_calls, " calls wait for the parser: try later")),
                             "PARSER_BUSY");
      } else {
        (urgency == Urgency::kViewer ? pictures_ : ranges_).push_back(std::move(call));
        changed_.NotifyAll();
        return;
      }
    }
    std::move(call.refuse)(std::move(refusal));
  }

  void Work(ParserWorker& worker) {
    while (true) {
      Call call;
      {
        MutexLock lock(mutex_);
        while (pictures_.empty() && ranges_.empty() && !closed_) changed_.Wait(mutex_);
        if (closed_) return;
        std::deque<Call>& queue = pictures_.empty() ? ranges_ : pictures_;
        call = std::move(queue.front());
        queue.pop_front();
      }
      if (call.cancellation.cancelled()) {
        std::move(call.refuse)(absl::CancelledError("no longer wanted"));
      } else {
        std::move(call.run)(worker);
      }
    }
  }

  const DocumentParserOptions options_;
  std::string sandbox_gaps_;
  Mutex mutex_;
  CondVar changed_;
  std::deque<Call> pictures_ ABSL_GUARDED_BY(mutex_);
  std::deque<Call> ranges_ ABSL_GUARDED_BY(mutex_);
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::unique_ptr<ParserWorker>> workers_;
  std::vector<Thread> threads_;
};

absl::Status CheckOptions(const DocumentParserOptions& options) {
  SLUICE_RETURN_IF_ERROR(CheckRange("workers", options.workers, 1, 64));
  SLUICE_RETURN_IF_ERROR(CheckRange("max_waiting_calls", options.max_waiting_calls, 1, 1 << 16));
  SLUICE_RETURN_IF_ERROR(CheckRange("max_pages", options.max_pages, 1, 65'535));
  SLUICE_RETURN_IF_ERROR(CheckPositive("page_deadline", options.page_deadline));
  SLUICE_RETURN_IF_ERROR(CheckRange("recycle_after_pages", options.recycle_after_pages, 1, 1 << 20));
  SLUICE_RETURN_IF_ERROR(CheckRange("recycle_after_growth_bytes", options.recycle_after_growth_bytes, 1 << 20,
                                    int64_t{1} << 40));
  return CheckRange("max_memory_bytes", options.program.max_memory_bytes, 64 << 20, int64_t{1} << 40);
}

}  // namespace

absl::StatusOr<std::unique_ptr<ProcessDocumentParser>> StartDocumentParser(
    const DocumentParserOptions& options) {
  SLUICE_RETURN_IF_ERROR(CheckOptions(options));
  auto parser = std::make_unique<PooledParser>(options);
  SLUICE_RETURN_IF_ERROR(parser->Start());
  return parser;
}

}  // namespace sluice
