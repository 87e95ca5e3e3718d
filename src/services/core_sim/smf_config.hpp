#pragma once
// The SMF of the simulated core, where there is a UPF that it can program.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/quantity.hpp"
#include "base/result.hpp"
#include "model/address.hpp"
#include "wire/pfcp/header.hpp"

namespace lobo::core_sim {

inline constexpr std::size_t upfs_max = 4;
inline constexpr unsigned ue_pool_prefix_min = 8;

struct UpfConfig {
  std::string name;     ///< how the control API calls it
  std::string address;  ///< of its N4
  std::uint16_t port = pfcp::udp_port;
  std::vector<std::string> dnns;  ///< that it leads to; none: all
};

struct SmfConfig {
  std::string address = "127.0.0.61";  ///< our N4: Node ID and F-SEID
  std::uint16_t port = pfcp::udp_port;
  std::vector<UpfConfig> upfs;
  std::string ue_pool;  ///< "10.45.0.0/16": for UEs without an address of their own
  /// Beside this machine: from where gNBs may use their part of the control API, "10.100.0.0/24".
  std::vector<std::string> ran_networks;
  std::string n3_instance;  ///< Network Instance towards the RAN; empty: none is named
  BitsPerSecond session_ambr_dl{1'000'000'000};
  BitsPerSecond session_ambr_ul{500'000'000};
  /// TS 29.244 clause 6.4: a request is sent again after T1, N1 times at most.
  std::chrono::milliseconds t1{1000};
  unsigned n1 = 3;
  std::chrono::milliseconds heartbeat{10'000};
  /// From the loss of an association to the next try.
  std::chrono::milliseconds setup_retry{2000};
};

/// Everything that is wrong with it; `where` is the path of the section.
std::vector<Fault> faults_of(const SmfConfig& config, const std::string& where);

/// "10.100.0.0/24" or "fd00::/64", without a bit behind the prefix.
std::optional<std::pair<model::IpAddress, unsigned>> parse_ip_network(std::string_view text);

}  // namespace lobo::core_sim
