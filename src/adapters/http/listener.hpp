#pragma once
// Accepts connections and opens a Transport for each. No Asio is seen here.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "adapters/http/loop.hpp"
#include "adapters/http/session.hpp"
#include "adapters/http/tls.hpp"
#include "base/result.hpp"

namespace lobo::adapters {

struct ListenerConfig {
  std::string address;
  std::uint16_t port = 0;
  std::size_t connections_max = 0;
  std::size_t unsent_bytes_max = 0;
  std::chrono::milliseconds handshake_timeout{};
  std::chrono::milliseconds write_timeout{};
  /// A connection ended before its handshake did. May be null.
  std::function<void(const std::string& address, TlsFailure, std::string_view why)>
      handshake_failed;
};

class Listener {
 public:
  Listener() = default;
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  virtual ~Listener() = default;  ///< aborts all its connections
  virtual std::uint16_t port() const = 0;
  /// For connections accepted from now on; null: plain TCP.
  virtual void set_tls(std::shared_ptr<TlsContext> context) = 0;
  virtual std::size_t connections() const = 0;
  virtual std::uint64_t refused() const = 0;  ///< closed because connections_max was reached
  virtual void stop_accepting() = 0;
  /// Asks every session to drain; `drained` is called once when the last connection is gone.
  virtual void drain(std::function<void()> drained) = 0;
  virtual void abort_all() = 0;
};

Result<std::unique_ptr<Listener>> open_listener(EventLoop& loop, const ListenerConfig& config,
                                                SessionFactory factory);

}  // namespace lobo::adapters
