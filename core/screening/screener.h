// Screener: one profile compiled; postings in, phase-one results and verdicts out. Pure: no I/O, no clock, no
// threads.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/screening/gate.h"
#include "core/screening/posting.h"
#include "core/screening/profile.h"
#include "core/screening/verdict.h"
#include "core/screening/work_budget.h"

namespace sluice {

// Bounds of a profile; all checked by Screener::Compile.
struct ProfileLimits {
  int max_rules = 256;
  int max_text_bytes = 64 << 10;
  int max_terms_per_rule = 1024;
  int max_pattern_bytes = 4 << 10;
  int max_pattern_instructions = 4 << 10;       // of one pattern's program: it can read 16 KiB
  int max_profile_instructions = 64 << 10;      // of all its patterns together
  int64_t max_pattern_memory_bytes = 1 << 20;   // of one compiled pattern,
  int64_t max_patterns_memory_bytes = 4 << 20;  // and of all, but for what their programs need
};

struct PhaseOneResult {
  PhaseOneSummary summary;
  std::vector<RuleResult> rules;        // in the profile's order
  std::vector<TermContribution> terms;  // largest first, at most 8
};

// Immutable and thread-safe.
class Screener {
 public:
  // INVALID_ARGUMENT carries every field violation found ("rules[2].regex.pattern").
  static absl::StatusOr<std::unique_ptr<Screener>> Compile(const Profile& profile,
                                                           const ProfileLimits& limits = {});
  virtual ~Screener() = default;

  // The cheap form, for the plan task: no evidence, no term shares. Rules are asked in the order that ends
  // soonest, up to the first veto. INVALID_ARGUMENT (reason WORK_BUDGET_EXCEEDED) names the rule at which
  // `budget` was spent before any vetoed; CANCELLED when its work is no longer wanted.
  virtual absl::StatusOr<PhaseOneSummary> Summarise(const Posting& posting, absl::Time as_of,
                                                    WorkBudget& budget) const = 0;

  // The same decision, or the same error, with every reason. Where the budget is spent only after a veto, the
  // rules not looked at are unknown and say so.
  virtual absl::StatusOr<PhaseOneResult> Explain(const Posting& posting, absl::Time as_of,
                                                 WorkBudget& budget) const = 0;

  // A posting that is not encoded: vetoed, under the gate, or screened by rules only. What is not vetoed is
  // judged by its phase-one probability, with the same cuts as an encoded one.
  virtual Verdict VerdictWithoutModel(const GatePlan& plan, PhaseOneResult result) const = 0;

  // One that was encoded, in `windows` windows.
  virtual Verdict VerdictWithModel(const GatePlan& plan, PhaseOneResult result, double cosine,
                                   int windows) const = 0;

  // What the model encodes for the profile.
  virtual const std::string& profile_text() const = 0;
};

}  // namespace sluice
