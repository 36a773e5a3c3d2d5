// What the admin port takes for a request.
#include "server/http/http_request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace sluice {
namespace {

HttpRequest Whole(absl::string_view text) {
  const std::optional<HttpRequest> request = ReadHttpRequest(text);
  EXPECT_TRUE(request.has_value()) << text;
  return request.value_or(HttpRequest());
}

TEST(HttpRequest, IsNothingUntilItsHeadIsWhole) {
  const std::string text = "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n";
  for (size_t size = 0; size < text.size(); ++size) {
    EXPECT_FALSE(ReadHttpRequest(absl::string_view(text).substr(0, size)).has_value()) << size;
  }
  EXPECT_EQ(Whole(text).refusal, 0);
  EXPECT_EQ(Whole(text).bytes, text.size());
}

TEST(HttpRequest, LeavesWhatFollowsToTheNextOne) {
  const HttpRequest request = Whole("\r\nGET /a HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n\r\n");
  EXPECT_EQ(request.path, "/a");
  EXPECT_EQ(request.bytes, 21u);
}

TEST(HttpRequest, IsReadWithBareNewlinesToo) {
  const HttpRequest request = Whole("GET /metrics?name=x HTTP/1.0\n\n");
  EXPECT_EQ(request.refusal, 0);
  EXPECT_EQ(request.path, "/metrics");
  EXPECT_EQ(request.method, "GET");
}

TEST(HttpRequest, KeepsTheConnectionAsItsVersionAndHeaderSay) {
  EXPECT_TRUE(Whole("GET / HTTP/1.1\r\n\r\n").keep_alive);
  EXPECT_FALSE(Whole("GET / HTTP/1.0\r\n\r\n").keep_alive);
  EXPECT_FALSE(Whole("GET / HTTP/1.1\r\nConnection: TE, Close\r\n\r\n").keep_alive);
  EXPECT_TRUE(Whole("GET / HTTP/1.0\r\nCONNECTION:keep-alive\r\n\r\n").keep_alive);
}

TEST(HttpRequest, IsRefusedWithTheStatusOfItsFault) {
  EXPECT_EQ(Whole("GET /\r\n\r\n").refusal, 400);
  EXPECT_EQ(Whole("GET / HTTP/2.0\r\n\r\n").refusal, 400);
  EXPECT_EQ(Whole("GET healthz HTTP/1.1\r\n\r\n").refusal, 400);
  EXPECT_EQ(Whole("GET / HTTP/1.1\r\nno colon\r\n\r\n").refusal, 400);
  EXPECT_EQ(Whole(absl::string_view("\x16\x03\x01\x02\x00\x01\x00\n\n", 9)).refusal, 400);
  EXPECT_EQ(Whole("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").refusal, 400);
  EXPECT_EQ(Whole("POST /metrics HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello").refusal, 413);
  EXPECT_EQ(Whole("POST /metrics HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n").refusal, 413);
  EXPECT_EQ(Whole("POST /metrics HTTP/1.1\r\nContent-Length: 0\r\n\r\n").refusal, 0);
}

TEST(HttpRequest, IsRefusedWhenItsHeadPassesTheBound) {
  const std::string filler(kMaxHttpHeadBytes, 'x');
  EXPECT_EQ(Whole(absl::StrCat("GET /", filler)).refusal, 431);
  EXPECT_EQ(Whole(absl::StrCat("GET / HTTP/1.1\r\nA: ", filler, "\r\n\r\n")).refusal, 431);
}

TEST(HttpResponse, SaysItsLengthAndWhetherTheConnectionStays) {
  HttpRequest request = Whole("GET / HTTP/1.1\r\n\r\n");
  EXPECT_EQ(FormatHttpResponse({.status = 503, .type = "a/b", .body = "no\n"}, request),
            "HTTP/1.1 503 Service Unavailable\r\nContent-Type: a/b\r\nContent-Length: 3\r\n"
            "Connection: keep-alive\r\n\r\nno\n");
  request.method = "HEAD";
  request.keep_alive = false;
  EXPECT_EQ(
      FormatHttpResponse({.status = 405, .type = "a/b", .body = "no\n"}, request),
      "HTTP/1.1 405 Method Not Allowed\r\nContent-Type: a/b\r\nContent-Length: 3\r\nAllow: GET, HEAD\r\n"
      "Connection: close\r\n\r\n");
}

}  // namespace
}  // namespace sluice
