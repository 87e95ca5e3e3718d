// A node that has more to send than time: what comes in keeps its share.
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/http/loop.hpp"
#include "adapters/quic/links.hpp"
#include "base/bytes.hpp"
#include "base/require.hpp"
#include "base/result.hpp"
#include "relay/limits.hpp"
#include "relay_node/relay_node.hpp"
#include "wire/sdd/control.hpp"
#include "wire/sdd/frame.hpp"
#include "wire/sdd/token.hpp"
#include "wire/sdd/types.hpp"

namespace lobo::testing {
namespace {

namespace quic = adapters::quic;
using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;

constexpr quic::LinkId publisher = 1;
constexpr quic::LinkId receivers = 20;
constexpr auto send_takes = 1ms;

struct Trusting final : sdd::TokenVerifier {
  bool verify(std::uint32_t, Bytes, const sdd::Signature&) const override { return true; }
};
struct Careless final : sdd::TokenSigner {
  std::uint32_t key_id() const override { return 1; }
  Result<sdd::Signature> sign(Bytes) override { return sdd::Signature{}; }
};

/// Each datagram takes a millisecond to be sent.
struct SlowLinks final : quic::Links {
  bool writable(quic::LinkId) const override { return true; }
  std::size_t datagram_max(quic::LinkId) const override { return 1200; }
  Result<void> send_datagram(quic::LinkId, Bytes, std::uint64_t) override {
    const auto until = Steady::now() + send_takes;
    while (Steady::now() < until) continue;
    ++sent;
    return {};
  }
  Result<quic::StreamNo> open_stream(quic::LinkId, quic::StreamKind) override {
    return fail(Errc::too_many, "none");
  }
  Result<void> write_stream(quic::LinkId, quic::StreamNo, Bytes, bool) override { return {}; }
  void reset_stream(quic::LinkId, quic::StreamNo, std::uint64_t) override {}
  void close(quic::LinkId, std::uint64_t, std::string_view) override {}
  quic::PathStats stats(quic::LinkId) const override { return {}; }

  std::size_t sent = 0;
};

std::vector<std::byte> greeting(quic::LinkId link) {
  Careless signer;
  const auto now = std::chrono::floor<std::chrono::seconds>(app::SteadyWallClock().now());
  const sdd::FlowToken token{.room = "room",
                             .ue = "ue-" + std::to_string(link),
                             .flows = {{.id = link,
                                        .alias = static_cast<sdd::Alias>(link),
                                        .asset = "urn:asset:" + std::to_string(link)}},
                             .issued = now,
                             .expires = now + 1h,
                             .node = "node"};
  auto out = sdd::write_control(sdd::Hello{});
  const auto establish =
      sdd::write_control(sdd::Establish{.token = *sdd::sign_token(token, signer)});
  out.insert(out.end(), establish.begin(), establish.end());
  return out;
}

TEST(relay_node_overload, sending_leaves_half_of_the_time_to_what_comes_in) {
  adapters::EventLoop loop;
  const app::SteadyWallClock clock;
  const Trusting verifier;
  app::RelayNode node(loop, clock, "node", verifier, relay::Limits{},
                      {.opened = nullptr, .closed = nullptr});
  app::RelayNode::Carrier carrier(node);
  SlowLinks links;
  carrier.stand_on(links);
  for (quic::LinkId link = publisher; link <= publisher + receivers; ++link) {
    carrier.on_opened(link, {});
    carrier.on_stream(link, 0, greeting(link), false);
  }

  // A state after the other, so that there is always one to hear and one to send.
  sdd::Sequence sequence = 0;
  const std::vector<std::byte> state(200);
  std::function<void()> publish = [&] {
    std::array<std::byte, 300> place{};
    ByteWriter out(place);
    sdd::write_frame(out, {.key = true,
                           .flow = publisher,
                           .alias = static_cast<sdd::Alias>(publisher),
                           .seq = sequence++,
                           .payload = state});
    require(out.ok());
    carrier.on_datagram(publisher, out.written());
    loop.post(publish);
  };
  const auto began = Steady::now();
  loop.post(publish);
  loop.after(600ms, [&] { loop.stop(); });
  loop.run();
  const std::chrono::duration<double> took = Steady::now() - began;
  const double share = static_cast<double>(links.sent) *
                       std::chrono::duration<double>(send_takes).count() / took.count();
  EXPECT_LT(share, 0.6);
  EXPECT_GT(share, 0.1) << "and it sends";
  EXPECT_GT(sequence, 1000U);
}

}  // namespace
}  // namespace lobo::testing
