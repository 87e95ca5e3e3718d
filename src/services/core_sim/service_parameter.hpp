#pragma once
// The NEF's ServiceParameter API over HTTP (TS 29.522 clause 4.4.20; api/service_parameter.yaml),
// as far as it guides URSP. Whether the guidance reached the UE is told once, as the PCF would
// after it delivered the UE policy. No UE of ours chooses a PDU session by it.

#include <cstddef>
#include <map>
#include <string>
#include <utility>

#include "api/service_parameter.hpp"
#include "base/clock.hpp"
#include "services/core_sim/answers.hpp"
#include "services/core_sim/call.hpp"
#include "services/core_sim/network.hpp"
#include "services/core_sim/timers.hpp"
#include "services/core_sim/world.hpp"

namespace lobo::core_sim {

inline constexpr std::size_t ursp_rules_max = 16;  ///< of one subscription

class ServiceParameters {
 public:
  explicit ServiceParameters(Network& network) : net_(network) {}

  Answer handle(const Call& call);
  std::size_t size() const { return subscriptions_.size(); }
  bool owns(Number number) const { return by_number_.contains(number); }
  void timer(const TimerKey& key, Instant now);

 private:
  using Body = api::service_parameter::ServiceParameterData;
  using Id = std::pair<std::string, std::string>;  ///< AF and name
  struct Subscription {
    Number number{};
    UeIndex ue{};
    Body body;
  };

  Answer fetch_all(const Call& call) const;
  Answer create(const Call& call);
  Answer change(const Call& call, Subscription& subscription, Body wanted);
  Outcome<UeIndex> check(const Body& body) const;
  void deliver(const Subscription& subscription, Instant now);

  Network& net_;
  std::map<Id, Subscription> subscriptions_;
  std::map<Number, Id> by_number_;
};

}  // namespace lobo::core_sim
