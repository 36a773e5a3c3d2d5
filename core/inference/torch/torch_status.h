// CatchTorch: runs what may throw out of LibTorch and turns what it throws into a status. Only for this
// folder.
#pragma once

#include <ATen/ATen.h>

#include <exception>
#include <new>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace sluice {

// LibTorch's messages run over many lines (dispatch tables, advice to Python users); the first one says what
// happened.
inline std::string FirstLine(absl::string_view message) {
  constexpr size_t kMaxBytes = 300;
  return std::string(message.substr(0, std::min(message.find('\n'), kMaxBytes)));
}

// RESOURCE_EXHAUSTED when host or device is out of memory, else INTERNAL; the message begins with `what`.
template <typename Body>
absl::Status CatchTorch(absl::string_view what, Body&& body) {
  try {
    return std::forward<Body>(body)();
  } catch (const c10::OutOfMemoryError& error) {
    return absl::ResourceExhaustedError(absl::StrCat(what, ": ", FirstLine(error.what_without_backtrace())));
  } catch (const std::bad_alloc&) {
    return absl::ResourceExhaustedError(absl::StrCat(what, ": out of memory"));
  } catch (const c10::Error& error) {
    const std::string message = absl::StrCat(what, ": ", FirstLine(error.what_without_backtrace()));
    // The CPU allocator throws a plain c10::Error; its message is the only mark.
    const bool out_of_memory = absl::StrContains(message, "DefaultCPUAllocator");
    return out_of_memory ? absl::ResourceExhaustedError(message) : absl::InternalError(message);
  } catch (const std::exception& error) {
    return absl::InternalError(absl::StrCat(what, ": ", FirstLine(error.what())));
  }
}

}  // namespace sluice
