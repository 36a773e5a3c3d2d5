// Span: where an attribute was read.
#pragma once

#include "absl/strings/string_view.h"

namespace sluice {

// `field` is a name of Evidence ("text" or a column). A structured field has no bytes to point at: begin ==
// end.
struct Span {
  const char* field = "text";
  int begin = 0;
  int end = 0;
};

}  // namespace sluice
