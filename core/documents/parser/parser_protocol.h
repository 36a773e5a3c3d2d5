// ParserProtocol: the messages between the server and sluice-parser, over a pair of sockets.
//
// A message is its length (4 bytes, little-endian, of what follows), its type (1 byte) and its body. The
// server asks, the parser answers; one request is under way at a time.
//
//   parser: Hello                                       once, when it is ready
//   server: Open (with the file's descriptor)       ->  Facts | Error
//   server: Read, of the open document              ->  (Page | PageError) for each page, in order; then Done
//   server: Draw, of the open document              ->  Picture | Error
//
// What comes from the parser is a stranger's: every length is bounded and every body checked.
#pragma once

#include <cstdint>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "core/base/open_file.h"

namespace sluice {

enum class ParserMessageType : uint8_t {
  kHello = 1,
  kOpen = 2,
  kRead = 3,
  kDraw = 4,
  kFacts = 10,
  kPage = 11,
  kPageError = 12,
  kDone = 13,
  kPicture = 14,
  kError = 15,
};

inline constexpr uint32_t kMostMessageBytes = 64 << 20;

struct ParserMessage {
  ParserMessageType type = ParserMessageType::kDone;
  std::string body;
  OpenFile file;  // that came along
};

struct OpenBody {
  std::string format;
  std::string file_name;
  std::string password;
  int max_pages = 20'000;
};
struct ReadBody {
  int first = 1;
  int count = 1;
};
struct DrawBody {
  int number = 1;
  int max_width = 1000;
  int max_height = 1400;
};
struct PageBody {
  int number = 1;
  std::string page;  // EncodePage
};
struct PageErrorBody {
  int number = 1;
  absl::Status error;
};

std::string EncodeOpen(const OpenBody& body);
std::string EncodeRead(const ReadBody& body);
std::string EncodeDraw(const DrawBody& body);
std::string EncodePageBody(const PageBody& body);
std::string EncodePageError(const PageErrorBody& body);
std::string EncodeError(const absl::Status& error);  // with its reason
absl::StatusOr<OpenBody> DecodeOpen(absl::string_view bytes);
absl::StatusOr<ReadBody> DecodeRead(absl::string_view bytes);
absl::StatusOr<DrawBody> DecodeDraw(absl::string_view bytes);
absl::StatusOr<PageBody> DecodePageBody(absl::string_view bytes);
absl::StatusOr<PageErrorBody> DecodePageError(absl::string_view bytes);
// The error itself; INTERNAL for bytes that are none, or for one that is OK.
absl::Status DecodeError(absl::string_view bytes);

// Writes all of it, `descriptor` along with it unless that is below 0. UNAVAILABLE when the other side is
// gone. Blocks until the other side has taken it.
absl::Status SendMessage(int socket, ParserMessageType type, absl::string_view body, int descriptor = -1);

// UNAVAILABLE when the other side is gone, DEADLINE_EXCEEDED after `timeout` (monotonic, of the real clock),
// CANCELLED soon after `cancelled` says so, INTERNAL for what is no message.
absl::StatusOr<ParserMessage> ReceiveMessage(int socket, absl::Duration timeout,
                                             absl::FunctionRef<bool()> cancelled);

inline bool NeverCancelled() {
  return false;
}

}  // namespace sluice
