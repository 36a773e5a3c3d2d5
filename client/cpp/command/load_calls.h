// LoadCalls: how a load generator reaches the server: many calls in flight over some connections, none
// retried.
#pragma once

#include <memory>
#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "sluice/v1/batches.pb.h"
#include "sluice/v1/embeddings.pb.h"

namespace sluice {

// Thread-safe.
class LoadCalls {
 public:
  using Done = absl::AnyInvocable<void(absl::Status) &&>;
  virtual ~LoadCalls() = default;

  // Never blocks. `done` is called exactly once, on any thread, at the latest a little after `timeout`.
  virtual void Start(v1::EmbedRequest request, absl::Duration timeout, Done done) = 0;
  // The same of a batch: it is answered once it is durable, not when it is done.
  virtual void StartBatch(v1::CreateBatchRequest request, absl::Duration timeout, Done done) = 0;

  // Calls whose `done` has not returned.
  virtual int in_flight() const = 0;
  // Blocks until there are fewer than `calls`, at least 1, in flight.
  virtual void WaitForFewerThan(int calls) = 0;
};

// Over `connections` >= 1 connections of their own in turn, since a server bounds the streams of each. Blocks
// until they stand; UNAVAILABLE names the address. Every call has ended before it is destroyed.
absl::StatusOr<std::unique_ptr<LoadCalls>> ConnectLoadCalls(const std::string& address, int connections);

}  // namespace sluice
