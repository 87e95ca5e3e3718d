#pragma once
// TLS over memory: cipher text in, plain text out, and back. OpenSSL is seen by tls.cpp alone.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "adapters/http/tls_files.hpp"
#include "base/result.hpp"

namespace lobo::adapters {

class TlsContext;  ///< certificates and policy, shared by the connections made under it

Result<std::shared_ptr<TlsContext>> make_server_tls(const TlsFiles& files,
                                                    ClientCertificates wanted);
/// `http2`: h2 is offered by ALPN before http/1.1; `http2_only`: nothing else is offered.
Result<std::shared_ptr<TlsContext>> make_client_tls(const ClientTlsFiles& files, bool http2,
                                                    bool http2_only);

/// For connections that keys are taken from (TlsEngine::export_secret): TLS 1.3 and nothing before
/// it, certificates at both ends, and neither resumption nor early data, so that each connection
/// has secrets of its own from an exchange of its own. `alpn` is the one protocol that is spoken.
Result<std::shared_ptr<TlsContext>> make_exporting_server_tls(const TlsFiles& files,
                                                              const std::string& alpn);
/// As above. Whom the server's certificate is for is asked by TlsEngine::peer_is().
Result<std::shared_ptr<TlsContext>> make_exporting_client_tls(const ClientTlsFiles& files,
                                                              const std::string& alpn);
/// The first DNS name of our own certificate.
std::optional<std::string> own_dns_name(const TlsContext& context);

/// Why TLS failed, as far as somebody can do something about it.
enum class TlsFault : std::uint8_t {
  none,
  authority_unknown,
  certificate_expired,
  certificate_not_yet_valid,
  certificate_missing,
  certificate_refused,
  other,
};
struct TlsFailure {
  TlsFault fault = TlsFault::none;
  bool told_by_peer = false;  ///< by an alert
};

class TlsEngine {
 public:
  static std::unique_ptr<TlsEngine> server(std::shared_ptr<TlsContext> context);
  /// `host` is what the certificate must be for: a name or an address. Empty, in an exporting
  /// context: the session asks peer_is() before it says anything.
  static std::unique_ptr<TlsEngine> client(std::shared_ptr<TlsContext> context,
                                           const std::string& host);
  ~TlsEngine();
  TlsEngine(const TlsEngine&) = delete;
  TlsEngine& operator=(const TlsEngine&) = delete;

  /// Takes all of `wire`. `established` is called when the handshake ends, `plain` for each piece
  /// of plain text. Error: the connection is broken; what wire_output() holds (an alert) may still
  /// go out.
  Result<void> receive(std::string_view wire, const std::function<void()>& established,
                       const std::function<void(std::string_view)>& plain);
  /// A client's first flight.
  Result<void> begin();
  Result<void> send(std::string_view plain);
  void close_notify();
  bool peer_closed() const;  ///< close_notify was received

  /// Cipher text to be written; the caller empties it.
  std::string& wire_output();

  bool is_established() const;
  std::string alpn() const;
  /// SAN URI, DNS name, else CN of the verified peer certificate.
  std::optional<std::string> peer_subject() const;
  /// A DNS name of the verified peer certificate is exactly this one; its common name is not asked.
  bool peer_is(const std::string& name) const;
  TlsFailure failure() const;

  /// RFC 8446 clause 7.5: octets that the other end gets as well and nobody else, for a connection
  /// of an exporting context. Fills `out`; refuses where that would not be so.
  Result<void> export_secret(std::string_view label, std::span<const std::byte> context,
                             std::span<std::byte> out) const;

  struct Impl;

 private:
  explicit TlsEngine(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace lobo::adapters
