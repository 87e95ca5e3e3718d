#pragma once
// Two places with a server each, a session whose content is at both, and players under a policy of
// the test's own.

#include <gtest/gtest.h>

#include <algorithm>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "api/media_e5.hpp"
#include "api/media_types.hpp"
#include "support/media_driver.hpp"

namespace lobo::media_energy {

using lobo::testing::MediaDriver;
using Action = api::media_types::EnergyAction;
using Reason = api::media_types::EnergyReportingReason;
using Reports = std::map<std::string, MediaDriver::Reported>;

inline const std::string hot =
    R"("thresholds":[{"thresholdRef":"hot","metric":"POWER_W","direction":"UP",)"
    R"("crossing":150,"clear":130}])";
inline const std::string reselect =
    R"("adaptationGuidance":[{"action":"RESELECT_SERVICE_LOCATION","triggerThresholdRef":"hot"}])";
inline const std::string quiet = R"("reporting":{"mode":"THRESHOLD","minReportSpacing":1})";

inline std::string reduce(std::string_view rate = "2 Mbps") {
  return R"("adaptationGuidance":[{"action":"REDUCE_MAX_BITRATE","triggerThresholdRef":"hot",)"
         R"("params":{"maxBitRate":")" +
         std::string(rate) + R"("}}])";
}
inline std::string object(std::initializer_list<std::string> members) {
  std::string out = "{";
  for (const auto& one : members) out += (out.size() > 1 ? "," : "") + one;
  return out + "}";
}

class eiaf : public ::testing::Test {
 protected:
  eiaf() : session(d.session()) {
    d.host(session);
    d.expose(session);
    d.server("as1", "SL1");
    d.server("as2", "SL2");
  }
  /// A policy, and a session under it that plays from SL1.
  std::string playing(const std::string& policy_text, std::string_view more = {}) {
    policy = d.policy(session, policy_text);
    return d.subscribe(session, policy, "play-" + std::to_string(++players),
                       R"(,"serviceLocationId":"SL1")" + std::string(more));
  }
  static Reports power(double first, double second = 120) {
    return {{"as1", {.power_w = first}}, {"as2", {.power_w = second}}};
  }
  void change(const std::string& text) {
    const auto answer =
        d.ask("PUT", MediaDriver::session_path(session) + "/energy-policies/" + policy, text);
    ASSERT_EQ(answer.status, 204) << answer.body;
  }
  static std::vector<Reason> reasons(const std::vector<api::media_e5::ClientEnergyReport>& events) {
    std::vector<Reason> out;
    for (const auto& one : events) out.push_back(one.energy_reporting_reason);
    return out;
  }
  bool did(std::string_view number) const {
    return std::ranges::any_of(d.steps, [&](const auto& one) { return one.number == number; });
  }

  MediaDriver d;
  std::string session;
  std::string policy;
  int players = 0;
};

}  // namespace lobo::media_energy
