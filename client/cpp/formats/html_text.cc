#include <gumbo.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "client/cpp/formats/html_nesting.h"
#include "client/cpp/formats/plain_text.h"
#include "client/cpp/formats/text_node_map.h"
#include "core/base/status_macros.h"

namespace sluice {
namespace {

// Gumbo looks through all open elements at many a tag, and frees its tree by recursion: what nests deeper
// than this could take minutes or exhaust the stack. Browsers stop at 512.
constexpr int kMaxNesting = 1024;

absl::Status CheckNesting(absl::string_view html) {
  if (NestingBound(html) <= kMaxNesting) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("HTML is nested deeper than ", kMaxNesting, " elements"));
}

using Tree = std::unique_ptr<GumboOutput, void (*)(GumboOutput*)>;

absl::StatusOr<Tree> Parse(absl::string_view html) {
  SLUICE_RETURN_IF_ERROR(CheckNesting(html));
  return Tree(gumbo_parse_with_options(&kGumboDefaultOptions, html.data(), html.size()),
              [](GumboOutput* output) { gumbo_destroy_output(&kGumboDefaultOptions, output); });
}

const GumboVector* ChildrenOf(const GumboNode& node) {
  if (node.type == GUMBO_NODE_DOCUMENT) return &node.v.document.children;
  if (node.type == GUMBO_NODE_ELEMENT || node.type == GUMBO_NODE_TEMPLATE) return &node.v.element.children;
  return nullptr;
}

// Calls enter(node) before and leave(node) after a node's children; enter says whether to go into them.
template <typename Enter, typename Leave>
void Walk(const GumboNode& root, Enter enter, Leave leave) {
  struct Step {
    const GumboNode* node;
    unsigned next_child;
  };
  std::vector<Step> path;
  if (enter(root)) path.push_back({&root, 0});
  while (!path.empty()) {
    const GumboVector* children = ChildrenOf(*path.back().node);
    if (children == nullptr || path.back().next_child == children->length) {
      leave(*path.back().node);
      path.pop_back();
      continue;
    }
    const auto* child = static_cast<const GumboNode*>(children->data[path.back().next_child++]);
    if (enter(*child)) path.push_back({child, 0});
  }
}

bool IsBlock(GumboTag tag) {
  switch (tag) {
    case GUMBO_TAG_P:
    case GUMBO_TAG_DIV:
    case GUMBO_TAG_UL:
    case GUMBO_TAG_OL:
    case GUMBO_TAG_LI:
    case GUMBO_TAG_H1:
    case GUMBO_TAG_H2:
    case GUMBO_TAG_H3:
    case GUMBO_TAG_H4:
    case GUMBO_TAG_H5:
    case GUMBO_TAG_H6:
    case GUMBO_TAG_TR:
    case GUMBO_TAG_TABLE:
    case GUMBO_TAG_SECTION:
    case GUMBO_TAG_ARTICLE:
    case GUMBO_TAG_HEADER:
    case GUMBO_TAG_FOOTER:
    case GUMBO_TAG_BLOCKQUOTE:
    case GUMBO_TAG_PRE:
    case GUMBO_TAG_DL:
    case GUMBO_TAG_DT:
    case GUMBO_TAG_DD:
    case GUMBO_TAG_HR:
      return true;
    default:
      return false;
  }
}

// Collapses white space as a browser does, and keeps lines apart where blocks are.
class TextBuilder {
 public:
  // `map` says where the bytes of `text` stood.
  void Text(absl::string_view text, const OffsetMap& map) {
    for (size_t i = 0; i < text.size();) {
      const size_t space = SpaceBytes(text.substr(i));
      const ByteRange here{static_cast<int64_t>(i), static_cast<int64_t>(i + std::max<size_t>(space, 1))};
      if (preformatted_ > 0 && text[i] == '\n') {
        NewLine();
      } else if (space > 0) {
        Space(map.Map(here));
      } else {
        size_t end = i + 1;
        while (end < text.size() && SpaceBytes(text.substr(end)) == 0) ++end;
        BeginWord();
        out_.Append(text, map, {here.begin, static_cast<int64_t>(end)});
        i = end;
        continue;
      }
      i += space;
    }
  }

  void NewLine() {
    space_.reset();
    if (!out_.text().empty() && out_.text().back() != '\n') out_.Insert("\n");
  }

  void Enter(GumboTag tag) {
    if (tag == GUMBO_TAG_BR || IsBlock(tag)) NewLine();
    if (tag == GUMBO_TAG_LI) {
      BeginWord();
      out_.Insert("-");
    }
    if (tag == GUMBO_TAG_LI || tag == GUMBO_TAG_TD || tag == GUMBO_TAG_TH) Space(Nothing());
    if (tag == GUMBO_TAG_PRE) ++preformatted_;
  }

  void Leave(GumboTag tag) {
    if (tag == GUMBO_TAG_PRE) --preformatted_;
    if (IsBlock(tag)) NewLine();
  }

  MappedText Finish() && {
    out_.RemoveTrailing('\n');
    return std::move(out_);
  }

 private:
  // Of the white space that `text` begins with: a byte, a no-break space, or none.
  static size_t SpaceBytes(absl::string_view text) {
    return absl::ascii_isspace(text[0]) ? 1 : absl::StartsWith(text, "\xC2\xA0") ? 2 : 0;
  }

  ByteRange Nothing() const { return {out_.map().source_end(), out_.map().source_end()}; }

  void Space(ByteRange source) {
    if (!space_.has_value() || space_->size() == 0) {
      space_ = source;
    } else if (source.size() > 0) {
      space_ = {std::min(space_->begin, source.begin), std::max(space_->end, source.end)};
    }
  }

  void BeginWord() {
    if (space_.has_value() && !out_.text().empty() && out_.text().back() != '\n') out_.Replace(" ", *space_);
    space_.reset();
  }

  MappedText out_;
  std::optional<ByteRange> space_;  // the white space since the last word
  int preformatted_ = 0;
};

bool IsHidden(const GumboNode& node) {
  return node.type == GUMBO_NODE_ELEMENT &&
         (node.v.element.tag == GUMBO_TAG_SCRIPT || node.v.element.tag == GUMBO_TAG_STYLE);
}

// Where a text node's bytes stood in `html`.
OffsetMap MapOf(const GumboText& node, absl::string_view html) {
  const absl::string_view text = node.text;
  const char* const begin = node.original_text.data;
  const char* const end = html.data() + html.size();
  if (begin == nullptr || begin < html.data() || begin > end) {
    OffsetMap nowhere;
    nowhere.Insert(static_cast<int64_t>(text.size()));
    return nowhere;
  }
  const size_t bytes = std::min<size_t>(node.original_text.length, end - begin);
  return MapTextNode(text, {begin, bytes}, static_cast<int64_t>(begin - html.data()));
}

bool IsJsonLd(const GumboNode& node) {
  if (node.type != GUMBO_NODE_ELEMENT || node.v.element.tag != GUMBO_TAG_SCRIPT) return false;
  const GumboAttribute* type = gumbo_get_attribute(&node.v.element.attributes, "type");
  if (type == nullptr) return false;
  const absl::string_view value = absl::StripAsciiWhitespace(type->value);
  return absl::StartsWithIgnoreCase(value, "application/ld+json");
}

}  // namespace

bool HasHtmlTags(absl::string_view text) {
  static constexpr absl::string_view kTags[] = {
      "p",  "br",   "div",     "ul",      "ol",   "li", "b",   "strong", "i",   "em",
      "u",  "span", "a",       "h1",      "h2",   "h3", "h4",  "h5",     "h6",  "table",
      "tr", "td",   "section", "article", "font", "hr", "pre", "html",   "body"};
  const size_t first_open = text.find('<');
  if (first_open == absl::string_view::npos) return false;
  const size_t last_close = text.rfind('>');
  if (last_close == absl::string_view::npos) return false;
  for (size_t i = first_open; i != absl::string_view::npos; i = text.find('<', i + 1)) {
    size_t begin = i + 1;
    if (begin < text.size() && text[begin] == '/') ++begin;
    size_t end = begin;
    while (end < text.size() && absl::ascii_isalnum(text[end])) ++end;
    if (end == text.size()) return false;
    const bool ends_name = absl::ascii_isspace(text[end]) || text[end] == '>' || text[end] == '/';
    const std::string name = absl::AsciiStrToLower(text.substr(begin, end - begin));
    if (ends_name && end <= last_close &&
        std::find(std::begin(kTags), std::end(kTags), name) != std::end(kTags)) {
      return true;
    }
  }
  return false;
}

absl::StatusOr<MappedText> TextFromHtml(absl::string_view html) {
  SLUICE_ASSIGN_OR_RETURN(const Tree tree, Parse(html));
  TextBuilder text;
  Walk(
      *tree->root,
      [&](const GumboNode& node) {
        if (IsHidden(node)) return false;
        if (node.type == GUMBO_NODE_ELEMENT) {
          text.Enter(node.v.element.tag);
        } else if (node.type == GUMBO_NODE_TEXT || node.type == GUMBO_NODE_WHITESPACE ||
                   node.type == GUMBO_NODE_CDATA) {
          text.Text(node.v.text.text, MapOf(node.v.text, html));
        }
        return ChildrenOf(node) != nullptr;
      },
      [&](const GumboNode& node) {
        if (node.type == GUMBO_NODE_ELEMENT) text.Leave(node.v.element.tag);
      });
  return std::move(text).Finish();
}

absl::StatusOr<std::vector<PageScript>> JsonLdScripts(absl::string_view page) {
  SLUICE_ASSIGN_OR_RETURN(const Tree tree, Parse(page));
  std::vector<PageScript> scripts;
  Walk(
      *tree->root,
      [&](const GumboNode& node) {
        if (!IsJsonLd(node)) return true;
        const GumboVector& children = node.v.element.children;
        for (unsigned i = 0; i < children.length; ++i) {
          const auto* text = static_cast<const GumboNode*>(children.data[i]);
          scripts.push_back({text->v.text.text, static_cast<int64_t>(text->v.text.start_pos.line)});
        }
        return false;
      },
      [](const GumboNode&) {});
  return scripts;
}

}  // namespace sluice
