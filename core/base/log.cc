#include "core/base/log.h"

#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <mutex>
#include <utility>

#include "core/base/escape_text.h"
#include "core/base/log_file.h"
#include "core/base/status_macros.h"
#include "core/base/utf8_boundary.h"

namespace sluice {
namespace {

constexpr char kTextPattern[] = "%Y-%m-%dT%H:%M:%S.%e%z %^%L%$ %v";
constexpr char kJsonPattern[] = R"({"time":"%Y-%m-%dT%H:%M:%S.%e%z","level":"%l","message":"%v"})";

spdlog::level::level_enum ToSpdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarning:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

struct Sink {
  std::shared_ptr<spdlog::logger> logger;
  bool json = false;
};

Sink MakeDefaultSink() {
  auto logger =
      std::make_shared<spdlog::logger>("sluice", std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
  logger->set_pattern(kTextPattern);
  return {std::move(logger), false};
}

Sink& TheSink() {
  static Sink* const sink = new Sink(MakeDefaultSink());
  return *sink;
}

// Says how many lines the disk refused, once it takes one again.
class FileSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit FileSink(std::unique_ptr<LogFile> file) : file_(std::move(file)) {}

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    if (lost_ > 0 && !Write({message.logger_name, spdlog::level::warn, LostText()})) {
      ++lost_;
      return;
    }
    lost_ = Write(message) ? 0 : 1;
  }
  void flush_() override {}

 private:
  std::string LostText() const { return absl::StrCat("lines that could not be written before: ", lost_); }
  bool Write(const spdlog::details::log_msg& message) {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    return file_->Write({line.data(), line.size()});
  }

  const std::unique_ptr<LogFile> file_;
  int64_t lost_ = 0;
};

std::string EscapeJson(absl::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          constexpr char kHex[] = "0123456789abcdef";
          absl::StrAppend(&out, "\\u00", std::string(1, kHex[c >> 4]), std::string(1, kHex[c & 15]));
        } else {
          out += c;
        }
    }
  }
  return out;
}

}  // namespace

absl::Status ConfigureLog(const LogOptions& options) {
  Sink sink = MakeDefaultSink();
  if (!options.file.empty()) {
    SLUICE_ASSIGN_OR_RETURN(std::unique_ptr<LogFile> file, LogFile::Open(options.file));
    sink.logger = std::make_shared<spdlog::logger>("sluice", std::make_shared<FileSink>(std::move(file)));
  }
  sink.json = options.json;
  sink.logger->set_pattern(options.json ? kJsonPattern : kTextPattern);
  sink.logger->set_level(ToSpdlog(options.level));
  TheSink() = std::move(sink);
  return absl::OkStatus();
}

bool LogEnabled(LogLevel level) {
  return TheSink().logger->should_log(ToSpdlog(level));
}

void WriteLog(LogLevel level, absl::string_view message) {
  const Sink& sink = TheSink();
  const std::string text = sink.json ? EscapeJson(RepairedUtf8(message)) : EscapeText(message);
  sink.logger->log(ToSpdlog(level), "{}", text);
}

}  // namespace sluice
