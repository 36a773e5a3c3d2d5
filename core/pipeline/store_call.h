// CallStore: a call of the store that is tried again while the store is busy, full or away.
#pragma once

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "core/pipeline/pipeline_loop.h"
#include "core/store/done.h"

namespace sluice {

// Busy, full or away: the same call may do later. Anything else is the store's final word.
inline bool IsTransientStoreError(const absl::Status& status) {
  return absl::IsResourceExhausted(status) || absl::IsUnavailable(status);
}

template <typename T>
class RetryingStoreCall : public std::enable_shared_from_this<RetryingStoreCall<T>> {
 public:
  using Issue = absl::AnyInvocable<void(Done<T>)>;
  using Then = absl::AnyInvocable<void(AnswerOf<T>) &&>;

  RetryingStoreCall(PipelineLoop& loop, Issue issue, absl::AnyInvocable<bool()> give_up, Then then)
      : loop_(loop), issue_(std::move(issue)), give_up_(std::move(give_up)), then_(std::move(then)) {}

  void Try() {
    issue_(loop_.Answer<AnswerOf<T>>(
        [self = this->shared_from_this()](AnswerOf<T> answer) { self->OnAnswer(std::move(answer)); }));
  }

 private:
  void OnAnswer(AnswerOf<T> answer) {
    if (answer.ok() || !IsTransientStoreError(StatusOf(answer)) || give_up_()) {
      std::move(then_)(std::move(answer));
      return;
    }
    loop_.After(delay_, [self = this->shared_from_this()] { self->Try(); });
    delay_ = std::min(2 * delay_, absl::Seconds(1));
  }

  PipelineLoop& loop_;
  Issue issue_;
  absl::AnyInvocable<bool()> give_up_;
  Then then_;
  absl::Duration delay_ = absl::Milliseconds(10);
};

// Loop thread. Calls `issue` (once a try: it must be able to make its arguments again) until the answer is
// final or `give_up` says so after a failure; `then` gets the last answer on the loop's thread.
template <typename T>
void CallStore(PipelineLoop& loop, typename RetryingStoreCall<T>::Issue issue,
               absl::AnyInvocable<bool()> give_up, typename RetryingStoreCall<T>::Then then) {
  std::make_shared<RetryingStoreCall<T>>(loop, std::move(issue), std::move(give_up), std::move(then))->Try();
}

}  // namespace sluice
