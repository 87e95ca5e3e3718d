#include "adapters/quic/ngtcp2/tls.hpp"

#include <fmt/format.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <ngtcp2/ngtcp2_crypto_gnutls.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "adapters/quic/quic.hpp"
#include "base/result.hpp"
#include "model/address.hpp"

namespace lobo::adapters::quic {
namespace {

// TLS 1.3 alone and the suites that QUIC version 1 has (RFC 9001 clause 5.3); no compatibility
// mode, which QUIC forbids (clause 8.4).
constexpr const char* priorities =
    "%DISABLE_TLS13_COMPAT_MODE:NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:+AES-128-GCM:+AES-256-"
    "GCM:"
    "+CHACHA20-POLY1305:+AES-128-CCM:-GROUP-ALL:+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1";
// Only for the size of a table in GnuTLS, which takes eight.
constexpr std::size_t protocols_max = 8;

std::string reason(int code) { return gnutls_strerror(code); }

Result<TlsSession> fresh_session(unsigned flags, gnutls_certificate_credentials_t held,
                                 SessionOwner& owner) {
  gnutls_session_t raw = nullptr;
  // No tickets and no early data: what is replayed there could open a flow a second time.
  if (const int failed =
          gnutls_init(&raw, flags | GNUTLS_NO_AUTO_SEND_TICKET | GNUTLS_NO_END_OF_EARLY_DATA);
      failed != 0)
    return fail(Errc::internal, "TLS: " + reason(failed));
  TlsSession session(raw);
  if (const int failed = gnutls_priority_set_direct(raw, priorities, nullptr); failed != 0)
    return fail(Errc::internal, "TLS: " + reason(failed));
  if (const int failed = gnutls_credentials_set(raw, GNUTLS_CRD_CERTIFICATE, held); failed != 0)
    return fail(Errc::internal, "TLS: " + reason(failed));
  gnutls_session_set_ptr(raw, &owner.reference);
  return session;
}

}  // namespace

Credentials::~Credentials() {
  if (held_ != nullptr) gnutls_certificate_free_credentials(held_);
}

Result<std::shared_ptr<Credentials>> Credentials::server(const Settings& settings) {
  std::shared_ptr<Credentials> made(new Credentials);
  if (gnutls_certificate_allocate_credentials(&made->held_) != 0)
    return fail(Errc::internal, "TLS: out of memory");
  if (const int failed =
          gnutls_certificate_set_x509_key_file(made->held_, settings.certificate_file.c_str(),
                                               settings.key_file.c_str(), GNUTLS_X509_FMT_PEM);
      failed < 0)
    return fail(Errc::malformed,
                fmt::format("certificate {} with key {}: {}", settings.certificate_file,
                            settings.key_file, reason(failed)));
  made->protocols_ = settings.protocols;
  return made;
}

Result<std::shared_ptr<Credentials>> Credentials::client(
    const Trust& trust, const std::vector<std::string>& protocols) {
  std::shared_ptr<Credentials> made(new Credentials);
  if (gnutls_certificate_allocate_credentials(&made->held_) != 0)
    return fail(Errc::internal, "TLS: out of memory");
  made->digest_ = trust.certificate_sha256;
  made->protocols_ = protocols;
  if (made->digest_) return made;
  const int taken = trust.ca_file.empty()
                        ? gnutls_certificate_set_x509_system_trust(made->held_)
                        : gnutls_certificate_set_x509_trust_file(made->held_, trust.ca_file.c_str(),
                                                                 GNUTLS_X509_FMT_PEM);
  if (taken < 0)
    return fail(Errc::malformed, fmt::format("CA {}: {}", trust.ca_file, reason(taken)));
  return made;
}

Result<void> Credentials::name_protocols(gnutls_session_t session) const {
  std::array<gnutls_datum_t, protocols_max> names{};
  std::vector<std::string> held(
      protocols_.begin(),
      protocols_.begin() + static_cast<std::ptrdiff_t>(std::min(protocols_.size(), protocols_max)));
  for (std::size_t i = 0; i < held.size(); ++i)
    names[i] = {.data = reinterpret_cast<unsigned char*>(held[i].data()),
                .size = static_cast<unsigned>(held[i].size())};
  const int failed =
      gnutls_alpn_set_protocols(session, names.data(), static_cast<unsigned>(held.size()),
                                GNUTLS_ALPN_MANDATORY | GNUTLS_ALPN_SERVER_PRECEDENCE);
  if (failed != 0) return fail(Errc::internal, "ALPN: " + reason(failed));
  return {};
}

Result<TlsSession> Credentials::accept(SessionOwner& owner) const {
  auto session = fresh_session(GNUTLS_SERVER, held_, owner);
  if (!session) return session;
  if (ngtcp2_crypto_gnutls_configure_server_session(session->get()) != 0)
    return fail(Errc::internal, "TLS: cannot serve QUIC");
  if (auto named = name_protocols(session->get()); !named) return fail(named.error());
  return session;
}

Result<TlsSession> Credentials::connect(SessionOwner& owner, const std::string& name) const {
  auto session = fresh_session(GNUTLS_CLIENT, held_, owner);
  if (!session) return session;
  if (ngtcp2_crypto_gnutls_configure_client_session(session->get()) != 0)
    return fail(Errc::internal, "TLS: cannot ask by QUIC");
  if (auto named = name_protocols(session->get()); !named) return fail(named.error());
  // An address is no server name (RFC 6066 clause 3), but what a certificate may be for.
  if (!name.empty() && !model::parse_ip_address(name))
    (void)gnutls_server_name_set(session->get(), GNUTLS_NAME_DNS, name.data(), name.size());
  if (digest_) {
    owner.credentials = this;
    gnutls_session_set_verify_function(session->get(), &Credentials::check_digest);
  } else {
    owner.peer = name;
    gnutls_session_set_verify_cert(session->get(),
                                   owner.peer.empty() ? nullptr : owner.peer.c_str(), 0);
  }
  return session;
}

int Credentials::check_digest(gnutls_session_t session) {
  const auto* owner = static_cast<const SessionOwner*>(gnutls_session_get_ptr(session));
  unsigned count = 0;
  const gnutls_datum_t* chain = gnutls_certificate_get_peers(session, &count);
  std::array<std::uint8_t, 32> digest{};
  if (chain == nullptr || count == 0 ||
      gnutls_hash_fast(GNUTLS_DIG_SHA256, chain[0].data, chain[0].size, digest.data()) != 0)
    return -1;
  return digest == *owner->credentials->digest_ ? 0 : -1;
}

std::string protocol_of(gnutls_session_t session) {
  gnutls_datum_t chosen{};
  if (gnutls_alpn_get_selected_protocol(session, &chosen) != 0) return {};
  std::string name(chosen.size, '\0');
  std::transform(chosen.data, chosen.data + chosen.size, name.begin(),
                 [](unsigned char octet) { return static_cast<char>(octet); });
  return name;
}

Result<std::array<std::uint8_t, 32>> certificate_sha256(const std::string& pem_file) {
  gnutls_datum_t text{};
  if (const int failed = gnutls_load_file(pem_file.c_str(), &text); failed != 0)
    return fail(Errc::unavailable, fmt::format("{}: {}", pem_file, reason(failed)));
  gnutls_x509_crt_t leaf = nullptr;
  (void)gnutls_x509_crt_init(&leaf);
  std::array<std::uint8_t, 32> digest{};
  std::size_t size = digest.size();
  int failed = gnutls_x509_crt_import(leaf, &text, GNUTLS_X509_FMT_PEM);
  if (failed == 0)
    failed = gnutls_x509_crt_get_fingerprint(leaf, GNUTLS_DIG_SHA256, digest.data(), &size);
  gnutls_x509_crt_deinit(leaf);
  gnutls_free(text.data);
  if (failed != 0)
    return fail(Errc::malformed, fmt::format("certificate {}: {}", pem_file, reason(failed)));
  return digest;
}

}  // namespace lobo::adapters::quic
