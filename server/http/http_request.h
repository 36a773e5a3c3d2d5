// HttpRequest: the head of an HTTP/1 request, read from what has come so far. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace sluice {

inline constexpr size_t kMaxHttpHeadBytes = 8 << 10;

struct HttpRequest {
  // 0, or the status that refuses it: 400 not HTTP, 413 it has a body, 431 its head is too long. The
  // connection is to be closed then, for where the next request begins is not known.
  int refusal = 0;
  std::string method;
  std::string path;  // without a query
  bool keep_alive = false;
  size_t bytes = 0;  // of what was received, to be taken off
};

// Nothing while the head is not whole.
std::optional<HttpRequest> ReadHttpRequest(absl::string_view received);

struct HttpResponse {
  int status = 200;
  absl::string_view type = "text/plain; charset=utf-8";
  absl::string_view body;
};
// The whole of it, without the body in answer to HEAD.
std::string FormatHttpResponse(const HttpResponse& response, const HttpRequest& request);

}  // namespace sluice
