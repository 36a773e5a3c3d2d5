// ResultFeed: outcomes of a batch to whoever follows it, from any sequence number, in commit order, without
// gaps.
//
// The store holds the outcomes; the feed only wakes its subscribers after a commit and reads pages for them,
// so a slow reader costs no memory: it reads its next page when it is ready for one.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "core/store/batch_catalog.h"
#include "core/store/result_reader.h"

namespace sluice {

struct FeedOptions {
  int max_subscriptions = 4096;
  int page_outcomes = 128;  // 1..256
};

struct FeedPage {
  std::vector<Outcome> outcomes;  // consecutive sequence numbers; empty only when `finished`
  bool finished = false;          // the batch is terminal and this is all of it
};

// One follower. Thread-safe. Destroying it is how to unsubscribe; `done` of a pending Next is then never
// called.
class FeedSubscription {
 public:
  virtual ~FeedSubscription() = default;

  // Answers the next page once there is one: `done` runs on the store's thread, the feed's, Close's or
  // inline, and must not block; it may call Next. One Next at a time. UNAVAILABLE when the feed is closed,
  // NOT_FOUND when the batch is another tenant's or was deleted, OUT_OF_RANGE beyond its last outcome. After
  // an error the position is what it was: another Next goes on from there.
  virtual void Next(absl::AnyInvocable<void(absl::StatusOr<FeedPage>) &&> done) = 0;
};

// Thread-safe. One thread ("results") makes all of its calls to the store. Owns the store's listener slot for
// outcomes through OnOutcomes, which the application forwards.
class ResultFeed {
 public:
  static absl::StatusOr<std::unique_ptr<ResultFeed>> Create(FeedOptions options, BatchCatalog& catalog,
                                                            ResultReader& results);
  virtual ~ResultFeed() = default;

  // `after_sequence` 0 starts at the beginning. RESOURCE_EXHAUSTED (reason TOO_MANY_STREAMS) at the bound.
  virtual absl::StatusOr<std::unique_ptr<FeedSubscription>> Subscribe(BatchKey batch,
                                                                      int64_t after_sequence) = 0;

  // Called by the application when `batch_id` changed. Must not block; may be called from the store's thread.
  virtual void OnOutcomes(const std::string& batch_id) = 0;

  // Ends every pending Next with UNAVAILABLE and refuses more.
  virtual void Close() = 0;
};

}  // namespace sluice
