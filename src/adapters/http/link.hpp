#pragma once
// One TCP connection, with or without TLS, and the session on it. Includes Asio: for link.cpp,
// listener.cpp and dialer.cpp alone.

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "adapters/http/asio_loop.hpp"
#include "adapters/http/session.hpp"
#include "adapters/http/tls.hpp"

namespace lobo::adapters {

struct LinkLimits {
  std::size_t unsent_bytes_max = 262144;  ///< of output, beyond it nothing is read
  std::chrono::milliseconds handshake_timeout{10000};
  std::chrono::milliseconds write_timeout{
      30000};           ///< a peer that takes no byte for so long is gone
  bool linger = false;  ///< read on after the last answer, so that a reset does not destroy it
};
inline constexpr std::chrono::milliseconds linger_time_max{1000};
inline constexpr std::size_t linger_bytes_max = 1048576;
/// A connection that was quiet for so long gives its read buffer back.
inline constexpr std::chrono::milliseconds quiet_time{1000};

class Link final : public Transport, public std::enable_shared_from_this<Link> {
 public:
  using Gone = std::function<void(Link&, std::string_view why)>;

  Link(EventLoop& loop, Socket socket, LinkLimits limits, std::unique_ptr<TlsEngine> tls);
  ~Link() override;

  /// Shakes hands where there is TLS, then makes the session. `gone` is called once, at the end,
  /// also where no session came to be.
  void open(SessionFactory factory, Gone gone);
  void drain();
  void wake() override;
  void abort() override { close("aborted"); }

  /// For `gone`: whether there never was a session, and what TLS had against it.
  bool shook_hands() const { return !tls_ || tls_->is_established(); }
  TlsFailure tls_failure() const { return tls_ ? tls_->failure() : TlsFailure{}; }
  const std::string& peer_address() const { return peer_address_; }

 private:
  void establish(SteadyTime now);
  void read();
  void on_read(const boost::system::error_code& error, std::size_t size);
  void on_readable(const boost::system::error_code& error);
  void take(std::string_view wire, SteadyTime now);
  void take_end(SteadyTime now);
  void settle(SteadyTime now);
  void flush(SteadyTime now);
  bool collect(SteadyTime now);
  void write_remains(SteadyTime now);
  void await_writable();
  void finish(SteadyTime now);
  void watch(SteadyTime now);
  void on_timer();
  void close(std::string_view why);
  bool may_read() const;

  EventLoop& loop_;
  Socket socket_;
  LinkLimits limits_;
  std::unique_ptr<TlsEngine> tls_;
  std::string peer_address_;
  SessionFactory factory_;
  Gone gone_;
  std::shared_ptr<Session> session_;
  ReadBuffer buffer_;
  std::string unsent_;
  std::size_t sent_ = 0;  ///< of unsent_
  SteadyTime last_read_{};
  SteadyTime handshake_deadline_ = never;
  SteadyTime write_deadline_ = never;
  SteadyTime linger_deadline_ = never;
  std::size_t lingered_bytes_ = 0;
  SteadyTime armed_ = never;
  runtime::Scheduler::TimerId timer_ = 0;
  bool reading_ = false;
  bool parked_ = false;  ///< waits for input without a buffer
  bool writing_ = false;
  bool waking_ = false;
  bool ended_ = false;  ///< the peer sends no more
  bool closed_ = false;
};

}  // namespace lobo::adapters
