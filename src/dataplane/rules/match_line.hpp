#pragma once
// A packet detection rule in one cache line: what nearly every rule asks of a packet. A session's
// lines lie in a row, so that eight rules cost eight lines that the processor fetches by itself.

#include <cstdint>

#include "dataplane/rules/packet_facts.hpp"
#include "wire/pfcp/values.hpp"

namespace lobo::dataplane {

struct Rule;

struct alignas(64) MatchLine {
  explicit MatchLine(const Rule& rule);

  /// What it says of a packet is right where `sufficient`; else "no" is right and "yes" means that
  /// the rule itself is to be asked.
  bool holds(const PacketFacts& packet) const noexcept;

  enum class Address : std::uint8_t { any, v4, v6_network, v6_host };

  std::uint64_t address_high = 0;
  std::uint64_t address_low = 0;
  std::uint64_t qfis = 0;  ///< bit N: QFI N; 0: any
  std::uint32_t teid = 0;
  std::uint32_t remote_v4 = 0;
  std::uint32_t remote_v4_mask = 0;  ///< 0: any address, of either version
  std::uint16_t remote_port_first = 0;
  std::uint16_t remote_port_last = 0xFFFF;
  std::uint16_t ue_port_first = 0;
  std::uint16_t ue_port_last = 0xFFFF;
  std::uint8_t protocol = 0;
  std::uint8_t traffic_class = 0;
  std::uint8_t traffic_class_mask = 0;
  pfcp::Interface from{};
  Address address = Address::any;
  bool address_is_destination = false;
  bool has_tunnel = false;
  bool has_protocol = false;
  bool to_ue = false;
  bool sufficient = false;

 private:
  void take_address(const Rule& rule);
  void take_filter(const Rule& rule);
};
static_assert(sizeof(MatchLine) == 64);

}  // namespace lobo::dataplane
