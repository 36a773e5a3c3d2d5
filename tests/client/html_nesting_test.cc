#include "client/cpp/formats/html_nesting.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"

namespace sluice {
namespace {

constexpr int kTimes = 1000;

std::string Repeated(absl::string_view html) {
  std::string all;
  for (int i = 0; i < kTimes; ++i) absl::StrAppend(&all, html);
  return all;
}

TEST(HtmlNesting, WhatIsClosedDoesNotNest) {
  EXPECT_EQ(NestingBound("no tags < 3 </ >"), 0);
  EXPECT_EQ(NestingBound("<div><ul><li>a</li></ul></div>"), 3);
  for (const char* html :
       {"<div><b>x</b></div>", "<ul><li>a<li>b<p>c</ul>", "<p>a<p>b<br>c<img src=x>",
        "<dl><dt>a<dd>b<dt>c</dl>", "<table><tr><td>a<td>b<tr><th>c</table>",
        "<select><option>a<option>b</select>", "<DIV></div >",
        "<svg><title>a</title><path d='x'/><path d='y'/></svg><p>b</p>", "<input><link><meta>",
        "<a title=\"<b>\" x='<i>' y=<u>></a>", "<!-- <div> --><!--><!doctype html><?xml <b> ?>"}) {
    EXPECT_LE(NestingBound(Repeated(html)), 8) << html;
  }
}

// Pages carry postings with markup in scripts, often with "<\/b>" for an end tag.
TEST(HtmlNesting, AScriptIsNoMarkup) {
  EXPECT_EQ(NestingBound(Repeated("<script>{\"a\":\"<div><b>x<\\/b></scripted>\"}</script>")), 0);
  EXPECT_EQ(NestingBound(Repeated("<script><!-- {\"a\":\"<div>\"} --></SCRIPT >")), 0);
}

// Each of these leaves something open, in a parser that goes by HTML's rules, whatever closes beside it.
TEST(HtmlNesting, NoEndTagThatEndsNothingHidesWhatIsOpen) {
  for (const char* html :
       {"<div></q>", "<span><p></span></p>", "<div><table><tr><td></div>", "<li><dd>", "<div><!-- </div> -->",
        "<span><div></span></div>", "<form><table></form></table></form>", "<b><div></b>",
        "<div a=\"</div>\">", "<div></ div>", "<svg><input>", "<frameset><script><frameset></script>"}) {
    EXPECT_GE(NestingBound(Repeated(html)), kTimes) << html;
  }
  EXPECT_GE(NestingBound(absl::StrCat("<svg><p></p>", Repeated("<path/>"))), kTimes);
  EXPECT_GE(NestingBound(absl::StrCat("<svg><desc>", Repeated("<section/>"))), kTimes);
  EXPECT_GE(NestingBound(absl::StrCat("<textarea><script></textarea>", Repeated("<div>"), "</script>")),
            kTimes);
  EXPECT_GE(NestingBound(Repeated("<div><script><!--<script></script></div></script>")), kTimes);
}

// A page of 8 MB, each of whose end tags would pass over 60,000 elements: a test that takes hours fails.
TEST(HtmlNesting, EndTagsThatEndNothingCostNoLookAtAllThatIsOpen) {
  constexpr int kPairs = 30'000, kEndTags = 1'000'000;
  std::string page;
  for (int i = 0; i < kPairs; ++i) page += "<li><p>";
  for (int i = 0; i < kEndTags; ++i) page += i % 2 == 0 ? "</div>" : "</td>";
  EXPECT_EQ(NestingBound(page), 2 * kPairs);
}

TEST(HtmlNesting, CountingEnds) {
  std::string page;
  for (int i = 0; i < 2 * kMaxNestingCounted; ++i) page += "<b>";
  EXPECT_EQ(NestingBound(page), kMaxNestingCounted);
}

}  // namespace
}  // namespace sluice
