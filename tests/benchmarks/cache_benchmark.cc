// What the embedding cache costs a text, beside the scheduler alone: one that it does not hold, with the
// vector written afterwards, and one that it does. No encoder: the vector is there
// at once, so the queue of writes holds all of them.
//
//   sluice_cache_benchmark [TEXTS]
//
// Texts of 180 tokens, vectors of 384 floats, a file in a directory below the current one, gone at the end.
#include <prometheus/registry.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "core/base/notification.h"
#include "core/inference/caching_scheduler.h"
#include "core/store/sqlite/sqlite_embedding_cache.h"
#include "tests/benchmarks/benchmark_directory.h"

namespace sluice {
namespace {

constexpr int kTokens = 180;
constexpr int kDimensions = 384;
constexpr int kTextsAtOnce = 16;

void Require(const absl::Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "sluice_cache_benchmark: %s\n", status.ToString().c_str());
  std::exit(1);
}

double CpuSeconds() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + time.tv_usec * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

struct Cost {
  double wall = 0;  // microseconds a text
  double cpu = 0;   // of all threads
};

template <typename Body>
Cost CostOf(int texts, Body body) {
  const double cpu = CpuSeconds();
  const absl::Time begin = absl::Now();
  body();
  return {absl::ToDoubleMicroseconds(absl::Now() - begin) / texts, (CpuSeconds() - cpu) * 1e6 / texts};
}

std::vector<int32_t> TokensOf(int text) {
  std::vector<int32_t> tokens(kTokens);
  for (int i = 0; i < kTokens; ++i) tokens[i] = (text * 31 + i * 7919) % 30'000;
  tokens[0] = text;
  return tokens;
}

// Texts in calls of kTextsAtOnce through `door`, answered at once by who takes them from `scheduler`.
void SendAll(int texts, MicroBatchScheduler& door, MicroBatchScheduler& scheduler) {
  const std::vector<float> vector(kDimensions, 0.05F);
  for (int first = 0; first < texts; first += kTextsAtOnce) {
    std::atomic<int> missing = kTextsAtOnce;
    Notification done;
    std::vector<EncodeWork> works;
    for (int text = first; text < first + kTextsAtOnce; ++text) {
      works.push_back({.tokens = TokensOf(text), .done = [&](absl::StatusOr<std::vector<float>> answer) {
                         Require(answer.status());
                         if (--missing == 0) done.Notify();
                       }});
    }
    Require(door.SubmitAll(std::move(works)));
    while (auto batch = scheduler.TryNextBatch({.max_jobs = kTextsAtOnce})) {
      for (EncodeWork& work : batch->works) std::move(work.done)(vector);
    }
    done.Wait();
  }
}

// From Submit to `done`, one text after another.
double MedianHitMicroseconds(int texts, MicroBatchScheduler& door) {
  std::vector<double> times;
  for (int text = 0; text < texts; ++text) {
    Notification done;
    EncodeWork work{.tokens = TokensOf(text),
                    .done = [&](absl::StatusOr<std::vector<float>>) { done.Notify(); }};
    const absl::Time begin = absl::Now();
    Require(door.Submit(std::move(work)));
    done.Wait();
    times.push_back(absl::ToDoubleMicroseconds(absl::Now() - begin));
  }
  std::nth_element(times.begin(), times.begin() + texts / 2, times.end());
  return times[texts / 2];
}

int Run(int texts) {
  const BenchmarkDirectory directory;
  prometheus::Registry registry;
  ServiceMetrics metrics(registry);
  auto scheduler = MicroBatchScheduler::Create({}, Clock::Real(), nullptr).value();
  const auto report = [](const char* what, const Cost& cost, const Cost& without) {
    std::printf("%-28s %7.2f us  (%+.2f)   processor %7.2f us  (%+.2f)\n", what, cost.wall,
                cost.wall - without.wall, cost.cpu, cost.cpu - without.cpu);
  };
  std::printf("%d texts of %d tokens, %d at once; a text, and the difference to no cache\n", texts, kTokens,
              kTextsAtOnce);
  SendAll(texts, *scheduler, *scheduler);
  const Cost off = CostOf(texts, [&] { SendAll(texts, *scheduler, *scheduler); });
  report("no cache", off, off);
  Cost miss, hit;
  double one_hit = 0;
  for (const bool again : {false, true}) {
    auto cache = OpenSqliteEmbeddingCache({.path = directory.Path("cache.db"), .max_waiting_writes = texts},
                                          Clock::Real());
    Require(cache.status());
    auto door =
        MakeCachingScheduler({.vector_scope = "benchmark"}, *scheduler, **cache, metrics.embedding_cache());
    if (!again) {
      miss = CostOf(texts, [&] {
        SendAll(texts, *door, *scheduler);
        door.reset();
        cache->reset();  // what waited is written
      });
      continue;
    }
    Notification opened;
    (*cache)->Get({}, [&](FoundEmbeddings) { opened.Notify(); });
    opened.Wait();
    hit = CostOf(texts, [&] { SendAll(texts, *door, *scheduler); });
    one_hit = MedianHitMicroseconds(std::min(texts, 5000), *door);
  }
  report("miss, and written", miss, off);
  report("hit", hit, off);
  std::printf("one hit alone, median        %7.2f us\n", one_hit);
  std::printf("looked up: %.0f hits, %.0f misses; file %.1f MiB\n",
              metrics.embedding_cache().lookups_total[0]->Value(),
              metrics.embedding_cache().lookups_total[1]->Value(),
              static_cast<double>(std::filesystem::file_size(directory.Path("cache.db"))) / (1 << 20));
  return 0;
}

}  // namespace
}  // namespace sluice

int main(int argc, char** argv) {
  const int texts = argc > 1 ? std::max(1600, std::atoi(argv[1])) : 20'000;
  return sluice::Run(texts / 16 * 16);
}
