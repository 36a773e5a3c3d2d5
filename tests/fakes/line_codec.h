// LineCodec: a ScreenCodec and an EmbedCodec over plain lines, so that tests can write and read what is
// stored.
//
//   screen spec  "<policy> <threshold> <profile text>"   policy: volume, fixed, all, rules_only; each
//   "##<pattern>"
//                behind the text is a SHOULD rule "pattern-<n>"
//   embed spec   "error" | "end" | "start"
//   posting      its description; "!…" does not decode (reason BAD_POSTING)
//   text         itself; "!…" does not decode (reason BAD_TEXT)
//   verdict      "<decision> <decided by> <score> <cosine or -> <windows>"
//   vector       "<tokens> <truncated> <value> <value> …"
#pragma once

#include <cstdio>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "core/base/error_details.h"
#include "core/pipeline/embed_codec.h"
#include "core/pipeline/screen_codec.h"

namespace sluice {

class LineCodec : public ScreenCodec, public EmbedCodec {
 public:
  absl::StatusOr<ScreenSpec> DecodeScreenSpec(absl::string_view spec) const override {
    const std::vector<std::string> parts = absl::StrSplit(spec, absl::MaxSplits(' ', 2));
    ScreenSpec decoded;
    if (parts.size() != 3 || !absl::SimpleAtod(parts[1], &decoded.gate.threshold)) {
      return WithReason(absl::InvalidArgumentError("not a screen spec"), "BAD_SPEC");
    }
    for (GatePolicy policy :
         {GatePolicy::kVolume, GatePolicy::kFixed, GatePolicy::kAll, GatePolicy::kRulesOnly}) {
      if (parts[0] == GatePolicyName(policy)) decoded.gate.policy = policy;
    }
    decoded.profile.id = "profile";
    const std::vector<std::string> texts = absl::StrSplit(parts[2], "##");
    decoded.profile.text = texts[0];
    for (size_t i = 1; i < texts.size(); ++i) {
      decoded.profile.rules.push_back({.id = absl::StrCat("pattern-", i),
                                       .effect = RuleEffect::kShould,
                                       .condition = RegexCondition{.pattern = texts[i]}});
    }
    return decoded;
  }

  absl::StatusOr<EmbedSpec> DecodeEmbedSpec(absl::string_view spec) const override {
    if (spec == "error") return EmbedSpec{Truncation::kError};
    if (spec == "end") return EmbedSpec{Truncation::kEnd};
    if (spec == "start") return EmbedSpec{Truncation::kStart};
    return WithReason(absl::InvalidArgumentError("not an embed spec"), "BAD_SPEC");
  }

  absl::StatusOr<Posting> DecodePosting(absl::string_view job_id, absl::string_view payload) const override {
    if (!payload.empty() && payload[0] == '!') {
      return WithReason(absl::InvalidArgumentError("not a posting"), "BAD_POSTING");
    }
    Posting posting;
    posting.id = std::string(job_id);
    posting.description = std::string(payload);
    return posting;
  }

  absl::StatusOr<std::string> DecodeText(absl::string_view payload) const override {
    if (!payload.empty() && payload[0] == '!') {
      return WithReason(absl::InvalidArgumentError("not a text"), "BAD_TEXT");
    }
    return std::string(payload);
  }

  std::string EncodePlan(const GatePlan& plan) const override {
    return absl::StrJoin(
        {absl::StrCat(static_cast<int>(plan.policy)), absl::StrCat(static_cast<int>(plan.preference)),
         Exact(plan.threshold), absl::StrCat(plan.postings), absl::StrCat(plan.vetoed),
         absl::StrCat(plan.gated), absl::StrCat(plan.survivors), plan.limited_by, plan.calibration_id,
         plan.model_digest, Exact(plan.bm25_mean), Exact(plan.bm25_stddev), Exact(plan.prior_log_odds),
         Exact(plan.phase2_prior_log_odds), absl::StrCat(absl::ToUnixMicros(plan.as_of))},
        ";");
  }

  absl::StatusOr<GatePlan> DecodePlan(absl::string_view encoded) const override {
    const std::vector<std::string> parts = absl::StrSplit(encoded, ';');
    if (parts.size() != 15) return absl::DataLossError("not a plan");
    GatePlan plan;
    plan.policy = static_cast<GatePolicy>(std::stoi(parts[0]));
    plan.preference = static_cast<Preference>(std::stoi(parts[1]));
    plan.threshold = std::strtod(parts[2].c_str(), nullptr);
    plan.postings = std::stoll(parts[3]);
    plan.vetoed = std::stoll(parts[4]);
    plan.gated = std::stoll(parts[5]);
    plan.survivors = std::stoll(parts[6]);
    plan.limited_by = parts[7];
    plan.calibration_id = parts[8];
    plan.model_digest = parts[9];
    plan.bm25_mean = std::strtod(parts[10].c_str(), nullptr);
    plan.bm25_stddev = std::strtod(parts[11].c_str(), nullptr);
    plan.prior_log_odds = std::strtod(parts[12].c_str(), nullptr);
    plan.phase2_prior_log_odds = std::strtod(parts[13].c_str(), nullptr);
    plan.as_of = absl::FromUnixMicros(std::stoll(parts[14]));
    return plan;
  }

  std::string EncodeVerdict(const Verdict& verdict) const override {
    return absl::StrCat(DecisionName(verdict.decision), " ", DecidedByName(verdict.decided_by), " ",
                        Exact(verdict.score), " ", verdict.cosine ? Exact(*verdict.cosine) : "-", " ",
                        verdict.windows);
  }

  std::string EncodeVector(absl::Span<const float> vector, int64_t tokens, bool truncated) const override {
    std::string encoded = absl::StrCat(tokens, " ", truncated ? "truncated" : "whole");
    for (float value : vector) absl::StrAppend(&encoded, " ", Exact(value));
    return encoded;
  }

 private:
  static std::string Exact(double value) { return absl::StrFormat("%a", value); }
};

}  // namespace sluice
