#include "core/inference/embedder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "core/base/error_details.h"
#include "tests/fakes/fake_encoder.h"
#include "tests/fakes/manual_executor.h"
#include "tests/fakes/simulated_clock.h"

namespace sluice {
namespace {

using testing::ElementsAre;

// One token a byte between two special ones.
class ByteTokenizer final : public Tokenizer {
 public:
  absl::StatusOr<TokenSequence> Encode(absl::string_view text, int max_tokens,
                                       Truncation truncation) const override {
    TokenSequence sequence{.untruncated_tokens = static_cast<int64_t>(text.size()) + 2};
    sequence.truncated = sequence.untruncated_tokens > max_tokens;
    if (sequence.truncated && truncation == Truncation::kError) {
      return WithReason(absl::InvalidArgumentError("has too many tokens"), "TEXT_TOO_LONG");
    }
    sequence.ids.push_back(1);
    for (const char c : text.substr(0, max_tokens - 2)) sequence.ids.push_back(static_cast<unsigned char>(c));
    sequence.ids.push_back(2);
    return sequence;
  }
  std::vector<std::vector<int32_t>> EncodeWindows(absl::string_view, int) const override { return {}; }
  int vocabulary_size() const override { return 1000; }
};

class EmbedderTest : public testing::Test {
 protected:
  void Make(SchedulerOptions options = {}) {
    scheduler_ = MicroBatchScheduler::Create(options, clock_, nullptr).value();
    embedder_ = Embedder::Create({.dimensions = 8, .max_tokens = 10}, tokenizer_, *scheduler_, executor_);
  }
  void SetUp() override { Make(); }

  void Embed(EmbedCall call) {
    embedder_->Embed(std::move(call), [this](absl::StatusOr<EmbedAnswer> answer) {
      ++answers_;
      answer_ = std::move(answer);
    });
  }

  // Runs the next work that waits in the scheduler; false when there was none.
  bool EncodeOne() {
    std::optional<MicroBatch> batch = scheduler_->TryNextBatch({.max_jobs = 1});
    if (!batch.has_value()) return false;
    EXPECT_EQ(batch->works[0].work_class, WorkClass::kInteractive);
    std::vector<float> vector(8);
    const absl::Span<const int32_t> text = batch->works[0].tokens;
    const absl::Status status = encoder_.Encode({&text, 1}, absl::MakeSpan(vector));
    ++encoded_;
    std::move(batch->works[0].done)(status.ok() ? absl::StatusOr<std::vector<float>>(vector) : status);
    return true;
  }
  void EncodeAll() {
    while (EncodeOne()) {
    }
  }

  SimulatedClock clock_;
  ByteTokenizer tokenizer_;
  ManualExecutor executor_{2};
  FakeEncoder encoder_{{.poison_id = 'X'}};
  std::unique_ptr<MicroBatchScheduler> scheduler_;
  std::unique_ptr<Embedder> embedder_;
  int answers_ = 0;
  int encoded_ = 0;
  absl::StatusOr<EmbedAnswer> answer_ = absl::UnknownError("no answer yet");
};

// Vectors, token counts and truncation flags are in the order of the texts; nothing happens on the caller's
// thread.
TEST_F(EmbedderTest, AnswersInTheOrderOfTheTexts) {
  Embed({.texts = {"abc", "a text that is cut", ""}, .truncation = Truncation::kEnd});
  EXPECT_EQ(answers_, 0);
  EXPECT_EQ(scheduler_->Snapshot().queued_works[0], 0) << "tokenized by the executor, not by the caller";
  executor_.RunAll();
  EncodeAll();
  ASSERT_EQ(answers_, 1);
  ASSERT_TRUE(answer_.ok()) << answer_.status();
  EXPECT_THAT(answer_->tokens, ElementsAre(5, 10, 2));
  EXPECT_THAT(answer_->truncated, ElementsAre(false, true, false));
  ASSERT_EQ(answer_->vectors.size(), 24u);
  const std::vector<int32_t> empty = {1, 2};
  const absl::Span<const int32_t> text = empty;
  std::vector<float> alone(8);
  ASSERT_EQ(encoder_.Encode({&text, 1}, absl::MakeSpan(alone)), absl::OkStatus());
  EXPECT_EQ(alone, std::vector<float>(answer_->vectors.begin() + 16, answer_->vectors.end()));
}

TEST_F(EmbedderTest, NoTextsGiveAnEmptyAnswer) {
  Embed({});
  executor_.RunAll();
  ASSERT_EQ(answers_, 1);
  EXPECT_TRUE(answer_->vectors.empty());
}

// A text over the limit is named, and no other text of the call is encoded.
TEST_F(EmbedderTest, TextTooLongIsNamed) {
  Embed({.texts = {"fine", "much too long a text"}});
  executor_.RunAll();
  ASSERT_EQ(answers_, 1);
  EXPECT_EQ(answer_.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ReasonOf(answer_.status()), "TEXT_TOO_LONG");
  const auto violations = FieldViolationsOf(answer_.status());
  ASSERT_EQ(violations.size(), 1u);
  EXPECT_EQ(violations[0].field, "texts[1]");
  EXPECT_EQ(scheduler_->Snapshot().queued_works[0], 0);
}

// All texts or an error: the encoder's own for the first text it could not do, once, when all are through.
TEST_F(EmbedderTest, OneFailedTextFailsTheCallOnce) {
  Embed({.texts = {"a", "X", "b", "X"}});
  executor_.RunAll();
  EncodeAll();
  EXPECT_EQ(answers_, 1);
  EXPECT_EQ(answer_.status(), absl::InternalError("the id 88 is poison"));
}

TEST_F(EmbedderTest, RefusedByAFullExecutorInline) {
  Embed({.texts = {"first"}});
  Embed({.texts = {"second"}});
  Embed({.texts = {"third"}});
  ASSERT_EQ(answers_, 1);
  EXPECT_EQ(answer_.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReasonOf(answer_.status()), "QUEUE_FULL");
}

// A call that does not fit the scheduler's queue is refused whole.
TEST_F(EmbedderTest, RefusedWholeByAFullScheduler) {
  Make({.max_queued_works = {2, 2}});
  Embed({.texts = {"a", "b", "c"}});
  executor_.RunAll();
  ASSERT_EQ(answers_, 1);
  EXPECT_EQ(answer_.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReasonOf(answer_.status()), "QUEUE_FULL");
  EXPECT_EQ(scheduler_->Snapshot().queued_works[0], 0);
}

// A large call leaves room for others: it holds only a few places in the queue, and a small one that comes
// later goes before all of them.
TEST_F(EmbedderTest, ALargeCallLetsASmallOneInBetween) {
  int small_answers = 0;
  EmbedCall large;
  large.texts.assign(100, "abc");
  Embed(std::move(large));
  executor_.RunAll();
  EXPECT_EQ(scheduler_->Snapshot().queued_works[0], 16);
  embedder_->Embed({.texts = {"xyz"}}, [&](const absl::StatusOr<EmbedAnswer>& answer) {
    EXPECT_TRUE(answer.ok()) << answer.status();
    ++small_answers;
  });
  executor_.RunOne();
  EncodeOne();
  EXPECT_EQ(small_answers, 1);
  EXPECT_EQ(answers_, 0);
  EXPECT_EQ(scheduler_->Snapshot().queued_works[0], 16);
  EncodeAll();
  ASSERT_TRUE(answer_.ok()) << answer_.status();
  EXPECT_EQ(answers_, 1);
  EXPECT_EQ(answer_->vectors.size(), 100u * 8);
}

// The texts that were still to come are not encoded for nothing.
TEST_F(EmbedderTest, AFailedTextEndsALargeCall) {
  EmbedCall large;
  large.texts.assign(100, "abc");
  large.texts[3] = "X";
  Embed(std::move(large));
  executor_.RunAll();
  EncodeAll();
  EXPECT_EQ(answers_, 1);
  EXPECT_FALSE(answer_.ok());
  EXPECT_LE(encoded_, 16 + 4);
}

TEST_F(EmbedderTest, ALargeCallEndsWithTheScheduler) {
  EmbedCall large;
  large.texts.assign(100, "abc");
  Embed(std::move(large));
  executor_.RunAll();
  EncodeOne();
  scheduler_->Close();
  EXPECT_EQ(answers_, 1);
  EXPECT_EQ(answer_.status().code(), absl::StatusCode::kUnavailable);
}

// Two small calls wait for each other, so that the second is refused for having waited in a standing queue;
// the large one, which lets both go first, is not, nor are those that come after them.
TEST_F(EmbedderTest, ALargeCallIsNotDroppedForWaiting) {
  Make({.codel = {.target = absl::Milliseconds(1), .interval = absl::Milliseconds(1)}});
  EmbedCall large;
  large.texts.assign(50, "abc");
  Embed(std::move(large));
  executor_.RunAll();
  std::vector<absl::StatusCode> small;
  for (int i = 0; i < 56; ++i) {
    clock_.Advance(absl::Milliseconds(1.5));
    EncodeOne();
    if (i % 20 != 5) continue;
    for (int call = 0; call < (i == 5 ? 4 : 1); ++call) {
      embedder_->Embed({.texts = {"xyz"}}, [&](const absl::StatusOr<EmbedAnswer>& answer) {
        small.push_back(answer.status().code());
      });
      executor_.RunOne();
    }
  }
  EXPECT_TRUE(answer_.ok()) << answer_.status();
  constexpr auto kOk = absl::StatusCode::kOk;
  constexpr auto kExhausted = absl::StatusCode::kResourceExhausted;
  EXPECT_THAT(small, ElementsAre(kOk, kExhausted, kExhausted, kExhausted, kOk, kOk));
}

// Tokenizing a large call takes turns with others.
TEST_F(EmbedderTest, ALargeCallIsTokenizedInParts) {
  EmbedCall large;
  large.texts.assign(50, "abc");
  Embed(std::move(large));
  int small_answers = 0;
  embedder_->Embed({.texts = {"xyz"}},
                   [&](const absl::StatusOr<EmbedAnswer>& answer) { small_answers += answer.ok() ? 1 : 0; });
  executor_.RunOne();
  executor_.RunOne();
  EXPECT_EQ(scheduler_->Snapshot().queued_works[0], 1);
  EncodeAll();
  EXPECT_EQ(small_answers, 1);
  executor_.RunAll();
  EncodeAll();
  ASSERT_TRUE(answer_.ok()) << answer_.status();
  EXPECT_EQ(answer_->vectors.size(), 50u * 8);
  EXPECT_EQ(answer_->tokens.size(), 50u);
}

TEST_F(EmbedderTest, CancelledBeforeItIsTokenized) {
  CancellationSource source;
  Embed({.texts = {"a"}, .cancellation = source.token()});
  source.Cancel();
  executor_.RunAll();
  ASSERT_EQ(answers_, 1);
  EXPECT_EQ(answer_.status().code(), absl::StatusCode::kCancelled);
}

// Deadline and cancellation travel with the works to where batches are formed.
TEST_F(EmbedderTest, DeadlineIsHonouredWhenABatchIsFormed) {
  Embed({.texts = {"a", "b"}, .deadline = clock_.MonotonicNow() + absl::Seconds(1)});
  executor_.RunAll();
  clock_.Advance(absl::Seconds(2));
  EncodeAll();
  ASSERT_EQ(answers_, 1);
  EXPECT_EQ(answer_.status().code(), absl::StatusCode::kDeadlineExceeded);
}

TEST_F(EmbedderTest, ClosedSchedulerFailsTheCall) {
  Embed({.texts = {"a", "b"}});
  executor_.RunAll();
  scheduler_->Close();
  ASSERT_EQ(answers_, 1);
  EXPECT_EQ(answer_.status().code(), absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace sluice
