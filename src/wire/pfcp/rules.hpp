#pragma once
// What a session is made of: rules that detect packets (PDR), forward them (FAR), enforce their QoS
// (QER) and buffer them (BAR): TS 29.244 clauses 7.5.2 to 7.5.4.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/few.hpp"
#include "model/address.hpp"
#include "wire/pfcp/flags.hpp"
#include "wire/pfcp/media.hpp"
#include "wire/pfcp/values.hpp"

namespace lobo::pfcp {

inline constexpr std::size_t sdf_filters_per_pdi_max = 16;
inline constexpr std::size_t ue_addresses_per_pdi_max = 4;
inline constexpr std::size_t qfis_per_pdi_max = 64;  ///< there are no more
inline constexpr std::size_t urrs_per_pdr_max = 16;
inline constexpr std::size_t qers_per_pdr_max = 8;
inline constexpr std::size_t markings_per_far_max = 16;  ///< one for each PSI

/// Clause 8.2.5. What is set has to match.
struct SdfFilter {
  std::optional<std::string_view> flow_description;  ///< IPFilterRule: model/flow_description.hpp
  std::optional<TrafficClass> traffic_class;
  std::optional<std::uint32_t> security_parameter_index;  ///< of IPsec
  std::optional<std::uint32_t> flow_label;                ///< of IPv6, 20 bits
  std::optional<std::uint32_t> id;  ///< bidirectional: the other direction has it swapped
  bool has_unread = false;          ///< of a later release: it matches less than is seen here
  bool operator==(const SdfFilter&) const = default;
};

/// Table 7.5.2.2-2: which packets.
struct Pdi {
  Interface source_interface = Interface::access;
  std::optional<LocalFTeid> local_f_teid;
  std::optional<Octets> network_instance;
  Few<UeIpAddress, ue_addresses_per_pdi_max> ue_addresses;
  Few<SdfFilter, sdf_filters_per_pdi_max> sdf_filters;
  Few<Qfi, qfis_per_pdi_max> qfis;
  std::optional<ProtocolDescription> protocol_description;
  bool operator==(const Pdi&) const = default;
};

/// Clause 8.2.64: 0 GTP-U/UDP/IPv4, 1 GTP-U/UDP/IPv6, 6 either of them.
struct OuterHeaderRemoval {
  std::uint8_t description = 0;
  std::optional<std::uint8_t> deleted_extensions;  ///< bit 1: PDU Session Container
  bool operator==(const OuterHeaderRemoval&) const = default;
};

struct CreatePdr {
  PdrId id;
  Precedence precedence;
  Pdi pdi;
  std::optional<OuterHeaderRemoval> outer_header_removal;
  std::optional<FarId> far;
  Few<UrrId, urrs_per_pdr_max> urrs;
  Few<QerId, qers_per_pdr_max> qers;
  std::optional<Octets> predefined_rules;  ///< the first name: not served here
  std::optional<MarId> mar;                ///< not served here
  bool operator==(const CreatePdr&) const = default;
};
/// What is absent stays as it was; a list replaces the list.
struct UpdatePdr {
  PdrId id;
  std::optional<Precedence> precedence;
  std::optional<Pdi> pdi;
  std::optional<OuterHeaderRemoval> outer_header_removal;
  std::optional<FarId> far;
  Few<UrrId, urrs_per_pdr_max> urrs;
  Few<QerId, qers_per_pdr_max> qers;
  std::optional<Octets> predefined_rules;
  bool operator==(const UpdatePdr&) const = default;
};
struct RemovePdr {
  PdrId id;
  bool operator==(const RemovePdr&) const = default;
};
struct CreatedPdr {
  PdrId id;
  std::optional<FTeid> local_f_teid;
  std::optional<UeIpAddress> ue_address;
  bool operator==(const CreatedPdr&) const = default;
};

/// Clause 8.2.26. Of drop, forw and buff exactly one is set, unless an action of multicast is.
enum class Action : std::uint8_t {
  drop = flag_at(5, 1),
  forw = flag_at(5, 2),
  buff = flag_at(5, 3),
  nocp = flag_at(5, 4),
  dupl = flag_at(5, 5),
  ipma = flag_at(5, 6),
  ipmd = flag_at(5, 7),
  dfrt = flag_at(5, 8),
  edrt = flag_at(6, 1),
  bdpn = flag_at(6, 2),
  ddpn = flag_at(6, 3),
  fssm = flag_at(6, 4),
  mbsu = flag_at(6, 5),
};
using ApplyAction = Flags<Action, 2>;

/// Clause 8.2.56.
enum class OuterHeader : std::uint8_t {
  gtpu_udp_ipv4 = flag_at(5, 1),
  gtpu_udp_ipv6 = flag_at(5, 2),
  udp_ipv4 = flag_at(5, 3),
  udp_ipv6 = flag_at(5, 4),
  ipv4 = flag_at(5, 5),
  ipv6 = flag_at(5, 6),
  c_tag = flag_at(5, 7),
  s_tag = flag_at(5, 8),
  n19 = flag_at(6, 1),
  n6 = flag_at(6, 2),
};
/// A member counts where the description calls for it. VLAN tags are read past and not kept.
struct OuterHeaderCreation {
  Flags<OuterHeader, 2, 2> description;
  std::uint32_t teid = 0;
  model::Ipv4Address v4;
  model::Ipv6Address v6;
  std::uint16_t port = 0;
  bool operator==(const OuterHeaderCreation&) const = default;

  bool has_teid() const {
    return description.has(OuterHeader::gtpu_udp_ipv4) ||
           description.has(OuterHeader::gtpu_udp_ipv6);
  }
  bool has_v4() const {
    return description.has(OuterHeader::gtpu_udp_ipv4) || description.has(OuterHeader::udp_ipv4) ||
           description.has(OuterHeader::ipv4);
  }
  bool has_v6() const {
    return description.has(OuterHeader::gtpu_udp_ipv6) || description.has(OuterHeader::udp_ipv6) ||
           description.has(OuterHeader::ipv6);
  }
  bool has_port() const {
    return description.has(OuterHeader::udp_ipv4) || description.has(OuterHeader::udp_ipv6);
  }
};

/// Clause 8.2.31.
enum class ModificationFlag : std::uint8_t {
  drobu = flag_at(5, 1),  ///< drop what is buffered
  sndem = flag_at(5, 2),  ///< send end markers to the old tunnel
  qaurr = flag_at(5, 3),  ///< report all URRs now
};
using ModificationFlags = Flags<ModificationFlag, 1>;

/// Tables 7.5.2.3-2 and, in an update with everything optional, 7.5.4.3-2.
struct ForwardingParameters {
  Interface destination_interface = Interface::access;
  std::optional<Octets> network_instance;
  std::optional<OuterHeaderCreation> outer_header_creation;
  std::optional<TrafficClass> transport_level_marking;
  Few<ExtendedTransportLevelMarking, markings_per_far_max> extended_markings;
  std::optional<Octets> on_path_n6_connection;
  bool operator==(const ForwardingParameters&) const = default;
};
struct UpdateForwardingParameters {
  std::optional<Interface> destination_interface;
  std::optional<Octets> network_instance;
  std::optional<OuterHeaderCreation> outer_header_creation;
  std::optional<TrafficClass> transport_level_marking;
  Few<ExtendedTransportLevelMarking, markings_per_far_max> extended_markings;
  std::optional<Octets> on_path_n6_connection;
  std::optional<ModificationFlags> flags;
  bool operator==(const UpdateForwardingParameters&) const = default;
};

struct CreateFar {
  FarId id;
  ApplyAction apply_action;
  std::optional<ForwardingParameters> forwarding_parameters;
  std::optional<BarId> bar;
  bool operator==(const CreateFar&) const = default;
};
struct UpdateFar {
  FarId id;
  std::optional<ApplyAction> apply_action;
  std::optional<UpdateForwardingParameters> forwarding_parameters;
  std::optional<BarId> bar;
  bool operator==(const UpdateFar&) const = default;
};
struct RemoveFar {
  FarId id;
  bool operator==(const RemoveFar&) const = default;
};

/// Clause 8.2.88.
enum class Reflective : std::uint8_t { rqi = flag_at(5, 1) };
using ReflectiveQos = Flags<Reflective, 1>;

/// Clause 8.2 for IE 319, Rel-19: what to tell the RAN about the packets of a QoS flow.
enum class QerIndication : std::uint8_t {
  iqfisn = flag_at(5, 1),  ///< number the PDUs of the flow
  edbmi = flag_at(5, 2),   ///< mark the end of a data burst
  eml4s = flag_at(5, 3),   ///< mark congestion for L4S
  pdusm = flag_at(5, 4),   ///< mark PDU Sets
  dbsmi = flag_at(5, 5),   ///< tell the size of a data burst
  tnbmi = flag_at(5, 6),   ///< tell the time to the next burst
};
using QerIndications = Flags<QerIndication, 1>;

/// Table 7.5.2.5-1.
struct CreateQer {
  QerId id;
  std::optional<QerCorrelationId> correlation_id;
  GateStatus gate_status;
  std::optional<BitRates> maximum_bit_rate;
  std::optional<BitRates> guaranteed_bit_rate;
  std::optional<Qfi> qfi;
  std::optional<ReflectiveQos> reflective_qos;
  std::optional<PagingPolicy> paging_policy;
  std::optional<Milliseconds32> averaging_window;
  std::optional<QerIndications> indications;
  bool operator==(const CreateQer&) const = default;
};
struct UpdateQer {
  QerId id;
  std::optional<QerCorrelationId> correlation_id;
  std::optional<GateStatus> gate_status;
  std::optional<BitRates> maximum_bit_rate;
  std::optional<BitRates> guaranteed_bit_rate;
  std::optional<Qfi> qfi;
  std::optional<ReflectiveQos> reflective_qos;
  std::optional<PagingPolicy> paging_policy;
  std::optional<Milliseconds32> averaging_window;
  std::optional<QerIndications> indications;
  bool operator==(const UpdateQer&) const = default;
};
struct RemoveQer {
  QerId id;
  bool operator==(const RemoveQer&) const = default;
};

/// Tables 7.5.2.6-1, 7.5.4.11-1, 7.5.9.2-1: the least that there is.
struct Bar {
  BarId id;
  std::optional<Steps50Ms> notification_delay;
  std::optional<PacketCount> suggested_packets;
  bool operator==(const Bar&) const = default;
};
struct RemoveBar {
  BarId id;
  bool operator==(const RemoveBar&) const = default;
};

}  // namespace lobo::pfcp
