// What a browser's connection may bring: octets on streams of every kind in pieces of any size,
// datagrams, resets, in any order. The gate never says more to who uses it than a session may: no
// datagram or stream before it is open, nothing after it is closed.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "adapters/quic/links.hpp"
#include "adapters/webtransport/below_test_support.hpp"
#include "adapters/webtransport/gate.hpp"
#include "base/bytes.hpp"
#include "base/require.hpp"

namespace {

using lobo::Bytes;
namespace webtransport = lobo::adapters::webtransport;
namespace quic = lobo::adapters::quic;

constexpr quic::LinkId the_link = 1;
constexpr std::size_t operations_max = 256;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Bytes in = std::as_bytes(std::span(data, size));
  webtransport::testing::Above above;
  webtransport::testing::Below below;
  webtransport::Gate gate({.origins = {"https://app.example"}, .path = {}}, above);
  gate.stand_on(below);
  gate.on_opened(the_link, {.protocol = "h3"});
  if (!in.empty() && (in[0] & std::byte{1}) != std::byte{0}) {
    // Half of the inputs begin where a good request has brought them.
    gate.on_stream(the_link, 0,
                   webtransport::testing::frame(
                       1, webtransport::testing::block(webtransport::testing::good_request())),
                   false);
    lobo::require(above.opened.has_value());
  }
  for (std::size_t i = 0; i < operations_max && in.size() >= 2; ++i) {
    const auto what = std::to_integer<unsigned>(in[0]);
    const std::size_t count =
        std::min<std::size_t>(std::to_integer<std::size_t>(in[1]), in.size() - 2);
    const Bytes octets = in.subspan(2, count);
    in = in.subspan(2 + count);
    const quic::StreamNo stream = what >> 3U & 0x0FU;
    const bool was_open = above.opened.has_value() && !above.closed.has_value();
    const auto before = above.datagrams.size() + above.streams.size() + above.resets.size();
    switch (what & 3U) {
      case 0: gate.on_stream(the_link, stream, octets, (what & 4U) != 0); break;
      case 1: gate.on_datagram(the_link, octets); break;
      case 2: gate.on_stream_reset(the_link, stream, count * 0x52e4a40fa8dbULL); break;
      default: (void)gate.send_datagram(the_link, octets, i); break;
    }
    if (!was_open && !above.opened.has_value())
      lobo::require(before == above.datagrams.size() + above.streams.size() + above.resets.size());
  }
  gate.on_closed(the_link, {quic::CloseCause::peer, 0, ""});
  lobo::require(gate.sessions() == 0);
  lobo::require(!above.opened.has_value() || above.closed.has_value());
  return 0;
}
