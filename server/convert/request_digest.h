// RequestDigest: what makes two requests to create a batch the same one.
#pragma once

#include <google/protobuf/message.h>

#include <string>

#include "core/base/sha256.h"

namespace sluice {

// SHA-256 over a walk of the messages, field by field in the order of their numbers: a set field gives its
// number and value, strings with their length before them, nested messages with their end after them.
// Serialized bytes would not do: protobuf does not promise the same ones from another version. Parts add up:
// an upload's digest does not depend on how its jobs were cut into messages. Not thread-safe.
class RequestDigest {
 public:
  // Fields named `skipped_field` (of the message itself, not of nested ones) do not count.
  void Add(const google::protobuf::Message& message, const char* skipped_field = "");

  // Of all that was added, raw; the object is then as new.
  std::string Finish() { return sha256_.Finish(); }

 private:
  Sha256 sha256_;
};

}  // namespace sluice
