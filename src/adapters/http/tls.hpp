#pragma once
// TLS over memory: cipher text in, plain text out, and back. OpenSSL is seen by tls.cpp alone.

#include <functional>
#include <memory>
#include <optional>
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

class TlsEngine {
 public:
  static std::unique_ptr<TlsEngine> server(std::shared_ptr<TlsContext> context);
  /// `host` is what the certificate must be for: a name or an address.
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

  struct Impl;

 private:
  explicit TlsEngine(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace lobo::adapters
