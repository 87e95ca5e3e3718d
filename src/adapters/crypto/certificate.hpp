#pragma once
// Keys and X.509 certificates (RFC 5280) of the laboratory's authority, made with OpenSSL.

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"

struct evp_pkey_st;
struct x509_st;

namespace lobo::adapters::crypto {

struct FreeOpenssl {
  void operator()(evp_pkey_st* key) const noexcept;
  void operator()(x509_st* certificate) const noexcept;
};

struct Identity {
  std::unique_ptr<evp_pkey_st, FreeOpenssl> key;
  std::unique_ptr<x509_st, FreeOpenssl> certificate;
};

enum class Usage : std::uint8_t { authority, server, client };

struct CertificateRequest {
  std::string name;               ///< the subject's common name
  std::vector<std::string> also;  ///< subject alternative names: "DNS:…", "IP:…"
  Usage usage{};
  Instant from;
  Instant until;
};

/// A P-256 key with its certificate, signed by `issuer`, or by itself where that is null.
Result<Identity> make_identity(const CertificateRequest& request, const Identity* issuer);

Result<std::string> certificate_pem(const Identity& identity);
Result<std::string> key_pem(const Identity& identity);

}  // namespace lobo::adapters::crypto
