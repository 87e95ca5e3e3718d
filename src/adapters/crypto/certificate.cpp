#include "adapters/crypto/certificate.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <ctime>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace lobo::adapters::crypto {
namespace {

struct FreeMore {
  void operator()(BIGNUM* number) const noexcept { BN_free(number); }
  void operator()(X509_EXTENSION* extension) const noexcept { X509_EXTENSION_free(extension); }
  void operator()(BIO* bio) const noexcept { BIO_free(bio); }
};

tl::unexpected<Error> failed(std::string_view doing) {
  std::array<char, 160> words{};
  ERR_error_string_n(ERR_get_error(), words.data(), words.size());
  return fail(Errc::internal, fmt::format("OpenSSL: {}: {}", doing, words.data()));
}

/// RFC 5280 clause 4.1.2.2: unique and positive; 127 random bits are.
bool set_serial(X509* certificate) {
  const std::unique_ptr<BIGNUM, FreeMore> number(BN_new());
  return number && BN_rand(number.get(), 127, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) == 1 &&
         BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr;
}

bool set_time(ASN1_TIME* field, Instant at) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(at).time_since_epoch().count();
  return ASN1_TIME_set(field, static_cast<std::time_t>(seconds)) != nullptr;
}

bool set_name(X509* certificate, const std::string& name) {
  const std::vector<unsigned char> bytes(name.begin(), name.end());
  return X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
                                    bytes.data(), static_cast<int>(bytes.size()), -1, 0) == 1;
}

bool add_extension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context{};
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const std::unique_ptr<X509_EXTENSION, FreeMore> extension(
      X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

using Extensions = std::vector<std::pair<int, std::string>>;

Extensions extensions_of(const CertificateRequest& request) {
  Extensions all;
  if (request.usage == Usage::authority) {
    all = {{NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
           {NID_key_usage, "critical,keyCertSign,cRLSign"},
           {NID_subject_key_identifier, "hash"}};
  } else {
    all = {{NID_basic_constraints, "critical,CA:FALSE"},
           {NID_key_usage, "critical,digitalSignature"},
           {NID_ext_key_usage, request.usage == Usage::server ? "serverAuth" : "clientAuth"},
           {NID_subject_key_identifier, "hash"},
           {NID_authority_key_identifier, "keyid"}};
  }
  if (!request.also.empty())
    all.emplace_back(NID_subject_alt_name, fmt::format("{}", fmt::join(request.also, ",")));
  return all;
}

template <class Write>
Result<std::string> pem(Write write) {
  const std::unique_ptr<BIO, FreeMore> bio(BIO_new(BIO_s_mem()));
  if (!bio || write(bio.get()) != 1) return failed("write PEM");
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return std::string(data, static_cast<std::size_t>(size));
}

}  // namespace

void FreeOpenssl::operator()(evp_pkey_st* key) const noexcept { EVP_PKEY_free(key); }
void FreeOpenssl::operator()(x509_st* certificate) const noexcept { X509_free(certificate); }

Result<Identity> make_identity(const CertificateRequest& request, const Identity* issuer) {
  Identity made;
  made.key.reset(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
  made.certificate.reset(X509_new());
  if (!made.key || !made.certificate) return failed("make a key");
  X509* certificate = made.certificate.get();
  X509* signer = issuer == nullptr ? certificate : issuer->certificate.get();
  const bool set = X509_set_version(certificate, X509_VERSION_3) == 1 && set_serial(certificate) &&
                   set_time(X509_getm_notBefore(certificate), request.from) &&
                   set_time(X509_getm_notAfter(certificate), request.until) &&
                   set_name(certificate, request.name) &&
                   X509_set_issuer_name(certificate, X509_get_subject_name(signer)) == 1 &&
                   X509_set_pubkey(certificate, made.key.get()) == 1;
  if (!set) return failed("fill a certificate");
  for (const auto& [nid, value] : extensions_of(request))
    if (!add_extension(certificate, signer, nid, value))
      return failed(fmt::format("extend a certificate by {}", value));
  EVP_PKEY* signing = issuer == nullptr ? made.key.get() : issuer->key.get();
  if (X509_sign(certificate, signing, EVP_sha256()) == 0) return failed("sign a certificate");
  return made;
}

Result<std::string> certificate_pem(const Identity& identity) {
  return pem([&](BIO* bio) { return PEM_write_bio_X509(bio, identity.certificate.get()); });
}

Result<std::string> key_pem(const Identity& identity) {
  return pem([&](BIO* bio) {
    return PEM_write_bio_PrivateKey(bio, identity.key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  });
}

}  // namespace lobo::adapters::crypto
