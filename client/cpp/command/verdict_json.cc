#include "client/cpp/command/verdict_json.h"

#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/time/time.h"
#include "client/cpp/command/json_line.h"

namespace sluice {
namespace {

const char* DecidedByText(v1::Verdict::DecidedBy decided_by) {
  switch (decided_by) {
    case v1::Verdict::VETO:
      return "veto";
    case v1::Verdict::GATE:
      return "gate";
    case v1::Verdict::PHASE_ONE:
      return "phase1";
    case v1::Verdict::PHASE_TWO:
      return "phase2";
    default:
      return "unknown";
  }
}

void AddEvidence(const v1::RuleResult& rule, const std::optional<EvidenceSource>& source, JsonLine& out) {
  out.Key("evidence").BeginArray();
  for (const v1::Evidence& found : rule.evidence()) {
    out.BeginObject().Key("field").Text(found.field());
    out.Key("begin_byte").Integer(found.begin_byte()).Key("end_byte").Integer(found.end_byte());
    if (const auto range = source.has_value() ? source->Of(found) : std::nullopt; range.has_value()) {
      out.Key("source_begin_byte").Integer(range->begin).Key("source_end_byte").Integer(range->end);
    }
    out.Key("quote").Text(found.quote()).Key("normalised").Text(found.normalised()).EndObject();
  }
  out.EndArray();
}

void AddRules(const v1::Verdict& verdict, const std::optional<EvidenceSource>& source, JsonLine& out) {
  out.Key("rules").BeginArray();
  for (const v1::RuleResult& rule : verdict.rules()) {
    out.BeginObject().Key("id").Text(rule.rule_id());
    out.Key("effect").Text(absl::AsciiStrToLower(v1::Rule::Effect_Name(rule.effect())));
    out.Key("state").Text(absl::AsciiStrToLower(v1::RuleResult::State_Name(rule.state())));
    out.Key("vetoes").Boolean(rule.vetoes()).Key("contribution").Real(rule.contribution());
    AddEvidence(rule, source, out);
    out.EndObject();
  }
  out.EndArray();
}

void AddOptional(absl::string_view key, bool present, double number, JsonLine& out) {
  out.Key(key);
  present ? out.Real(number) : out.Null();
}

void AddVerdict(const v1::Verdict& verdict, const std::optional<EvidenceSource>& source, JsonLine& out) {
  out.Key("verdict").Text(DecisionText(verdict.decision()));
  out.Key("score").Real(verdict.score()).Key("phase1").Real(verdict.phase1());
  AddOptional("phase2", verdict.has_phase2(), verdict.phase2(), out);
  out.Key("reasons").BeginArray();
  for (const std::string& reason : verdict.reasons()) out.Text(reason);
  out.EndArray();
  out.Key("decided_by").Text(DecidedByText(verdict.decided_by())).Key("bm25").Real(verdict.bm25());
  AddOptional("cosine", verdict.has_cosine(), verdict.cosine(), out);
  out.Key("windows").Integer(verdict.windows());
  AddRules(verdict, source, out);
  out.Key("terms").BeginArray();
  for (const v1::TermContribution& term : verdict.terms())
    out.BeginObject().Key("term").Text(term.term()).Key("share").Real(term.share()).EndObject();
  out.EndArray();
}

void AddEmbedding(const v1::EmbeddingResult& embedding, JsonLine& out) {
  std::vector<float> vector(embedding.vector().size() / sizeof(float));
  std::memcpy(vector.data(), embedding.vector().data(), vector.size() * sizeof(float));
  out.Key("tokens").Integer(embedding.tokens()).Key("truncated").Boolean(embedding.truncated());
  out.Key("vector").BeginArray();
  for (const float value : vector) out.Real(value);
  out.EndArray();
}

void AddPlan(const v1::GatePlan& plan, JsonLine& out) {
  out.Key("plan").BeginObject();
  out.Key("policy").Text(absl::AsciiStrToLower(v1::Gate::Policy_Name(plan.policy())));
  out.Key("preference").Text(absl::AsciiStrToLower(v1::Gate::Preference_Name(plan.preference())));
  out.Key("threshold").Real(plan.threshold()).Key("postings").Integer(plan.postings());
  out.Key("vetoed").Integer(plan.vetoed()).Key("gated").Integer(plan.gated());
  out.Key("survivors").Integer(plan.survivors()).Key("limited_by").Text(plan.limited_by());
  out.EndObject();
}

}  // namespace

const char* DecisionText(v1::Verdict::Decision decision) {
  switch (decision) {
    case v1::Verdict::ACCEPT:
      return "accept";
    case v1::Verdict::REVIEW:
      return "review";
    case v1::Verdict::REJECT:
      return "reject";
    default:
      return "unknown";
  }
}

std::string StateText(v1::Batch::State state) {
  return absl::AsciiStrToLower(v1::Batch::State_Name(state));
}

std::string TimeText(const google::protobuf::Timestamp& time) {
  if (time.seconds() == 0 && time.nanos() == 0) return "";
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", absl::FromUnixSeconds(time.seconds()), absl::UTCTimeZone());
}

std::string ResultJson(const v1::JobResult& result, const std::optional<EvidenceSource>& source) {
  JsonLine out;
  out.BeginObject().Key("id").Text(result.id());
  if (result.rank() > 0) out.Key("rank").Integer(result.rank());
  if (result.has_verdict()) {
    AddVerdict(result.verdict(), source, out);
  } else {
    out.Key("outcome").Text(absl::AsciiStrToLower(v1::JobResult::Outcome_Name(result.outcome())));
  }
  if (result.sequence() > 0) out.Key("sequence").Integer(result.sequence());
  if (result.has_embedding()) AddEmbedding(result.embedding(), out);
  if (result.has_error()) {
    out.Key("error").BeginObject().Key("code").Integer(result.error().code());
    out.Key("message").Text(result.error().message()).EndObject();
  }
  return std::move(out.EndObject()).Take();
}

std::string BatchJson(const v1::Batch& batch) {
  const v1::BatchCounts& counts = batch.counts();
  JsonLine out;
  out.BeginObject().Key("name").Text(batch.name()).Key("kind").Text(batch.kind());
  out.Key("state").Text(StateText(batch.state())).Key("jobs").Integer(counts.jobs());
  out.Key("succeeded").Integer(counts.succeeded()).Key("failed").Integer(counts.failed());
  out.Key("cancelled").Integer(counts.cancelled()).Key("expired").Integer(counts.expired());
  out.Key("create_time").Text(TimeText(batch.create_time())).Key("end_time").Text(TimeText(batch.end_time()));
  out.Key("as_of").Text(TimeText(batch.as_of()));
  if (batch.has_plan()) AddPlan(batch.plan(), out);
  if (!batch.waits_for().empty()) out.Key("waits_for").Text(batch.waits_for());
  return std::move(out.EndObject()).Take();
}

}  // namespace sluice
