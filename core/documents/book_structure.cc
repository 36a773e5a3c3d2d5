#include "core/documents/book_structure.h"

namespace sluice {

struct BookStructure::State {};

BookStructure::BookStructure(const DocumentFacts&) : state_(std::make_unique<State>()) {}
BookStructure::~BookStructure() = default;
BookStructure::BookStructure(BookStructure&&) noexcept = default;
BookStructure& BookStructure::operator=(BookStructure&&) noexcept = default;
void BookStructure::Observe(const Page&) {}
void BookStructure::Conclude() {}
void BookStructure::Apply(Page&) const {}

}  // namespace sluice
