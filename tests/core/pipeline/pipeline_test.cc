#include "core/pipeline/pipeline.h"

#include <prometheus/registry.h>

#include "core/screening/screener.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/core/pipeline/pipeline_rig.h"

namespace sluice {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

// Postings of which every third speaks of what the profile wants, some at several windows' length.
std::vector<std::string> Postings(int n) {
  std::vector<std::string> postings;
  for (int i = 0; i < n; ++i) {
    std::string posting = i % 3 == 0 ? "distributed storage engineer c++" : "truck driver night shift";
    absl::StrAppend(&posting, " number ", i);
    if (i % 5 == 0) {
      for (int word = 0; word < 20; ++word) absl::StrAppend(&posting, " more ", i * word);
    }
    postings.push_back(posting);
  }
  return postings;
}

constexpr char kAll[] = "all 0 distributed storage engineer";
constexpr char kRulesOnly[] = "rules_only 0 distributed storage engineer";

// What the contracts say a batch's outcomes are, computed by hand: one posting after the other, no pipeline.
std::map<std::string, std::string> ScreenByHand(const PipelineRig& rig, const Batch& batch,
                                                const std::vector<std::string>& payloads) {
  const ScreenSpec spec = *rig.codec_.DecodeScreenSpec(batch.spec);
  const auto screener = *Screener::Compile(spec.profile);
  std::vector<Posting> postings;
  std::vector<PhaseOneSummary> summaries;
  for (size_t i = 0; i < payloads.size(); ++i) {
    postings.push_back(*rig.codec_.DecodePosting(absl::StrCat("job-", i), payloads[i]));
    WorkBudget budget;
    summaries.push_back(*screener->Summarise(postings.back(), batch.as_of, budget));
  }
  const GateDecision decision = DecideGate(spec.gate, summaries, rig.options_.has_model,
                                           rig.options_.pipeline.model_digest, batch.as_of);
  const std::vector<float> profile = VectorOf(rig.tokenizer_.EncodeWindows(screener->profile_text(), 16)[0]);
  std::map<std::string, std::string> verdicts;
  for (size_t i = 0; i < payloads.size(); ++i) {
    WorkBudget budget;
    const PhaseOneResult explained = *screener->Explain(postings[i], batch.as_of, budget);
    Verdict verdict = screener->VerdictWithoutModel(decision.plan, explained);
    if (std::count(decision.survivors.begin(), decision.survivors.end(), static_cast<int64_t>(i)) > 0) {
      std::vector<double> sum(8, 0.0);
      const auto windows = rig.tokenizer_.EncodeWindows(PostingText(postings[i]), 16);
      for (const auto& window : windows) {
        for (int d = 0; d < 8; ++d) sum[d] += static_cast<double>(window.size()) * VectorOf(window)[d];
      }
      double dot = 0, a = 0, b = 0;
      for (int d = 0; d < 8; ++d) {
        dot += sum[d] * profile[d];
        a += sum[d] * sum[d];
        b += static_cast<double>(profile[d]) * profile[d];
      }
      verdict = screener->VerdictWithModel(decision.plan, explained, dot / std::sqrt(a * b),
                                           static_cast<int>(windows.size()));
    }
    verdicts[absl::StrCat("job-", i)] = rig.codec_.EncodeVerdict(verdict);
  }
  return verdicts;
}

// Field `n` of an encoded verdict: 0 decision, 1 decided by, 2 score, 3 cosine, 4 windows.
std::string VerdictField(const std::string& verdict, int n) {
  return std::vector<std::string>(absl::StrSplit(verdict, ' '))[n];
}

TEST(PipelineTest, RefusesOptionsOutOfRange) {
  PipelineRig rig({});
  PipelineParts parts;
  EXPECT_EQ(Pipeline::Create({}, parts).status().code(), absl::StatusCode::kInvalidArgument);
  parts = {.queue = &rig.store_,
           .upkeep = &rig.store_,
           .screen_codec = &rig.codec_,
           .executor = rig.executor_.get(),
           .clock = &rig.clock_};
  EXPECT_THAT(Pipeline::Create({}, parts).status().message(), HasSubstr("embed_codec"));
  parts.embed_codec = &rig.codec_;
  EXPECT_THAT(Pipeline::Create({.phase_one_workers = 0}, parts).status().message(),
              HasSubstr("phase_one_workers: must be 1 to 256, is 0"));
  EXPECT_THAT(Pipeline::Create({.max_claimed_jobs = 0}, parts).status().message(),
              HasSubstr("max_claimed_jobs: must be 1 to"));
  EXPECT_THAT(Pipeline::Create({.kept_result_bytes = -1}, parts).status().message(),
              HasSubstr("kept_result_bytes: must be 0 to"));
  parts.scheduler = rig.scheduler_.get();
  EXPECT_THAT(Pipeline::Create({}, parts).status().message(), HasSubstr("come together"));
}

// The whole way of a screen batch: every verdict is what screening, windows, pooling and cosine give by hand.
TEST(PipelineTest, ScreensABatchEndToEnd) {
  PipelineRig rig({});
  rig.StartPipeline();
  const auto payloads = Postings(40);
  const std::string id = rig.Create(JobKind::kScreen, kAll, payloads);
  ASSERT_TRUE(rig.AwaitDone(id));
  EXPECT_EQ(rig.Get(id).state, BatchState::kSucceeded);
  const auto expected = ScreenByHand(rig, rig.Get(id), payloads);
  const auto outcomes = rig.Outcomes(id);
  ASSERT_EQ(outcomes.size(), payloads.size());
  for (const Outcome& outcome : outcomes) {
    const std::string& by_hand = expected.at(outcome.job_id);
    for (int field : {0, 1, 4}) EXPECT_EQ(VerdictField(outcome.result, field), VerdictField(by_hand, field));
    EXPECT_NEAR(std::strtod(VerdictField(outcome.result, 2).c_str(), nullptr),
                std::strtod(VerdictField(by_hand, 2).c_str(), nullptr), 1e-6);
    EXPECT_EQ(absl::StrFormat("%a", outcome.score), VerdictField(outcome.result, 2));
    EXPECT_EQ(VerdictField(outcome.result, 1), "phase2");
  }
}

// The gate's threshold leaves some out: the plan task records them without the model, with the verdict of
// their phase-one probability.
TEST(PipelineTest, JudgesBelowTheGateWithoutEncoding) {
  PipelineRig rig({});
  rig.StartPipeline();
  const auto payloads = Postings(600);
  const std::string id = rig.Create(JobKind::kScreen, "fixed 0.3 distributed storage engineer", payloads);
  ASSERT_TRUE(rig.AwaitDone(id));
  const Batch batch = rig.Get(id);
  EXPECT_EQ(batch.state, BatchState::kSucceeded);
  const GatePlan plan = *rig.codec_.DecodePlan(batch.plan);
  EXPECT_EQ(plan.postings, 600);
  EXPECT_EQ(plan.model_digest, "model-1");
  const auto expected = ScreenByHand(rig, batch, payloads);
  int64_t by_model = 0, by_phase_one = 0;
  for (const Outcome& outcome : rig.Outcomes(id)) {
    for (const int field : {0, 1}) {
      EXPECT_EQ(VerdictField(outcome.result, field), VerdictField(expected.at(outcome.job_id), field))
          << outcome.job_id;
    }
    const bool encoded = VerdictField(outcome.result, 1) == "phase2";
    by_model += encoded;
    by_phase_one += VerdictField(outcome.result, 1) == "phase1";
    EXPECT_EQ(outcome.attempt, encoded ? 1 : 0);
  }
  EXPECT_EQ(by_model, plan.survivors);
  EXPECT_EQ(by_phase_one, plan.gated);
}

// The gate decides who is encoded, not who is accepted: a batch that none of is encoded gets the verdicts of
// one screened by rules only.
TEST(PipelineTest, AcceptsUnderTheGateWhatPhaseOneAccepts) {
  PipelineRig rig({});
  rig.StartPipeline();
  const auto payloads = Postings(100);
  const std::string gated = rig.Create(JobKind::kScreen, "fixed 1 distributed storage engineer", payloads);
  const std::string rules_only = rig.Create(JobKind::kScreen, kRulesOnly, payloads);
  ASSERT_TRUE(rig.AwaitDone(gated));
  ASSERT_TRUE(rig.AwaitDone(rules_only));
  EXPECT_EQ(rig.codec_.DecodePlan(rig.Get(gated).plan)->gated, 100);
  const auto recorded = rig.Recorded(gated);
  EXPECT_EQ(recorded, rig.Recorded(rules_only));
  EXPECT_TRUE(std::any_of(recorded.begin(), recorded.end(), [](const auto& job) {
    return job.second.find("accept phase1") != std::string::npos;
  }));
}

// A posting that takes more work than there may be fails, with the rule named; it takes no part in the gate
// and nothing else of its batch suffers, whether it is screened once or twice.
TEST(PipelineTest, APostingOverItsWorkBudgetFailsAlone) {
  for (const char* policy : {"rules_only 0", "all 0", "fixed 1"}) {
    PipelineRig rig({});
    rig.StartPipeline();
    std::vector<std::string> payloads = Postings(40);
    payloads[7] = std::string(200'000, 'a');
    const std::string id =
        rig.Create(JobKind::kScreen, absl::StrCat(policy, " storage##(?:a{0,31}){31}b##coffee"), payloads);
    ASSERT_TRUE(rig.AwaitDone(id));
    const Batch batch = rig.Get(id);
    EXPECT_EQ(batch.counts.failed, 1) << policy;
    EXPECT_EQ(batch.counts.succeeded, 39) << policy;
    EXPECT_EQ(rig.codec_.DecodePlan(batch.plan)->postings, 39) << policy;
    for (const Outcome& outcome : rig.Outcomes(id)) {
      if (outcome.kind != OutcomeKind::kFailed) continue;
      EXPECT_EQ(outcome.job_id, "job-7");
      EXPECT_EQ(outcome.error_reason, "WORK_BUDGET_EXCEEDED");
      EXPECT_NE(outcome.error_message.find("rule \"pattern-1\""), std::string::npos) << outcome.error_message;
    }
  }
}

TEST(PipelineTest, ReadsTheBatchOfAnotherTenant) {
  PipelineRig rig({});
  rig.StartPipeline();
  const std::string id = rig.Create(JobKind::kScreen, kAll, Postings(3), "acme");
  ASSERT_TRUE(rig.AwaitDone(id, "acme"));
  EXPECT_EQ(rig.Get(id, "acme").state, BatchState::kSucceeded);
}

// Without a model the plan says so and every posting still gets its verdict.
TEST(PipelineTest, ScreensByRulesOnlyWithoutAModel) {
  PipelineRig rig({.has_model = false});
  rig.StartPipeline();
  const auto payloads = Postings(300);
  const std::string id = rig.Create(JobKind::kScreen, kAll, payloads);
  ASSERT_TRUE(rig.AwaitDone(id));
  const Batch batch = rig.Get(id);
  EXPECT_EQ(batch.state, BatchState::kSucceeded);
  EXPECT_EQ(rig.codec_.DecodePlan(batch.plan)->policy, GatePolicy::kRulesOnly);
  const auto expected = ScreenByHand(rig, batch, payloads);
  for (const Outcome& outcome : rig.Outcomes(id)) EXPECT_EQ(outcome.result, expected.at(outcome.job_id));
}

TEST(PipelineTest, EmbedJobsFailWithoutAModel) {
  PipelineRig rig({.has_model = false});
  rig.StartPipeline();
  const std::string id = rig.Create(JobKind::kEmbed, "error", {"a text", "another"});
  ASSERT_TRUE(rig.AwaitDone(id));
  EXPECT_EQ(rig.Get(id).state, BatchState::kFailed);
  for (const Outcome& outcome : rig.Outcomes(id)) EXPECT_EQ(outcome.error_reason, "NO_MODEL");
}

TEST(PipelineTest, EmbedsTextsByTheBatchsTruncation) {
  PipelineRig rig({});
  rig.StartPipeline();
  std::string text = "w0";
  for (int i = 1; i < 40; ++i) absl::StrAppend(&text, " w", i);
  std::map<std::string, std::string> first;
  for (const char* spec : {"error", "end", "start"}) {
    const std::string id = rig.Create(JobKind::kEmbed, spec, {text, "short text"});
    ASSERT_TRUE(rig.AwaitDone(id));
    for (const Outcome& outcome : rig.Outcomes(id)) {
      if (outcome.job_index == 0) first[spec] = absl::StrCat(outcome.error_reason, outcome.result);
      if (outcome.job_index == 1) {
        EXPECT_THAT(outcome.result, StartsWith("4 whole "));
      }
    }
  }
  EXPECT_EQ(first["error"], "TEXT_TOO_LONG");
  const auto vector = [&](Truncation truncation) {
    return rig.codec_.EncodeVector(VectorOf(rig.tokenizer_.Encode(text, 16, truncation)->ids), 16, true);
  };
  EXPECT_EQ(first["end"], vector(Truncation::kEnd));
  EXPECT_EQ(first["start"], vector(Truncation::kStart));
}

// Of four texts of which three are equal two are encoded; of the same batch again, none.
TEST(PipelineTest, EqualTextsAreEncodedOnce) {
  PipelineRig rig({.caches = true});
  rig.StartPipeline();
  std::map<std::string, std::string> recorded[2];
  for (int run : {0, 1}) {
    const std::string id =
        rig.Create(JobKind::kEmbed, "error", {"one text", "one text", "another", "one text"});
    ASSERT_TRUE(rig.AwaitDone(id));
    recorded[run] = rig.Recorded(id);
    EXPECT_EQ(rig.replica_->encoded(), 2) << "after batch " << run;
  }
  const auto result = [&](const std::string& text, int64_t tokens) {
    const TokenSequence sequence = *rig.tokenizer_.Encode(text, 16, Truncation::kError);
    return absl::StrCat(static_cast<int>(OutcomeKind::kSucceeded), "  ",
                        rig.codec_.EncodeVector(VectorOf(sequence.ids), tokens, false));
  };
  EXPECT_EQ(recorded[0].at("job-0"), result("one text", 4));
  EXPECT_EQ(recorded[0].at("job-3"), result("one text", 4));
  EXPECT_EQ(recorded[0].at("job-2"), result("another", 3));
  EXPECT_EQ(recorded[0], recorded[1]);
}

// Without a cache, each text for itself.
TEST(PipelineTest, OffMeansOff) {
  PipelineRig rig({});
  rig.StartPipeline();
  const std::string id = rig.Create(JobKind::kEmbed, "error", {"one text", "one text", "one text"});
  ASSERT_TRUE(rig.AwaitDone(id));
  EXPECT_EQ(rig.replica_->encoded(), 3);
}

// Same input, same verdicts, whether its texts were seen before or not.
TEST(PipelineTest, VerdictsDoNotDependOnTheCache) {
  const auto payloads = Postings(200);
  std::map<std::string, std::string> expected;
  for (const bool caches : {false, true}) {
    PipelineRig rig({.caches = caches});
    rig.StartPipeline();
    for (int again = 0; again < 2; ++again) {
      const std::string id = rig.Create(JobKind::kScreen, kAll, payloads);
      ASSERT_TRUE(rig.AwaitDone(id));
      if (expected.empty()) expected = rig.Recorded(id);
      EXPECT_EQ(rig.Recorded(id), expected) << (caches ? "with" : "without") << " a cache";
    }
  }
}

// Poison of each kind fails alone, with its reason; its neighbours get their verdicts.
TEST(PipelineTest, PoisonFailsAlone) {
  PipelineRig rig({});
  rig.replica_->Poison(rig.tokenizer_.EncodeWindows("poison", 16)[0][1]);
  rig.StartPipeline();
  auto payloads = Postings(30);
  payloads[7] = "!not a posting";
  payloads[8] = "some poison here";
  const std::string id = rig.Create(JobKind::kScreen, kAll, payloads);
  ASSERT_TRUE(rig.AwaitDone(id));
  EXPECT_EQ(rig.Get(id).state, BatchState::kCompletedWithErrors);
  const auto recorded = rig.Recorded(id);
  EXPECT_EQ(recorded.at("job-7"), "2 BAD_POSTING ");
  EXPECT_EQ(recorded.at("job-8"), "2 INTERNAL ");
  EXPECT_EQ(rig.Get(id).counts.succeeded, 28);
  EXPECT_EQ(rig.codec_.DecodePlan(rig.Get(id).plan)->postings, 29);
}

TEST(PipelineTest, ABatchWhoseSpecDoesNotDecodeFailsWhole) {
  PipelineRig rig({});
  rig.StartPipeline();
  const std::string screen = rig.Create(JobKind::kScreen, "nonsense", Postings(300));
  const std::string embed = rig.Create(JobKind::kEmbed, "nonsense", {"text"});
  ASSERT_TRUE(rig.AwaitDone(screen));
  ASSERT_TRUE(rig.AwaitDone(embed));
  for (const std::string& id : {screen, embed}) {
    EXPECT_EQ(rig.Get(id).state, BatchState::kFailed);
    for (const Outcome& outcome : rig.Outcomes(id)) EXPECT_EQ(outcome.error_reason, "BAD_SPEC");
  }
}

// Same input, same verdicts, in the same order of rejection, whatever the workers.
TEST(PipelineTest, VerdictsDoNotDependOnTheWorkers) {
  std::map<std::string, std::string> recorded[2];
  for (int run : {0, 1}) {
    PipelineOptions pipeline;
    pipeline.phase_one_workers = run == 0 ? 1 : 8;
    PipelineRig rig({.executor_threads = run == 0 ? 1 : 8, .pipeline = pipeline});
    rig.StartPipeline();
    auto payloads = Postings(700);
    payloads[300] = "!";
    const std::string id = rig.Create(JobKind::kScreen, "fixed 0.3 distributed storage engineer", payloads);
    ASSERT_TRUE(rig.AwaitDone(id));
    recorded[run] = rig.Recorded(id);
    recorded[run]["plan"] = rig.Get(id).plan;
  }
  EXPECT_EQ(recorded[0], recorded[1]);
}

// Nor on whether a plan task keeps phase one's results from its first pass to its second: never, until they
// turn out too many, or all.
TEST(PipelineTest, VerdictsDoNotDependOnWhatIsKept) {
  auto payloads = Postings(700);
  payloads[10] = "!";
  payloads[600] = "!";
  std::map<std::string, std::string> expected;
  for (const int64_t kept_bytes : {0, 100'000, 64 << 20}) {
    PipelineOptions pipeline;
    pipeline.kept_result_bytes = kept_bytes;
    PipelineRig rig({.pipeline = pipeline});
    rig.StartPipeline();
    const std::string id =
        rig.Create(JobKind::kScreen, "rules_only 0 distributed storage engineer", payloads);
    ASSERT_TRUE(rig.AwaitDone(id));
    std::map<std::string, std::string> recorded = rig.Recorded(id);
    ASSERT_EQ(recorded.size(), payloads.size());
    recorded["plan"] = rig.Get(id).plan;
    if (expected.empty()) expected = recorded;
    EXPECT_EQ(recorded, expected) << kept_bytes << " bytes kept";
  }
}

// While the replica stands, what was claimed stays within the credit; the rest of the backlog stays in the
// store.
TEST(PipelineTest, CreditBoundsWhatIsClaimed) {
  PipelineOptions pipeline;
  pipeline.credit_target_tokens = 100;
  PipelineRig rig({.replica_held = true, .pipeline = pipeline});
  rig.StartPipeline();
  std::vector<std::string> texts(400, "five words are in here");  // 7 tokens each
  const std::string id = rig.Create(JobKind::kEmbed, "error", texts);
  const auto queued = [&] { return rig.scheduler_->Snapshot().queued_tokens[1]; };
  int64_t most_queued = 0;
  ASSERT_TRUE(rig.AwaitCondition([&] {
    most_queued = std::max(most_queued, queued());
    return most_queued >= 75;
  }));
  int rounds = 0;
  ASSERT_TRUE(rig.AwaitCondition([&] {
    most_queued = std::max(most_queued, queued());
    return ++rounds > 50;
  }));
  EXPECT_LE(most_queued, 100);
  EXPECT_LE(rig.Stats().kinds[JobKind::kEmbed].leased_jobs, 100 / 7 + 4);  // and the micro-batch that stands
  rig.replica_->Release();
  ASSERT_TRUE(rig.AwaitDone(id));
  EXPECT_EQ(rig.Get(id).counts.succeeded, 400);
}

// Cancelling in the middle: what is not with the encoder yet ends CANCELLED, everything has one outcome.
TEST(PipelineTest, CancelMidWay) {
  PipelineRig rig({.replica_held = true});
  rig.StartPipeline();
  const std::string id = rig.Create(JobKind::kEmbed, "error", std::vector<std::string>(60, "some text"));
  ASSERT_TRUE(rig.AwaitCondition([&] { return rig.scheduler_->Snapshot().queued_works[1] > 8; }));
  rig.Cancel(id);
  // A heartbeat tells the pipeline, which heard it before it sends another; only then may the encoder go on.
  const int told = rig.store_.Calls("Heartbeat") + 2;
  ASSERT_TRUE(
      rig.AwaitCondition([&] { return rig.store_.Calls("Heartbeat") >= told; }, absl::Milliseconds(100)));
  rig.replica_->Release();
  ASSERT_TRUE(rig.AwaitDone(id));
  const Batch batch = rig.Get(id);
  EXPECT_EQ(batch.state, BatchState::kCancelled);
  EXPECT_GE(batch.counts.cancelled, 50);
  EXPECT_LE(rig.replica_->encoded(), 8);  // at most the micro-batch that was formed before
  EXPECT_EQ(rig.Recorded(id).size(), 60u);
}

// A paused process: its session dies, its jobs are claimed again under a new one, and what it finishes late
// is fenced and counted.
TEST(PipelineTest, LateOutcomesOfADeadSessionAreFenced) {
  prometheus::Registry registry;
  ServiceMetrics metrics(registry);
  PipelineRig rig({.replica_held = true, .metrics = &metrics});
  rig.StartPipeline();
  const std::string id = rig.Create(JobKind::kEmbed, "error", {"one text"});
  ASSERT_TRUE(rig.AwaitCondition([&] { return rig.replica_->taken() == 1; }));
  rig.clock_.Advance(absl::Seconds(20));
  // Swept, then claimed by the new session, while the replica still holds the old work.
  ASSERT_TRUE(rig.AwaitCondition([&] { return rig.scheduler_->Snapshot().queued_works[1] > 0; }));
  rig.replica_->Release();
  ASSERT_TRUE(rig.AwaitDone(id));
  EXPECT_EQ(rig.Get(id).counts.succeeded, 1);
  for (const Outcome& outcome : rig.Outcomes(id)) EXPECT_EQ(outcome.attempt, 2);
  ASSERT_TRUE(rig.AwaitCondition([&] { return metrics.pipeline().fenced_results_total->Value() == 1; }));
  ASSERT_TRUE(rig.AwaitCondition([&] {
    return metrics.pipeline().kinds.at(JobKind::kEmbed).jobs_total.at(OutcomeKind::kSucceeded)->Value() == 1;
  }));
}

// A drain gives back what has not reached the encoder, with the attempt; the next pipeline starts it as the
// first.
TEST(PipelineTest, DrainReturnsWhatHasNotStarted) {
  PipelineRig rig({.replica_held = true});
  rig.StartPipeline();
  const std::string id = rig.Create(JobKind::kEmbed, "error", std::vector<std::string>(50, "some text"));
  ASSERT_TRUE(rig.AwaitCondition([&] { return rig.scheduler_->Snapshot().queued_works[1] > 8; }));
  bool drained = false;
  {
    Thread drain("drain", [&] { drained = rig.pipeline_->Drain(absl::Seconds(20)); });
    rig.replica_->Release();
  }
  EXPECT_TRUE(drained);
  EXPECT_EQ(rig.Stats().kinds[JobKind::kEmbed].leased_jobs, 0);
  rig.StopPipeline();
  rig.StartPipeline();
  ASSERT_TRUE(rig.AwaitDone(id));
  EXPECT_EQ(rig.Get(id).counts.succeeded, 50);
  for (const Outcome& outcome : rig.Outcomes(id)) EXPECT_EQ(outcome.attempt, 1) << outcome.job_id;
}

// A drain that runs out of time says so and closes the session: its leases are ready again at once.
TEST(PipelineTest, DrainThatTimesOutGivesTheLeasesBack) {
  PipelineRig rig({.replica_held = true});
  rig.StartPipeline();
  const std::string id = rig.Create(JobKind::kEmbed, "error", std::vector<std::string>(20, "some text"));
  ASSERT_TRUE(rig.AwaitCondition([&] { return rig.replica_->taken() > 0; }));
  EXPECT_FALSE(rig.pipeline_->Drain(absl::Milliseconds(50)));
  EXPECT_EQ(rig.Stats().kinds[JobKind::kEmbed].leased_jobs, 0);
  EXPECT_EQ(rig.Stats().kinds[JobKind::kEmbed].ready_jobs, 20 - rig.Get(id).counts.done());
}

// With a store that failed nothing that runs can be committed: nobody waits for it, whichever came first.
TEST(PipelineTest, ADrainThatIsCutWaitsForNothing) {
  for (const bool cut_before : {true, false}) {
    PipelineRig rig({.replica_held = true});
    rig.StartPipeline();
    rig.Create(JobKind::kEmbed, "error", std::vector<std::string>(20, "some text"));
    ASSERT_TRUE(rig.AwaitCondition([&] { return rig.replica_->taken() > 0; }));
    if (cut_before) rig.pipeline_->CutDrain();
    bool drained = true;
    {
      Thread drain("drain", [&] { drained = rig.pipeline_->Drain(absl::InfiniteDuration()); });
      rig.pipeline_->CutDrain();
    }
    EXPECT_FALSE(drained);
  }
}

// The pipeline goes away with work everywhere: nothing late touches it, and the next one completes the batch.
TEST(PipelineTest, StopsAtAnyMoment) {
  for (int calls = 0; calls < 12; ++calls) {
    PipelineRig rig({});
    const std::string id = rig.Create(JobKind::kScreen, kAll, Postings(50));
    rig.StartPipeline();
    ASSERT_TRUE(rig.AwaitCondition([&] { return rig.replica_->encoded() >= calls; }));
    rig.StopPipeline();
    rig.StartPipeline();
    ASSERT_TRUE(rig.AwaitCondition([&] { return IsTerminal(rig.Get(id).state); }, absl::Milliseconds(50)));
    EXPECT_EQ(rig.Recorded(id).size(), 50u);
  }
}

TEST(PipelineTest, FillsItsMetrics) {
  prometheus::Registry registry;
  ServiceMetrics metrics(registry);
  PipelineOptions pipeline;
  pipeline.phase_one_workers = 3;
  PipelineRig rig({.replica_held = true, .pipeline = pipeline, .metrics = &metrics});
  rig.StartPipeline();
  auto payloads = Postings(90);
  payloads[1] = "!";
  const std::string id = rig.Create(JobKind::kScreen, "fixed 0.3 distributed storage engineer", payloads);
  ASSERT_TRUE(rig.AwaitCondition([&] { return !rig.Get(id).plan.empty(); }));
  EXPECT_EQ(rig.pipeline_->JobsPerSecond(), 0);
  rig.clock_.Advance(absl::Seconds(2));  // a rate is told after a second of work
  rig.replica_->Release();
  ASSERT_TRUE(rig.AwaitDone(id));
  const PipelineMetrics& values = metrics.pipeline();
  ASSERT_TRUE(rig.AwaitCondition([&] {
    return values.kinds.at(JobKind::kScreen).jobs_total.at(OutcomeKind::kSucceeded)->Value() == 89;
  }));
  EXPECT_EQ(values.kinds.at(JobKind::kScreen).jobs_total.at(OutcomeKind::kFailed)->Value(), 1);
  const GatePlan plan = *rig.codec_.DecodePlan(rig.Get(id).plan);
  EXPECT_EQ(values.gate_jobs_total[0]->Value(), plan.vetoed);
  EXPECT_EQ(values.gate_jobs_total[1]->Value(), plan.gated);
  EXPECT_EQ(values.gate_jobs_total[2]->Value(), plan.survivors);
  EXPECT_EQ(values.phase_one_workers->Value(), 3);
  EXPECT_EQ(values.stage_seconds.at(Stage::kScore)->Collect().histogram.sample_count,
            static_cast<uint64_t>(plan.survivors));
  ASSERT_TRUE(rig.AwaitCondition(
      [&] { return values.stage_seconds.at(Stage::kPlan)->Collect().histogram.sample_count == 1; }));
  ASSERT_TRUE(rig.AwaitCondition([&] {
    return values.kinds.at(JobKind::kScreen).job_seconds->Collect().histogram.sample_count ==
           static_cast<uint64_t>(plan.survivors);
  }));
  EXPECT_GT(rig.pipeline_->JobsPerSecond(), 0);
}

// Survivors planned with another model would not compare with those of this one.
TEST(PipelineTest, JobsPlannedWithAnotherModelFail) {
  PipelineRig rig({.replica_held = true});
  rig.StartPipeline();
  const std::string id = rig.Create(JobKind::kScreen, kAll, Postings(5));
  ASSERT_TRUE(rig.AwaitCondition([&] { return !rig.Get(id).plan.empty(); }));
  rig.StopPipeline();
  rig.options_.pipeline.model_digest = "model-2";
  rig.StartPipeline();
  rig.replica_->Release();
  ASSERT_TRUE(rig.AwaitCondition([&] { return IsTerminal(rig.Get(id).state); }, absl::Milliseconds(50)));
  for (const Outcome& outcome : rig.Outcomes(id)) {
    EXPECT_EQ(outcome.error_reason, "MODEL_CHANGED");
    EXPECT_EQ(outcome.error_code, absl::StatusCode::kFailedPrecondition);
  }
}

// Survivors of a gate wait where there is no model for them, with nothing recorded, and get their verdicts
// once there is one again. Other work goes on meanwhile.
TEST(PipelineTest, JobsPlannedWithAModelWaitWhereThereIsNone) {
  PipelineRig rig({.replica_held = true});
  rig.StartPipeline();
  const std::string id = rig.Create(JobKind::kScreen, kAll, Postings(5));
  ASSERT_TRUE(rig.AwaitCondition([&] { return rig.replica_->taken() > 0; }));
  rig.StopPipeline();
  rig.UseModel(false);
  rig.StartPipeline();
  const std::string other = rig.Create(JobKind::kScreen, kAll, Postings(3));
  ASSERT_TRUE(rig.AwaitDone(other));
  const absl::Duration later = rig.clock_.MonotonicNow() + absl::Minutes(20);
  ASSERT_TRUE(rig.AwaitCondition([&] { return rig.clock_.MonotonicNow() > later; }, absl::Seconds(1)));
  EXPECT_EQ(rig.Get(id).state, BatchState::kRunning);
  EXPECT_EQ(rig.Get(id).counts.done(), 0);
  rig.StopPipeline();
  rig.UseModel(true);
  rig.replica_->Release();
  rig.StartPipeline();
  ASSERT_TRUE(rig.AwaitCondition([&] { return IsTerminal(rig.Get(id).state); }, absl::Milliseconds(50)));
  EXPECT_EQ(rig.Get(id).counts.succeeded, 5);
}

// The answer to a claim is lost while other work is in hand. Its lease is found by the heartbeats and claimed
// again, rather than when the attempt's time runs out hours later.
TEST(PipelineTest, LeaseOfALostClaimIsReturnedWithinTwoHeartbeats) {
  PipelineRig rig({.replica_held = true});
  const std::string stuck = rig.Create(JobKind::kEmbed, "end", {"a text"});
  const std::string lost = rig.Create(JobKind::kScreen, "rules_only 0 distributed storage", Postings(3));
  rig.store_.Arm(StoreFault::kLoseAnswer, 1, "Claim");  // the first asks for plan tasks
  const absl::Duration began = rig.clock_.MonotonicNow();
  rig.StartPipeline();
  ASSERT_TRUE(rig.AwaitCondition([&] { return IsTerminal(rig.Get(lost).state); }, absl::Milliseconds(20)));
  EXPECT_LT(rig.clock_.MonotonicNow() - began, absl::Minutes(1));
  EXPECT_EQ(rig.Stats().kinds[JobKind::kEmbed].leased_jobs, 1)
      << "the other batch's job is in hand all the while";
  rig.replica_->Release();
  ASSERT_TRUE(rig.AwaitDone(stuck));
}

// A plan that its worker gives up for an error of the store's is tried again at once, and the attempt counts.
TEST(PipelineTest, APlanGivenUpIsTriedAgainAtOnce) {
  for (const char* method : {"ReadBatch", "ReadJobs", "CommitPlan", "ApplyPlan", "FinishPlan"}) {
    PipelineRig rig({});
    const std::string id = rig.Create(JobKind::kScreen, "rules_only 0 distributed storage", Postings(3));
    rig.store_.Arm(StoreFault::kBreak, 1, method);
    const absl::Duration began = rig.clock_.MonotonicNow();
    rig.StartPipeline();
    EXPECT_TRUE(rig.AwaitCondition([&] { return rig.Get(id).plan_applied; })) << method;
    EXPECT_EQ(rig.Get(id).state, BatchState::kSucceeded) << method;
    EXPECT_EQ(rig.store_.fired(), method);
    EXPECT_LT(rig.clock_.MonotonicNow() - began, absl::Minutes(1)) << method;
  }
}

// A store that cannot record outcomes for some minutes costs no job an attempt: each is given back and done
// again, at most once a minute.
TEST(PipelineTest, AStoreThatCannotCommitForLongCostsNoAttempt) {
  constexpr int kRefusals = 300;  // at one a second in the end
  PipelineRig rig({});
  rig.store_.Arm(StoreFault::kRefuse, 1, "CommitSteps", kRefusals);
  rig.StartPipeline();
  const std::string id = rig.Create(JobKind::kEmbed, "error", {"a text", "another", "a third"});
  const absl::Duration began = rig.clock_.MonotonicNow();
  ASSERT_TRUE(rig.AwaitCondition([&] { return IsTerminal(rig.Get(id).state); }, absl::Milliseconds(100)));
  EXPECT_GT(rig.clock_.MonotonicNow() - began, absl::Minutes(3)) << "longer than attempts would last";
  EXPECT_EQ(rig.Get(id).state, BatchState::kSucceeded);
  for (const Outcome& outcome : rig.Outcomes(id)) EXPECT_EQ(outcome.attempt, 1) << outcome.job_id;
  EXPECT_LE(rig.replica_->encoded(), 3 * 10);
}

// A commit that the store refuses for good costs at most one of those that shared it an attempt: the one that
// is refused alone as well.
TEST(PipelineTest, ARefusedCommitIsTriedOneByOne) {
  PipelineRig rig({.replica_held = true});
  rig.StartPipeline();
  const std::string id = rig.Create(JobKind::kEmbed, "error", {"a text", "another", "a third", "a fourth"});
  constexpr int kRefusals = 2;  // if all share a commit: of all, then of the first alone
  rig.store_.Arm(StoreFault::kBreak, 1, "CommitSteps", kRefusals);
  rig.replica_->Release();
  ASSERT_TRUE(rig.AwaitDone(id));
  EXPECT_EQ(rig.Get(id).state, BatchState::kSucceeded);
  int further_attempts = 0;
  for (const Outcome& outcome : rig.Outcomes(id)) further_attempts += outcome.attempt - 1;
  EXPECT_GE(further_attempts, 1);
  EXPECT_LE(further_attempts, kRefusals);
}

TEST(PipelineTest, AnOutcomeThatIsAlwaysRefusedEndsWithItsAttempts) {
  PipelineRig rig({});
  rig.store_.Arm(StoreFault::kBreak, 1, "CommitSteps", 1000);
  rig.StartPipeline();
  const std::string id = rig.Create(JobKind::kEmbed, "error", {"a text"});
  ASSERT_TRUE(rig.AwaitDone(id));
  EXPECT_EQ(rig.Outcomes(id).at(0).error_reason, "ATTEMPTS_EXHAUSTED");
}

struct FaultCase {
  StoreFault fault;
  const char* name;
};

class PipelineFaultTest : public ::testing::TestWithParam<FaultCase> {};

// One fault at the first, second and third call of every method a worker uses: nothing is lost, nothing
// twice, and no verdict differs from the run without faults.
TEST_P(PipelineFaultTest, NothingIsLostNorTwice) {
  auto payloads = Postings(40);
  payloads[3] = "!";
  const auto run = [&](int nth_call, const std::string& method, std::string* fired) {
    PipelineRig rig({});
    const std::string id = rig.Create(JobKind::kScreen, "fixed 0.3 distributed storage engineer", payloads);
    if (nth_call > 0) rig.store_.Arm(GetParam().fault, nth_call, method);
    rig.StartPipeline();
    EXPECT_TRUE(rig.AwaitCondition([&] { return IsTerminal(rig.Get(id).state); }, absl::Milliseconds(50)));
    if (method == "FinishPlan") {
      EXPECT_TRUE(rig.AwaitCondition([&] { return rig.Get(id).plan_applied; }, absl::Milliseconds(50)));
    }
    *fired = rig.store_.fired();
    return rig.Recorded(id);
  };
  std::string fired;
  const auto expected = run(0, "", &fired);
  ASSERT_EQ(expected.size(), payloads.size());
  for (const char* method : {"Claim", "ReadBatch", "ReadJobs", "CommitPlan", "ApplyPlan", "FinishPlan",
                             "CommitSteps", "Sweep", "Stats"}) {
    for (int nth_call = 1; nth_call <= 3; ++nth_call) {
      EXPECT_EQ(run(nth_call, method, &fired), expected) << method << " call " << nth_call;
      if (nth_call == 1) {
        EXPECT_EQ(fired, method) << "was never hit";
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Faults, PipelineFaultTest,
                         ::testing::Values(FaultCase{StoreFault::kRefuse, "Refuse"},
                                           FaultCase{StoreFault::kLoseAnswer, "LoseAnswer"},
                                           FaultCase{StoreFault::kBusy, "Busy"}),
                         [](const auto& tested) { return std::string(tested.param.name); });

// A crash right after each of the plan task's steps: the next attempt ends with the same plan and the same
// outcomes.
void CrashAtEveryStep(const std::string& spec) {
  const auto payloads = Postings(300);
  std::map<std::string, std::string> expected;
  std::string expected_plan;
  for (int crash_at = 0; crash_at <= 14; ++crash_at) {
    PipelineRig rig({});
    const std::string id = rig.Create(JobKind::kScreen, spec, payloads);
    rig.StartPipeline();
    if (crash_at > 0) {
      // The crash: from this call on the first process hears nothing, and then is gone.
      rig.store_.Arm(StoreFault::kLoseAnswer, crash_at);
      ASSERT_TRUE(
          rig.AwaitCondition([&] { return !rig.store_.fired().empty() || IsTerminal(rig.Get(id).state); },
                             absl::ZeroDuration()));
      rig.StopPipeline();
      rig.store_.Disarm();  // a batch that ended before its crash leaves the fault to the next process
      rig.StartPipeline();
    }
    ASSERT_TRUE(rig.AwaitCondition([&] { return IsTerminal(rig.Get(id).state); }, absl::Milliseconds(50)));
    if (crash_at == 0) {
      expected = rig.Recorded(id);
      expected_plan = rig.Get(id).plan;
      ASSERT_EQ(expected.size(), payloads.size());
    }
    EXPECT_EQ(rig.Recorded(id), expected) << "crash at call " << crash_at << ", " << rig.store_.fired();
    EXPECT_EQ(rig.Get(id).plan, expected_plan);
  }
}

TEST(PipelineTest, APlanTaskStartsAgainAfterACrashAtAnyStep) {
  CrashAtEveryStep("fixed 0.3 distributed storage engineer");
}

// Also where the first attempt had kept what phase one said.
TEST(PipelineTest, ARulesOnlyPlanTaskStartsAgainAfterACrashAtAnyStep) {
  CrashAtEveryStep("rules_only 0 distributed storage engineer");
}

}  // namespace
}  // namespace sluice
