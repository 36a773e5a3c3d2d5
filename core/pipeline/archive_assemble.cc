#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/error_details.h"
#include "core/documents/book_structure.h"
#include "core/pipeline/archive_book.h"
#include "core/pipeline/archive_lease.h"
#include "core/pipeline/job_stages.h"
#include "core/store/library_rules.h"

namespace sluice {
namespace {

constexpr int kPagesAtOnce = 64;
constexpr int kTaskEndsAtOnce = 256;
// Of the structure of a page, roughly, for the batches' fair turns.
constexpr int64_t kStepsPerPage = 50'000;

// A book from its pages' results to its visible edition. The results are read twice: the first time for what
// only the whole book tells, the second to write each page with it. Kept alive by what it waits for.
class Assembly : public std::enable_shared_from_this<Assembly> {
 public:
  Assembly(ArchiveLease lease, std::shared_ptr<const Shelf> shelf, ArchiveDocument document, BookPlan plan)
      : lease_(std::move(lease)),
        shelf_(std::move(shelf)),
        document_(std::move(document)),
        plan_(std::move(plan)),
        key_(PagesKey(InputOf(document_))),
        document_key_{.tenant = shelf_->tenant, .id = DocumentId(shelf_->tenant, document_.source)},
        job_{.batch_id = lease_.claim().batch_id, .job_index = lease_.claim().job_index} {}

  void Begin() {
    lease_.books().Assemble(lease_.lease());
    // The draft of a server that drains stays for whoever goes on.
    lease_.UndoWhenCancelled([library = lease_.parts().library, job = job_] {
      library->DropDraft(job, [](const absl::Status&) {});
    });
    ReadTaskEnds(0);
  }

 private:
  // Why the pages of tasks that failed are missing.
  void ReadTaskEnds(int first) {
    if (plan_.ranges.empty()) return ReadFacts();
    lease_.AskOrEnd<std::vector<TaskEnd>>(
        [self = shared_from_this(), first](Done<std::vector<TaskEnd>> done) {
          self->lease_.queue().ReadTasks(self->job_.batch_id, self->job_.job_index, first, kTaskEndsAtOnce,
                                         std::move(done));
        },
        [self = shared_from_this()](std::vector<TaskEnd> ends) {
          if (ends.empty()) return self->ReadFacts();
          const int next = ends.back().task + 1;
          self->NoteFailedTasks(std::move(ends));
          self->ReadTaskEnds(next);
        });
  }

  void NoteFailedTasks(std::vector<TaskEnd> ends) {
    for (TaskEnd& end : ends) {
      const bool known = end.task >= 0 && end.task < static_cast<int>(plan_.ranges.size());
      if (end.kind == OutcomeKind::kSucceeded || !known) continue;
      failed_ranges_[plan_.ranges[static_cast<size_t>(end.task)]] = std::move(end);
    }
  }

  void ReadFacts() {
    lease_.AskOrEnd<std::vector<StoredPage>>(
        [self = shared_from_this()](Done<std::vector<StoredPage>> done) {
          self->lease_.parts().library->ReadResults(FactsKey(InputOf(self->document_)), 1, 1,
                                                    std::move(done));
        },
        [self = shared_from_this()](const std::vector<StoredPage>& stored) {
          absl::StatusOr<DocumentFacts> facts = absl::DataLossError("the facts of the document are gone");
          if (!stored.empty()) facts = DecodeFacts(stored.front().page);
          if (!facts.ok()) return self->lease_.End(facts.status());
          self->facts_ = *std::move(facts);
          self->structure_.emplace(self->facts_);
          self->Observe(1);
        });
  }

  void Observe(int first) {
    ReadResults(first, [self = shared_from_this()](std::vector<StoredPage> stored) {
      if (stored.empty()) return self->ConcludeStructure();
      const int next = stored.back().number + 1;
      self->Offload(
          [self, stored = std::move(stored)] {
            for (const StoredPage& result : stored) self->ObserveOne(result);
            return kStepsPerPage * static_cast<int64_t>(stored.size());
          },
          [self, next] { self->Observe(next); });
    });
  }

  void ObserveOne(const StoredPage& result) {
    if (result.error_code != absl::StatusCode::kOk) return;
    const absl::StatusOr<Page> page = DecodePage(result.page);
    if (!page.ok()) return;  // the second pass stores it as failed
    structure_->Observe(*page);
    ++good_pages_;
  }

  void ConcludeStructure() {
    if (good_pages_ == 0 && plan_.pages > 0) return FailWithoutPages();
    Offload(
        [self = shared_from_this()] {
          self->structure_->Conclude();
          return kStepsPerPage;
        },
        [self = shared_from_this()] { self->ReadBefore(); });
  }

  void FailWithoutPages() {
    ReadResults(1, [self = shared_from_this()](const std::vector<StoredPage>& stored) {
      const StoredPage first = stored.empty() ? self->MissingPage(1) : stored.front();
      self->lease_.End(WithReason(
          absl::Status(first.error_code,
                       absl::StrCat("no page could be read; page ", first.number, ": ", first.error_message)),
          first.error_reason));
    });
  }

  void ReadBefore() {
    lease_.Ask<StoredDocument>(
        [self = shared_from_this()](Done<StoredDocument> done) {
          self->lease_.parts().library->GetDocument(self->document_key_, std::move(done));
        },
        [self = shared_from_this()](absl::StatusOr<StoredDocument> before) {
          if (!before.ok() && !absl::IsNotFound(before.status())) return self->lease_.End(before.status());
          self->BeginDraft(before.ok() ? &*before : nullptr);
        });
  }

  void BeginDraft(const StoredDocument* before) {
    EditionHead head{.content = document_.content,
                     .options = EditionOptions(shelf_->spec, document_),
                     .profile = shelf_->spec.profile,
                     .format = document_.format,
                     .source = document_.source,
                     .title = TitleOf(document_, facts_, before),
                     .labels = LabelsOf(document_, before),
                     .facts = EncodeFacts(facts_),
                     .pages = plan_.pages};
    lease_.AskOrEnd(
        [self = shared_from_this(), head = std::move(head)](Done<void> done) {
          self->lease_.parts().library->BeginDraft(self->document_key_, self->job_, head, std::move(done));
        },
        [self = shared_from_this()] { self->WriteFrom(1); });
  }

  void WriteFrom(int first) {
    if (first > plan_.pages) return Publish();
    ReadResults(first, [self = shared_from_this(), first](std::vector<StoredPage> stored) {
      auto written = std::make_shared<std::vector<StoredPage>>();
      self->Offload(
          [self, first, written, stored = std::move(stored)]() mutable {
            *written = self->EditionPages(first, std::move(stored));
            return kStepsPerPage * static_cast<int64_t>(written->size());
          },
          [self, written] { self->WriteDraft(written); });
    });
  }

  // From `first` on, without a gap: a page that has no result is one that failed.
  std::vector<StoredPage> EditionPages(int first, std::vector<StoredPage> stored) const {
    std::vector<StoredPage> pages;
    int number = first;
    for (StoredPage& result : stored) {
      while (number < result.number && pages.size() < kPagesAtOnce) pages.push_back(MissingPage(number++));
      if (pages.size() == kPagesAtOnce) return pages;
      if (number++ == result.number) pages.push_back(EditionPage(std::move(result)));
    }
    if (!stored.empty()) return pages;
    while (number <= plan_.pages && pages.size() < kPagesAtOnce) pages.push_back(MissingPage(number++));
    return pages;
  }

  StoredPage EditionPage(StoredPage result) const {
    if (result.error_code != absl::StatusCode::kOk) return result;
    absl::StatusOr<Page> page = DecodePage(result.page);
    if (!page.ok()) return FailedPage(result.number, page.status());
    structure_->Apply(*page);
    result.page = EncodePage(*page);
    result.body_key = BodyKey(*page);
    result.degraded = absl::StrJoin(page->degraded, ",");
    result.blank = page->decision.source == PageSource::kBlank;
    return result;
  }

  StoredPage MissingPage(int number) const {
    const auto failed = failed_ranges_.find((number - 1) / kPagesPerTask);
    if (failed == failed_ranges_.end() || failed->second.kind != OutcomeKind::kFailed) {
      return FailedPage(number, WithReason(absl::InternalError("it has no result"), "PAGE_MISSING"));
    }
    const TaskEnd& why = failed->second;
    return FailedPage(number, WithReason(absl::Status(why.error_code, why.error_message), why.error_reason));
  }

  void WriteDraft(const std::shared_ptr<std::vector<StoredPage>>& pages) {
    const int next = pages->back().number + 1;
    lease_.AskOrEnd(
        [self = shared_from_this(), pages](Done<void> done) {
          self->lease_.parts().library->PutDraftPages(self->job_, *pages, std::move(done));
        },
        [self = shared_from_this(), next] { self->WriteFrom(next); });
  }

  void Publish() {
    lease_.AskOrEnd<StoredDocument>(
        [self = shared_from_this()](Done<StoredDocument> done) {
          self->lease_.parts().library->PublishDraft(self->job_, self->plan_.reused, std::move(done));
        },
        [self = shared_from_this()](const StoredDocument& made) {
          NewOutcome outcome{.kind = OutcomeKind::kSucceeded};
          outcome.result = self->lease_.parts().codec->EncodeArchived(ArchivedOf(made));
          self->lease_.Finish(std::move(outcome));
          self->lease_.books().Admit();
        });
  }

  void ReadResults(int first, absl::AnyInvocable<void(std::vector<StoredPage>) &&> then) {
    lease_.AskOrEnd<std::vector<StoredPage>>(
        [self = shared_from_this(), first](Done<std::vector<StoredPage>> done) {
          self->lease_.parts().library->ReadResults(self->key_, first, kPagesAtOnce, std::move(done));
        },
        std::move(then));
  }

  void Offload(SharedWork work, Closure then) {
    lease_.loop().Offload(
        job_.batch_id, [self = shared_from_this(), work = std::move(work), then = std::move(then)]() mutable {
          const int64_t steps = std::move(work)();
          self->lease_.loop().Post([self, then = std::move(then)]() mutable {
            if (!self->lease_.Over()) std::move(then)();
          });
          return steps;
        });
  }

  ArchiveLease lease_;
  const std::shared_ptr<const Shelf> shelf_;
  const ArchiveDocument document_;
  const BookPlan plan_;
  const ResultKey key_;
  const DocumentKey document_key_;
  const DraftKey job_;
  std::map<int, TaskEnd> failed_ranges_;
  DocumentFacts facts_;
  std::optional<BookStructure> structure_;  // offloaded work's, one at a time
  int good_pages_ = 0;                      // alike
};

class ArchiveAssembleStage final : public JobStage {
 public:
  explicit ArchiveAssembleStage(PipelineContext& context) : context_(context), shelves_(context) {}

  void Start(LeasePtr claimed) override {
    const ArchiveLease lease(context_, std::move(claimed));
    absl::StatusOr<BookPlan> plan = DecodeBookPlan(lease.claim().artifact);
    if (!plan.ok()) return lease.End(plan.status());
    shelves_.Get(lease, [lease, plan = *std::move(plan)](std::shared_ptr<const Shelf> shelf,
                                                         ArchiveDocument document) mutable {
      std::make_shared<Assembly>(lease, std::move(shelf), std::move(document), std::move(plan))->Begin();
    });
  }

 private:
  PipelineContext& context_;
  Shelves shelves_;
};

}  // namespace

std::unique_ptr<JobStage> MakeArchiveAssembleStage(PipelineContext& context) {
  return std::make_unique<ArchiveAssembleStage>(context);
}

}  // namespace sluice
