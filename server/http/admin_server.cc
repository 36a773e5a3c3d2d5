#include "server/http/admin_server.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <list>
#include <utility>
#include <vector>

#include "core/base/clock.h"
#include "core/base/status_macros.h"
#include "core/base/thread.h"
#include "server/http/http_connection.h"
#include "server/net/listening_sockets.h"
#include "server/net/socket_address.h"
#include "server/net/wake_pipe.h"

namespace sluice {
namespace {

constexpr char kMetricsType[] = "text/plain; version=0.0.4; charset=utf-8";
constexpr int kTakenAtOnce = 64;  // before those that are there are looked at again
constexpr absl::Duration kPauseWithoutDescriptors = absl::Milliseconds(100);

absl::Duration Now() {
  return Clock::Real().MonotonicNow();
}

class PollingAdminServer final : public AdminServer {
 public:
  PollingAdminServer(const Options& options, ListeningSockets sockets, Pages pages)
      : options_(options),
        pages_(std::move(pages)),
        sockets_(std::move(sockets)),
        thread_("admin", [this] { Run(); }) {}

  ~PollingAdminServer() override {
    stopped_ = true;
    wake_.Wake();
    thread_.Join();
  }

  const std::string& address() const override { return sockets_.address(); }

 private:
  using Connections = std::list<HttpConnection>;

  void Run() {
    while (!stopped_) {
      const std::vector<pollfd> ready = Wait();
      const absl::Duration now = Now();
      ServeReady(ready, now);
      AnswerScrapes();
      connections_.remove_if([&](const HttpConnection& each) { return each.deadline() <= now; });
      TakeNewOnes();
      if (options_.metrics.open != nullptr) {
        options_.metrics.open->Set(static_cast<double>(connections_.size()));
      }
    }
    connections_.clear();
  }

  // In the order of connections_, then the listening sockets.
  std::vector<pollfd> Wait() {
    std::vector<pollfd> waits;
    absl::Duration until = absl::InfiniteDuration();
    for (const HttpConnection& each : connections_) {
      waits.push_back({each.socket(), each.events(), 0});
      until = std::min(until, each.deadline());
    }
    waits.push_back({wake_.descriptor(), POLLIN, 0});
    if (Now() >= accept_again_at_) {
      for (const int listener : sockets_.descriptors()) waits.push_back({listener, POLLIN, 0});
    } else {
      until = std::min(until, accept_again_at_);
    }
    const absl::Duration left = std::clamp(until - Now(), absl::ZeroDuration(), absl::Minutes(1));
    poll(waits.data(), waits.size(), static_cast<int>(absl::ToInt64Milliseconds(left)) + 1);
    return waits;
  }

  void ServeReady(const std::vector<pollfd>& ready, absl::Duration now) {
    size_t i = 0;
    for (auto each = connections_.begin(); each != connections_.end(); ++i) {
      const bool goes_on = ready[i].revents == 0 || Serve(*each, now);
      if (goes_on) {
        ++each;
      } else {
        each = connections_.erase(each);
      }
    }
  }

  // False: the connection is over.
  bool Serve(HttpConnection& connection, absl::Duration now) {
    if (!(connection.events() == POLLOUT ? connection.Send(now) : connection.Receive(now))) return false;
    return AnswerRequests(connection, now);
  }

  bool AnswerRequests(HttpConnection& connection, absl::Duration now) {
    while (const std::optional<HttpRequest> request = connection.NextRequest()) {
      if (request->refusal == 0 && request->path == "/metrics" && IsRead(*request)) {
        scrapes_.push_back({&connection, *request});
        return true;
      }
      if (!connection.Answer(PageFor(*request), *request, now)) return false;
    }
    return true;
  }

  // After all probes of the turn, and one rendering for all who asked: however many scrape without a pause, a
  // probe waits for one rendering at most.
  void AnswerScrapes() {
    if (scrapes_.empty()) return;
    const std::string page = pages_.metrics();
    const absl::Duration now = Now();
    // Behind an answer may stand the same request again.
    while (!scrapes_.empty()) {
      for (const auto& [connection, request] : std::exchange(scrapes_, {})) {
        if (connection->Answer({.type = kMetricsType, .body = page}, request, now) &&
            AnswerRequests(*connection, now)) {
          continue;
        }
        connections_.remove_if([&](const HttpConnection& each) { return &each == connection; });
      }
    }
  }

  static bool IsRead(const HttpRequest& request) {
    return request.method == "GET" || request.method == "HEAD";
  }

  HttpResponse PageFor(const HttpRequest& request) const {
    if (request.refusal == 431) return {.status = 431, .body = "the head of a request has at most 8 KiB\n"};
    if (request.refusal == 413) return {.status = 413, .body = "a request has no body here\n"};
    if (request.refusal != 0) return {.status = 400, .body = "this is not an HTTP/1 request\n"};
    const bool known = request.path == "/healthz" || request.path == "/readyz" || request.path == "/metrics";
    if (!known) return {.status = 404, .body = "there are /metrics, /healthz and /readyz\n"};
    if (!IsRead(request)) return {.status = 405, .body = "only GET and HEAD\n"};
    if (request.path == "/healthz") return {.body = "ok\n"};
    if (pages_.ready()) return {.body = "ready\n"};
    return {.status = 503, .body = "not ready\n"};
  }

  void TakeNewOnes() {
    if (Now() < accept_again_at_) return;
    for (const int listener : sockets_.descriptors()) {
      for (int taken = 0; taken < kTakenAtOnce; ++taken) {
        const int connection = accept(listener, nullptr, nullptr);
        if (connection >= 0) {
          Take(connection);
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
          accept_again_at_ = Now() + kPauseWithoutDescriptors;
          break;
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
          break;
        }
      }
    }
  }

  void Take(int socket) {
    PrepareDescriptor(socket);
    SendAtOnce(socket);
    if (connections_.size() >= static_cast<size_t>(options_.max_connections)) {
      const auto silent = std::min_element(connections_.begin(), connections_.end(),
                                           [](const HttpConnection& a, const HttpConnection& b) {
                                             return a.silent_since() < b.silent_since();
                                           });
      connections_.erase(silent);
      if (options_.metrics.refused_total != nullptr) options_.metrics.refused_total->Increment();
    }
    connections_.emplace_back(
        socket, HttpConnection::Timeouts{.request = options_.request_timeout, .idle = options_.idle_timeout},
        Now());
  }

  const Options options_;
  const Pages pages_;
  ListeningSockets sockets_;
  WakePipe wake_;
  std::atomic<bool> stopped_ = false;
  // The thread's own.
  Connections connections_;
  std::vector<std::pair<HttpConnection*, HttpRequest>> scrapes_;
  absl::Duration accept_again_at_ = -absl::InfiniteDuration();
  Thread thread_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<AdminServer>> AdminServer::Create(const Options& options, Pages pages) {
  SLUICE_ASSIGN_OR_RETURN(ListeningSockets sockets, ListeningSockets::Open(options.address));
  return std::make_unique<PollingAdminServer>(options, std::move(sockets), std::move(pages));
}

}  // namespace sluice
