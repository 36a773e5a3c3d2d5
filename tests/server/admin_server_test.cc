// Probes beside clients that say nothing, drip, scrape without a pause or never read.
#include "server/http/admin_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <list>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/base/thread.h"
#include "server/net/socket_address.h"

namespace sluice {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

// A client of the admin port, whose reads wait for at most twenty seconds.
class Peer {
 public:
  explicit Peer(const std::string& address) : socket_(socket(AF_INET, SOCK_STREAM, 0)) {
    const SocketAddress server = HostAddresses(address)->front();
    const timeval patience = {.tv_sec = 20, .tv_usec = 0};
    setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    EXPECT_EQ(connect(socket_, server.get(), server.size), 0);
  }
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;
  ~Peer() { close(socket_); }

  void Say(absl::string_view text) {
    EXPECT_EQ(send(socket_, text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
  }

  // Everything up to the end of `last`, or to the end of the connection where that is empty.
  std::string HearUntil(absl::string_view last) {
    std::string heard;
    char part[4096];
    while (last.empty() || !absl::EndsWith(heard, last)) {
      const ssize_t size = recv(socket_, part, sizeof(part), 0);
      EXPECT_GE(size, 0) << "nothing came within twenty seconds";
      if (size <= 0) break;
      heard.append(part, static_cast<size_t>(size));
    }
    return heard;
  }

  std::string Ask(const std::string& request) {
    Say(request);
    return HearUntil("");
  }

 private:
  const int socket_;
};

class AdminServerTest : public testing::Test {
 protected:
  // Nobody is cut for being slow unless a test wants it.
  void Serve(AdminServer::Options options) {
    options.address = "127.0.0.1:0";
    auto served = AdminServer::Create(
        options, {.metrics = [this] { return page_; }, .ready = [this] { return ready_.load(); }});
    ASSERT_TRUE(served.ok()) << served.status();
    server_ = *std::move(served);
  }
  static AdminServer::Options Patient() {
    return {.request_timeout = absl::Hours(1), .idle_timeout = absl::Hours(1)};
  }

  std::string Get(const std::string& path) {
    return Peer(server_->address()).Ask(absl::StrCat("GET ", path, " HTTP/1.1\r\nConnection: close\r\n\r\n"));
  }

  std::string page_ = "metric 1\n";
  std::atomic<bool> ready_ = true;
  std::unique_ptr<AdminServer> server_;
};

TEST_F(AdminServerTest, AnswersItsThreePages) {
  Serve(Patient());
  EXPECT_THAT(Get("/healthz"), AllOf(StartsWith("HTTP/1.1 200 "), EndsWith("\r\n\r\nok\n")));
  EXPECT_THAT(Get("/readyz"), AllOf(StartsWith("HTTP/1.1 200 "), EndsWith("\r\n\r\nready\n")));
  EXPECT_THAT(Get("/metrics?a=b"),
              AllOf(StartsWith("HTTP/1.1 200 "), HasSubstr("version=0.0.4"), EndsWith("\r\n\r\nmetric 1\n")));
  EXPECT_THAT(Get("/other"), StartsWith("HTTP/1.1 404 "));
  ready_ = false;
  EXPECT_THAT(Get("/readyz"), AllOf(StartsWith("HTTP/1.1 503 "), EndsWith("\r\n\r\nnot ready\n")));
}

TEST_F(AdminServerTest, RefusesWhatIsNoRequestAndClosesTheConnection) {
  Serve(Patient());
  const std::string long_head = absl::StrCat("GET / HTTP/1.1\r\nA: ", std::string(9000, 'x'), "\r\n\r\n");
  EXPECT_THAT(Peer(server_->address()).Ask(long_head), StartsWith("HTTP/1.1 431 "));
  EXPECT_THAT(Peer(server_->address()).Ask("\x16\x03\x01\r\n\r\n"), StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(Peer(server_->address()).Ask("DELETE /metrics HTTP/1.0\r\n\r\n"), StartsWith("HTTP/1.1 405 "));
  EXPECT_THAT(Peer(server_->address()).Ask("POST /metrics HTTP/1.1\r\nContent-Length: 9\r\n\r\nsome body"),
              StartsWith("HTTP/1.1 413 "));
}

TEST_F(AdminServerTest, ProbesDoNotWaitBehindSilentAndHalfSentRequests) {
  Serve(Patient());
  std::list<Peer> silent;
  for (int i = 0; i < 300; ++i) {
    silent.emplace_back(server_->address());
    if (i % 2 == 0) silent.back().Say("GET /healthz HTTP/1.1\r\nX-Drip:");
  }
  EXPECT_THAT(Get("/healthz"), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(Get("/readyz"), StartsWith("HTTP/1.1 200 "));
}

TEST_F(AdminServerTest, WhoHasBeenSilentForLongestMakesRoom) {
  AdminServer::Options options = Patient();
  options.max_connections = 2;
  Serve(options);
  Peer first(server_->address());
  Peer second(server_->address());
  second.Say("GET /healthz HTTP/1.1\r\n\r\n");
  EXPECT_THAT(second.HearUntil("ok\n"), StartsWith("HTTP/1.1 200 "));
  Peer third(server_->address());
  EXPECT_EQ(first.HearUntil(""), "");
  second.Say("GET /readyz HTTP/1.1\r\n\r\n");
  EXPECT_THAT(second.HearUntil("ready\n"), StartsWith("HTTP/1.1 200 "));
}

// However often a byte comes: the time of a request is that of the whole.
TEST_F(AdminServerTest, ARequestThatIsNotWholeInTimeIsCut) {
  AdminServer::Options options = Patient();
  options.request_timeout = absl::Milliseconds(20);
  Serve(options);
  Peer silent(server_->address());
  Peer dripping(server_->address());
  dripping.Say("GET /healthz HTTP/1.1\r\nX-Drip:");
  EXPECT_EQ(silent.HearUntil(""), "");
  EXPECT_EQ(dripping.HearUntil(""), "");
}

TEST_F(AdminServerTest, AConnectionWithoutANextRequestIsCut) {
  AdminServer::Options options = Patient();
  options.idle_timeout = absl::Milliseconds(20);
  Serve(options);
  Peer peer(server_->address());
  peer.Say("GET /healthz HTTP/1.1\r\n\r\n");
  EXPECT_THAT(peer.HearUntil(""), EndsWith("ok\n"));
}

TEST_F(AdminServerTest, AnswersRequestsThatComeTogetherOneAfterTheOther) {
  Serve(Patient());
  Peer peer(server_->address());
  peer.Say(
      "GET /healthz HTTP/1.1\r\n\r\nGET /metrics HTTP/1.1\r\n\r\nGET /metrics HTTP/1.1\r\n\r\n"
      "GET /readyz HTTP/1.0\r\n\r\n");
  const std::string answers = peer.HearUntil("");
  EXPECT_LT(answers.find("ok\n"), answers.find("metric 1\n"));
  EXPECT_LT(answers.find("metric 1\n"), answers.rfind("metric 1\n"));
  EXPECT_LT(answers.rfind("metric 1\n"), answers.find("ready\n"));
}

// It asks again and again and takes nothing; what it does not take waits in the system's buffers and no
// further.
TEST_F(AdminServerTest, AScraperThatNeverReadsHoldsUpNobody) {
  page_ = std::string(1 << 20, 'x');
  Serve(Patient());
  Peer deaf(server_->address());
  for (int i = 0; i < 100; ++i) deaf.Say("GET /metrics HTTP/1.1\r\n\r\n");
  EXPECT_THAT(Get("/healthz"), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(Get("/metrics"), EndsWith(page_));
}

}  // namespace
}  // namespace sluice
