// What others wrote, made fit for a terminal or a log: nothing of it steers the terminal, turns a line around
// or begins another one. What steers: control characters (C0, DEL, C1), line and paragraph separators and
// Unicode's controls of direction. Pure functions, safe from any thread.
#pragma once

#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace sluice {

bool SteersTerminal(char32_t c);

// The character that `text` begins with, where it steers; all of these are below U+10000.
std::optional<char32_t> SteeringCharacter(absl::string_view text);

// For a message on one line: what steers, what has no shape at all and bytes that are not UTF-8 are written
// as escapes: "\n", "\x1b", "\u202e", "\xff". Backslashes stay, so that escaping twice changes nothing.
std::string EscapeText(absl::string_view text);

// The same for a message of several lines, whose newlines stay.
std::string EscapeLines(absl::string_view text);

}  // namespace sluice
