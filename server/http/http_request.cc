#include "server/http/http_request.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace sluice {
namespace {

// Behind the empty line that ends a head, or 0. People type bare newlines.
size_t EndOfHead(absl::string_view received) {
  const size_t strict = received.find("\r\n\r\n");
  const size_t bare = received.find("\n\n");
  if (strict == absl::string_view::npos && bare == absl::string_view::npos) return 0;
  return strict < bare ? strict + 4 : bare + 2;
}

bool ReadRequestLine(absl::string_view line, HttpRequest& request) {
  const std::vector<absl::string_view> parts = absl::StrSplit(line, ' ');
  if (parts.size() != 3 || parts[0].empty() || parts[1].empty() || parts[1][0] != '/') return false;
  if (parts[2] != "HTTP/1.1" && parts[2] != "HTTP/1.0") return false;
  request.method = std::string(parts[0]);
  request.path = std::string(parts[1].substr(0, parts[1].find('?')));
  request.keep_alive = parts[2] == "HTTP/1.1";
  return true;
}

void ReadConnection(absl::string_view value, HttpRequest& request) {
  for (absl::string_view option : absl::StrSplit(value, ',')) {
    option = absl::StripAsciiWhitespace(option);
    if (absl::EqualsIgnoreCase(option, "close")) request.keep_alive = false;
    if (absl::EqualsIgnoreCase(option, "keep-alive")) request.keep_alive = true;
  }
}

// The status that refuses the request for this line, or 0.
int ReadHeader(absl::string_view line, HttpRequest& request) {
  const size_t colon = line.find(':');
  if (colon == absl::string_view::npos || colon == 0) return 400;
  const absl::string_view name = line.substr(0, colon);
  const absl::string_view value = absl::StripAsciiWhitespace(line.substr(colon + 1));
  if (absl::EqualsIgnoreCase(name, "connection")) ReadConnection(value, request);
  if (absl::EqualsIgnoreCase(name, "transfer-encoding")) return 413;
  if (absl::EqualsIgnoreCase(name, "content-length") && value != "0") return 413;
  return 0;
}

HttpRequest Refused(int status) {
  HttpRequest request;
  request.refusal = status;
  return request;
}

const char* ReasonPhrase(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 413:
      return "Content Too Large";
    case 431:
      return "Request Header Fields Too Large";
    default:
      return "Service Unavailable";
  }
}

}  // namespace

std::optional<HttpRequest> ReadHttpRequest(absl::string_view received) {
  // Some clients end the body they did not send with an empty line.
  const absl::string_view head_on =
      received.substr(std::min(received.find_first_not_of("\r\n"), received.size()));
  const size_t skipped = received.size() - head_on.size();
  const size_t end = EndOfHead(head_on);
  if (end > kMaxHttpHeadBytes || (end == 0 && received.size() > kMaxHttpHeadBytes)) return Refused(431);
  if (end == 0) return std::nullopt;
  HttpRequest request;
  request.bytes = skipped + end;
  bool first = true;
  for (absl::string_view line : absl::StrSplit(head_on.substr(0, end), '\n')) {
    absl::ConsumeSuffix(&line, "\r");
    if (first && !ReadRequestLine(line, request)) return Refused(400);
    if (!first && !line.empty()) {
      if (const int refusal = ReadHeader(line, request); refusal != 0) return Refused(refusal);
    }
    first = false;
  }
  return request;
}

std::string FormatHttpResponse(const HttpResponse& response, const HttpRequest& request) {
  return absl::StrCat("HTTP/1.1 ", response.status, " ", ReasonPhrase(response.status),
                      "\r\nContent-Type: ", response.type, "\r\nContent-Length: ", response.body.size(),
                      response.status == 405 ? "\r\nAllow: GET, HEAD" : "",
                      "\r\nConnection: ", request.keep_alive ? "keep-alive" : "close", "\r\n\r\n",
                      request.method == "HEAD" ? "" : response.body);
}

}  // namespace sluice
