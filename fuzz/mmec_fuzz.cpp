// A session of the enabler's client, and whatever a node and an enabler say to it in whatever
// order. Each step: an octet for what happens, one for how long it takes, a length, and that many
// octets. Whatever comes, it asks for what it may, keeps within its bounds, and time goes on.

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "base/require.hpp"
#include "base/result.hpp"
#include "base/rng.hpp"
#include "mmec/ports.hpp"
#include "mmec/session.hpp"
#include "mmec/types.hpp"
#include "relay/ports.hpp"
#include "wire/http/message.hpp"
#include "wire/sdd/control.hpp"
#include "wire/sdd/frame.hpp"
#include "wire/sdd/token.hpp"
#include "wire/sdd/types.hpp"

namespace {

namespace mmec = lobo::mmec;
namespace sdd = lobo::sdd;
using lobo::ByteReader;
using lobo::Bytes;
using lobo::Instant;
using lobo::require;

/// What the session asks for is noted, and has to be possible.
struct World final : mmec::Network, mmec::Application {
  lobo::Result<mmec::ConnectionNo> connect(const mmec::Place& to) override {
    require(to.port != 0);
    require(open.size() < 2);
    if (last % 7 == 6) {
      ++last;
      return lobo::fail(lobo::Errc::unavailable, "no socket");
    }
    open.insert(++last);
    return last;
  }
  bool writable(mmec::ConnectionNo) override { return takes; }
  bool send_datagram(mmec::ConnectionNo connection, Bytes datagram, std::uint64_t) override {
    require(open.contains(connection) && datagram.size() <= sdd::datagram_bytes_max);
    ByteReader in(datagram);
    while (in.left() > 0) require(sdd::read_frame(in).has_value());
    return takes;
  }
  lobo::Result<mmec::StreamNo> open_stream(mmec::ConnectionNo connection) override {
    require(open.contains(connection));
    if (streams % 11 == 10) return lobo::fail(lobo::Errc::too_many, "no more");
    return 4 * streams++;
  }
  lobo::Result<void> write_stream(mmec::ConnectionNo connection, mmec::StreamNo, Bytes,
                                  bool) override {
    require(open.contains(connection));
    if (!takes) return lobo::fail(lobo::Errc::too_many, "it is not read");
    return {};
  }
  void reset_stream(mmec::ConnectionNo connection, mmec::StreamNo) override {
    require(open.contains(connection));
  }
  void close(mmec::ConnectionNo connection, sdd::Cause, std::string_view) override {
    open.erase(connection);
    closing.insert(connection);
  }
  lobo::relay::PathStats stats(mmec::ConnectionNo) override { return {}; }
  void ask(std::uint64_t number, lobo::http::Request request, std::chrono::milliseconds) override {
    require(request.authority == "mm.example");
    asked = number;
  }
  void received(const mmec::State& state) override { require(!state.payload.empty() && !over); }
  void told(const mmec::Event& event) override {
    require(!over);
    over = event.kind == mmec::EventKind::ended;
  }

  std::set<mmec::ConnectionNo> open;
  std::set<mmec::ConnectionNo> closing;
  mmec::ConnectionNo last = 0;
  mmec::StreamNo streams = 0;
  std::uint64_t asked = 0;
  bool takes = true;
  bool over = false;
};

std::vector<std::byte> token() {
  const Instant begun{std::chrono::hours{500'000}};
  const auto issued = std::chrono::floor<std::chrono::seconds>(begun);
  auto claims = sdd::encode_claims(
      {.key_id = 1,
       .room = "room",
       .ue = "ue1",
       .flows = {{.id = 10, .alias = 1, .asset = "urn:a:1", .direction = sdd::Direction::pub},
                 {.id = 11, .direction = sdd::Direction::sub},
                 {.id = 12,
                  .alias = 1,
                  .asset = "urn:a:1",
                  .direction = sdd::Direction::pub,
                  .reliability = sdd::FlowClass::ordered}},
       .role = sdd::Role::client,
       .issued = issued,
       .expires = issued + std::chrono::seconds{20},
       .node = "node",
       .epoch = 1});
  claims.resize(claims.size() + sdd::signature_bytes);
  return claims;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ByteReader in(std::as_bytes(std::span(data, size)));
  World world;
  lobo::SeededRng rng(1);
  mmec::Settings settings;
  if ((in.u8() & 1U) != 0) {
    settings.grant = mmec::read_grant(token(), {"192.0.2.1", 4433, {}}).value();
  } else {
    settings.api_root = "http://mm.example";
    settings.ue = "ue1";
    settings.assets.push_back({.asset = "urn:a:1", .asset_class = {}});
  }
  Instant now{std::chrono::hours{500'000}};
  mmec::Session session(std::move(settings), world, world, rng);
  require(session.start(now).has_value());
  std::size_t calls = 0;
  while (in.left() > 2 && ++calls < 2000) {
    const std::uint8_t what = in.u8();
    // Up to 65 s, so that whatever waits comes to its end.
    const std::uint8_t wait = in.u8();
    const Bytes octets = in.bytes(std::min<std::size_t>(in.u8(), in.left()));
    const mmec::ConnectionNo one = world.open.empty() ? world.last : *world.open.rbegin();
    switch (what % 13) {
      case 0: session.opened(one, now); break;
      case 1: session.datagram(one, octets, now); break;
      case 2: session.stream(one, 0, octets, false, now); break;
      case 3: session.stream(one, 4 * (what / 13U) + 1, octets, false, now); break;
      case 4: session.stream(one, 4 * (what / 13U) + 1, octets, true, now); break;
      case 5:
        world.open.erase(one);
        session.closed(one, {static_cast<mmec::Closed::Cause>(what % 6), what, "gone"}, now);
        break;
      case 6: {
        const std::array<int, 6> statuses{200, 201, 204, 403, 404, 503};
        session.answered(
            world.asked,
            lobo::http::Response{
                statuses[what / 13U % statuses.size()],
                {},
                std::string(reinterpret_cast<const char*>(octets.data()), octets.size())},
            now);
        break;
      }
      case 7: (void)session.publish(10, what / 13U % 3, octets, {}, now); break;
      case 8: (void)session.publish(12, 1, octets, {}, now); break;
      case 9: world.takes = !world.takes; break;
      case 10: session.lost(one, what); break;
      case 11: {
        // An answer that lets everything in, as nothing else gets it going.
        const auto answer = sdd::write_control(
            sdd::EstablishRsp{.request = 1,
                              .cause = sdd::Cause::ok,
                              .reason = {},
                              .flows = {{10, 1, sdd::Cause::ok, 0}, {11, 0, sdd::Cause::ok, 0}}});
        session.stream(one, 0, answer, false, now);
        break;
      }
      default:
        if (what == 12) session.leave(false, now);
        if (what == 25) session.path_changed(now);
        break;
    }
    now += std::chrono::milliseconds(std::uint64_t{wait} * wait);
    session.advance(now);
    // What the network was told to close, it tells of.
    for (const auto number : std::exchange(world.closing, {}))
      session.closed(number, {mmec::Closed::Cause::local, 0, ""}, now);
    require(session.assets() <= mmec::assets_max);
    require(world.over == (session.phase() == mmec::Phase::ended));
    (void)session.stats();
  }
  return 0;
}
