// Thread: an owned, named std::thread.
#pragma once

#include <string>
#include <thread>

#include "absl/functional/any_invocable.h"
#include "absl/strings/string_view.h"

namespace sluice {

// kBackground gives way to every other thread of the process that wants to run; where the platform cannot
// (only Linux can), it is as kNormal.
enum class ThreadPriority { kNormal, kBackground };

// Joins on destruction: declare it last in its owner and have the owner ask its loop to end first.
class Thread {
 public:
  Thread() = default;
  // `name` shows in debuggers and `top`; Linux keeps 15 bytes of it.
  Thread(absl::string_view name, absl::AnyInvocable<void() &&> body,
         ThreadPriority priority = ThreadPriority::kNormal);
  ~Thread() { Join(); }
  Thread(Thread&&) = default;
  Thread& operator=(Thread&& other);

  // Idempotent.
  void Join();

 private:
  std::thread thread_;
};

// Of the calling thread; what a platform's own file does.
void RunInBackground();

}  // namespace sluice
