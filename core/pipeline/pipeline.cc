#include "core/pipeline/pipeline.h"

#include <atomic>
#include <memory>
#include <utility>

#include "core/base/notification.h"
#include "core/base/status_macros.h"
#include "core/base/thread.h"
#include "core/pipeline/pipeline_body.h"
#include "core/store/await.h"

namespace sluice {
namespace {

constexpr absl::Duration kCloseTimeout = absl::Milliseconds(500);  // a session that is not closed runs out

class ThreadedPipeline final : public Pipeline {
 public:
  ThreadedPipeline(PipelineOptions options, const PipelineParts& parts) : body_(std::move(options), parts) {}

  ~ThreadedPipeline() override {
    body_.loop().Close();
    thread_.Join();
  }

  void Start(SessionId session, absl::Duration sent) {
    body_.Start(session, sent);
    thread_ = Thread("pipeline", [this] { body_.loop().Run(); });
  }

  void OnReady() override { body_.OnReady(); }
  void OnBatchEnded(const std::string& batch_id) override { body_.OnBatchEnded(batch_id); }

  bool Drain(absl::Duration timeout) override {
    body_.Drain([drained = drained_] { drained->Notify(); });
    if (drained_->WaitFor(timeout)) return !cut_.load();
    auto closed = std::make_shared<Notification>();
    body_.CloseSession([closed] { closed->Notify(); });
    closed->WaitFor(kCloseTimeout);
    return false;
  }

  void CutDrain() override {
    cut_.store(true);
    drained_->Notify();
  }

  double JobsPerSecond() const override { return body_.JobsPerSecond(); }

 private:
  PipelineBody body_;
  // Shared: the loop may notify after the time ran out.
  const std::shared_ptr<Notification> drained_ = std::make_shared<Notification>();
  std::atomic<bool> cut_ = false;
  Thread thread_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Pipeline>> Pipeline::Create(PipelineOptions options, PipelineParts parts) {
  SLUICE_RETURN_IF_ERROR(PipelineBody::Check(options, parts));
  const absl::Duration sent = parts.clock->MonotonicNow();
  SLUICE_ASSIGN_OR_RETURN(const SessionId session, AwaitStore<SessionId>([&](Done<SessionId> done) {
                            parts.queue->OpenSession(options.session_lease, std::move(done));
                          }));
  auto pipeline = std::make_unique<ThreadedPipeline>(std::move(options), parts);
  pipeline->Start(session, sent);
  return pipeline;
}

}  // namespace sluice
