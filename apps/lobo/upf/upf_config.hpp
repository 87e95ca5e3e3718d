#pragma once
// What the section `upf:` says, as plain values; docs/configuration.md lists the keys. Where the
// data plane has a value of its own for what the file leaves out, that one holds.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "adapters/http/tls_files.hpp"
#include "dataplane/n4/config.hpp"
#include "model/address.hpp"
#include "wire/gtpu/bits.hpp"
#include "wire/xrm/option.hpp"
#include "wire/xrm/receiver.hpp"
#include "wire/xrm_keys/acceptor.hpp"
#include "wire/xrm_keys/terms.hpp"

namespace lobo::app {

/// An address and a port to listen on.
struct UpfListen {
  model::IpAddress address;
  std::uint16_t port = 0;
};

/// N3 or N6.
struct UpfSideConfig {
  std::string interface;
  std::string device;  ///< of DPDK, which carries its packets; empty: one on the interface itself
  std::optional<model::Ipv4Address> v4;  ///< neither: what the interface has
  std::optional<model::Ipv6Address> v6;
  std::optional<model::Ipv4Address> gateway_v4;  ///< none: the kernel's default route there
  std::optional<model::Ipv6Address> gateway_v6;
};

enum class UpfIo : std::uint8_t {
  automatic,
  af_packet,
  af_packet_plain,  ///< without rings: a packet does not wait for its block to fill
  af_xdp,
  dpdk,
};

struct UpfMarksConfig {
  xrm::OptionKind kind;
  xrm::ReceiverSettings receiver;
  std::string key_file;  ///< empty: nothing that is protected can be opened
};

/// An application server whose keys come over a key channel.
struct UpfEasConfig {
  xrm::AcceptorConfig keys;
  std::string address;
  std::uint16_t port = 0;
};

struct UpfKeysConfig {
  adapters::ClientTlsFiles tls;
  std::vector<UpfEasConfig> eas;
};

/// Each waits on two sockets and two mailboxes of every other one: ports_waited_max holds.
inline constexpr std::uint32_t upf_workers_max = 8;

/// More would want more contexts than a receiver has.
inline constexpr std::size_t upf_eas_max = 16;
static_assert(upf_eas_max * xrm::keys_live_max <= xrm::contexts_max);

struct UpfConfig {
  using Network = std::pair<model::IpAddress, unsigned>;  ///< with its prefix length

  std::vector<UpfListen> pfcp;  ///< one of each IP version at most
  dataplane::n4::N4Config n4;   ///< without its addresses, which follow from the others
  UpfSideConfig n3;
  UpfSideConfig n6;
  std::vector<Network> ue_networks;  ///< what AF_XDP takes on N6
  UpfIo io = UpfIo::automatic;
  std::uint32_t queues = 1;   ///< receive queues of each interface
  std::uint32_t workers = 1;  ///< of AF_PACKET
  UpfMarksConfig marks;
  UpfKeysConfig keys;  ///< of no application server: no key channels
  bool strip_options = true;
  std::optional<std::uint8_t> set_container;
  std::optional<gtpu::Release> release;
  std::optional<std::chrono::milliseconds> monitoring_interval;
  bool clocks_agree = false;
  bool zero_udp_checksum_over_ipv6 = false;
  std::vector<UpfListen> metrics;  ///< loopback only
};

}  // namespace lobo::app
