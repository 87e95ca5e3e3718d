#include "adapters/aead/openssl.hpp"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "wire/xrm/aead.hpp"

namespace lobo::adapters::aead {
namespace {

using xrm::Algorithm;

struct Free {
  void operator()(EVP_CIPHER* cipher) const { EVP_CIPHER_free(cipher); }
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
  void operator()(EVP_MAC* mac) const { EVP_MAC_free(mac); }
  void operator()(EVP_MAC_CTX* context) const { EVP_MAC_CTX_free(context); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

// OpenSSL counts octets in int and takes `unsigned char`: a view of the same octets.
const unsigned char* octets(Bytes bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}
unsigned char* octets(MutableBytes bytes) { return reinterpret_cast<unsigned char*>(bytes.data()); }
int size_of(Bytes bytes) { return static_cast<int>(bytes.size()); }

const char* cipher_name(Algorithm algorithm) {
  switch (algorithm) {
    case Algorithm::aes_128_gcm: return "AES-128-GCM";
    case Algorithm::aes_256_gcm: return "AES-256-GCM";
    case Algorithm::chacha20_poly1305: return "ChaCha20-Poly1305";
  }
  std::abort();
}

class OpensslAead final : public xrm::Aead {
 public:
  /// False where the library does not have the cipher or does not take the key.
  bool set_up(Algorithm algorithm, Bytes key) {
    const Owned<EVP_CIPHER> cipher(EVP_CIPHER_fetch(nullptr, cipher_name(algorithm), nullptr));
    return cipher != nullptr && sealing_ != nullptr && opening_ != nullptr &&
           EVP_EncryptInit_ex2(sealing_.get(), cipher.get(), octets(key), nullptr, nullptr) == 1 &&
           EVP_DecryptInit_ex2(opening_.get(), cipher.get(), octets(key), nullptr, nullptr) == 1;
  }

  bool seal(std::span<xrm::SealJob> jobs) noexcept override {
    const bool good =
        std::all_of(jobs.begin(), jobs.end(), [this](const auto& job) { return seal_one(job); });
    if (!good)
      for (const xrm::SealJob& job : jobs) xrm::wipe(job.sealed);
    return good;
  }

  void open(std::span<xrm::OpenJob> jobs) noexcept override {
    for (xrm::OpenJob& job : jobs) {
      job.authentic = open_one(job);
      if (!job.authentic) xrm::wipe(job.plain);
    }
  }

 private:
  bool seal_one(const xrm::SealJob& job) {
    EVP_CIPHER_CTX* const context = sealing_.get();
    std::array<std::byte, xrm::tag_bytes_full> tag;
    int done = 0;
    const bool good =
        EVP_EncryptInit_ex2(context, nullptr, nullptr, octets(Bytes(*job.nonce)), nullptr) == 1 &&
        EVP_EncryptUpdate(context, nullptr, &done, octets(job.aad), size_of(job.aad)) == 1 &&
        EVP_EncryptUpdate(context, octets(job.sealed), &done, octets(job.plain),
                          size_of(job.plain)) == 1 &&
        EVP_EncryptFinal_ex(context, octets(job.sealed) + done, &done) == 1 &&
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, static_cast<int>(tag.size()),
                            tag.data()) == 1;
    if (good) std::copy_n(tag.begin(), job.tag.size(), job.tag.begin());
    return good;
  }

  // The final step compares the tag with CRYPTO_memcmp.
  bool open_one(const xrm::OpenJob& job) {
    EVP_CIPHER_CTX* const context = opening_.get();
    std::array<std::byte, xrm::tag_bytes_full> tag;
    std::copy_n(job.tag.begin(), job.tag.size(), tag.begin());
    int done = 0;
    return EVP_DecryptInit_ex2(context, nullptr, nullptr, octets(Bytes(*job.nonce)), nullptr) ==
               1 &&
           EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, size_of(job.tag), tag.data()) == 1 &&
           EVP_DecryptUpdate(context, nullptr, &done, octets(job.aad), size_of(job.aad)) == 1 &&
           EVP_DecryptUpdate(context, octets(job.plain), &done, octets(job.sealed),
                             size_of(job.sealed)) == 1 &&
           EVP_DecryptFinal_ex(context, octets(job.plain) + done, &done) == 1;
  }

  Owned<EVP_CIPHER_CTX> sealing_{EVP_CIPHER_CTX_new()};
  Owned<EVP_CIPHER_CTX> opening_{EVP_CIPHER_CTX_new()};
};

class OpensslCmac final : public xrm::Mac {
 public:
  bool set_up(Bytes key) {
    const Owned<EVP_MAC> mac(EVP_MAC_fetch(nullptr, "CMAC", nullptr));
    if (mac == nullptr) return false;
    context_.reset(EVP_MAC_CTX_new(mac.get()));
    std::string cipher = "AES-128-CBC";
    const std::array params{
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_CIPHER, cipher.data(), 0),
        OSSL_PARAM_construct_end()};
    return context_ != nullptr &&
           EVP_MAC_init(context_.get(), octets(key), key.size(), params.data()) == 1;
  }

  std::optional<xrm::MacValue> mac(std::span<const Bytes> pieces) noexcept override {
    // Without a key: the same key once more, from its beginning.
    if (EVP_MAC_init(context_.get(), nullptr, 0, nullptr) != 1) return std::nullopt;
    for (const Bytes piece : pieces)
      if (!piece.empty() && EVP_MAC_update(context_.get(), octets(piece), piece.size()) != 1)
        return std::nullopt;
    xrm::MacValue value;
    std::size_t size = 0;
    if (EVP_MAC_final(context_.get(), octets(MutableBytes(value)), &size, value.size()) != 1 ||
        size != value.size())
      return std::nullopt;
    return value;
  }

 private:
  Owned<EVP_MAC_CTX> context_;
};

class Openssl final : public xrm::Crypto {
 public:
  Result<std::unique_ptr<xrm::Aead>> aead(Algorithm algorithm, Bytes key) const override {
    if (key.size() != xrm::key_bytes(algorithm))
      return fail(Errc::out_of_range, "the key has the wrong size for its algorithm");
    auto made = std::make_unique<OpensslAead>();
    if (!made->set_up(algorithm, key))
      return fail(Errc::unavailable, "OpenSSL does not offer this algorithm here");
    return made;
  }

  Result<std::unique_ptr<xrm::Mac>> aes_128_cmac(Bytes key) const override {
    if (key.size() != xrm::mac_key_bytes)
      return fail(Errc::out_of_range, "a key of AES-128-CMAC has 16 octets");
    auto made = std::make_unique<OpensslCmac>();
    if (!made->set_up(key)) return fail(Errc::unavailable, "OpenSSL does not offer CMAC here");
    return made;
  }

  std::string name() const override {
    return std::string("OpenSSL ") + OpenSSL_version(OPENSSL_VERSION_STRING);
  }
};

}  // namespace

std::unique_ptr<xrm::Crypto> make_openssl() { return std::make_unique<Openssl>(); }

}  // namespace lobo::adapters::aead
