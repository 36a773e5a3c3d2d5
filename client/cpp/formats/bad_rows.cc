#include "client/cpp/formats/bad_rows.h"

#include "absl/strings/str_cat.h"

namespace sluice {

void BadRows::Add(absl::string_view reason) {
  ++total_;
  if (shown_.size() < kMaxShown) shown_.emplace_back(reason);
}

std::vector<std::string> BadRows::Lines() const {
  if (total_ == 0) return {};
  std::vector<std::string> lines = shown_;
  lines.push_back(absl::StrCat(total_, total_ == 1 ? " bad row left out" : " bad rows left out",
                               shown_.size() < static_cast<size_t>(total_)
                                   ? absl::StrCat("; the first ", kMaxShown, " are named above")
                                   : ""));
  return lines;
}

}  // namespace sluice
