#include "core/inference/cpu/int8_kernels.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "core/inference/cpu/aligned_vector.h"
#include "core/inference/cpu/quantized_linear.h"
#if defined(__x86_64__)
#include <cpuid.h>

#include "core/inference/cpu/int8_kernels_amx.h"
#include "core/inference/cpu/int8_kernels_avx2.h"
#include "core/inference/cpu/int8_kernels_avx512.h"
#endif
#if defined(__x86_64__) && defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace sluice {
namespace {

AlignedVector<float> RandomFloats(int64_t count, std::mt19937& generator) {
  AlignedVector<float> values(static_cast<size_t>(count));
  for (float& value : values) value = static_cast<float>(generator() % 2001) / 1000 - 1;
  return values;
}

bool AreNear(const AlignedVector<float>& a, const AlignedVector<float>& b, float tolerance) {
  for (size_t i = 0; i < a.size(); ++i) {
    if (!(std::abs(a[i] - b[i]) <= tolerance)) return false;
  }
  return true;
}

bool MultipliesAs(const Int8Kernels& kernels, const Int8Kernels& reference) {
  constexpr int64_t kRows = 36, kReadable = 48, kInputs = 128, kOutputs = 128;
  std::mt19937 generator(1);
  const AlignedVector<float> x = RandomFloats(kRows * kInputs, generator);
  AlignedVector<int8_t> panels(kInputs * kOutputs);
  const QuantizedLinear linear(RandomFloats(kInputs * kOutputs, generator), RandomFloats(kOutputs, generator),
                               std::min(kernels.greatest_weight_pair, reference.greatest_weight_pair),
                               absl::MakeSpan(panels));
  AlignedVector<uint8_t> values(kReadable * kInputs);
  AlignedVector<float> scales(kRows), zeros(kRows), actual(kRows * kOutputs), expected(kRows * kOutputs);
  const QuantizedRows rows = {values.data(), scales.data(), zeros.data()};
  reference.quantize(x.data(), kRows, kInputs, rows);
  kernels.product(rows, kRows, linear.View(), Int8Epilogue::kGelu, actual.data());
  reference.product(rows, kRows, linear.View(), Int8Epilogue::kGelu, expected.data());
  return AreNear(actual, expected, 1e-4F);
}

bool AttendsAs(const Int8Kernels& kernels, const Int8Kernels& reference) {
  constexpr int64_t kLength = 70, kHeads = 2, kHeadSize = 32;
  std::mt19937 generator(2);
  const AlignedVector<float> query_key_value = RandomFloats(kLength * 3 * kHeads * kHeadSize, generator);
  AlignedVector<float> scratch(AttentionScratch(kLength, kHeadSize));
  AlignedVector<float> actual(kLength * kHeads * kHeadSize), expected(actual.size());
  kernels.attend({query_key_value.data(), kLength, kHeads, kHeadSize, actual.data(), scratch.data()});
  reference.attend({query_key_value.data(), kLength, kHeads, kHeadSize, expected.data(), scratch.data()});
  return AreNear(actual, expected, 0.01F);
}

#if defined(__x86_64__)
bool RunsAvx512() {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512vnni");
}

bool RunsAvx2() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

// Not among the names that every compiler knows.
bool RunsAvxVnni() {
  constexpr unsigned kFeatures = 7, kSecondPage = 1, kAvxVnni = 1U << 4;
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  return RunsAvx2() && __get_cpuid_count(kFeatures, kSecondPage, &eax, &ebx, &ecx, &edx) != 0 &&
         (eax & kAvxVnni) != 0;
}

// Tiles are large, so that Linux keeps them for threads of processes that asked.
bool MayUseTiles() {
#if defined(__linux__)
  constexpr int kRequestPermission = 0x1023;  // ARCH_REQ_XCOMP_PERM
  constexpr int kTileData = 18;               // XFEATURE_XTILEDATA
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
#else
  return false;
#endif
}

bool RunsAmx() {
  return __builtin_cpu_supports("amx-tile") && __builtin_cpu_supports("amx-int8") &&
         __builtin_cpu_supports("amx-bf16") && MayUseTiles();
}
#endif

// The fastest first.
std::vector<const Int8Kernels*> Runnable() {
  std::vector<const Int8Kernels*> runnable;
#if defined(__x86_64__)
  if (RunsAvx512()) {
    if (RunsAmx() && Int8KernelsAgree(*AmxInt8Kernels(), *Avx512Int8Kernels()))
      runnable.push_back(AmxInt8Kernels());
    runnable.push_back(Avx512Int8Kernels());
  }
  if (RunsAvxVnni() && Int8KernelsAgree(*AvxVnniInt8Kernels(), *Avx2Int8Kernels()))
    runnable.push_back(AvxVnniInt8Kernels());
  if (RunsAvx2()) runnable.push_back(Avx2Int8Kernels());
#endif
  return runnable;
}

}  // namespace

bool Int8KernelsAgree(const Int8Kernels& kernels, const Int8Kernels& reference) {
  return MultipliesAs(kernels, reference) && AttendsAs(kernels, reference);
}

absl::Span<const Int8Kernels* const> RunnableInt8Kernels() {
  static const std::vector<const Int8Kernels*> kernels = Runnable();
  return kernels;
}

absl::Span<const Int8Kernels* const> FastInt8Kernels() {
  const absl::Span<const Int8Kernels* const> all = RunnableInt8Kernels();
#if defined(__x86_64__)
  for (size_t i = 0; RunsAvx512() && i < all.size(); ++i)
    if (all[i] == Avx512Int8Kernels()) return all.first(i + 1);
#endif
  return all.first(std::min<size_t>(all.size(), 1));
}

}  // namespace sluice
