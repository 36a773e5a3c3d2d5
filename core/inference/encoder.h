// Encoder: the model behind its interface. Texts as token ids in, one vector each out.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/types/span.h"

namespace sluice {

enum class DeviceType { kCpu, kCuda, kMps };
enum class Precision { kFp32, kBf16, kFp16, kInt8 };

const char* DeviceTypeName(DeviceType type);     // "cpu", "cuda", "mps"
const char* PrecisionName(Precision precision);  // "fp32", "bf16", "fp16", "int8"

struct EncoderDescription {
  std::string model_name;    // the directory's own name
  std::string model_digest;  // SHA-256 of the weights, hex
  int dimensions = 0;        // of a vector
  int max_tokens = 0;        // a text's limit, special tokens included
  int vocabulary_size = 0;
  DeviceType device = DeviceType::kCpu;
  int device_index = 0;
  Precision precision = Precision::kFp32;
  std::string options;         // what besides the weights its configuration changes of a vector, for people
  bool pads_to_ladder = true;  // whether a pass has the rows of the row ladder, or only those of its texts
};

// An Encoder belongs to one thread at a time: Encode is called by its replica's thread only. description() is
// constant and safe from any thread.
class Encoder {
 public:
  virtual ~Encoder() = default;

  virtual const EncoderDescription& description() const = 0;

  // Encodes `texts` (1..n sequences of 2..max_tokens ids in [0, vocabulary_size)) in one forward pass into
  // `vectors`, float32 [texts.size(), dimensions] row-major, pooled and normalised as the model's own
  // configuration says. A text's vector does not depend on the other texts. Blocks for the pass.
  //   INVALID_ARGUMENT    a sequence is empty, too long or has an id outside the vocabulary; nothing was
  //   computed RESOURCE_EXHAUSTED  the device is out of memory: a smaller micro-batch may do INTERNAL the
  //   device or library failed, or a vector is not finite
  virtual absl::Status Encode(absl::Span<const absl::Span<const int32_t>> texts,
                              absl::Span<float> vectors) = 0;

  // From now on a pass calls `between_layers` wherever another pass may run before it goes on, so that a long
  // one can let a short one in: it may call Encode, whose pass then calls it as well. Null for nothing. False
  // from an encoder whose passes cannot be interrupted: it is never called.
  virtual bool SetBetweenLayers(std::function<void()> between_layers) = 0;
};

}  // namespace sluice
