#include "core/base/sha256.h"

#include <openssl/evp.h>

#include <cstdio>
#include <cstdlib>

#include "absl/strings/escaping.h"

namespace sluice {
namespace {

void Require(bool done, const char* what) {
  if (done) return;
  std::fprintf(stderr, "sluice: libcrypto cannot compute SHA-256: %s failed\n", what);
  std::abort();
}

}  // namespace

struct Sha256::State {
  State() : context(EVP_MD_CTX_new()) {
    Require(context != nullptr, "EVP_MD_CTX_new");
    Require(EVP_DigestInit_ex(context, EVP_sha256(), nullptr) == 1, "EVP_DigestInit_ex");
  }
  ~State() { EVP_MD_CTX_free(context); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  // Naming the algorithm anew would look it up under libcrypto's locks, longer than a short text takes.
  void BeginAgain() { Require(EVP_DigestInit_ex(context, nullptr, nullptr) == 1, "EVP_DigestInit_ex"); }

  EVP_MD_CTX* const context;
};

Sha256::Sha256() : state_(std::make_unique<State>()) {}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::Update(absl::string_view bytes) {
  Require(EVP_DigestUpdate(state_->context, bytes.data(), bytes.size()) == 1, "EVP_DigestUpdate");
}

std::string Sha256::Finish() {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  Require(EVP_DigestFinal_ex(state_->context, digest, &size) == 1, "EVP_DigestFinal_ex");
  state_->BeginAgain();
  return std::string(reinterpret_cast<const char*>(digest), size);
}

std::string Sha256::FinishHex() {
  return absl::BytesToHexString(Finish());
}

std::string Sha256Hex(absl::string_view bytes) {
  Sha256 digest;
  digest.Update(bytes);
  return digest.FinishHex();
}

}  // namespace sluice
