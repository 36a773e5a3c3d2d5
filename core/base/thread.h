// Thread: an owned, named std::thread.
#pragma once

#include <string>
#include <thread>

#include "absl/functional/any_invocable.h"
#include "absl/strings/string_view.h"

namespace sluice {

// kUnhurried has its full share, but when it wakes it waits for a core rather than taking one from a thread
// in the middle of its work. kBackground gives way to every other thread of the process that wants to run.
// Where the platform cannot (only Linux can), both are as kNormal. Threads that a thread starts begin with
// its priority.
enum class ThreadPriority { kNormal, kUnhurried, kBackground };

// Joins on destruction: declare it last in its owner and have the owner ask its loop to end first.
class Thread {
 public:
  Thread() = default;
  // `name` shows in debuggers and `top`; Linux keeps 15 bytes of it.
  Thread(absl::string_view name, absl::AnyInvocable<void() &&> body,
         ThreadPriority priority = ThreadPriority::kNormal);
  ~Thread() { Join(); }
  Thread(Thread&&) = default;
  Thread& operator=(Thread&& other) noexcept;

  // Idempotent.
  void Join();

 private:
  std::thread thread_;
};

// Of the calling thread; what a platform's own file does.
void RunUnhurried();
void RunInBackground();

}  // namespace sluice
