#include "core/pipeline/window_encode.h"

#include <cmath>
#include <memory>
#include <utility>

#include "core/base/mutex.h"

namespace sluice {
namespace {

using VectorDone = absl::AnyInvocable<void(absl::StatusOr<std::vector<float>>) &&>;

// Gathers the vectors of one text's windows from whichever threads encode them.
class WindowGather {
 public:
  WindowGather(std::shared_ptr<PipelineLoop> loop, std::vector<int64_t> tokens, VectorDone done)
      : loop_(std::move(loop)),
        tokens_(std::move(tokens)),
        done_(std::move(done)),
        vectors_(tokens_.size()),
        missing_(tokens_.size()) {}

  void Put(size_t window, absl::StatusOr<std::vector<float>> vector) {
    {
      MutexLock lock(mutex_);
      if (vector.ok()) {
        vectors_[window] = *std::move(vector);
      } else if (failure_.ok()) {
        failure_ = std::move(vector).status();
      }
      if (--missing_ > 0) return;
    }
    Finish();
  }

 private:
  // The last window's thread alone gets here.
  void Finish() {
    absl::StatusOr<std::vector<float>> answer = std::vector<float>();
    if (failure_.ok()) {
      answer = PoolWindows(vectors_, tokens_);
    } else {
      answer = std::move(failure_);
    }
    loop_->Post([done = std::move(done_), answer = std::move(answer)]() mutable {
      std::move(done)(std::move(answer));
    });
  }

  const std::shared_ptr<PipelineLoop> loop_;
  const std::vector<int64_t> tokens_;
  VectorDone done_;
  Mutex mutex_;
  std::vector<std::vector<float>> vectors_;
  size_t missing_ ABSL_GUARDED_BY(mutex_);
  absl::Status failure_;
};

}  // namespace

int64_t CountTokens(const TokenWindows& windows) {
  int64_t tokens = 0;
  for (const std::vector<int32_t>& window : windows) tokens += static_cast<int64_t>(window.size());
  return tokens;
}

std::vector<float> PoolWindows(absl::Span<const std::vector<float>> vectors,
                               absl::Span<const int64_t> tokens) {
  if (vectors.size() == 1) return vectors[0];
  std::vector<double> sum(vectors[0].size(), 0.0);
  for (size_t window = 0; window < vectors.size(); ++window) {
    const double weight = static_cast<double>(tokens[window]);
    for (size_t i = 0; i < sum.size(); ++i) sum[i] += weight * vectors[window][i];
  }
  double square = 0;
  for (double value : sum) square += value * value;
  const double scale = square > 0 ? 1 / std::sqrt(square) : 0;
  std::vector<float> pooled(sum.size());
  for (size_t i = 0; i < sum.size(); ++i) pooled[i] = static_cast<float>(sum[i] * scale);
  return pooled;
}

double Cosine(absl::Span<const float> a, absl::Span<const float> b) {
  double product = 0;
  double square_a = 0;
  double square_b = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    product += static_cast<double>(a[i]) * b[i];
    square_a += static_cast<double>(a[i]) * a[i];
    square_b += static_cast<double>(b[i]) * b[i];
  }
  return square_a > 0 && square_b > 0 ? product / std::sqrt(square_a * square_b) : 0;
}

absl::Status EncodeWindows(PipelineLoop& loop, MicroBatchScheduler& scheduler, TokenWindows windows,
                           const CancellationToken& cancellation, VectorDone done) {
  std::vector<int64_t> tokens;
  for (const std::vector<int32_t>& window : windows) tokens.push_back(static_cast<int64_t>(window.size()));
  auto gather = std::make_shared<WindowGather>(loop.shared_from_this(), std::move(tokens), std::move(done));
  std::vector<EncodeWork> works(windows.size());
  for (size_t window = 0; window < windows.size(); ++window) {
    works[window].tokens = std::move(windows[window]);
    works[window].cancellation = cancellation;
    works[window].done = [gather, window](absl::StatusOr<std::vector<float>> vector) {
      gather->Put(window, std::move(vector));
    };
  }
  return scheduler.SubmitAll(std::move(works));
}

}  // namespace sluice
