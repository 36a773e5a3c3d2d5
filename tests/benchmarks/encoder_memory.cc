// encoder_memory: resident memory over batches of random sizes. Every new row count would make oneDNN keep
// one more primitive; on the row ladder memory must stay flat.
//
//   encoder_memory MODEL_DIR [batches=2000] [max_tokens=512] [threads=2]
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <random>

#include "core/inference/torch/torch_encoder.h"

namespace sluice {
namespace {

double ResidentMegabytes() {
  std::ifstream statm("/proc/self/statm");
  long size = 0, resident = 0;
  statm >> size >> resident;
  return static_cast<double>(resident) * static_cast<double>(sysconf(_SC_PAGESIZE)) / 1e6;
}

// Texts of random lengths, together at most `max_tokens`.
std::vector<std::vector<int32_t>> RandomBatch(std::mt19937& generator, const EncoderDescription& model,
                                              size_t max_tokens) {
  std::vector<std::vector<int32_t>> batch;
  const size_t target = 2 + generator() % (max_tokens - 1);
  for (size_t tokens = 0; tokens < target;) {
    const size_t room = std::min<size_t>(target - tokens, static_cast<size_t>(model.max_tokens));
    std::vector<int32_t> text(1 + generator() % room);
    for (int32_t& id : text)
      id = static_cast<int32_t>(generator() % static_cast<uint32_t>(model.vocabulary_size));
    tokens += text.size();
    batch.push_back(std::move(text));
  }
  return batch;
}

int Main(int argc, char** argv) {
  const auto files = LoadBertModelFiles(argc > 1 ? argv[1] : "");
  const int batches = argc > 2 ? std::atoi(argv[2]) : 2000;
  const auto max_tokens = static_cast<size_t>(argc > 3 ? std::max(2, std::atoi(argv[3])) : 512);
  TorchEncoderOptions options{.threads = argc > 4 ? std::atoi(argv[4]) : 2};
  const auto encoder = files.ok() ? MakeTorchEncoder(*files, options) : files.status();
  if (!encoder.ok()) {
    std::fprintf(stderr, "usage: %s MODEL_DIR [batches] [max_tokens] [threads]: %s\n", argv[0],
                 encoder.status().ToString().c_str());
    return 2;
  }
  std::printf("made: %.0f MB\n", ResidentMegabytes());
  std::mt19937 generator(7);
  for (int i = 1; i <= batches; ++i) {
    const auto batch = RandomBatch(generator, (*encoder)->description(), max_tokens);
    const std::vector<absl::Span<const int32_t>> texts(batch.begin(), batch.end());
    std::vector<float> vectors(texts.size() * (*encoder)->description().dimensions);
    if (const absl::Status status = (*encoder)->Encode(texts, absl::MakeSpan(vectors)); !status.ok()) {
      std::fprintf(stderr, "%s\n", status.ToString().c_str());
      return 1;
    }
    if (i == 100 || i % 500 == 0)
      std::printf("%d batches: %.0f MB\n", i, ResidentMegabytes()), std::fflush(stdout);
  }
  return 0;
}

}  // namespace
}  // namespace sluice

int main(int argc, char** argv) {
  return sluice::Main(argc, argv);
}
