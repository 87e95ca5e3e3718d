// QoS monitoring at cores that do not what they should: accept and send nothing, answer otherwise
// than agreed, name nothing.

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "monitoring_world.hpp"
#include "services/core_sim/config.hpp"
#include "support/system.hpp"
#include "wire/http/message.hpp"

namespace lobo::app::testing {
namespace {

using namespace std::chrono_literals;

class MuteNetwork : public Monitoring {
 protected:
  MuteNetwork()
      : Monitoring(System::Setup{.adjust_core = [](core_sim::CoreConfig& config) {
          config.mute_events = {"QOS_MONITORING", "DN_PERFORMANCE"};
        }}) {}
};

TEST_F(MuteNetwork, a_source_that_accepts_and_never_sends_is_shown_as_such_and_not_waited_for) {
  const auto id =
      create(body(R"("measReqs":{"measDataTypes":["DL_DELAY","AVG_PLR","AVG_DL_TRAFFIC_VOLUME"],)"
                  R"("measAggrGranWnd":1000},"reportReqs":{"reportingMode":"PERIODIC",)"
                  R"("reportingPeriod":2})"));
  EXPECT_EQ(state_of(shown(id), 0), "waiting");
  system.loop.run_for(12s);
  const auto now = shown(id);
  EXPECT_EQ(state_of(now, 0), "silent");
  EXPECT_EQ(state_of(now, 1), "silent");
  EXPECT_EQ(state_of(now, 2), "flowing");
  const auto told = reports();
  ASSERT_FALSE(told.empty());
  EXPECT_TRUE(told.back().meas_data->avr_dl_traffic_vol);
  ASSERT_TRUE(told.back().failure_rep);
  EXPECT_EQ(told.back().failure_rep->size(), 2U);
  EXPECT_EQ(told.back().failure_rep->front().failure_reason->text, "DATA_NOT_AVAILABLE");
}

class HostileNetwork : public Monitoring {
 protected:
  std::int64_t asked(std::string_view path) const {
    return std::ranges::count_if(system.core->seen, [&](const http::Request& request) {
      return request.method == "POST" && request.target.starts_with(path);
    });
  }
  static bool is(const http::Request& request, std::string_view method, std::string_view path) {
    return request.method == method && request.target.starts_with(path);
  }
  static constexpr std::string_view sessions = "/3gpp-as-session-with-qos/";
  static constexpr std::string_view watches = "/3gpp-monitoring-event/";
};

TEST_F(HostileNetwork, that_answers_otherwise_than_agreed_is_asked_ever_more_seldom) {
  system.core->bend = [](const http::Request& request, http::Response& response) {
    if (is(request, "POST", sessions)) response = {204, {}, {}};
  };
  const auto id = create(body(every_second));
  system.loop.run_for(5min);
  EXPECT_GE(asked(sessions), 3);
  EXPECT_LE(asked(sessions), 16);
  EXPECT_LE(system.at_core().size(), 2U);
  system.core->bend = nullptr;
  system.loop.run_for(2min);
  EXPECT_EQ(state_of(shown(id), 0), "flowing");
  EXPECT_EQ(system.at_core().size(), 1U);
  EXPECT_EQ(system.ask("DELETE", monitors + "/" + id).status, 204);
  system.loop.run_for(1min);
  EXPECT_TRUE(system.at_core().empty());
}

TEST_F(HostileNetwork, that_names_nothing_and_lists_nothing_is_not_asked_again) {
  system.core->bend = [](const http::Request& request, http::Response& response) {
    if (is(request, "POST", sessions)) response = {201, {}, "{}"};
    if (is(request, "GET", sessions)) response = {404, {}, {}};
  };
  const auto id = create(body(every_second));
  system.loop.run_for(5min);
  EXPECT_EQ(asked(sessions), 1);
  const auto measure = shown(id).mon_state->measures.front();
  EXPECT_EQ(measure.state.text, "refused");
  EXPECT_EQ(measure.cause, "NETWORK_NAMED_NOTHING");
}

TEST_F(HostileNetwork, that_names_no_watch_is_asked_ever_more_seldom) {
  system.core->bend = [](const http::Request& request, http::Response& response) {
    if (is(request, "POST", watches)) response = {201, {}, "{}"};
    if (is(request, "GET", watches)) response = {404, {}, {}};
  };
  create(body(every_second));
  system.loop.run_for(5min);
  EXPECT_LE(asked(watches), 16);
}

TEST_F(Monitoring, a_session_that_the_network_has_and_never_measures_is_made_anew) {
  EXPECT_EQ(system
                .operate("POST", "/netsim-control/v1/faults",
                         R"({"kind":"ALLOCATION_FAILS",)"
                         R"("operation":"CreateASSessionWithQoSSubscription"})")
                .status,
            200);
  const auto id = create(body(every_second));
  system.loop.run_for(20s);
  EXPECT_EQ(state_of(shown(id), 0), "silent");
  const auto before = system.at_core();
  system.loop.run_for(100s);
  EXPECT_EQ(state_of(shown(id), 0), "flowing");
  ASSERT_EQ(system.at_core().size(), 1U);
  EXPECT_NE(system.at_core().front().id, before.front().id);
}

TEST_F(MuteNetwork, a_network_that_never_sends_is_asked_anew_ever_more_seldom) {
  create(body(every_second));
  const auto asked = [&] {
    std::size_t count = 0;
    for (const auto& request : system.core->seen)
      count += request.method == "POST" && request.target.ends_with("/subscriptions") &&
               request.target.find("as-session-with-qos") != std::string::npos;
    return count;
  };
  system.loop.run_for(70min);
  EXPECT_LE(asked(), 8U);
  EXPECT_EQ(system.at_core().size(), 1U);
}

TEST_F(Monitoring, a_network_that_forgot_a_measurement_that_had_failed_is_asked_again) {
  const auto id = create(body(every_second));
  degrade("ue1", R"({"measurementFails":true})");
  system.loop.run_for(5s);
  EXPECT_EQ(state_of(shown(id), 0), "silent");
  EXPECT_EQ(system.operate("POST", "/netsim-control/v1/reset").status, 204);
  system.loop.run_for(90s);
  EXPECT_EQ(system.at_core().size(), 1U);
  EXPECT_EQ(state_of(shown(id), 0), "flowing");
}

TEST_F(Monitoring, a_ue_whose_return_was_not_heard_of_is_looked_for_and_measured_again) {
  const auto id = create(body(every_second));
  system.loop.run_for(5s);
  const std::string ue = "/netsim-control/v1/ues/ue1";
  EXPECT_EQ(system.operate("POST", ue + "/detach").status, 200);
  system.loop.run_for(5s);
  EXPECT_EQ(shown(id).mon_state->measures[0].cause, "UE_NOT_CONNECTED");
  EXPECT_EQ(
      system.operate("POST", "/netsim-control/v1/faults", R"({"kind":"DROP_CALLBACK"})").status,
      200);
  EXPECT_EQ(system.operate("POST", ue + "/attach").status, 200);
  system.loop.run_for(3 * audit_interval);
  EXPECT_EQ(state_of(shown(id), 0), "flowing");
  EXPECT_EQ(system.watches_at_core(), 1);
}

TEST_F(Monitoring, a_ue_whose_move_was_not_heard_of_is_looked_for_and_measured_there) {
  const auto id = create(body(every_second));
  system.loop.run_for(5s);
  // Neither the end of the session on the old address nor the new address is heard of.
  EXPECT_EQ(
      system.operate("POST", "/netsim-control/v1/faults", R"({"kind":"DROP_CALLBACK","count":2})")
          .status,
      200);
  EXPECT_EQ(
      system.operate("POST", "/netsim-control/v1/ues/ue1/address", R"({"ipv4Addr":"10.45.7.7"})")
          .status,
      200);
  system.loop.run_for(5 * audit_interval);
  EXPECT_EQ(state_of(shown(id), 0), "flowing");
  EXPECT_EQ(system.at_core().size(), 1U);
}

}  // namespace
}  // namespace lobo::app::testing
