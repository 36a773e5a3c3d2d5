// FakeEncoder: an Encoder without a model. Its vectors depend on a text's ids and their order alone, and it
// fails on request. It passes the contract suite of tests/contract/encoder_contract.h as the real one does.
#pragma once

#include <atomic>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <thread>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/inference/encoder.h"
#include "core/inference/packed_batch.h"

namespace sluice {

struct FakeEncoderOptions {
  int dimensions = 8;
  int max_tokens = 64;
  int vocabulary_size = 1000;
  DeviceType device = DeviceType::kCpu;

  std::optional<int32_t> poison_id;  // a pass with this id in it is INTERNAL
  std::optional<int32_t>
      non_finite_id;  // a text with it gets a vector that is not finite, as a broken model would
  size_t max_jobs_in_memory = std::numeric_limits<size_t>::max();  // more in a pass is RESOURCE_EXHAUSTED

  std::atomic<int>* passes = nullptr;  // counted, failed ones too
  std::atomic<int>* alive = nullptr;   // encoders that exist
};

class FakeEncoder final : public Encoder {
 public:
  explicit FakeEncoder(FakeEncoderOptions options = {})
      : options_(options), thread_(std::this_thread::get_id()) {
    description_ = {.model_name = "fake",
                    .model_digest = "00",
                    .dimensions = options.dimensions,
                    .max_tokens = options.max_tokens,
                    .vocabulary_size = options.vocabulary_size,
                    .device = options.device};
    if (options_.alive != nullptr) ++*options_.alive;
  }
  ~FakeEncoder() override {
    if (options_.alive != nullptr) --*options_.alive;
  }

  const EncoderDescription& description() const override { return description_; }

  // Called before each text.
  bool SetBetweenLayers(std::function<void()> between_layers) override {
    between_layers_ = std::move(between_layers);
    return true;
  }

  absl::Status Encode(absl::Span<const absl::Span<const int32_t>> texts, absl::Span<float> vectors) override {
    if (std::this_thread::get_id() != thread_)
      return absl::InternalError("called on a thread that did not make it");
    if (options_.passes != nullptr) ++*options_.passes;
    SLUICE_RETURN_IF_ERROR(CheckTexts(description_, texts, vectors));
    if (texts.size() > options_.max_jobs_in_memory) {
      return absl::ResourceExhaustedError(absl::StrCat("no memory for ", texts.size(), " texts"));
    }
    const auto dimensions = static_cast<size_t>(options_.dimensions);
    for (size_t i = 0; i < texts.size(); ++i) {
      if (between_layers_ != nullptr) between_layers_();
      for (const int32_t id : texts[i]) {
        if (id == options_.poison_id) return absl::InternalError(absl::StrCat("the id ", id, " is poison"));
      }
      EncodeText(texts[i], vectors.subspan(i * dimensions, dimensions));
    }
    return CheckFinite(vectors, options_.dimensions);
  }

 private:
  void EncodeText(absl::Span<const int32_t> text, absl::Span<float> vector) const {
    uint64_t state = 0x9e3779b97f4a7c15;
    bool finite = true;
    for (const int32_t id : text) {
      state = (state ^ static_cast<uint64_t>(id)) * 0xbf58476d1ce4e5b9;
      state ^= state >> 31;
      finite = finite && id != options_.non_finite_id;
    }
    double square = 0;
    for (float& component : vector) {
      state = state * 6364136223846793005 + 1442695040888963407;
      component = static_cast<float>(state >> 40) / static_cast<float>(1 << 23) - 1;
      square += component * component;
    }
    for (float& component : vector) component /= static_cast<float>(std::sqrt(square));
    if (!finite) vector[0] = std::numeric_limits<float>::quiet_NaN();
  }

  const FakeEncoderOptions options_;
  const std::thread::id thread_;
  EncoderDescription description_;
  std::function<void()> between_layers_;
};

}  // namespace sluice
