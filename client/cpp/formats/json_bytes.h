// JSON text, byte by byte, for nlohmann's parser: bounded, with the line of each byte, from a file or from
// memory. Two things that are no JSON and that well-known programs write are read: NaN, Infinity and
// -Infinity without quotes, as Python writes them, are null; an escape of half a surrogate pair, which
// JavaScript leaves where it cuts a text, is U+FFFD.
#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "client/cpp/formats/byte_source.h"
#include "client/cpp/formats/input_place.h"

namespace sluice {

// Longest JSON value that is kept at once: a JSON line, one JobPosting, or what stands around them.
inline constexpr size_t kMaxJsonValueBytes = 16 << 20;

// Leaves nlohmann's parser from inside its callback; ParseJson returns the status.
struct StopParsing {
  absl::Status status;
};

// Not thread-safe.
class JsonBytes {
 public:
  explicit JsonBytes(ByteSource& source) : source_(&source), path_(source.path()) {}
  // `text` begins at `place` and outlives this.
  JsonBytes(absl::string_view text, const InputPlace& place)
      : text_(text), path_(place.file), line_(place.line) {}

  // All of them where they can be parsed as they are: one line without anything to replace.
  std::optional<absl::string_view> OneLine() const;

  // The next byte, or ByteSource::kEnd.
  int Peek();
  // Throws StopParsing over kMaxJsonValueBytes since the last ForgetBytes.
  void Advance();

  InputPlace Place() const { return source_ != nullptr ? source_->Place() : InputPlace{path_, line_}; }
  void ForgetBytes() { kept_bytes_ = 0; }

 private:
  int PeekRaw();
  void AdvanceRaw();
  void ReplaceWord();
  void ReplaceEscape();
  std::string TakeEscape();

  ByteSource* source_ = nullptr;
  absl::string_view text_;
  size_t position_ = 0;
  std::string path_;
  int64_t line_ = 1;
  size_t kept_bytes_ = 0;
  bool in_string_ = false;
  std::string replaced_;  // comes before what is held back, and that before what is raw
  size_t replaced_position_ = 0;
  std::string held_escape_;  // was looked at to tell whether it completes a pair
};

// Parses one value; `keep` is nlohmann's callback, may be null and may throw StopParsing. INVALID_ARGUMENT
// "file:line: broken JSON: …".
absl::StatusOr<nlohmann::json> ParseJson(JsonBytes& bytes, const nlohmann::json::parser_callback_t& keep);

}  // namespace sluice
