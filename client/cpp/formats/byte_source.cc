#include "client/cpp/formats/byte_source.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace sluice {
namespace {

constexpr size_t kBufferBytes = 64 << 10;

}  // namespace

ByteSource::ByteSource(std::string path, std::unique_ptr<std::FILE, CloseFile> file)
    : path_(std::move(path)), file_(std::move(file)), buffer_(kBufferBytes) {}

absl::StatusOr<std::unique_ptr<ByteSource>> ByteSource::Open(const std::string& path) {
  std::error_code error;
  const std::filesystem::file_status status = std::filesystem::status(path, error);
  if (!std::filesystem::exists(status)) return absl::NotFoundError(absl::StrCat(path, ": no such file"));
  if (!std::filesystem::is_regular_file(status)) {
    return absl::InvalidArgumentError(absl::StrCat(
        path, ": not a regular file; inputs are read more than once, so write it to a file first"));
  }
  std::unique_ptr<std::FILE, CloseFile> file(std::fopen(path.c_str(), "rb"));
  if (file == nullptr) return absl::InvalidArgumentError(absl::StrCat(path, ": ", std::strerror(errno)));

  std::unique_ptr<ByteSource> source(new ByteSource(path, std::move(file)));
  const absl::string_view prefix = source->Prefix();
  if (absl::StartsWith(prefix, "\xFF\xFE") || absl::StartsWith(prefix, "\xFE\xFF")) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": is UTF-16; save it as UTF-8"));
  }
  if (absl::StartsWith(prefix, "\xEF\xBB\xBF")) source->position_ = 3;
  return source;
}

bool ByteSource::Fill() {
  position_ = 0;
  size_ = std::fread(buffer_.data(), 1, buffer_.size(), file_.get());
  if (size_ == 0 && std::ferror(file_.get())) {
    status_ = absl::UnavailableError(absl::StrCat(path_, ": ", std::strerror(errno)));
  }
  return size_ > 0;
}

absl::string_view ByteSource::Prefix() {
  if (position_ == size_) Fill();
  return {buffer_.data() + position_, size_ - position_};
}

int ByteSource::Peek() {
  if (position_ == size_ && !Fill()) return kEnd;
  return static_cast<unsigned char>(buffer_[position_]);
}

int ByteSource::Next() {
  const int byte = Peek();
  if (byte == kEnd) return kEnd;
  ++position_;
  ++bytes_read_;
  if (byte == '\n') ++line_;
  return byte;
}

absl::StatusOr<bool> ByteSource::ReadLine(std::string& line, size_t max_bytes) {
  line.clear();
  const InputPlace place = Place();
  if (Peek() == kEnd) {
    if (!status_.ok()) return status_;
    return false;
  }
  for (bool ended = false; !ended && Peek() != kEnd;) {
    const absl::string_view rest(buffer_.data() + position_, size_ - position_);
    const size_t newline = rest.find('\n');
    ended = newline != absl::string_view::npos;
    const absl::string_view piece = rest.substr(0, newline);
    if (line.size() + piece.size() > max_bytes) {
      return InputError(place, absl::StrCat("line is longer than ", max_bytes, " bytes"));
    }
    line.append(piece.data(), piece.size());
    const size_t taken = piece.size() + (ended ? 1 : 0);
    position_ += taken;
    bytes_read_ += static_cast<int64_t>(taken);
    if (ended) ++line_;
  }
  if (!status_.ok()) return status_;
  if (!line.empty() && line.back() == '\r') line.pop_back();
  return true;
}

}  // namespace sluice
