#include "server/http/admin_server.h"

#include <httplib.h>

#include <atomic>
#include <thread>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "core/base/mutex.h"
#include "core/base/thread.h"

namespace sluice {
namespace {

constexpr char kMetricsType[] = "text/plain; version=0.0.4; charset=utf-8";
constexpr int kTimeoutSeconds = 5;

// httplib's own pool queues connections without bound; this one lets the accepting thread wait.
class BoundedTaskQueue final : public httplib::TaskQueue {
 public:
  BoundedTaskQueue(int num_threads, int max_waiting) : max_waiting_(static_cast<size_t>(max_waiting)) {
    for (int i = 0; i < num_threads; ++i) threads_.emplace_back("admin", [this] { Run(); });
  }

  void enqueue(std::function<void()> task) override {
    MutexLock lock(mutex_);
    while (tasks_.size() >= max_waiting_ && !closed_) changed_.Wait(mutex_);
    tasks_.push_back(std::move(task));
    changed_.NotifyAll();
  }

  void shutdown() override {
    {
      MutexLock lock(mutex_);
      closed_ = true;
      changed_.NotifyAll();
    }
    threads_.clear();
  }

 private:
  void Run() {
    while (true) {
      std::function<void()> task;
      {
        MutexLock lock(mutex_);
        while (tasks_.empty() && !closed_) changed_.Wait(mutex_);
        if (tasks_.empty()) return;
        task = std::move(tasks_.front());
        tasks_.pop_front();
        changed_.NotifyAll();
      }
      task();
    }
  }

  const size_t max_waiting_;
  Mutex mutex_;
  CondVar changed_;
  std::deque<std::function<void()>> tasks_ ABSL_GUARDED_BY(mutex_);
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<Thread> threads_;
};

class HttplibAdminServer final : public AdminServer {
 public:
  explicit HttplibAdminServer(Pages pages) : pages_(std::move(pages)) {}

  ~HttplibAdminServer() override {
    server_.stop();
    thread_.Join();
  }

  absl::Status Start(const Options& options) {
    SetUp(options);
    const size_t colon = options.address.rfind(':');
    std::string host = options.address.substr(0, colon);
    int port = 0;
    if (colon == std::string::npos || !absl::SimpleAtoi(options.address.substr(colon + 1), &port)) {
      return absl::InvalidArgumentError(absl::StrCat("'", options.address, "' is not host:port"));
    }
    if (host.size() > 2 && host.front() == '[') host = host.substr(1, host.size() - 2);
    if (port == 0) {
      port = server_.bind_to_any_port(host.c_str());
    } else if (!server_.bind_to_port(host.c_str(), port)) {
      port = -1;
    }
    if (port <= 0) {
      return absl::UnavailableError(
          absl::StrCat("cannot listen on ", options.address,
                       ": it is in use by another process, or no address of this machine"));
    }
    address_ = absl::StrCat(options.address.substr(0, colon + 1), port);
    thread_ = Thread("admin-accept", [this] {
      server_.listen_after_bind();
      ended_ = true;
    });
    // httplib loses a stop() that comes before it runs.
    while (!server_.is_running() && !ended_) std::this_thread::yield();
    return absl::OkStatus();
  }

  const std::string& address() const override { return address_; }

 private:
  void SetUp(const Options& options) {
    server_.new_task_queue = [options] {
      return new BoundedTaskQueue(options.num_threads, options.max_waiting_connections);
    };
    // httplib's default sets SO_REUSEPORT, by which a second server would share the port silently.
    server_.set_socket_options([](socket_t socket) {
      const int yes = 1;
      setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    });
    server_.set_read_timeout(kTimeoutSeconds);
    server_.set_write_timeout(kTimeoutSeconds);
    server_.set_keep_alive_timeout(1);  // a thread is held by an idle connection
    server_.set_payload_max_length(1024);
    server_.Get("/metrics", [this](const httplib::Request&, httplib::Response& response) {
      response.set_content(pages_.metrics(), kMetricsType);
    });
    server_.Get("/healthz", [](const httplib::Request&, httplib::Response& response) {
      response.set_content("ok\n", "text/plain");
    });
    server_.Get("/readyz", [this](const httplib::Request&, httplib::Response& response) {
      const bool ready = pages_.ready();
      response.status = ready ? 200 : 503;
      response.set_content(ready ? "ready\n" : "not ready\n", "text/plain");
    });
  }

  const Pages pages_;
  httplib::Server server_;
  std::string address_;
  std::atomic<bool> ended_ = false;
  Thread thread_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<AdminServer>> AdminServer::Create(const Options& options, Pages pages) {
  auto server = std::make_unique<HttplibAdminServer>(std::move(pages));
  if (absl::Status started = server->Start(options); !started.ok()) return started;
  return server;
}

}  // namespace sluice
