#include "core/base/thread.h"

#include <pthread.h>

#include <utility>

namespace sluice {
namespace {

void NameThisThread(std::string name) {
  name.resize(std::min<size_t>(name.size(), 15));
#if defined(__APPLE__)
  pthread_setname_np(name.c_str());
#else
  pthread_setname_np(pthread_self(), name.c_str());
#endif
}

}  // namespace

Thread::Thread(absl::string_view name, absl::AnyInvocable<void() &&> body, ThreadPriority priority)
    : thread_([name = std::string(name), body = std::move(body), priority]() mutable {
        NameThisThread(std::move(name));
        if (priority == ThreadPriority::kUnhurried) RunUnhurried();
        if (priority == ThreadPriority::kBackground) RunInBackground();
        std::move(body)();
      }) {}

Thread& Thread::operator=(Thread&& other) noexcept {
  Join();
  thread_ = std::move(other.thread_);
  return *this;
}

void Thread::Join() {
  if (thread_.joinable()) thread_.join();
}

}  // namespace sluice
