#include "client/cpp/formats/npy_writer.h"

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"

namespace sluice {
namespace {

constexpr size_t kHeaderBytes = 128;

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

absl::Status NpyWriter::Append(absl::string_view values, int64_t rows, int64_t columns) {
  const bool first = columns_ == 0;
  if (first) columns_ = columns;
  if (columns != columns_ || columns <= 0 ||
      values.size() != static_cast<size_t>(rows * columns) * sizeof(float)) {
    return absl::InvalidArgumentError(absl::StrCat(values.size(), " bytes are not ", rows, " rows of ",
                                                   columns, " float32 after rows of ", columns_));
  }
  if (first) SLUICE_RETURN_IF_ERROR(file_->Write(NpyHeader(announced_rows_, columns)));
  rows_ += rows;
  return file_->Write(values);
}

absl::Status NpyWriter::Finish() {
  if (rows_ != announced_rows_) {
    return absl::InvalidArgumentError(absl::StrCat("the input changed while it was read: it had ",
                                                   announced_rows_, " texts, then ", rows_));
  }
  return file_->Finish();
}

}  // namespace sluice
