// AwaitStore: calls a BatchStore method and waits for its answer. For threads that may block; never for the
// store's own thread, nor gRPC's.
//
//   absl::StatusOr<Batch> batch = AwaitStore<Batch>([&](auto done) { store.GetBatch("", id, std::move(done));
//   });
#pragma once

#include <optional>
#include <utility>

#include "absl/status/statusor.h"
#include "core/base/notification.h"
#include "core/store/batch_store.h"

namespace sluice {

template <typename T, typename Call>
absl::StatusOr<T> AwaitStore(Call call) {
  Notification ready;
  absl::StatusOr<T> answer = absl::UnknownError("no answer");
  call(BatchStore::Done<T>([&](absl::StatusOr<T> result) {
    answer = std::move(result);
    ready.Notify();
  }));
  ready.Wait();
  return answer;
}

template <typename Call>
absl::Status AwaitStoreStatus(Call call) {
  Notification ready;
  absl::Status answer;
  call(BatchStore::DoneStatus([&](absl::Status result) {
    answer = std::move(result);
    ready.Notify();
  }));
  ready.Wait();
  return answer;
}

}  // namespace sluice
