// SLUICE_RETURN_IF_ERROR and SLUICE_ASSIGN_OR_RETURN: hand a failed absl::Status to the caller. Same shapes
// as the macros of later Abseil releases, so that they can be swapped out.
#pragma once

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#define SLUICE_RETURN_IF_ERROR(expression)                                                       \
  do {                                                                                           \
    if (absl::Status sluice_status_ = (expression); !sluice_status_.ok()) return sluice_status_; \
  } while (false)

#define SLUICE_MACRO_CONCAT_INNER_(a, b) a##b
#define SLUICE_MACRO_CONCAT_(a, b) SLUICE_MACRO_CONCAT_INNER_(a, b)
#define SLUICE_ASSIGN_OR_RETURN(target, expression) \
  SLUICE_ASSIGN_OR_RETURN_IMPL_(SLUICE_MACRO_CONCAT_(sluice_or_, __LINE__), target, expression)
#define SLUICE_ASSIGN_OR_RETURN_IMPL_(result, target, expression) \
  auto result = (expression);                                     \
  if (!result.ok()) return std::move(result).status();            \
  target = std::move(result).value()
