#include "adapters/crypto/hmac.hpp"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "base/require.hpp"

namespace lobo::adapters::crypto {
namespace {

struct FreeMac {
  void operator()(EVP_MAC* method) const noexcept { EVP_MAC_free(method); }
};

const unsigned char* octets(std::string_view text) {
  // Octets are characters here, as in a file or a URI.
  return reinterpret_cast<const unsigned char*>(text.data());
}

}  // namespace

void HmacSha256::Free::operator()(evp_mac_ctx_st* context) const noexcept {
  EVP_MAC_CTX_free(context);
}

HmacSha256::HmacSha256(std::string_view key) {
  const std::unique_ptr<EVP_MAC, FreeMac> method(EVP_MAC_fetch(nullptr, "HMAC", nullptr));
  require(method != nullptr);
  context_.reset(EVP_MAC_CTX_new(method.get()));  // holds the method itself
  require(context_ != nullptr);
  std::string digest = "SHA256";
  const std::array<OSSL_PARAM, 2> parameters{
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest.data(), 0),
      OSSL_PARAM_construct_end()};
  require(EVP_MAC_init(context_.get(), octets(key), key.size(), parameters.data()) == 1);
}

HmacTag HmacSha256::tag(std::string_view text) const {
  HmacTag tag{};
  std::size_t size = 0;
  // Without a key it begins anew with the one that it has.
  require(EVP_MAC_init(context_.get(), nullptr, 0, nullptr) == 1 &&
          EVP_MAC_update(context_.get(), octets(text), text.size()) == 1 &&
          EVP_MAC_final(context_.get(), tag.data(), &size, tag.size()) == 1 && size == tag.size());
  return tag;
}

}  // namespace lobo::adapters::crypto
