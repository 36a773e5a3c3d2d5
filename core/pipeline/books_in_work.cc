#include "core/pipeline/books_in_work.h"

#include <algorithm>
#include <iterator>

namespace sluice {
namespace {

// Nothing tells of a lease that was stopped, nor of every one that ended.
constexpr absl::Duration kLookAgain = absl::Milliseconds(100);

}  // namespace

void BooksInWork::Enter(LeasePtr split, int most, Closure begin) {
  waiting_.push_back({.split = std::move(split), .most = most, .begin = std::move(begin)});
  Admit();
}

void BooksInWork::GoOn(const Claimed& split) {
  books_[KeyOf(split)] = nullptr;
}

void BooksInWork::Assemble(LeasePtr assembly) {
  const Key key = KeyOf(assembly->claim);
  books_[key] = std::move(assembly);
}

void BooksInWork::OnBatchEnded(const std::string& batch_id) {
  std::erase_if(books_, [&](const auto& book) { return book.first.first == batch_id; });
  Admit();
}

void BooksInWork::Admit() {
  ForgetEnded();
  std::deque<Waiting> still;
  std::deque<Waiting> waiting = std::exchange(waiting_, {});
  for (Waiting& next : waiting) {
    const bool stopped = next.split->stop != StopReason::kNone;
    // One that is claimed alone would wait for others that nobody claims.
    const bool waits = !stopped && !next.split->claim.alone;
    if (waits && OthersInWork(next.split->claim) >= next.most) {
      still.push_back(std::move(next));
      continue;
    }
    if (!stopped) books_[KeyOf(next.split->claim)] = next.split;
    std::move(next.begin)();
  }
  waiting_.insert(waiting_.begin(), std::make_move_iterator(still.begin()),
                  std::make_move_iterator(still.end()));
  if (!waiting_.empty()) LookAgainLater();
}

void BooksInWork::ForgetEnded() {
  std::erase_if(books_, [](const auto& book) { return book.second != nullptr && book.second->ended; });
}

// A book whose split is claimed again, for its end could not be committed, does not wait for itself.
int BooksInWork::OthersInWork(const Claimed& split) const {
  return static_cast<int>(std::count_if(books_.begin(), books_.end(), [&](const auto& book) {
    return book.first.first == split.batch_id && book.first.second != split.job_index;
  }));
}

void BooksInWork::LookAgainLater() {
  if (std::exchange(looks_again_, true)) return;
  loop_.After(kLookAgain, [this] {
    looks_again_ = false;
    Admit();
  });
}

}  // namespace sluice
