#include "client/cpp/formats/input_place.h"

#include "absl/strings/str_cat.h"
#include "client/cpp/formats/terminal_text.h"

namespace sluice {
namespace {

constexpr int kMaxMessageColumns = 1000;

}  // namespace

std::string PlaceText(const InputPlace& place) {
  std::string text = EscapeText(place.file);
  if (place.line > 0) absl::StrAppend(&text, ":", place.line);
  if (place.line > 0 && place.column > 0) absl::StrAppend(&text, ":", place.column);
  return text;
}

absl::Status InputError(const InputPlace& place, absl::string_view message) {
  return absl::InvalidArgumentError(
      absl::StrCat(PlaceText(place), ": ", EscapeName(message, kMaxMessageColumns)));
}

absl::Status ColumnError(const InputPlace& place, absl::string_view column, absl::string_view message) {
  return InputError(place, absl::StrCat("column '", EscapeName(column), "': ", message));
}

absl::Status WithMessage(const absl::Status& status, absl::string_view message) {
  absl::Status out(status.code(), message);
  status.ForEachPayload(
      [&](absl::string_view type, const absl::Cord& payload) { out.SetPayload(type, payload); });
  return out;
}

}  // namespace sluice
