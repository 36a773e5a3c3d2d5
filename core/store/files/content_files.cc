#include "core/store/files/content_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "core/base/descriptors.h"
#include "core/base/error_details.h"
#include "core/base/status_macros.h"
#include "core/store/batch_rules.h"
#include "core/store/sqlite/directory_sync.h"
#include "core/store/sqlite/openable.h"

namespace sluice {
namespace {

namespace fs = std::filesystem;

constexpr size_t kDigestDigits = 64;
constexpr size_t kMostOpenUploads = 64;
constexpr int64_t kMostPieceBytes = 4 << 20;
constexpr int64_t kSyncEvery = 16 << 20;  // so that the last sync, which is waited for, is short
constexpr size_t kReadBytes = 1 << 20;

bool IsDigest(absl::string_view text) {
  return text.size() == kDigestDigits && std::all_of(text.begin(), text.end(), [](char c) {
           return absl::ascii_isdigit(static_cast<unsigned char>(c)) || (c >= 'a' && c <= 'f');
         });
}

absl::Status CheckDigest(absl::string_view digest) {
  return IsDigest(digest) ? absl::OkStatus()
                          : FieldError("digest", "must be a SHA-256 in 64 lower-case hexadecimal digits");
}

absl::Status Failed(absl::string_view what, const std::string& path, int error) {
  if (error == ENOSPC || error == EDQUOT) return DiskFull();
  return WithReason(absl::UnavailableError(absl::StrCat("cannot ", what, " ", path, ": ",
                                                        std::generic_category().message(error))),
                    "STORE_FAILED");
}

}  // namespace

absl::Status ContentFiles::MakeDirectories() {
  SLUICE_RETURN_IF_ERROR(MakeDirectory(options_.directory));
  return MakeDirectory(options_.directory + "/uploads");
}

std::string ContentFiles::PathOf(const std::string& digest) const {
  return absl::StrCat(options_.directory, "/", digest.substr(0, 2), "/", digest);
}

std::string ContentFiles::UploadPathOf(const std::string& digest, int64_t bytes) const {
  return absl::StrCat(options_.directory, "/uploads/", digest, ".", bytes);
}

absl::StatusOr<ContentState> ContentFiles::GetState(const std::string& digest) {
  SLUICE_RETURN_IF_ERROR(CheckDigest(digest));
  const std::string path = PathOf(digest);
  std::error_code error;
  const auto size = fs::file_size(path, error);
  if (!error) {
    Touch(path);
    const auto bytes = static_cast<int64_t>(size);
    return ContentState{.complete = true, .bytes = bytes, .offset = bytes};
  }
  if (const auto open = uploads_.find(digest); open != uploads_.end()) {
    return ContentState{.bytes = open->second.bytes, .offset = open->second.offset};
  }
  for (const auto& [upload, bytes] : UploadsOf(digest)) {
    const auto there = fs::file_size(upload, error);
    if (!error) return ContentState{.bytes = bytes, .offset = std::min(bytes, static_cast<int64_t>(there))};
  }
  return ContentState{};
}

absl::Status ContentFiles::CheckPiece(const ContentPiece& piece) const {
  SLUICE_RETURN_IF_ERROR(CheckDigest(piece.digest));
  if (piece.bytes > options_.max_content_bytes) {
    return WithReason(absl::ResourceExhaustedError(
                          absl::StrCat("the content has ", piece.bytes, " bytes; at most ",
                                       options_.max_content_bytes, " are taken (max_content_bytes)")),
                      "CONTENT_TOO_LARGE");
  }
  SLUICE_RETURN_IF_ERROR(CheckRange("size", piece.bytes, 1, options_.max_content_bytes));
  const auto size = static_cast<int64_t>(piece.piece.size());
  SLUICE_RETURN_IF_ERROR(CheckRange("piece", size, 0, kMostPieceBytes));
  if (piece.offset < 0 || piece.offset > piece.bytes - size) {
    return FieldError("offset", absl::StrCat("a piece of ", size, " bytes at ", piece.offset,
                                             " does not lie within the content's ", piece.bytes));
  }
  return absl::OkStatus();
}

absl::StatusOr<ContentState> ContentFiles::Write(const ContentPiece& piece) {
  SLUICE_RETURN_IF_ERROR(CheckPiece(piece));
  SLUICE_ASSIGN_OR_RETURN(const ContentState state, GetState(piece.digest));
  if (state.complete) return state;
  if (state.bytes != 0 && state.bytes != piece.bytes) {
    return FieldError(
        "size", absl::StrCat("is ", piece.bytes, ", but the upload was begun with ", state.bytes, " bytes"));
  }
  SLUICE_ASSIGN_OR_RETURN(Upload * upload, Resume(piece.digest, piece.bytes));
  if (piece.offset > upload->offset) {
    return FieldError("offset", absl::StrCat("is ", piece.offset, ", but only ", upload->offset,
                                             " bytes are here: go on from there"));
  }
  const int64_t known = upload->offset - piece.offset;
  absl::string_view fresh = piece.piece;
  fresh.remove_prefix(static_cast<size_t>(std::min<int64_t>(known, static_cast<int64_t>(fresh.size()))));
  if (!fresh.empty()) {
    SLUICE_RETURN_IF_ERROR(CheckRoom(upload->bytes - upload->offset));
    if (absl::Status appended = Append(*upload, UploadPathOf(piece.digest, piece.bytes), fresh);
        !appended.ok()) {
      uploads_.erase(piece.digest);  // what of it is on the disk is found when it is opened again
      return appended;
    }
  }
  if (upload->offset == upload->bytes) {
    const absl::Status sealed = Seal(piece.digest, *upload);
    uploads_.erase(piece.digest);
    SLUICE_RETURN_IF_ERROR(sealed);
    return ContentState{.complete = true, .bytes = piece.bytes, .offset = piece.bytes};
  }
  return ContentState{.bytes = upload->bytes, .offset = upload->offset};
}

absl::Status ContentFiles::CheckRoom(int64_t bytes) const {
  absl::StatusOr<int64_t> free = 0;
  if (options_.free_bytes) {
    free = options_.free_bytes();
  } else {
    std::error_code error;
    const fs::space_info space = fs::space(options_.directory, error);
    if (error) return Failed("look at the disk of", options_.directory, error.value());
    free = static_cast<int64_t>(std::min<uintmax_t>(space.available, INT64_MAX));
  }
  SLUICE_RETURN_IF_ERROR(free.status());
  return *free - options_.min_free_bytes >= bytes ? absl::OkStatus() : DiskFull();
}

// Opens what is there of an upload, or begins it. The digest of what is there is computed anew.
absl::StatusOr<ContentFiles::Upload*> ContentFiles::Resume(const std::string& digest, int64_t bytes) {
  if (const auto open = uploads_.find(digest); open != uploads_.end()) {
    open->second.last_use = ++uses_;
    return &open->second;
  }
  if (uploads_.size() >= kMostOpenUploads) CloseOldestUpload();
  const std::string path = UploadPathOf(digest, bytes);
  Upload upload{.file = OpenFile(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)), .bytes = bytes};
  if (!upload.file.is_open()) return Failed("open", path, errno);
  std::string piece(kReadBytes, '\0');
  while (upload.offset < bytes) {
    const size_t want = std::min<size_t>(piece.size(), static_cast<size_t>(bytes - upload.offset));
    const ssize_t got = pread(upload.file.get(), piece.data(), want, upload.offset);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Failed("read", path, errno);
    if (got == 0) break;
    upload.digest.Update(absl::string_view(piece.data(), static_cast<size_t>(got)));
    upload.offset += got;
  }
  if (lseek(upload.file.get(), upload.offset, SEEK_SET) < 0) return Failed("seek in", path, errno);
  upload.last_use = ++uses_;
  return &uploads_.insert_or_assign(digest, std::move(upload)).first->second;
}

absl::Status ContentFiles::Append(Upload& upload, const std::string& path, absl::string_view bytes) {
  if (const std::error_code error = WriteAll(upload.file.get(), bytes)) {
    return Failed("write", path, error.value());
  }
  upload.digest.Update(bytes);
  upload.offset += static_cast<int64_t>(bytes.size());
  upload.unsynced += static_cast<int64_t>(bytes.size());
  if (upload.unsynced < kSyncEvery) return absl::OkStatus();
  upload.unsynced = 0;
  return fdatasync(upload.file.get()) == 0 ? absl::OkStatus() : Failed("sync", path, errno);
}

// The name says that every byte is there: it comes after the sync, and is itself synced.
absl::Status ContentFiles::Seal(const std::string& digest, Upload& upload) {
  const std::string from = UploadPathOf(digest, upload.bytes);
  const std::string found = upload.digest.FinishHex();
  if (found != digest) {
    unlink(from.c_str());
    return WithReason(
        absl::InvalidArgumentError(absl::StrCat("the bytes have SHA-256 ", found, ", not ", digest,
                                                ": nothing of them is kept; upload the content again")),
        "DIGEST_MISMATCH");
  }
  if (fsync(upload.file.get()) != 0) {
    const int error = errno;
    unlink(from.c_str());  // what the disk holds of it is not known
    return Failed("sync", from, error);
  }
  const std::string to = PathOf(digest);
  SLUICE_RETURN_IF_ERROR(MakeDirectory(fs::path(to).parent_path().string()));
  if (rename(from.c_str(), to.c_str()) != 0) return Failed("rename", from, errno);
  Touch(to);
  return SyncDirectoryOf(to);
}

absl::StatusOr<std::shared_ptr<const OpenFile>> ContentFiles::Open(const std::string& digest) {
  SLUICE_RETURN_IF_ERROR(CheckDigest(digest));
  const std::string path = PathOf(digest);
  auto file = std::make_shared<const OpenFile>(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (file->is_open()) {
    Touch(path);
    return file;
  }
  if (errno == ENOENT) return absl::NotFoundError(absl::StrCat("there is no content ", digest));
  return Failed("open", path, errno);
}

absl::Status ContentFiles::Remove(const std::string& digest) {
  SLUICE_RETURN_IF_ERROR(CheckDigest(digest));
  uploads_.erase(digest);
  for (const auto& [upload, bytes] : UploadsOf(digest)) unlink(upload.c_str());
  const std::string path = PathOf(digest);
  if (unlink(path.c_str()) != 0) return errno == ENOENT ? absl::OkStatus() : Failed("remove", path, errno);
  return SyncDirectoryOf(path);
}

absl::StatusOr<std::vector<std::string>> ContentFiles::ListOlderThan(absl::Duration age, int limit) {
  const absl::Time before = clock_.WallNow() - age;
  std::vector<std::string> old;
  std::error_code error;
  for (fs::recursive_directory_iterator at(options_.directory, error), end; !error && at != end;
       at.increment(error)) {
    const std::string name = at->path().filename().string();
    if (!IsDigest(name) || !at->is_regular_file(error)) continue;
    if (TimeOf(at->path().string()) < before) old.push_back(name);
    if (static_cast<int>(old.size()) >= limit) break;
  }
  if (error) return Failed("read the directory", options_.directory, error.value());
  return old;
}

absl::StatusOr<int> ContentFiles::RemoveStaleUploads(absl::Duration age) {
  const absl::Time before = clock_.WallNow() - age;
  const std::string directory = options_.directory + "/uploads";
  int removed = 0;
  std::error_code error;
  for (fs::directory_iterator at(directory, error), end; !error && at != end; at.increment(error)) {
    const std::string path = at->path().string();
    if (TimeOf(path) >= before) continue;
    uploads_.erase(at->path().stem().string());
    if (unlink(path.c_str()) == 0) ++removed;
  }
  if (error) return Failed("read the directory", directory, error.value());
  return removed;
}

absl::StatusOr<ContentStats> ContentFiles::Stats() {
  ContentStats stats;
  std::error_code error;
  for (fs::recursive_directory_iterator at(options_.directory, error), end; !error && at != end;
       at.increment(error)) {
    if (!at->is_regular_file(error)) continue;
    ++(IsDigest(at->path().filename().string()) ? stats.contents : stats.uploads);
    const auto size = at->file_size(error);
    if (!error) stats.bytes += static_cast<int64_t>(size);
  }
  if (error) return Failed("read the directory", options_.directory, error.value());
  return stats;
}

void ContentFiles::CloseOldestUpload() {
  const auto oldest = std::min_element(uploads_.begin(), uploads_.end(), [](const auto& a, const auto& b) {
    return a.second.last_use < b.second.last_use;
  });
  if (oldest != uploads_.end()) uploads_.erase(oldest);
}

std::map<std::string, int64_t> ContentFiles::UploadsOf(const std::string& digest) const {
  std::map<std::string, int64_t> uploads;
  std::error_code error;
  for (fs::directory_iterator at(options_.directory + "/uploads", error), end; !error && at != end;
       at.increment(error)) {
    int64_t bytes = 0;
    const std::string ending = at->path().extension().string();
    if (at->path().stem().string() != digest ||
        !absl::SimpleAtoi(ending.substr(ending.empty() ? 0 : 1), &bytes)) {
      continue;
    }
    uploads[at->path().string()] = bytes;
  }
  return uploads;
}

// By the clock that ages are taken from, which need not be the system's.
void ContentFiles::Touch(const std::string& path) const {
  const timespec now = absl::ToTimespec(clock_.WallNow());
  const timespec times[2] = {now, now};
  utimensat(AT_FDCWD, path.c_str(), times, AT_SYMLINK_NOFOLLOW);
}

absl::Time ContentFiles::TimeOf(const std::string& path) const {
  struct stat found;
  return stat(path.c_str(), &found) == 0 ? absl::TimeFromTimespec(found.st_mtim) : absl::InfiniteFuture();
}

}  // namespace sluice
