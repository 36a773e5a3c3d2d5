#include "client/cpp/command/archive_text.h"

#include <algorithm>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/cpp/command/json_line.h"
#include "client/cpp/formats/terminal_text.h"

namespace sluice {
namespace {

const char* StateName(const v1::Document& document) {
  return document.state() == v1::Document::PARTIAL ? "PARTIAL" : "COMPLETE";
}

void WriteDocument(const v1::Document& document, JsonLine& line) {
  line.Key("document").Text(document.name()).Key("source").Text(document.source());
  line.Key("title").Text(document.title()).Key("labels").BeginObject();
  // Keys are the user's: as text they are escaped, as a JSON key they are not.
  line.EndObject().Key("label_list").BeginArray();
  std::vector<std::string> labels;
  for (const auto& [key, value] : document.labels()) labels.push_back(absl::StrCat(key, "=", value));
  std::sort(labels.begin(), labels.end());
  for (const std::string& label : labels) line.Text(label);
  line.EndArray().Key("state").Text(StateName(document)).Key("format").Text(document.format());
  line.Key("sha256").Text(document.sha256()).Key("pages").Integer(document.pages());
  line.Key("failed_pages").Integer(document.failed_pages());
  line.Key("degraded_pages").Integer(document.degraded_pages());
  line.Key("blank_pages").Integer(document.blank_pages());
}

const char* KindName(v1::PageBlock::Kind kind) {
  switch (kind) {
    case v1::PageBlock::HEADING:
      return "heading";
    case v1::PageBlock::LIST_ITEM:
      return "list item";
    case v1::PageBlock::CODE:
      return "code";
    case v1::PageBlock::FOOTNOTE:
      return "footnote";
    case v1::PageBlock::CAPTION:
      return "caption";
    case v1::PageBlock::FIGURE:
      return "figure";
    case v1::PageBlock::RUNNING_HEAD:
      return "running head";
    case v1::PageBlock::PAGE_NUMBER:
      return "page number";
    default:
      return "paragraph";
  }
}

std::string Escaped(absl::string_view text) {
  return EscapeText(std::string(text));
}

std::string LinesOf(const v1::PageBlock& block) {
  std::string text;
  for (const v1::PageLine& line : block.lines()) absl::StrAppend(&text, line.text(), "\n");
  return text;
}

}  // namespace

std::string DocumentLine(const v1::Document& document) {
  return absl::StrFormat("%s\t%d pages\t%s\t%s", Escaped(document.source()), document.pages(),
                         Escaped(document.title()), StateName(document));
}

std::string DocumentJson(const v1::Document& document) {
  JsonLine line;
  line.BeginObject();
  WriteDocument(document, line);
  line.Key("degraded").BeginArray();
  for (const auto& [reason, pages] : document.degraded()) {
    line.BeginObject().Key("reason").Text(reason).Key("pages").Integer(pages).EndObject();
  }
  line.EndArray().Key("failed").BeginArray();
  for (const v1::PageError& failed : document.failed()) {
    line.BeginObject().Key("page").Integer(failed.page()).Key("message").Text(failed.error().message());
    line.EndObject();
  }
  line.EndArray().Key("headings").BeginArray();
  for (const v1::Heading& heading : document.headings()) {
    line.BeginObject().Key("level").Integer(heading.level()).Key("title").Text(heading.title());
    line.Key("page").Integer(heading.page()).EndObject();
  }
  line.EndArray().EndObject();
  return std::move(line).Take();
}

std::string DocumentText(const v1::Document& document) {
  std::string text =
      absl::StrFormat("%s\n  %s\n  %s, %s, %d pages", Escaped(document.title()), Escaped(document.source()),
                      Escaped(document.name()), Escaped(document.format()), document.pages());
  absl::StrAppend(&text, ", ", StateName(document), "\n");
  for (const auto& [key, value] : document.labels()) {
    absl::StrAppend(&text, "  label ", Escaped(key), "=", Escaped(value), "\n");
  }
  if (document.blank_pages() > 0) absl::StrAppend(&text, "  ", document.blank_pages(), " pages are blank\n");
  for (const auto& [reason, pages] : document.degraded()) {
    absl::StrAppend(&text, "  ", pages, pages == 1 ? " page: " : " pages: ", Escaped(reason), "\n");
  }
  for (const v1::PageError& failed : document.failed()) {
    absl::StrAppend(&text, "  page ", failed.page(), " failed: ", Escaped(failed.error().message()), "\n");
  }
  for (const v1::Heading& heading : document.headings()) {
    absl::StrAppend(&text, std::string(2 * static_cast<size_t>(std::clamp(heading.level(), 1, 10)), ' '),
                    Escaped(heading.title()), "  ", heading.page(), "\n");
  }
  return text;
}

std::string BlockText(const v1::PageBlock& block) {
  std::string text;
  for (const v1::PageLine& line : block.lines()) {
    const bool divided = text.size() > 1 && text.back() == '-' &&
                         absl::ascii_isalpha(static_cast<unsigned char>(text[text.size() - 2])) &&
                         !line.text().empty() &&
                         absl::ascii_islower(static_cast<unsigned char>(line.text()[0]));
    if (divided) {
      text.pop_back();
    } else if (!text.empty()) {
      text += ' ';
    }
    text += line.text();
  }
  return text;
}

std::string PageForPeople(const v1::DocumentPage& page, bool boxes) {
  if (page.has_error()) {
    return absl::StrCat("page ", page.number(), " failed: ", Escaped(page.error().message()), "\n");
  }
  std::string text;
  for (const v1::PageBlock& block : page.blocks()) {
    const bool furniture =
        block.kind() == v1::PageBlock::RUNNING_HEAD || block.kind() == v1::PageBlock::PAGE_NUMBER;
    if (!boxes && (furniture || block.lines().empty())) continue;
    if (!text.empty()) text += '\n';
    if (boxes) {
      absl::StrAppendFormat(&text, "[%s %.0f,%.0f %.0f,%.0f]\n", KindName(block.kind()), block.box().left(),
                            block.box().top(), block.box().right(), block.box().bottom());
    }
    for (const v1::PageLine& line : block.lines()) absl::StrAppend(&text, Escaped(line.text()), "\n");
  }
  for (const std::string& reason : page.degraded()) absl::StrAppend(&text, "(", Escaped(reason), ")\n");
  return text;
}

std::string PageJson(const v1::Document& document, const v1::DocumentPage& page) {
  JsonLine line;
  line.BeginObject().Key("document").Text(document.name()).Key("source").Text(document.source());
  line.Key("page").Integer(page.number()).Key("label").Text(page.label());
  if (page.has_error()) {
    line.Key("error").Text(page.error().message()).EndObject();
    return std::move(line).Take();
  }
  line.Key("text").Text(page.text()).Key("language").Text(page.language());
  line.Key("decision").Text(v1::PageDecision::Source_Name(page.decision().source()));
  line.Key("reason").Text(page.decision().reason()).Key("degraded").BeginArray();
  for (const std::string& reason : page.degraded()) line.Text(reason);
  line.EndArray().Key("blocks").BeginArray();
  for (const v1::PageBlock& block : page.blocks()) {
    line.BeginObject().Key("kind").Text(v1::PageBlock::Kind_Name(block.kind()));
    line.Key("level").Integer(block.level()).Key("box").BeginArray();
    line.Real(block.box().left())
        .Real(block.box().top())
        .Real(block.box().right())
        .Real(block.box().bottom());
    line.EndArray().Key("text").Text(BlockText(block)).EndObject();
  }
  line.EndArray().EndObject();
  return std::move(line).Take();
}

std::string PageMarkdown(const v1::DocumentPage& page) {
  std::string text = absl::StrCat("<!-- page ", page.number(), " -->\n\n");
  if (page.has_error()) {
    return absl::StrCat(text, "<!-- failed: ", Escaped(page.error().message()), " -->\n\n");
  }
  for (const v1::PageBlock& block : page.blocks()) {
    switch (block.kind()) {
      case v1::PageBlock::HEADING:
        absl::StrAppend(&text, std::string(static_cast<size_t>(std::clamp(block.level(), 1, 6)), '#'), " ",
                        BlockText(block), "\n\n");
        break;
      case v1::PageBlock::CODE:
        absl::StrAppend(&text, "```\n", LinesOf(block), "```\n\n");
        break;
      case v1::PageBlock::FIGURE:
      case v1::PageBlock::RUNNING_HEAD:
      case v1::PageBlock::PAGE_NUMBER:
        break;
      default:
        if (!block.lines().empty()) absl::StrAppend(&text, BlockText(block), "\n\n");
    }
  }
  return text;
}

}  // namespace sluice
