// PostingPages: a batch's jobs page by page, the next page read while the last one is worked on.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "core/pipeline/pipeline_context.h"

namespace sluice {

using PostingPage = std::shared_ptr<const std::vector<StoredJob>>;  // empty: no more

// At most two pages of 256 postings and some 1 MiB are in memory: the one handed out and the one read ahead.
// Loop thread only.
class PostingPages {
 public:
  using Then = std::function<void(absl::StatusOr<PostingPage> page)>;

  // From the job `first_index` on. `context` must outlive it.
  PostingPages(PipelineContext& context, LeasePtr lease, int64_t first_index = 0)
      : context_(context), lease_(std::move(lease)), next_index_(first_index) {}

  // Hands the next page to `then` and reads ahead. One Next at a time. `owner` owns this and is kept alive by
  // what is under way; `then` must not own it.
  void Next(std::shared_ptr<void> owner, Then then);

 private:
  void Read(std::shared_ptr<void> owner);
  void HandOut(std::shared_ptr<void> owner);

  PipelineContext& context_;
  const LeasePtr lease_;
  int64_t next_index_;
  bool reading_ = false;
  std::optional<absl::StatusOr<PostingPage>> ahead_;
  Then then_;
};

}  // namespace sluice
