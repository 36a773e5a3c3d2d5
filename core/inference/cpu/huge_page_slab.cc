#include "core/inference/cpu/huge_page_slab.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <new>

#include "absl/base/config.h"
#ifdef ABSL_HAVE_ADDRESS_SANITIZER
#include <sanitizer/asan_interface.h>
#endif

namespace sluice {
namespace {

constexpr size_t kCacheLine = 64;
constexpr size_t kHugePage = size_t{2} << 20;
constexpr size_t kBlock = 8 * kHugePage;  // of which huge pages never reached cost addresses only

size_t RoundedUp(size_t bytes, size_t step) {
  return (bytes + step - 1) / step * step;
}

// Where there is no AddressSanitizer, a build may lack its header.
#ifdef ABSL_HAVE_ADDRESS_SANITIZER
void Forbid(absl::Span<std::byte> bytes) {
  ASAN_POISON_MEMORY_REGION(bytes.data(), bytes.size());
}
void Allow(absl::Span<std::byte> bytes) {
  ASAN_UNPOISON_MEMORY_REGION(bytes.data(), bytes.size());
}
#else
void Forbid(absl::Span<std::byte>) {}
void Allow(absl::Span<std::byte>) {}
#endif

}  // namespace

HugePageSlab::~HugePageSlab() {
  for (const absl::Span<std::byte> block : blocks_) {
    Allow(block);
    munmap(block.data(), block.size());
  }
}

void* HugePageSlab::TakeBytes(size_t bytes) {
  // A line beyond each array, where AddressSanitizer catches who reads on.
  const size_t size = RoundedUp(bytes, kCacheLine) + kCacheLine;
  if (size > rest_.size()) AddBlock(size);
  const absl::Span<std::byte> taken = rest_.first(bytes);
  rest_.remove_prefix(size);
  Allow(taken);
  return taken.data();
}

void HugePageSlab::AddBlock(size_t bytes) {
  const size_t wanted = std::max(RoundedUp(bytes, kHugePage), kBlock);
  const size_t mapped = wanted + kHugePage;
  blocks_.reserve(blocks_.size() + 1);
  void* const address = mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (address == MAP_FAILED) throw std::bad_alloc();
  blocks_.emplace_back(static_cast<std::byte*>(address), mapped);
  const size_t before = -reinterpret_cast<uintptr_t>(address) % kHugePage;
  rest_ = blocks_.back().subspan(before, wanted);
#ifdef MADV_HUGEPAGE
  madvise(rest_.data(), rest_.size(), MADV_HUGEPAGE);  // advice: without it, pages are small
#endif
  Forbid(rest_);
}

}  // namespace sluice
