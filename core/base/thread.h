// Thread: an owned, named std::thread.
#pragma once

#include <string>
#include <thread>

#include "absl/functional/any_invocable.h"
#include "absl/strings/string_view.h"

namespace sluice {

// Joins on destruction: declare it last in its owner and have the owner ask its loop to end first.
class Thread {
 public:
  Thread() = default;
  // `name` shows in debuggers and `top`; Linux keeps 15 bytes of it.
  Thread(absl::string_view name, absl::AnyInvocable<void() &&> body);
  ~Thread() { Join(); }
  Thread(Thread&&) = default;
  Thread& operator=(Thread&& other);

  // Idempotent.
  void Join();

 private:
  std::thread thread_;
};

}  // namespace sluice
