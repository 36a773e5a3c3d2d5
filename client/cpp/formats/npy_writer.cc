#include "client/cpp/formats/npy_writer.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"

namespace sluice {
namespace {

constexpr size_t kHeaderBytes = 128;

std::string PartialPath(const std::string& path) {
  return path + ".partial";
}

}  // namespace

std::string NpyHeader(int64_t rows, int64_t columns) {
  std::string header("\x93NUMPY\x01\x00", 8);
  constexpr uint16_t kDictionaryBytes = kHeaderBytes - 10;
  header += static_cast<char>(kDictionaryBytes & 0xFF);
  header += static_cast<char>(kDictionaryBytes >> 8);
  absl::StrAppend(&header, "{'descr': '<f4', 'fortran_order': False, 'shape': (", rows, ", ", columns,
                  "), }");
  header.resize(kHeaderBytes - 1, ' ');
  return header + '\n';
}

NpyWriter::NpyWriter(std::string path, std::unique_ptr<std::FILE, CloseFile> file)
    : path_(std::move(path)), partial_path_(PartialPath(path_)), file_(std::move(file)) {}

NpyWriter::~NpyWriter() {
  if (file_ == nullptr) return;
  file_.reset();
  std::remove(partial_path_.c_str());
}

absl::StatusOr<std::unique_ptr<NpyWriter>> NpyWriter::Create(const std::string& path) {
  std::unique_ptr<std::FILE, CloseFile> file(std::fopen(PartialPath(path).c_str(), "wb"));
  if (file == nullptr) return absl::InvalidArgumentError(absl::StrCat(path, ": ", std::strerror(errno)));
  std::unique_ptr<NpyWriter> writer(new NpyWriter(path, std::move(file)));
  const std::string header = NpyHeader(0, 0);
  if (std::fwrite(header.data(), 1, header.size(), writer->file_.get()) != header.size())
    return writer->DiskError();
  return writer;
}

absl::Status NpyWriter::DiskError() const {
  return absl::UnavailableError(absl::StrCat(path_, ": ", std::strerror(errno)));
}

absl::Status NpyWriter::Append(absl::string_view values, int64_t rows, int64_t columns) {
  if (columns_ == 0) columns_ = columns;
  if (columns != columns_ || columns <= 0 ||
      values.size() != static_cast<size_t>(rows * columns) * sizeof(float)) {
    return absl::InvalidArgumentError(absl::StrCat(path_, ": ", values.size(), " bytes are not ", rows,
                                                   " rows of ", columns, " float32 after rows of ",
                                                   columns_));
  }
  if (std::fwrite(values.data(), 1, values.size(), file_.get()) != values.size()) return DiskError();
  rows_ += rows;
  return absl::OkStatus();
}

absl::Status NpyWriter::Finish() {
  const std::string header = NpyHeader(rows_, columns_);
  if (std::fseek(file_.get(), 0, SEEK_SET) != 0 ||
      std::fwrite(header.data(), 1, header.size(), file_.get()) != header.size() ||
      std::fflush(file_.get()) != 0 || std::rename(partial_path_.c_str(), path_.c_str()) != 0) {
    return DiskError();
  }
  file_.reset();
  return absl::OkStatus();
}

}  // namespace sluice
