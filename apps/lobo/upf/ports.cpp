#include "upf/ports.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "adapters/packet_io/af_packet.hpp"
#include "adapters/packet_io/af_xdp.hpp"
#include "adapters/packet_io/dpdk.hpp"
#include "adapters/packet_io/interface_addresses.hpp"
#include "adapters/packet_io/link.hpp"
#include "adapters/packet_io/served.hpp"
#include "adapters/packet_io/split_program.hpp"
#include "base/result.hpp"
#include "dataplane/stages/neighbours.hpp"
#include "dataplane/stages/wanted_addresses.hpp"
#include "model/address.hpp"
#include "upf/upf_config.hpp"
#include "wire/gtpu/packet.hpp"

namespace lobo::app {

namespace io = adapters::packet_io;
using dataplane::PathSide;

namespace {

bool is_link_local(const model::IpAddress& address) {
  const auto* v6 = std::get_if<model::Ipv6Address>(&address);
  return v6 != nullptr && v6->octets[0] == 0xFE && (v6->octets[1] & 0xC0U) == 0x80;
}

/// The configured address, if the interface has it; where none is configured the first one that is
/// not for its link alone.
template <class Address>
Result<std::optional<Address>> own_address(PathSide side, const io::Link& link,
                                           const std::vector<io::InterfaceAddress>& has,
                                           const std::optional<Address>& configured,
                                           bool any_configured) {
  if (!configured && any_configured) return std::nullopt;
  for (const auto& one : has) {
    const auto* address = std::get_if<Address>(&one.address);
    if (address == nullptr) continue;
    if (configured ? *address == *configured : !is_link_local(one.address)) return *address;
  }
  if (!configured) return std::nullopt;
  return fail(Errc::not_found,
              fmt::format("{0}: {1} does not have the address {2} (`ip address add {2}/24 dev {1}` "
                          "would give it one)",
                          to_string(side), link.name, model::to_text(*configured)));
}

io::ServedList served_on(const UpfSide& side, const UpfConfig& config) {
  io::ServedList served;
  if (side.name == PathSide::n6) {
    for (const auto& [network, length] : config.ue_networks)
      served.push_back({.ip_version = network.index() == 0 ? 4U : 6U,
                        .destination = network,
                        .prefix_length = length,
                        .udp_port = std::nullopt});
    return served;
  }
  if (side.addresses.v4)
    served.push_back({.ip_version = 4,
                      .destination = *side.addresses.v4,
                      .prefix_length = 32,
                      .udp_port = gtpu::udp_port});
  if (side.addresses.v6)
    served.push_back({.ip_version = 6,
                      .destination = *side.addresses.v6,
                      .prefix_length = 128,
                      .udp_port = gtpu::udp_port});
  return served;
}

/// A device that the configuration names, or one on the interface. The interface has the addresses
/// and knows the neighbours in both cases.
Result<io::Ports> open_dpdk_port(const UpfSide& side, const UpfSideConfig& config,
                                 const io::Tell& tell) {
  const std::string device =
      config.device.empty()
          ? fmt::format("net_af_packet_{},iface={}", to_string(side.name), side.link.name)
          : config.device;
  auto port = io::open_dpdk({.device = device, .tell = tell});
  if (!port)
    return fail(port.error().code,
                fmt::format("{}: {}", to_string(side.name), port.error().detail));
  io::Ports ports;
  ports.push_back(std::move(*port));
  return ports;
}

}  // namespace

std::string_view to_string(PathSide side) {
  switch (side) {
    case PathSide::n3: return "n3";
    case PathSide::n6: return "n6";
  }
  std::abort();
}

Result<UpfSide> look_at_side(PathSide name, const UpfSideConfig& config) {
  auto link = io::find_link(config.interface);
  if (!link)
    return fail(link.error().code, fmt::format("{}: {}", to_string(name), link.error().detail));
  if (link->loopback)
    return fail(Errc::refused,
                fmt::format("{}: {} is the loopback interface, which has no Ethernet addresses",
                            to_string(name), link->name));
  const auto has = io::addresses_of(*link);
  if (!has) return fail(has.error());
  const bool configured = config.v4 || config.v6;
  const auto v4 = own_address(name, *link, *has, config.v4, configured);
  if (!v4) return fail(v4.error());
  const auto v6 = own_address(name, *link, *has, config.v6, configured);
  if (!v6) return fail(v6.error());
  if (!*v4 && !*v6)
    return fail(Errc::not_found,
                fmt::format("{}: {} has no IP address, by which others would reach it",
                            to_string(name), link->name));
  const io::Gateways kernel = io::default_gateways(*link);
  dataplane::SideNeighbours addresses{
      .mac = link->address,
      .v4 = *v4,
      .v6 = *v6,
      .gateway_v4 = config.gateway_v4 ? config.gateway_v4 : kernel.v4,
      .gateway_v6 = config.gateway_v6 ? config.gateway_v6 : kernel.v6,
      .on_link = {},
      .known = {}};
  for (const auto& one : *has)
    addresses.on_link.push_back(
        {model::network_of(one.address, one.prefix_length), one.prefix_length});
  const bool forwards = io::kernel_forwards(*link);
  return UpfSide{.name = name,
                 .link = std::move(*link),
                 .addresses = std::move(addresses),
                 .kernel_forwards = forwards};
}

namespace {

std::uint16_t fanout_group(const UpfSide& side) {
  return static_cast<std::uint16_t>(static_cast<unsigned>(side.link.index) & 0xFFFFU);
}

/// In the order of the workers: the kernel numbers them as they come.
Result<std::vector<io::Ports>> open_divided(const UpfSide& side, const UpfConfig& config,
                                            io::AfPacketOptions options) {
  options.fanout = fanout_group(side);
  options.split = {
      .by = side.name == PathSide::n6 ? io::SplitBy::destination : io::SplitBy::tunnel_source,
      .count = config.workers};
  std::vector<io::Ports> all(config.workers);
  for (io::Ports& ports : all) {
    auto port = io::open_af_packet(options);
    if (!port) return fail(std::move(port.error()));
    ports.push_back(std::move(*port));
  }
  return all;
}

Result<io::Ports> open_undivided(const UpfSide& side, const UpfConfig& config,
                                 const io::AfPacketOptions& plain, const io::Tell& tell) {
  // In the place of AF_XDP there is one for each queue: they share the packets.
  io::AfPacketOptions shared = plain;
  if (config.queues > 1) shared.fanout = fanout_group(side);
  const io::AfXdpOptions fast{.interface = side.link.name,
                              .served = served_on(side, config),
                              .queues = config.queues,
                              .tell = tell};
  switch (config.io) {
    case UpfIo::af_xdp: return io::open_af_xdp(fast);
    case UpfIo::dpdk:
      return open_dpdk_port(side, side.name == PathSide::n3 ? config.n3 : config.n6, tell);
    case UpfIo::automatic:
      // Without a list AF_XDP would take ARP from the kernel as well.
      if (!fast.served.empty()) return io::open_fastest(fast, shared);
      tell(fmt::format("{}: AF_PACKET, because no ue_networks tell what AF_XDP may take",
                       to_string(side.name)));
      [[fallthrough]];
    case UpfIo::af_packet:
    case UpfIo::af_packet_plain: break;
  }
  io::Ports ports;
  auto port = io::open_af_packet(plain);  // it has the packets of all queues
  if (!port) return fail(std::move(port.error()));
  ports.push_back(std::move(*port));
  return ports;
}

}  // namespace

Result<std::vector<io::Ports>> open_ports(const UpfSide& side, const UpfConfig& config,
                                          const io::Tell& tell) {
  const io::AfPacketOptions plain{
      .interface = side.link.name, .rings = config.io != UpfIo::af_packet_plain, .tell = tell};
  if (config.workers > 1) return open_divided(side, config, plain);
  auto ports = open_undivided(side, config, plain, tell);
  if (!ports) return fail(std::move(ports.error()));
  std::vector<io::Ports> all;
  all.push_back(std::move(*ports));
  return all;
}

}  // namespace lobo::app
