// How deep HTML nests, before it is parsed: a parser takes a time that grows with depth times size, and frees
// its tree by recursion. Pure.
#pragma once

#include "absl/strings/string_view.h"

namespace sluice {

inline constexpr int kMaxNestingCounted = 65'536;

// A bound from above for the elements that are open at once, without those that a parser adds of its own (two
// for a cell of a table); linear.
// Tags in comments, attributes and scripts do not count. An end tag counts where it surely ends something:
// one that fits nothing ("<div></q>") ends nothing. Careless HTML, whose tags are closed in another order, is
// taken for deeper than it is.
// Counting ends at kMaxNestingCounted, so that memory stays small.
int NestingBound(absl::string_view html);

}  // namespace sluice
