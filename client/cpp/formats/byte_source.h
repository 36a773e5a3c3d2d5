// ByteSource: the bytes of a text file, one at a time, with the line they stand on. Memory stays at one
// buffer of 64 KiB, and what was put back.
#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "client/cpp/formats/input_place.h"
#include "client/cpp/formats/utf16.h"

namespace sluice {

// Not thread-safe. Blocks on the disk. A byte order mark at the start is skipped. UTF-16, told by its byte
// order mark or by a NUL in every other byte of its beginning, is given as UTF-8. A file whose lines end with
// '\r' alone, as old spreadsheets of the Mac write it, has '\n' in its place.
class ByteSource {
 public:
  // NOT_FOUND when there is no such file; INVALID_ARGUMENT with what the system said of another failure, when
  // it is not a regular file (inputs are read more than once), or in a format that is no text (see
  // foreign_format.h).
  static absl::StatusOr<std::unique_ptr<ByteSource>> Open(const std::string& path);

  // A text in memory, as if it were a file of that name.
  static std::unique_ptr<ByteSource> OfText(std::string text, std::string path);

  static constexpr int kEnd = -1;

  // The next byte as 0..255, or kEnd. Next consumes it, Peek does not.
  int Next() {
    const int byte = Peek();
    if (byte == kEnd) return kEnd;
    ++position_;
    ++bytes_read_;
    if (byte == '\n') ++line_;
    return byte;
  }
  int Peek() {
    if (position_ == buffer_.size() && !Fill()) return kEnd;
    return static_cast<unsigned char>(buffer_[position_]);
  }

  // Line of the next byte, from 1.
  int64_t line() const { return line_; }
  int64_t bytes_read() const { return bytes_read_; }
  InputPlace Place() const { return {path_, line_, 0}; }
  const std::string& path() const { return path_; }

  // Reads up to and without the next '\n' (and a '\r' before it) into `line`. False at the end of the file.
  // INVALID_ARGUMENT when the line is longer than `max_bytes`; the next call then reads the line behind it.
  absl::StatusOr<bool> ReadLine(std::string& line, size_t max_bytes);

  // The first bytes, 64 KiB at most, without consuming anything. Call before the first Next.
  absl::string_view Prefix();

  // Consumes and gives what is at hand, "" at the end. Lives until the next call. Lines are not counted.
  absl::string_view NextChunk();

  // Makes `bytes`, which were the last ones consumed, the next ones again.
  void PutBack(absl::string_view bytes);

  // Not OK once a read failed; the end then came early.
  absl::Status status() const { return status_; }

 private:
  struct CloseFile {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };

  ByteSource(std::string path, std::unique_ptr<std::FILE, CloseFile> file);
  bool Fill();
  bool ReadRaw();
  absl::Status Recognise();

  const std::string path_;
  std::unique_ptr<std::FILE, CloseFile> file_;  // null: all of it is in buffer_
  std::string buffer_;
  size_t position_ = 0;
  std::unique_ptr<Utf16Decoder> utf16_;  // null: the file is read as it is
  bool lines_end_with_cr_ = false;
  int64_t line_ = 1;
  int64_t bytes_read_ = 0;
  absl::Status status_;
};

}  // namespace sluice
