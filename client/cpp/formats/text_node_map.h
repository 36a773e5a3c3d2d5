// Where the bytes of an HTML text node stood: a parser tells where a node began, not which of its bytes a
// character reference took. Pure.
#pragma once

#include <cstdint>

#include "absl/strings/string_view.h"
#include "client/cpp/formats/offset_map.h"

namespace sluice {

// Walks along the node's `text` and its `original`, which begins at byte `begin` of the source, together:
// references (named ones are told by what follows them, so that no table of them is needed), line ends that
// were made one, markup that the parser passed over. `original` may go on behind the text. Where the two
// cannot be brought together, the whole text is mapped to the whole original.
OffsetMap MapTextNode(absl::string_view text, absl::string_view original, int64_t begin);

}  // namespace sluice
