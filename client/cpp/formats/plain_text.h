// PlainText: a posting's description as a person would read it aloud, from HTML or Markdown. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "client/cpp/formats/offset_map.h"

namespace sluice {

// HTML when it has tags of running text or character references (also when those are escaped again and again,
// as feeds do), Markdown when it has its emphasis, headings, links or escapes; anything else comes back
// unchanged. INVALID_ARGUMENT for HTML nested too deep. Takes and gives UTF-8. The text comes with where in
// `description` it stood: right to the byte but where HTML is read against its letter (tags within a
// <select>, rare references of two characters); there the range of the whole stretch of text is given.
absl::StatusOr<MappedText> PlainText(absl::string_view description);

// A field of one line, such as a title, a company or a place: tags and character references read as in
// PlainText, on one line. Text that has neither comes back unchanged; so do tags nested too deep.
std::string PlainLine(absl::string_view field);

absl::StatusOr<MappedText> TextFromHtml(absl::string_view html);
MappedText TextFromMarkdown(absl::string_view markdown);

bool HasHtmlTags(absl::string_view text);
bool LooksLikeMarkdown(absl::string_view text);

struct PageScript {
  std::string text;
  int64_t line = 0;  // of the page, where the text begins
};

// The page's <script type="application/ld+json"> in order. INVALID_ARGUMENT for HTML nested too deep.
absl::StatusOr<std::vector<PageScript>> JsonLdScripts(absl::string_view page);

}  // namespace sluice
