#pragma once
// SHA-256 and the text forms of bytes that tokens and keys use.

#include <array>
#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>

struct evp_md_ctx_st;
struct evp_md_st;

namespace lobo::adapters::crypto {

using Sha256 = std::array<unsigned char, 32>;

/// Keeps what OpenSSL 3 looks up anew for each digest otherwise, which costs more than a short
/// text.
class Hasher {
 public:
  Hasher();
  Sha256 sha256(std::string_view text);

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const noexcept;
    void operator()(evp_md_st* method) const noexcept;
  };
  std::unique_ptr<evp_md_st, Free> method_;
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

/// For a table keyed by digests: any of its bytes will do.
struct DigestHash {
  std::size_t operator()(const Sha256& digest) const noexcept {
    std::size_t hash = 0;
    std::memcpy(&hash, digest.data(), sizeof hash);
    return hash;
  }
};

/// RFC 4648 clause 5, without padding.
std::string base64url(std::span<const unsigned char> bytes);
/// RFC 4648 clause 4, with padding.
std::string base64(std::span<const unsigned char> bytes);

}  // namespace lobo::adapters::crypto
