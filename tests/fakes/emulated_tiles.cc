// Compiled for AVX-512 whatever the rest is compiled for: no library's header may be included here.
#include "tests/fakes/emulated_tiles.h"

#include <cstdint>

#include "core/inference/cpu/amx_attention.h"
#include "core/inference/cpu/amx_product.h"

namespace sluice {
namespace {

using Floats = Avx512::Floats;
using Integers = Avx512::Integers;

struct alignas(64) Tile {
  uint8_t rows[kTileRows][kTileBytes];
};

// Outside Begin and End the tiles hold nothing that may be used: they are filled with a pattern there.
struct EmulatedTiles {
  static thread_local Tile tiles[8];

  static void Begin() { __builtin_memset(tiles, 0xa5, sizeof(tiles)); }
  static void End() { __builtin_memset(tiles, 0x5a, sizeof(tiles)); }

  template <int t>
  static void Zero() {
    tiles[t] = {};
  }
  template <int t>
  static void Load(const void* from, int64_t stride) {
    for (int64_t row = 0; row < kTileRows; ++row)
      __builtin_memcpy(tiles[t].rows[row], static_cast<const char*>(from) + row * stride, kTileBytes);
  }
  template <int t>
  static void Store(void* to, int64_t stride) {
    for (int64_t row = 0; row < kTileRows; ++row)
      __builtin_memcpy(static_cast<char*>(to) + row * stride, tiles[t].rows[row], kTileBytes);
  }

  static Integers Row(const Tile& tile, int64_t row) { return _mm512_load_si512(tile.rows[row]); }
  // Four bytes of a row, everywhere.
  static Integers Element(const Tile& tile, int64_t row, int64_t k) {
    int32_t element;
    __builtin_memcpy(&element, &tile.rows[row][4 * k], sizeof(element));
    return _mm512_set1_epi32(element);
  }
  // The first and the second of each pair of bf16, as fp32.
  static Floats First(Integers pairs) { return _mm512_castsi512_ps(_mm512_slli_epi32(pairs, 16)); }
  static Floats Second(Integers pairs) {
    return _mm512_castsi512_ps(_mm512_and_si512(pairs, _mm512_set1_epi32(static_cast<int32_t>(0xffff0000))));
  }

  template <int c, int a, int b>
  static void MultiplyBytes() {
    for (int64_t row = 0; row < kTileRows; ++row) {
      Integers sum = Row(tiles[c], row);
      for (int64_t k = 0; k < kTileRows; ++k)
        sum = _mm512_dpbusd_epi32(sum, Element(tiles[a], row, k), Row(tiles[b], k));
      _mm512_store_si512(tiles[c].rows[row], sum);
    }
  }
  template <int c, int a, int b>
  static void MultiplyBf16() {
    for (int64_t row = 0; row < kTileRows; ++row) {
      Floats sum = _mm512_load_ps(tiles[c].rows[row]);
      for (int64_t k = 0; k < kTileRows; ++k) {
        const Integers left = Element(tiles[a], row, k), right = Row(tiles[b], k);
        sum = _mm512_fmadd_ps(First(left), First(right), sum);
        sum = _mm512_fmadd_ps(Second(left), Second(right), sum);
      }
      _mm512_store_ps(tiles[c].rows[row], sum);
    }
  }
};

thread_local Tile EmulatedTiles::tiles[8];

}  // namespace

void EmulatedAmxProduct(QuantizedRows x, int64_t rows, const QuantizedWeights& weights, Int8Epilogue epilogue,
                        float* y) {
  AmxProduct<EmulatedTiles>::Run(x, rows, weights, epilogue, y);
}

void EmulatedAmxAttention(const AttentionText& text) {
  AmxAttention<EmulatedTiles>::Run(text);
}

}  // namespace sluice
