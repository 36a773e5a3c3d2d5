// HttpConnection: what has come and what is to go on one connection of the admin port. Never blocks.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/http/http_request.h"

namespace sluice {

// One thread's.
class HttpConnection {
 public:
  struct Timeouts {
    absl::Duration request;
    absl::Duration idle;
  };

  // Owns `socket`, which does not block.
  HttpConnection(int socket, const Timeouts& timeouts, absl::Duration now);
  HttpConnection(const HttpConnection&) = delete;
  HttpConnection& operator=(const HttpConnection&) = delete;
  ~HttpConnection();

  int socket() const { return socket_; }
  // What to wait for: POLLOUT while an answer is on its way, else POLLIN.
  short events() const;
  absl::Duration deadline() const { return deadline_; }
  // When its last request ended, or it came: who has been silent for longest.
  absl::Duration silent_since() const { return silent_since_; }

  // Reads what there is. False: the connection is over.
  bool Receive(absl::Duration now);
  // A request that is whole and was not answered; none while an answer is on its way.
  std::optional<HttpRequest> NextRequest();
  // Sends what fits. False: the connection is over.
  bool Answer(const HttpResponse& response, const HttpRequest& request, absl::Duration now);
  bool Send(absl::Duration now);

 private:
  const int socket_;
  const Timeouts timeouts_;
  std::string received_;
  std::string sending_;
  size_t sent_ = 0;
  bool last_answer_ = false;  // no request is taken after it
  bool ending_ = false;       // it is sent, and the peer has yet to close
  absl::Duration silent_since_;
  absl::Duration deadline_;
};

}  // namespace sluice
