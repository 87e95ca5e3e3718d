#include "relay_node/relay_node.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "adapters/http/loop.hpp"
#include "adapters/quic/links.hpp"
#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "relay/limits.hpp"
#include "relay/ports.hpp"
#include "relay/report.hpp"
#include "wire/sdd/control.hpp"
#include "wire/sdd/token.hpp"

namespace lobo::app {
namespace {

namespace quic = adapters::quic;

// After a turn everything that has come meanwhile is heard before the next one, for as long as the
// turn took at the most: otherwise, when there is more to do than time, states grow old in the
// socket, where none of them replaces another, while older ones are sent.
constexpr std::chrono::microseconds listen_max{50'000};

// RFC 9000 clause 2.1, and WebTransport's and WebSocket's numbers are made like them.
bool by_peer(quic::StreamNo stream) { return (stream & 1U) == 0; }
bool both_ways(quic::StreamNo stream) { return (stream & 2U) == 0; }

}  // namespace

// ---- what comes
// ---------------------------------------------------------------------------------------

std::optional<relay::LinkId> RelayNode::Carrier::find(quic::LinkId link) const {
  const auto found = ids_.find(link);
  return found == ids_.end() ? std::nullopt : std::optional(found->second);
}

void RelayNode::Carrier::on_opened(quic::LinkId link, const quic::Opened& opened) {
  const relay::LinkId id = ++node_.last_;
  ++node_.opened_;
  ids_[link] = id;
  node_.peers_[id] = {.carrier = this, .link = link, .control = {}, .closing = false};
  if (node_.told_.opened) node_.told_.opened(id, opened);
  node_.relay_.on_open(id, node_.clock_.now());
  node_.look_ahead();
}

void RelayNode::Carrier::on_datagram(quic::LinkId link, Bytes datagram) {
  ++node_.heard_;
  const auto id = find(link);
  if (!id) return;
  node_.relay_.on_datagram(*id, datagram, node_.clock_.now());
  node_.look_ahead();
}

void RelayNode::Carrier::on_stream(quic::LinkId link, quic::StreamNo stream, Bytes octets,
                                   bool end) {
  ++node_.heard_;
  const auto id = find(link);
  Peer* peer = id ? node_.find(*id) : nullptr;
  // What the other end says on a stream of ours is that it read it to its end.
  if (peer == nullptr || !by_peer(stream)) return;
  if (!peer->control && both_ways(stream)) peer->control = stream;
  if (stream == peer->control) {
    node_.relay_.on_control(*id, octets, node_.clock_.now());
    if (end) node_.close(*id, sdd::Cause::protocol, "the control stream ended");
  } else {
    node_.relay_.on_stream(*id, stream, octets, end, node_.clock_.now());
    // A message each: our half ends with theirs, and the stream is given back.
    if (end && both_ways(stream)) (void)links_->write_stream(link, stream, {}, true);
  }
  node_.look_ahead();
}

void RelayNode::Carrier::on_stream_reset(quic::LinkId link, quic::StreamNo stream, std::uint64_t) {
  const auto id = find(link);
  const Peer* peer = id ? node_.find(*id) : nullptr;
  if (peer == nullptr) return;
  if (stream == peer->control)
    node_.close(*id, sdd::Cause::protocol, "the control stream was reset");
  else
    node_.relay_.on_stream_reset(*id, stream);
}

void RelayNode::Carrier::on_acked(quic::LinkId link, std::uint64_t tag) {
  ++node_.heard_;
  const auto id = find(link);
  if (!id) return;
  node_.relay_.on_acked(*id, tag);
  if (node_.full_.contains(*id)) node_.look_at_full();
}
void RelayNode::Carrier::on_lost(quic::LinkId link, std::uint64_t tag) {
  if (const auto id = find(link)) node_.relay_.on_lost(*id, tag);
}

void RelayNode::Carrier::on_closed(quic::LinkId link, const quic::Closed& closed) {
  const auto id = find(link);
  if (!id) return;
  if (node_.told_.closed) node_.told_.closed(*id, closed);
  ids_.erase(link);
  node_.peers_.erase(*id);
  node_.full_.erase(*id);
  node_.relay_.on_closed(*id, node_.clock_.now());
  node_.look_ahead();
}

// ---- the node
// -----------------------------------------------------------------------------------------

RelayNode::RelayNode(adapters::EventLoop& loop, const Clock& clock, std::string name,
                     const sdd::TokenVerifier& verifier, const relay::Limits& limits, Told told)
    : loop_(loop),
      clock_(clock),
      limits_(limits),
      told_(std::move(told)),
      relay_(std::move(name), *this, verifier, limits_) {}

RelayNode::~RelayNode() {
  *here_ = false;
  if (timer_) loop_.cancel(*timer_);
}

Result<void> RelayNode::take(const relay::Order& order) {
  auto taken = relay_.take(order, clock_.now());
  look_ahead();
  return taken;
}

void RelayNode::bind(const relay::Tenure& tenure) {
  relay_.bind(tenure, clock_.now());
  look_ahead();
}

void RelayNode::stop() {
  relay_.stop(clock_.now());
  look_ahead();
}

void RelayNode::look_ahead() {
  if (told_.flows_changed && relay_.changed()) told_.flows_changed();
  const auto due = relay_.next_due();
  if (listens_ || !due || (timer_ && timer_at_ <= *due)) return;
  if (timer_) loop_.cancel(*timer_);
  timer_at_ = *due;
  const auto wait = std::max(*due - clock_.now(), std::chrono::microseconds{0});
  timer_ = loop_.after(wait, [this] {
    timer_.reset();
    take_turn();
  });
}

void RelayNode::take_turn() {
  const Instant began = clock_.now();
  listens_ = true;
  relay_.advance(began);
  // Behind what the carriers post to send what they were given.
  loop_.post([this, began, here = here_] {
    if (!*here) return;
    const Instant now = clock_.now();
    listen(now + std::min(now - began, listen_max), heard_, 0);
  });
}

void RelayNode::listen(Instant until, std::uint64_t heard, int quiet) {
  // What the sockets have may be behind this in the loop's queue: only the second silence counts.
  loop_.post([this, until, heard, quiet, here = here_] {
    if (!*here) return;
    const int silent = heard_ == heard ? quiet + 1 : 0;
    if (silent < 2 && clock_.now() < until) return listen(until, heard_, silent);
    listens_ = false;
    look_ahead();
  });
}

RelayNode::Peer* RelayNode::find(relay::LinkId link) {
  const auto found = peers_.find(link);
  return found == peers_.end() || found->second.closing ? nullptr : &found->second;
}

// ---- what the relay wants
// -----------------------------------------------------------------------------

bool RelayNode::writable(relay::LinkId link) {
  const Peer* peer = find(link);
  const bool free = peer != nullptr && peer->carrier->links_->writable(peer->link);
  if (peer != nullptr && !free) full_.insert(link);
  return free;
}

void RelayNode::look_at_full() {
  if (looks_at_full_) return;
  looks_at_full_ = true;
  loop_.post([this, here = here_] {
    if (!*here) return;
    looks_at_full_ = false;
    // Whoever is full again meanwhile is put back.
    for (const relay::LinkId link : std::exchange(full_, {}))
      if (writable(link)) relay_.on_writable(link, clock_.now());
    look_ahead();
  });
}

std::size_t RelayNode::datagram_max(relay::LinkId link) {
  const Peer* peer = find(link);
  return peer == nullptr ? 0 : peer->carrier->links_->datagram_max(peer->link);
}

void RelayNode::send_datagram(relay::LinkId link, Bytes datagram, std::uint64_t tag) {
  if (const Peer* peer = find(link))
    (void)peer->carrier->links_->send_datagram(peer->link, datagram, tag);
}

void RelayNode::send_control(relay::LinkId link, Bytes bytes) {
  const Peer* peer = find(link);
  if (peer == nullptr || !peer->control) return;
  if (!peer->carrier->links_->write_stream(peer->link, *peer->control, bytes, false))
    close(link, sdd::Cause::too_slow, "what it is told is not read");
}

Result<relay::StreamNo> RelayNode::open_stream(relay::LinkId link) {
  const Peer* peer = find(link);
  if (peer == nullptr) return fail(Errc::not_found, "no such link");
  return peer->carrier->links_->open_stream(peer->link, quic::StreamKind::both);
}

void RelayNode::write_stream(relay::LinkId link, relay::StreamNo stream, Bytes bytes, bool fin) {
  const Peer* peer = find(link);
  if (peer == nullptr) return;
  if (!peer->carrier->links_->write_stream(peer->link, stream, bytes, fin))
    peer->carrier->links_->reset_stream(peer->link, stream, 0);
}

void RelayNode::reset_stream(relay::LinkId link, relay::StreamNo stream) {
  if (const Peer* peer = find(link)) peer->carrier->links_->reset_stream(peer->link, stream, 0);
}

void RelayNode::close(relay::LinkId link, sdd::Cause cause, std::string_view reason) {
  Peer* peer = find(link);
  if (peer == nullptr) return;
  peer->closing = true;
  // Behind what was just said to it, which leaves at the end of this turn.
  loop_.post([this, here = here_, link, cause, why = std::string(reason)] {
    const auto found = *here ? peers_.find(link) : peers_.end();
    if (found == peers_.end()) return;
    found->second.carrier->links_->close(found->second.link, static_cast<std::uint64_t>(cause),
                                         why);
  });
}

relay::PathStats RelayNode::stats(relay::LinkId link) {
  const Peer* peer = find(link);
  if (peer == nullptr) return {};
  const auto told = peer->carrier->links_->stats(peer->link);
  return {.smoothed_rtt = told.smoothed_rtt,
          .min_rtt = told.min_rtt,
          .latest_rtt = told.latest_rtt,
          .congestion_window = told.window_bytes,
          .in_flight = told.in_flight_bytes,
          .streams_unsent = told.stream_bytes_held};
}

}  // namespace lobo::app
