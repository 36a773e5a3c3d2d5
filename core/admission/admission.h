// Admission: says yes or a typed no at the front door, before work is accepted. Pure.
#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace sluice {

struct AdmissionLimits {
  int64_t max_queued_jobs = 4'000'000;  // in all, not done
  int64_t max_queued_jobs_per_tenant = 2'000'000;
  int64_t min_free_disk_bytes = 512 << 20;
  int64_t max_memory_bytes = INT64_MAX;     // of this process, beyond which nothing more is taken in
  int64_t max_bytes_in_flight = 256 << 20;  // of requests being taken in
  int max_uploads = 64;                     // open at once
  int max_calls = 1024;                     // interactive, at once
  int max_streams = 4096;                   // of progress, at once
};

// What the decision is taken on.
struct AdmissionState {
  int64_t queued_jobs = 0;
  int64_t unrated_jobs = 0;        // of queued_jobs: wait for a model that is not here, or no rate is of them
  int64_t tenant_queued_jobs = 0;  // of the tenant that asks
  int64_t free_disk_bytes = INT64_MAX;
  int64_t memory_bytes = 0;
  int64_t bytes_in_flight = 0;
  int open_uploads = 0;
  int calls = 0;
  int streams = 0;
  double jobs_per_second = 0;  // recent; 0 unknown
  bool draining = false;
};

// A batch or a part of one.
struct AdmissionRequest {
  int64_t jobs = 0;  // 0 for an upload's start
  int64_t bytes = 0;
  bool upload = false;
  absl::Duration expires_after = absl::InfiniteDuration();
};

// OK, or
//   UNAVAILABLE         reason DRAINING
//   RESOURCE_EXHAUSTED  reason MEMORY_LOW, DISK_LOW, TOO_MANY_UPLOADS, TOO_MANY_BYTES, QUEUE_FULL,
//                       TENANT_QUEUE_FULL or DEADLINE_TOO_SHORT (at the recent rate the batch would expire
//                       first)
// each with a retry delay. QUEUE_FULL and its like: the time until there is room at the recent rate, within 1
// s and 60 s, or 1 s where no rate is known; DISK_LOW: 60 s; the others: 1 s. A request over a limit on its
// own gets none, for it never fits. The delays are exact; spreading clients out is
// core/admission/retry_spread.h.
absl::Status Admit(const AdmissionLimits& limits, const AdmissionState& state,
                   const AdmissionRequest& request);

// What is known of the scheduler when an interactive call comes.
struct CallLoad {
  int64_t prompt_tokens = 0;                              // of interactive work that waits, but for
  int64_t patient_tokens = 0;                             // those of large calls, which give way to them
  double tokens_per_second = 0;                           // what interactive work gets of it all; 0 unknown
  absl::Duration oldest_wait;                             // of the former
  absl::Duration target_wait = absl::InfiniteDuration();  // Codel's
  bool overloaded = false;                                // Codel's queue stands
};

struct CallRequest {
  int64_t bytes = 0;
  int64_t tokens = 0;                                   // about
  absl::Duration time_left = absl::InfiniteDuration();  // until the caller's deadline
  bool patient = false;                                 // large: refused only when it cannot be in time
};

// How long a call that came now would wait for a device, at the recent rate; zero where none is known. Only a
// patient one waits for the large calls that came before it.
absl::Duration ExpectedWait(const CallLoad& load, bool patient);

// For an interactive call, which touches no store. OK, or RESOURCE_EXHAUSTED with a retry delay, reason
//  * MEMORY_LOW, TOO_MANY_BYTES, TOO_MANY_CALLS
//  * DEADLINE_TOO_SHORT: it cannot be answered within the caller's deadline; without a delay where an idle
//    server could not either.
//  * QUEUE_OVERLOADED: it would wait longer than twice the target, or once while the queue stands, or the
//    oldest has waited one and a half times: short of the two at which the scheduler drops, so that nearly
//    all refusals are given here, at once.
absl::Status AdmitCall(const AdmissionLimits& limits, const AdmissionState& state, const CallLoad& load,
                       const CallRequest& request);

// For a stream of progress: RESOURCE_EXHAUSTED, reason TOO_MANY_STREAMS, with a retry delay of 1 s.
absl::Status AdmitStream(const AdmissionLimits& limits, const AdmissionState& state);

}  // namespace sluice
