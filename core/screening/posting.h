// Posting: a job advertisement as screening sees it. A value.
#pragma once

#include <optional>
#include <string>

#include "absl/time/civil_time.h"

namespace sluice {

enum class SalaryPeriod { kUnknown, kHour, kDay, kWeek, kMonth, kYear };

// Structured fields win over what the text says; an absent one is looked for in the text.
struct Posting {
  std::string id;
  std::string title;
  std::string company;
  std::string location;
  std::optional<absl::CivilDay> date_posted;
  std::string job_type;  // as the source wrote it: "fulltime", "contract", …
  std::optional<double> min_amount;
  std::optional<double> max_amount;
  std::string currency;  // ISO 4217, or "" when unknown; unknown is never taken for another one
  SalaryPeriod interval = SalaryPeriod::kUnknown;
  std::optional<bool> is_remote;
  std::string job_url;
  std::string description;  // plain text
};

// What both phases read: the description, after a head of title, company and location unless it begins with
// one. Evidence offsets count in bytes of this text.
std::string PostingText(const Posting& posting);

}  // namespace sluice
