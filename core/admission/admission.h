// Admission: says yes or a typed no at the front door, before work is accepted. Pure.
#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace sluice {

struct AdmissionLimits {
  int64_t max_queued_jobs = 4'000'000;  // in all, not done
  int64_t min_free_disk_bytes = 512 << 20;
  int64_t max_bytes_in_flight = 256 << 20;  // of requests being taken in
  int max_uploads = 64;                     // open at once
};

// What the decision is taken on.
struct AdmissionState {
  int64_t queued_jobs = 0;
  int64_t free_disk_bytes = INT64_MAX;
  int64_t bytes_in_flight = 0;
  int open_uploads = 0;
  double jobs_per_second = 0;  // recent; 0 unknown
  bool draining = false;
};

struct AdmissionRequest {
  int64_t jobs = 0;  // 0 for an upload's start
  int64_t bytes = 0;
  bool upload = false;
};

// OK, or
//   UNAVAILABLE         reason DRAINING
//   RESOURCE_EXHAUSTED  reason QUEUE_FULL, DISK_LOW, TOO_MANY_BYTES or TOO_MANY_UPLOADS
// each with a retry delay. QUEUE_FULL: the time until there is room at the recent rate, within 1 s and 60 s,
// or 1 s where no rate is known; DISK_LOW: 60 s; the others: 1 s. A request over a limit on its own gets
// none, for it never fits. The delays are exact; spreading clients out (jitter) is the server's matter.
absl::Status Admit(const AdmissionLimits& limits, const AdmissionState& state,
                   const AdmissionRequest& request);

}  // namespace sluice
