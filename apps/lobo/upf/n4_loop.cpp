#include "upf/n4_loop.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/http/loop.hpp"
#include "adapters/udp/socket.hpp"
#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "dataplane/n4/agent.hpp"
#include "dataplane/n4/config.hpp"
#include "dataplane/n4/types.hpp"
#include "dataplane/rules/worker_event.hpp"
#include "model/address.hpp"
#include "runtime/ports.hpp"
#include "upf/upf_config.hpp"
#include "wire/pfcp/header.hpp"
#include "wire/pfcp/ie.hpp"
#include "wire/pfcp/refusal.hpp"

namespace lobo::app {

namespace n4 = dataplane::n4;
using n4::Happening;
using runtime::Level;

namespace {

struct Telling {
  Level level;
  std::string_view clause;  ///< of TS 29.244
};

Telling telling_of(Happening what) {
  switch (what) {
    case Happening::not_pfcp: return {Level::warn, "7.2.2"};
    case Happening::other_version: return {Level::warn, "7.4.4.7"};
    case Happening::unknown_message: return {Level::warn, "7.3"};
    case Happening::refused: return {Level::warn, "7.6"};
    case Happening::cannot_answer: return {Level::warn, "7.6"};
    case Happening::congested: return {Level::warn, "8.2.1"};
    case Happening::repeated: return {Level::debug, "6.4"};
    case Happening::stale_response: return {Level::debug, "6.4"};
    case Happening::not_served: return {Level::info, "8.2.25"};
    case Happening::associated: return {Level::info, "6.2.6"};
    case Happening::released: return {Level::info, "6.2.8"};
    case Happening::restarted: return {Level::warn, "6.2.2"};
    case Happening::silent: return {Level::warn, "6.2.2"};
    case Happening::given_up: return {Level::error, "6.2.2"};
    case Happening::no_response: return {Level::warn, "6.4"};
    case Happening::not_accepted: return {Level::warn, "7.5.9"};
    case Happening::orphaned: return {Level::warn, "7.5.9"};
  }
  std::abort();
}

}  // namespace

N4Loop::N4Loop(n4::N4Config config, World world)
    : world_(std::move(world)), agent_(std::move(config), world_.rng, world_.clock.now()) {}

N4Loop::~N4Loop() {
  *alive_ = false;
  for (const auto& timer : {timer_, end_timer_})
    if (timer) world_.loop.cancel(*timer);
}

Result<void> N4Loop::listen(const std::vector<UpfListen>& at) {
  for (const auto& [address, port] : at) {
    auto socket = adapters::UdpSocket::open(
        world_.loop, {address, port},
        [this](const adapters::UdpEndpoint& from, Bytes datagram) { receive(from, datagram); });
    if (!socket) return fail(std::move(socket.error()));
    sockets_.push_back(std::move(*socket));
  }
  arm();
  return {};
}

std::vector<adapters::UdpEndpoint> N4Loop::local() const {
  std::vector<adapters::UdpEndpoint> all;
  for (const auto& socket : sockets_) all.push_back(socket->local());
  return all;
}

std::uint64_t N4Loop::datagrams_lost() const {
  std::uint64_t lost = 0;
  for (const auto& socket : sockets_) lost += socket->lost();
  return lost;
}

void N4Loop::receive(const adapters::UdpEndpoint& from, Bytes datagram) {
  agent_.receive({from.address, from.port}, datagram, world_.clock.now());
  if (++turn_datagrams_ >= turn_datagrams_max) return end_turn();
  turn_soon();
}

/// Ends the turn when the loop came round without another datagram.
void N4Loop::turn_soon() {
  if (std::exchange(turn_is_posted_, true)) return;
  world_.loop.post([this, alive = alive_] {
    if (!*alive) return;
    turn_is_posted_ = false;
    if (turn_datagrams_ == 0) return;  // it ended because it was full
    if (std::exchange(seen_datagrams_, turn_datagrams_) != turn_datagrams_) return turn_soon();
    end_turn();
  });
}

void N4Loop::look() {
  const Instant now = world_.clock.now();
  bool more = false;
  for (dataplane::WorkerEvents* const events : world_.events) {
    std::optional<dataplane::WorkerEvent> event;
    std::size_t taken = 0;
    while (taken < turn_events_max && (event = events->pop())) {
      agent_.handle(*event, now);
      ++taken;
    }
    more = more || taken == turn_events_max;
  }
  end_turn();
  if (!more) return;
  world_.loop.post([this, alive = alive_] {
    if (*alive) look();
  });
}

void N4Loop::end_turn() {
  turn_datagrams_ = 0;
  seen_datagrams_ = 0;
  agent_.advance(world_.clock.now());
  if (auto rules = agent_.take_rules()) world_.rules.publish(std::move(rules));
  for (const n4::Datagram& datagram : agent_.take_datagrams()) send(datagram);
  for (const n4::Note& note : agent_.take_notes()) tell(note);
  world_.rules.collect();
  arm();
  finish_when_released();
}

void N4Loop::send(const n4::Datagram& datagram) {
  const auto& to = datagram.to;
  const auto socket = std::ranges::find_if(sockets_, [&to](const auto& one) {
    return one->local().address.index() == to.address.index();
  });
  if (socket == sockets_.end()) return;  // no control plane of that IP version ever reached us
  (*socket)->send({to.address, to.port}, *datagram.bytes);
}

void N4Loop::tell(const n4::Note& note) {
  const auto [level, clause] = telling_of(note.what);
  const std::string name = fmt::format("n4_{}", n4::to_string(note.what));
  const std::string peer =
      fmt::format("{} port {}", model::to_text(note.peer.address), note.peer.port);
  std::string message = pfcp::to_string(note.message).empty()
                            ? fmt::format("type {}", static_cast<unsigned>(note.message))
                            : std::string(pfcp::to_string(note.message));
  const std::string seid = fmt::format("{:#x}", note.seid);
  std::string cause;
  std::string element;
  if (note.what == Happening::not_pfcp) cause = pfcp::to_string(note.fault);
  if (note.refusal) {
    cause = pfcp::to_string(note.refusal->cause);
    if (note.refusal->offending) element = pfcp::to_string(*note.refusal->offending);
    if (note.refusal->within)
      element += fmt::format(" within {}", pfcp::to_string(*note.refusal->within));
  }
  world_.log.event(level, name,
                   {{"peer", peer},
                    {"message", message},
                    {"seid", seid},
                    {"cause", cause},
                    {"element", element},
                    {"clause", clause}});
}

void N4Loop::arm() {
  if (timer_) world_.loop.cancel(*timer_);
  timer_.reset();
  const auto next = agent_.next_call();
  if (!next) return;
  const auto delay = std::max(std::chrono::microseconds{0}, *next - world_.clock.now());
  timer_ = world_.loop.after(delay, [this] {
    timer_.reset();
    end_turn();
  });
}

void N4Loop::end(std::chrono::milliseconds patience, std::function<void()> done) {
  on_released_ = std::move(done);
  end_timer_ = world_.loop.after(patience, [this] {
    end_timer_.reset();
    if (on_released_) std::exchange(on_released_, nullptr)();
  });
  agent_.ask_for_release(world_.clock.now());
  end_turn();
}

void N4Loop::finish_when_released() {
  if (!on_released_ || agent_.associations() != 0) return;
  if (end_timer_) world_.loop.cancel(*std::exchange(end_timer_, std::nullopt));
  // Not from within what brought us here.
  world_.loop.post(std::exchange(on_released_, nullptr));
}

}  // namespace lobo::app
