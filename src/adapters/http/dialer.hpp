#pragma once
// Resolves a host once, checks every address, connects to one of them. No Asio is seen here.

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "adapters/http/loop.hpp"
#include "adapters/http/resolve.hpp"
#include "adapters/http/session.hpp"
#include "adapters/http/tls.hpp"
#include "base/result.hpp"

namespace lobo::adapters {

/// Addresses of one name that are tried.
inline constexpr std::size_t dial_addresses_max = 8;

struct Dial {
  std::string host;  ///< a name or a literal address
  std::uint16_t port = 0;
  std::shared_ptr<TlsContext> tls;  ///< null: plain TCP
  /// In an exporting context: the session asks whom the certificate is for, not the handshake.
  bool session_checks_name = false;
  /// Called in front of `failed` where it was TLS that failed. May be null.
  std::function<void(TlsFailure)> tls_failed;
  std::chrono::milliseconds timeout{};  ///< resolving, connecting and the handshake together
  std::chrono::milliseconds write_timeout{};
  std::function<bool(std::string_view host, std::string_view address)> admits;  ///< null: all
  Resolve resolve;  ///< null: the system's
};

/// Makes the session of a connection that is up; or `failed` is called, once. Neither is called
/// within dial().
void dial(EventLoop& loop, Dial what, SessionFactory factory, std::function<void(Error)> failed);

}  // namespace lobo::adapters
