// Bytes of the documents' own format: little-endian numbers, and strings after their length. Bounds are
// checked once, in the reader.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <type_traits>

#include "absl/strings/string_view.h"

namespace sluice {

static_assert(std::endian::native == std::endian::little, "numbers are written as they lie in memory");

// Appends to a string it does not own.
class ByteWriter {
 public:
  explicit ByteWriter(std::string& bytes) : bytes_(bytes) {}

  template <typename T>
  void Number(T value) {
    static_assert(std::is_arithmetic_v<T>);
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof(value));
  }
  void Text(absl::string_view text) {
    Number(static_cast<uint32_t>(text.size()));
    bytes_.append(text.data(), text.size());
  }

 private:
  std::string& bytes_;
};

// Reads what a ByteWriter wrote. The first read beyond the end fails it for good: what is read from then on
// is zero or empty, and ok() is false. So a decoder checks once, at its end, and before it trusts a count.
class ByteReader {
 public:
  explicit ByteReader(absl::string_view bytes) : bytes_(bytes) {}

  template <typename T>
  T Number() {
    static_assert(std::is_arithmetic_v<T>);
    T value{};
    const absl::string_view taken = Take(sizeof(T));
    if (ok_) std::memcpy(&value, taken.data(), sizeof(T));
    return value;
  }
  std::string Text() {
    const auto size = Number<uint32_t>();
    return std::string(Take(size));
  }
  // How many things follow, of which each takes at least `least_bytes`: a count that the bytes left cannot
  // hold fails the reader and is 0, so that nothing is reserved for it.
  uint32_t Count(size_t least_bytes) {
    const auto count = Number<uint32_t>();
    if (count > bytes_.size() / least_bytes) ok_ = false;
    return ok_ ? count : 0;
  }

  bool ok() const { return ok_; }
  bool at_end() const { return bytes_.empty(); }

 private:
  absl::string_view Take(size_t size) {
    if (!ok_ || size > bytes_.size()) {
      ok_ = false;
      return {};
    }
    const absl::string_view taken = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return taken;
  }

  absl::string_view bytes_;
  bool ok_ = true;
};

}  // namespace sluice
