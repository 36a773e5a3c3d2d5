#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/base/error_details.h"
#include "core/pipeline/archive_book.h"
#include "core/pipeline/archive_lease.h"
#include "core/pipeline/job_stages.h"
#include "core/store/library_rules.h"

namespace sluice {
namespace {

// One book on its way to its tasks. Kept alive by what it waits for.
class BookSplit : public std::enable_shared_from_this<BookSplit> {
 public:
  BookSplit(ArchiveLease lease, std::shared_ptr<const Shelf> shelf, ArchiveDocument document)
      : lease_(std::move(lease)),
        shelf_(std::move(shelf)),
        document_(std::move(document)),
        input_(InputOf(document_)) {}

  void Begin() {
    lease_.books().Enter(lease_.lease(), shelf_->spec.books_at_once, [self = shared_from_this()] {
      if (!self->lease_.Over()) self->LookForEdition();
    });
  }

 private:
  void LookForEdition() {
    const DocumentKey key{.tenant = shelf_->tenant, .id = DocumentId(shelf_->tenant, document_.source)};
    lease_.Ask<StoredDocument>(
        [self = shared_from_this(), key](Done<StoredDocument> done) {
          self->lease_.parts().library->GetDocument(key, std::move(done));
        },
        [self = shared_from_this()](absl::StatusOr<StoredDocument> there) {
          if (there.ok() && IsUnchanged(*there, self->shelf_->spec, self->document_)) {
            return self->FinishUnchanged(*there);
          }
          if (!there.ok() && !absl::IsNotFound(there.status())) return self->lease_.End(there.status());
          self->lease_.OpenContent(self->document_.content, [self](std::shared_ptr<const OpenFile> file) {
            self->file_ = std::move(file);
            self->ReadFacts();
          });
        });
  }

  void FinishUnchanged(const StoredDocument& there) {
    ArchivedDocument archived = ArchivedOf(there);
    archived.reused_pages = archived.pages;
    archived.unchanged = true;
    NewOutcome outcome{.kind = OutcomeKind::kSucceeded};
    outcome.result = lease_.parts().codec->EncodeArchived(archived);
    lease_.Finish(std::move(outcome));
    lease_.books().Admit();
  }

  void ReadFacts() {
    lease_.AskOrEnd<std::vector<StoredPage>>(
        [self = shared_from_this()](Done<std::vector<StoredPage>> done) {
          self->lease_.parts().library->ReadResults(FactsKey(self->input_), 1, 1, std::move(done));
        },
        [self = shared_from_this()](const std::vector<StoredPage>& stored) {
          if (stored.empty()) return self->Describe();
          const absl::StatusOr<DocumentFacts> facts = DecodeFacts(stored.front().page);
          if (!facts.ok()) return self->Describe();
          self->ListPages(facts->pages);
        });
  }

  void Describe() {
    lease_.parts().parser->Describe(SourceOf(input_, file_), lease_.cancellation(),
                                    lease_.loop().Answer<absl::StatusOr<DocumentFacts>>(
                                        [self = shared_from_this()](absl::StatusOr<DocumentFacts> facts) {
                                          if (!facts.ok()) return self->lease_.End(facts.status());
                                          if (!self->lease_.Over()) self->StoreFacts(*facts);
                                        }));
  }

  void StoreFacts(const DocumentFacts& facts) {
    lease_.AskOrEnd(
        [self = shared_from_this(), bytes = EncodeFacts(facts)](Done<void> done) {
          self->lease_.parts().library->PutResults(FactsKey(self->input_), {{.number = 1, .page = bytes}},
                                                   std::move(done));
        },
        [self = shared_from_this(), pages = facts.pages] { self->ListPages(pages); });
  }

  void ListPages(int pages) {
    lease_.AskOrEnd<std::vector<int>>(
        [self = shared_from_this(), pages](Done<std::vector<int>> done) {
          self->lease_.parts().library->ListResults(PagesKey(self->input_), 1, pages, std::move(done));
        },
        [self = shared_from_this(), pages](const std::vector<int>& known) {
          self->GoOn(PlanBook(pages, known));
        });
  }

  void GoOn(const BookPlan& plan) {
    lease_.books().GoOn(lease_.claim());
    lease_.meters().CountPages(PageOutcome::kReused, plan.reused);
    if (plan.ranges.empty()) {
      return lease_.Finish(Advance{.next = Stage::kArchiveAssemble, .artifact = EncodePlan(plan)});
    }
    FanOut fan_out{.stage = Stage::kArchiveParse, .tasks = {}, .next = Stage::kArchiveAssemble};
    for (const int range : plan.ranges) {
      fan_out.tasks.push_back(EncodeTask(TaskOfRange(range, plan.pages, input_)));
    }
    fan_out.artifact = EncodePlan(plan);
    lease_.Finish(std::move(fan_out));
  }

  const ArchiveLease lease_;
  const std::shared_ptr<const Shelf> shelf_;
  const ArchiveDocument document_;
  const ParseInput input_;
  std::shared_ptr<const OpenFile> file_;
};

class ArchiveSplitStage final : public JobStage {
 public:
  explicit ArchiveSplitStage(PipelineContext& context) : context_(context), shelves_(context) {}

  void Start(LeasePtr claimed) override {
    const ArchiveLease lease(context_, std::move(claimed));
    shelves_.Get(lease, [lease](std::shared_ptr<const Shelf> shelf, ArchiveDocument document) {
      std::make_shared<BookSplit>(lease, std::move(shelf), std::move(document))->Begin();
    });
  }

 private:
  PipelineContext& context_;
  Shelves shelves_;
};

}  // namespace

std::unique_ptr<JobStage> MakeArchiveSplitStage(PipelineContext& context) {
  return std::make_unique<ArchiveSplitStage>(context);
}

}  // namespace sluice
