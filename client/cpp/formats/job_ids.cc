#include "client/cpp/formats/job_ids.h"

#include <filesystem>
#include <optional>

#include "absl/strings/str_cat.h"
#include "client/cpp/formats/posting_object.h"

namespace sluice {

absl::Status JobIds::Admit(const InputPlace& place, std::string& id) {
  if (id.empty()) {
    derived_here_ = place == last_derived_ ? derived_here_ + 1 : 1;
    last_derived_ = place;
    id = absl::StrCat(std::filesystem::path(place.file).filename().string(), ":", place.line);
    if (derived_here_ > 1) absl::StrAppend(&id, "#", derived_here_);
  }
  if (id.size() > kMaxJobIdBytes) {
    return ColumnError(place, "id", absl::StrCat(id.size(), " bytes; the limit is ", kMaxJobIdBytes));
  }
  const std::optional<int64_t> before = seen_.Add(id);
  if (before.has_value()) {
    return ColumnError(place, "id",
                       absl::StrCat("'", id, "' was there before, in ", PlaceText(*places_.Of(*before))));
  }
  places_.Add(place);
  return absl::OkStatus();
}

}  // namespace sluice
