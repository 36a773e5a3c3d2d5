#include "client/cpp/formats/byte_source.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "client/cpp/formats/foreign_format.h"
#include "core/base/status_macros.h"

namespace sluice {
namespace {

constexpr size_t kBufferBytes = 64 << 10;

// What the system says of a path that it does not open, and what that mostly means.
absl::Status SystemError(const std::string& path, int error) {
  if (error == ENOENT && path == "-") {
    return absl::NotFoundError(
        "-: standard input is not read, for inputs are read more than once; write it to a file first");
  }
  if (error == ENOENT) {
    std::error_code no_link;
    const std::filesystem::path target = std::filesystem::read_symlink(path, no_link);
    return absl::NotFoundError(absl::StrCat(
        path, no_link ? ": no such file"
                      : absl::StrCat(": a symbolic link to ", target.string(), ", which is not there")));
  }
  const char* const advice = error == EACCES    ? "; it needs permission to be read"
                             : error == ELOOP   ? "; its symbolic links lead in a circle"
                             : error == ENOTDIR ? "; a part of the path is a file"
                                                : "";
  return absl::InvalidArgumentError(absl::StrCat(path, ": ", std::strerror(error), advice));
}

absl::Status CheckRegular(const std::string& path) {
  struct stat status{};
  if (stat(path.c_str(), &status) != 0) return SystemError(path, errno);
  if (S_ISDIR(status.st_mode)) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": is a directory; name the files in it"));
  }
  if (S_ISREG(status.st_mode)) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      path, ": not a regular file; inputs are read more than once, so write it to a file first"));
}

}  // namespace

ByteSource::ByteSource(std::string path, std::unique_ptr<std::FILE, CloseFile> file)
    : path_(std::move(path)), file_(std::move(file)) {}

absl::StatusOr<std::unique_ptr<ByteSource>> ByteSource::Open(const std::string& path) {
  SLUICE_RETURN_IF_ERROR(CheckRegular(path));
  std::unique_ptr<std::FILE, CloseFile> file(std::fopen(path.c_str(), "rb"));
  if (file == nullptr) return SystemError(path, errno);
  std::unique_ptr<ByteSource> source(new ByteSource(path, std::move(file)));
  SLUICE_RETURN_IF_ERROR(source->Recognise());
  return source;
}

std::unique_ptr<ByteSource> ByteSource::OfText(std::string text, std::string path) {
  std::unique_ptr<ByteSource> source(new ByteSource(std::move(path), nullptr));
  source->buffer_ = std::move(text);
  return source;
}

// The first bytes tell what the file is; what is to be decoded is decoded from its beginning.
absl::Status ByteSource::Recognise() {
  if (!ReadRaw()) return status_;
  const absl::string_view prefix = buffer_;
  const std::optional<std::string> foreign = ForeignFormat(prefix);
  const std::optional<ByteOrder> order = Utf16OrderOf(prefix);
  // UTF-32 begins as UTF-16 does; what else has many NULs is UTF-16 and not binary.
  const bool utf32 = absl::StartsWith(prefix, absl::string_view("\xFF\xFE\0\0", 4));
  if (foreign.has_value() && (utf32 || !order.has_value())) return InputError({path_}, *foreign);
  if (order.has_value()) {
    utf16_ = std::make_unique<Utf16Decoder>(*order);
    std::string decoded;
    if (!utf16_->Decode(buffer_, decoded)) status_ = InputError({path_}, "is broken UTF-16");
    buffer_ = std::move(decoded);
  }
  if (absl::StartsWith(buffer_, "\xEF\xBB\xBF")) position_ = 3;
  lines_end_with_cr_ = absl::StrContains(buffer_, '\r') && !absl::StrContains(buffer_, '\n');
  if (lines_end_with_cr_) std::replace(buffer_.begin(), buffer_.end(), '\r', '\n');
  return status_;
}

bool ByteSource::ReadRaw() {
  position_ = 0;
  buffer_.resize(kBufferBytes);
  buffer_.resize(file_ == nullptr ? 0 : std::fread(buffer_.data(), 1, buffer_.size(), file_.get()));
  if (buffer_.empty() && file_ != nullptr && std::ferror(file_.get())) {
    status_ = absl::UnavailableError(absl::StrCat(path_, ": ", std::strerror(errno)));
  }
  return !buffer_.empty();
}

bool ByteSource::Fill() {
  if (!status_.ok() || !ReadRaw()) {
    buffer_.clear();
    if (utf16_ != nullptr && !utf16_->AtEnd() && status_.ok())
      status_ = InputError({path_}, "is broken UTF-16: it ends within a character");
    return false;
  }
  if (utf16_ != nullptr) {
    std::string decoded;
    const bool whole = utf16_->Decode(buffer_, decoded);
    if (!whole) status_ = InputError({path_}, "is broken UTF-16: half of a character stands alone");
    buffer_ = std::move(decoded);
    // A piece may end within its only character.
    if (buffer_.empty()) return Fill();
  }
  if (lines_end_with_cr_) std::replace(buffer_.begin(), buffer_.end(), '\r', '\n');
  return !buffer_.empty();
}

absl::string_view ByteSource::Prefix() {
  if (position_ == buffer_.size()) Fill();
  return absl::string_view(buffer_).substr(position_);
}

absl::string_view ByteSource::NextChunk() {
  const absl::string_view chunk = Prefix();
  position_ = buffer_.size();
  bytes_read_ += static_cast<int64_t>(chunk.size());
  return chunk;
}

void ByteSource::PutBack(absl::string_view bytes) {
  line_ -= std::count(bytes.begin(), bytes.end(), '\n');
  bytes_read_ -= static_cast<int64_t>(bytes.size());
  buffer_ = absl::StrCat(bytes, absl::string_view(buffer_).substr(position_));
  position_ = 0;
}

absl::StatusOr<bool> ByteSource::ReadLine(std::string& line, size_t max_bytes) {
  line.clear();
  const InputPlace place = Place();
  if (Peek() == kEnd) {
    if (!status_.ok()) return status_;
    return false;
  }
  bool too_long = false;
  for (bool ended = false; !ended && Peek() != kEnd;) {
    const absl::string_view rest = absl::string_view(buffer_).substr(position_);
    const size_t newline = rest.find('\n');
    ended = newline != absl::string_view::npos;
    const absl::string_view piece = rest.substr(0, newline);
    too_long |= line.size() + piece.size() > max_bytes;
    if (!too_long) line.append(piece.data(), piece.size());
    const size_t taken = piece.size() + (ended ? 1 : 0);
    position_ += taken;
    bytes_read_ += static_cast<int64_t>(taken);
    if (ended) ++line_;
  }
  if (!status_.ok()) return status_;
  if (too_long) return InputError(place, absl::StrCat("line is longer than ", max_bytes, " bytes"));
  if (!line.empty() && line.back() == '\r') line.pop_back();
  return true;
}

}  // namespace sluice
