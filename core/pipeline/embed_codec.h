// EmbedCodec: how the opaque bytes of an embed batch in the store become core's values, and back. The server
// implements it over its protos, so that core knows none.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/text/token_sequence.h"

namespace sluice {

struct EmbedSpec {
  Truncation truncation = Truncation::kError;
};

// Thread-safe and stateless. A decode failure is INVALID_ARGUMENT (bytes that this server did not write:
// DATA_LOSS).
class EmbedCodec {
 public:
  virtual ~EmbedCodec() = default;
  virtual absl::StatusOr<EmbedSpec> DecodeEmbedSpec(absl::string_view spec) const = 0;
  virtual absl::StatusOr<std::string> DecodeText(absl::string_view payload) const = 0;
  virtual std::string EncodeVector(absl::Span<const float> vector, int64_t tokens, bool truncated) const = 0;
};

}  // namespace sluice
