#include "adapters/crypto/flow_token.hpp"

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <ios>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/crypto/certificate.hpp"
#include "base/bytes.hpp"
#include "base/require.hpp"
#include "base/result.hpp"
#include "wire/sdd/token.hpp"

namespace lobo::adapters::crypto {
namespace {

struct Free {
  void operator()(BIO* bio) const noexcept { BIO_free(bio); }
  void operator()(EVP_MD_CTX* context) const noexcept { EVP_MD_CTX_free(context); }
  void operator()(EVP_PKEY_CTX* context) const noexcept { EVP_PKEY_CTX_free(context); }
};
using BioPtr = std::unique_ptr<BIO, Free>;
using DigestPtr = std::unique_ptr<EVP_MD_CTX, Free>;

const unsigned char* octets(Bytes in) { return reinterpret_cast<const unsigned char*>(in.data()); }

FlowPublicKey with_id(std::array<std::byte, flow_key_bytes> raw) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  require(SHA256(octets(raw), raw.size(), digest.data()) != nullptr);
  return {be32_at(std::as_bytes(std::span(digest)), 0), raw};
}

bool is_ed25519(const evp_pkey_st* key) {
  return key != nullptr && EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519;
}

Result<FlowPublicKey> public_half(const evp_pkey_st* key) {
  std::array<unsigned char, flow_key_bytes> raw{};
  std::size_t size = raw.size();
  if (!is_ed25519(key) || EVP_PKEY_get_raw_public_key(key, raw.data(), &size) != 1 ||
      size != raw.size())
    return fail(Errc::malformed, "the key is not one of Ed25519");
  std::array<std::byte, flow_key_bytes> bytes{};
  std::ranges::transform(raw, bytes.begin(), [](unsigned char octet) { return std::byte{octet}; });
  return with_id(bytes);
}

BioPtr reading(std::string_view text) {
  return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}
/// Never asks at a terminal for the password of an encrypted key.
int no_password(char*, int, int, void*) { return -1; }

FlowKeyPtr private_key_of(std::string_view pem) {
  const BioPtr in = reading(pem);
  return FlowKeyPtr(PEM_read_bio_PrivateKey(in.get(), nullptr, no_password, nullptr));
}

Result<std::string> content_of_file(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  std::string text(flow_key_file_bytes_max + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (in.bad() || in.gcount() == 0)
    return fail(Errc::unavailable, fmt::format("the flow key {} cannot be read", file));
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (text.size() > flow_key_file_bytes_max)
    return fail(Errc::too_large, fmt::format("{} is no key: too long", file));
  return text;
}

template <class Write>
Result<std::string> pem_by(const Write& write) {
  const BioPtr out(BIO_new(BIO_s_mem()));
  char* data = nullptr;
  if (!out || write(out.get()) != 1) return fail(Errc::internal, "OpenSSL wrote no key");
  const long size = BIO_get_mem_data(out.get(), &data);
  return std::string(data, static_cast<std::size_t>(size));
}

}  // namespace

Result<FlowPublicKey> flow_public_key(Bytes raw) {
  if (raw.size() != flow_key_bytes)
    return fail(Errc::malformed,
                fmt::format("an Ed25519 key has {} bytes, not {}", flow_key_bytes, raw.size()));
  std::array<std::byte, flow_key_bytes> bytes{};
  std::ranges::copy(raw, bytes.begin());
  return with_id(bytes);
}

Result<FlowPublicKey> read_flow_public_key(const std::string& file) {
  const auto pem = content_of_file(file);
  if (!pem) return fail(pem.error());
  const BioPtr in = reading(*pem);
  FlowKeyPtr key(PEM_read_bio_PUBKEY(in.get(), nullptr, no_password, nullptr));
  if (!key) key = private_key_of(*pem);
  auto half = public_half(key.get());
  if (!half) return fail(half.error().code, fmt::format("{}: {}", file, half.error().detail));
  return half;
}

Result<std::unique_ptr<FlowTokenSigner>> FlowTokenSigner::open(const std::string& file) {
  const auto pem = content_of_file(file);
  if (!pem) return fail(pem.error());
  auto signer = from(*pem);
  if (!signer) return fail(signer.error().code, fmt::format("{}: {}", file, signer.error().detail));
  return signer;
}

Result<std::unique_ptr<FlowTokenSigner>> FlowTokenSigner::from(std::string_view pem) {
  FlowKeyPtr key = private_key_of(pem);
  const auto half = public_half(key.get());
  if (!half) return fail(half.error());
  return std::unique_ptr<FlowTokenSigner>(new FlowTokenSigner(std::move(key), *half));
}

Result<sdd::Signature> FlowTokenSigner::sign(Bytes claims) {
  const DigestPtr context(EVP_MD_CTX_new());
  std::array<unsigned char, sdd::signature_bytes> made{};
  std::size_t size = made.size();
  if (!context || EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key_.get()) != 1 ||
      EVP_DigestSign(context.get(), made.data(), &size, octets(claims), claims.size()) != 1 ||
      size != made.size())
    return fail(Errc::internal, "OpenSSL made no signature");
  sdd::Signature signature{};
  std::ranges::transform(made, signature.begin(),
                         [](unsigned char octet) { return std::byte{octet}; });
  return signature;
}

Result<void> FlowTokenVerifier::trust(const std::vector<FlowPublicKey>& keys) {
  if (keys.size() > flow_keys_max)
    return fail(Errc::too_many, fmt::format("at most {} flow keys are trusted", flow_keys_max));
  std::map<std::uint32_t, FlowKeyPtr> trusted;
  for (const FlowPublicKey& key : keys) {
    FlowKeyPtr made(
        EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, octets(key.raw), key.raw.size()));
    if (!made) return fail(Errc::malformed, "OpenSSL takes no such key");
    trusted.insert_or_assign(key.id, std::move(made));
  }
  keys_ = std::move(trusted);
  return {};
}

bool FlowTokenVerifier::verify(std::uint32_t key_id, Bytes claims,
                               const sdd::Signature& signature) const {
  const auto found = keys_.find(key_id);
  if (found == keys_.end()) return false;
  const DigestPtr context(EVP_MD_CTX_new());
  return context &&
         EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, found->second.get()) == 1 &&
         EVP_DigestVerify(context.get(), octets(signature), signature.size(), octets(claims),
                          claims.size()) == 1;
}

Result<FlowKeyPem> make_flow_key() {
  const FlowKeyPtr key(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  if (!key) return fail(Errc::internal, "OpenSSL made no key");
  auto secret = pem_by([&](BIO* out) {
    return PEM_write_bio_PKCS8PrivateKey(out, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  });
  auto open = pem_by([&](BIO* out) { return PEM_write_bio_PUBKEY(out, key.get()); });
  if (!secret) return fail(secret.error());
  if (!open) return fail(open.error());
  return FlowKeyPem{std::move(*secret), std::move(*open)};
}

}  // namespace lobo::adapters::crypto
