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
// cache while the rows go by. A block's sums wait in memory and are finished, a few rows at a time, between
// the products of the block that follows, so that the vector units work while the tiles multiply ("Intel 64
// and IA-32 Architectures Optimization Reference Manual", on interleaving what follows a matrix product).
template <typename Tiles>
class AmxProduct {
 public:
  static void Run(QuantizedRows x, int64_t rows, const QuantizedWeights& weights, Int8Epilogue epilogue,
                  float* y) {
    Tiles::Begin();
    WithEpilogue(epilogue,
                 [&]<Int8Epilogue kind>() { AmxProduct(x, rows, weights, y).template All<kind>(); });
    Tiles::End();
  }

 private:
  static constexpr int64_t kLanes = Avx512::kLanes;
  static constexpr int64_t kBlock = 2 * kTileRows;
  static constexpr int64_t kPanelStride = 4 * kInt8PanelWidth;

  struct alignas(64) Sums {
    int32_t of[kBlock][kBlock];
    int64_t first_row, first_output;
    int64_t rows = 0;  // that are wanted of them
  };

  AmxProduct(QuantizedRows x, int64_t rows, const QuantizedWeights& weights, float* y)
      : x_(x), rows_(rows), weights_(weights), y_(y) {}

  template <Int8Epilogue epilogue>
  void All() {
    Sums sums[2];
    Sums *next = &sums[0], *waiting = &sums[1];
    const auto multiply = [&]<int kRowTiles>(int64_t row, int64_t output) {
      Block<epilogue, kRowTiles>(row, output, *waiting, *next);
      Sums* const multiplied = next;
      next = waiting;
      waiting = multiplied;
    };
    for (int64_t output = 0; output < weights_.outputs; output += kBlock) {
      int64_t row = 0;
      for (; rows_ - row > kTileRows; row += kBlock) multiply.template operator()<2>(row, output);
      if (row < rows_) multiply.template operator()<1>(row, output);
    }
    FinishRows<epilogue>(*waiting, 0, waiting->rows);
  }

  template <Int8Epilogue epilogue, int kRowTiles>
  void Block(int64_t row, int64_t output, const Sums& waiting, Sums& next) const {
    const int64_t inputs = weights_.inputs;
    const uint8_t* values = x_.values + row * inputs;
    const int8_t* panel =
        weights_.panels + output / kInt8PanelWidth * kInt8PanelWidth * inputs + output % kInt8PanelWidth * 4;
    const int64_t steps = inputs / kTileBytes, rows_a_step = (waiting.rows + steps - 1) / steps;
    Tiles::template Zero<0>();
    Tiles::template Zero<1>();
    if constexpr (kRowTiles == 2) {
      Tiles::template Zero<2>();
      Tiles::template Zero<3>();
    }
    for (int64_t step = 0; step < steps; ++step) {
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
      FinishRows<epilogue>(waiting, step * rows_a_step, (step + 1) * rows_a_step);
    }
    constexpr int64_t kSumsStride = sizeof(next.of[0]);
    Tiles::template Store<0>(&next.of[0][0], kSumsStride);
    Tiles::template Store<1>(&next.of[0][kLanes], kSumsStride);
    if constexpr (kRowTiles == 2) {
      Tiles::template Store<2>(&next.of[kTileRows][0], kSumsStride);
      Tiles::template Store<3>(&next.of[kTileRows][kLanes], kSumsStride);
    }
    next.first_row = row;
    next.first_output = output;
    next.rows = rows_ - row < kRowTiles * kTileRows ? rows_ - row : kRowTiles * kTileRows;
  }

  // The rows [begin, end) of a block, as many of them as it has.
  template <Int8Epilogue epilogue>
  void FinishRows(const Sums& sums, int64_t begin, int64_t end) const {
    if (end > sums.rows) end = sums.rows;
    if (begin >= end) return;
    const int64_t outputs = weights_.outputs;
    const OutputTerms<Avx512> left(weights_, sums.first_output);
    const OutputTerms<Avx512> right(weights_, sums.first_output + kLanes);
    const float* const zeros = x_.zeros + sums.first_row;
    const float* const scales = x_.scales + sums.first_row;
    float* to = y_ + (sums.first_row + begin) * outputs + sums.first_output;
    for (int64_t r = begin; r < end; ++r, to += outputs) {
      Finish<Avx512, epilogue>(_mm512_load_si512(&sums.of[r][0]), zeros[r], scales[r], left, to);
      Finish<Avx512, epilogue>(_mm512_load_si512(&sums.of[r][kLanes]), zeros[r], scales[r], right,
                               to + kLanes);
    }
  }

  const QuantizedRows x_;
  const int64_t rows_;
  const QuantizedWeights& weights_;
  float* const y_;
};

}  // namespace sluice
