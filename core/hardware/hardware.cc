#include "core/hardware/hardware.h"

#include <algorithm>
#include <array>

#include "absl/strings/string_view.h"

namespace sluice {

bool HasBf16Instructions(const Hardware& hardware) {
  constexpr std::array<absl::string_view, 3> kNames = {"avx512_bf16", "amx_bf16", "bf16"};
  return std::any_of(hardware.features.begin(), hardware.features.end(), [&](const std::string& feature) {
    return std::find(kNames.begin(), kNames.end(), feature) != kNames.end();
  });
}

}  // namespace sluice
