// PngOfBgrx: pixels as a PNG.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/statusor.h"

namespace sluice {

struct ImageSize {
  int width = 1;
  int height = 1;
};

// `row(y)` gives a row of 4 bytes a pixel: blue, green, red and one that is not looked at. INTERNAL when
// libpng refuses.
absl::StatusOr<std::string> PngOfBgrx(ImageSize size, const std::function<const uint8_t*(int y)>& row);

}  // namespace sluice
