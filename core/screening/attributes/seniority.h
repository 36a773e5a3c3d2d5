// Seniority: the level a posting is for. Pure.
#pragma once

#include <optional>

#include "core/screening/attributes/span.h"
#include "core/screening/phrases.h"
#include "core/screening/profile.h"

namespace sluice {

struct SeniorityReading {
  Seniority level = Seniority::kMid;
  Span span;
};

// The title first; then the text, where only what speaks of the position itself counts ("seniority: senior",
// "this is a senior position", "you will lead a team"), not of others ("reports to a senior director").
std::optional<SeniorityReading> ReadSeniority(const ScannedText& title, const ScannedText& text);

const char* SeniorityName(Seniority level);  // "senior"

}  // namespace sluice
