#include "client/cpp/formats/character_references.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace sluice {
namespace {

std::string Decoded(absl::string_view text, ReferenceLevels levels = ReferenceLevels::kAll) {
  std::optional<MappedText> decoded = DecodedReferences(text, levels);
  return decoded.has_value() ? decoded->text() : absl::StrCat("unchanged: ", text);
}

TEST(CharacterReferences, NamedAndNumericOnesAreRead) {
  EXPECT_EQ(Decoded("Z&uuml;rich"), "Zürich");
  EXPECT_EQ(Decoded("&pound;40,000 &ndash; &#163;50,000"), "£40,000 – £50,000");
  EXPECT_EQ(Decoded("&#x27;a&#39; &#128; &bull; &hellip;"), "'a' € • …");
  EXPECT_EQ(Decoded("Data&nbsp;Engineer&#160;2"), "Data Engineer 2");
  EXPECT_EQ(Decoded("&semi;&lt;b&gt;"), ";<b>");
  EXPECT_EQ(Decoded("a&#0;b"),
            "a\xEF\xBF\xBD"
            "b");
}

TEST(CharacterReferences, EscapedOnceMoreTheyAreReadToTheLastLevelOrByOne) {
  EXPECT_EQ(Decoded("Events &amp;amp; Media"), "Events & Media");
  EXPECT_EQ(Decoded("Z&amp;amp;uuml;rich &#38;#38;amp;"), "Zürich &");
  EXPECT_EQ(Decoded("R&amp;D"), "R&D");
  EXPECT_EQ(Decoded("Z&amp;amp;uuml;rich", ReferenceLevels::kOne), "Z&amp;uuml;rich");
  std::string often = "&";
  for (int level = 0; level < 100'000; ++level) often += "amp;";
  EXPECT_EQ(Decoded(often), "&");
}

TEST(CharacterReferences, WhatIsNoneStaysAsItIs) {
  for (const char* text : {"", "R&D", "AT&T;", "a & b; c", "&;", "&#;", "&#x;", "&nosuch;", "&notit;",
                           "https://example.org/?a=1&copy=2&section=3;x"}) {
    EXPECT_EQ(Decoded(text), absl::StrCat("unchanged: ", text));
  }
}

TEST(CharacterReferences, EachIsMappedToAllOfItself) {
  const absl::string_view source = "Z&amp;uuml;rich &amp; &NotEqualTilde; x";
  const std::optional<MappedText> decoded = DecodedReferences(source, ReferenceLevels::kAll);
  ASSERT_TRUE(decoded.has_value());
  const auto source_of = [&](absl::string_view part) {
    const auto begin = static_cast<int64_t>(decoded->text().find(std::string(part)));
    const ByteRange range = decoded->map().Map({begin, begin + static_cast<int64_t>(part.size())});
    return source.substr(range.begin, range.size());
  };
  EXPECT_EQ(source_of("ü"), "&amp;uuml;");
  EXPECT_EQ(source_of("rich"), "rich");
  EXPECT_EQ(source_of("& "), "&amp; ");
  EXPECT_EQ(source_of("\xE2\x89\x82\xCC\xB8"), "&NotEqualTilde;");
}

}  // namespace
}  // namespace sluice
