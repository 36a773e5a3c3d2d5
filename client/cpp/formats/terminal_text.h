// What others wrote, made fit for a terminal: nothing of it steers the terminal, turns a line around or
// floods the screen. What steers: control characters (C0, DEL, C1), line and paragraph separators and
// Unicode's controls of direction. Pure functions, safe from any thread.
#pragma once

#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace sluice {

// For a message on one line: what steers, what is invisible and bytes that are not UTF-8 are written as
// escapes: "\n", "\x1b", "\u202e", "\xff". Backslashes stay, so that escaping twice changes nothing.
std::string EscapeText(absl::string_view text);

// The same for a message of several lines, whose newlines stay.
std::string EscapeLines(absl::string_view text);

// EscapeText and then FitColumns: for a name or a value within a message.
inline constexpr int kMaxNameColumns = 80;
std::string EscapeName(absl::string_view text, int max_columns = kMaxNameColumns);

// For a table: `text` on one line of at most `columns` terminal cells, cut with "…". What steers becomes a
// space, bytes that are not UTF-8 become U+FFFD. Marks without a cell of their own are left out beyond
// kMaxMarksPerCharacter, and the line is cut at kMaxBytesPerColumn times `columns` bytes.
inline constexpr int kMaxMarksPerCharacter = 8;
inline constexpr int kMaxBytesPerColumn = 16;
std::string FitColumns(absl::string_view text, int columns);

// The character that `text` begins with, where it steers; all of these are below U+10000.
std::optional<char32_t> SteeringCharacter(absl::string_view text);

// Cells that `text` takes on a terminal.
int ColumnsOf(absl::string_view text);

}  // namespace sluice
