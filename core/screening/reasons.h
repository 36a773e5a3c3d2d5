// Reasons: why a posting got its verdict, in sentences. Pure.
#pragma once

#include <string>
#include <vector>

#include "core/screening/gate.h"
#include "core/screening/verdict.h"

namespace sluice {

struct VerdictCuts {
  double accept_at = 0;
  double review_at = 0;
};

// Most important first: what vetoed it, that it was not encoded, the wishes that counted, the model, the
// terms; then how score, gate and cuts relate. Never empty.
std::vector<std::string> ReasonsFor(const Verdict& verdict, const GatePlan& plan, const VerdictCuts& cuts);

}  // namespace sluice
