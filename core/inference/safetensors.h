// SafetensorsFile: a memory-mapped .safetensors file, every bound of which was checked before anyone reads
// it.
//
// FORMAT (https://github.com/huggingface/safetensors): 8 bytes of little-endian header length, a JSON object
// from tensor name to {dtype, shape, data_offsets}, then the data. Tensors must cover the data without gap or
// overlap.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace sluice {

enum class TensorType { kF64, kF32, kF16, kBf16, kI64, kI32, kI16, kI8, kU8, kBool };

const char* TensorTypeName(TensorType type);  // "F32", as the format writes it
int64_t TensorTypeBytes(TensorType type);

// A tensor inside a mapped file: valid as long as the file object is.
struct TensorView {
  TensorType type = TensorType::kF32;
  std::vector<int64_t> shape;
  const std::byte* data = nullptr;  // row-major, little-endian; not necessarily aligned
  int64_t bytes = 0;
};

// Immutable, thread-safe. The mapping is private and read-only, and ends with the object.
class SafetensorsFile {
 public:
  // NOT_FOUND or PERMISSION_DENIED names the file; INVALID_ARGUMENT names file, tensor and what is wrong with
  // it.
  static absl::StatusOr<std::unique_ptr<SafetensorsFile>> Open(const std::string& path);
  ~SafetensorsFile();
  SafetensorsFile(const SafetensorsFile&) = delete;
  SafetensorsFile& operator=(const SafetensorsFile&) = delete;

  const std::string& path() const { return path_; }
  absl::string_view bytes() const { return bytes_; }  // the whole file

  // nullptr when there is no tensor of that name.
  const TensorView* Find(absl::string_view name) const;

 private:
  SafetensorsFile(std::string path, absl::string_view bytes) : path_(std::move(path)), bytes_(bytes) {}
  absl::Status ReadHeader();

  const std::string path_;
  const absl::string_view bytes_;
  std::map<std::string, TensorView, std::less<>> tensors_;
};

}  // namespace sluice
