// Reasons: why a posting got its verdict, in sentences. Pure.
#pragma once

#include <string>
#include <vector>

#include "core/screening/gate.h"
#include "core/screening/verdict.h"

namespace sluice {

struct VerdictCuts {
  double accept_at = 0.5;
  double review_at = 0.2;
};

// Most important first: what decided, how, the rules, the terms. Never empty.
std::vector<std::string> ReasonsFor(const Verdict& verdict, const GatePlan& plan, const VerdictCuts& cuts);

}  // namespace sluice
