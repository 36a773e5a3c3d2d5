// LogFile: a file that lines are added to, found again when its name was given to another.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace sluice {

// Not thread-safe. Blocks for the disk, not for a FIFO's reader.
class LogFile {
 public:
  // Adds to what is there. UNAVAILABLE names the path and the cause.
  static absl::StatusOr<std::unique_ptr<LogFile>> Open(const std::string& path);
  ~LogFile();
  LogFile(const LogFile&) = delete;
  LogFile& operator=(const LogFile&) = delete;

  // `line` with its end; whether the disk took it. Looks for the file first: one that was renamed or removed,
  // as by logrotate, is made anew, and where that fails the line goes where the last one went.
  bool Write(absl::string_view line);

 private:
  LogFile(std::string path, int descriptor);
  void Follow();
  bool Add(absl::string_view text);

  const std::string path_;
  int descriptor_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
  bool torn_ = false;  // the file ends within a line
};

}  // namespace sluice
