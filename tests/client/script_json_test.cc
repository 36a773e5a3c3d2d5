#include "client/cpp/formats/script_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"

namespace sluice {
namespace {

using Json = nlohmann::json;
using testing::HasSubstr;

// The one value, parsed by a strict parser; nothing with a failure.
Json ReadOne(absl::string_view script) {
  const ScriptJson read = ReadScriptJson(script, 1);
  EXPECT_EQ(read.error, "") << script;
  if (read.values.size() != 1) {
    ADD_FAILURE() << "expected one value in " << script;
    return Json();
  }
  const Json value = Json::parse(read.values[0].json, nullptr, false);
  EXPECT_FALSE(value.is_discarded()) << read.values[0].json;
  return value;
}

std::string ErrorOf(absl::string_view script) {
  return ReadScriptJson(script, 1).error;
}

TEST(ScriptJson, StrictJsonKeepsItsMeaning) {
  const char* script =
      R"( {"a": [1, -2.5e3, 0, true, false, null, "x\"\\\/\b\f\n\r\té\u00e9\ud83d\ude00"], "b": {}, "": []} )";
  EXPECT_EQ(ReadOne(script), Json::parse(script));
}

// What hides a script from browsers of old, in each of the ways that plugins write it.
TEST(ScriptJson, WrappersAreNoPartOfIt) {
  for (const char* script :
       {"//<![CDATA[\n{\"a\":1}\n//]]>", "// <![CDATA[\n{\"a\":1}\n// ]]&gt;",
        "/*<![CDATA[*/{\"a\":1}/*]]>*/", "<![CDATA[{\"a\":1}]]>", "//<![CDATA[ {\"a\":1} //]]>",
        "<!--\n{\"a\":1}\n-->", "<!-- {\"a\":1} //-->", "<!-- made by a plugin -->{\"a\":1}",
        "\xEF\xBB\xBF{\"a\":1}", "{\"a\":1};", "{\"a\":1}\n;\n", "\xC2\xA0{\xC2\xA0\"a\"\xE2\x80\xA8:1}"}) {
    EXPECT_EQ(ReadOne(script), Json({{"a", 1}})) << script;
  }
}

TEST(ScriptJson, CommentsAndCommasTooMany) {
  EXPECT_EQ(ReadOne("/* jobs */ {\"a\": /* one */ [1, 2,], // and\n \"b\": \"// no /* comment */\",,}"),
            Json({{"a", {1, 2}}, {"b", "// no /* comment */"}}));
  EXPECT_EQ(ReadOne("[,1,,2,]"), Json({1, 2}));
}

TEST(ScriptJson, StringsAsTemplatesWriteThem) {
  EXPECT_EQ(ReadOne("{\"a\":\"one\ttwo\r\nthree\"}")["a"], "one\ttwo\r\nthree");
  EXPECT_EQ(ReadOne(R"({"a":"it\'s \x41 \- C:\users \
on"})")["a"],
            "it's A - C:\\users on");
  EXPECT_EQ(ReadOne(R"({'a':'say "so"', b: 'x'})"), Json({{"a", "say \"so\""}, {"b", "x"}}));
  EXPECT_EQ(ReadOne(R"({"a":"\ud83d x \ude00 \ud83d\u0041"})")["a"],
            "\xEF\xBF\xBD x \xEF\xBF\xBD \xEF\xBF\xBD"
            "A");
  EXPECT_EQ(ReadOne("{\"a\":\"b\x01\x1f\"}")["a"], "b\x01\x1f");
}

TEST(ScriptJson, ValuesThatTemplatesLeaveOpen) {
  EXPECT_EQ(ReadOne(R"({"a":, "b": NaN, "c": -Infinity, "d": undefined, "e": None, "f": True, "g": })"),
            Json::parse(R"({"a":null,"b":null,"c":null,"d":null,"e":null,"f":true,"g":null})"));
  EXPECT_EQ(ReadOne(R"({"a": 55,000, "b": 1,234,567 , "c": 012, "d": .5, "e": 2026-11-02, "f": 1e999})"),
            Json::parse(R"({"a":"55,000","b":"1,234,567","c":"012","d":".5","e":"2026-11-02","f":"1e999"})"));
  EXPECT_EQ(ReadOne("[55,000]"), Json::parse(R"([55,"000"])"));
}

TEST(ScriptJson, SeveralValuesOneAfterAnother) {
  const ScriptJson read = ReadScriptJson("\n{\"a\":\n\"x\ny\"}\n,{\"b\":1} [2]\n{\"c\"", 10);
  ASSERT_EQ(read.values.size(), 3);
  EXPECT_EQ(read.values[0].line, 11);
  EXPECT_EQ(read.values[1].line, 14);
  EXPECT_EQ(Json::parse(read.values[2].json), Json({2}));
  EXPECT_THAT(read.error, HasSubstr("expected ':' behind a name, found the script's end"));
  EXPECT_EQ(read.error_line, 15);
}

// So that a posting is named by the line it stands on.
TEST(ScriptJson, TokensStayOnTheirLines) {
  const ScriptJson read = ReadScriptJson("[/* a\n\n */ {\"x\": \"1\n2\n3\"},\n{\"y\"\n:1}]", 1);
  ASSERT_EQ(read.values.size(), 1);
  const std::string& json = read.values[0].json;
  EXPECT_EQ(std::count(json.begin(), json.begin() + static_cast<ptrdiff_t>(json.find("\"y\"")), '\n'), 5);
}

TEST(ScriptJson, AScriptThatIsEscapedAsAWhole) {
  EXPECT_EQ(ReadOne("{&quot;a&quot;: &quot;R&amp;amp;D&quot;}")["a"], "R&amp;D");
}

TEST(ScriptJson, WhatCannotBeReadSaysWhyAndWhere) {
  EXPECT_THAT(ErrorOf("{\"a\" 7}"), HasSubstr("expected ':' behind a name, found '7}'"));
  EXPECT_THAT(ErrorOf("{\"a\": \"b\" \"c\": 1}"), HasSubstr("expected ',' or '}', found '\"c\": 1}'"));
  EXPECT_THAT(ErrorOf("{\"a\": \"b"), HasSubstr("expected the end of the string that begins on line 1"));
  EXPECT_THAT(ErrorOf("{\"a\": \"b\\"), HasSubstr("expected the end of the string"));
  EXPECT_THAT(ErrorOf("{\"a\": [1"), HasSubstr("expected ',' or ']', found the script's end"));
  EXPECT_THAT(ErrorOf("window.job = {}"), HasSubstr("expected an object or a list, found 'window.job = {}'"));
  EXPECT_THAT(ErrorOf("{{salary}}"), HasSubstr("expected a name"));
  EXPECT_THAT(ErrorOf(std::string(100'000, '[')), HasSubstr("nests deeper than 64"));
  EXPECT_EQ(ErrorOf(""), "");
}

// Scripts made to cost their square end at once: this test would run for minutes otherwise.
TEST(ScriptJson, HostileScriptsAreLinear) {
  constexpr size_t kBytes = 4 << 20;
  for (const absl::string_view piece :
       {"<!--", "/*", "//", "// <!--", "]]>", "[1,", "\"", "\\", "{\"a\":1,000,", ";", "&#"}) {
    std::string script;
    while (script.size() < kBytes) absl::StrAppend(&script, piece);
    EXPECT_LE(ReadScriptJson(script, 1).values.size(), 1) << piece;
  }
}

// Cut anywhere, a script has fewer values or an error; what is called strict is strict.
TEST(ScriptJson, CutAnywhereItNeverInventsAValue) {
  const std::string whole =
      "//<![CDATA[\n{'a': \"\\ud83d\\x41\\'\\u12\t\", b: [1,,{}], /* x */ \"c\": 55,000, \"d\": } [NaN]; "
      "{\"e\": 1}";
  ASSERT_EQ(ReadScriptJson(whole, 1).values.size(), 3);
  for (size_t cut = 0; cut <= whole.size(); ++cut) {
    const ScriptJson read = ReadScriptJson(absl::string_view(whole).substr(0, cut), 1);
    EXPECT_LE(read.values.size(), 3);
    for (const ScriptValue& value : read.values) EXPECT_TRUE(Json::accept(value.json)) << value.json;
  }
}

}  // namespace
}  // namespace sluice
