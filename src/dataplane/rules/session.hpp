#pragma once
// A PFCP session as a UPF keeps it: its rules by identifier, with nothing borrowed from the
// messages that made them. A value: two that were made by the same requests are equal.

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/few.hpp"
#include "wire/packet/flow_filter.hpp"
#include "wire/pfcp/media.hpp"
#include "wire/pfcp/rules.hpp"
#include "wire/pfcp/usage.hpp"
#include "wire/pfcp/values.hpp"

namespace lobo::dataplane {

inline constexpr std::size_t pdrs_per_session_max = 64;
inline constexpr std::size_t fars_per_session_max = 64;
inline constexpr std::size_t qers_per_session_max = 64;
inline constexpr std::size_t urrs_per_session_max = 64;
inline constexpr std::size_t srrs_per_session_max = 8;

/// One SDF filter (TS 29.244 clause 8.2.5). What is set has to match.
struct SdfMatch {
  std::optional<packet::FlowFilter> flow;
  std::optional<pfcp::TrafficClass> traffic_class;
  std::optional<std::uint32_t> id;  ///< a PDR of the other direction names the filter by it
  bool operator==(const SdfMatch&) const = default;
};

struct Pdr {
  std::uint32_t precedence = 0;  ///< lower is looked at first
  pfcp::Interface source = pfcp::Interface::access;
  std::optional<pfcp::FTeid> tunnel;
  bool tunnel_is_ours = false;  ///< the UPF made the F-TEID up, and has to give it back
  std::string network_instance;
  Few<pfcp::UeIpAddress, pfcp::ue_addresses_per_pdi_max> ue_addresses;  ///< none: any
  std::vector<SdfMatch> filters;                                        ///< any of them; none: all
  Few<pfcp::Qfi, pfcp::qfis_per_pdi_max> qfis;                          ///< none: any
  std::optional<pfcp::ProtocolDescription> protocol;
  std::optional<pfcp::OuterHeaderRemoval> outer_header_removal;
  pfcp::FarId far;
  Few<pfcp::UrrId, pfcp::urrs_per_pdr_max> urrs;
  Few<pfcp::QerId, pfcp::qers_per_pdr_max> qers;
  bool operator==(const Pdr&) const = default;
};

struct Far {
  pfcp::ApplyAction action;
  /// Nothing: nowhere to forward to yet.
  std::optional<pfcp::Interface> destination;
  std::string network_instance;
  std::optional<pfcp::OuterHeaderCreation> outer_header;
  std::optional<pfcp::TrafficClass> transport_level_marking;
  Few<pfcp::ExtendedTransportLevelMarking, pfcp::markings_per_far_max> extended_markings;
  std::optional<pfcp::BarId> bar;
  bool operator==(const Far&) const = default;
};

using Qer = pfcp::CreateQer;
using Urr = pfcp::CreateUrr;
using Bar = pfcp::Bar;
using Srr = pfcp::Srr;

struct Session {
  std::uint64_t seid = 0;  ///< ours
  pfcp::FSeid control;     ///< of the control plane
  std::map<pfcp::PdrId, Pdr> pdrs;
  std::map<pfcp::FarId, Far> fars;
  std::map<pfcp::QerId, Qer> qers;
  std::map<pfcp::UrrId, Urr> urrs;
  std::map<pfcp::SrrId, Srr> srrs;
  std::optional<Bar> bar;
  std::uint32_t buffers_given_up = 0;  ///< how often all that was buffered was to be dropped
  bool operator==(const Session&) const = default;
};

}  // namespace lobo::dataplane
