#include "client/cpp/command/exit_code.h"

#include "client/cpp/formats/output_file.h"

namespace sluice {

ExitCode ExitCodeOf(const absl::Status& status) {
  if (IsOutputError(status)) return ExitCode::kOutputLost;
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return ExitCode::kDone;
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kOutOfRange:
      return ExitCode::kBadInput;
    case absl::StatusCode::kResourceExhausted:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kUnauthenticated:
      return ExitCode::kRefused;
    case absl::StatusCode::kCancelled:
      return ExitCode::kInterrupted;
    default:
      return ExitCode::kUnreachable;
  }
}

ExitCode ExitCodeOf(v1::Batch::State state) {
  return state == v1::Batch::SUCCEEDED ? ExitCode::kDone : ExitCode::kSomeJobsFailed;
}

bool IsTerminal(v1::Batch::State state) {
  return state >= v1::Batch::SUCCEEDED;
}

}  // namespace sluice
