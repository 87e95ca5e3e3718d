#pragma once
// What an operator says of the UPF's side of N4, and what the UPF says of itself.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/address.hpp"
#include "wire/pfcp/header.hpp"
#include "wire/pfcp/values.hpp"

namespace lobo::dataplane::n4 {

/// What the whole UPF does (clause 8.2.25): it chooses F-TEIDs, buffers what a FAR
/// buffers and tells of it after the time that a BAR says, takes bundled messages, counts packets,
/// measures delay by QoS flow, marks PDU Sets towards the RAN, and by importance on N3.
/// Not told because it is not so: end markers of our own (EMPU), traffic endpoints (PDIU), UE
/// addresses (UEIP), the delay of GTP-U paths (GPQM), jitter and data bursts on N6 (N6JEDB), L4S,
/// the endpoint mode of UDP options (UDPOPT: ours are read in transit).
inline const pfcp::UpFeatures served_features{
    pfcp::UpFeature::ddnd, pfcp::UpFeature::ftup, pfcp::UpFeature::udbc,  pfcp::UpFeature::bundl,
    pfcp::UpFeature::mnop, pfcp::UpFeature::qfqm, pfcp::UpFeature::pdusm, pfcp::UpFeature::psitlm,
};

struct N4Config {
  /// Our Node ID: an address, or a name of labels with dots.
  std::string node_id;
  /// In our F-SEIDs: at least one of them.
  std::optional<model::Ipv4Address> n4_v4;
  std::optional<model::Ipv6Address> n4_v6;
  /// In the F-TEIDs that we choose.
  std::optional<model::Ipv4Address> n3_v4;
  std::optional<model::Ipv6Address> n3_v6;
  /// Who may associate: all where there is none. N4 itself proves nobody's identity.
  std::vector<model::IpAddress> control_planes;
  pfcp::UpFeatures features = served_features;
  /// Where our requests go (clause 4.3). 0: to the port that the association was set up from.
  std::uint16_t control_port = pfcp::udp_port;
  /// T1 and N1 of clause 6.4.
  std::chrono::milliseconds retransmit_after{3000};
  unsigned retransmissions = 3;
  std::chrono::milliseconds heartbeat_every{10'000};
  /// How long the sessions of a silent control plane go on (TS 23.527 leaves it to the operator).
  std::chrono::milliseconds peer_lost_after{300'000};
  /// A request that comes again within this time is answered, and not done again. Longer than a
  /// control plane's T1 times N1.
  std::chrono::milliseconds answers_kept{15'000};
  /// Between two slices of sessions whose meters are looked at, for what a worker could not tell.
  std::chrono::milliseconds sweep_every{100};
};

}  // namespace lobo::dataplane::n4
