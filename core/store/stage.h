// Stages: the steps that jobs and batches go through, as rows of one table.
//
// A kind's jobs begin at its first stage. A leased job ends its stage with an outcome, or it goes on to
// another stage of its kind (Advance), or its stage hands out tasks whose last one readies the job for
// another stage (FanOut); core/store/batch_store.h has the protocol. A new stage is a row here and its work
// in core/pipeline.
#pragma once

#include <vector>

#include "absl/time/time.h"

namespace sluice {

// Both are stored: a number is never changed, nor used again.
enum class JobKind { kScreen = 1, kEmbed = 2, kArchive = 3 };
enum class Stage {
  kPlan = 1,
  kScore = 2,
  kEmbed = 3,
  kArchiveSplit = 4,
  kArchiveParse = 5,
  kArchiveAssemble = 6,
};

enum class StageScope {
  kBatch,  // a task of the batch itself, which decides where its jobs go: they wait for it
  kJob,
  kTask,  // one of the tasks that a job was split into
};

// What a replica must have to do the work.
enum class StageNeeds { kNothing, kModel, kParser, kLanguageModel };

// By what a replica bounds the stage's work in its memory.
enum class CostUnit {
  kLeases,    // their number alone
  kTokens,    // of the scheduler's credit, which it holds until its texts are encoded
  kRequests,  // waits for another process or a network: no credit, and at most max_in_flight at once
};

struct StageRow {
  Stage id = Stage::kPlan;
  const char* name = "";  // "screen_plan": in metrics and logs
  JobKind kind = JobKind::kScreen;
  StageScope scope = StageScope::kJob;
  StageNeeds needs = StageNeeds::kNothing;
  CostUnit cost = CostUnit::kLeases;
  absl::Duration longest_attempt = absl::Minutes(5);  // then the lease ends, its session renewed or not
  int attempts = 3;                                   // counted ones, 1 or more; then the work is given up
  int max_in_flight = 0;       // of a replica; 0: bounded with the other stages. kRequests: 1 or more
  bool fails_without = false;  // a replica without what it needs claims it to fail it; else it waits for one
};

struct KindRow {
  JobKind kind = JobKind::kScreen;
  const char* name = "";        // "screen"
  Stage first = Stage::kScore;  // of scope kBatch: the jobs wait for that task; of kJob: they are ready at it
  bool in_rate = true;  // its jobs are alike enough for jobs a second to tell how long more of them take
};

// What this release can do.
inline constexpr KindRow kBuiltInKinds[] = {
    {.kind = JobKind::kScreen, .name = "screen", .first = Stage::kPlan},
    {.kind = JobKind::kEmbed, .name = "embed", .first = Stage::kEmbed},
    {.kind = JobKind::kArchive, .name = "archive", .first = Stage::kArchiveSplit, .in_rate = false},
};
inline constexpr StageRow kBuiltInStages[] = {
    {.id = Stage::kPlan,
     .name = "screen_plan",
     .kind = JobKind::kScreen,
     .scope = StageScope::kBatch,
     // It goes through a whole batch twice, a million postings at most.
     .longest_attempt = absl::Hours(6)},
    {.id = Stage::kScore,
     .name = "screen_score",
     .kind = JobKind::kScreen,
     .needs = StageNeeds::kModel,
     .cost = CostUnit::kTokens},
    {.id = Stage::kEmbed,
     .name = "embed",
     .kind = JobKind::kEmbed,
     .needs = StageNeeds::kModel,
     .cost = CostUnit::kTokens,
     .fails_without = true},
    {.id = Stage::kArchiveSplit,
     .name = "archive_split",
     .kind = JobKind::kArchive,
     .needs = StageNeeds::kParser,
     .cost = CostUnit::kRequests,
     // A book waits here until few enough others of its shelf are in work.
     .longest_attempt = absl::Hours(24),
     .max_in_flight = 16},
    {.id = Stage::kArchiveParse,
     .name = "archive_parse",
     .kind = JobKind::kArchive,
     .scope = StageScope::kTask,
     .needs = StageNeeds::kParser,
     .cost = CostUnit::kRequests,
     // Its pages at their deadline each, and once more alone.
     .longest_attempt = absl::Hours(2),
     .max_in_flight = 32},
    {.id = Stage::kArchiveAssemble,
     .name = "archive_assemble",
     .kind = JobKind::kArchive,
     .needs = StageNeeds::kParser,
     .cost = CostUnit::kRequests,
     .longest_attempt = absl::Hours(1),
     .max_in_flight = 4},
};

// Immutable, so thread-safe.
class StageTable {
 public:
  // Of the rows above.
  static const StageTable& BuiltIn();

  // Ids are unique; each kind's first stage is among `stages`, with scope kBatch or kJob.
  StageTable(std::vector<KindRow> kinds, std::vector<StageRow> stages);

  // Null when there is no such row. Valid as long as the table.
  const KindRow* Find(JobKind kind) const;
  const StageRow* Find(Stage stage) const;
  // Its row must be there.
  const StageRow& At(Stage stage) const;
  const StageRow& FirstOf(JobKind kind) const;

  // In the order of the table: what stands later is further on its way.
  const std::vector<StageRow>& stages() const { return stages_; }
  const std::vector<KindRow>& kinds() const { return kinds_; }
  int OrderOf(Stage stage) const;

  // Whether a job of the kind may leave a stage without an outcome. Where none can, no engine looks for what
  // such a job would have left.
  bool HasSteps(JobKind kind) const;

 private:
  std::vector<KindRow> kinds_;
  std::vector<StageRow> stages_;
};

// Of the built-in table; "unknown" for what is not in it.
const char* JobKindName(JobKind kind);
// Alike; true for what is not in it.
bool IsInRate(JobKind kind);
const char* StageName(Stage stage);

}  // namespace sluice
