#include "client/cpp/formats/words.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"

namespace sluice {

bool IsOneOf(absl::string_view word, absl::string_view words) {
  if (word.empty() || absl::StrContains(word, ' ')) return false;
  for (size_t at = words.find(word); at != absl::string_view::npos; at = words.find(word, at + 1)) {
    const size_t end = at + word.size();
    if ((at == 0 || words[at - 1] == ' ') && (end == words.size() || words[end] == ' ')) return true;
  }
  return false;
}

bool AllDigits(absl::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), absl::ascii_isdigit);
}

}  // namespace sluice
