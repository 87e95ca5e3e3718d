#pragma once
// The relay on an event loop: its links are those of QUIC, of browsers, or of WebSockets, whatever
// is added as a carrier. Here stream numbers become the relay's control stream and its messages,
// and time comes in.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "adapters/http/loop.hpp"
#include "adapters/http/steady_clock.hpp"
#include "adapters/quic/links.hpp"
#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "relay/limits.hpp"
#include "relay/ports.hpp"
#include "relay/relay.hpp"
#include "relay/report.hpp"
#include "wire/sdd/control.hpp"
#include "wire/sdd/token.hpp"

namespace lobo::app {

using adapters::SteadyWallClock;

class RelayNode final : private relay::Links {
 public:
  /// `told` hears of each link that opens or closes, for a log, and of flows that changed.
  struct Told {
    std::function<void(relay::LinkId, const adapters::quic::Opened&)> opened;
    std::function<void(relay::LinkId, const adapters::quic::Closed&)> closed;
    std::function<void()> flows_changed = nullptr;  ///< there is something in changes()
  };

  /// `loop`, `clock` and `verifier` outlive it.
  RelayNode(adapters::EventLoop& loop, const Clock& clock, std::string name,
            const sdd::TokenVerifier& verifier, const relay::Limits& limits, Told told);
  ~RelayNode() override;

  /// Links of one kind come in here; it is told what they stand on before the first does.
  class Carrier final : public adapters::quic::LinkEvents {
   public:
    explicit Carrier(RelayNode& node) : node_(node) {}
    void stand_on(adapters::quic::Links& links) { links_ = &links; }

    void on_opened(adapters::quic::LinkId link, const adapters::quic::Opened& opened) override;
    void on_datagram(adapters::quic::LinkId link, Bytes datagram) override;
    void on_stream(adapters::quic::LinkId link, adapters::quic::StreamNo stream, Bytes octets,
                   bool end) override;
    void on_stream_reset(adapters::quic::LinkId link, adapters::quic::StreamNo stream,
                         std::uint64_t code) override;
    void on_acked(adapters::quic::LinkId link, std::uint64_t tag) override;
    void on_lost(adapters::quic::LinkId link, std::uint64_t tag) override;
    void on_closed(adapters::quic::LinkId link, const adapters::quic::Closed& closed) override;

   private:
    friend class RelayNode;
    std::optional<relay::LinkId> find(adapters::quic::LinkId link) const;

    RelayNode& node_;
    adapters::quic::Links* links_ = nullptr;
    std::unordered_map<adapters::quic::LinkId, relay::LinkId> ids_;
  };
  Carrier& add_carrier() { return carriers_.emplace_back(*this); }

  Result<void> take(const relay::Order& order);
  relay::Reports report() { return relay_.report(clock_.now()); }
  relay::Reports changes() { return relay_.changes(); }
  std::vector<relay::Replica> replica(std::string_view room, sdd::Alias alias) {
    return relay_.replica(room, alias);
  }
  void bind(const relay::Tenure& tenure);
  void stop();
  const relay::Relay& relay() const { return relay_; }
  std::uint64_t links_opened() const { return opened_; }

 private:
  struct Peer {
    Carrier* carrier = nullptr;
    adapters::quic::LinkId link = 0;
    std::optional<relay::StreamNo> control;  ///< the first stream that it opened
    bool closing = false;
  };

  // relay::Links
  bool writable(relay::LinkId link) override;
  std::size_t datagram_max(relay::LinkId link) override;
  void send_datagram(relay::LinkId link, Bytes datagram, std::uint64_t tag) override;
  void send_control(relay::LinkId link, Bytes bytes) override;
  Result<relay::StreamNo> open_stream(relay::LinkId link) override;
  void write_stream(relay::LinkId link, relay::StreamNo stream, Bytes bytes, bool fin) override;
  void reset_stream(relay::LinkId link, relay::StreamNo stream) override;
  void close(relay::LinkId link, sdd::Cause cause, std::string_view reason) override;
  relay::PathStats stats(relay::LinkId link) override;

  Peer* find(relay::LinkId link);
  /// An acknowledgement makes room: links that were full are looked at when this turn has sent what
  /// waited.
  void look_at_full();
  /// After anything that came: its next moment may be another now.
  void look_ahead();
  void take_turn();
  /// Until nothing comes any more, or until then.
  void listen(Instant until, std::uint64_t heard, int quiet);

  adapters::EventLoop& loop_;
  const Clock& clock_;
  relay::Limits limits_;
  Told told_;
  std::list<Carrier> carriers_;
  std::unordered_map<relay::LinkId, Peer> peers_;
  std::set<relay::LinkId> full_;  ///< the relay found them not writable
  bool looks_at_full_ = false;
  relay::LinkId last_ = 0;
  std::uint64_t opened_ = 0;
  std::optional<adapters::EventLoop::TimerId> timer_;
  Instant timer_at_{};
  bool listens_ = false;     ///< after a turn: the relay is given no other one
  std::uint64_t heard_ = 0;  ///< how often something came
  std::shared_ptr<bool> here_ = std::make_shared<bool>(true);  ///< for work that was posted
  relay::Relay relay_;
};

}  // namespace lobo::app
