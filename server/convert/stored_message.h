// What the store keeps as bytes, as the message of sluice.v1 that it was.
#pragma once

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace sluice {

// DATA_LOSS for bytes that do not parse: this server checked them before it stored them.
template <typename Message>
absl::StatusOr<Message> ParseStored(absl::string_view bytes) {
  Message message;
  if (!message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return absl::DataLossError(absl::StrCat("the stored bytes are no ", message.GetTypeName()));
  }
  return message;
}

}  // namespace sluice
