#include "server/library_logs.h"

#include <google/protobuf/stubs/common.h>
#if GOOGLE_PROTOBUF_VERSION < 4022000
#include <google/protobuf/stubs/logging.h>
#endif
#include <grpc/support/log.h>
#include <grpcpp/version_info.h>

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/base/clock.h"
#include "core/base/log.h"

namespace sluice {
namespace {

constexpr double kMostLines = 10;
constexpr double kLinesPerSecond = 1;

LineBudget& Budget() {
  static LineBudget* const budget = new LineBudget;
  return *budget;
}

struct Line {
  absl::string_view library;
  absl::string_view file;
  int number = 0;
  absl::string_view message;
};

absl::string_view FileName(absl::string_view path) {
  return path.substr(path.rfind('/') + 1);  // npos + 1 is 0
}

void Write(LogLevel level, const Line& line) {
  if (!LogEnabled(level)) return;
  const std::optional<int64_t> left_out = Budget().Take(Clock::Real().MonotonicNow());
  if (!left_out.has_value()) return;
  const std::string before =
      *left_out == 0 ? "" : absl::StrCat(" (", *left_out, " lines of libraries before it were left out)");
  WriteLog(level, absl::StrCat(line.library, " at ", FileName(line.file), ":", line.number, ": ",
                               WithoutQuotes(line.message), before));
}

// The process ends after it: nothing may be missing.
void WriteLast(const Line& line) {
  WriteLog(LogLevel::kError,
           absl::StrCat(line.library, " at ", FileName(line.file), ":", line.number, ": ", line.message));
}

// Later releases of both log through Abseil.
#if GRPC_CPP_VERSION_MAJOR == 1 && GRPC_CPP_VERSION_MINOR < 65
void OnGrpcLine(gpr_log_func_args* args) {
  const Line line = {"gRPC", args->file, args->line, args->message};
  if (absl::StartsWith(line.message, "assertion failed")) return WriteLast(line);
  Write(args->severity == GPR_LOG_SEVERITY_ERROR ? LogLevel::kWarning : LogLevel::kDebug, line);
}

void RouteGrpc() {
  gpr_set_log_function(&OnGrpcLine);
}
#else
void RouteGrpc() {}
#endif

#if GOOGLE_PROTOBUF_VERSION < 4022000
void OnProtobufLine(google::protobuf::LogLevel level, const char* file, int number,
                    const std::string& message) {
  const Line line = {"protobuf", file, number, message};
  if (level == google::protobuf::LOGLEVEL_FATAL) return WriteLast(line);
  Write(level == google::protobuf::LOGLEVEL_INFO ? LogLevel::kDebug : LogLevel::kWarning, line);
}

void RouteProtobuf() {
  google::protobuf::SetLogHandler(&OnProtobufLine);
}
#else
void RouteProtobuf() {}
#endif

}  // namespace

void RouteLibraryLogs() {
  RouteGrpc();
  RouteProtobuf();
}

std::optional<int64_t> LineBudget::Take(absl::Duration now) {
  MutexLock lock(mutex_);
  const double earned = kLinesPerSecond * absl::ToDoubleSeconds(now - counted_at_);
  lines_ = std::min(kMostLines, lines_ + earned);
  counted_at_ = now;
  if (lines_ < 1) {
    ++left_out_;
    return std::nullopt;
  }
  --lines_;
  return std::exchange(left_out_, 0);
}

std::string WithoutQuotes(absl::string_view message) {
  const size_t end = message.find_first_of(":=\"'`([{<\n");
  if (end == absl::string_view::npos) return std::string(message);
  return absl::StrCat(message.substr(0, end), "… (what may quote a client is left out)");
}

}  // namespace sluice
