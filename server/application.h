// Application: the composition root, the only place that names concrete parts. Builds them in the order in
// which data flows and takes them down in reverse.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "core/base/clock.h"
#include "server/config/config.h"
#include "server/encoder_source.h"

namespace sluice {

// Thread-safe, but for Drain and destruction, which are one thread's.
class Application {
 public:
  // Starts everything and returns when it serves. `clock` and `source` must outlive it. Failures name what
  // was wrong; those with reason MODEL_UNUSABLE or DEVICE_UNUSABLE are the user's to mend (exit 2), the
  // others the machine's; so are those with LIMIT_TOO_LOW. `on_failed` is called at most once, on a thread of
  // its own, when the store answers nothing any more or the server is lost: Drain, end the process and let
  // the next start recover what is on disk.
  static absl::StatusOr<std::unique_ptr<Application>> Start(Config config, EncoderSource& source,
                                                            const Clock& clock,
                                                            std::function<void()> on_failed = nullptr);

  // Without Drain it ends at once: what was not committed is left to the next start.
  virtual ~Application() = default;

  // With bound ports.
  virtual const std::string& grpc_address() const = 0;
  virtual const std::string& admin_address() const = 0;

  // /readyz and health turn, no batch is admitted, running work is committed or given back within
  // config.drain_timeout, calls end. A failed store is not waited for. Blocks. Idempotent.
  virtual void Drain() = 0;

  // Thread-safe.
  virtual bool store_failed() const = 0;
  // It does not reach its own gRPC port any more.
  virtual bool lost() const = 0;

  // Copies the store into backups/TIME.db of the data directory while everything goes on; the log says how it
  // went. Does not wait for it.
  virtual void Backup() = 0;
};

}  // namespace sluice
