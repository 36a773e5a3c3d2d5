// Thread: an owned, named std::thread, and what a thread asks of the system's scheduler.
#pragma once

#include <string>
#include <thread>

#include "absl/functional/any_invocable.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

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

// Asks that a turn of the calling thread on its core, from its next one on, be so long: 0.1 to 100 ms, or
// zero for the system's choice, 0.7 to 3 ms. Threads that are kUnhurried wait for its end; others whose own
// turns are shorter may still break in. Its share of the core stays as it is, and threads that it starts
// begin with the same. False, and nothing happens, where a thread cannot ask: only Linux from 6.12 on lets
// it.
bool SetTimeSlice(absl::Duration length);
absl::Duration TimeSlice();  // of the calling thread; zero where the system does not tell

// Of the calling thread; a platform's own part of ThreadPriority.
void RunUnhurried();
void RunInBackground();

}  // namespace sluice
