#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/pipeline/archive_book.h"
#include "core/pipeline/archive_lease.h"
#include "core/pipeline/job_stages.h"

namespace sluice {
namespace {

StoredPage ToStore(const ReadPageEnd& end) {
  if (!end.page.ok()) return FailedPage(end.number, end.page.status());
  return {.number = end.number, .page = EncodePage(*end.page), .raw_key = end.page->raw_key};
}

PageOutcome OutcomeOf(const ReadPageEnd& end) {
  if (!end.page.ok()) return PageOutcome::kFailed;
  if (end.page->decision.source == PageSource::kBlank) return PageOutcome::kBlank;
  return end.page->degraded.empty() ? PageOutcome::kOk : PageOutcome::kDegraded;
}

// A range of a book's pages on their way from the parser to the library. Results are stored as they come, one
// call at a time: what comes meanwhile goes with the next. Kept alive by what it waits for.
class RangeRead : public std::enable_shared_from_this<RangeRead> {
 public:
  RangeRead(ArchiveLease lease, ParseTask task)
      : lease_(std::move(lease)), task_(std::move(task)), key_(PagesKey(task_.input)) {}

  void Begin() {
    lease_.AskOrEnd<std::vector<int>>(
        [self = shared_from_this()](Done<std::vector<int>> done) {
          self->lease_.parts().library->ListResults(self->key_, self->task_.first_page, self->task_.last_page,
                                                    std::move(done));
        },
        [self = shared_from_this()](const std::vector<int>& known) {
          self->FindMissing(known);
          self->OpenContent();
        });
  }

 private:
  void FindMissing(const std::vector<int>& known) {
    auto next = known.begin();
    for (int number = task_.first_page; number <= task_.last_page; ++number) {
      if (next != known.end() && *next == number) {
        ++next;
      } else if (!missing_.empty() && missing_.back().first + missing_.back().count == number) {
        ++missing_.back().count;
      } else {
        missing_.push_back({.first = number, .count = 1});
      }
    }
  }

  void OpenContent() {
    if (missing_.empty()) return EndIfDone();
    lease_.OpenContent(task_.input.content,
                       [self = shared_from_this()](std::shared_ptr<const OpenFile> file) {
                         self->file_ = std::move(file);
                         self->ReadNext();
                       });
  }

  void ReadNext() {
    if (missing_.empty()) return EndIfDone();
    reading_ = true;
    const PageRange range = missing_.back();
    missing_.pop_back();
    lease_.parts().parser->ReadPages(
        SourceOf(task_.input, file_), range, lease_.cancellation(),
        [self = shared_from_this()](const ReadPageEnd& end) {
          self->lease_.meters().CountPages(OutcomeOf(end));
          self->lease_.loop().Post([self, page = ToStore(end)]() mutable { self->OnPage(std::move(page)); });
        },
        lease_.loop().Answer<absl::Status>(
            [self = shared_from_this()](const absl::Status& status) { self->OnRead(status); }));
  }

  void OnPage(StoredPage page) {
    arrived_.push_back(std::move(page));
    StoreArrived();
  }

  void StoreArrived() {
    if (storing_ || arrived_.empty() || lease_.lease()->ended) return;
    storing_ = true;
    auto pages = std::make_shared<const std::vector<StoredPage>>(std::exchange(arrived_, {}));
    lease_.AskOrEnd(
        [self = shared_from_this(), pages](Done<void> done) {
          self->lease_.parts().library->PutResults(self->key_, *pages, std::move(done));
        },
        [self = shared_from_this()] {
          self->storing_ = false;
          self->StoreArrived();
          self->EndIfDone();
        });
  }

  void OnRead(const absl::Status& status) {
    reading_ = false;
    if (lease_.Over()) return;
    if (!status.ok()) return lease_.End(status);
    ReadNext();
  }

  void EndIfDone() {
    if (reading_ || storing_ || !missing_.empty() || !arrived_.empty()) return;
    lease_.Finish(NewOutcome{.kind = OutcomeKind::kSucceeded});
  }

  const ArchiveLease lease_;
  const ParseTask task_;
  const ResultKey key_;
  std::shared_ptr<const OpenFile> file_;
  std::vector<PageRange> missing_;   // still to be read
  std::vector<StoredPage> arrived_;  // at most a range's
  bool reading_ = false;
  bool storing_ = false;
};

class ArchiveParseStage final : public JobStage {
 public:
  explicit ArchiveParseStage(PipelineContext& context) : context_(context) {}

  void Start(LeasePtr claimed) override {
    const ArchiveLease lease(context_, std::move(claimed));
    absl::StatusOr<ParseTask> task = DecodeTask(lease.claim().payload);
    if (!task.ok()) return lease.End(task.status());
    std::make_shared<RangeRead>(lease, *std::move(task))->Begin();
  }

 private:
  PipelineContext& context_;
};

}  // namespace

std::unique_ptr<JobStage> MakeArchiveParseStage(PipelineContext& context) {
  return std::make_unique<ArchiveParseStage>(context);
}

}  // namespace sluice
