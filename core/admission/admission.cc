#include "core/admission/admission.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/error_details.h"

namespace sluice {
namespace {

constexpr absl::Duration kShortDelay = absl::Seconds(1);
constexpr absl::Duration kLongDelay = absl::Seconds(60);

absl::Status Refuse(absl::string_view reason, std::string message, std::optional<absl::Duration> delay) {
  absl::Status status = WithReason(absl::ResourceExhaustedError(message), reason);
  return delay.has_value() ? WithRetryDelay(std::move(status), *delay) : status;
}

absl::Status CheckDisk(const AdmissionLimits& limits, const AdmissionState& state,
                       const AdmissionRequest& request) {
  if (state.free_disk_bytes - request.bytes >= limits.min_free_disk_bytes) return absl::OkStatus();
  // Only finished batches that expire, or a person, make room.
  return Refuse("DISK_LOW",
                absl::StrCat("the data directory has ", state.free_disk_bytes, " bytes free; after these ",
                             request.bytes, " it must keep ", limits.min_free_disk_bytes,
                             ": try later or free some disk"),
                kLongDelay);
}

absl::Status CheckUploads(const AdmissionLimits& limits, const AdmissionState& state,
                          const AdmissionRequest& request) {
  if (!request.upload || state.open_uploads < limits.max_uploads) return absl::OkStatus();
  return Refuse(
      "TOO_MANY_UPLOADS",
      absl::StrCat(state.open_uploads, " uploads are open, at most ", limits.max_uploads, ": try later"),
      kShortDelay);
}

absl::Status CheckBytes(const AdmissionLimits& limits, const AdmissionState& state,
                        const AdmissionRequest& request) {
  if (request.bytes <= limits.max_bytes_in_flight - state.bytes_in_flight) return absl::OkStatus();
  const std::string limit =
      absl::StrCat("requests being taken in hold at most ", limits.max_bytes_in_flight, " bytes");
  if (request.bytes > limits.max_bytes_in_flight) {
    return Refuse("TOO_MANY_BYTES",
                  absl::StrCat(limit, "; this one has ", request.bytes, ": send fewer at once"),
                  std::nullopt);
  }
  return Refuse("TOO_MANY_BYTES",
                absl::StrCat(limit, " and now ", state.bytes_in_flight, "; this one has ", request.bytes,
                             ": try later"),
                kShortDelay);
}

absl::Duration TimeUntilRoom(int64_t excess_jobs, double jobs_per_second) {
  if (!(jobs_per_second > 0)) return kShortDelay;
  return std::clamp(absl::Seconds(static_cast<double>(excess_jobs) / jobs_per_second), kShortDelay,
                    kLongDelay);
}

absl::Status CheckQueue(const AdmissionLimits& limits, const AdmissionState& state,
                        const AdmissionRequest& request) {
  const int64_t room = limits.max_queued_jobs - state.queued_jobs;
  // An upload brings its jobs later: it starts while there is room for one.
  const int64_t jobs = request.upload ? std::max<int64_t>(request.jobs, 1) : request.jobs;
  if (jobs <= room) return absl::OkStatus();
  const std::string limit = absl::StrCat("at most ", limits.max_queued_jobs, " jobs may be queued");
  if (jobs > limits.max_queued_jobs) {
    return Refuse("QUEUE_FULL", absl::StrCat(limit, "; this batch has ", jobs, ": send fewer at once"),
                  std::nullopt);
  }
  return Refuse(
      "QUEUE_FULL",
      absl::StrCat(limit, " and now ", state.queued_jobs, " are; no room for ", jobs, " more: try later"),
      TimeUntilRoom(jobs - room, state.jobs_per_second));
}

}  // namespace

absl::Status Admit(const AdmissionLimits& limits, const AdmissionState& state,
                   const AdmissionRequest& request) {
  if (state.draining) {
    return WithRetryDelay(
        WithReason(absl::UnavailableError("the server is shutting down: try another or later"), "DRAINING"),
        kShortDelay);
  }
  for (const auto check : {CheckDisk, CheckUploads, CheckBytes, CheckQueue}) {
    if (absl::Status status = check(limits, state, request); !status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace sluice
