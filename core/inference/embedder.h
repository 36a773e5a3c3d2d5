// Embedder: texts to vectors for interactive calls, through the scheduler's interactive class.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/base/cancellation.h"
#include "core/base/executor.h"
#include "core/batching/micro_batch_scheduler.h"
#include "core/text/tokenizer.h"

namespace sluice {

struct EmbedCall {
  std::vector<std::string> texts;
  Truncation truncation = Truncation::kError;
  absl::Duration deadline = absl::InfiniteDuration();  // monotonic
  absl::Duration came = absl::InfiniteDuration();      // monotonic; a large call grows old from here on
  CancellationToken cancellation;
};

struct EmbedAnswer {
  std::vector<float> vectors;   // [texts, dimensions] row-major, normalised
  std::vector<int32_t> tokens;  // of each text
  std::vector<bool> truncated;
};

// Thread-safe. Tokenizes on the executor, never on the caller's thread.
class Embedder {
 public:
  struct Options {
    int dimensions = 0;
    int max_tokens = 0;  // of a text
    // So many texts of a call are tokenized at once, and wait in the scheduler at once: the next comes when
    // one is done. A call of more is large; it keeps the replicas busy and lets all others go first
    // (EncodeWork::patient). >= 1; two micro-batches of every replica.
    int max_waiting_texts = 16;
  };

  // `tokenizer`, `scheduler` and `executor` must outlive the embedder and its calls.
  static std::unique_ptr<Embedder> Create(Options options, const Tokenizer& tokenizer,
                                          MicroBatchScheduler& scheduler, Executor& executor);
  virtual ~Embedder() = default;

  // All texts or an error: INVALID_ARGUMENT (field "texts[i]", reason TEXT_TOO_LONG), RESOURCE_EXHAUSTED
  // (reason QUEUE_FULL or QUEUE_OVERLOADED), DEADLINE_EXCEEDED, CANCELLED, or the encoder's own. `done` is
  // called exactly once, never inline. When the executor refuses: RESOURCE_EXHAUSTED, inline.
  virtual void Embed(EmbedCall call, absl::AnyInvocable<void(absl::StatusOr<EmbedAnswer>) &&> done) = 0;
};

}  // namespace sluice
