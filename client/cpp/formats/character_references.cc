#include "client/cpp/formats/character_references.h"

#include <gumbo.h>

#include <algorithm>
#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace sluice {
namespace {

constexpr absl::string_view kNoBreakSpace = "\xC2\xA0";

// Of "&name;" or "&#123;" that `text` begins with; 0 where it cannot be one.
size_t ShapeBytes(absl::string_view text) {
  constexpr size_t kLongestBytes = 34;  // "&CounterClockwiseContourIntegral;"
  size_t end = 1;
  if (end < text.size() && text[end] == '#') ++end;
  const size_t begin = end;
  const size_t limit = std::min(text.size(), kLongestBytes);
  while (end < limit && absl::ascii_isalnum(static_cast<unsigned char>(text[end]))) ++end;
  return end > begin && end < limit && text[end] == ';' ? end + 1 : 0;
}

// What `reference` stands for, read by the HTML parser itself, which has the list of names; "" for nothing.
std::string Meaning(absl::string_view reference) {
  // The letter keeps a reference to white space from being dropped.
  const std::string html = absl::StrCat("<pre>x", reference);
  const std::unique_ptr<GumboOutput, void (*)(GumboOutput*)> tree(
      gumbo_parse_with_options(&kGumboDefaultOptions, html.data(), html.size()),
      [](GumboOutput* output) { gumbo_destroy_output(&kGumboDefaultOptions, output); });
  const GumboNode* node = tree->root;
  while (node->type == GUMBO_NODE_ELEMENT && node->v.element.children.length > 0) {
    const GumboVector& children = node->v.element.children;
    node = static_cast<const GumboNode*>(children.data[children.length - 1]);
  }
  if (node->type != GUMBO_NODE_TEXT) return "";
  absl::string_view text = node->v.text.text;
  text.remove_prefix(1);
  // "&notit;" is "&not" and "it;" to a browser; in a name it is more likely meant as it stands.
  const bool whole = !absl::EndsWith(text, ";") || text == ";";
  if (!whole) return "";
  return text == kNoBreakSpace ? " " : std::string(text);
}

class Decoder {
 public:
  Decoder(absl::string_view text, ReferenceLevels levels) : text_(text), levels_(levels) {}

  std::optional<MappedText> Run() {
    size_t copied = 0;
    for (size_t at = text_.find('&'); at != absl::string_view::npos; at = text_.find('&', at)) {
      size_t end = at;
      const std::string meaning = ReadAt(at, end);
      if (end == at) {
        ++at;
        continue;
      }
      out_.Copy(text_.substr(copied, at - copied), static_cast<int64_t>(copied));
      out_.Replace(meaning, {static_cast<int64_t>(at), static_cast<int64_t>(end)});
      copied = at = end;
    }
    if (copied == 0) return std::nullopt;
    out_.Copy(text_.substr(copied), static_cast<int64_t>(copied));
    return std::move(out_);
  }

 private:
  // Reads the reference at `at` and, where it means '&', the one that this begins; `end` is behind the last.
  std::string ReadAt(size_t at, size_t& end) {
    std::string meaning;
    std::string reference(text_.substr(at, ShapeBytes(text_.substr(at))));
    size_t next = at + reference.size();
    while (!reference.empty()) {
      std::string read = MeaningOf(reference);
      if (read.empty()) break;
      meaning = std::move(read);
      end = next;
      if (meaning != "&" || levels_ == ReferenceLevels::kOne) break;
      // One level down the '&' stands before what follows here.
      constexpr size_t kFarEnough = 40;
      const std::string inner = absl::StrCat("&", text_.substr(end, kFarEnough));
      reference = inner.substr(0, ShapeBytes(inner));
      next = end + reference.size() - 1;
    }
    return meaning;
  }

  const std::string& MeaningOf(const std::string& reference) {
    const auto [known, is_new] = meanings_.try_emplace(reference);
    if (is_new) known->second = Meaning(reference);
    return known->second;
  }

  const absl::string_view text_;
  const ReferenceLevels levels_;
  MappedText out_;
  absl::flat_hash_map<std::string, std::string> meanings_;
};

}  // namespace

std::optional<MappedText> DecodedReferences(absl::string_view text, ReferenceLevels levels) {
  const size_t first = text.find('&');
  if (first == absl::string_view::npos || text.find(';', first) == absl::string_view::npos)
    return std::nullopt;
  return Decoder(text, levels).Run();
}

}  // namespace sluice
