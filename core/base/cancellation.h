// Cancellation: a caller's "no longer wanted", read by whoever still holds the work.
#pragma once

#include <atomic>
#include <memory>

namespace sluice {

// Copyable, cheap, thread-safe. A default-made token is never cancelled.
class CancellationToken {
 public:
  CancellationToken() = default;
  bool cancelled() const { return flag_ != nullptr && flag_->load(std::memory_order_acquire); }

 private:
  friend class CancellationSource;
  explicit CancellationToken(std::shared_ptr<const std::atomic<bool>> flag) : flag_(std::move(flag)) {}
  std::shared_ptr<const std::atomic<bool>> flag_;
};

// Thread-safe. Cancel is idempotent and never taken back.
class CancellationSource {
 public:
  void Cancel() { flag_->store(true, std::memory_order_release); }
  bool cancelled() const { return flag_->load(std::memory_order_acquire); }
  CancellationToken token() const { return CancellationToken(flag_); }

 private:
  std::shared_ptr<std::atomic<bool>> flag_ = std::make_shared<std::atomic<bool>>(false);
};

}  // namespace sluice
