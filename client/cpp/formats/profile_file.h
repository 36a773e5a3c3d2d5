// ProfileFile: a profile in YAML (or JSON, which is YAML), whose schema is the proto Profile itself.
//
// Field names are the proto's in snake_case, enum values are case-insensitive, a oneof is written by its
// field's name. Where each field stood is remembered, so that what the server objects to is named by file and
// line.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "client/cpp/formats/input_place.h"
#include "sluice/v1/screening.pb.h"

namespace sluice {

inline constexpr int64_t kMaxProfileFileBytes = 1 << 20;

struct ProfileFile {
  v1::Profile profile;
  // "rules[2].regex.pattern" -> where it stood.
  absl::flat_hash_map<std::string, InputPlace> places;
};

// `file` is what errors call it. INVALID_ARGUMENT "file:line:column: …": broken YAML, a quote that is still
// open at the file's end, more than one document, an unknown key (with the nearest known one), a key twice, a
// tag that is not YAML's own, a value of the wrong type, an unknown enum value (with all of them), two
// conditions in a rule.
absl::StatusOr<ProfileFile> ParseProfile(absl::string_view yaml, const std::string& file);

// The same from a file; NOT_FOUND names a missing one.
absl::StatusOr<ProfileFile> ReadProfileFile(const std::string& path);

// `status` with its field violations said by where they stand in the input: "profile.rules[2].regex.pattern"
// as "profile.yaml:9:14: rules[2].regex.pattern: …", "jobs[17].id" as "jobs.csv:19: id: …" where `job_place`
// knows the job. Both may stand behind a longer path. A status without violations comes back unchanged.
absl::Status WithInputPlaces(const absl::Status& status, const ProfileFile& profile,
                             absl::FunctionRef<std::optional<InputPlace>(int64_t job)> job_place);

}  // namespace sluice
