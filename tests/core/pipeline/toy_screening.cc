#include <algorithm>
#include "core/screening/screener.h"
#include "core/store/batch_store.h"
#include "absl/strings/str_split.h"
#include <set>
namespace sluice {
bool IsTerminal(BatchState s) { return static_cast<int>(s) >= 5; }
const char* GatePolicyName(GatePolicy p) { const char* n[] = {"", "volume", "fixed", "all", "rules_only"}; return n[static_cast<int>(p)]; }
const char* DecisionName(Decision d) { const char* n[] = {"accept", "review", "reject"}; return n[static_cast<int>(d)]; }
const char* DecidedByName(DecidedBy d) { const char* n[] = {"veto", "gate", "phase1", "phase2"}; return n[static_cast<int>(d)]; }
std::string PostingText(const Posting& p) { return p.description; }
double PhaseOneProbability(const GatePlan&, const PhaseOneSummary& s) { return s.bm25; }
std::vector<int64_t> SurvivorsOf(const GatePlan& plan, const std::vector<PhaseOneSummary>& s) {
  std::vector<int64_t> r;
  if (plan.policy == GatePolicy::kRulesOnly) return r;
  for (size_t i = 0; i < s.size(); ++i) if (!s[i].vetoed && (plan.policy == GatePolicy::kAll || s[i].bm25 >= plan.threshold)) r.push_back(i);
  std::stable_sort(r.begin(), r.end(), [&](int64_t a, int64_t b) { return s[a].bm25 > s[b].bm25; });
  return r;
}
GateDecision DecideGate(const GateOptions& o, const std::vector<PhaseOneSummary>& s, bool m, const std::string& digest, absl::Time as_of) {
  GateDecision d;
  d.plan.policy = m ? o.policy : GatePolicy::kRulesOnly;
  d.plan.threshold = o.threshold; d.plan.postings = s.size(); d.plan.as_of = as_of; d.plan.model_digest = m ? digest : "";
  for (auto& x : s) d.plan.vetoed += x.vetoed;
  d.survivors = SurvivorsOf(d.plan, s);
  d.plan.survivors = d.survivors.size();
  d.plan.gated = d.plan.postings - d.plan.vetoed - d.plan.survivors;
  return d;
}
class Toy : public Screener {
 public:
  explicit Toy(const Profile& p) : text_(p.text) { for (auto w : absl::StrSplit(text_, ' ')) words_.insert(std::string(w)); }
  PhaseOneSummary Summarise(const Posting& p, absl::Time) const override {
    int n = 0, hit = 0;
    for (auto w : absl::StrSplit(p.description, ' ')) { ++n; hit += words_.count(std::string(w)); }
    return {p.description.find("vetoed") != std::string::npos, static_cast<float>(hit) / n, 0};
  }
  PhaseOneResult Explain(const Posting& p, absl::Time t) const override { return {Summarise(p, t), {}, {}}; }
  Verdict VerdictWithoutModel(const GatePlan&, PhaseOneResult r) const override {
    Verdict v; v.score = r.summary.bm25; v.decided_by = r.summary.vetoed ? DecidedBy::kVeto : DecidedBy::kGate; return v;
  }
  Verdict VerdictWithModel(const GatePlan&, PhaseOneResult r, double c, int w) const override {
    Verdict v; v.score = (r.summary.bm25 + c) / 2; v.cosine = c; v.windows = w; v.decided_by = DecidedBy::kPhaseTwo; v.decision = Decision::kAccept; return v;
  }
  const std::string& profile_text() const override { return text_; }
  std::string text_; std::set<std::string> words_;
};
absl::StatusOr<std::unique_ptr<Screener>> Screener::Compile(const Profile& p, const ProfileLimits&) {
  if (p.text == "broken") return absl::InvalidArgumentError("profile.text");
  return std::make_unique<Toy>(p);
}
}
