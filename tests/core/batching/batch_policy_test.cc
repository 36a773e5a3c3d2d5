#include "core/batching/batch_policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>

namespace sluice {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr absl::Duration kNow = absl::Seconds(100);

using Queues = std::array<std::vector<WaitingWork>, kNumLanes>;

// Queues as the policy sees them, with the words a test wants to say.
class BatchPolicyTest : public testing::Test {
 protected:
  void Waiting(Lane lane, std::initializer_list<int64_t> lengths,
               absl::Duration waited = absl::ZeroDuration()) {
    for (int64_t tokens : lengths) queues_[static_cast<int>(lane)].push_back({tokens, kNow - waited});
  }
  // Texts of a large call that came so long ago.
  void WaitingOfCall(absl::Duration call_age, std::initializer_list<int64_t> lengths, absl::Duration waited) {
    for (int64_t tokens : lengths) queues_[kPatientLane].push_back({tokens, kNow - waited, kNow - call_age});
  }

  BatchChoice ChooseFrom(const Queues& queues) const {
    return ChooseBatch({queues[0], queues[1], queues[2]}, kNow, limits_, options_, shares_);
  }

  // Chooses, takes what was chosen off the queues and names it: "i3" is the prompt work at index 3, "p3" the
  // patient and "b3" the bulk one.
  std::vector<std::string> Choose() {
    const BatchChoice choice = ChooseFrom(queues_);
    shares_ = choice.shares;
    std::vector<std::string> names;
    Queues left = queues_;
    tokens_ = {0, 0};
    for (const BatchChoice::Pick& pick : choice.picks) {
      const int lane = static_cast<int>(pick.lane);
      names.push_back("ipb"[lane] + std::to_string(pick.index));
      tokens_[static_cast<int>(ClassOf(pick.lane))] += queues_[lane][pick.index].tokens;
      left[lane][pick.index].tokens = 0;
    }
    for (auto& queue : left) std::erase_if(queue, [](const WaitingWork& work) { return work.tokens == 0; });
    queues_ = left;
    return names;
  }

  MicroBatchLimits limits_ = {.max_tokens = 100, .max_jobs = 8};
  SchedulerOptions options_;
  ClassShares shares_;
  Queues queues_;
  std::array<int64_t, kNumWorkClasses> tokens_ = {0, 0};  // of the last choice, by class
};

TEST_F(BatchPolicyTest, NothingWaitingMakesNoBatch) {
  EXPECT_THAT(Choose(), IsEmpty());
}

TEST_F(BatchPolicyTest, TakesInOrderWhileTheBudgetLasts) {
  Waiting(Lane::kBulk, {40, 40, 40});
  EXPECT_THAT(Choose(), ElementsAre("b0", "b1"));
}

TEST_F(BatchPolicyTest, TheBudgetMayBeFilledExactly) {
  Waiting(Lane::kBulk, {60, 40, 1});
  EXPECT_THAT(Choose(), ElementsAre("b0", "b1"));
}

TEST_F(BatchPolicyTest, TakesNoMoreJobsThanTheCap) {
  limits_.max_jobs = 3;
  Waiting(Lane::kBulk, {1, 1, 1, 1});
  Waiting(Lane::kPrompt, {1, 1, 1, 1});
  EXPECT_EQ(Choose().size(), 3u);
}

// A text over the budget cannot be cut, so it goes, but nothing goes with it.
TEST_F(BatchPolicyTest, ATooLongTextGoesAlone) {
  Waiting(Lane::kBulk, {150, 1, 1});
  EXPECT_THAT(Choose(), ElementsAre("b0"));
  EXPECT_THAT(Choose(), ElementsAre("b0", "b1"));
}

// The oldest always goes; those closest to it in length go with it, before older ones of another length.
TEST_F(BatchPolicyTest, PrefersLengthsCloseToTheOldest) {
  limits_.max_jobs = 3;
  Waiting(Lane::kBulk, {20, 50, 22, 5, 19});
  EXPECT_THAT(Choose(), ElementsAre("b0", "b4", "b2"));
}

TEST_F(BatchPolicyTest, EquallyCloseLengthsGoOldestFirst) {
  limits_.max_jobs = 3;
  Waiting(Lane::kBulk, {20, 21, 19, 20, 21});
  EXPECT_THAT(Choose(), ElementsAre("b0", "b3", "b1"));
}

// Closeness orders, it does not exclude: with budget left, far lengths go too.
TEST_F(BatchPolicyTest, FillsTheBudgetWithOtherLengths) {
  Waiting(Lane::kBulk, {50, 51, 30, 20});
  EXPECT_THAT(Choose(), ElementsAre("b0", "b2", "b3"));
}

TEST_F(BatchPolicyTest, LooksNoFurtherThanTheWindow) {
  limits_.max_jobs = 2;
  options_.look_ahead_works = 3;
  Waiting(Lane::kBulk, {20, 50, 40, 60, 20});
  // With b0 taken the window holds b1, b2 and b3; b4, though equal in length, is beyond it.
  EXPECT_THAT(Choose(), ElementsAre("b0", "b2"));
}

TEST_F(BatchPolicyTest, ALookAheadOfOneIsPlainFifo) {
  options_.look_ahead_works = 1;
  Waiting(Lane::kBulk, {20, 50, 20, 60, 5});
  EXPECT_THAT(Choose(), ElementsAre("b0", "b1", "b2"));
  EXPECT_THAT(Choose(), ElementsAre("b0", "b1"));
}

// A small call is encoded by all replicas at once; of an odd one the last text waits for whoever is first.
TEST_F(BatchPolicyTest, WhatWaitsIsSharedOut) {
  limits_.sharers = 2;
  Waiting(Lane::kPrompt, {10, 10, 10, 10, 10});
  EXPECT_THAT(Choose(), ElementsAre("i0", "i1"));
  EXPECT_THAT(Choose(), ElementsAre("i0"));
  EXPECT_THAT(Choose(), ElementsAre("i0"));
  EXPECT_THAT(Choose(), ElementsAre("i0"));
}

TEST_F(BatchPolicyTest, ATextOverItsShareGoesAlone) {
  limits_.sharers = 3;
  Waiting(Lane::kBulk, {60, 5, 5});
  EXPECT_THAT(Choose(), ElementsAre("b0"));
}

TEST_F(BatchPolicyTest, WhatFillsABatchForEachIsNotShared) {
  limits_ = {.max_tokens = 100, .max_jobs = 3, .sharers = 2};
  Waiting(Lane::kBulk, {10, 10, 10, 10, 10, 10});
  EXPECT_EQ(Choose().size(), 3u);
  EXPECT_EQ(Choose().size(), 1u);
}

// With more behind what can be seen, however little that is.
TEST_F(BatchPolicyTest, AWindowThatIsFullIsNotShared) {
  options_.look_ahead_works = 1;
  limits_ = {.max_tokens = 100, .max_jobs = 3, .sharers = 3};
  Waiting(Lane::kBulk, {10, 10, 10, 10});
  EXPECT_EQ(Choose().size(), 3u);
}

// One batch serves both classes, four tokens to one, when texts are alike.
TEST_F(BatchPolicyTest, MixesClassesByWeight) {
  limits_ = {.max_tokens = 100, .max_jobs = 10};
  Waiting(Lane::kPrompt, {10, 10, 10, 10, 10, 10, 10, 10, 10, 10});
  Waiting(Lane::kBulk, {10, 10, 10, 10, 10, 10, 10, 10, 10, 10});
  Choose();
  EXPECT_THAT(tokens_, ElementsAre(80, 20));
}

// While only one class waits it gets everything, whatever its weight.
TEST_F(BatchPolicyTest, ALoneClassGetsTheWholeBatch) {
  Waiting(Lane::kBulk, {25, 25, 25, 25});
  EXPECT_EQ(Choose().size(), 4u);
}

// Both classes always waiting, lengths at random and of another kind in each: over many batches the tokens
// are shared as the weights say, to within one per cent.
TEST_F(BatchPolicyTest, TokenSharesConvergeToTheWeights) {
  for (const double weight : {1.0, 4.0, 9.0}) {
    std::minstd_rand random(7);
    options_.weight[0] = weight;
    shares_ = ClassShares();
    queues_ = {};
    limits_ = {.max_tokens = 2048, .max_jobs = 24};
    double served[kNumWorkClasses] = {0, 0};
    for (int batch = 0; batch < 2000; ++batch) {
      while (queues_[0].size() < 64) Waiting(Lane::kPrompt, {8 + static_cast<int64_t>(random() % 40)});
      while (queues_[2].size() < 64) Waiting(Lane::kBulk, {64 + static_cast<int64_t>(random() % 440)});
      Choose();
      for (int c = 0; c < kNumWorkClasses; ++c) served[c] += static_cast<double>(tokens_[c]);
    }
    EXPECT_NEAR(served[0] / served[1] / weight, 1.0, 0.01) << "weight " << weight;
  }
}

// A class that was idle does not come back with credit: it gets its share from now on, to within a text of
// the other class, and not the time it missed.
TEST_F(BatchPolicyTest, IdleTimeEarnsNoCredit) {
  options_.weight[0] = 1;
  for (int batch = 0; batch < 50; ++batch) {
    Waiting(Lane::kBulk, {50, 50});
    Choose();
  }
  shares_.BecomeBacklogged(Lane::kPrompt, true);
  int64_t served[kNumWorkClasses] = {0, 0};
  for (int batch = 0; batch < 10; ++batch) {
    for (const int lane : {0, 2}) queues_[lane].assign(10, {10, kNow});
    Choose();
    for (int c = 0; c < kNumWorkClasses; ++c) served[c] += tokens_[c];
  }
  EXPECT_LE(std::abs(served[0] - served[1]), 2 * 50);
}

// Once aged, work goes before every younger one: of its class, whatever their length, and of the other class,
// whatever its weight.
TEST_F(BatchPolicyTest, AgedWorkGoesFirst) {
  limits_.max_jobs = 3;
  Waiting(Lane::kBulk, {20, 60}, options_.max_age);
  Waiting(Lane::kBulk, {20, 20});
  Waiting(Lane::kPrompt, {20, 20});
  EXPECT_THAT(Choose(), ElementsAre("b0", "b1", "i0"));
}

TEST_F(BatchPolicyTest, AlmostAgedWorkDoesNot) {
  limits_.max_jobs = 2;
  Waiting(Lane::kBulk, {20, 60}, options_.max_age - absl::Nanoseconds(1));
  Waiting(Lane::kPrompt, {20, 20});
  EXPECT_EQ(Choose().front(), "i0");
}

// When both classes are so late that everything is aged, neither can push the other out.
TEST_F(BatchPolicyTest, WeightsDecideBetweenTwoAgedClasses) {
  limits_ = {.max_tokens = 100, .max_jobs = 10};
  Waiting(Lane::kBulk, {10, 10, 10, 10, 10, 10, 10, 10, 10, 10}, absl::Minutes(2));
  Waiting(Lane::kPrompt, {10, 10, 10, 10, 10, 10, 10, 10, 10, 10}, absl::Minutes(1));
  Choose();
  EXPECT_THAT(tokens_, ElementsAre(80, 20));
}

// A class whose oldest text is too long for what is left of a batch opens the next one, so that small texts,
// its own or the other class's, cannot keep it waiting.
TEST_F(BatchPolicyTest, AnOldestThatDidNotFitOpensTheNextBatch) {
  Waiting(Lane::kPrompt, {30, 30, 30, 30, 30, 30});
  Waiting(Lane::kBulk, {90, 30, 30});
  EXPECT_THAT(Choose(), ElementsAre("i0", "b1", "i1"));
  // By its share alone it would be the interactive class's turn, and 90 would not fit again.
  EXPECT_LT(shares_.start[0], shares_.start[1]);
  EXPECT_EQ(Choose().front(), "b0");
}

// The texts of a large call wait for those of small ones, however much older they are short of max_age.
TEST_F(BatchPolicyTest, PatientWorkGivesWay) {
  limits_.max_jobs = 3;
  Waiting(Lane::kPatient, {20, 20}, options_.max_age - absl::Nanoseconds(1));
  Waiting(Lane::kPrompt, {20, 20});
  EXPECT_THAT(Choose(), ElementsAre("i0", "i1", "p0"));
}

// Not even a long text that did not fit into the last batch opens the next one while prompt work waits.
TEST_F(BatchPolicyTest, APatientOldestThatDidNotFitStillGivesWay) {
  Waiting(Lane::kPatient, {90});
  Waiting(Lane::kPrompt, {30});
  EXPECT_THAT(Choose(), ElementsAre("i0"));
  EXPECT_TRUE(shares_.opens_next[static_cast<int>(Lane::kPatient)]);
  Waiting(Lane::kPrompt, {30});
  EXPECT_THAT(Choose(), ElementsAre("i0"));
  EXPECT_THAT(Choose(), ElementsAre("p0"));
}

TEST_F(BatchPolicyTest, AgedPatientWorkGoesFirst) {
  limits_.max_jobs = 2;
  Waiting(Lane::kPatient, {20}, options_.max_age);
  Waiting(Lane::kPrompt, {20, 20});
  EXPECT_THAT(Choose(), ElementsAre("p0", "i0"));
}

// When small calls are late themselves, the oldest text goes, whosever it is.
TEST_F(BatchPolicyTest, AgeDecidesBetweenAgedWorkOfOneClass) {
  limits_.max_jobs = 1;
  Waiting(Lane::kPatient, {20}, options_.max_age + absl::Seconds(2));
  Waiting(Lane::kPrompt, {20}, options_.max_age + absl::Seconds(3));
  Waiting(Lane::kPrompt, {20}, options_.max_age + absl::Seconds(1));
  EXPECT_THAT(Choose(), ElementsAre("i0"));
  EXPECT_THAT(Choose(), ElementsAre("p0"));
  EXPECT_THAT(Choose(), ElementsAre("i0"));
}

// Both lanes of the interactive class take of its one share.
TEST_F(BatchPolicyTest, PatientWorkIsChargedToTheInteractiveClass) {
  limits_ = {.max_tokens = 100, .max_jobs = 10};
  Waiting(Lane::kPatient, {10, 10, 10, 10, 10, 10, 10, 10, 10, 10});
  Waiting(Lane::kBulk, {10, 10, 10, 10, 10, 10, 10, 10, 10, 10});
  Choose();
  EXPECT_THAT(tokens_, ElementsAre(80, 20));
}

// A pass that lets small calls in asks for nothing else.
TEST_F(BatchPolicyTest, OnlyPromptWorkWhereNothingElseIsWanted) {
  limits_.only_prompt = true;
  Waiting(Lane::kPatient, {10}, options_.max_age);
  Waiting(Lane::kBulk, {10}, options_.max_age);
  EXPECT_THAT(Choose(), IsEmpty());
  Waiting(Lane::kPrompt, {10, 10});
  EXPECT_THAT(Choose(), ElementsAre("i0", "i1"));
}

// Within their share: passes that let them in must not add up to more than the weights give.
TEST_F(BatchPolicyTest, PromptWorkThatHadItsShareIsNotLetIn) {
  limits_.only_prompt = true;
  Waiting(Lane::kPrompt, {10});
  Waiting(Lane::kBulk, {10});
  shares_.start = {11, 10};
  EXPECT_THAT(Choose(), IsEmpty());
  shares_.start = {10, 10};
  EXPECT_THAT(Choose(), ElementsAre("i0"));
}

// While small calls come, none rides in a batch with bulk or patient work, and such a batch is a small one.
class BesidePromptTest : public BatchPolicyTest {
 protected:
  void SetUp() override {
    limits_ = {.max_tokens = 100, .max_jobs = 8, .max_bulk_tokens = 30};
    shares_.prompt_came = kNow - options_.interactive_memory + absl::Nanoseconds(1);
  }
};

TEST_F(BesidePromptTest, ABatchHoldsOneClassAndLittleOfBulk) {
  Waiting(Lane::kPrompt, {10, 10, 10});
  Waiting(Lane::kBulk, {15, 15, 15, 15});
  EXPECT_THAT(Choose(), ElementsAre("i0", "i1", "i2"));
  EXPECT_THAT(Choose(), ElementsAre("b0", "b1"));
}

TEST_F(BesidePromptTest, APatientBatchIsSmallAndApartToo) {
  Waiting(Lane::kPatient, {15, 15, 15, 15});
  EXPECT_THAT(Choose(), ElementsAre("p0", "p1"));
  Waiting(Lane::kPrompt, {10, 10});
  EXPECT_THAT(Choose(), ElementsAre("i0", "i1"));
}

TEST_F(BesidePromptTest, ABulkTextOverTheSmallBudgetStillGoesAlone) {
  Waiting(Lane::kBulk, {80, 10});
  EXPECT_THAT(Choose(), ElementsAre("b0"));
}

TEST_F(BesidePromptTest, InteractiveWorkHasTheWholeBudget) {
  Waiting(Lane::kPrompt, {25, 25, 25, 25, 25});
  EXPECT_EQ(Choose().size(), 4u);
}

TEST_F(BesidePromptTest, ItEndsWithTheMemoryOfIt) {
  shares_.prompt_came -= absl::Nanoseconds(1);
  Waiting(Lane::kBulk, {15, 15, 15, 15});
  EXPECT_EQ(Choose().size(), 4u);
}

TEST_F(BesidePromptTest, SharesStillGoByWeight) {
  double served[kNumWorkClasses] = {0, 0};
  for (int batch = 0; batch < 2000; ++batch) {
    while (queues_[0].size() < 20) Waiting(Lane::kPrompt, {7});
    while (queues_[2].size() < 20) Waiting(Lane::kBulk, {13});
    Choose();
    for (int c = 0; c < kNumWorkClasses; ++c) served[c] += static_cast<double>(tokens_[c]);
  }
  EXPECT_NEAR(served[0] / served[1], 4.0, 0.05);
}

// A claim's works come together and are aged together: they must not keep a call waiting until the last is
// done.
TEST_F(BesidePromptTest, AnAgedBacklogLetsACallThroughAfterOneSmallBatch) {
  Waiting(Lane::kBulk, {20, 20, 20, 20, 20, 20}, options_.max_age);
  shares_.start[1] = 1000;  // bulk has had more than its share
  Waiting(Lane::kPrompt, {10});
  EXPECT_THAT(Choose(), ElementsAre("b0"));
  EXPECT_THAT(Choose(), ElementsAre("i0"));
  Waiting(Lane::kPrompt, {10});
  EXPECT_THAT(Choose(), ElementsAre("b0"));
  EXPECT_THAT(Choose(), ElementsAre("i0"));
}

// The same of a large call's.
TEST_F(BesidePromptTest, AnAgedLargeCallLetsASmallOneThroughAfterOneSmallBatch) {
  Waiting(Lane::kPatient, {20, 20, 20, 20}, options_.max_age);
  Waiting(Lane::kPrompt, {10});
  EXPECT_THAT(Choose(), ElementsAre("p0"));
  EXPECT_THAT(Choose(), ElementsAre("i0"));
  Waiting(Lane::kPrompt, {10});
  EXPECT_THAT(Choose(), ElementsAre("p0"));
  EXPECT_THAT(Choose(), ElementsAre("i0"));
}

// Each text of it is young, for it came when another was done; the call is old, and takes turns with the
// small ones. A pass that lets small calls in keeps to the same turns.
TEST_F(BesidePromptTest, AnOldCallTakesTurnsWithSmallOnes) {
  WaitingOfCall(options_.max_age, {20, 20}, absl::Milliseconds(10));
  Waiting(Lane::kPrompt, {10});
  EXPECT_THAT(Choose(), ElementsAre("i0"));
  Waiting(Lane::kPrompt, {10});
  EXPECT_THAT(Choose(), ElementsAre("p0"));
  EXPECT_THAT(Choose(), ElementsAre("i0"));
  Waiting(Lane::kPrompt, {10});
  limits_.only_prompt = true;
  EXPECT_THAT(Choose(), IsEmpty()) << "it is the old call's turn";
  limits_.only_prompt = false;
  EXPECT_THAT(Choose(), ElementsAre("p0"));
  limits_.only_prompt = true;
  EXPECT_THAT(Choose(), ElementsAre("i0"));
}

// Short of that age it gives way, as long as any small call waits.
TEST_F(BesidePromptTest, ACallThatIsNotOldYetGivesWay) {
  WaitingOfCall(options_.max_age - absl::Nanoseconds(1), {20, 20}, absl::Milliseconds(10));
  for (int i = 0; i < 3; ++i) {
    Waiting(Lane::kPrompt, {10});
    EXPECT_THAT(Choose(), ElementsAre("i0"));
  }
}

// The last texts of an old call do not overtake those of a younger large call that came before them.
TEST_F(BesidePromptTest, TextsOfLargeCallsKeepTheirOrder) {
  limits_.max_bulk_tokens = 20;
  WaitingOfCall(absl::Seconds(1), {20}, absl::Milliseconds(500));
  WaitingOfCall(absl::Minutes(1), {20, 20}, absl::Milliseconds(100));
  EXPECT_THAT(Choose(), ElementsAre("p0"));
  EXPECT_EQ(queues_[kPatientLane].front().call_came, kNow - absl::Minutes(1));
}

// Random queues, limits and options, and what must hold for any of them.
class RandomBatchPolicyTest : public BatchPolicyTest {
 protected:
  using Taken = std::array<std::vector<bool>, kNumLanes>;

  int64_t Below(int64_t n) { return static_cast<int64_t>(random_() % static_cast<uint64_t>(n)); }

  void Randomise() {
    options_.look_ahead_works = 1 + static_cast<int>(Below(20));
    options_.weight[0] = 1.0 + static_cast<double>(Below(8));
    limits_ = {.max_tokens = 1 + Below(300),
               .max_jobs = 1 + static_cast<int>(Below(12)),
               .sharers = 1 + static_cast<int>(Below(3))};
    for (auto& queue : queues_) {
      queue.clear();
      absl::Duration waited = absl::Seconds(Below(6));
      for (int64_t n = Below(40); n > 0; --n) {
        waited = std::max(absl::ZeroDuration(), waited - absl::Milliseconds(Below(300)));
        queue.push_back({1 + Below(120), kNow - waited});
      }
    }
  }

  int64_t TokensOf(const BatchChoice& choice) const {
    int64_t tokens = 0;
    for (const BatchChoice::Pick& pick : choice.picks) {
      tokens += queues_[static_cast<int>(pick.lane)][pick.index].tokens;
    }
    return tokens;
  }

  // Nothing is taken twice, and nothing from beyond the window as it stood.
  Taken CheckPicks(const BatchChoice& choice) const {
    Taken taken;
    for (int lane = 0; lane < kNumLanes; ++lane) taken[lane].resize(queues_[lane].size());
    for (const BatchChoice::Pick& pick : choice.picks) {
      std::vector<bool>& of_lane = taken[static_cast<int>(pick.lane)];
      EXPECT_FALSE(of_lane[pick.index]);
      EXPECT_LT(std::count(of_lane.begin(), of_lane.begin() + pick.index, false), options_.look_ahead_works);
      of_lane[pick.index] = true;
    }
    return taken;
  }

  // What a batch may hold: its share, where nothing hides behind the visible works.
  int64_t Budget() const {
    int64_t waiting = 0;
    for (const auto& queue : queues_) {
      if (static_cast<int>(queue.size()) >= VisibleWorks(options_, limits_)) return limits_.max_tokens;
      for (const WaitingWork& work : queue) waiting += work.tokens;
    }
    return std::min(limits_.max_tokens, (waiting + limits_.sharers - 1) / limits_.sharers);
  }

  // Nothing left in a window would still have fitted.
  void CheckFilled(const BatchChoice& choice, const Taken& taken) const {
    if (static_cast<int>(choice.picks.size()) == limits_.max_jobs) return;
    for (int lane = 0; lane < kNumLanes; ++lane) {
      int passed_over = 0;
      for (size_t i = 0; i < queues_[lane].size() && passed_over < options_.look_ahead_works; ++i) {
        if (taken[lane][i]) continue;
        ++passed_over;
        EXPECT_GT(TokensOf(choice) + queues_[lane][i].tokens, Budget());
      }
    }
  }

  // A lane that had a turn sent its oldest, or opens the next batch.
  static void CheckOldest(const BatchChoice& choice, const Taken& taken) {
    for (int lane = 0; lane < kNumLanes; ++lane) {
      if (std::count(taken[lane].begin(), taken[lane].end(), true) == 0) continue;
      EXPECT_TRUE(taken[lane][0] || choice.shares.opens_next[lane]);
    }
  }

  std::minstd_rand random_{11};
};

TEST_F(RandomBatchPolicyTest, HoldsItsProperties) {
  for (int round = 0; round < 3000 && !HasFailure(); ++round) {
    Randomise();
    const BatchChoice choice = ChooseFrom(queues_);
    EXPECT_EQ(choice.picks.empty(), queues_[0].empty() && queues_[1].empty() && queues_[2].empty());
    EXPECT_LE(static_cast<int>(choice.picks.size()), limits_.max_jobs);
    EXPECT_TRUE(TokensOf(choice) <= Budget() || choice.picks.size() == 1);
    const Taken taken = CheckPicks(choice);
    CheckFilled(choice, taken);
    CheckOldest(choice, taken);
    shares_ = choice.shares;
  }
}

// What lies beyond the visible works does not change the choice: forming a batch costs the same however long
// the queues are.
TEST_F(RandomBatchPolicyTest, DependsOnVisibleWorksOnly) {
  for (int round = 0; round < 1000; ++round) {
    Randomise();
    const size_t visible = static_cast<size_t>(VisibleWorks(options_, limits_));
    Queues shown = queues_;
    for (auto& queue : shown) queue.resize(std::min(queue.size(), visible));
    const BatchChoice whole = ChooseFrom(queues_);
    const BatchChoice part = ChooseFrom(shown);
    ASSERT_EQ(part.picks.size(), whole.picks.size());
    for (size_t i = 0; i < part.picks.size(); ++i) {
      ASSERT_EQ(part.picks[i].lane, whole.picks[i].lane);
      ASSERT_EQ(part.picks[i].index, whole.picks[i].index);
    }
  }
}

// Long texts in a flood of short ones, of their own class and the other, all of them young: each goes within
// a bounded number of batches even before ageing has to step in.
TEST_F(BatchPolicyTest, LongTextsAreNotStarvedByShortOnes) {
  options_.look_ahead_works = 8;
  limits_ = {.max_tokens = 100, .max_jobs = 4};
  Waiting(Lane::kBulk, {95, 3, 90, 4, 100});
  const auto is_long = [](const WaitingWork& work) { return work.tokens >= 90; };
  int batches = 0;
  for (; std::any_of(queues_[2].begin(), queues_[2].end(), is_long) && batches < 1000; ++batches) {
    while (queues_[0].size() < 8) Waiting(Lane::kPrompt, {10});
    while (queues_[2].size() < 16) Waiting(Lane::kBulk, {5});
    Choose();
  }
  EXPECT_LE(batches, 60);
}

TEST(CheckWanted, CancellationAndDeadlineHaveTheirCodes) {
  CancellationSource source;
  EncodeWork work = {.tokens = {1}, .deadline = kNow, .cancellation = source.token()};
  EXPECT_TRUE(CheckWanted(work, kNow - absl::Nanoseconds(1)).ok());
  EXPECT_EQ(CheckWanted(work, kNow).code(), absl::StatusCode::kDeadlineExceeded);
  source.Cancel();
  EXPECT_EQ(CheckWanted(work, kNow).code(), absl::StatusCode::kCancelled);
}

}  // namespace
}  // namespace sluice
