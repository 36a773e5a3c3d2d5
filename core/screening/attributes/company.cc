#include "core/screening/attributes/company.h"

#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "core/text/words.h"

namespace sluice {
namespace {

bool IsLegalForm(absl::string_view word) {
  static const auto* const kForms = new absl::flat_hash_set<absl::string_view>{
      "inc", "incorporated", "llc",  "ltd",  "limited", "gmbh",        "mbh", "ggmbh",   "ag",  "se",
      "kg",  "kgaa",         "ug",   "ev",   "corp",    "corporation", "co",  "company", "plc", "llp",
      "lp",  "sa",           "sas",  "sarl", "srl",     "spa",         "bv",  "nv",      "oy",  "oyj",
      "ab",  "aps",          "as",   "asa",  "pty",     "pte",         "pvt", "private", "kk",  "sl",
      "slu", "lda",          "ltda", "doo",  "eood",    "sro",         "zoo", "ohg",     "gbr", "eg",
      "cv",  "pbc",          "&",    "and",  "et",      "cie"};
  return kForms->contains(word);
}

}  // namespace

std::string NormalisedCompany(absl::string_view name) {
  std::string lowered = LowerKeepingOffsets(name);
  lowered = absl::StrReplaceAll(lowered, {{".", ""}, {"'", ""}, {"’", ""}, {"a/s", "as"}, {"z o o", "zoo"}});
  for (char& c : lowered) {
    if (absl::string_view(",;:()/\\\"-_|\t\n").find(c) != absl::string_view::npos) c = ' ';
  }
  std::vector<absl::string_view> words = absl::StrSplit(lowered, ' ', absl::SkipEmpty());
  while (words.size() > 1 && IsLegalForm(words.back())) words.pop_back();
  if (words.size() > 1 && words.front() == "the") words.erase(words.begin());
  return absl::StrJoin(words, " ");
}

}  // namespace sluice
