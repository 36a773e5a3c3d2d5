#include "client/cpp/command/archive_files.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <map>
#include <system_error>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/base/sha256.h"
#include "core/base/status_macros.h"

namespace sluice {
namespace {

namespace fs = std::filesystem;

constexpr std::array<absl::string_view, 5> kEndings = {"pdf", "txt", "text", "md", "markdown"};
constexpr size_t kReadBytes = 1 << 20;

bool HasKnownEnding(const fs::path& path) {
  const std::string extension = absl::AsciiStrToLower(path.extension().string());
  return !extension.empty() && std::find(kEndings.begin(), kEndings.end(),
                                         absl::string_view(extension).substr(1)) != kEndings.end();
}

std::string SourceOf(const fs::path& path) {
  return path.lexically_normal().generic_string();
}

class Walk {
 public:
  absl::Status Add(const std::string& name) {
    std::error_code error;
    const fs::file_status status = fs::status(name, error);
    if (status.type() == fs::file_type::not_found) {
      return absl::InvalidArgumentError(absl::StrCat(name, ": there is no such file or directory"));
    }
    if (fs::is_directory(status)) return AddDirectory(name);
    if (fs::is_regular_file(status)) {
      found_[SourceOf(name)] = name;
      return absl::OkStatus();
    }
    return absl::InvalidArgumentError(absl::StrCat(name, ": is neither a file nor a directory"));
  }

  FoundFiles Take() {
    FoundFiles files{.files = {}, .left_out = std::move(left_out_)};
    for (const auto& [source, path] : found_) files.files.push_back({.path = path, .source = source});
    return files;
  }

 private:
  absl::Status AddDirectory(const std::string& name) {
    std::error_code error;
    // Links to directories are not followed: they may lead anywhere, and back.
    fs::recursive_directory_iterator at(name, fs::directory_options::none, error);
    for (const fs::recursive_directory_iterator end; !error && at != end; at.increment(error)) LookAt(at);
    if (!error) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat(name, ": cannot be read: ", error.message()));
  }

  void LookAt(fs::recursive_directory_iterator& at) {
    const fs::path& path = at->path();
    std::error_code error;
    if (absl::StartsWith(path.filename().string(), ".")) {
      if (at->is_directory(error)) at.disable_recursion_pending();
      return LeaveOut(path, "hidden");
    }
    if (at->is_symlink(error)) return LeaveOut(path, "a link");
    if (at->is_directory(error)) return;
    if (!at->is_regular_file(error)) return LeaveOut(path, "no file");
    if (!HasKnownEnding(path)) return LeaveOut(path, "no document by its ending");
    found_[SourceOf(path)] = path.string();
  }

  void LeaveOut(const fs::path& path, absl::string_view why) {
    left_out_.push_back(absl::StrCat(SourceOf(path), ": ", why));
  }

  std::map<std::string, std::string> found_;  // path by source
  std::vector<std::string> left_out_;
};

}  // namespace

absl::StatusOr<FoundFiles> FindBookFiles(const std::vector<std::string>& names) {
  Walk walk;
  for (const std::string& name : names) SLUICE_RETURN_IF_ERROR(walk.Add(name));
  return walk.Take();
}

absl::StatusOr<FileDigest> DigestOfFile(const std::string& path, int64_t max_bytes) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": cannot be opened: ", std::generic_category().message(errno)));
  }
  FileDigest digest;
  Sha256 hash;
  std::string piece(kReadBytes, '\0');
  while (file.read(piece.data(), static_cast<std::streamsize>(piece.size())) || file.gcount() > 0) {
    digest.bytes += file.gcount();
    if (digest.bytes > max_bytes) {
      return absl::InvalidArgumentError(
          absl::StrCat(path, ": is larger than ", max_bytes, " bytes, the limit"));
    }
    hash.Update(absl::string_view(piece.data(), static_cast<size_t>(file.gcount())));
  }
  if (file.bad()) return absl::InvalidArgumentError(absl::StrCat(path, ": cannot be read"));
  if (digest.bytes == 0) return absl::InvalidArgumentError(absl::StrCat(path, ": is empty"));
  digest.sha256 = hash.FinishHex();
  return digest;
}

}  // namespace sluice
