#pragma once
// An emulated native client in the demo's room: real QUIC, a real flow token, poses of its own; it
// counts what it sees.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "adapters/http/loop.hpp"
#include "adapters/quic/links.hpp"
#include "adapters/quic/quic.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"
#include "demo_avatars/body.hpp"
#include "relay/client.hpp"
#include "relay/measure/histogram.hpp"
#include "wire/json/value.hpp"
#include "wire/sdd/control.hpp"
#include "wire/sdd/types.hpp"

namespace lobo::app {

/// What a session granted to a UE.
struct NativeGrant {
  std::string session;
  std::vector<std::byte> token;
  sdd::FlowId flow = 0;
  sdd::Alias alias = 0;
};
/// Out of the enabler's answer; refused where it granted nothing.
Result<NativeGrant> grant_of(const json::Value& session);

class NativeAvatar final : private adapters::quic::LinkEvents, private relay::ClientSink {
 public:
  struct Seen {
    std::string asset;
    std::uint64_t states = 0;
    relay::Histogram ages;  ///< microseconds
  };

  /// `loop` outlives it.
  NativeAvatar(adapters::EventLoop& loop, std::string name, Stand stand, NativeGrant grant,
               adapters::quic::Target target);
  ~NativeAvatar() override;
  /// Goes there, and comes back whenever the link is lost.
  Result<void> start();
  /// Says that it leaves, and does.
  void leave();

  const std::string& name() const { return name_; }
  bool up() const { return up_; }
  std::uint64_t published() const { return published_; }
  std::uint64_t returns() const { return returns_; }
  std::uint8_t tier() const { return tier_.tier; }
  const std::map<sdd::Alias, Seen>& seen() const { return seen_; }

 private:
  // quic::LinkEvents
  void on_opened(adapters::quic::LinkId link, const adapters::quic::Opened& opened) override;
  void on_datagram(adapters::quic::LinkId link, Bytes datagram) override;
  void on_stream(adapters::quic::LinkId link, adapters::quic::StreamNo stream, Bytes octets,
                 bool end) override;
  void on_stream_reset(adapters::quic::LinkId, adapters::quic::StreamNo, std::uint64_t) override {}
  void on_acked(adapters::quic::LinkId, std::uint64_t) override {}
  void on_lost(adapters::quic::LinkId, std::uint64_t) override {}
  void on_closed(adapters::quic::LinkId link, const adapters::quic::Closed& why) override;
  // relay::ClientSink
  void send_datagram(Bytes datagram) override;
  void send_control(Bytes bytes) override;
  void received(const relay::Received& state) override;
  void told(const sdd::ControlMessage& message) override;

  void connect();
  void tick();

  adapters::EventLoop& loop_;
  std::string name_;
  Stand stand_;
  NativeGrant grant_;
  adapters::quic::Target target_;
  relay::ClientCore core_;
  std::unique_ptr<adapters::quic::Endpoint> endpoint_;
  adapters::quic::LinkId link_ = 0;
  std::optional<adapters::quic::StreamNo> control_;
  std::optional<adapters::EventLoop::TimerId> timer_;
  std::chrono::steady_clock::time_point next_;
  std::chrono::steady_clock::time_point publish_at_;
  bool up_ = false;
  bool leaving_ = false;
  sdd::Tier tier_;
  std::uint64_t published_ = 0;
  std::uint64_t returns_ = 0;
  std::map<sdd::Alias, Seen> seen_;
};

}  // namespace lobo::app
