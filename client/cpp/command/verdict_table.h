// The ranked table: for people on a terminal, as plain tab-separated lines in a pipe. Pure.
#pragma once

#include <string>

#include "client/cpp/command/follow_batch.h"
#include "client/cpp/command/headlines.h"
#include "sluice/v1/batches.pb.h"

namespace sluice {

struct TableStyle {
  bool terminal = false;  // aligned, two lines a posting; otherwise one tab-separated line
  int columns = 100;
  bool colour = true;  // on a terminal alone
};

// The line that names the columns; "" for a pipe.
std::string TableHeader(const TableStyle& style);

// One posting, with its newline: rank, score, verdict, what it is, its reasons. In a pipe: rank, score,
// verdict, id, title, company, location, reasons.
std::string TableRow(const v1::JobResult& result, const Headline& headline, const TableStyle& style);

// What happened in all: verdicts, what the gate saved, which rules vetoed most, how long each phase took, the
// batch's name.
std::string Summary(const FollowedBatch& followed);

}  // namespace sluice
