// Results as JSON lines. Scripts rely on the names: id, verdict, score, phase1, phase2, reasons, rank.
#pragma once

#include <optional>
#include <string>

#include "client/cpp/formats/evidence_source.h"
#include "sluice/v1/batches.pb.h"

namespace sluice {

// One object without a newline. rank is there once the batch is done; phase2 is null when the model did not
// see the posting; a job without a verdict has "outcome" and "error" in its place, an embedding "vector".
// Where the `source` is known, evidence from a description has source_begin_byte and source_end_byte.
std::string ResultJson(const v1::JobResult& result,
                       const std::optional<EvidenceSource>& source = std::nullopt);

// Name, state, counts, times and plan of a batch.
std::string BatchJson(const v1::Batch& batch);

// "accept", "review", "reject".
const char* DecisionText(v1::Verdict::Decision decision);
// "pending", …, "completed_with_errors".
std::string StateText(v1::Batch::State state);
// "2026-01-15T10:00:00Z"; "" for none.
std::string TimeText(const google::protobuf::Timestamp& time);

}  // namespace sluice
