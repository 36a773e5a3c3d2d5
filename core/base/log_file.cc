#include "core/base/log_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"

namespace sluice {
namespace {

int OpenToAdd(const std::string& path) {
  return open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0644);
}

}  // namespace

absl::StatusOr<std::unique_ptr<LogFile>> LogFile::Open(const std::string& path) {
  const int descriptor = OpenToAdd(path);
  if (descriptor < 0) {
    return absl::UnavailableError(
        absl::StrCat("cannot open the log file ", path, ": ", std::generic_category().message(errno)));
  }
  return std::unique_ptr<LogFile>(new LogFile(path, descriptor));
}

LogFile::LogFile(std::string path, int descriptor) : path_(std::move(path)), descriptor_(descriptor) {
  struct stat file;
  if (fstat(descriptor_, &file) != 0) return;
  device_ = file.st_dev;
  inode_ = file.st_ino;
}

LogFile::~LogFile() {
  close(descriptor_);
}

void LogFile::Follow() {
  struct stat file;
  if (stat(path_.c_str(), &file) == 0 && file.st_dev == device_ && file.st_ino == inode_) return;
  const int descriptor = OpenToAdd(path_);
  if (descriptor < 0) return;
  close(std::exchange(descriptor_, descriptor));
  torn_ = false;
  if (fstat(descriptor_, &file) != 0) return;
  device_ = file.st_dev;
  inode_ = file.st_ino;
}

bool LogFile::Add(absl::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(descriptor_, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    text.remove_prefix(static_cast<size_t>(written));
    torn_ = !text.empty();
  }
  return true;
}

bool LogFile::Write(absl::string_view line) {
  Follow();
  return (!torn_ || Add("\n")) && Add(line);
}

}  // namespace sluice
