#include "client/cpp/formats/html_nesting.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "client/cpp/formats/words.h"

namespace sluice {
namespace {

constexpr absl::string_view kEmpty = "br hr img meta embed";  // also within svg, which they end
constexpr absl::string_view kEmptyOutsideForeign =
    "area base basefont bgsound col frame input keygen link param source track wbr";
constexpr absl::string_view kForeign = "svg math";
constexpr absl::string_view kHtmlWithinForeign = "foreignobject desc title annotation-xml mi mo mn ms mtext";
// Tags of HTML that end an svg wherever they stand in it.
constexpr absl::string_view kEndsForeign =
    "b big blockquote body br center code dd div dl dt em embed font h1 h2 h3 h4 h5 h6 head hr i img li "
    "listing menu meta nobr ol p pre ruby s small span strong strike sub sup table tt u ul var";
constexpr absl::string_view kRawText = "textarea title style xmp iframe noembed noframes plaintext";
constexpr absl::string_view kImplied = "p li dd dt option optgroup td th tr tbody thead tfoot rp rt";
// Whose end tag ends what is implied within, too.
constexpr absl::string_view kEndsImplied =
    "address article aside blockquote center details dialog div dl dd dt fieldset figcaption figure footer "
    "header li main menu nav ol pre section summary ul td th tr tbody thead tfoot table select";

struct Tag {
  std::string name;
  bool is_end = false;
  bool closes_itself = false;
};

class NestingReader {
 public:
  explicit NestingReader(absl::string_view html) : html_(html) {}

  int Run() {
    for (at_ = html_.find('<'); at_ < html_.size() && deepest_ < kMaxNestingCounted;
         at_ = html_.find('<', at_)) {
      if (lost_) {
        open_.resize(open_.size() + (IsLetter(++at_) ? 1 : 0));
        deepest_ = std::max(deepest_, open_.size());
      } else if (absl::StartsWith(html_.substr(at_), "<!--")) {
        SkipComment();
      } else if (const size_t letter = at_ + (CharAt(at_ + 1) == '/' ? 2 : 1); IsLetter(letter)) {
        Take(ReadTag(letter));
      } else if (IsBogusComment()) {
        SkipBehind(html_.find('>', at_));
      } else {
        ++at_;
      }
    }
    return static_cast<int>(deepest_);
  }

 private:
  char CharAt(size_t at) const { return at < html_.size() ? html_[at] : '\0'; }
  bool IsLetter(size_t at) const { return absl::ascii_isalpha(static_cast<unsigned char>(CharAt(at))); }
  bool IsBogusComment() const {
    const char next = CharAt(at_ + 1);
    return next == '!' || next == '?' || (next == '/' && at_ + 2 < html_.size());
  }
  void SkipBehind(size_t last) { at_ = std::min(last, html_.size() - 1) + 1; }

  void SkipComment() {
    const absl::string_view inside = html_.substr(at_ + 4);
    if (absl::StartsWith(inside, ">")) return SkipBehind(at_ + 4);
    if (absl::StartsWith(inside, "->")) return SkipBehind(at_ + 5);
    for (size_t end = html_.find("--", at_ + 4); end != absl::string_view::npos;
         end = html_.find("--", end + 1)) {
      if (CharAt(end + 2) == '>') return SkipBehind(end + 2);
      if (CharAt(end + 2) == '!' && CharAt(end + 3) == '>') return SkipBehind(end + 3);
    }
    at_ = html_.size();
  }

  // Moves behind the tag, over '>' within quotes where HTML has quotes: behind a '='.
  Tag ReadTag(size_t name_begin) {
    Tag tag{.is_end = html_[name_begin - 1] == '/'};
    at_ = std::min(html_.find_first_of(" \t\n\f\r/>", name_begin), html_.size());
    tag.name = absl::AsciiStrToLower(html_.substr(name_begin, at_ - name_begin));
    bool value = false, in_name = false;
    for (; at_ < html_.size(); ++at_) {
      const char c = html_[at_];
      if (value && (c == '"' || c == '\'')) {
        at_ = std::min(html_.find(c, at_ + 1), html_.size());
        value = in_name = false;
      } else if (c == '>') {
        tag.closes_itself = html_[at_ - 1] == '/' && !value;
        ++at_;
        break;
      } else if (absl::ascii_isspace(static_cast<unsigned char>(c))) {
        continue;
      } else if (value) {
        at_ = std::min(html_.find_first_of(" \t\n\f\r>", at_), html_.size()) - 1;
        value = in_name = false;
      } else if (c == '=' && in_name) {
        value = true;
      } else {
        in_name = c != '/';
      }
    }
    at_ = std::min(at_, html_.size());
    return tag;
  }

  bool TopIs(absl::string_view names) const { return !open_.empty() && IsOneOf(open_.back(), names); }

  void Push(const std::string& name) {
    Count(name, 1);
    if (!IsOneOf(name, kImplied)) innermost_explicit_.push_back(open_.size());
    innermost_[name].push_back(open_.size());
    open_.push_back(name);
    deepest_ = std::max(deepest_, open_.size());
  }

  void Pop() {
    const std::string name = std::move(open_.back());
    open_.pop_back();
    Count(name, -1);
    innermost_[name].pop_back();
    if (!innermost_explicit_.empty() && innermost_explicit_.back() == open_.size())
      innermost_explicit_.pop_back();
  }

  void Count(absl::string_view name, int by) {
    if (IsOneOf(name, kForeign)) foreign_ += by;
    if (IsOneOf(name, kRawText)) raw_ += by;
    if (IsOneOf(name, kHtmlWithinForeign)) html_within_ += by;
  }

  void Take(const Tag& tag) { tag.is_end ? End(tag.name) : Begin(tag); }

  void Begin(const Tag& tag) {
    if (IsOneOf(tag.name, kEmpty) || (foreign_ == 0 && IsOneOf(tag.name, kEmptyOutsideForeign))) return;
    const bool is_foreign = foreign_ > 0 || IsOneOf(tag.name, kForeign);
    foreign_left_ |= foreign_ > 0 && IsOneOf(tag.name, kEndsForeign);
    if (tag.closes_itself && is_foreign && !foreign_left_ && html_within_ == 0) return;
    if (tag.name == "script" && foreign_ == 0 && raw_ == 0 && !frameset_) return SkipScript();
    frameset_ |= tag.name == "frameset";
    EndImpliedBefore(tag.name);
    Push(tag.name);
  }

  void EndImpliedBefore(absl::string_view name) {
    static constexpr std::pair<absl::string_view, absl::string_view> kEnded[] = {
        {"tr", "td th tr"}, {"td", "td th"}, {"th", "td th"}, {"dd", "dd dt p"}, {"dt", "dd dt p"}};
    const bool ends_its_like = name == "p" || name == "li" || name == "option";
    if (ends_its_like && !open_.empty() && open_.back() == name) return Pop();
    const auto ended = std::find_if(std::begin(kEnded), std::end(kEnded),
                                    [&](const auto& each) { return each.first == name; });
    while (ended != std::end(kEnded) && TopIs(ended->second)) {
      const bool last = open_.back() == name;
      Pop();
      if (last) return;
    }
  }

  // What an end tag surely ends is the innermost element, behind those whose end it implies. It is looked up
  // and not looked for: else many end tags that end nothing would each pass over all that is open.
  void End(const std::string& name) {
    if (name == "form") return;  // it may have been ended by another one's end tag
    const auto places = innermost_.find(name);
    if (places == innermost_.end() || places->second.empty()) return;
    const size_t keep = places->second.back();
    const bool only_implied_within = innermost_explicit_.empty() || innermost_explicit_.back() <= keep;
    const bool is_innermost = keep + 1 == open_.size();
    if (!is_innermost && !(only_implied_within && IsOneOf(name, kEndsImplied))) return;
    while (open_.size() > keep) Pop();
  }

  void SkipScript() {
    size_t end = at_;
    for (end = html_.find("</", at_); end != absl::string_view::npos; end = html_.find("</", end + 2)) {
      const absl::string_view tag = html_.substr(end + 2, 7);
      if (tag.size() == 7 && absl::StartsWithIgnoreCase(tag, "script") &&
          absl::StrContains(" \t\n\f\r/>", tag.substr(6))) {
        break;
      }
    }
    const absl::string_view script = html_.substr(at_, end == absl::string_view::npos ? end : end - at_);
    const size_t hidden = script.find("<!--");
    // Such a script goes on behind its first end tag, and what ends where is not worth knowing.
    lost_ |= hidden != absl::string_view::npos &&
             absl::StrContains(absl::AsciiStrToLower(script.substr(hidden)), "<script");
    at_ = std::min(end, html_.size());
  }

  const absl::string_view html_;
  size_t at_ = 0;
  std::vector<std::string> open_;
  // Places in open_, the innermost last: of each name, and of those that no other tag's end implies.
  absl::flat_hash_map<std::string, std::vector<size_t>> innermost_;
  std::vector<size_t> innermost_explicit_;
  size_t deepest_ = 0;
  int foreign_ = 0;            // svg and math that are open
  int raw_ = 0;                // elements whose content is text
  int html_within_ = 0;        // elements of svg and math whose content is HTML
  bool foreign_left_ = false;  // a tag of HTML may have ended an svg
  bool frameset_ = false;
  bool lost_ = false;  // every tag counts, and no end tag
};

}  // namespace

int NestingBound(absl::string_view html) {
  return NestingReader(html).Run();
}

}  // namespace sluice
