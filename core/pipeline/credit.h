// Credit: how much leased work may be brought into memory. Pure arithmetic on bytes and tokens.
#pragma once

#include <algorithm>
#include <cstdint>

namespace sluice {

// How many bytes of a payload make a token, learned from what was tokenized; it starts low, so that the first
// claims are small rather than large. A value.
class PayloadDensity {
 public:
  void Learn(int64_t bytes, int64_t tokens) {
    bytes_ += static_cast<double>(bytes);
    tokens_ += static_cast<double>(tokens);
    if (tokens_ > kMemoryTokens) {
      bytes_ /= 2;
      tokens_ /= 2;
    }
  }
  double BytesPerToken() const { return std::clamp(bytes_ / tokens_, 0.5, 16.0); }
  int64_t TokensOf(int64_t bytes) const {
    return static_cast<int64_t>(static_cast<double>(bytes) / BytesPerToken()) + 1;
  }
  int64_t BytesOf(int64_t tokens) const {
    return static_cast<int64_t>(static_cast<double>(tokens) * BytesPerToken());
  }

 private:
  static constexpr double kMemoryTokens = 1 << 20;
  double bytes_ = 512;
  double tokens_ = 256;
};

// Small claims cost a commit each: wait for a quarter of the target, unless there is nothing to do meanwhile.
inline bool WorthClaiming(int64_t credit_tokens, int64_t target_tokens, bool idle) {
  return credit_tokens > 0 && (idle || credit_tokens >= target_tokens / 4);
}

}  // namespace sluice
