#include "client/cpp/formats/input_place.h"

#include "absl/strings/str_cat.h"

namespace sluice {

std::string PlaceText(const InputPlace& place) {
  std::string text = place.file;
  if (place.line > 0) absl::StrAppend(&text, ":", place.line);
  if (place.line > 0 && place.column > 0) absl::StrAppend(&text, ":", place.column);
  return text;
}

absl::Status InputError(const InputPlace& place, absl::string_view message) {
  return absl::InvalidArgumentError(absl::StrCat(PlaceText(place), ": ", message));
}

absl::Status ColumnError(const InputPlace& place, absl::string_view column, absl::string_view message) {
  return InputError(place, absl::StrCat("column '", column, "': ", message));
}

absl::Status WithMessage(const absl::Status& status, absl::string_view message) {
  absl::Status out(status.code(), message);
  status.ForEachPayload(
      [&](absl::string_view type, const absl::Cord& payload) { out.SetPayload(type, payload); });
  return out;
}

}  // namespace sluice
