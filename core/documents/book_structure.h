// BookStructure: what only the whole book tells of its pages: running heads, page numbers and headings. Pure.
//
// Running heads: a line in the top or bottom band that stands, its digits aside, on a fifth of the pages of
// its parity and three times at least (after Marker's rule). Headings: lines of the outline that stand on
// their page; where there is no outline, lines whose type stands out from the body's, by size, or by weight
// with a section's number (Docling's order of evidence). A block that its reader called a heading stays one.
#pragma once

#include <memory>
#include <vector>

#include "core/documents/page.h"

namespace sluice {

// Two passes over the pages, so that no more than a few hundred bytes of each are in memory:
//
//   BookStructure book(facts);
//   for (page : pages) book.Observe(page);   // each once, in any order
//   book.Conclude();
//   for (page : pages) book.Apply(page);     // sets kinds and levels, splits blocks
//
// Not thread-safe; Apply is const.
class BookStructure {
 public:
  // An outline that lies is checked against the pages: an entry whose title does not stand on its page makes
  // no heading.
  explicit BookStructure(const DocumentFacts& facts);
  ~BookStructure();
  BookStructure(BookStructure&&) noexcept;
  BookStructure& operator=(BookStructure&&) noexcept;

  void Observe(const Page& page);
  void Conclude();
  void Apply(Page& page) const;

 private:
  struct State;
  void AddText(const Page& page, Block block, std::vector<Block>& blocks) const;
  std::unique_ptr<State> state_;
};

}  // namespace sluice
