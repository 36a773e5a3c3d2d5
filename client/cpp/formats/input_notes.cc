#include "client/cpp/formats/input_notes.h"

#include "absl/strings/str_cat.h"
#include "client/cpp/formats/terminal_text.h"

namespace sluice {
namespace {

constexpr int kMaxPlaceColumns = 200;
constexpr int kMaxFieldColumns = 80;
constexpr int kMaxReasonColumns = 400;
constexpr int kMaxQuotedColumns = 40;

}  // namespace

void InputNotes::Add(const InputPlace& place, absl::string_view field, absl::string_view reason) {
  ++total_;
  std::string name = EscapeName(field, kMaxFieldColumns);
  if (shown_.size() < kMaxShown) {
    shown_.push_back(absl::StrCat(EscapeName(PlaceText(place), kMaxPlaceColumns), ": ",
                                  name.empty() ? "" : absl::StrCat("field '", name, "': "),
                                  EscapeName(reason, kMaxReasonColumns)));
  } else if (not_shown_.size() < kMaxCountedFields || not_shown_.count(name) > 0) {
    ++not_shown_[std::move(name)];
  } else {
    ++of_other_fields_;
  }
}

std::vector<std::string> InputNotes::Lines() const {
  std::vector<std::string> lines = shown_;
  const int64_t more = total_ - static_cast<int64_t>(shown_.size());
  if (more == 0) return lines;
  std::string rest = absl::StrCat("and ", more, more == 1 ? " more note" : " more notes");
  const char* separator = ": ";
  const auto count = [&](absl::string_view field, int64_t notes) {
    absl::StrAppend(&rest, separator, field, " (", notes, ")");
    separator = ", ";
  };
  for (const auto& [field, notes] : not_shown_)
    count(field.empty() ? "whole postings or files" : field, notes);
  if (of_other_fields_ > 0) count("other fields", of_other_fields_);
  lines.push_back(std::move(rest));
  return lines;
}

std::string QuotedForTerminal(absl::string_view text) {
  return absl::StrCat("'", EscapeName(text, kMaxQuotedColumns), "'");
}

}  // namespace sluice
