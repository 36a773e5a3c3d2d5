#include "client/cpp/formats/input_notes.h"

#include <utility>

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
  std::string name = EscapeName(field, kMaxFieldColumns);
  std::string line = absl::StrCat(EscapeName(PlaceText(place), kMaxPlaceColumns), ": ",
                                  name.empty() ? "" : absl::StrCat("field '", name, "': "),
                                  EscapeName(reason, kMaxReasonColumns));
  ++total_;
  Keep({std::move(name), std::move(line)});
}

void InputNotes::Append(const InputNotes& part) {
  for (const Note& note : part.shown_) Keep(note);
  for (const auto& [field, notes] : part.not_shown_) Count(field, notes);
  of_other_fields_ += part.of_other_fields_;
  total_ += part.total_;
}

void InputNotes::Keep(Note note) {
  if (shown_.size() < kMaxShown) {
    shown_.push_back(std::move(note));
  } else {
    Count(note.field, 1);
  }
}

void InputNotes::Count(const std::string& field, int64_t notes) {
  if (not_shown_.size() < kMaxCountedFields || not_shown_.count(field) > 0) {
    not_shown_[field] += notes;
  } else {
    of_other_fields_ += notes;
  }
}

std::vector<std::string> InputNotes::Lines() const {
  std::vector<std::string> lines;
  for (const Note& note : shown_) lines.push_back(note.line);
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
