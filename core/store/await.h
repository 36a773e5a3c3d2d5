// AwaitStore: calls a store method and waits for its answer. For threads that may block; never for the
// store's own thread, nor gRPC's.
//
//   absl::StatusOr<Batch> batch = AwaitStore<Batch>([&](auto done) { store.GetBatch(name, std::move(done));
//   });
#pragma once

#include <optional>
#include <utility>

#include "core/base/notification.h"
#include "core/store/done.h"

namespace sluice {

template <typename T, typename Call>
AnswerOf<T> AwaitStore(Call call) {
  Notification ready;
  std::optional<AnswerOf<T>> answer;
  call(Done<T>([&](AnswerOf<T> result) {
    answer = std::move(result);
    ready.Notify();
  }));
  ready.Wait();
  return *std::move(answer);
}

}  // namespace sluice
