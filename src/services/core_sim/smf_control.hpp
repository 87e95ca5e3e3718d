#pragma once
// The part of netsim's control API that stands in for N2 and NAS (api/net_control.yaml): gNBs make
// themselves known, register UEs, and read what they have to do for them. It is no NGAP.

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/net_control.hpp"
#include "base/clock.hpp"
#include "model/address.hpp"
#include "services/core_sim/answers.hpp"
#include "services/core_sim/call.hpp"
#include "services/core_sim/network.hpp"
#include "services/core_sim/sessions.hpp"
#include "services/core_sim/smf_pool.hpp"
#include "services/core_sim/watches.hpp"

namespace lobo::core_sim {

inline constexpr std::size_t gnbs_max = 1'000;

class RanControl {
 public:
  RanControl(Network& network, Sessions& sessions, Watches& watches);

  static bool serves(std::string_view operation);
  Answer handle(const Call& call);
  /// Whether gNBs may ask from there, beside this machine.
  bool is_ran(std::string_view address) const;
  /// The PDU session of the UE ends: the UPF is told, and an address of the pool given back.
  void forget(UeIndex ue, Instant now);

 private:
  struct Gnb {
    model::IpAddress n3;
  };
  struct RanNetwork {
    model::IpAddress network;
    unsigned prefix_length = 0;
  };
  struct Registration {
    std::string gnb;
    std::optional<model::Ipv4Address> lent;  ///< of the pool
    std::uint32_t teid = 0;
    RanCounters told;  ///< by this gNB, of this tunnel
  };

  Answer list_gnbs() const;
  Answer add_gnb(const Call& call);
  Answer remove_gnb(const Call& call);
  Answer list_upfs() const;
  Answer start(const Call& call, UeIndex ue);
  Answer read(const Call& call, UeIndex ue) const;
  Answer end(UeIndex ue, Instant now);
  Answer notice(const Call& call, UeIndex ue);
  Answer measured(const Call& call, UeIndex ue);

  Outcome<void> give_address(UeIndex ue, Registration& registration, Instant now);
  void end_session(UeIndex ue, Instant now);
  void collect_addresses();
  api::net_control::NetPduSession view(UeIndex ue) const;

  Network& net_;
  Sessions& sessions_;
  Watches& watches_;
  std::optional<AddressPool> pool_;
  std::vector<RanNetwork> ran_;
  std::map<std::string, Gnb, std::less<>> gnbs_;
  std::map<UeIndex, Registration> registrations_;
  std::map<UeIndex, model::Ipv4Address> returning_;  ///< until the UPF has let go of them
};

}  // namespace lobo::core_sim
