// AmxProduct: Int8Kernels::product on AMX tiles. For sources compiled for AVX-512 only: see vector_math.h.
//
// The tile instructions are a parameter, `Tiles`: the processor's own, or an emulation, so that the loops can
// be tested where there are none. It has eight tiles of 16 rows of 64 bytes, named by number, and static
// functions, with strides in bytes:
//   Begin(), End()             around every use on a thread
//   Zero<t>(), Load<t>(from, stride), Store<t>(to, stride)
//   MultiplyBytes<c, a, b>()   c[i][j] += the sum over k and l of a[i][4 k + l] b[k][4 j + l]: a unsigned
//                              bytes, b signed, c int32
//   MultiplyBf16<c, a, b>()    c[i][j] += the sum over k and l of a[i][2 k + l] b[k][2 j + l]: c fp32
#pragma once

#include <cstdint>

#include "core/inference/cpu/avx512_vector.h"
#include "core/inference/cpu/int8_kernels.h"
#include "core/inference/cpu/vector_math.h"

namespace sluice {

constexpr int64_t kTileRows = 16;
constexpr int64_t kTileBytes = 64;  // of a row

// Blocks of 32 rows and 32 outputs: four loads for four products, and the outputs' weights stay in the first
// cache while the rows go by.
template <typename Tiles>
class AmxProduct {
 public:
  static void Run(QuantizedRows x, int64_t rows, const QuantizedWeights& weights, Int8Epilogue epilogue,
                  float* y) {
    Tiles::Begin();
    WithEpilogue(epilogue, [&]<Int8Epilogue kind>() {
      for (int64_t output = 0; output < weights.outputs; output += kBlock) {
        int64_t row = 0;
        for (; rows - row > kTileRows; row += kBlock) Block<kind, 2>(x, row, rows, weights, output, y);
        if (row < rows) Block<kind, 1>(x, row, rows, weights, output, y);
      }
    });
    Tiles::End();
  }

 private:
  static constexpr int64_t kLanes = Avx512::kLanes;
  static constexpr int64_t kBlock = 2 * kTileRows;
  static constexpr int64_t kPanelStride = 4 * kInt8PanelWidth;

  template <Int8Epilogue epilogue, int kRowTiles>
  static void Block(QuantizedRows x, int64_t row, int64_t rows, const QuantizedWeights& weights,
                    int64_t output, float* y) {
    const int64_t inputs = weights.inputs;
    const uint8_t* values = x.values + row * inputs;
    const int8_t* panel =
        weights.panels + output / kInt8PanelWidth * kInt8PanelWidth * inputs + output % kInt8PanelWidth * 4;
    Tiles::template Zero<0>();
    Tiles::template Zero<1>();
    if constexpr (kRowTiles == 2) {
      Tiles::template Zero<2>();
      Tiles::template Zero<3>();
    }
    for (int64_t input = 0; input < inputs; input += kTileBytes) {
      Tiles::template Load<4>(values, inputs);
      Tiles::template Load<6>(panel, kPanelStride);
      Tiles::template MultiplyBytes<0, 4, 6>();
      Tiles::template Load<7>(panel + kTileBytes, kPanelStride);
      Tiles::template MultiplyBytes<1, 4, 7>();
      if constexpr (kRowTiles == 2) {
        Tiles::template Load<5>(values + kTileRows * inputs, inputs);
        Tiles::template MultiplyBytes<2, 5, 6>();
        Tiles::template MultiplyBytes<3, 5, 7>();
      }
      values += kTileBytes;
      panel += kTileRows * kPanelStride;
    }
    alignas(64) int32_t sums[kBlock][kBlock];
    constexpr int64_t kSumsStride = sizeof(sums[0]);
    Tiles::template Store<0>(&sums[0][0], kSumsStride);
    Tiles::template Store<1>(&sums[0][kLanes], kSumsStride);
    if constexpr (kRowTiles == 2) {
      Tiles::template Store<2>(&sums[kTileRows][0], kSumsStride);
      Tiles::template Store<3>(&sums[kTileRows][kLanes], kSumsStride);
    }
    const int64_t wanted = rows - row < kRowTiles * kTileRows ? rows - row : kRowTiles * kTileRows;
    for (int64_t c = 0; c < kBlock; c += kLanes) {
      const OutputTerms<Avx512> terms(weights, output + c);
      for (int64_t r = 0; r < wanted; ++r)
        Finish<Avx512, epilogue>(_mm512_load_si512(&sums[r][c]), x.zeros[row + r], x.scales[row + r], terms,
                                 y + (row + r) * weights.outputs + output + c);
    }
  }
};

}  // namespace sluice
