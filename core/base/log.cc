#include "core/base/log.h"

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>

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
    try {
      sink.logger = std::make_shared<spdlog::logger>(
          "sluice", std::make_shared<spdlog::sinks::basic_file_sink_mt>(options.file));
    } catch (const spdlog::spdlog_ex& error) {
      return absl::UnavailableError(absl::StrCat("log file ", options.file, ": ", error.what()));
    }
    sink.logger->flush_on(spdlog::level::info);
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
  const std::string text = sink.json ? EscapeJson(RepairedUtf8(message)) : std::string(message);
  sink.logger->log(ToSpdlog(level), "{}", text);
}

}  // namespace sluice
