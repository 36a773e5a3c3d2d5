// BookStructure: what only the whole book tells of its pages: running heads and page numbers, headings and
// their levels. Pure.
#pragma once

#include <memory>

#include "core/documents/page.h"

namespace sluice {

// Two passes over the pages, so that no more than a few bytes of each are in memory:
//
//   BookStructure book(facts);
//   for (page : pages) book.Observe(page);   // each once, in any order
//   book.Conclude();
//   for (page : pages) book.Apply(page);     // sets kinds and levels
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
  std::unique_ptr<State> state_;
};

}  // namespace sluice
