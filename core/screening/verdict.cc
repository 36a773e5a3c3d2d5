#include "core/screening/verdict.h"

namespace sluice {

const char* DecisionName(Decision decision) {
  switch (decision) {
    case Decision::kAccept:
      return "accept";
    case Decision::kReview:
      return "review";
    case Decision::kReject:
      return "reject";
  }
  return "reject";
}

const char* DecidedByName(DecidedBy decided_by) {
  switch (decided_by) {
    case DecidedBy::kVeto:
      return "veto";
    case DecidedBy::kPhaseOne:
      return "phase1";
    case DecidedBy::kPhaseTwo:
      return "phase2";
  }
  return "phase1";
}

}  // namespace sluice
