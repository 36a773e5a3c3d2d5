// ContentFiles: what FileContentStore does to its directory, call by call.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/base/clock.h"
#include "core/base/open_file.h"
#include "core/base/sha256.h"
#include "core/store/files/file_content_store.h"

namespace sluice {

// Not thread-safe; every call blocks for the disk. Calls are ContentStore's.
class ContentFiles {
 public:
  ContentFiles(FileContentStoreOptions options, const Clock& clock)
      : options_(std::move(options)), clock_(clock) {}

  absl::Status MakeDirectories();

  absl::StatusOr<ContentState> GetState(const std::string& digest);
  absl::StatusOr<ContentState> Write(const ContentPiece& piece);
  absl::StatusOr<std::shared_ptr<const OpenFile>> Open(const std::string& digest);
  absl::Status Remove(const std::string& digest);
  absl::StatusOr<std::vector<std::string>> ListOlderThan(absl::Duration age, int limit);
  absl::StatusOr<int> RemoveStaleUploads(absl::Duration age);
  absl::StatusOr<ContentStats> Stats();

 private:
  struct Upload {
    OpenFile file;
    Sha256 digest;  // of the first `offset` bytes
    int64_t bytes = 0;
    int64_t offset = 0;
    int64_t unsynced = 0;
    uint64_t last_use = 0;
  };

  std::string PathOf(const std::string& digest) const;
  std::string UploadPathOf(const std::string& digest, int64_t bytes) const;
  absl::StatusOr<Upload*> Resume(const std::string& digest, int64_t bytes);
  absl::Status Append(Upload& upload, const std::string& path, absl::string_view bytes);
  absl::Status Seal(const std::string& digest, Upload& upload);
  absl::Status CheckRoom(int64_t bytes) const;
  absl::Status CheckPiece(const ContentPiece& piece) const;
  void CloseOldestUpload();
  std::map<std::string, int64_t> UploadsOf(const std::string& digest) const;
  void Touch(const std::string& path) const;
  absl::Time TimeOf(const std::string& path) const;

  const FileContentStoreOptions options_;
  const Clock& clock_;
  std::map<std::string, Upload> uploads_;  // those that are open, by digest
  uint64_t uses_ = 0;
};

}  // namespace sluice
