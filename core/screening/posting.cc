#include "core/screening/posting.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace sluice {
namespace {

bool BeginsWithHead(const Posting& posting) {
  const absl::string_view first = !posting.title.empty()     ? posting.title
                                  : !posting.company.empty() ? posting.company
                                                             : posting.location;
  return absl::StartsWithIgnoreCase(absl::StripLeadingAsciiWhitespace(posting.description), first);
}

}  // namespace

std::string PostingText(const Posting& posting) {
  if (BeginsWithHead(posting)) return posting.description;
  std::string text = posting.title;
  const auto append = [&](absl::string_view separator, absl::string_view part) {
    if (!part.empty()) absl::StrAppend(&text, text.empty() ? "" : separator, part);
  };
  append("\n", posting.company);
  append(posting.company.empty() ? "\n" : " | ", posting.location);
  append("\n", posting.description);
  return text;
}

}  // namespace sluice
