#include "client/cpp/command/ranked_results.h"

#include <google/protobuf/arena.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/cpp/command/follow_batch.h"
#include "client/cpp/command/progress.h"
#include "client/cpp/command/verdict_json.h"
#include "client/cpp/command/verdict_tally.h"
#include "core/base/status_macros.h"
#include "core/base/thread.h"

namespace sluice {
namespace {

constexpr int kPageResults = 256;
constexpr int kTableRows = 20;

// A page of results: thousands of small messages, which an arena makes and forgets in one go.
class ResultPage {
 public:
  absl::Status Read(Client& client, const v1::ListResultsRequest& request) {
    arena_.Reset();
    response_ = google::protobuf::Arena::CreateMessage<v1::ListResultsResponse>(&arena_);
    return client.ListResults(request, *response_);
  }
  const v1::ListResultsResponse& response() const { return *response_; }

 private:
  static google::protobuf::ArenaOptions Options() {
    google::protobuf::ArenaOptions options;
    options.start_block_size = options.max_block_size = 64 << 10;
    return options;
  }

  google::protobuf::Arena arena_{Options()};
  v1::ListResultsResponse* response_ = nullptr;  // in the arena
};

// Calls `take` for the first `most` results, best first. The next page comes while one is taken.
absl::Status ForEachRanked(Client& client, const std::string& batch, int64_t most,
                           absl::FunctionRef<absl::Status(const v1::JobResult&)> take) {
  v1::ListResultsRequest request;
  request.set_name(batch);
  request.set_page_size(static_cast<int>(std::min<int64_t>(most, kPageResults)));
  request.set_order_by("score");
  ResultPage pages[2];
  SLUICE_RETURN_IF_ERROR(pages[0].Read(client, request));
  for (int current = 0;; current = 1 - current) {
    const v1::ListResultsResponse& page = pages[current].response();
    const int64_t taken = std::min<int64_t>(most, page.results_size());
    most -= taken;
    const bool more = most > 0 && !page.next_page_token().empty();
    absl::Status read;
    Thread reading;
    if (more) {
      request.set_page_token(page.next_page_token());
      reading = Thread("results", [&] { read = pages[1 - current].Read(client, request); });
    }
    absl::Status kept;
    for (int64_t i = 0; i < taken && kept.ok(); ++i) kept = take(page.results(static_cast<int>(i)));
    reading.Join();
    SLUICE_RETURN_IF_ERROR(kept);
    SLUICE_RETURN_IF_ERROR(read);
    if (!more) return absl::OkStatus();
  }
}

bool PrintsEveryResult(const RankedResultsOptions& options) {
  return options.output != nullptr || (options.json && !options.top.has_value());
}

std::optional<EvidenceSource> SourceOf(const v1::JobResult& result, const SentPostings& sent) {
  const std::optional<absl::string_view> packed = sent.evidence_sources.Find(result.index());
  if (!packed.has_value()) return std::nullopt;
  absl::StatusOr<EvidenceSource> source = EvidenceSource::Unpack(*packed);
  return source.ok() ? std::optional(*std::move(source)) : std::nullopt;
}

// Answers the tally of what was read.
absl::StatusOr<VerdictTally> PrintRanked(Client& client, const RankedResultsOptions& options,
                                         const SentPostings& sent, Terminal& terminal) {
  constexpr int64_t kAll = std::numeric_limits<int64_t>::max();
  const TableStyle style{terminal.out_is_terminal, terminal.columns, terminal.colour};
  const int64_t shown = options.top.has_value() ? *options.top : options.json ? kAll : kTableRows;
  if (!options.json) terminal.out << TableHeader(style);
  VerdictTally tally;
  int64_t read = 0;
  SLUICE_RETURN_IF_ERROR(ForEachRanked(
      client, options.batch, PrintsEveryResult(options) ? kAll : shown, [&](const v1::JobResult& result) {
        tally.Add(result);
        const bool show = read++ < shown;
        if (show && !options.json)
          terminal.out << TableRow(result, sent.headlines.Find(result.index()), style);
        if (options.output == nullptr && !(show && options.json)) return absl::OkStatus();
        const std::string json = ResultJson(result, SourceOf(result, sent)) + '\n';
        if (show && options.json) terminal.out << json;
        return options.output == nullptr ? absl::OkStatus() : options.output->Write(json);
      }));
  terminal.out.flush();
  // Whole, also where nobody sees the table.
  if (options.output != nullptr) SLUICE_RETURN_IF_ERROR(options.output->Finish());
  // Whoever does not get the results need not read the summary, and hears where the results still are.
  if (!terminal.out) return absl::CancelledError("the results could not be printed");
  return tally;
}

}  // namespace

std::string SourcesLeftOutText(const JobRecords& evidence_sources) {
  if (evidence_sources.left_out() == 0) return "";
  return absl::StrCat("source offsets of evidence: kept for the first ",
                      WithThousands(evidence_sources.kept()), " postings, left out for ",
                      WithThousands(evidence_sources.left_out()), " (at most ",
                      evidence_sources.max_bytes() >> 20, " MiB of them are kept)\n");
}

absl::StatusOr<v1::Batch> FollowAndPrintRanked(Client& client, const RankedResultsOptions& options,
                                               const SentPostings& sent, Terminal& terminal,
                                               const Clock& clock) {
  const bool counted_later = PrintsEveryResult(options);
  SLUICE_ASSIGN_OR_RETURN(
      FollowedBatch followed,
      FollowBatch(client, {.name = options.batch, .results = !counted_later}, terminal, clock));
  SLUICE_ASSIGN_OR_RETURN(VerdictTally printed, PrintRanked(client, options, sent, terminal));
  if (counted_later) followed.tally = std::move(printed);
  terminal.err << Summary(followed) << std::flush;
  return std::move(followed.batch);
}

}  // namespace sluice
