#include "core/store/page_token.h"

#include <cinttypes>
#include <cstdio>

#include "absl/strings/escaping.h"
#include "absl/strings/str_format.h"
#include "core/base/error_details.h"

namespace sluice {
namespace {

absl::Status NotOurs() {
  return FieldError("page_token", "is not a token that this call gave out");
}

std::string Body(const PageToken& token) {
  return absl::StrFormat("%c.%x.%x.%x", token.call, token.scope, token.position, token.rank);
}

}  // namespace

uint64_t Fingerprint(absl::string_view text) {
  uint64_t hash = 14695981039346656037u;
  for (const unsigned char byte : text) hash = (hash ^ byte) * 1099511628211u;
  return hash;
}

std::string EncodePageToken(const PageToken& token) {
  const std::string body = Body(token);
  return absl::WebSafeBase64Escape(absl::StrFormat("%s.%x", body, Fingerprint(body)));
}

absl::StatusOr<PageToken> DecodePageToken(absl::string_view text, char call, uint64_t scope) {
  std::string plain;
  if (!absl::WebSafeBase64Unescape(text, &plain)) return NotOurs();
  PageToken token;
  if (std::sscanf(plain.c_str(), "%c.%" SCNx64 ".%" SCNx64 ".%" SCNx64, &token.call, &token.scope,
                  reinterpret_cast<uint64_t*>(&token.position),
                  reinterpret_cast<uint64_t*>(&token.rank)) != 4) {
    return NotOurs();
  }
  const bool intact = EncodePageToken(token) == text;
  if (!intact || token.call != call || token.scope != scope) return NotOurs();
  return token;
}

}  // namespace sluice
