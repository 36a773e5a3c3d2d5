// A screen batch's ranked results: table or JSON lines on the terminal, all of them into a file.
#pragma once

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "client/cpp/client.h"
#include "client/cpp/command/headlines.h"
#include "client/cpp/command/job_records.h"
#include "client/cpp/command/terminal.h"
#include "client/cpp/command/verdict_table.h"
#include "client/cpp/formats/output_file.h"
#include "core/base/clock.h"

namespace sluice {

struct RankedResultsOptions {
  std::string batch;
  std::optional<int> top;        // default 20 in a table, all as JSON
  OutputFile* output = nullptr;  // gets every verdict as a JSON line and is finished; not owned
  bool json = false;
};

// What is remembered of the postings from when they were sent; nothing where another sent them.
struct SentPostings {
  static constexpr size_t kMaxSourcesBytes = 64 << 20;

  Headlines headlines;                            // for the table
  JobRecords evidence_sources{kMaxSourcesBytes};  // for JSON: EvidenceSource, packed
};

// A line for postings whose sources found no room; "" where all did.
std::string SourcesLeftOutText(const JobRecords& evidence_sources);

// Waits for the batch, showing its progress, prints its results and then what happened in all. Where every
// result is printed, none is read twice; for a table they are streamed to be counted, and only its rows are
// read again. An output error (output_file.h) when options.output cannot be written; CANCELLED when the
// client was interrupted, whereupon the batch goes on.
absl::StatusOr<v1::Batch> FollowAndPrintRanked(Client& client, const RankedResultsOptions& options,
                                               const SentPostings& sent, Terminal& terminal,
                                               const Clock& clock);

}  // namespace sluice
