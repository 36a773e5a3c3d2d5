// What others wrote, fitted into the cells of a terminal, so that it neither steers it
// (core/base/escape_text.h) nor floods it. Pure functions, safe from any thread.
#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "core/base/escape_text.h"

namespace sluice {

// EscapeText and then FitColumns: for a name or a value within a message.
inline constexpr int kMaxNameColumns = 80;
std::string EscapeName(absl::string_view text, int max_columns = kMaxNameColumns);

// For a table: `text` on one line of at most `columns` terminal cells, cut with "…". What steers becomes a
// space, bytes that are not UTF-8 become U+FFFD. Marks without a cell of their own are left out beyond
// kMaxMarksPerCharacter, and the line is cut at kMaxBytesPerColumn times `columns` bytes.
inline constexpr int kMaxMarksPerCharacter = 8;
inline constexpr int kMaxBytesPerColumn = 16;
std::string FitColumns(absl::string_view text, int columns);

// Cells that `text` takes on a terminal.
int ColumnsOf(absl::string_view text);

}  // namespace sluice
