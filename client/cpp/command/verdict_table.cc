#include "client/cpp/command/verdict_table.h"

#include <algorithm>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "client/cpp/command/progress.h"
#include "client/cpp/command/verdict_json.h"
#include "client/cpp/command/veto_text.h"
#include "client/cpp/formats/terminal_text.h"

namespace sluice {
namespace {

constexpr char kReset[] = "\x1b[0m";
constexpr char kBold[] = "\x1b[1m";
constexpr char kDim[] = "\x1b[2m";
constexpr int kIndent = 22;           // where a posting's lines begin
constexpr int kAnyColumns = 100'000;  // a pipe has no width: only control characters are taken out
constexpr size_t kReasonsShown = 3;

const char* ColourOf(const v1::JobResult& result) {
  switch (result.verdict().decision()) {
    case v1::Verdict::ACCEPT:
      return "\x1b[32m";
    case v1::Verdict::REVIEW:
      return "\x1b[33m";
    default:
      return "\x1b[31m";
  }
}

std::string VerdictText(const v1::JobResult& result) {
  if (result.has_verdict()) return DecisionText(result.verdict().decision());
  return absl::AsciiStrToLower(v1::JobResult::Outcome_Name(result.outcome()));
}

std::string ReasonsText(const v1::JobResult& result, size_t most) {
  if (!result.has_verdict()) return result.error().message();
  const auto& reasons = result.verdict().reasons();
  const auto end = reasons.begin() + std::min<ptrdiff_t>(static_cast<ptrdiff_t>(most), reasons.size());
  return absl::StrJoin(reasons.begin(), end, "; ");
}

std::string PostingText(const v1::JobResult& result, const Headline& headline) {
  std::vector<std::string> parts;
  for (const std::string& part : {headline.title, headline.company, headline.location}) {
    if (!part.empty()) parts.push_back(part);
  }
  return parts.empty() ? result.id() : absl::StrJoin(parts, " · ");
}

// `text` between a style and its end, or as it is where nothing is styled.
std::string Styled(absl::string_view text, const char* style, const TableStyle& table) {
  return table.colour ? absl::StrCat(style, text, kReset) : std::string(text);
}

std::string TerminalRow(const v1::JobResult& result, const Headline& headline, const TableStyle& style) {
  const int room = std::max(20, style.columns - kIndent);
  const std::string verdict = Styled(absl::StrFormat("%-7s", VerdictText(result)), ColourOf(result), style);
  std::string row = absl::StrFormat("%5d  %5.3f  %s %s\n", result.rank(), result.verdict().score(), verdict,
                                    Styled(FitColumns(PostingText(result, headline), room), kBold, style));
  const std::string reasons = FitColumns(ReasonsText(result, kReasonsShown), room);
  if (!reasons.empty()) absl::StrAppend(&row, std::string(kIndent, ' '), Styled(reasons, kDim, style), "\n");
  return row;
}

std::string PlainRow(const v1::JobResult& result, const Headline& headline) {
  const auto plain = [](const std::string& text) { return FitColumns(text, kAnyColumns); };
  return absl::StrCat(result.rank(), "\t", absl::StrFormat("%.4f", result.verdict().score()), "\t",
                      VerdictText(result), "\t", plain(result.id()), "\t", plain(headline.title), "\t",
                      plain(headline.company), "\t", plain(headline.location), "\t",
                      plain(ReasonsText(result, result.verdict().reasons_size())), "\n");
}

std::string GateText(const v1::GatePlan& plan) {
  const int64_t saved = plan.postings() - plan.survivors();
  const double share =
      plan.postings() > 0 ? 100.0 * static_cast<double>(saved) / static_cast<double>(plan.postings()) : 0;
  std::string how = absl::AsciiStrToLower(v1::Gate::Policy_Name(plan.policy()));
  if (plan.policy() == v1::Gate::VOLUME || plan.policy() == v1::Gate::FIXED) {
    absl::StrAppendFormat(&how, ", threshold %.2f", plan.threshold());
  }
  return absl::StrFormat(
      "gate       %s of %s postings encoded: %s vetoed by rules, %s under the gate (%s); %.0f %% of the "
      "model's work saved\n",
      WithThousands(plan.survivors()), WithThousands(plan.postings()), WithThousands(plan.vetoed()),
      WithThousands(plan.gated()), how, share);
}

std::string TimeTextOf(const FollowedBatch& followed) {
  std::string text;
  if (followed.phase_one.has_value()) {
    absl::StrAppend(&text, "phase one  ", DurationText(*followed.phase_one), "\nphase two  ",
                    DurationText(*followed.phase_two), "\n");
  }
  const auto seconds = [](const google::protobuf::Timestamp& time) {
    return absl::FromUnixSeconds(time.seconds()) + absl::Nanoseconds(time.nanos());
  };
  const v1::Batch& batch = followed.batch;
  if (batch.has_create_time() && batch.has_end_time()) {
    absl::StrAppend(&text, "in all     ",
                    DurationText(seconds(batch.end_time()) - seconds(batch.create_time())),
                    " on the server\n");
  }
  return text;
}

}  // namespace

std::string TableHeader(const TableStyle& style) {
  if (!style.terminal) return "";
  return absl::StrCat(Styled(" rank  score  verdict posting and reasons", kDim, style), "\n");
}

std::string TableRow(const v1::JobResult& result, const Headline& headline, const TableStyle& style) {
  return style.terminal ? TerminalRow(result, headline, style) : PlainRow(result, headline);
}

std::string Summary(const FollowedBatch& followed) {
  const v1::BatchCounts& counts = followed.batch.counts();
  std::string text = absl::StrCat("verdicts   ", WithThousands(followed.tally.accepted), " accept, ",
                                  WithThousands(followed.tally.to_review), " review, ",
                                  WithThousands(followed.tally.rejected), " reject");
  if (counts.failed() > 0) absl::StrAppend(&text, ", ", WithThousands(counts.failed()), " failed");
  if (counts.cancelled() > 0) absl::StrAppend(&text, ", ", WithThousands(counts.cancelled()), " cancelled");
  if (counts.expired() > 0) absl::StrAppend(&text, ", ", WithThousands(counts.expired()), " expired");
  absl::StrAppend(&text, "\n");
  if (followed.batch.has_plan()) absl::StrAppend(&text, GateText(followed.batch.plan()));
  absl::StrAppend(&text, VetoText(followed.tally, followed.batch));
  absl::StrAppend(&text, TimeTextOf(followed), "batch      ", EscapeText(followed.batch.name()), " (",
                  StateText(followed.batch.state()), ")\n");
  for (const std::string& failure : followed.tally.failures)
    absl::StrAppend(&text, "failed     ", FitColumns(failure, 200), "\n");
  return text;
}

}  // namespace sluice
