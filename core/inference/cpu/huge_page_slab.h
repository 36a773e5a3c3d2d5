// HugePageSlab: memory for arrays that a loop reads together, side by side on pages of 2 MiB where the system
// has them (Linux with transparent huge pages for who asks: `madvise` or `always`). A pass over some
// megabytes in pages of 4 KiB looks up more of them than a processor remembers.
//
// A slab is for megabytes: it takes whole such pages, and addresses for 18 MiB at least.
// Not thread-safe; what it gave out is the taker's to share.
#pragma once

#include <cstddef>
#include <type_traits>
#include <vector>

#include "absl/types/span.h"

namespace sluice {

class HugePageSlab {
 public:
  HugePageSlab() = default;
  ~HugePageSlab();
  HugePageSlab(const HugePageSlab&) = delete;
  HugePageSlab& operator=(const HugePageSlab&) = delete;

  // `count` zeros on a cache line of their own; they live as long as this object. Throws std::bad_alloc where
  // the system gives no more.
  template <typename T>
  absl::Span<T> Take(size_t count) {
    static_assert(std::is_arithmetic_v<T>);
    return {static_cast<T*>(TakeBytes(count * sizeof(T))), count};
  }

 private:
  void* TakeBytes(size_t bytes);
  void AddBlock(size_t bytes);

  std::vector<absl::Span<std::byte>> blocks_;
  absl::Span<std::byte> rest_;  // of the last block
};

}  // namespace sluice
