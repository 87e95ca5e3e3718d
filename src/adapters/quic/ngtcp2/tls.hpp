#pragma once
// TLS 1.3 below QUIC, by GnuTLS: certificates of an endpoint, and one session a connection. ngtcp2
// carries the messages and takes the keys.

#include <gnutls/gnutls.h>
#include <ngtcp2/ngtcp2_crypto.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "adapters/quic/quic.hpp"
#include "base/result.hpp"

namespace lobo::adapters::quic {

struct FreeSession {
  void operator()(gnutls_session_t session) const { gnutls_deinit(session); }
};
using TlsSession = std::unique_ptr<std::remove_pointer_t<gnutls_session_t>, FreeSession>;

class Credentials;

/// What a session knows of its connection. The first member is what ngtcp2 looks for there.
struct SessionOwner {
  ngtcp2_crypto_conn_ref reference{};
  const Credentials* credentials = nullptr;
  std::string peer;  ///< whom the certificate must name; GnuTLS keeps the pointer, not the text
};

/// Whom we are, or whom we trust; shared by the sessions made with it.
class Credentials {
 public:
  static Result<std::shared_ptr<Credentials>> server(const Settings& settings);
  static Result<std::shared_ptr<Credentials>> client(const Trust& trust,
                                                     const std::vector<std::string>& protocols);
  ~Credentials();
  Credentials(const Credentials&) = delete;
  Credentials& operator=(const Credentials&) = delete;

  Result<TlsSession> accept(SessionOwner& owner) const;
  /// `name`: what the certificate must be for, unless it is known by its digest.
  Result<TlsSession> connect(SessionOwner& owner, const std::string& name) const;

 private:
  Credentials() = default;
  static int check_digest(gnutls_session_t session);
  Result<void> name_protocols(gnutls_session_t session) const;

  gnutls_certificate_credentials_t held_ = nullptr;
  std::vector<std::string> protocols_;
  std::optional<std::array<std::uint8_t, 32>> digest_;
};

/// The protocol that both ends agreed on.
std::string protocol_of(gnutls_session_t session);

}  // namespace lobo::adapters::quic
