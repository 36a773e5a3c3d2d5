// NpyWriter: a float32 matrix as NumPy's .npy, version 1.0, written row by row.
//
// Format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html. The header has room for any
// number of rows and is completed at the end. The file appears under its name only once it is whole.
#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace sluice {

// The 128 bytes before the values of an [rows, columns] matrix of little-endian float32.
std::string NpyHeader(int64_t rows, int64_t columns);

// Not thread-safe. Blocks on the disk. Destroyed before Finish it leaves no file.
class NpyWriter {
 public:
  // INVALID_ARGUMENT when the file cannot be created.
  static absl::StatusOr<std::unique_ptr<NpyWriter>> Create(const std::string& path);
  ~NpyWriter();

  // `rows` rows of little-endian float32, row-major. INVALID_ARGUMENT when `columns` differs from the first
  // call's or the bytes do not fit; UNAVAILABLE when the disk refuses.
  absl::Status Append(absl::string_view values, int64_t rows, int64_t columns);

  absl::Status Finish();

  int64_t rows() const { return rows_; }
  int64_t columns() const { return columns_; }

 private:
  struct CloseFile {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  NpyWriter(std::string path, std::unique_ptr<std::FILE, CloseFile> file);
  absl::Status DiskError() const;

  const std::string path_;
  const std::string partial_path_;
  std::unique_ptr<std::FILE, CloseFile> file_;
  int64_t rows_ = 0;
  int64_t columns_ = 0;
};

}  // namespace sluice
