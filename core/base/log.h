// Log: one line an event, for people (text) or machines (JSON). Never log postings, profiles or texts:
// personal data.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace sluice {

enum class LogLevel { kDebug, kInfo, kWarning, kError };

struct LogOptions {
  LogLevel level = LogLevel::kInfo;
  std::string file;   // empty: standard error. Made anew when it is renamed or removed
  bool json = false;  // {"time":…,"level":…,"message":…} a line
};

// Call once before threads start; without it, level info as text on standard error. UNAVAILABLE names a file
// that cannot be written.
absl::Status ConfigureLog(const LogOptions& options);

// Thread-safe. Lines below the level cost one comparison.
void WriteLog(LogLevel level, absl::string_view message);
bool LogEnabled(LogLevel level);

template <typename... Parts>
void Log(LogLevel level, const Parts&... parts) {
  if (LogEnabled(level)) WriteLog(level, absl::StrCat(parts...));
}

}  // namespace sluice
