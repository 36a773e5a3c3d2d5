#include "core/inference/encode_fallback.h"

namespace sluice {
namespace {

class Bisection {
 public:
  Bisection(Encoder& encoder, absl::Span<const absl::Span<const int32_t>> texts, absl::Span<float> vectors,
            EncodeObserver& observer)
      : encoder_(encoder), texts_(texts), vectors_(vectors), observer_(observer), statuses_(texts.size()) {}

  std::vector<absl::Status> Run() && {
    Encode(0, texts_.size());
    return std::move(statuses_);
  }

 private:
  // Recursion goes no deeper than log2 of the number of texts.
  void Encode(size_t begin, size_t size) {
    if (size == 0) return;
    const absl::Status status = Pass(begin, size);
    if (status.ok()) return;
    if (size == 1) {
      statuses_[begin] = status;
      return;
    }
    const size_t half = size / 2;
    observer_.OnFallback(
        {.texts = size, .whole_batch = size == texts_.size(), .to_single = half == 1, .reason = status});
    Encode(begin, half);
    Encode(begin + half, size - half);
  }

  absl::Status Pass(size_t begin, size_t size) {
    const auto dimensions = static_cast<size_t>(encoder_.description().dimensions);
    PassSize pass;
    for (size_t i = begin; i < begin + size; ++i) pass.Add(static_cast<int64_t>(texts_[i].size()));
    observer_.BeforePass(pass);
    absl::Status status =
        encoder_.Encode(texts_.subspan(begin, size), vectors_.subspan(begin * dimensions, size * dimensions));
    observer_.AfterPass(pass, status);
    return status;
  }

  Encoder& encoder_;
  const absl::Span<const absl::Span<const int32_t>> texts_;
  const absl::Span<float> vectors_;
  EncodeObserver& observer_;
  std::vector<absl::Status> statuses_;
};

}  // namespace

std::vector<absl::Status> EncodeWithFallback(Encoder& encoder,
                                             absl::Span<const absl::Span<const int32_t>> texts,
                                             absl::Span<float> vectors, EncodeObserver& observer) {
  return Bisection(encoder, texts, vectors, observer).Run();
}

}  // namespace sluice
