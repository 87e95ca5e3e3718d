#pragma once
// Nodes, an enabler and UEs on a virtual clock. Paths lose, delay, reorder and repeat by a seed;
// nodes die and come back; the enabler answers what a test says.

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <queue>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/rng.hpp"
#include "mmec/ports.hpp"
#include "mmec/session.hpp"
#include "mmec/types.hpp"
#include "relay/limits.hpp"
#include "relay/ports.hpp"
#include "relay/relay.hpp"
#include "relay/relay_test_support.hpp"
#include "wire/http/message.hpp"
#include "wire/sdd/control.hpp"
#include "wire/sdd/token.hpp"
#include "wire/sdd/types.hpp"

namespace lobo::mmec::test {

inline std::vector<std::byte> octets(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}
inline std::string text_of(Bytes bytes) {
  std::string text(bytes.size(), ' ');
  std::ranges::transform(bytes, text.begin(),
                         [](std::byte octet) { return std::to_integer<char>(octet); });
  return text;
}

using relay::test::SumSigner;
using relay::test::SumVerifier;

/// Of datagrams; streams arrive after the delay, in order.
struct Path {
  std::chrono::microseconds delay{1000};
  std::chrono::microseconds jitter{};  ///< up to this is added: they overtake each other
  double loss = 0;
  double twice = 0;
  bool open = true;  ///< else nothing arrives, of streams neither
};

class Lab;

/// A UE: the session under test, and what it was told.
class Ue final : public Network, public Application {
 public:
  Ue(Lab& lab, Settings settings, std::uint64_t seed)
      : rng(seed), lab_(lab), session(std::move(settings), *this, *this, rng) {}

  struct Got {
    std::string asset;
    sdd::Component component = 0;
    sdd::Sequence seq = 0;
    std::string payload;
    std::optional<std::chrono::microseconds> age;
  };

  Result<ConnectionNo> connect(const Place& to) override;
  bool writable(ConnectionNo) override { return takes; }
  bool send_datagram(ConnectionNo connection, Bytes datagram, std::uint64_t tag) override;
  Result<StreamNo> open_stream(ConnectionNo connection) override;
  Result<void> write_stream(ConnectionNo connection, StreamNo stream, Bytes bytes,
                            bool end) override;
  void reset_stream(ConnectionNo connection, StreamNo stream) override;
  void close(ConnectionNo connection, sdd::Cause cause, std::string_view reason) override;
  relay::PathStats stats(ConnectionNo) override { return {.smoothed_rtt = 2 * path.delay}; }
  void ask(std::uint64_t number, http::Request request, std::chrono::milliseconds) override;

  void received(const State& state) override {
    EXPECT_TRUE(here.contains(std::string(state.asset))) << "an asset is told before its states";
    got.push_back(
        {std::string(state.asset), state.component, state.seq, text_of(state.payload), state.age});
    if (when_received) when_received(state);
  }
  void told(const Event& event) override {
    events.push_back(event);
    if (event.kind == EventKind::asset_here) here[event.asset] = event.ue;
    if (event.kind == EventKind::asset_gone) here.erase(event.asset);
  }
  std::size_t count(EventKind kind) const {
    return static_cast<std::size_t>(std::ranges::count(events, kind, &Event::kind));
  }
  const Event* last(EventKind kind) const {
    const Event* found = nullptr;
    for (const auto& event : events)
      if (event.kind == kind) found = &event;
    return found;
  }
  std::string newest(const std::string& asset, sdd::Component component = 0) const {
    std::string found;
    for (const auto& one : got)
      if (one.asset == asset && one.component == component) found = one.payload;
    return found;
  }

  Path path;
  Path second;        ///< of connections that leave from an address of their own
  bool takes = true;  ///< its path has room for datagrams
  std::vector<Got> got;
  std::vector<Event> events;
  std::map<std::string, std::string> here;
  std::vector<http::Request> asked;
  std::vector<Instant> connects;
  std::function<void(const State&)> when_received;
  SeededRng rng;

 private:
  Lab& lab_;

 public:
  Session session;
};

class Node final : public relay::Links {
 public:
  Node(Lab& lab, std::string name, std::uint16_t port)
      : name_(std::move(name)), port_(port), lab_(lab) {
    start();
  }
  void start() { relay.emplace(name_, *this, verifier_, limits); }
  const std::string& name() const { return name_; }
  std::uint16_t port() const { return port_; }

  bool writable(relay::LinkId) override { return true; }
  std::size_t datagram_max(relay::LinkId) override { return 1200; }
  void send_datagram(relay::LinkId link, Bytes datagram, std::uint64_t tag) override;
  void send_control(relay::LinkId link, Bytes bytes) override;
  Result<relay::StreamNo> open_stream(relay::LinkId link) override;
  void write_stream(relay::LinkId link, relay::StreamNo stream, Bytes bytes, bool fin) override;
  void reset_stream(relay::LinkId link, relay::StreamNo stream) override;
  void close(relay::LinkId link, sdd::Cause cause, std::string_view reason) override;
  relay::PathStats stats(relay::LinkId) override { return {}; }

  relay::Limits limits;
  std::optional<relay::Relay> relay;
  std::uint64_t boots = 1;
  /// Instead of a relay: what is said to whoever comes.
  std::function<void(ConnectionNo)> stranger;

 private:
  std::string name_;
  std::uint16_t port_;
  Lab& lab_;
  SumVerifier verifier_;
};

class Lab {
 public:
  explicit Lab(std::uint64_t seed = 1) : rng_(seed) { node("node-1", 4001); }

  struct Connection {
    Ue* ue = nullptr;
    Node* node = nullptr;
    std::uint64_t boot = 0;
    bool second = false;
    const Path& path() const { return second ? ue->second : ue->path; }
    bool open = false;
    bool over = false;
    StreamNo next_by_ue = 0;
    StreamNo next_by_node = 1;
  };

  Instant now() const { return now_; }
  Node& node(const std::string& name, std::uint16_t port) {
    nodes_.push_back(std::make_unique<Node>(*this, name, port));
    return *nodes_.back();
  }
  Node& node() { return *nodes_.front(); }
  /// As kill -9 does it; who sends something then learns it by a stateless reset, once it is back.
  void kill(Node& node) { node.relay.reset(); }
  void restart(Node& node) {
    ++node.boots;
    node.start();
  }

  static sdd::TokenFlow publishes(sdd::Alias alias,
                                  sdd::FlowClass reliability = sdd::FlowClass::newest) {
    return {.id = alias * 10U + static_cast<sdd::FlowId>(reliability),
            .alias = alias,
            .asset = "urn:asset:" + std::to_string(alias),
            .direction = sdd::Direction::pub,
            .reliability = reliability};
  }
  static sdd::TokenFlow sees(sdd::Alias alias) {
    return {.id = alias * 10U + 9, .direction = sdd::Direction::sub};
  }
  std::vector<std::byte> token(const std::string& ue, std::vector<sdd::TokenFlow> flows,
                               std::chrono::seconds life = std::chrono::hours{1},
                               const Node* at = nullptr) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(now_);
    SumSigner signer;
    return sdd::sign_token({.key_id = 1,
                            .room = "room",
                            .ue = ue,
                            .flows = std::move(flows),
                            .role = sdd::Role::client,
                            .issued = seconds,
                            .expires = seconds + life,
                            .node = (at != nullptr ? at : nodes_.front().get())->name(),
                            .epoch = 1},
                           signer)
        .value();
  }
  Grant grant(sdd::Alias alias, std::chrono::seconds life = std::chrono::hours{1},
              const Node* at = nullptr) {
    return read_grant(token("ue" + std::to_string(alias),
                            {publishes(alias), publishes(alias, sdd::FlowClass::unordered),
                             publishes(alias, sdd::FlowClass::ordered), sees(alias)},
                            life, at),
                      {"127.0.0.1", (at != nullptr ? at : nodes_.front().get())->port(), {}})
        .value();
  }
  /// A UE that publishes the asset `alias` and sees the room.
  Ue& ue(sdd::Alias alias, Path path = {}) {
    Settings settings;
    settings.grant = grant(alias);
    return add(std::move(settings), path);
  }
  Ue& add(Settings settings, Path path = {}) {
    ues_.push_back(std::make_unique<Ue>(*this, std::move(settings), ues_.size() + 77));
    ues_.back()->path = path;
    return *ues_.back();
  }
  Ue& begin(Ue& ue) {
    EXPECT_TRUE(ue.session.start(now_));
    return ue;
  }

  void at(Instant when, std::function<void()> what) {
    events_.push({std::max(when, now_), order_++, std::move(what)});
  }
  void run_for(std::chrono::microseconds time) {
    const Instant end = now_ + time;
    while (true) {
      Instant next = end;
      if (!events_.empty()) next = std::min(next, events_.top().when);
      for (const auto& node : nodes_)
        if (node->relay)
          if (const auto due = node->relay->next_due()) next = std::min(next, *due);
      for (const auto& ue : ues_)
        if (const auto due = ue->session.next_due()) next = std::min(next, *due);
      now_ = std::max(now_, next);
      const bool more = !events_.empty() && events_.top().when <= now_;
      if (now_ >= end && !more) return;
      while (!events_.empty() && events_.top().when <= now_) {
        const auto what = events_.top().what;
        events_.pop();
        what();
      }
      for (const auto& node : nodes_)
        if (node->relay) node->relay->advance(now_);
      for (const auto& ue : ues_) ue->session.advance(now_);
    }
  }
  /// What the enabler answers.
  std::function<Result<http::Response>(const http::Request&)> enabler;

  // ---- what the ends do
  Connection* alive(ConnectionNo number) {
    const auto found = connections_.find(number);
    return found == connections_.end() || found->second.over ? nullptr : &found->second;
  }
  bool answers(const Connection& connection) const {
    return connection.node != nullptr && connection.boot == connection.node->boots &&
           (connection.node->relay || connection.node->stranger);
  }
  ConnectionNo connect(Ue& ue, const Place& to) {
    const ConnectionNo number = ++last_;
    Connection& made = connections_[number];
    made.ue = &ue;
    made.second = !to.from.empty();
    for (const auto& node : nodes_)
      if (node->port() == to.port) made.node = node.get();
    if (made.node != nullptr) made.boot = made.node->boots;
    if (!made.path().open) return number;  // It hears nothing, not even a refusal.
    at(now_ + 2 * made.path().delay, [this, number] {
      Connection* one = alive(number);
      if (one == nullptr) return;
      if (!answers(*one)) return over(number, {Closed::Cause::refused, 0, "nobody is there"});
      one->open = true;
      if (one->node->relay) one->node->relay->on_open(number, now_);
      one->ue->session.opened(number, now_);
      if (one->node->stranger) one->node->stranger(number);
    });
    return number;
  }
  /// To the node, or by it: after its time on the path, unless that loses it.
  void travel(ConnectionNo number, bool datagram, std::function<void(Connection&)> arrive) {
    const Connection* connection = alive(number);
    if (connection == nullptr || !connection->path().open) return;
    const Path& path = connection->path();
    const auto chance = [&](double share) {
      return static_cast<double>(rng_.below(1'000'000)) < share * 1e6;
    };
    const int copies = !datagram ? 1 : chance(path.loss) ? 0 : chance(path.twice) ? 2 : 1;
    for (int i = 0; i < copies; ++i) {
      const auto jitter = static_cast<std::uint64_t>(datagram ? path.jitter.count() : 0);
      const auto more =
          std::chrono::microseconds(static_cast<std::int64_t>(jitter > 0 ? rng_.below(jitter) : 0));
      at(now_ + path.delay + more, [this, number, arrive] {
        Connection* one = alive(number);
        if (one != nullptr && one->open) arrive(*one);
      });
    }
  }
  /// A packet of the UE at the node: one of a connection that it does not know is answered so.
  bool known(ConnectionNo number, const Connection& connection) {
    if (answers(connection)) return true;
    if (connection.node->relay && connection.path().open)
      at(now_ + connection.path().delay,
         [this, number] { over(number, {Closed::Cause::reset, 0, "it has forgotten us"}); });
    return false;
  }
  void over(ConnectionNo number, const Closed& why) {
    Connection* connection = alive(number);
    if (connection == nullptr) return;
    connection->over = true;
    connection->ue->session.closed(number, why, now_);
  }
  bool lost_by(const Path& path) {
    return static_cast<double>(rng_.below(1'000'000)) < path.loss * 1e6;
  }

 private:
  struct Happening {
    Instant when;
    std::uint64_t order;
    std::function<void()> what;
    bool operator<(const Happening& other) const {
      return std::pair(when, order) > std::pair(other.when, other.order);
    }
  };
  SeededRng rng_;
  Instant now_{std::chrono::hours{500'000}};
  std::vector<std::unique_ptr<Node>> nodes_;
  std::vector<std::unique_ptr<Ue>> ues_;
  std::map<ConnectionNo, Connection> connections_;
  ConnectionNo last_ = 0;
  std::priority_queue<Happening> events_;
  std::uint64_t order_ = 0;
};

// ---- the UE's network

inline Result<ConnectionNo> Ue::connect(const Place& to) {
  connects.push_back(lab_.now());
  return lab_.connect(*this, to);
}

inline bool Ue::send_datagram(ConnectionNo connection, Bytes datagram, std::uint64_t tag) {
  const Lab::Connection* known = lab_.alive(connection);
  if (known == nullptr) return false;
  Path& way = known->second ? second : path;
  bool arrived = false;
  if (!lab_.lost_by(way)) {
    arrived = way.open;
    const double loss = std::exchange(way.loss, 0);
    lab_.travel(connection, true,
                [this, connection,
                 kept = std::vector(datagram.begin(), datagram.end())](Lab::Connection& one) {
                  if (lab_.known(connection, one) && one.node->relay)
                    one.node->relay->on_datagram(connection, kept, lab_.now());
                });
    way.loss = loss;
  }
  lab_.at(lab_.now() + 3 * way.delay + way.jitter, [this, connection, tag, arrived] {
    if (arrived)
      session.acked(connection, tag);
    else
      session.lost(connection, tag);
  });
  return true;
}

inline Result<StreamNo> Ue::open_stream(ConnectionNo connection) {
  Lab::Connection* one = lab_.alive(connection);
  if (one == nullptr) return fail(Errc::not_found, "no such connection");
  return std::exchange(one->next_by_ue, one->next_by_ue + 4);
}

inline Result<void> Ue::write_stream(ConnectionNo connection, StreamNo stream, Bytes bytes,
                                     bool end) {
  if (lab_.alive(connection) == nullptr) return fail(Errc::not_found, "no such connection");
  lab_.travel(connection, false,
              [this, connection, stream, end,
               kept = std::vector(bytes.begin(), bytes.end())](Lab::Connection& one) {
                if (!lab_.known(connection, one) || !one.node->relay) return;
                if (stream == 0)
                  one.node->relay->on_control(connection, kept, lab_.now());
                else if ((stream & 1U) == 0)
                  one.node->relay->on_stream(connection, stream, kept, end, lab_.now());
              });
  return {};
}

inline void Ue::reset_stream(ConnectionNo, StreamNo) {}

inline void Ue::close(ConnectionNo connection, sdd::Cause, std::string_view) {
  Lab::Connection* one = lab_.alive(connection);
  if (one == nullptr) return;
  if (path.open && lab_.answers(*one) && one->node->relay)
    lab_.at(lab_.now() + path.delay, [this, connection, node = one->node, boot = one->boot] {
      if (node->relay && node->boots == boot) node->relay->on_closed(connection, lab_.now());
    });
  lab_.at(lab_.now(),
          [this, connection] { lab_.over(connection, {Closed::Cause::local, 0, "closed"}); });
}

inline void Ue::ask(std::uint64_t number, http::Request request, std::chrono::milliseconds) {
  asked.push_back(request);
  lab_.at(lab_.now() + 2 * path.delay, [this, number, request = std::move(request)] {
    session.answered(number,
                     lab_.enabler ? lab_.enabler(request)
                                  : Result<http::Response>(fail(Errc::unavailable, "nobody there")),
                     lab_.now());
  });
}

// ---- the node's links

inline void Node::send_datagram(relay::LinkId link, Bytes datagram, std::uint64_t) {
  lab_.travel(link, true,
              [this, link, kept = std::vector(datagram.begin(), datagram.end())](
                  Lab::Connection& one) { one.ue->session.datagram(link, kept, lab_.now()); });
}

inline void Node::send_control(relay::LinkId link, Bytes bytes) {
  lab_.travel(link, false,
              [this, link, kept = std::vector(bytes.begin(), bytes.end())](Lab::Connection& one) {
                one.ue->session.stream(link, 0, kept, false, lab_.now());
              });
}

inline Result<relay::StreamNo> Node::open_stream(relay::LinkId link) {
  Lab::Connection* one = lab_.alive(link);
  if (one == nullptr) return fail(Errc::not_found, "no such link");
  return std::exchange(one->next_by_node, one->next_by_node + 4);
}

inline void Node::write_stream(relay::LinkId link, relay::StreamNo stream, Bytes bytes, bool fin) {
  lab_.travel(
      link, false,
      [this, link, stream, fin, kept = std::vector(bytes.begin(), bytes.end())](
          Lab::Connection& one) { one.ue->session.stream(link, stream, kept, fin, lab_.now()); });
}

inline void Node::reset_stream(relay::LinkId link, relay::StreamNo stream) {
  lab_.travel(link, false,
              [link, stream](Lab::Connection& one) { one.ue->session.stream_reset(link, stream); });
}

inline void Node::close(relay::LinkId link, sdd::Cause cause, std::string_view reason) {
  lab_.at(lab_.now(), [this, link] {
    if (relay) relay->on_closed(link, lab_.now());
  });
  lab_.travel(link, false, [this, link, cause, why = std::string(reason)](Lab::Connection&) {
    lab_.over(link, {Closed::Cause::peer, static_cast<std::uint64_t>(cause), why});
  });
}

}  // namespace lobo::mmec::test
