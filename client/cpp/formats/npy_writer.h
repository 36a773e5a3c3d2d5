// NpyWriter: a float32 matrix as NumPy's .npy, version 1.0, written row by row.
//
// Format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html. The header comes first and
// says how many rows follow, so that it can be written to what cannot be sought in, such as a pipe.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "client/cpp/formats/output_file.h"

namespace sluice {

// The 128 bytes before the values of an [rows, columns] matrix of little-endian float32.
std::string NpyHeader(int64_t rows, int64_t columns);

// Not thread-safe. Blocks as `file` does.
class NpyWriter {
 public:
  // For a matrix of `rows` rows, into `file`.
  NpyWriter(std::unique_ptr<OutputFile> file, int64_t rows) : file_(std::move(file)), announced_rows_(rows) {}

  // `rows` rows of little-endian float32, row-major. INVALID_ARGUMENT when `columns` differs from the first
  // call's or the bytes do not fit; an output error (output_file.h) when they cannot be written.
  absl::Status Append(absl::string_view values, int64_t rows, int64_t columns);

  // INVALID_ARGUMENT when more or fewer rows came than were announced. Without it no regular file is left.
  absl::Status Finish();

  int64_t rows() const { return rows_; }
  int64_t columns() const { return columns_; }

 private:
  const std::unique_ptr<OutputFile> file_;
  const int64_t announced_rows_;
  int64_t rows_ = 0;
  int64_t columns_ = 0;
};

}  // namespace sluice
