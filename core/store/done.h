// Done<T>: how a store answers a call.
#pragma once

#include <type_traits>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace sluice {

// absl::StatusOr<T>; absl::Status where T is void, for calls that answer no more than whether they succeeded.
template <typename T>
struct AnswerType {
  using type = absl::StatusOr<T>;
};
template <>
struct AnswerType<void> {
  using type = absl::Status;
};
template <typename T>
using AnswerOf = typename AnswerType<T>::type;

// Called exactly once. It must not block.
template <typename T>
using Done = absl::AnyInvocable<void(AnswerOf<T>) &&>;

inline absl::Status StatusOf(const absl::Status& answer) {
  return answer;
}
template <typename T>
absl::Status StatusOf(const absl::StatusOr<T>& answer) {
  return answer.status();
}

}  // namespace sluice
