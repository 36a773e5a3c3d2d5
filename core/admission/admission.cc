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

absl::Status CheckMemory(const AdmissionLimits& limits, const AdmissionState& state) {
  if (state.memory_bytes <= limits.max_memory_bytes) return absl::OkStatus();
  return Refuse(
      "MEMORY_LOW",
      absl::StrCat("the server holds ", state.memory_bytes, " bytes of memory and takes in nothing beyond ",
                   limits.max_memory_bytes, ": try later"),
      kShortDelay);
}

absl::Duration TimeUntilRoom(int64_t excess_jobs, double jobs_per_second) {
  if (!(jobs_per_second > 0)) return kShortDelay;
  return std::clamp(absl::Seconds(static_cast<double>(excess_jobs) / jobs_per_second), kShortDelay,
                    kLongDelay);
}

struct JobBound {
  const char* reason;
  const char* whose;  // " of a tenant"
  int64_t limit;
  int64_t queued;
};

absl::Status CheckJobs(const JobBound& bound, const AdmissionState& state, const AdmissionRequest& request) {
  const int64_t room = bound.limit - bound.queued;
  // An upload brings its jobs later: it starts while there is room for one.
  const int64_t jobs = request.upload ? std::max<int64_t>(request.jobs, 1) : request.jobs;
  if (jobs <= room) return absl::OkStatus();
  const std::string limit = absl::StrCat("at most ", bound.limit, " jobs", bound.whose, " may be queued");
  if (jobs > bound.limit) {
    return Refuse(bound.reason, absl::StrCat(limit, "; this batch has ", jobs, ": send fewer at once"),
                  std::nullopt);
  }
  return Refuse(
      bound.reason,
      absl::StrCat(limit, " and now ", bound.queued, " are; no room for ", jobs, " more: try later"),
      TimeUntilRoom(jobs - room, state.jobs_per_second));
}

absl::Status CheckQueue(const AdmissionLimits& limits, const AdmissionState& state,
                        const AdmissionRequest& request) {
  return CheckJobs({"QUEUE_FULL", "", limits.max_queued_jobs, state.queued_jobs}, state, request);
}

absl::Status CheckTenant(const AdmissionLimits& limits, const AdmissionState& state,
                         const AdmissionRequest& request) {
  return CheckJobs(
      {"TENANT_QUEUE_FULL", " of a tenant", limits.max_queued_jobs_per_tenant, state.tenant_queued_jobs},
      state, request);
}

absl::Status CheckExpiry(const AdmissionLimits&, const AdmissionState& state,
                         const AdmissionRequest& request) {
  const int64_t jobs_before = state.queued_jobs - state.unrated_jobs;
  // The rate of a server with nothing to do is what came, not what it can do.
  if (!(state.jobs_per_second > 0) || jobs_before <= 0) return absl::OkStatus();
  const absl::Duration own = absl::Seconds(static_cast<double>(request.jobs) / state.jobs_per_second);
  const absl::Duration all = own + absl::Seconds(static_cast<double>(jobs_before) / state.jobs_per_second);
  if (all <= request.expires_after) return absl::OkStatus();
  const std::string message =
      absl::StrCat("at the present ", state.jobs_per_second, " jobs/s this batch would end in ",
                   absl::FormatDuration(absl::Trunc(all, absl::Seconds(1))), ", but it expires in ",
                   absl::FormatDuration(request.expires_after));
  if (own > request.expires_after) {
    return Refuse("DEADLINE_TOO_SHORT", absl::StrCat(message, ": send fewer at once or let it live longer"),
                  std::nullopt);
  }
  return Refuse("DEADLINE_TOO_SHORT", absl::StrCat(message, ": try later or let it live longer"),
                std::clamp(all - request.expires_after, kShortDelay, kLongDelay));
}

absl::Status CheckCalls(const AdmissionLimits& limits, const AdmissionState& state) {
  if (state.calls < limits.max_calls) return absl::OkStatus();
  return Refuse(
      "TOO_MANY_CALLS",
      absl::StrCat(state.calls, " calls are being answered, at most ", limits.max_calls, ": try later"),
      kShortDelay);
}

std::string RoundedText(absl::Duration duration) {
  return absl::FormatDuration(absl::Trunc(duration, absl::Milliseconds(1)));
}

absl::Status CheckDeadline(const CallLoad& load, const CallRequest& call) {
  if (!(load.tokens_per_second > 0)) return absl::OkStatus();
  const absl::Duration own = absl::Seconds(static_cast<double>(call.tokens) / load.tokens_per_second);
  const absl::Duration wait = ExpectedWait(load, call.patient);
  if (wait + own <= call.time_left) return absl::OkStatus();
  const std::string message =
      absl::StrCat("this call takes about ", RoundedText(wait + own), ", longer than the ",
                   RoundedText(std::max(absl::ZeroDuration(), call.time_left)), " left until its deadline");
  if (own > call.time_left) {
    return Refuse("DEADLINE_TOO_SHORT", absl::StrCat(message, ": send fewer texts at once or give it longer"),
                  std::nullopt);
  }
  return Refuse("DEADLINE_TOO_SHORT", absl::StrCat(message, ": try later"),
                std::clamp(wait, kShortDelay, kLongDelay));
}

absl::Status CheckOverload(const CallLoad& load, const CallRequest& call) {
  const absl::Duration wait = ExpectedWait(load, call.patient);
  // The rate may have been judged too well: what the oldest has waited shows it.
  const bool too_long =
      wait > (load.overloaded ? 1 : 2) * load.target_wait || load.oldest_wait > 1.5 * load.target_wait;
  if (call.patient || !too_long) return absl::OkStatus();
  return Refuse("QUEUE_OVERLOADED",
                absl::StrCat("more calls come than the device manages: this one would wait about ",
                             RoundedText(std::max(wait, load.oldest_wait)), ": try again later"),
                kShortDelay);
}

}  // namespace

absl::Duration ExpectedWait(const CallLoad& load, bool patient) {
  if (!(load.tokens_per_second > 0)) return absl::ZeroDuration();
  const int64_t before = load.prompt_tokens + (patient ? load.patient_tokens : 0);
  return absl::Seconds(static_cast<double>(before) / load.tokens_per_second);
}

absl::Status AdmitCall(const AdmissionLimits& limits, const AdmissionState& state, const CallLoad& load,
                       const CallRequest& request) {
  for (const absl::Status& checked :
       {CheckMemory(limits, state), CheckBytes(limits, state, {.bytes = request.bytes}),
        CheckCalls(limits, state), CheckDeadline(load, request), CheckOverload(load, request)}) {
    if (!checked.ok()) return checked;
  }
  return absl::OkStatus();
}

absl::Status AdmitStream(const AdmissionLimits& limits, const AdmissionState& state) {
  if (state.streams < limits.max_streams) return absl::OkStatus();
  return Refuse("TOO_MANY_STREAMS",
                absl::StrCat(state.streams, " streams are open, at most ", limits.max_streams, ": try later"),
                kShortDelay);
}

absl::Status Admit(const AdmissionLimits& limits, const AdmissionState& state,
                   const AdmissionRequest& request) {
  if (state.draining) return DrainingError();
  if (absl::Status status = CheckMemory(limits, state); !status.ok()) return status;
  for (const auto check : {CheckDisk, CheckUploads, CheckBytes, CheckQueue, CheckTenant, CheckExpiry}) {
    if (absl::Status status = check(limits, state, request); !status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace sluice
