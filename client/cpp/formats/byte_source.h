// ByteSource: the bytes of a file, one at a time, with the line they stand on. Memory stays at one 64 KiB
// buffer.
#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "client/cpp/formats/input_place.h"

namespace sluice {

// Not thread-safe. Blocks on the disk. A byte order mark at the start is skipped.
class ByteSource {
 public:
  // NOT_FOUND when there is no such file; INVALID_ARGUMENT when it is not a regular file (inputs are read
  // more than once) or is UTF-16.
  static absl::StatusOr<std::unique_ptr<ByteSource>> Open(const std::string& path);

  static constexpr int kEnd = -1;

  // The next byte as 0..255, or kEnd. Next consumes it, Peek does not.
  int Next();
  int Peek();

  // Line of the next byte, from 1.
  int64_t line() const { return line_; }
  int64_t bytes_read() const { return bytes_read_; }
  InputPlace Place() const { return {path_, line_, 0}; }
  const std::string& path() const { return path_; }

  // Reads up to and without the next '\n' (and a '\r' before it) into `line`. False at the end of the file.
  // INVALID_ARGUMENT when the line is longer than `max_bytes`.
  absl::StatusOr<bool> ReadLine(std::string& line, size_t max_bytes);

  // The first `max_bytes` at most, from the start, without consuming anything. Call before the first Next.
  absl::string_view Prefix();

  // Not OK once a read failed; the end then came early.
  absl::Status status() const { return status_; }

 private:
  struct CloseFile {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };

  ByteSource(std::string path, std::unique_ptr<std::FILE, CloseFile> file);
  bool Fill();

  const std::string path_;
  std::unique_ptr<std::FILE, CloseFile> file_;
  std::vector<char> buffer_;
  size_t position_ = 0;
  size_t size_ = 0;
  int64_t line_ = 1;
  int64_t bytes_read_ = 0;
  absl::Status status_;
};

}  // namespace sluice
