#include "core/pipeline/posting_pages.h"

#include <utility>

#include "core/pipeline/store_call.h"

namespace sluice {
namespace {

constexpr int kPagePostings = 256;

}  // namespace

void PostingPages::Next(std::shared_ptr<void> owner, Then then) {
  then_ = std::move(then);
  if (ahead_.has_value()) {
    HandOut(std::move(owner));
  } else if (!reading_) {
    Read(std::move(owner));
  }
}

void PostingPages::Read(std::shared_ptr<void> owner) {
  reading_ = true;
  CallStore<std::vector<StoredJob>>(
      *context_.loop,
      [this, owner](Done<std::vector<StoredJob>> done) {
        context_.parts.queue->ReadJobs(lease_->claim.batch_id, next_index_, kPagePostings, std::move(done));
      },
      [lease = lease_] { return lease->stop != StopReason::kNone; },
      [this, owner](absl::StatusOr<std::vector<StoredJob>> jobs) {
        reading_ = false;
        if (jobs.ok()) {
          if (!jobs->empty()) next_index_ = jobs->back().index + 1;
          ahead_ = std::make_shared<const std::vector<StoredJob>>(*std::move(jobs));
        } else {
          ahead_ = jobs.status();
        }
        if (then_) HandOut(owner);
      });
}

void PostingPages::HandOut(std::shared_ptr<void> owner) {
  absl::StatusOr<PostingPage> page = *std::move(ahead_);
  ahead_.reset();
  if (page.ok() && !(*page)->empty()) Read(std::move(owner));
  std::exchange(then_, nullptr)(std::move(page));
}

}  // namespace sluice
