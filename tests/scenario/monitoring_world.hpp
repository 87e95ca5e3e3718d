#pragma once
// QoS monitoring through the whole server on virtual time, for the tests of it.

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/ss_nrm.hpp"
#include "support/system.hpp"
#include "wire/json/json.hpp"

namespace lobo::app::testing {

using api::ss_nrm::MonitoringReport;
using api::ss_nrm::MonitoringSubscription;

inline const std::string monitors = "/ss-nrm/v1/subscriptions";

class Monitoring : public ::testing::Test {
 protected:
  Monitoring() : Monitoring(System::Setup{}) {}
  explicit Monitoring(System::Setup setup) : system(with_streams(std::move(setup))) {}

  static System::Setup with_streams(System::Setup setup) {
    const auto before = setup.adjust;
    setup.adjust = [before](ControlPlane::Config& config) {
      config.nrm.monitoring.streams["s1"] = {"ue1", "ue2"};
      if (before) before(config);
    };
    return setup;
  }

  static std::string body(std::string_view more,
                          std::string_view target = R"("valUeIds":[{"valUeId":"ue1"}])") {
    return "{" + std::string(target) +
           R"(,"notifUri":"http://app1.example/m","suppFeat":"1f0000000001",)" + std::string(more) +
           "}";
  }
  std::string create(const std::string& text) {
    const auto response = system.ask("POST", monitors, text);
    EXPECT_EQ(response.status, 201) << response.body;
    return System::id_of(response);
  }
  MonitoringSubscription shown(const std::string& id) {
    return *json::read<MonitoringSubscription>(system.ask("GET", monitors + "/" + id).body);
  }
  /// Reports since the last call.
  std::vector<MonitoringReport> reports() {
    std::vector<MonitoringReport> out;
    for (const auto& request : system.sink.seen)
      if (auto report = json::read<MonitoringReport>(request.body)) out.push_back(*report);
    system.sink.seen.clear();
    return out;
  }
  void degrade(const std::string& ue, const std::string& how) {
    EXPECT_EQ(system.operate("POST", "/netsim-control/v1/ues/" + ue + "/degrade", how).status, 200);
  }
  std::size_t sources() const {
    std::size_t count = 0;
    for (const auto& [key, record] : system.durable().records)
      count += key.kind == "measure_source";
    return count;
  }
  static std::string state_of(const MonitoringSubscription& subscription, std::size_t measure) {
    return subscription.mon_state->measures.at(measure).state.text;
  }

  System system;
};

inline constexpr std::string_view every_second =
    R"("measReqs":{"measDataTypes":["DL_DELAY"],"measAggrGranWnd":1000},)"
    R"("reportReqs":{"reportingMode":"PERIODIC","reportingPeriod":2,)"
    R"("repTerminMode":"USER_TRIGGERED"})";

}  // namespace lobo::app::testing
