#include "core/pipeline/archive_lease.h"

#include "core/pipeline/archive_book.h"
#include "core/pipeline/stage_ends.h"

namespace sluice {
namespace {

constexpr int kMaxShelves = 64;

}  // namespace

bool ArchiveLease::Over() const {
  if (lease_->ended) return true;
  if (lease_->stop == StopReason::kNone) return false;
  if (lease_->stop == StopReason::kBatchCancelled && undo_) undo_();
  context_->sink->Stop(lease_);
  return true;
}

void ArchiveLease::End(const absl::Status& status) const {
  if (Over()) return;
  if (absl::IsUnavailable(status)) return context_->sink->GiveBack(lease_);
  context_->sink->Finish(lease_, FailedOutcome(status));
}

void ArchiveLease::AskOrEnd(RetryingStoreCall<void>::Issue issue, Closure then) const {
  Ask<void>(std::move(issue), [self = *this, then = std::move(then)](const absl::Status& answer) mutable {
    answer.ok() ? std::move(then)() : self.End(answer);
  });
}

void ArchiveLease::OpenContent(const std::string& content, WithFile then) const {
  using File = std::shared_ptr<const OpenFile>;
  Ask<File>(
      [self = *this, content](Done<File> done) { self.parts().contents->Open(content, std::move(done)); },
      [self = *this, content, then = std::move(then)](absl::StatusOr<File> file) mutable {
        if (!file.ok()) return self.End(ContentError(content, file.status()));
        std::move(then)(*std::move(file));
      });
}

Shelves::Shelves(PipelineContext& context)
    : context_(context),
      shelves_(kMaxShelves, [this](const std::string& batch_id, BatchCache<Shelf>::Done made) {
        context_.parts.queue->ReadBatch(
            batch_id, context_.loop->Answer<absl::StatusOr<Batch>>([this, made = std::move(made)](
                                                                       absl::StatusOr<Batch> batch) mutable {
              if (!batch.ok()) return std::move(made)(batch.status());
              absl::StatusOr<ArchiveSpec> spec = context_.parts.archive.codec->DecodeArchiveSpec(batch->spec);
              if (!spec.ok()) return std::move(made)(spec.status());
              std::move(made)(
                  std::make_shared<const Shelf>(Shelf{.tenant = batch->tenant, .spec = *std::move(spec)}));
            }));
      }) {}

void Shelves::Get(const ArchiveLease& lease, Then then) {
  shelves_.Get(
      lease.claim().batch_id, [this, lease, then = std::move(then)](BatchCache<Shelf>::Answer shelf) mutable {
        if (lease.Over()) return;
        if (!shelf.ok()) return EndUnread(context_, lease.lease(), shelf.status());
        absl::StatusOr<ArchiveDocument> document = lease.parts().codec->DecodeDocument(lease.claim().payload);
        if (!document.ok()) return lease.End(document.status());
        std::move(then)(*shelf, *std::move(document));
      });
}

}  // namespace sluice
