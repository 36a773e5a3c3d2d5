#include "core/documents/parser/parser_protocol.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/clock.h"
#include "core/base/error_details.h"
#include "core/base/status_macros.h"
#include "core/documents/wire_bytes.h"

namespace sluice {
namespace {

// How long a wait goes on before it looks whether it was cancelled.
constexpr absl::Duration kSlice = absl::Milliseconds(100);

absl::Status NoMessage(absl::string_view what) {
  return absl::InternalError(absl::StrCat("the parser's process sent what is no ", what));
}

absl::Status Gone() {
  return absl::UnavailableError("the other side of the parser's socket is gone");
}

template <typename Body>
absl::StatusOr<Body> Checked(const ByteReader& reader, Body body, absl::string_view what) {
  if (!reader.ok() || !reader.at_end()) return NoMessage(what);
  return body;
}

void Write(ByteWriter& writer, const absl::Status& error) {
  writer.Number(static_cast<int32_t>(error.code()));
  writer.Text(ReasonOf(error));
  writer.Text(error.message());
}

absl::Status ReadError(ByteReader& reader) {
  const auto code = reader.Number<int32_t>();
  const std::string reason = reader.Text();
  const std::string message = reader.Text();
  const bool known = code > 0 && code <= static_cast<int32_t>(absl::StatusCode::kUnauthenticated);
  if (!reader.ok() || !known) return NoMessage("error");
  return WithReason(absl::Status(static_cast<absl::StatusCode>(code), message), reason);
}

// What arrives of a message, with a descriptor at most.
class Reception {
 public:
  Reception(int socket, absl::Duration timeout, absl::FunctionRef<bool()> cancelled)
      : socket_(socket), cancelled_(cancelled), end_(Clock::Real().MonotonicNow() + timeout) {}

  absl::Status Take(char* bytes, size_t size) {
    while (size > 0) {
      SLUICE_RETURN_IF_ERROR(AwaitBytes());
      iovec piece = {bytes, size};
      alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
      msghdr message = {};
      message.msg_iov = &piece;
      message.msg_iovlen = 1;
      message.msg_control = control;
      message.msg_controllen = sizeof(control);
      const ssize_t got = recvmsg(socket_, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
      if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
      if (got <= 0) return Gone();
      KeepDescriptor(message);
      bytes += got;
      size -= static_cast<size_t>(got);
    }
    return absl::OkStatus();
  }

  OpenFile TakeFile() { return std::move(file_); }

 private:
  absl::Status AwaitBytes() {
    while (true) {
      if (cancelled_()) return absl::CancelledError("no longer wanted");
      const absl::Duration left = end_ - Clock::Real().MonotonicNow();
      if (left <= absl::ZeroDuration()) return absl::DeadlineExceededError("the parser's process is silent");
      pollfd waited = {.fd = socket_, .events = POLLIN, .revents = 0};
      const absl::Duration wait = std::min(left, kSlice);
      const int ready = poll(&waited, 1, static_cast<int>(absl::ToInt64Milliseconds(wait)) + 1);
      if (ready > 0) return absl::OkStatus();
      if (ready < 0 && errno != EINTR) return Gone();
    }
  }

  void KeepDescriptor(msghdr& message) {
    for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr; part = CMSG_NXTHDR(&message, part)) {
      if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
      int descriptor = -1;
      std::memcpy(&descriptor, CMSG_DATA(part), sizeof(descriptor));
      file_ = OpenFile(descriptor);
    }
  }

  const int socket_;
  const absl::FunctionRef<bool()> cancelled_;
  const absl::Duration end_;
  OpenFile file_;
};

}  // namespace

std::string EncodeOpen(const OpenBody& body) {
  std::string bytes;
  ByteWriter writer(bytes);
  writer.Text(body.format);
  writer.Text(body.file_name);
  writer.Text(body.password);
  writer.Number(static_cast<int32_t>(body.max_pages));
  return bytes;
}

absl::StatusOr<OpenBody> DecodeOpen(absl::string_view bytes) {
  ByteReader reader(bytes);
  OpenBody body;
  body.format = reader.Text();
  body.file_name = reader.Text();
  body.password = reader.Text();
  body.max_pages = reader.Number<int32_t>();
  return Checked(reader, std::move(body), "Open");
}

std::string EncodeRead(const ReadBody& body) {
  std::string bytes;
  ByteWriter writer(bytes);
  writer.Number(static_cast<int32_t>(body.first));
  writer.Number(static_cast<int32_t>(body.count));
  return bytes;
}

absl::StatusOr<ReadBody> DecodeRead(absl::string_view bytes) {
  ByteReader reader(bytes);
  ReadBody body;
  body.first = reader.Number<int32_t>();
  body.count = reader.Number<int32_t>();
  return Checked(reader, body, "Read");
}

std::string EncodeDraw(const DrawBody& body) {
  std::string bytes;
  ByteWriter writer(bytes);
  writer.Number(static_cast<int32_t>(body.number));
  writer.Number(static_cast<int32_t>(body.max_width));
  writer.Number(static_cast<int32_t>(body.max_height));
  return bytes;
}

absl::StatusOr<DrawBody> DecodeDraw(absl::string_view bytes) {
  ByteReader reader(bytes);
  DrawBody body;
  body.number = reader.Number<int32_t>();
  body.max_width = reader.Number<int32_t>();
  body.max_height = reader.Number<int32_t>();
  return Checked(reader, body, "Draw");
}

std::string EncodePageBody(const PageBody& body) {
  std::string bytes;
  ByteWriter writer(bytes);
  writer.Number(static_cast<int32_t>(body.number));
  writer.Text(body.page);
  return bytes;
}

absl::StatusOr<PageBody> DecodePageBody(absl::string_view bytes) {
  ByteReader reader(bytes);
  PageBody body;
  body.number = reader.Number<int32_t>();
  body.page = reader.Text();
  return Checked(reader, std::move(body), "Page");
}

std::string EncodePageError(const PageErrorBody& body) {
  std::string bytes;
  ByteWriter writer(bytes);
  writer.Number(static_cast<int32_t>(body.number));
  Write(writer, body.error);
  return bytes;
}

absl::StatusOr<PageErrorBody> DecodePageError(absl::string_view bytes) {
  ByteReader reader(bytes);
  PageErrorBody body;
  body.number = reader.Number<int32_t>();
  body.error = ReadError(reader);
  return Checked(reader, std::move(body), "PageError");
}

std::string EncodeError(const absl::Status& error) {
  std::string bytes;
  ByteWriter writer(bytes);
  Write(writer, error);
  return bytes;
}

absl::Status DecodeError(absl::string_view bytes) {
  ByteReader reader(bytes);
  return ReadError(reader);
}

absl::Status SendMessage(int socket, ParserMessageType type, absl::string_view body, int descriptor) {
  std::string bytes;
  ByteWriter writer(bytes);
  writer.Number(static_cast<uint32_t>(body.size() + 1));
  writer.Number(static_cast<uint8_t>(type));
  bytes.append(body.data(), body.size());
  size_t sent = 0;
  while (sent < bytes.size()) {
    iovec piece = {bytes.data() + sent, bytes.size() - sent};
    msghdr message = {};
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    if (descriptor >= 0 && sent == 0) {
      message.msg_control = control;
      message.msg_controllen = sizeof(control);
      cmsghdr* const part = CMSG_FIRSTHDR(&message);
      part->cmsg_level = SOL_SOCKET;
      part->cmsg_type = SCM_RIGHTS;
      part->cmsg_len = CMSG_LEN(sizeof(int));
      std::memcpy(CMSG_DATA(part), &descriptor, sizeof(descriptor));
    }
    const ssize_t went = sendmsg(socket, &message, MSG_NOSIGNAL);
    if (went < 0 && errno == EINTR) continue;
    if (went < 0) return Gone();
    sent += static_cast<size_t>(went);
  }
  return absl::OkStatus();
}

absl::StatusOr<ParserMessage> ReceiveMessage(int socket, absl::Duration timeout,
                                             absl::FunctionRef<bool()> cancelled) {
  Reception reception(socket, timeout, cancelled);
  char head[sizeof(uint32_t) + 1];
  SLUICE_RETURN_IF_ERROR(reception.Take(head, sizeof(head)));
  ByteReader reader(absl::string_view(head, sizeof(head)));
  const auto size = reader.Number<uint32_t>();
  if (size == 0 || size > kMostMessageBytes) return NoMessage("message");
  ParserMessage message;
  message.type = static_cast<ParserMessageType>(reader.Number<uint8_t>());
  message.body.resize(size - 1);
  SLUICE_RETURN_IF_ERROR(reception.Take(message.body.data(), message.body.size()));
  message.file = reception.TakeFile();
  return message;
}

}  // namespace sluice
