#include "core/batching/batch_policy.h"

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <optional>
#include <queue>
#include <tuple>

namespace sluice {
namespace {

// One lane's look-ahead window while a batch is chosen: offers its works in the order they should go.
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
  absl::Duration next_submitted() const { return works_[next()].submitted; }
  bool next_is_aged() const { return IsAged(next()); }
  bool any_call_is_aged() const {
    return !empty() && std::any_of(works_.begin(), works_.end(), [this](const WaitingWork& work) {
      return work.call_came <= aged_before_;
    });
  }

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

using Windows = std::array<Window, kNumLanes>;

int ClassIndex(int lane) {
  return static_cast<int>(ClassOf(static_cast<Lane>(lane)));
}

// Least goes first: aged before young (where age is heeded), an opener before others, then by virtual start,
// interactive on a tie, and within a class by age.
using Rank = std::tuple<bool, bool, double, int, absl::Duration>;

// The lane whose turn it is; nullopt when none has anything left to offer.
std::optional<int> NextLane(const Windows& windows, const ClassShares& shares, bool opening, bool heed_age) {
  std::optional<Rank> best;
  std::optional<int> next;
  for (int lane = 0; lane < kNumLanes; ++lane) {
    if (windows[lane].empty()) continue;
    const bool young = !(heed_age && windows[lane].next_is_aged());
    if (lane == kPatientLane && young && !windows[kPromptLane].empty()) continue;
    const int c = ClassIndex(lane);
    const Rank rank = {young, !(opening && shares.opens_next[lane]), shares.start[c], c,
                       windows[lane].next_submitted()};
    if (best.has_value() && *best <= rank) continue;
    best = rank;
    next = lane;
  }
  return next;
}

// Whether an old large call has the next batch of its class.
bool PatientsTurn(const Windows& windows, const ClassShares& shares) {
  return shares.prompt_went && windows[kPatientLane].any_call_is_aged();
}

// The lane of a batch of one lane only.
std::optional<int> OnlyLane(const Windows& windows, ClassShares& shares) {
  const std::optional<int> by_share = NextLane(windows, shares, true, false);
  const std::optional<int> by_age = NextLane(windows, shares, true, !shares.opened_by_age);
  shares.opened_by_age = by_age != by_share;
  const std::optional<int> lane =
      by_age == kPromptLane && PatientsTurn(windows, shares) ? kPatientLane : by_age;
  if (lane == kPromptLane || lane == kPatientLane) shares.prompt_went = lane == kPromptLane;
  return lane;
}

void Charge(ClassShares& shares, const Windows& windows, int work_class, double cost) {
  double least_start = shares.start[work_class];
  for (int lane = 0; lane < kNumLanes; ++lane) {
    if (!windows[lane].empty()) least_start = std::min(least_start, shares.start[ClassIndex(lane)]);
  }
  shares.now = std::max(shares.now, least_start);
  shares.start[work_class] += cost;
}

// Of the tokens of those lanes that the batch may come from.
int64_t FairShare(const std::array<absl::Span<const WaitingWork>, kNumLanes>& waiting,
                  std::optional<int> only, int sharers, int visible_works) {
  int64_t tokens = 0;
  for (int lane = 0; lane < kNumLanes; ++lane) {
    if (only.value_or(lane) != lane) continue;
    if (static_cast<int>(waiting[lane].size()) >= visible_works) return INT64_MAX;
    for (const WaitingWork& work : waiting[lane]) tokens += work.tokens;
  }
  return (tokens + sharers - 1) / sharers;
}

}  // namespace

absl::Status CheckWanted(const EncodeWork& work, absl::Duration now) {
  if (work.cancellation.cancelled()) return absl::CancelledError("cancelled while waiting to be encoded");
  if (work.deadline <= now) return absl::DeadlineExceededError("deadline passed while waiting to be encoded");
  return absl::OkStatus();
}

void ClassShares::BecomeBacklogged(Lane lane, bool class_was_idle) {
  const int c = static_cast<int>(ClassOf(lane));
  if (class_was_idle) start[c] = std::max(start[c], now);
  opens_next[static_cast<int>(lane)] = false;
}

int VisibleWorks(const SchedulerOptions& options, const MicroBatchLimits& limits) {
  return options.look_ahead_works + limits.max_jobs;
}

BatchChoice ChooseBatch(const std::array<absl::Span<const WaitingWork>, kNumLanes>& waiting,
                        absl::Duration now, const MicroBatchLimits& limits, const SchedulerOptions& options,
                        const ClassShares& shares) {
  const absl::Duration aged_before = now - options.max_age;
  Windows windows = {Window(waiting[0], options.look_ahead_works, aged_before),
                     Window(waiting[1], options.look_ahead_works, aged_before),
                     Window(waiting[2], options.look_ahead_works, aged_before)};
  BatchChoice choice = {.shares = shares};
  const bool beside_prompt = now - shares.prompt_came < options.interactive_memory;
  std::optional<int> only;
  if (limits.only_prompt) {
    const bool prompt = NextLane(windows, shares, false, false) == kPromptLane;
    if (!prompt || PatientsTurn(windows, shares)) return choice;
    only = kPromptLane;
    choice.shares.prompt_went = true;
  } else if (beside_prompt) {
    only = OnlyLane(windows, choice.shares);
  }
  const bool small = only.has_value() && *only != kPromptLane;
  const int64_t max_tokens =
      std::min({limits.max_tokens, small ? limits.max_bulk_tokens : INT64_MAX,
                FairShare(waiting, only, limits.sharers, VisibleWorks(options, limits))});
  int64_t tokens = 0;
  do {
    const bool opening = choice.picks.empty();
    const std::optional<int> lane = only.has_value() ? only : NextLane(windows, choice.shares, opening, true);
    if (!lane.has_value() || windows[*lane].empty()) break;
    Window& window = windows[*lane];
    const int c = ClassIndex(*lane);
    const int64_t next_tokens = window.next_tokens();
    const bool fits = opening || tokens + next_tokens <= max_tokens;
    if (window.at_oldest()) choice.shares.opens_next[*lane] = !fits;
    if (!fits) {
      window.Skip();
      continue;
    }
    tokens += next_tokens;
    choice.picks.push_back({static_cast<Lane>(*lane), window.next()});
    Charge(choice.shares, windows, c, static_cast<double>(next_tokens) / options.weight[c]);
    window.Take();
    if (opening) {
      for (Window& each : windows) each.GroupAround(next_tokens);
    }
  } while (tokens < max_tokens && static_cast<int>(choice.picks.size()) < limits.max_jobs);
  return choice;
}

}  // namespace sluice
