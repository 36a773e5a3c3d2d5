// How many postings a second a rules_only batch takes through the durable store, end to end: from the
// acknowledged batch to its last outcome.
//
//   rules_only_benchmark [POSTINGS] [PHASE_ONE_WORKERS]
#include <stdlib.h>

#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/notification.h"
#include "core/base/thread_pool.h"
#include "core/pipeline/pipeline.h"
#include "core/store/await.h"
#include "core/store/sqlite/sqlite_batch_store.h"
#include "tests/fakes/line_codec.h"

namespace sluice {
namespace {

class Forward final : public StoreListener {
 public:
  explicit Forward(BatchStore& store) : store_(store) { store_.SetListener(this); }
  ~Forward() override { store_.SetListener(nullptr); }
  void OnReady() override {
    if (Pipeline* pipeline = pipeline_) pipeline->OnReady();
  }
  void OnOutcomes(const std::string&) override {}
  void set_pipeline(Pipeline* pipeline) { pipeline_ = pipeline; }

 private:
  BatchStore& store_;
  std::atomic<Pipeline*> pipeline_ = nullptr;
};

int Run(int postings, int workers) {
  char directory[] = "rules_only_benchmark.XXXXXX";
  if (mkdtemp(directory) == nullptr) return 1;
  {
    auto store = *OpenSqliteBatchStore({.path = absl::StrCat(directory, "/batches.db")}, Clock::Real());
    Forward forward(*store);
    auto executor = *ThreadPool::Create({.name = "executor", .num_threads = workers});
    const LineCodec codec;
    auto pipeline = *Pipeline::Create({.phase_one_workers = workers}, {.queue = store.get(),
                                                                       .upkeep = store.get(),
                                                                       .screen_codec = &codec,
                                                                       .embed_codec = &codec,
                                                                       .executor = executor.get(),
                                                                       .clock = &Clock::Real()});
    forward.set_pipeline(pipeline.get());
    std::vector<NewJob> jobs;
    for (int i = 0; i < postings; ++i) {
      std::string text = absl::StrCat("Engineer number ", i, ". ");
      while (text.size() < 2000)
        text += "We build distributed storage in C++ and look for people who like to measure. ";
      jobs.push_back({absl::StrCat("job-", i), text});
    }
    NewBatch batch{.kind = JobKind::kScreen,
                   .spec = "rules_only 0 distributed systems engineer, C++, storage"};
    batch.as_of = absl::Now();
    const absl::Time start = absl::Now();
    const std::string id = AwaitStore<Batch>([&](auto done) {
                             store->CreateBatch(batch, std::move(jobs), std::move(done));
                           })->id;
    const absl::Time created = absl::Now();
    Batch state;
    do {
      state = *AwaitStore<Batch>([&](auto done) { store->GetBatch({"", id}, std::move(done)); });
      Notification().WaitFor(absl::Milliseconds(5));
    } while (!IsTerminal(state.state));
    const absl::Time end = absl::Now();
    std::printf(
        "%d postings, %d workers: created in %.2f s, screened in %.2f s: %.0f postings/s (%ld succeeded)\n",
        postings, workers, absl::ToDoubleSeconds(created - start), absl::ToDoubleSeconds(end - created),
        postings / absl::ToDoubleSeconds(end - created), static_cast<long>(state.counts.succeeded));
    forward.set_pipeline(nullptr);
  }
  std::filesystem::remove_all(directory);
  return 0;
}

}  // namespace
}  // namespace sluice

int main(int argc, char** argv) {
  return sluice::Run(argc > 1 ? std::atoi(argv[1]) : 20'000, argc > 2 ? std::atoi(argv[2]) : 2);
}
