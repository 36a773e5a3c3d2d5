// PageToken: where the next page of a list begins, opaque to callers and checked when it comes back.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace sluice {

struct PageToken {
  char call = 'L';       // the method that made it
  uint64_t scope = 0;    // what was listed: a tenant's fingerprint, a batch's number
  int64_t position = 0;  // the last item of the page before
  int64_t rank = 0;      // how many items came before the next page
  bool operator==(const PageToken&) const = default;
};

std::string EncodePageToken(const PageToken& token);

// INVALID_ARGUMENT, field "page_token", when it was not made for this call and scope.
absl::StatusOr<PageToken> DecodePageToken(absl::string_view text, char call, uint64_t scope);

// FNV-1a, the same in every process and release.
uint64_t Fingerprint(absl::string_view text);

}  // namespace sluice
