#include "adapters/impair/mirror.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

#include "adapters/http/loop.hpp"
#include "adapters/impair/lines.hpp"
#include "adapters/impair/proxy.hpp"
#include "adapters/tun/tun.hpp"
#include "adapters/udp/readiness.hpp"
#include "adapters/udp/socket.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"
#include "model/address.hpp"
#include "wire/impair/line.hpp"
#include "wire/packet/parse.hpp"

namespace lobo::adapters::impair {
namespace {

// Packets at a stretch before what is due goes out.
constexpr std::size_t packets_max = 256;

// Where an IPv4 header has what is read and exchanged (RFC 791).
constexpr std::size_t fragment_at = 6;
constexpr std::size_t protocol_at = 9;
constexpr std::size_t source_at = 12;
constexpr std::size_t destination_at = 16;
constexpr std::size_t address_bytes = 4;
constexpr std::uint16_t fragment_offset_mask = 0x1FFF;
constexpr std::uint8_t protocol_tcp = 6;

bool is_ipv4(Bytes packet) {
  return packet.size() >= packet::ipv4_header_bytes_min &&
         std::to_integer<unsigned>(packet[0]) >> 4U == 4;
}

/// The port that a segment or datagram goes to; 0 where it has none, or is a later fragment.
std::uint16_t port_to(Bytes packet) {
  const auto protocol = std::to_integer<std::uint8_t>(packet[protocol_at]);
  const std::size_t ports_at = (std::to_integer<std::size_t>(packet[0]) & 0xFU) * 4;
  if ((protocol != protocol_tcp && protocol != packet::protocol_udp) ||
      (be16_at(packet, fragment_at) & fragment_offset_mask) != 0 || packet.size() < ports_at + 4)
    return 0;
  return be16_at(packet, ports_at + 2);
}

class Mirror final : public Proxy {
 public:
  Mirror(EventLoop& loop, const MirrorSettings& settings, Tun tun)
      : settings_(settings),
        tun_(std::move(tun)),
        lines_(
            loop, settings.up, settings.down, settings.seed,
            [this](const lobo::impair::Line::Delivery& one) { tun_.write(one.datagram); },
            [this](const lobo::impair::Line::Delivery& one) { tun_.write(one.datagram); }),
        ready_(loop, tun_.descriptor(), [this] { take(); }) {}

  UdpEndpoint local() const override { return {settings_.peer, settings_.port}; }
  void set(const lobo::impair::Settings& up, const lobo::impair::Settings& down) override {
    lines_.up().set(up);
    lines_.down().set(down);
  }
  Result<void> rebind() override {
    return fail(Errc::conflict, "a mirror gives clients no ports that it could change");
  }
  const lobo::impair::Statistics& up() const override { return lines_.up().statistics(); }
  const lobo::impair::Statistics& down() const override { return lines_.down().statistics(); }
  const ProxyCounters& counters() const override { return counters_; }

 private:
  void take() {
    for (std::size_t i = 0; i < packets_max; ++i) {
      const std::size_t octets = tun_.read(room_);
      if (octets == 0) break;
      push(MutableBytes(room_).first(octets));
    }
    lines_.deliver();
  }
  void push(MutableBytes packet) {
    // The kernel's own multicast, for example.
    if (!is_ipv4(packet) || !std::ranges::equal(packet.subspan(destination_at, address_bytes),
                                                std::as_bytes(std::span(settings_.peer.octets)))) {
      ++counters_.refused;
      return;
    }
    // Exchanged addresses leave every checksum as it was: a sum has no order.
    std::swap_ranges(packet.begin() + source_at, packet.begin() + destination_at,
                     packet.begin() + destination_at);
    auto& line = port_to(packet) == settings_.port ? lines_.up() : lines_.down();
    line.push(packet, 0, steady_now());
  }

  MirrorSettings settings_;
  Tun tun_;
  Lines lines_;
  ProxyCounters counters_;
  std::array<std::byte, mirror_mtu> room_{};
  Readiness ready_;
};

}  // namespace

Result<std::unique_ptr<Proxy>> open_mirror(EventLoop& loop, const MirrorSettings& settings) {
  if (settings.own == settings.peer)
    return fail(Errc::out_of_range, "the device's own address and its peer's are one");
  auto tun = Tun::open(settings.device);
  if (!tun) return fail(tun.error());
  const auto set = tun->configure({.v4 = settings.own,
                                   .v6 = {},
                                   .peer_v4 = settings.peer,
                                   .mtu = mirror_mtu,
                                   .default_route = false});
  if (!set) return fail(set.error());
  return std::make_unique<Mirror>(loop, settings, std::move(*tun));
}

}  // namespace lobo::adapters::impair
