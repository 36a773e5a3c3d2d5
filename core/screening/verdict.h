// Verdict: a posting's result, with every reason. A value.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/screening/profile.h"

namespace sluice {

enum class Decision { kAccept, kReview, kReject };
const char* DecisionName(Decision decision);  // "accept", "review", "reject"

// Kleene's three values, of a rule's condition.
enum class Ternary { kSatisfied, kViolated, kUnknown };

// Where in PostingText (or in which structured field) a rule's answer was read.
struct Evidence {
  std::string field;   // "text", or a column: "is_remote", "min_amount", "location", …
  int begin_byte = 0;  // of `field`'s text
  int end_byte = 0;
  std::string quote;       // the bytes themselves, at most 200
  std::string normalised;  // "EUR 45/hour = 102,960 USD/year"; "" when the quote says it all
};

struct RuleResult {
  std::string rule_id;
  RuleEffect effect = RuleEffect::kMust;
  Ternary state = Ternary::kUnknown;
  bool vetoes = false;
  double contribution = 0;  // log-odds, SHOULD only
  std::vector<Evidence> evidence;
  std::string explanation;  // "posting is hybrid"; reasons are made of it, results do not carry it
};

struct TermContribution {
  std::string term;  // as the profile has it
  double share = 0;  // of the posting's BM25 score, 0..1
};

// Which step decided. The gate never does: it decides who is encoded.
enum class DecidedBy { kVeto, kPhaseOne, kPhaseTwo };
const char* DecidedByName(DecidedBy decided_by);  // "veto", "phase1", "phase2"

struct Verdict {
  Decision decision = Decision::kReject;
  DecidedBy decided_by = DecidedBy::kPhaseOne;
  double score = 0;   // the probability that ranks: phase2 when encoded, phase1 below it; 0 when vetoed
  double phase1 = 0;  // calibrated probability of phase one, 0..1
  std::optional<double> phase2;  // of phase two; only when encoded
  std::optional<double> cosine;  // profile and posting; only when encoded
  double bm25 = 0;               // normalised, 0..1
  int windows = 0;               // how many windows of the model's limit the text took; 0 when not encoded
  std::vector<RuleResult> rules;
  std::vector<TermContribution> terms;  // at most 8, largest first
  std::vector<std::string> reasons;     // for people, most important first; never empty
};

}  // namespace sluice
