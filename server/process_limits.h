// ProcessLimits: what the system lets this process have, as in setrlimit(2), and whether a server can live
// with it.
#pragma once

#include <cstdint>

#include "absl/status/statusor.h"

namespace sluice {

// Descriptors that are no connections to the gRPC port: those of the admin port, and files.
inline constexpr int kReservedDescriptors = 256;
inline constexpr int kLeastConnections = 16;

// Raises the soft limit of open descriptors to the hard one. Where that fails the limit stays. Call before
// threads start.
void RaiseDescriptorLimit();

// Makes the allocator give large blocks back to the system when they are freed, and, where the address space
// is limited, keeps it from reserving most of that. Call before threads start.
void SetUpAllocator();

// INT64_MAX: none.
int64_t DescriptorLimit();
int64_t AddressSpaceLimit();  // the lesser one of RLIMIT_AS and RLIMIT_DATA

// What is held of `resident_bytes` before the mark at which nothing more is taken in. Address space counts as
// well where little of it is left, for a process that gets no more of it aborts. Pure.
struct HeldMemory {
  int64_t resident_bytes = 0;
  int64_t virtual_bytes = 0;                // without what the allocator has free
  int64_t mark_bytes = INT64_MAX;           // of resident memory
  int64_t address_space_bytes = INT64_MAX;  // the limit
};
int64_t HeldBytes(const HeldMemory& memory);

// Of gRPC's buffers, which hold what came before the door could say no. Pure but for the limit on address
// space.
int64_t TransportQuota(int64_t mark_bytes);

// FAILED_PRECONDITION (LIMIT_TOO_LOW) names the limit where the system does not give the threads of a server
// on so many cores, or the memory for their stacks and its work. Gives all of it back.
absl::Status CheckThreadsAndMemory(int cores);

// `wanted`, or as many as `descriptors` leave. FAILED_PRECONDITION (LIMIT_TOO_LOW) names the limit where even
// kLeastConnections do not fit. Pure.
absl::StatusOr<int> ConnectionsWithin(int wanted, int64_t descriptors);

}  // namespace sluice
