#pragma once
// A session of the enabler's client on an event loop: connections are QUIC, requests HTTP.

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "adapters/http/client.hpp"
#include "adapters/http/loop.hpp"
#include "adapters/http/steady_clock.hpp"
#include "adapters/quic/links.hpp"
#include "adapters/quic/quic.hpp"
#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/rng.hpp"
#include "mmec/meter.hpp"
#include "mmec/ports.hpp"
#include "mmec/session.hpp"
#include "mmec/types.hpp"
#include "relay/ports.hpp"
#include "wire/http/message.hpp"
#include "wire/sdd/control.hpp"
#include "wire/sdd/types.hpp"

namespace lobo::app {

/// "127.0.0.1:4433", "[::1]:4433", also behind "quic://".
Result<mmec::Place> mmec_place(std::string_view text);
/// Another way to a node: "192.0.2.7" to leave from, "@192.0.2.1:4433" to go to, or both.
Result<mmec::Place> mmec_way(std::string_view text);
/// 64 hexadecimal digits, also behind "sha256:".
Result<std::array<std::uint8_t, mmec::certificate_bytes>> mmec_certificate(std::string_view text);

class MmecClient final : private mmec::Network, private adapters::quic::LinkEvents {
 public:
  struct Ports {
    adapters::EventLoop& loop;
    Rng& rng;
    mmec::Application& application;
    std::string ca_file;  ///< where a node's certificate is not known by its hash
  };
  /// What `ports` names outlives it.
  static Result<std::unique_ptr<MmecClient>> open(mmec::Settings settings, const Ports& ports);
  ~MmecClient() override;

  Result<void> start();
  Result<std::optional<sdd::Sequence>> publish(sdd::FlowId flow, sdd::Component component,
                                               Bytes payload,
                                               std::optional<sdd::Sequence> base = {});
  Result<void> want(const sdd::Update& update);
  // From within what the application is told, these take effect afterwards.
  void use(mmec::Grant grant);
  void path_changed();
  void leave(bool end_session);

  const mmec::Session& session() const { return session_; }
  mmec::Stats stats() const { return session_.stats(); }

 private:
  MmecClient(mmec::Settings settings, const Ports& ports);

  // mmec::Network
  Result<mmec::ConnectionNo> connect(const mmec::Place& to) override;
  bool writable(mmec::ConnectionNo connection) override;
  bool send_datagram(mmec::ConnectionNo connection, Bytes datagram, std::uint64_t tag) override;
  Result<mmec::StreamNo> open_stream(mmec::ConnectionNo connection) override;
  Result<void> write_stream(mmec::ConnectionNo connection, mmec::StreamNo stream, Bytes bytes,
                            bool end) override;
  void reset_stream(mmec::ConnectionNo connection, mmec::StreamNo stream) override;
  void close(mmec::ConnectionNo connection, sdd::Cause cause, std::string_view reason) override;
  relay::PathStats stats(mmec::ConnectionNo connection) override;
  void ask(std::uint64_t number, http::Request request,
           std::chrono::milliseconds patience) override;

  // adapters::quic::LinkEvents
  void on_opened(adapters::quic::LinkId link, const adapters::quic::Opened& opened) override;
  void on_datagram(adapters::quic::LinkId link, Bytes datagram) override;
  void on_stream(adapters::quic::LinkId link, adapters::quic::StreamNo stream, Bytes octets,
                 bool end) override;
  void on_stream_reset(adapters::quic::LinkId link, adapters::quic::StreamNo stream,
                       std::uint64_t code) override;
  void on_acked(adapters::quic::LinkId link, std::uint64_t tag) override;
  void on_lost(adapters::quic::LinkId link, std::uint64_t tag) override;
  void on_closed(adapters::quic::LinkId link, const adapters::quic::Closed& closed) override;

  /// After anything that happened: the next moment may be another now.
  void look_ahead();
  void soon(std::function<void(Instant)> what);

  Ports ports_;
  adapters::SteadyWallClock clock_;
  adapters::HttpClient http_;
  std::unique_ptr<adapters::quic::Endpoint> endpoint_;
  std::optional<adapters::EventLoop::TimerId> timer_;
  Instant timer_at_{};
  std::shared_ptr<bool> here_ = std::make_shared<bool>(true);
  mmec::Session session_;
};

}  // namespace lobo::app
