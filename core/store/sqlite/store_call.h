// StoreCall: a call of a store on its way through the store's thread.
#pragma once

#include <memory>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "core/store/done.h"

namespace sluice {

// What a call does to the disk: kFrees makes room in the end, or those that do need it.
enum class CallEffect { kReads, kWrites, kFrees };

class StoreCall {
 public:
  explicit StoreCall(CallEffect effect) : effect_(effect) {}
  virtual ~StoreCall() = default;
  CallEffect effect() const { return effect_; }
  // Inside the transaction; perhaps a second time, when the first one came to nothing. An error undoes what
  // this call wrote, and nothing else.
  virtual absl::Status Run() = 0;
  // Of the last Run.
  virtual absl::Status answer() const = 0;
  // Once: OK after the commit, or why the transaction as a whole failed, or that the call was refused.
  virtual void Finish(const absl::Status& transaction) = 0;

 private:
  const CallEffect effect_;
};

// A call with its answer, which `body` makes.
template <typename Answer, typename Body>
class AnsweringCall final : public StoreCall {
 public:
  AnsweringCall(CallEffect effect, Body body, absl::AnyInvocable<void(Answer) &&> done)
      : StoreCall(effect), body_(std::move(body)), done_(std::move(done)) {}

  absl::Status Run() override {
    answer_ = body_();
    return answer();
  }

  absl::Status answer() const override { return StatusOf(answer_); }

  void Finish(const absl::Status& transaction) override {
    if (!transaction.ok()) answer_ = transaction;
    std::move(done_)(std::move(answer_));
  }

 private:
  Body body_;
  absl::AnyInvocable<void(Answer) &&> done_;
  Answer answer_ = absl::UnknownError("not run");
};

// Makes one that calls `method` of `tables`, which must outlive it, with `args`.
template <typename Tables, typename Answer, typename... Params, typename... Args>
std::unique_ptr<StoreCall> CallOf(Tables& tables, CallEffect effect, absl::AnyInvocable<void(Answer) &&> done,
                                  Answer (Tables::*method)(Params...), Args... args) {
  auto body = [&tables, method, ... args = std::move(args)] { return (tables.*method)(args...); };
  return std::make_unique<AnsweringCall<Answer, decltype(body)>>(effect, std::move(body), std::move(done));
}

}  // namespace sluice
