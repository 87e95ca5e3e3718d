#pragma once
// The NEF's MonitoringEvent API over HTTP (TS 29.122; api/monitoring_event.yaml).

#include <string>

#include "services/core_sim/answers.hpp"
#include "services/core_sim/call.hpp"
#include "services/core_sim/network.hpp"
#include "services/core_sim/watches.hpp"

namespace lobo::core_sim {

class MonitoringEvent {
 public:
  MonitoringEvent(Network& network, Watches& watches) : net_(network), watches_(watches) {}

  Answer handle(const Call& call);

 private:
  Answer fetch_all(const Call& call);
  Answer create(const Call& call);
  Answer fetch(const Call& call);
  Answer update(const Call& call);
  Answer remove(const Call& call);
  Outcome<Watch*> found(const Call& call);

  Network& net_;
  Watches& watches_;
};

}  // namespace lobo::core_sim
