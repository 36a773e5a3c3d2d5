// SHA-256 (FIPS 180-4), over OpenSSL's libcrypto. For digests that name things: models, profiles, plans.
#pragma once

#include <memory>
#include <string>

#include "absl/strings/string_view.h"

namespace sluice {

// The digest of bytes that arrive in pieces. Not thread-safe; different objects are independent. Aborts where
// libcrypto has no SHA-256 or no memory for its state: no caller could go on.
//
//   Sha256 digest;
//   while (reader.Next(&piece)) digest.Update(piece);
//   const std::string hex = digest.FinishHex();
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  void Update(absl::string_view bytes);

  // The digest of all bytes since creation or the last Finish, 32 raw bytes or 64 lower-case hexadecimal
  // digits. The object is then as new.
  std::string Finish();
  std::string FinishHex();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// The digest of `bytes` as 64 lower-case hexadecimal digits.
std::string Sha256Hex(absl::string_view bytes);

}  // namespace sluice
