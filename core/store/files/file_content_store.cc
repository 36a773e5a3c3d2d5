#include "core/store/files/file_content_store.h"

#include <deque>
#include <utility>

#include "core/base/error_details.h"
#include "core/base/executor.h"
#include "core/base/mutex.h"
#include "core/base/status_macros.h"
#include "core/base/thread.h"
#include "core/store/batch_rules.h"
#include "core/store/files/content_files.h"

namespace sluice {
namespace {

class FileContentStore final : public ContentStore {
 public:
  FileContentStore(int max_waiting_calls, std::unique_ptr<ContentFiles> files)
      : max_waiting_calls_(max_waiting_calls), files_(std::move(files)) {
    thread_ = Thread("contents", [this] { Loop(); });
  }

  ~FileContentStore() override {
    {
      MutexLock lock(mutex_);
      closed_ = true;
      changed_.NotifyAll();
    }
    thread_.Join();
  }

  void GetState(std::string digest, Done<ContentState> done) override {
    Run(std::move(done), &ContentFiles::GetState, std::move(digest));
  }
  void Write(ContentPiece piece, Done<ContentState> done) override {
    Run(std::move(done), &ContentFiles::Write, std::move(piece));
  }
  void Open(std::string digest, Done<std::shared_ptr<const OpenFile>> done) override {
    Run(std::move(done), &ContentFiles::Open, std::move(digest));
  }
  void Remove(std::string digest, Done<void> done) override {
    Run(std::move(done), &ContentFiles::Remove, std::move(digest));
  }
  void ListOlderThan(absl::Duration age, int limit, Done<std::vector<std::string>> done) override {
    Run(std::move(done), &ContentFiles::ListOlderThan, age, limit);
  }
  void RemoveStaleUploads(absl::Duration age, Done<int> done) override {
    Run(std::move(done), &ContentFiles::RemoveStaleUploads, age);
  }
  void Stats(Done<ContentStats> done) override { Run(std::move(done), &ContentFiles::Stats); }

 private:
  template <typename Answer, typename... Params, typename... Args>
  void Run(absl::AnyInvocable<void(Answer) &&> done, Answer (ContentFiles::*method)(Params...),
           Args... args) {
    absl::Status refusal;
    {
      MutexLock lock(mutex_);
      if (closed_) {
        refusal = StoreClosed();
      } else if (static_cast<int>(calls_.size()) >= max_waiting_calls_) {
        refusal = StoreBusy(max_waiting_calls_);
      } else {
        calls_.push_back([this, done = std::move(done), method, ... args = std::move(args)]() mutable {
          std::move(done)((files_.get()->*method)(args...));
        });
        changed_.NotifyAll();
        return;
      }
    }
    std::move(done)(std::move(refusal));
  }

  void Loop() {
    while (true) {
      Closure call;
      {
        MutexLock lock(mutex_);
        while (calls_.empty() && !closed_) changed_.Wait(mutex_);
        if (calls_.empty()) return;
        call = std::move(calls_.front());
        calls_.pop_front();
      }
      std::move(call)();
    }
  }

  const int max_waiting_calls_;
  Mutex mutex_;
  CondVar changed_;
  std::deque<Closure> calls_ ABSL_GUARDED_BY(mutex_);
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  const std::unique_ptr<ContentFiles> files_;  // the thread's
  Thread thread_;
};

absl::Status CheckOptions(const FileContentStoreOptions& options) {
  if (options.directory.empty()) return FieldError("directory", "must not be empty");
  SLUICE_RETURN_IF_ERROR(CheckRange("max_content_bytes", options.max_content_bytes, 1, int64_t{1} << 40));
  SLUICE_RETURN_IF_ERROR(CheckRange("min_free_bytes", options.min_free_bytes, 0, int64_t{1} << 40));
  return CheckRange("max_waiting_calls", options.max_waiting_calls, 1, 1 << 20);
}

}  // namespace

absl::StatusOr<std::unique_ptr<ContentStore>> OpenFileContentStore(FileContentStoreOptions options,
                                                                   const Clock& clock) {
  SLUICE_RETURN_IF_ERROR(CheckOptions(options));
  const int max_waiting_calls = options.max_waiting_calls;
  auto files = std::make_unique<ContentFiles>(std::move(options), clock);
  SLUICE_RETURN_IF_ERROR(files->MakeDirectories());
  return std::make_unique<FileContentStore>(max_waiting_calls, std::move(files));
}

}  // namespace sluice
