#include "client/cpp/formats/output_file.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <random>
#include <set>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/cpp/formats/input_place.h"
#include "client/cpp/formats/terminal_text.h"
#include "core/base/descriptors.h"
#include "core/base/mutex.h"
#include "core/base/status_macros.h"
#include "core/base/utf8_boundary.h"

namespace sluice {
namespace {

namespace fs = std::filesystem;

constexpr size_t kWaitingBytes = 64 << 10;
constexpr char kOutputErrorUrl[] = "sluice/output-error";

// The partial files of this process. They are known to nobody else who could remove them.
class Unfinished {
 public:
  static Unfinished& All() {
    static auto& all = *new Unfinished;  // outlives every thread
    return all;
  }

  void Add(const std::string& path) {
    MutexLock lock(mutex_);
    paths_.insert(path);
  }
  void Remove(const std::string& path) {
    MutexLock lock(mutex_);
    paths_.erase(path);
  }
  std::set<std::string> Take() {
    MutexLock lock(mutex_);
    return std::exchange(paths_, {});
  }

 private:
  Mutex mutex_;
  std::set<std::string> paths_ ABSL_GUARDED_BY(mutex_);
};

struct Opened {
  int descriptor = -1;
  std::string partial;
};

absl::Status OpenError(const OutputTarget& target) {
  return InputError({target.name}, std::strerror(errno));
}

// Beside the file, so that it can be renamed, with its name in front for whoever finds it.
std::string PartialName(const fs::path& path) {
  constexpr size_t kMaxBaseBytes = 200;  // a name has at most 255 bytes
  std::random_device random;
  const std::string base = path.filename().string();
  return (path.parent_path() /
          absl::StrFormat("%s.%08x%08x.partial", CutAtCharacter(base, kMaxBaseBytes), random(), random()))
      .string();
}

// Who could not read the old file cannot read the new one either, before it has its name or after.
absl::Status PassOn(const OutputTarget& target, int descriptor) {
  const OutputTarget::Owner& owner = *target.owner;
  mode_t mode = owner.mode;
  struct stat made{};
  if (fstat(descriptor, &made) != 0) return OpenError(target);
  // Only root may give a file away; else it is ours, as a copy would be.
  [[maybe_unused]] const int given = fchown(descriptor, owner.user, static_cast<gid_t>(-1));
  if (made.st_gid != owner.group && fchown(descriptor, static_cast<uid_t>(-1), owner.group) != 0)
    mode &= ~static_cast<mode_t>(S_IRWXG);  // meant for another group
  return fchmod(descriptor, mode) == 0 ? absl::OkStatus() : OpenError(target);
}

absl::StatusOr<Opened> OpenPartial(const OutputTarget& target) {
  if (fs::path(target.path).filename().empty()) return InputError({target.name}, "names no file");
  constexpr int kTries = 8;
  constexpr mode_t kOwnerOnly = 0600, kAsUmaskSays = 0666;
  for (int i = 0; i < kTries; ++i) {
    const std::string partial = PartialName(target.path);
    // O_EXCL makes a file: it takes neither one that is there nor a link that somebody laid out.
    const int descriptor = open(partial.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                                target.owner.has_value() ? kOwnerOnly : kAsUmaskSays);
    if (descriptor >= 0) {
      Unfinished::All().Add(partial);
      return Opened{descriptor, partial};
    }
    if (errno != EEXIST) return OpenError(target);
  }
  return OpenError(target);
}

absl::StatusOr<Opened> ConnectTo(const OutputTarget& target) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (target.path.size() >= sizeof(address.sun_path))
    return InputError({target.name}, "its path is too long for a socket");
  target.path.copy(address.sun_path, target.path.size());
  const int descriptor = socket(AF_UNIX, SOCK_STREAM, 0);
  if (descriptor < 0) return OpenError(target);
  fcntl(descriptor, F_SETFD, FD_CLOEXEC);
  if (connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0)
    return Opened{descriptor, ""};
  const absl::Status error = OpenError(target);
  close(descriptor);
  return error;
}

absl::StatusOr<Opened> Open(const OutputTarget& target) {
  int descriptor = -1;
  switch (target.kind) {
    case OutputTarget::Kind::kFile:
      return OpenPartial(target);
    case OutputTarget::Kind::kSocket:
      return ConnectTo(target);
    case OutputTarget::Kind::kStream:
      descriptor = open(target.path.c_str(), O_WRONLY | O_NOCTTY | O_CLOEXEC);
      break;
    case OutputTarget::Kind::kDescriptor:
      descriptor = fcntl(target.descriptor, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
      break;
  }
  if (descriptor < 0) return OpenError(target);
  return Opened{descriptor, ""};
}

// The new name is on the disk once its directory is. One that cannot be opened to be synced keeps its secret:
// the file itself is safe.
void SyncDirectoryOf(const std::string& path) {
  const std::string parent = fs::path(path).parent_path().string();
  const int directory = open(parent.empty() ? "." : parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return;
  fsync(directory);
  close(directory);
}

}  // namespace

OutputFile::OutputFile(OutputTarget target, std::string partial, int descriptor)
    : target_(std::move(target)), partial_(std::move(partial)), descriptor_(descriptor) {}

OutputFile::~OutputFile() {
  if (descriptor_ >= 0) close(descriptor_);
  if (partial_.empty()) return;
  unlink(partial_.c_str());  // it has another name once it is finished
  Unfinished::All().Remove(partial_);
}

absl::StatusOr<std::unique_ptr<OutputFile>> OutputFile::Create(const std::string& name,
                                                               const std::vector<std::string>& inputs) {
  SLUICE_ASSIGN_OR_RETURN(OutputTarget target, ResolveOutput(name, inputs));
  SLUICE_ASSIGN_OR_RETURN(Opened opened, Open(target));
  std::unique_ptr<OutputFile> file(
      new OutputFile(std::move(target), std::move(opened.partial), opened.descriptor));
  if (file->target_.owner.has_value()) SLUICE_RETURN_IF_ERROR(PassOn(file->target_, opened.descriptor));
  return file;
}

absl::Status OutputFile::Error(absl::string_view reason) const {
  return OutputError(target_.name, reason);
}

absl::Status OutputFile::Write(absl::string_view bytes) {
  waiting_.append(bytes.data(), bytes.size());
  return waiting_.size() < kWaitingBytes ? absl::OkStatus() : Flush();
}

absl::Status OutputFile::Flush() {
  const std::error_code error = WriteAll(descriptor_, waiting_);
  waiting_.clear();
  return error ? Error(error.message()) : absl::OkStatus();
}

absl::Status OutputFile::Finish() {
  SLUICE_RETURN_IF_ERROR(Flush());
  if (replaces() && fsync(descriptor_) != 0) return Error(std::strerror(errno));
  if (close(std::exchange(descriptor_, -1)) != 0) return Error(std::strerror(errno));
  if (!replaces()) return absl::OkStatus();
  if (std::rename(partial_.c_str(), target_.path.c_str()) != 0) return Error(std::strerror(errno));
  SyncDirectoryOf(target_.path);
  return absl::OkStatus();
}

absl::Status OutputError(absl::string_view name, absl::string_view reason) {
  absl::Status status = absl::DataLossError(absl::StrCat(EscapeText(name), ": ", reason));
  status.SetPayload(kOutputErrorUrl, absl::Cord());
  return status;
}

bool IsOutputError(const absl::Status& status) {
  return status.GetPayload(kOutputErrorUrl).has_value();
}

void RemoveUnfinishedOutputs() {
  for (const std::string& path : Unfinished::All().Take()) unlink(path.c_str());
}

}  // namespace sluice
