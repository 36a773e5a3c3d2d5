#include "core/batching/batch_policy.h"

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <optional>
#include <queue>
#include <tuple>

namespace sluice {
namespace {

// One class's look-ahead window while a batch is chosen: offers its works in the order they should go.
class Window {
 public:
  Window(absl::Span<const WaitingWork> works, int look_ahead_works, absl::Duration aged_before)
      : works_(works),
        aged_before_(aged_before),
        oldest_offered_(works.empty()),
        room_(look_ahead_works - 1) {}

  // The batch's first text is known: offer what is close to it.
  void GroupAround(int64_t tokens) {
    group_tokens_ = tokens;
    LetIn();
  }

  bool empty() const { return oldest_offered_ && offers_.empty(); }
  bool at_oldest() const { return !oldest_offered_; }
  int next() const { return at_oldest() ? 0 : std::get<int>(offers_.top()); }
  int64_t next_tokens() const { return works_[next()].tokens; }
  bool next_is_aged() const { return IsAged(next()); }

  void Take() {
    Skip();
    ++room_;
    if (group_tokens_.has_value()) LetIn();
  }

  // A work that is passed over keeps its place in the window.
  void Skip() {
    if (at_oldest()) {
      oldest_offered_ = true;
    } else {
      offers_.pop();
    }
  }

 private:
  // Least goes first: aged before young, then (when young) by distance in length, then by age.
  using Offer = std::tuple<bool, int64_t, int>;

  bool IsAged(int index) const { return works_[index].submitted <= aged_before_; }

  void LetIn() {
    for (; room_ > 0 && seen_ < static_cast<int>(works_.size()); --room_, ++seen_) {
      const bool young = !IsAged(seen_);
      offers_.emplace(young, young ? std::abs(works_[seen_].tokens - *group_tokens_) : 0, seen_);
    }
  }

  const absl::Span<const WaitingWork> works_;
  const absl::Duration aged_before_;
  bool oldest_offered_;
  int room_;      // how many more the window takes in
  int seen_ = 1;  // works that are or were in the window
  std::optional<int64_t> group_tokens_;
  std::priority_queue<Offer, std::vector<Offer>, std::greater<>> offers_;
};

using Windows = std::array<Window, kNumWorkClasses>;

// Least goes first: aged before young (where age is heeded), an opener before others, then by virtual start,
// interactive on a tie.
using Rank = std::tuple<bool, bool, double, int>;

// The class whose turn it is; nullopt when none has anything left to offer.
std::optional<int> NextClass(const Windows& windows, const ClassShares& shares, bool opening, bool heed_age) {
  std::optional<Rank> best;
  for (int c = 0; c < kNumWorkClasses; ++c) {
    if (windows[c].empty()) continue;
    const bool young = !(heed_age && windows[c].next_is_aged());
    const Rank rank = {young, !(opening && shares.opens_next[c]), shares.start[c], c};
    if (!best.has_value() || rank < *best) best = rank;
  }
  if (!best.has_value()) return std::nullopt;
  return std::get<int>(*best);
}

// The class of a batch of one class only.
std::optional<int> OnlyClass(const Windows& windows, ClassShares& shares) {
  const std::optional<int> by_share = NextClass(windows, shares, true, false);
  const std::optional<int> by_age = NextClass(windows, shares, true, !shares.opened_by_age);
  shares.opened_by_age = by_age != by_share;
  return by_age;
}

void Charge(ClassShares& shares, const Windows& windows, int work_class, double cost) {
  double least_start = shares.start[work_class];
  for (int c = 0; c < kNumWorkClasses; ++c) {
    if (!windows[c].empty()) least_start = std::min(least_start, shares.start[c]);
  }
  shares.now = std::max(shares.now, least_start);
  shares.start[work_class] += cost;
}

}  // namespace

absl::Status CheckWanted(const EncodeWork& work, absl::Duration now) {
  if (work.cancellation.cancelled()) return absl::CancelledError("cancelled while waiting to be encoded");
  if (work.deadline <= now) return absl::DeadlineExceededError("deadline passed while waiting to be encoded");
  return absl::OkStatus();
}

void ClassShares::BecomeBacklogged(WorkClass work_class) {
  const int c = static_cast<int>(work_class);
  start[c] = std::max(start[c], now);
  opens_next[c] = false;
}

int VisibleWorks(const SchedulerOptions& options, const MicroBatchLimits& limits) {
  return options.look_ahead_works + limits.max_jobs;
}

BatchChoice ChooseBatch(const std::array<absl::Span<const WaitingWork>, kNumWorkClasses>& waiting,
                        absl::Duration now, const MicroBatchLimits& limits, const SchedulerOptions& options,
                        const ClassShares& shares) {
  const absl::Duration aged_before = now - options.max_age;
  Windows windows = {Window(waiting[0], options.look_ahead_works, aged_before),
                     Window(waiting[1], options.look_ahead_works, aged_before)};
  BatchChoice choice = {.shares = shares};
  const bool beside_interactive = now - shares.interactive_came < options.interactive_memory;
  std::optional<int> only;
  if (beside_interactive) only = OnlyClass(windows, choice.shares);
  const bool small = only == static_cast<int>(WorkClass::kBulk);
  const int64_t max_tokens = small ? std::min(limits.max_tokens, limits.max_bulk_tokens) : limits.max_tokens;
  int64_t tokens = 0;
  do {
    const bool opening = choice.picks.empty();
    const std::optional<int> c = only.has_value() ? only : NextClass(windows, choice.shares, opening, true);
    if (!c.has_value() || windows[*c].empty()) break;
    Window& window = windows[*c];
    const int64_t next_tokens = window.next_tokens();
    const bool fits = opening || tokens + next_tokens <= max_tokens;
    if (window.at_oldest()) choice.shares.opens_next[*c] = !fits;
    if (!fits) {
      window.Skip();
      continue;
    }
    tokens += next_tokens;
    choice.picks.push_back({static_cast<WorkClass>(*c), window.next()});
    Charge(choice.shares, windows, *c, static_cast<double>(next_tokens) / options.weight[*c]);
    window.Take();
    if (opening) {
      for (Window& each : windows) each.GroupAround(next_tokens);
    }
  } while (tokens < max_tokens && static_cast<int>(choice.picks.size()) < limits.max_jobs);
  return choice;
}

}  // namespace sluice
