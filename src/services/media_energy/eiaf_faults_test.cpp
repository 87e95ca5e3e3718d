// Servers that lie, held against what a client is told.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "services/media_energy/eiaf.hpp"
#include "services/media_energy/ports.hpp"
#include "support/media_driver.hpp"

namespace lobo::media_energy {
namespace {

using lobo::testing::MediaDriver;

class eiaf_faults : public ::testing::Test {
 protected:
  eiaf_faults() : session(d.session()) {
    d.host(session);
    d.expose(session);
    d.server("as1", "SL1");
    d.server("as2", "SL2");
    client = d.subscribe(
        session,
        d.policy(session,
                 R"({"thresholds":[{"thresholdRef":"hot","metric":"POWER_W","direction":"UP",)"
                 R"("crossing":150,"clear":130}],"adaptationGuidance":[{"action":)"
                 R"("RESELECT_SERVICE_LOCATION","triggerThresholdRef":"hot"}],)"
                 R"("reporting":{"mode":"THRESHOLD","reportingInterval":1,"minReportSpacing":1}})"),
        "play", R"(,"serviceLocationId":"SL1")");
  }
  void run(int seconds, double first, double second) {
    d.run(seconds, {{"as1", {.power_w = first}}, {"as2", {.power_w = second}}});
  }
  LocationState second() const { return d.eiaf.fleet(d.now).locations.at(1).state; }

  MediaDriver d;
  std::string session;
  std::string client;
};

TEST_F(eiaf_faults, nobody_is_sent_to_a_server_that_claims_to_take_nothing) {
  run(3, 120, 120);
  EXPECT_EQ(second(), LocationState::active);
  run(4, 120, 0);  // not believed, and after three reports not known
  EXPECT_EQ(second(), LocationState::unknown);
  run(3, 180, 0);
  EXPECT_TRUE(d.recommended(client).empty()) << "there is nowhere better that is known";
  EXPECT_EQ(d.eiaf.placements().find("play")->location, "SL1");
  run(3, 180, 110);
  EXPECT_EQ(second(), LocationState::active) << "honest again";
  EXPECT_EQ(d.recommended(client).size(), 1U);
}

TEST_F(eiaf_faults, locations_that_took_more_than_their_host_are_refused) {
  auto text = d.report_text("as1", "SL1", {}, 100, 20, 1000, 1);
  const std::string host = R"("host":{"energyJ":120.000000)";
  text.replace(text.find(host), host.size(), R"("host":{"energyJ":119)");
  const auto refused = d.ask("POST", "/x-e3/v1/as-energy-reports", text, "as");
  EXPECT_EQ(refused.status, 400);
  EXPECT_EQ(MediaDriver::blamed(refused),
            (std::vector<std::string>{"/reports/0/perServiceLocation"}));
  text.insert(text.find(R"("powerW")"), R"("energyMaxJ":1000,)");
  EXPECT_EQ(d.ask("POST", "/x-e3/v1/as-energy-reports", text, "as").status, 200)
      << "the host's counter has begun anew";
}

}  // namespace
}  // namespace lobo::media_energy
