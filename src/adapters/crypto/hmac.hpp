#pragma once
// HMAC-SHA256 (RFC 2104) with one key.

#include <array>
#include <memory>
#include <string_view>

struct evp_mac_ctx_st;

namespace lobo::adapters::crypto {

using HmacTag = std::array<unsigned char, 32>;

/// Keeps the key's state, which costs more to make than a short text to sign.
class HmacSha256 {
 public:
  explicit HmacSha256(std::string_view key);
  HmacTag tag(std::string_view text) const;

 private:
  struct Free {
    void operator()(evp_mac_ctx_st* context) const noexcept;
  };
  std::unique_ptr<evp_mac_ctx_st, Free> context_;
};

}  // namespace lobo::adapters::crypto
