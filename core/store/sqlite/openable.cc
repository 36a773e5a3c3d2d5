#include "core/store/sqlite/openable.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "core/base/error_details.h"
#include "core/base/status_macros.h"

namespace sluice {
namespace {

std::string DirectoryOf(const std::string& path) {
  const std::string parent = std::filesystem::path(path).parent_path().string();
  return parent.empty() ? "." : parent;
}

absl::Status NotAFile(const std::string& path, absl::string_view kind) {
  return WithReason(absl::UnavailableError(absl::StrCat(
                        path, " is ", kind, ", not a file: move it away or choose another data directory")),
                    "DATA_UNUSABLE");
}

// The owner of what stands in the way: the path itself, or where there is none its directory.
std::string WhoseAndWho(const std::string& path) {
  struct stat found;
  if (stat(path.c_str(), &found) != 0 && stat(DirectoryOf(path).c_str(), &found) != 0) return "";
  return absl::StrCat(" (it belongs to user ", found.st_uid, ", this process runs as user ", geteuid(), ")");
}

}  // namespace

absl::Status CannotUse(absl::string_view what, const std::string& path, int error) {
  std::string message =
      absl::StrCat("cannot ", what, " ", path, ": ", std::generic_category().message(error));
  if (error == EACCES || error == EPERM) absl::StrAppend(&message, WhoseAndWho(path));
  const bool full = error == ENOSPC || error == EDQUOT;
  return WithReason(absl::UnavailableError(message), full ? "DISK_FULL" : "DATA_UNUSABLE");
}

std::string OddKindOf(const std::string& path) {
  std::error_code error;
  switch (std::filesystem::status(path, error).type()) {
    case std::filesystem::file_type::directory:
      return "a directory";
    case std::filesystem::file_type::fifo:
      return "a FIFO";
    case std::filesystem::file_type::socket:
      return "a socket";
    case std::filesystem::file_type::block:
    case std::filesystem::file_type::character:
      return "a device";
    default:
      return "";
  }
}

absl::Status CheckOpenable(const std::string& path) {
  for (const std::string& file : {path, path + "-wal"}) {
    if (const std::string kind = OddKindOf(file); !kind.empty()) return NotAFile(file, kind);
  }
  // Not by access(): that knows neither links that lead nowhere nor every file system.
  const int descriptor = open(path.c_str(), O_RDWR | O_CREAT | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0644);
  if (descriptor < 0) return CannotUse("open", path, errno);
  close(descriptor);
  const std::string directory = DirectoryOf(path);
  if (faccessat(AT_FDCWD, directory.c_str(), W_OK | X_OK, AT_EACCESS) != 0) {
    return CannotUse("write in the directory", directory, errno);
  }
  return absl::OkStatus();
}

std::string LockHolderOf(const std::string& path) {
  const int descriptor = open(path.c_str(), O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (descriptor < 0) return "";
  struct flock lock = {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  const int asked = fcntl(descriptor, F_GETLK, &lock);
  close(descriptor);
  if (asked != 0 || lock.l_type == F_UNLCK || lock.l_pid <= 0) return "";
  return absl::StrCat(" and is process ", lock.l_pid);
}

}  // namespace sluice
