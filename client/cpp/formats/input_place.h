// InputPlace: where in a person's file something stood, and the errors that name it. Their texts are fit for
// a terminal (terminal_text.h), whatever the file says.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace sluice {

struct InputPlace {
  std::string file;
  int64_t line = 0;    // from 1; 0 when the file as a whole is meant
  int64_t column = 0;  // from 1; 0 when the line as a whole is meant
  bool operator==(const InputPlace&) const = default;
};

// "postings.csv:17" or "profile.yaml:4:9".
std::string PlaceText(const InputPlace& place);

// INVALID_ARGUMENT "<place>: <message>", of which at most 1,000 cells are kept.
absl::Status InputError(const InputPlace& place, absl::string_view message);

// INVALID_ARGUMENT "<place>: column 'salary': <message>".
absl::Status ColumnError(const InputPlace& place, absl::string_view column, absl::string_view message);

// `status` with another message; code and details stay.
absl::Status WithMessage(const absl::Status& status, absl::string_view message);

}  // namespace sluice
