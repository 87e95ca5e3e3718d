#include "adapters/crypto/digest.hpp"

#include <openssl/evp.h>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "base/require.hpp"

namespace lobo::adapters::crypto {
namespace {

std::string encode(std::span<const unsigned char> bytes, std::string_view alphabet, bool padded) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t left = bytes.size() - i;
    const unsigned group = unsigned{bytes[i]} << 16U |
                           (left > 1 ? unsigned{bytes[i + 1]} << 8U : 0U) |
                           (left > 2 ? unsigned{bytes[i + 2]} : 0U);
    out += alphabet[group >> 18U];
    out += alphabet[group >> 12U & 63U];
    if (left > 1)
      out += alphabet[group >> 6U & 63U];
    else if (padded)
      out += '=';
    if (left > 2)
      out += alphabet[group & 63U];
    else if (padded)
      out += '=';
  }
  return out;
}

constexpr std::string_view letters =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

}  // namespace

void Hasher::Free::operator()(evp_md_ctx_st* context) const noexcept { EVP_MD_CTX_free(context); }
void Hasher::Free::operator()(evp_md_st* method) const noexcept { EVP_MD_free(method); }

Hasher::Hasher() : method_(EVP_MD_fetch(nullptr, "SHA2-256", nullptr)), context_(EVP_MD_CTX_new()) {
  require(method_ != nullptr && context_ != nullptr);
}

Sha256 Hasher::sha256(std::string_view text) {
  Sha256 digest{};
  unsigned size = 0;
  require(EVP_DigestInit_ex2(context_.get(), method_.get(), nullptr) == 1 &&
          EVP_DigestUpdate(context_.get(), text.data(), text.size()) == 1 &&
          EVP_DigestFinal_ex(context_.get(), digest.data(), &size) == 1 && size == digest.size());
  return digest;
}

std::string base64url(std::span<const unsigned char> bytes) {
  return encode(bytes, std::string(letters) + "-_", false);
}

std::string base64(std::span<const unsigned char> bytes) {
  return encode(bytes, std::string(letters) + "+/", true);
}

}  // namespace lobo::adapters::crypto
