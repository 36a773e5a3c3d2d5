// encoder_benchmark: texts and tokens a second of the encoder alone, by micro-batch limits.
//
//   encoder_benchmark MODEL_DIR TOKENS_FILE [threads=2] [precision=fp32|bf16|int8[:KERNELS]] [rounds=2]
//   [JOBSxTOKENS…]
//
// TOKENS_FILE comes from sentence_transformers_reference.py. Texts go in their own order, as a queue would
// give them, except within a window of 256, where they are sorted by length as the scheduler's look-ahead
// groups them.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#include "core/inference/cpu/quantized_bert.h"
#include "core/inference/row_ladder.h"
#include "core/inference/torch/torch_encoder.h"
#include "tests/benchmarks/encoder_corpus.h"
#include "tests/fakes/emulated_amx_kernels.h"

namespace sluice {
namespace {

using Texts = std::vector<std::vector<int32_t>>;

struct Limits {
  size_t jobs = 0;
  size_t tokens = 0;
};

void GroupByLength(Texts& texts) {
  constexpr size_t kWindow = 256;
  for (size_t begin = 0; begin < texts.size(); begin += kWindow) {
    const auto end = texts.begin() + static_cast<ptrdiff_t>(std::min(begin + kWindow, texts.size()));
    std::stable_sort(texts.begin() + static_cast<ptrdiff_t>(begin), end,
                     [](const auto& a, const auto& b) { return a.size() < b.size(); });
  }
}

bool Run(Encoder& encoder, const Texts& texts, Limits limits) {
  std::vector<float> vectors(limits.jobs * encoder.description().dimensions);
  int64_t tokens = 0;
  int64_t padding = 0;
  int batches = 0;
  const auto begin = std::chrono::steady_clock::now();
  for (size_t next = 0; next < texts.size(); ++batches) {
    std::vector<absl::Span<const int32_t>> batch;
    size_t in_batch = 0;
    while (next < texts.size() && batch.size() < limits.jobs &&
           (batch.empty() || in_batch + texts[next].size() <= limits.tokens)) {
      in_batch += texts[next].size();
      batch.emplace_back(texts[next++]);
    }
    const absl::Status status = encoder.Encode(
        batch, absl::MakeSpan(vectors).subspan(0, batch.size() * encoder.description().dimensions));
    if (!status.ok()) {
      std::fprintf(stderr, "%s\n", status.ToString().c_str());
      return false;
    }
    tokens += static_cast<int64_t>(in_batch);
    padding += PaddingRows(static_cast<int64_t>(in_batch));
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  std::printf("%3zu jobs, %5zu tokens: %6.1f texts/s %7.0f tokens/s, padding %4.1f %%, %.1f ms a batch\n",
              limits.jobs, limits.tokens, static_cast<double>(texts.size()) / seconds.count(),
              static_cast<double>(tokens) / seconds.count(),
              100.0 * static_cast<double>(padding) / static_cast<double>(tokens),
              1e3 * seconds.count() / batches);
  std::fflush(stdout);
  return true;
}

// `name` empty: the first.
absl::StatusOr<std::unique_ptr<Encoder>> MakeInt8(std::shared_ptr<const BertModelFiles> files,
                                                  std::string_view name) {
  for (const Int8Kernels* const kernels : EveryVectorInt8Kernels()) {
    if (!name.empty() && name != kernels->name) continue;
    const auto network = QuantizedBert::Create(std::move(files), *kernels);
    if (!network.ok()) return network.status();
    std::printf("int8 kernels: %s\n", kernels->name);
    return MakeQuantizedEncoder(*network);
  }
  return absl::FailedPreconditionError("this processor has no such int8 kernels");
}

int Main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(
        stderr,
        "usage: %s MODEL_DIR TOKENS_FILE [threads] [fp32|bf16|int8[:KERNELS]] [rounds] [JOBSxTOKENS…]\n",
        argv[0]);
    return 2;
  }
  const auto files = LoadBertModelFiles(argv[1]);
  Texts texts = ReadTokenLines(argv[2]);
  if (!files.ok() || texts.empty()) {
    std::fprintf(stderr, "%s\n", files.ok() ? "no texts" : files.status().ToString().c_str());
    return 2;
  }
  TorchEncoderOptions options{.threads = argc > 3 ? std::atoi(argv[3]) : 2, .warm_ladder = true};
  if (argc > 4 && std::strcmp(argv[4], "bf16") == 0) options.precision = Precision::kBf16;
  const int rounds = argc > 5 ? std::atoi(argv[5]) : 2;
  const std::string_view precision = argc > 4 ? argv[4] : "";
  const bool int8 = precision.substr(0, 4) == "int8";  // always on one thread
  const auto encoder = int8 ? MakeInt8(*files, precision.substr(std::min<size_t>(5, precision.size())))
                            : MakeTorchEncoder(*files, options);
  if (!encoder.ok()) {
    std::fprintf(stderr, "%s\n", encoder.status().ToString().c_str());
    return 2;
  }
  std::vector<Limits> all_limits;
  for (int i = 6; i < argc; ++i) {
    Limits limits;
    if (std::sscanf(argv[i], "%zux%zu", &limits.jobs, &limits.tokens) == 2 && limits.jobs > 0) {
      all_limits.push_back(limits);
    }
  }
  if (all_limits.empty()) all_limits = {{1, 256}, {4, 1024}, {6, 2048}, {8, 2048}, {16, 4096}, {32, 8192}};
  GroupByLength(texts);
  for (int round = 0; round < rounds; ++round) {
    for (const Limits& limits : all_limits) {
      if (!Run(**encoder, texts, limits)) return 1;
    }
  }
  return 0;
}

}  // namespace
}  // namespace sluice

int main(int argc, char** argv) {
  return sluice::Main(argc, argv);
}
