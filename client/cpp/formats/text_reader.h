// ReadTexts: what `sluice embed` reads. JSON lines with "text" (and "id") when the file begins with '{',
// otherwise one text a line.
#pragma once

#include <cstdint>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "client/cpp/formats/input_place.h"

namespace sluice {

inline constexpr size_t kMaxTextBytes = 256 << 10;

using TextSink = absl::FunctionRef<absl::Status(std::string text, const InputPlace&)>;

struct TextInputOptions {
  bool ignore_unknown_columns = false;  // fields other than id and text
};

// Returns how many texts there were. An error of `sink` ends the reading and is handed on. NOT_FOUND names a
// missing file; INVALID_ARGUMENT names file and line: broken JSON, no "text", not UTF-8, over kMaxTextBytes,
// no text at all.
absl::StatusOr<int64_t> ReadTexts(const std::string& path, const TextInputOptions& options, TextSink sink);

}  // namespace sluice
