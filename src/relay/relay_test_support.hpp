#pragma once
// A relay between clients on a virtual clock: each link has a rate, a delay and a share of
// datagrams that it loses, by a seed.

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
#include <variant>
#include <vector>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "base/require.hpp"
#include "base/result.hpp"
#include "base/rng.hpp"
#include "relay/limits.hpp"
#include "relay/measure/stream_meter.hpp"
#include "relay/ports.hpp"
#include "relay/relay.hpp"
#include "wire/sdd/control.hpp"
#include "wire/sdd/frame.hpp"
#include "wire/sdd/sequence_window.hpp"
#include "wire/sdd/stream_header.hpp"
#include "wire/sdd/token.hpp"
#include "wire/sdd/types.hpp"

namespace lobo::relay::test {

/// Signs with the sum of the claims: what a signature is worth is shown elsewhere.
inline sdd::Signature checksum(Bytes claims) {
  sdd::Signature sum{};
  for (std::size_t i = 0; i < claims.size(); ++i) sum[i % sum.size()] ^= claims[i];
  return sum;
}
struct SumSigner final : sdd::TokenSigner {
  std::uint32_t key_id() const override { return 1; }
  Result<sdd::Signature> sign(Bytes claims) override { return checksum(claims); }
};
struct SumVerifier final : sdd::TokenVerifier {
  bool verify(std::uint32_t key_id, Bytes claims, const sdd::Signature& signature) const override {
    return key_id == 1 && signature == checksum(claims);
  }
};

struct PathOf {
  std::uint64_t bytes_per_second = 0;  ///< 0: any
  std::chrono::microseconds delay{1000};
  std::chrono::microseconds jitter{};  ///< up to this is added to the delay
  double loss = 0;
  bool reads = true;
};

struct Got {
  sdd::Frame frame;
  std::vector<std::byte> payload;
  Instant at;
};

/// What came by a stream.
struct GotStream {
  std::vector<std::byte> bytes;
  bool fin = false;
  bool reset = false;
};

struct Client {
  LinkId link = 0;
  std::string ue;
  PathOf path;
  Instant free_at{};
  bool closed = false;
  sdd::Cause why = sdd::Cause::ok;
  std::map<std::pair<sdd::Alias, sdd::Component>, sdd::Sequence> next;
  sdd::ControlReader control;
  std::vector<sdd::ControlMessage> said;
  std::vector<Got> got;
  std::map<StreamNo, GotStream> streams;
  std::uint64_t datagrams = 0;
  std::uint64_t bytes = 0;
  std::uint64_t lost = 0;  ///< datagrams
  // Where a core is behind it: what comes is handed over after the path's delay, and not kept.
  std::function<void(Bytes)> take_datagram;
  std::function<void(Bytes)> take_control;

  template <class Message>
  std::vector<Message> heard() const {
    std::vector<Message> found;
    for (const auto& message : said)
      if (const auto* one = std::get_if<Message>(&message)) found.push_back(*one);
    return found;
  }
  std::size_t states_of(sdd::Alias alias) const {
    return static_cast<std::size_t>(
        std::ranges::count_if(got, [&](const Got& g) { return g.frame.alias == alias; }));
  }
  const Got* last_of(sdd::Alias alias, sdd::Component component = 0) const {
    const Got* found = nullptr;
    for (const Got& g : got)
      if (g.frame.alias == alias && g.frame.component == component) found = &g;
    return found;
  }
};

class World final : public Links {
 public:
  explicit World(std::uint64_t seed = 1, Limits limits = {})
      : rng_(seed), limits_(limits), relay_("node-1", *this, verifier_, limits_) {}

  Relay& relay() { return relay_; }
  Instant now() const { return now_; }
  const Limits& limits() const { return limits_; }

  Client& open(PathOf path = {}) {
    clients_.push_back(std::make_unique<Client>());
    Client& client = *clients_.back();
    client.link = static_cast<LinkId>(clients_.size());
    client.path = path;
    relay_.on_open(client.link, now_);
    return client;
  }
  Client& greet(PathOf path = {}) {
    Client& client = open(path);
    say(client, sdd::Hello{});
    return client;
  }
  void say(Client& client, const sdd::ControlMessage& message) {
    relay_.on_control(client.link, sdd::write_control(message), now_);
  }
  sdd::FlowToken token(const std::string& ue, std::vector<sdd::TokenFlow> flows) const {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(now_);
    return {.key_id = 1,
            .room = "room",
            .ue = ue,
            .flows = std::move(flows),
            .role = sdd::Role::client,
            .issued = seconds,
            .expires = seconds + std::chrono::hours{1},
            .node = "node-1",
            .epoch = 1};
  }
  static std::vector<std::byte> sign(const sdd::FlowToken& token) {
    SumSigner signer;
    return sdd::sign_token(token, signer).value();
  }
  void establish(Client& client, const sdd::FlowToken& token, std::vector<sdd::FlowId> pose = {}) {
    client.ue = token.ue;
    say(client,
        sdd::Establish{.request = 1, .token = sign(token), .flows = {}, .pose_flows = pose});
  }
  Client& join(const std::string& ue, std::vector<sdd::TokenFlow> flows, PathOf path = {}) {
    Client& client = greet(path);
    establish(client, token(ue, std::move(flows)));
    return client;
  }
  /// Publishes and sees the room.
  static sdd::TokenFlow both(sdd::FlowId id, sdd::Alias alias) {
    return {.id = id, .alias = alias, .asset = "urn:asset:" + std::to_string(alias)};
  }
  static sdd::TokenFlow sees(sdd::FlowId id) {
    return {.id = id, .alias = 0, .asset = "", .direction = sdd::Direction::sub};
  }

  /// A frame as it stands.
  void send(Client& client, const sdd::Frame& frame) {
    std::vector<std::byte> bytes(sdd::frame_bytes(frame));
    ByteWriter out(bytes);
    sdd::write_frame(out, frame);
    relay_.on_datagram(client.link, bytes, now_);
  }
  /// The next state of a component, stamped.
  void publish(Client& client, sdd::FlowId flow, sdd::Alias alias, sdd::Component component = 0,
               std::size_t bytes = 200) {
    const std::vector<std::byte> payload(bytes, std::byte{component});
    sdd::Frame frame;
    frame.key = true;
    frame.flow = flow;
    frame.alias = alias;
    frame.component = component;
    frame.seq = client.next[{alias, component}]++;
    frame.tx_time = node_time(now_);
    frame.payload = payload;
    send(client, frame);
  }

  void at(Instant when, std::function<void()> what) {
    events_.push({when, order_++, std::move(what)});
  }
  void run_for(std::chrono::microseconds time) {
    const Instant end = now_ + time;
    while (true) {
      Instant next = end;
      if (!events_.empty()) next = std::min(next, events_.top().when);
      if (const auto due = relay_.next_due()) next = std::min(next, *due);
      now_ = std::max(now_, next);
      if (now_ >= end && (events_.empty() || events_.top().when > end) &&
          (!relay_.next_due() || *relay_.next_due() > end))
        return;
      while (!events_.empty() && events_.top().when <= now_) {
        const auto what = events_.top().what;
        events_.pop();
        what();
      }
      relay_.advance(now_);
    }
  }

  // ---- Links
  bool writable(LinkId link) override {
    const Client& client = of(link);
    return client.path.reads && client.free_at <= now_;
  }
  std::size_t datagram_max(LinkId) override { return 1200; }
  void send_datagram(LinkId link, Bytes datagram, std::uint64_t tag) override {
    Client& client = of(link);
    client.free_at = std::max(client.free_at, now_);
    if (client.path.bytes_per_second > 0)
      client.free_at +=
          std::chrono::microseconds(datagram.size() * 1'000'000 / client.path.bytes_per_second);
    const bool lost = static_cast<double>(rng_.below(1'000'000)) < client.path.loss * 1e6;
    const Instant arrival = client.free_at + client.path.delay;
    if (client.path.bytes_per_second > 0)
      at(client.free_at, [this, link, &client] {
        if (client.free_at <= now_) relay_.on_writable(link, now_);
      });
    const auto jitter = static_cast<std::uint64_t>(client.path.jitter.count());
    const auto more = std::chrono::microseconds(jitter > 0 ? rng_.below(jitter) : 0);
    client.lost += lost ? 1U : 0U;
    if (!lost)
      at(arrival + more, [this, &client, bytes = std::vector(datagram.begin(), datagram.end())] {
        arrive(client, bytes);
      });
    at(arrival + client.path.delay,
       [this, link, tag, lost] { lost ? relay_.on_lost(link, tag) : relay_.on_acked(link, tag); });
  }
  void send_control(LinkId link, Bytes bytes) override {
    Client& client = of(link);
    if (client.take_control)
      return at(
          now_ + client.path.delay,
          [&client, kept = std::vector(bytes.begin(), bytes.end())] { client.take_control(kept); });
    if (!client.path.reads) {
      unread_[link] += bytes.size();
      return;
    }
    while (true) {
      auto message = client.control.next(bytes).value();
      if (!message) return;
      client.said.push_back(std::move(*message));
    }
  }
  Result<StreamNo> open_stream(LinkId link) override {
    Client& client = of(link);
    const StreamNo no = client.streams.size() * 4 + 3;
    client.streams[no];
    return no;
  }
  void write_stream(LinkId link, StreamNo no, Bytes bytes, bool fin) override {
    auto& stream = of(link).streams.at(no);
    stream.bytes.insert(stream.bytes.end(), bytes.begin(), bytes.end());
    stream.fin = stream.fin || fin;
  }
  void reset_stream(LinkId link, StreamNo no) override { of(link).streams.at(no).reset = true; }
  void close(LinkId link, sdd::Cause cause, std::string_view) override {
    Client& client = of(link);
    client.closed = true;
    client.why = cause;
    at(now_, [this, link] { relay_.on_closed(link, now_); });
  }
  PathStats stats(LinkId link) override { return {.streams_unsent = unread_[link]}; }

 private:
  struct Happening {
    Instant when;
    std::uint64_t order;
    std::function<void()> what;
    bool operator<(const Happening& other) const {
      return std::pair(when, order) > std::pair(other.when, other.order);
    }
  };
  Client& of(LinkId link) { return *clients_.at(link - 1); }
  void arrive(Client& client, const std::vector<std::byte>& datagram) {
    ++client.datagrams;
    client.bytes += datagram.size();
    if (client.take_datagram) return client.take_datagram(datagram);
    ByteReader in(datagram);
    while (in.left() > 0) {
      const auto frame = sdd::read_frame(in);
      require(frame.has_value());
      client.got.push_back({*frame, {frame->payload.begin(), frame->payload.end()}, now_});
      client.got.back().frame.payload = {};
    }
  }

  SeededRng rng_;
  Limits limits_;
  SumVerifier verifier_;
  Instant now_{std::chrono::hours{500'000}};
  std::vector<std::unique_ptr<Client>> clients_;
  std::map<LinkId, std::uint64_t> unread_;
  std::priority_queue<Happening> events_;
  std::uint64_t order_ = 0;
  Relay relay_;
};

}  // namespace lobo::relay::test
