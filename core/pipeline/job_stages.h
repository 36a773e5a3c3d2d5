// JobStages: what the pipeline does in each stage of the table (core/store/stage.h).
#pragma once

#include <memory>

#include "core/pipeline/pipeline_context.h"
#include "core/store/stage.h"

namespace sluice {

// Loop thread only, each; `context` and its parts must outlive what is made.

// A screen batch's barrier. Phase one over every posting, the gate's decision, and what follows from it, each
// step committed under the plan task's fence and each repeatable:
//
//   1. page the postings, keep a summary of each (PhaseOnePass; nothing is committed)
//   2. commit the plan, or take the one that is there
//   3. ready the survivors, best first (PlanApplication, as the next)
//   4. page the postings again, record the others' verdicts (where none goes on to the model and step 1 could
//      keep all its results, from those); a posting whose work is over the budget fails
//   5. finish the plan task
//
// A plan task that starts again after a crash computes the same summaries, takes the stored plan and repeats
// what is missing; the store skips what is done. Memory: 12 bytes a posting, two pages, and
// kept_result_bytes.
//
// A posting that cannot be decoded, or whose work is over the budget, ends FAILED with that reason and takes
// no part in the gate; so does every posting of a batch whose profile does not compile.
std::unique_ptr<JobStage> MakeScreenPlanStage(PipelineContext& context);

// A survivor of the gate to its verdict with both phases. A text over the model's limit goes in windows,
// whose vectors are pooled by their tokens. Without a model nothing is claimed for this stage. Ends FAILED
// with MODEL_CHANGED when the plan was made with another one: half a batch by each would not compare.
std::unique_ptr<JobStage> MakeScreenScoreStage(PipelineContext& context);

// A job's text to its vector. Ends FAILED with NO_MODEL without a model, TEXT_TOO_LONG by the batch's own
// policy, otherwise as the codec or the encoder says.
std::unique_ptr<JobStage> MakeEmbedStage(PipelineContext& context);

// The archive's three stages, of a book (core/store/library_store.h has what they write).
//
// Split: the parser says how many pages the book has. It fans out into tasks of 32 pages for those whose
// results are not there yet, or goes on at once where all are. Ends SUCCEEDED and unchanged where the
// document has this content with these options already; FAILED as the parser says: ENCRYPTED, DAMAGED, …
std::unique_ptr<JobStage> MakeArchiveSplitStage(PipelineContext& context);

// A task: reads the pages of its range that have no result, and stores each result as it comes, so that a
// process that starts again goes on at the page. A page that fails is a result, too.
std::unique_ptr<JobStage> MakeArchiveParseStage(PipelineContext& context);

// The book as a whole: heads and headings over all pages, then a draft, and the commit that makes it visible.
// Ends FAILED when no page could be read. The library commits first, then the job ends: whoever repeats it
// finds the edition there.
std::unique_ptr<JobStage> MakeArchiveAssembleStage(PipelineContext& context);

struct StageMaker {
  Stage stage;
  std::unique_ptr<JobStage> (*make)(PipelineContext& context);
};

inline constexpr StageMaker kStageMakers[] = {
    {Stage::kPlan, &MakeScreenPlanStage},
    {Stage::kScore, &MakeScreenScoreStage},
    {Stage::kEmbed, &MakeEmbedStage},
    {Stage::kArchiveSplit, &MakeArchiveSplitStage},
    {Stage::kArchiveParse, &MakeArchiveParseStage},
    {Stage::kArchiveAssemble, &MakeArchiveAssembleStage},
};

}  // namespace sluice
