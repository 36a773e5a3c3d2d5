#include "client/cpp/formats/output_target.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "client/cpp/formats/input_place.h"
#include "core/base/status_macros.h"

namespace sluice {
namespace {

namespace fs = std::filesystem;

constexpr int kMaxLinks = 40;  // as many as Linux follows
constexpr mode_t kPermissions = 0777;

// What stat says; nothing where there is no such file.
absl::StatusOr<std::optional<struct stat>> Look(const std::string& name, const std::string& path) {
  struct stat found{};
  if (stat(path.c_str(), &found) == 0) return std::optional(found);
  if (errno == ENOENT) return std::optional<struct stat>();
  return InputError({name}, std::strerror(errno));
}

bool Same(const struct stat& one, const struct stat& other) {
  return one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

// Of a name for one of our own descriptors. Such a name may look like a link to a file; that file is not to
// be replaced, for whoever gave us the descriptor reads it there.
std::optional<int> DescriptorOf(const std::string& path) {
  const std::string normal = fs::path(path).lexically_normal().string();
  if (normal == "/dev/stdin") return STDIN_FILENO;
  if (normal == "/dev/stdout") return STDOUT_FILENO;
  if (normal == "/dev/stderr") return STDERR_FILENO;
  const std::string own = absl::StrCat("/proc/", getpid(), "/fd/");
  for (const absl::string_view folder :
       {"/dev/fd/", "/proc/self/fd/", "/proc/thread-self/fd/", own.c_str()}) {
    absl::string_view number = normal;
    int descriptor = -1;
    if (absl::ConsumePrefix(&number, folder) && absl::SimpleAtoi(number, &descriptor) && descriptor >= 0)
      return descriptor;
  }
  return std::nullopt;
}

// Follows the links at the end of target.path until it names no link, or a descriptor of ours.
absl::Status FollowLinks(OutputTarget& target) {
  for (int links = 0; links <= kMaxLinks; ++links) {
    if (const std::optional<int> descriptor = DescriptorOf(target.path); descriptor.has_value()) {
      target.kind = OutputTarget::Kind::kDescriptor;
      target.descriptor = *descriptor;
      return absl::OkStatus();
    }
    std::error_code error;
    const fs::path link(target.path);
    if (!fs::is_symlink(fs::symlink_status(link, error))) return absl::OkStatus();
    const fs::path next = fs::read_symlink(link, error);
    if (error) return InputError({target.name}, error.message());
    target.path = next.is_absolute() ? next.string() : (link.parent_path() / next).string();
  }
  return InputError({target.name}, absl::StrCat("a circle of symbolic links, or more than ", kMaxLinks));
}

// Whether `path` lies within the directory `folder`.
bool LiesWithin(const std::string& path, const struct stat& folder) {
  std::error_code error;
  fs::path parent = fs::weakly_canonical(fs::absolute(path, error), error).parent_path();
  for (struct stat found{}; !error; parent = parent.parent_path()) {
    if (stat(parent.c_str(), &found) == 0 && Same(found, folder)) return true;
    if (parent == parent.parent_path()) return false;
  }
  return false;
}

absl::Status CheckInputs(const OutputTarget& target, const std::optional<struct stat>& found,
                         const std::vector<std::string>& inputs) {
  for (const std::string& input : inputs) {
    struct stat read{};
    if (stat(input.c_str(), &read) != 0) continue;  // whoever reads it says so
    const bool same = found.has_value() && S_ISREG(found->st_mode) && Same(*found, read);
    if (same) {
      return InputError({target.name}, absl::StrCat("is the input ", input,
                                                    " itself, which would be lost; give another output"));
    }
    if (S_ISDIR(read.st_mode) && target.kind == OutputTarget::Kind::kFile && LiesWithin(target.path, read)) {
      return InputError({target.name},
                        absl::StrCat("lies within the input ", input, "; give another output"));
    }
  }
  return absl::OkStatus();
}

// A table that goes to the file that is replaced would vanish with it.
absl::Status CheckStandardStreams(const OutputTarget& target, const struct stat& found) {
  for (const int descriptor : {STDOUT_FILENO, STDERR_FILENO}) {
    struct stat open{};
    if (fstat(descriptor, &open) == 0 && Same(found, open)) {
      const char* const stream = descriptor == STDOUT_FILENO ? "output" : "error";
      return InputError({target.name},
                        absl::StrCat("is where standard ", stream, " goes; give another output, or /dev/std",
                                     descriptor == STDOUT_FILENO ? "out" : "err"));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckFile(OutputTarget& target, const struct stat& found) {
  SLUICE_RETURN_IF_ERROR(CheckStandardStreams(target, found));
  if (access(target.path.c_str(), W_OK) != 0) return InputError({target.name}, std::strerror(errno));
  SLUICE_ASSIGN_OR_RETURN(const auto followed, Look(target.name, target.path));
  struct stat link{};
  if (!followed.has_value() || !Same(found, *followed) ||
      (lstat(target.path.c_str(), &link) == 0 && S_ISLNK(link.st_mode))) {
    return InputError({target.name}, "its links lead to a file that has no name any more");
  }
  target.owner = OutputTarget::Owner{found.st_mode & kPermissions, found.st_uid, found.st_gid};
  return absl::OkStatus();
}

absl::Status Classify(OutputTarget& target, const std::optional<struct stat>& found) {
  if (target.kind == OutputTarget::Kind::kDescriptor || !found.has_value()) return absl::OkStatus();
  if (S_ISREG(found->st_mode)) return CheckFile(target, *found);
  if (S_ISDIR(found->st_mode)) return InputError({target.name}, "is a directory; name a file in it");
  if (S_ISBLK(found->st_mode)) return InputError({target.name}, "is a block device, which is not written to");
  target.kind = S_ISSOCK(found->st_mode) ? OutputTarget::Kind::kSocket : OutputTarget::Kind::kStream;
  target.path = target.name;  // some links only look as if they led to a path: /proc/PID/fd
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<OutputTarget> ResolveOutput(const std::string& name, const std::vector<std::string>& inputs) {
  OutputTarget target{.name = name, .path = name};
  SLUICE_RETURN_IF_ERROR(FollowLinks(target));
  SLUICE_ASSIGN_OR_RETURN(const std::optional<struct stat> found, Look(name, name));
  SLUICE_RETURN_IF_ERROR(CheckInputs(target, found, inputs));
  SLUICE_RETURN_IF_ERROR(Classify(target, found));
  return target;
}

}  // namespace sluice
