#include "client/cpp/command/verdict_json.h"

#include <cstring>
#include <nlohmann/json.hpp>

#include "absl/strings/ascii.h"
#include "absl/time/time.h"

namespace sluice {
namespace {

using Json = nlohmann::ordered_json;

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

Json RulesJson(const v1::Verdict& verdict) {
  Json rules = Json::array();
  for (const v1::RuleResult& rule : verdict.rules()) {
    Json evidence = Json::array();
    for (const v1::Evidence& found : rule.evidence()) {
      evidence.push_back({{"field", found.field()},
                          {"begin_byte", found.begin_byte()},
                          {"end_byte", found.end_byte()},
                          {"quote", found.quote()},
                          {"normalised", found.normalised()}});
    }
    rules.push_back({{"id", rule.rule_id()},
                     {"effect", absl::AsciiStrToLower(v1::Rule::Effect_Name(rule.effect()))},
                     {"state", absl::AsciiStrToLower(v1::RuleResult::State_Name(rule.state()))},
                     {"vetoes", rule.vetoes()},
                     {"contribution", rule.contribution()},
                     {"evidence", std::move(evidence)}});
  }
  return rules;
}

void AddVerdict(const v1::Verdict& verdict, Json& out) {
  out["verdict"] = DecisionText(verdict.decision());
  out["score"] = verdict.score();
  out["phase1"] = verdict.phase1();
  out["phase2"] = verdict.has_phase2() ? Json(verdict.phase2()) : Json(nullptr);
  out["reasons"] = std::vector<std::string>(verdict.reasons().begin(), verdict.reasons().end());
  out["decided_by"] = DecidedByText(verdict.decided_by());
  out["bm25"] = verdict.bm25();
  out["cosine"] = verdict.has_cosine() ? Json(verdict.cosine()) : Json(nullptr);
  out["windows"] = verdict.windows();
  out["rules"] = RulesJson(verdict);
  Json terms = Json::array();
  for (const v1::TermContribution& term : verdict.terms())
    terms.push_back({{"term", term.term()}, {"share", term.share()}});
  out["terms"] = std::move(terms);
}

void AddEmbedding(const v1::EmbeddingResult& embedding, Json& out) {
  std::vector<float> vector(embedding.vector().size() / sizeof(float));
  std::memcpy(vector.data(), embedding.vector().data(), vector.size() * sizeof(float));
  out["tokens"] = embedding.tokens();
  out["truncated"] = embedding.truncated();
  out["vector"] = std::move(vector);
}

// Text of a person's file or of the server: what is not UTF-8 is replaced, never thrown at.
std::string Dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
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

std::string ResultJson(const v1::JobResult& result) {
  Json out;
  out["id"] = result.id();
  if (result.rank() > 0) out["rank"] = result.rank();
  if (result.has_verdict()) {
    AddVerdict(result.verdict(), out);
  } else {
    out["outcome"] = absl::AsciiStrToLower(v1::JobResult::Outcome_Name(result.outcome()));
  }
  if (result.sequence() > 0) out["sequence"] = result.sequence();
  if (result.has_embedding()) AddEmbedding(result.embedding(), out);
  if (result.has_error())
    out["error"] = {{"code", result.error().code()}, {"message", result.error().message()}};
  return Dump(out);
}

std::string BatchJson(const v1::Batch& batch) {
  Json out;
  out["name"] = batch.name();
  out["kind"] = batch.kind();
  out["state"] = StateText(batch.state());
  out["jobs"] = batch.counts().jobs();
  out["succeeded"] = batch.counts().succeeded();
  out["failed"] = batch.counts().failed();
  out["cancelled"] = batch.counts().cancelled();
  out["expired"] = batch.counts().expired();
  out["create_time"] = TimeText(batch.create_time());
  out["end_time"] = TimeText(batch.end_time());
  out["as_of"] = TimeText(batch.as_of());
  if (batch.has_plan()) {
    const v1::GatePlan& plan = batch.plan();
    out["plan"] = {{"policy", absl::AsciiStrToLower(v1::Gate::Policy_Name(plan.policy()))},
                   {"preference", absl::AsciiStrToLower(v1::Gate::Preference_Name(plan.preference()))},
                   {"threshold", plan.threshold()},
                   {"postings", plan.postings()},
                   {"vetoed", plan.vetoed()},
                   {"gated", plan.gated()},
                   {"survivors", plan.survivors()},
                   {"limited_by", plan.limited_by()}};
  }
  return Dump(out);
}

}  // namespace sluice
