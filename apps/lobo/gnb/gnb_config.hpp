#pragma once
// What the section `gnb:` says, as plain values; docs/configuration.md lists the keys.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/radio/cell.hpp"
#include "dataplane/radio/guarantee.hpp"
#include "dataplane/radio/radio.hpp"
#include "model/address.hpp"
#include "wire/air/message.hpp"
#include "wire/gtpu/bits.hpp"
#include "wire/gtpu/packet.hpp"

namespace lobo::app {

/// An address and a port to listen on.
struct GnbListen {
  model::IpAddress address;
  std::uint16_t port = 0;
};

/// A PDU session that no network tells of: for a gNB without `control`.
struct GnbSessionConfig {
  std::optional<model::Ipv4Address> v4;
  std::optional<model::Ipv6Address> v6;
  std::uint32_t teid = 0;
  model::IpAddress upf;
  std::uint32_t upf_teid = 0;
  std::vector<dataplane::RadioFlow> flows;  ///< the first is the default one
};

struct GnbUeConfig {
  std::string name;
  dataplane::RadioLink link;
  std::optional<GnbSessionConfig> session;
};

struct GnbConfig {
  std::string name = "gnb1";
  GnbListen n3{.address = model::Ipv4Address{}, .port = gtpu::udp_port};
  std::vector<GnbListen> air;
  std::uint16_t mtu = 1400;  ///< of UEs
  std::string control;       ///< netsim's root URL; empty: sessions are those of `ues`
  dataplane::CellConfig cell;
  BitsPerSecond rate{10'000'000};
  std::string trace;  ///< a file instead of `rate`
  std::uint64_t seed = 1;
  dataplane::RadioLink link;  ///< of UEs that say nothing else
  std::vector<GnbUeConfig> ues;
  dataplane::GuaranteeConfig guarantee;
  gtpu::Release release = gtpu::Release::rel19;
  std::vector<GnbListen> metrics;  ///< loopback only
};

}  // namespace lobo::app
