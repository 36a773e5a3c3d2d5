#include "client/cpp/command/json_line.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

namespace sluice {
namespace {

std::string TextJson(absl::string_view text) {
  JsonLine line;
  return std::move(line.Text(text)).Take();
}

std::string RealJson(double number) {
  JsonLine line;
  return std::move(line.Real(number)).Take();
}

TEST(JsonLineTest, NestsObjectsAndArrays) {
  JsonLine line;
  line.BeginObject().Key("a").BeginArray().Integer(1).Integer(-2).BeginObject().EndObject().EndArray();
  line.Key("b").BeginObject().Key("c").Boolean(true).Key("d").Null().EndObject();
  line.Key("e").BeginArray().EndArray().Key("f").Text("g").EndObject();
  EXPECT_EQ(std::move(line).Take(), R"({"a":[1,-2,{}],"b":{"c":true,"d":null},"e":[],"f":"g"})");
}

// Every byte below 0x80, and scripts beyond it, come back from a parser as they were.
TEST(JsonLineTest, TextReadsBackAsItWas) {
  std::string text = "Köln, 東京, 🏗 \"quoted\" \\ back";
  for (char c = 0; c < 0x7F; ++c) text += c;
  text += '\x7F';
  EXPECT_EQ(nlohmann::json::parse(TextJson(text)).get<std::string>(), text);
  EXPECT_EQ(TextJson("a\n\x01"), R"("a\n\u0001")");
}

// Text is looked at eight bytes at a time: wherever a byte stands that needs an escape, or breaks UTF-8, it
// is found, and nothing else is taken for one.
TEST(JsonLineTest, EscapesAreFoundAtEveryPlace) {
  for (const std::string plain :
       {"abcdefghijklmnopqrst", " !#[]~ !#[]~ !#[", "öäüößéñ東ab", "“§” – …и ششو"}) {
    EXPECT_EQ(TextJson(plain), '"' + plain + '"');
    for (size_t place = 0; place <= plain.size(); ++place) {
      if (place < plain.size() && (plain[place] & 0xC0) == 0x80) continue;  // within a character
      for (const char escaped : {'"', '\\', '\n', '\x01', '\x1F', '\x7F'}) {
        const std::string text = plain.substr(0, place) + escaped + plain.substr(place);
        EXPECT_EQ(nlohmann::json::parse(TextJson(text)).get<std::string>(), text);
      }
      const std::string broken = plain.substr(0, place) + '\xFF' + plain.substr(place);
      EXPECT_EQ(TextJson(broken), '"' + plain.substr(0, place) + "\xEF\xBF\xBD" + plain.substr(place) + '"');
    }
  }
}

// A posting's words cannot steer the terminal that the JSON is shown on, and are what they were to a parser.
TEST(JsonLineTest, WhatSteersATerminalIsEscaped) {
  EXPECT_EQ(TextJson("\x1B[2J\x7F"), R"("\u001b[2J\u007f")");
  EXPECT_EQ(TextJson("\u009B2J\u0085"), R"("\u009b2J\u0085")");
  EXPECT_EQ(TextJson("a\u202Eb\u2066c\u200Fd\u061Ce\u2028"), R"("a\u202eb\u2066c\u200fd\u061ce\u2028")");
  const std::string text = "11 letters \u009B\u202E\u2066 and “more”";
  EXPECT_EQ(nlohmann::json::parse(TextJson(text)).get<std::string>(), text);
}

TEST(JsonLineTest, WhatIsNotUtf8IsReplaced) {
  EXPECT_EQ(TextJson("a\xFFz"), "\"a\xEF\xBF\xBDz\"");
  EXPECT_EQ(TextJson("ö\xC3"), "\"ö\xEF\xBF\xBD\"");
  EXPECT_EQ(TextJson("\xED\xA0\x80\""), "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\\\"\"");
}

TEST(JsonLineTest, RealsReadBackToTheLastBit) {
  const double numbers[] = {0.1, 1.0 / 3, 1e-300, 123456789.125, 6.02e23, 5e-324, -0.25};
  for (const double number : numbers)
    EXPECT_EQ(nlohmann::json::parse(RealJson(number)).get<double>(), number);
}

// A reader that tells integers from reals by their look sees a real.
TEST(JsonLineTest, RealsLookLikeReals) {
  EXPECT_EQ(RealJson(0), "0.0");
  EXPECT_EQ(RealJson(1), "1.0");
  EXPECT_EQ(RealJson(-3), "-3.0");
  EXPECT_TRUE(nlohmann::json::parse(RealJson(1e22)).is_number_float());
  EXPECT_EQ(RealJson(std::numeric_limits<double>::infinity()), "null");
  EXPECT_EQ(RealJson(std::nan("")), "null");
}

}  // namespace
}  // namespace sluice
