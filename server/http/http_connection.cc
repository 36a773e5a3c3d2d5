#include "server/http/http_connection.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

namespace sluice {

HttpConnection::HttpConnection(int socket, const Timeouts& timeouts, absl::Duration now)
    : socket_(socket), timeouts_(timeouts), silent_since_(now), deadline_(now + timeouts.request) {}

HttpConnection::~HttpConnection() {
  close(socket_);
}

short HttpConnection::events() const {
  return sending_.empty() ? POLLIN : POLLOUT;
}

bool HttpConnection::Receive(absl::Duration now) {
  char part[4096];
  const ssize_t size = recv(socket_, part, sizeof(part), 0);
  if (size == 0) return false;
  if (size < 0) return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
  if (ending_) return true;
  // The time of a request counts from its first byte, however slowly the others follow.
  if (received_.empty()) deadline_ = now + timeouts_.request;
  received_.append(part, static_cast<size_t>(size));
  return true;
}

std::optional<HttpRequest> HttpConnection::NextRequest() {
  if (!sending_.empty() || ending_) return std::nullopt;
  std::optional<HttpRequest> request = ReadHttpRequest(received_);
  if (request.has_value()) received_.erase(0, request->bytes);
  return request;
}

bool HttpConnection::Answer(const HttpResponse& response, const HttpRequest& request, absl::Duration now) {
  sending_ = FormatHttpResponse(response, request);
  sent_ = 0;
  last_answer_ = !request.keep_alive;
  deadline_ = now + timeouts_.request;
  return Send(now);
}

bool HttpConnection::Send(absl::Duration now) {
  while (sent_ < sending_.size()) {
    const ssize_t size = send(socket_, sending_.data() + sent_, sending_.size() - sent_, MSG_NOSIGNAL);
    if (size < 0) return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
    sent_ += static_cast<size_t>(size);
  }
  sending_.clear();
  silent_since_ = now;
  deadline_ = now + (received_.empty() && !last_answer_ ? timeouts_.idle : timeouts_.request);
  if (!last_answer_) return true;
  // Closed at once, the system would take the answer back where more of the request is still coming.
  ending_ = true;
  received_.clear();
  return shutdown(socket_, SHUT_WR) == 0;
}

}  // namespace sluice
