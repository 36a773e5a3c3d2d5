#include "client/cpp/command/batches_command.h"

#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/cpp/command/follow_batch.h"
#include "client/cpp/command/progress.h"
#include "client/cpp/command/ranked_results.h"
#include "client/cpp/command/verdict_json.h"
#include "client/cpp/formats/terminal_text.h"
#include "core/base/status_macros.h"

namespace sluice {
namespace {

int64_t DoneJobs(const v1::BatchCounts& counts) {
  return counts.succeeded() + counts.failed() + counts.cancelled() + counts.expired();
}

std::string BatchLine(const v1::Batch& batch) {
  return absl::StrFormat("%s\t%s\t%s\t%d/%d\t%s", EscapeText(batch.name()), EscapeText(batch.kind()),
                         StateText(batch.state()), DoneJobs(batch.counts()), batch.counts().jobs(),
                         TimeText(batch.create_time()));
}

void PrintBatch(const v1::Batch& batch, bool json, Terminal& terminal) {
  terminal.out << (json ? BatchJson(batch) : BatchLine(batch)) << std::endl;
  if (!json && !batch.waits_for().empty())
    terminal.out << "  waits for " << EscapeText(batch.waits_for()) << std::endl;
}

absl::StatusOr<ExitCode> List(Client& client, bool json, Terminal& terminal) {
  constexpr int kPageBatches = 200;
  v1::ListBatchesRequest request;
  request.set_page_size(kPageBatches);
  do {
    SLUICE_ASSIGN_OR_RETURN(const v1::ListBatchesResponse page, client.ListBatches(request));
    for (const v1::Batch& batch : page.batches()) PrintBatch(batch, json, terminal);
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  return ExitCode::kDone;
}

absl::StatusOr<ExitCode> Watch(Client& client, const std::string& name, CommandContext& context) {
  SLUICE_ASSIGN_OR_RETURN(const FollowedBatch followed, FollowBatch(client, {.name = name, .results = false},
                                                                    context.terminal, context.clock));
  PrintBatch(followed.batch, false, context.terminal);
  return ExitCodeOf(followed.batch.state());
}

absl::Status PrintEmbeddings(Client& client, const BatchesFlags& flags, OutputFile* output,
                             Terminal& terminal) {
  return client.StreamResults(flags.name, 0, [&](const v1::JobResult& result) {
    if (output != nullptr) SLUICE_RETURN_IF_ERROR(output->Write(ResultJson(result) + '\n'));
    if (flags.json) {
      terminal.out << ResultJson(result) << '\n';
    } else {
      terminal.out << result.sequence() << '\t' << EscapeText(result.id()) << '\t'
                   << result.embedding().tokens() << " tokens"
                   << (result.embedding().truncated() ? ", cut" : "") << '\n';
    }
    return absl::OkStatus();
  });
}

absl::StatusOr<ExitCode> Results(Client& client, const BatchesFlags& flags, CommandContext& context) {
  SLUICE_ASSIGN_OR_RETURN(const v1::Batch batch, client.GetBatch(flags.name));
  std::unique_ptr<OutputFile> output;
  if (!flags.output.empty()) {
    SLUICE_ASSIGN_OR_RETURN(output, OutputFile::Create(flags.output, /*inputs=*/{}));
  }
  if (batch.kind() == "screen") {
    SLUICE_ASSIGN_OR_RETURN(
        const v1::Batch ended,
        FollowAndPrintRanked(
            client, {.batch = flags.name, .top = flags.top, .output = output.get(), .json = flags.json},
            SentPostings(), context.terminal, context.clock));
    return ExitCodeOf(ended.state());
  }
  SLUICE_ASSIGN_OR_RETURN(
      const FollowedBatch followed,
      FollowBatch(client, {.name = flags.name, .results = false}, context.terminal, context.clock));
  SLUICE_RETURN_IF_ERROR(PrintEmbeddings(client, flags, output.get(), context.terminal));
  if (output != nullptr) SLUICE_RETURN_IF_ERROR(output->Finish());
  return ExitCodeOf(followed.batch.state());
}

}  // namespace

absl::StatusOr<ExitCode> RunBatches(const BatchesFlags& flags, CommandContext& context) {
  using Action = BatchesFlags::Action;
  SLUICE_ASSIGN_OR_RETURN(Client* const client, context.connect());
  switch (flags.action) {
    case Action::kList:
      return List(*client, flags.json, context.terminal);
    case Action::kWatch:
      return Watch(*client, flags.name, context);
    case Action::kResults:
      return Results(*client, flags, context);
    case Action::kGet: {
      SLUICE_ASSIGN_OR_RETURN(const v1::Batch batch, client->GetBatch(flags.name));
      PrintBatch(batch, flags.json, context.terminal);
      return ExitCode::kDone;
    }
    case Action::kCancel: {
      SLUICE_ASSIGN_OR_RETURN(const v1::Batch batch, client->CancelBatch(flags.name));
      PrintBatch(batch, flags.json, context.terminal);
      return ExitCode::kDone;
    }
    case Action::kDelete: {
      SLUICE_RETURN_IF_ERROR(client->DeleteBatch(flags.name));
      context.terminal.out << EscapeText(flags.name) << " deleted" << std::endl;
      return ExitCode::kDone;
    }
  }
  return absl::InternalError("unknown action");
}

}  // namespace sluice
