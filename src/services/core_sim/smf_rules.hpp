#pragma once
// The PFCP rules of a PDU session and of its QoS flows (TS 29.244 clauses 5.2
// to 5.4, 7.5.2, 7.5.4).
//
// Identifiers follow from the QFI: flow q has PDR 2q-1 (downlink) and 2q (uplink), QER q+1, URR q
// and SRR q. FAR 1 leads to the RAN and FAR 2 to the data network for all flows, and QER 1 is the
// session's AMBR, under which stand all flows without a guarantee (TS 23.501 clause 5.7.1.6). URR
// and SRR 64 are of all flows together.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/common.hpp"
#include "base/quantity.hpp"
#include "model/address.hpp"
#include "services/core_sim/smf_config.hpp"
#include "services/core_sim/smf_flow.hpp"
#include "wire/pfcp/media.hpp"
#include "wire/pfcp/messages.hpp"
#include "wire/pfcp/rules.hpp"
#include "wire/pfcp/usage.hpp"
#include "wire/pfcp/values.hpp"

namespace lobo::core_sim {

using QfiNumber = std::uint8_t;

inline constexpr QfiNumber default_qfi = 1;
/// Of a session, the default one aside: two PDRs each, and UPFs have room for 64 of a session.
inline constexpr QfiNumber dedicated_flows_max = 31;

inline constexpr pfcp::UrrId session_urr{64};
inline constexpr pfcp::SrrId session_srr{64};

/// Where a gNB wants to have the packets of a UE.
struct GnbTunnel {
  model::IpAddress address;
  std::uint32_t teid = 0;
  bool operator==(const GnbTunnel&) const = default;
};

/// What all flows of a PDU session have in common.
struct PduSessionFacts {
  std::optional<model::Ipv4Address> ipv4;
  std::optional<model::Ipv6Address> ipv6;  ///< its network of 64 bits is the UE's
  std::string dnn;
  GnbTunnel gnb;
  BitsPerSecond ambr_dl;
  BitsPerSecond ambr_ul;
  std::string n3_instance;
  bool operator==(const PduSessionFacts&) const = default;
};

/// What of all flows together the UPF is to tell.
struct SessionWatch {
  std::optional<DelayMonitoring> delay;
  std::vector<QfiNumber> qfis;  ///< whose delay it is; none without `delay`
  std::chrono::seconds usage_period = usage_period_default;
  bool operator==(const SessionWatch&) const = default;
};

/// The rules of one request. They borrow from the facts and the specification that they were made
/// of.
struct Rules {
  std::vector<pfcp::CreatePdr> create_pdrs;
  std::vector<pfcp::CreateFar> create_fars;
  std::vector<pfcp::CreateQer> create_qers;
  std::vector<pfcp::CreateUrr> create_urrs;
  std::vector<pfcp::Srr> create_srrs;
  std::vector<pfcp::UpdatePdr> update_pdrs;
  std::vector<pfcp::UpdateFar> update_fars;
  std::vector<pfcp::UpdateQer> update_qers;
  std::vector<pfcp::UpdateUrr> update_urrs;
  std::vector<pfcp::Srr> update_srrs;
  std::vector<pfcp::RemovePdr> remove_pdrs;
  std::vector<pfcp::RemoveQer> remove_qers;
  std::vector<pfcp::RemoveUrr> remove_urrs;
  std::vector<pfcp::RemoveSrr> remove_srrs;

  pfcp::SessionEstablishmentRequest establishment(const pfcp::NodeId& node,
                                                  const pfcp::FSeid& own) const;
  pfcp::SessionModificationRequest modification() const;
};

/// The session with its default flow; the UPF chooses the tunnel towards it.
Rules default_rules(const PduSessionFacts& facts);
/// `tunnel` is what the UPF has chosen.
Rules rules_to_add(const PduSessionFacts& facts, const pfcp::FTeid& tunnel, QfiNumber qfi,
                   const FlowSpec& spec);
Rules rules_to_change(const PduSessionFacts& facts, const pfcp::FTeid& tunnel, QfiNumber qfi,
                      const FlowSpec& from, const FlowSpec& to);
Rules rules_to_remove(QfiNumber qfi, const FlowSpec& spec);
Rules rules_to_watch(const SessionWatch& from, const SessionWatch& to);
/// Downlink packets go to where the UE is now.
Rules rules_to_move(const PduSessionFacts& facts);

/// "permit out ip from any to 10.45.0.2": it would hide every other flow of the UE.
bool takes_all(std::string_view filter);

/// The same as IE 334.
pfcp::ProtocolDescription protocol_of(const api::common::ProtocolDescription& from);

}  // namespace lobo::core_sim
