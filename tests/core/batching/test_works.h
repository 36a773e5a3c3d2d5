// Works for the scheduler's tests, and what became of them.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/base/mutex.h"
#include "core/batching/micro_batch_scheduler.h"

namespace sluice {

// Makes works named by a number, which is their first token, and records how each was answered. Thread-safe.
// Must outlive the works.
class TestWorks {
 public:
  EncodeWork Make(int32_t name, int64_t tokens, WorkClass work_class = WorkClass::kBulk) {
    EncodeWork work;
    work.tokens.assign(static_cast<size_t>(tokens), name);
    work.work_class = work_class;
    work.done = [this, name](absl::StatusOr<std::vector<float>> vector) { Record(name, vector.status()); };
    return work;
  }

  // All answers that the work has had: one, if all is well.
  std::vector<absl::StatusCode> Answers(int32_t name) const {
    MutexLock lock(mutex_);
    const auto found = answers_.find(name);
    return found == answers_.end() ? std::vector<absl::StatusCode>() : found->second;
  }

  size_t answered() const {
    MutexLock lock(mutex_);
    return answers_.size();
  }

 private:
  void Record(int32_t name, const absl::Status& status) {
    MutexLock lock(mutex_);
    answers_[name].push_back(status.code());
  }

  mutable Mutex mutex_;
  std::map<int32_t, std::vector<absl::StatusCode>> answers_ ABSL_GUARDED_BY(mutex_);
};

inline std::vector<int32_t> Names(const MicroBatch& batch) {
  std::vector<int32_t> names;
  for (const EncodeWork& work : batch.works) names.push_back(work.tokens[0]);
  return names;
}

// Answers every work of the batch as a replica does.
inline void Finish(MicroBatch batch) {
  for (EncodeWork& work : batch.works) std::move(work.done)(std::vector<float>{1.0f});
}

}  // namespace sluice
