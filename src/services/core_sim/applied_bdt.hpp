#pragma once
// The NEF's ApplyingBdtPolicy API over HTTP (TS 29.522; api/applying_bdt_policy.yaml). A policy is
// known where the network was configured with its reference; groups are not served.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "api/applying_bdt_policy.hpp"
#include "services/core_sim/answers.hpp"
#include "services/core_sim/call.hpp"
#include "services/core_sim/network.hpp"

namespace lobo::core_sim {

class AppliedBdtPolicies {
 public:
  explicit AppliedBdtPolicies(Network& network) : net_(network) {}

  Answer handle(const Call& call);
  std::size_t size() const { return policies_.size(); }

 private:
  using Body = api::applying_bdt_policy::AppliedBdtPolicy;
  using Id = std::pair<std::string, std::string>;  ///< AF and name

  Answer fetch_all(const Call& call) const;
  Answer create(const Call& call);
  Answer change(const Call& call, Body& policy);
  Outcome<void> check_reference(std::string_view reference) const;

  Network& net_;
  std::map<Id, Body> policies_;
};

}  // namespace lobo::core_sim
