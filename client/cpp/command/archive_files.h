// FindBookFiles: the files that a person means by files and directories, and what their bytes are.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace sluice {

struct BookFile {
  std::string path;
  std::string source;  // the path as it was given, normalised: "manuals/policy.pdf"
};

struct FoundFiles {
  std::vector<BookFile> files;        // in the order of their sources, each once
  std::vector<std::string> left_out;  // what is no document, in words: "manuals/.git: hidden"
};

// Directories are walked; hidden entries, links out of the directory, what is no regular file, and files
// whose ending no reader knows are left out. A file that was named itself is taken whatever its ending.
// INVALID_ARGUMENT names a path that is not there. Blocks for the file system.
absl::StatusOr<FoundFiles> FindBookFiles(const std::vector<std::string>& names);

struct FileDigest {
  std::string sha256;  // 64 lower-case hexadecimal digits
  int64_t bytes = 0;
};

// INVALID_ARGUMENT for a file that is empty, larger than `max_bytes` or cannot be read; names it. Blocks.
absl::StatusOr<FileDigest> DigestOfFile(const std::string& path, int64_t max_bytes);

}  // namespace sluice
