#pragma once
// netsim's own API: what a person or a test does to the network (api/net_control.yaml).

#include <functional>

#include "api/net_control.hpp"
#include "services/core_sim/answers.hpp"
#include "services/core_sim/call.hpp"
#include "services/core_sim/network.hpp"
#include "services/core_sim/sessions.hpp"
#include "services/core_sim/smf_control.hpp"
#include "services/core_sim/watches.hpp"

namespace lobo::core_sim {

class Control {
 public:
  Control(Network& network, Sessions& sessions, Watches& watches, RanControl& ran)
      : net_(network), sessions_(sessions), watches_(watches), ran_(ran) {}

  /// Every operation but ResetNet, which is CoreSim's own, and those of the RAN.
  Answer handle(const Call& call);

 private:
  Answer summary() const;
  Answer on_ue(const Call& call);
  Answer on_cell(const Call& call);
  Answer degrade(const Call& call, UeIndex ue);
  Answer move(const Call& call, UeIndex ue);
  Answer change_address(const Call& call, UeIndex ue);
  Answer attach(const Call& call, UeIndex ue);
  Answer detach(const Call& call, UeIndex ue);
  Answer list_ues() const;
  Answer list_cells() const;
  Answer list_reservations() const;
  Answer terminate(const Call& call);
  Answer faults() const;
  Answer add_fault(const Call& call);
  Answer journal(const Call& call) const;

  api::net_control::NetUe ue_view(UeIndex ue) const;
  api::net_control::NetCell cell_view(CellIndex cell) const;

  Network& net_;
  Sessions& sessions_;
  Watches& watches_;
  RanControl& ran_;
};

}  // namespace lobo::core_sim
