// A relay with four links, and whatever they say in whatever order. Each step: an octet for the
// link and what it does, one for how long it takes, a length, and that many octets. Whatever comes,
// nothing is sent to who was not let in, nothing grows beyond its limit, and time goes on.

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "base/require.hpp"
#include "base/result.hpp"
#include "relay/limits.hpp"
#include "relay/ports.hpp"
#include "relay/relay.hpp"
#include "relay/report.hpp"
#include "wire/sdd/control.hpp"
#include "wire/sdd/frame.hpp"
#include "wire/sdd/token.hpp"
#include "wire/sdd/types.hpp"

namespace {

namespace relay = lobo::relay;
namespace sdd = lobo::sdd;
using lobo::ByteReader;
using lobo::Bytes;
using lobo::Instant;
using lobo::require;

constexpr relay::LinkId links_used = 4;
constexpr relay::Limits limits{.links_max = 3,
                               .rooms_max = 2,
                               .flows_of_link_max = 4,
                               .assets_of_room_max = 3,
                               .slots_of_room_max = 8,
                               .components_of_asset_max = 4,
                               .lossy_queue_max = 4,
                               .streams_out_max = 2,
                               .streams_in_max = 3,
                               .stream_in_bytes_max = 512,
                               .stream_queue_bytes_max = 1024};

struct Paths final : relay::Links {
  bool writable(relay::LinkId link) override { return !full.contains(link); }
  std::size_t datagram_max(relay::LinkId link) override { return link == 2 ? 400 : 1200; }
  void send_datagram(relay::LinkId link, Bytes datagram, std::uint64_t) override {
    require(open.contains(link) && writable(link));
    require(datagram.size() <= datagram_max(link) && datagram.size() <= sdd::datagram_bytes_max);
    ByteReader in(datagram);
    while (in.left() > 0) require(sdd::read_frame(in).has_value());
  }
  void send_control(relay::LinkId link, Bytes) override { require(open.contains(link)); }
  lobo::Result<relay::StreamNo> open_stream(relay::LinkId link) override {
    require(open.contains(link));
    if (streams % 5 == 4) return lobo::fail(lobo::Errc::too_many, "no more");
    return streams++;
  }
  void write_stream(relay::LinkId link, relay::StreamNo, Bytes, bool) override {
    require(open.contains(link));
  }
  void reset_stream(relay::LinkId, relay::StreamNo) override {}
  void close(relay::LinkId link, sdd::Cause, std::string_view) override { closing.insert(link); }
  relay::PathStats stats(relay::LinkId) override { return path; }

  std::set<relay::LinkId> open;
  std::set<relay::LinkId> closing;
  std::set<relay::LinkId> full;
  relay::StreamNo streams = 0;
  relay::PathStats path;
};

struct Trusting final : sdd::TokenVerifier {
  bool verify(std::uint32_t, Bytes, const sdd::Signature&) const override { return true; }
};
struct Careless final : sdd::TokenSigner {
  std::uint32_t key_id() const override { return 1; }
  lobo::Result<sdd::Signature> sign(Bytes) override { return sdd::Signature{}; }
};

class World {
 public:
  void step(unsigned what, relay::LinkId link, Bytes bytes) {
    switch (what) {
      case 0: open(link); break;
      case 1: relay_.on_datagram(link, bytes, now_); break;
      case 2: relay_.on_control(link, bytes, now_); break;
      case 3: relay_.on_stream(link, number(bytes) % 5, bytes, number(bytes) >= 128, now_); break;
      case 4: establish(link, bytes); break;
      case 5: order(bytes); break;
      case 6: paths_.full.contains(link) ? drain(link) : void(paths_.full.insert(link)); break;
      default: gone(link); break;
    }
    while (!paths_.closing.empty()) gone(*paths_.closing.begin());
    require(relay_.links() <= limits.links_max && relay_.rooms() <= limits.rooms_max);
    require(relay_.flows() <= limits.links_max * limits.flows_of_link_max);
  }
  void pass(std::chrono::microseconds time) {
    now_ += time;
    // What is due is done once, and nothing is due at the same moment for ever.
    for (int i = 0; i < 3; ++i)
      if (const auto due = relay_.next_due(); due && *due <= now_) relay_.advance(now_);
    const auto due = relay_.next_due();
    require(!due || *due > now_);
    while (!paths_.closing.empty()) gone(*paths_.closing.begin());
    if (number_ % 7 == 0) (void)relay_.report(now_);
  }
  void finish() {
    for (relay::LinkId link = 0; link < links_used; ++link) gone(link);
    require(relay_.links() == 0 && relay_.flows() == 0);
  }

 private:
  static unsigned number(Bytes bytes) { return bytes.empty() ? 0 : lobo::u8_at(bytes, 0); }
  void open(relay::LinkId link) {
    if (!paths_.open.insert(link).second) return;
    relay_.on_open(link, now_);
    relay_.on_control(link, sdd::write_control(sdd::Hello{}), now_);
  }
  void gone(relay::LinkId link) {
    paths_.closing.erase(link);
    if (paths_.open.erase(link) > 0) relay_.on_closed(link, now_);
    paths_.full.erase(link);
  }
  void drain(relay::LinkId link) {
    paths_.full.erase(link);
    relay_.on_writable(link, now_);
  }
  /// A token that SEALDD might have signed.
  void establish(relay::LinkId link, Bytes bytes) {
    ByteReader in(bytes);
    const auto seconds = std::chrono::floor<std::chrono::seconds>(now_);
    sdd::FlowToken token{.room = in.u8() % 3 == 0 ? "a" : "b",
                         .ue = link % 3 == 0 ? "x" : "y",
                         .issued = seconds,
                         .expires = seconds + std::chrono::seconds(in.u8()),
                         .node = "node",
                         .epoch = in.u8() / 64U};
    while (in.left() >= 5 && token.flows.size() < 5) {
      sdd::TokenFlow flow{.id = in.u8() % 8U + 1,
                          .alias = static_cast<sdd::Alias>(in.u8() % 5),
                          .asset = "urn:a",
                          .direction = static_cast<sdd::Direction>(in.u8() % 3),
                          .components = in.u8(),
                          .reliability = static_cast<sdd::FlowClass>(in.u8() % 5)};
      if (flow.alias == 0) {
        flow.direction = sdd::Direction::sub;
        flow.asset.clear();
      }
      token.flows.push_back(flow);
    }
    Careless signer;
    const auto made = sdd::sign_token(token, signer);
    if (!made) return;
    relay_.on_control(
        link, sdd::write_control(sdd::Establish{.token = *made, .pose_flows = {1, 2}}), now_);
  }
  void order(Bytes bytes) {
    ByteReader in(bytes);
    const unsigned kind = in.u8();
    const sdd::FlowId flow = in.u8() % 8U + 1;
    const std::uint8_t value = in.u8();
    const auto made = [&]() -> relay::Order {
      switch (kind % 6) {
        case 0: return relay::ReleaseFlow{flow, sdd::Cause::released};
        case 1: return relay::SetTier{flow, value, sdd::TierReason::loss};
        case 2: return relay::SetMask{flow, value};
        case 3: return relay::Relocate{flow, "a:1", {}, ""};
        case 4: return relay::CloseRoom{value % 2 == 0 ? "a" : "b"};
        default: return relay::FenceRoom{value % 2 == 0 ? "a" : "b", value / 64U};
      }
    };
    (void)relay_.take(made(), now_);
    paths_.path.congestion_window = value * 100U;
    paths_.path.smoothed_rtt = std::chrono::milliseconds(value);
    ++number_;
  }

  Paths paths_;
  Trusting verifier_;
  relay::Relay relay_{"node", paths_, verifier_, limits};
  Instant now_{std::chrono::hours{500'000}};
  unsigned number_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ByteReader in(std::as_bytes(std::span(data, size)));
  World world;
  while (in.left() >= 3) {
    const unsigned first = in.u8();
    const std::uint64_t waited = in.u8();
    const std::size_t length = std::min<std::size_t>(in.u8(), in.left());
    world.step(first % 8, first / 8 % links_used, in.bytes(length));
    world.pass(std::chrono::microseconds(waited * waited * 100));
  }
  world.finish();
  return 0;
}
