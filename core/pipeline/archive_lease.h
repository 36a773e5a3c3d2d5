// ArchiveLease: the lease of a book, or of a range of its pages, under way: its calls of the stores, and the
// one way that it ends.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "core/pipeline/archive_codec.h"
#include "core/pipeline/batch_cache.h"
#include "core/pipeline/pipeline_context.h"
#include "core/pipeline/store_call.h"

namespace sluice {

// A copy is of the same lease. Loop thread only; `context` must outlive the loop's work.
class ArchiveLease {
 public:
  ArchiveLease(PipelineContext& context, LeasePtr lease) : context_(&context), lease_(std::move(lease)) {}

  const Claimed& claim() const { return lease_->claim; }
  const LeasePtr& lease() const { return lease_; }
  const ArchiveParts& parts() const { return context_->parts.archive; }
  PipelineLoop& loop() const { return *context_->loop; }
  JobMeters& meters() const { return *context_->meters; }
  BooksInWork& books() const { return *context_->books; }
  WorkQueue& queue() const { return *context_->parts.queue; }
  CancellationToken cancellation() const { return lease_->cancellation.token(); }

  // What is to be undone when the batch is cancelled: called once, before the lease ends for it.
  void UndoWhenCancelled(std::function<void()> undo) { undo_ = std::move(undo); }

  // Whether to go no further: stopped from outside. Ends the lease then.
  bool Over() const;

  void Finish(Step step) const { context_->sink->Finish(lease_, std::move(step)); }
  // For `status`, which is not OK: back to the store what may pass (a parser or a store that is away),
  // nothing more when the batch is gone, by its stop reason what was stopped, else FAILED.
  void End(const absl::Status& status) const;

  // A call of a store, tried again while it is busy, full or away. `then` is never called once the lease is
  // over.
  template <typename T>
  void Ask(typename RetryingStoreCall<T>::Issue issue, typename RetryingStoreCall<T>::Then then) const {
    CallStore<T>(
        loop(), std::move(issue), [lease = lease_] { return lease->stop != StopReason::kNone; },
        [self = *this, then = std::move(then)](AnswerOf<T> answer) mutable {
          if (!self.Over()) std::move(then)(std::move(answer));
        });
  }

  // The same where an answer that is not OK ends the lease.
  template <typename T>
  void AskOrEnd(typename RetryingStoreCall<T>::Issue issue, absl::AnyInvocable<void(T) &&> then) const {
    Ask<T>(std::move(issue), [self = *this, then = std::move(then)](absl::StatusOr<T> answer) mutable {
      answer.ok() ? std::move(then)(*std::move(answer)) : self.End(answer.status());
    });
  }
  void AskOrEnd(RetryingStoreCall<void>::Issue issue, Closure then) const;

  // FAILED with CONTENT_MISSING for a content that was removed after the batch was created.
  using WithFile = absl::AnyInvocable<void(std::shared_ptr<const OpenFile>) &&>;
  void OpenContent(const std::string& content, WithFile then) const;

 private:
  PipelineContext* context_;
  LeasePtr lease_;
  std::function<void()> undo_;
};

// The documents of a batch.
struct Shelf {
  std::string tenant;
  ArchiveSpec spec;
};

// What the jobs of a shelf have in common, read once a batch. Owned by a stage; loop thread only.
class Shelves {
 public:
  explicit Shelves(PipelineContext& context);
  // `then` gets it with the lease's own document, unless the lease ends for what went wrong.
  using Then = absl::AnyInvocable<void(std::shared_ptr<const Shelf>, ArchiveDocument) &&>;
  void Get(const ArchiveLease& lease, Then then);

 private:
  PipelineContext& context_;
  BatchCache<Shelf> shelves_;
};

}  // namespace sluice
