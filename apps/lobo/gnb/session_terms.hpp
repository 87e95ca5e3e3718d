#pragma once
// What a gNB has to do for a UE: tunnels, QoS flows, what they are promised. From netsim's control
// API, or from the configuration.

#include <cstdint>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "api/net_control.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"
#include "dataplane/radio/guarantee.hpp"
#include "dataplane/radio/radio.hpp"
#include "gnb/gnb_config.hpp"
#include "model/address.hpp"
#include "wire/packet/flow_filter.hpp"

namespace lobo::app {

struct SessionTerms {
  struct Filter {
    packet::FlowFilter filter;
    std::uint8_t qfi = 0;
  };

  std::optional<model::Ipv4Address> v4;
  std::optional<model::Ipv6Address> v6;
  model::IpAddress upf;
  std::uint32_t upf_teid = 0;
  std::vector<dataplane::RadioFlow> flows;  ///< the first is the default one
  std::vector<Filter> uplink;               ///< in the order of the flows
  /// What a flow may fall back to, best first.
  std::map<std::uint8_t, std::vector<dataplane::Promise>> alternatives;
  dataplane::RadioLink worse;  ///< what the network says of the link, beside ours

  std::uint8_t default_qfi() const { return flows.front().qfi; }
  /// The QoS flow of a packet of the UE.
  std::uint8_t uplink_qfi(Bytes packet) const;
};

/// A session that the network calls established; a fault where it lacks what a gNB needs.
Result<SessionTerms> terms_of(const api::net_control::NetPduSession& session);
SessionTerms terms_of(const GnbSessionConfig& session);

/// Ours, made worse by what the network says.
dataplane::RadioLink joined(const dataplane::RadioLink& own, const dataplane::RadioLink& worse);

/// "1E-4"; nothing for anything else.
std::optional<double> parse_error_rate(std::string_view text);

/// What netsim is told. `alternatives` are those of the flow.
api::net_control::NetGuaranteeNotice notice_of(const dataplane::RadioNotice& notice,
                                               const std::vector<dataplane::Promise>& alternatives,
                                               dataplane::Elapsed window);
/// Of all flows of a UE, those that are no more included.
api::net_control::NetRanCounters counters_of(const dataplane::Radio::Flows& flows);

}  // namespace lobo::app
