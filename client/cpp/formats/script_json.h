// JSON as pages carry it in <script type="application/ld+json">: written by templates and plugins, read by
// search engines with patience. Pure.
//
// Read besides strict JSON (RFC 8259):
//   around values   <!-- -->, <![CDATA[ ]]>, both behind "//" or within comments; a byte order mark; ';'
//   between tokens  // and /* */ comments; no-break spaces; commas too many, also before '}' and ']'
//   names, strings  'single quotes'; raw tabs and line ends; \' \x41 and other escapes that JSON lacks; a
//                   backslash before a line end; half of a surrogate pair (as U+FFFD); names without quotes
//   values          none at all ("minValue": ,), NaN, Infinity, undefined and None (as null); True and False;
//                   55,000 in an object, 012 and other words without quotes (as text)
//   the script      several values, one after another; all of it escaped ({&quot;@type&quot;: …})
// Not read, for a guess could move text between fields: quotes within a string, brackets that are missing.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace sluice {

inline constexpr int kMaxJsonDepth = 64;

struct ScriptValue {
  std::string json;  // strict, an object or a list; its tokens stand on the lines they stood on
  int64_t line = 0;  // of the page, where it begins
};

struct ScriptJson {
  std::vector<ScriptValue> values;  // those that are whole
  // Why and where the reading ended before the script's end; "" where all of it was read.
  std::string error;
  int64_t error_line = 0;
};

// `first_line` is the page's line on which `script` begins. Nesting deeper than kMaxJsonDepth is an error.
ScriptJson ReadScriptJson(absl::string_view script, int64_t first_line);

}  // namespace sluice
