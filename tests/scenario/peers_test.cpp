// Who is asked for what, on virtual time: a PCF and a NEF beside it, a PCF alone, a group
// management server.

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/net_control.hpp"
#include "api/nra_adaptation.hpp"
#include "api/ss_nrm.hpp"
#include "graph/control_plane.hpp"
#include "graph/group_keeper.hpp"
#include "runtime/network_peer.hpp"
#include "services/core_sim/config.hpp"
#include "services/seal_nrm/monitor_sample.hpp"
#include "support/doors.hpp"
#include "support/system.hpp"
#include "wire/http/message.hpp"
#include "wire/json/json.hpp"
#include "wire/json/value.hpp"

namespace lobo::app::testing {
namespace {

using namespace std::chrono_literals;
using Adaptation = api::nra_adaptation::NetworkResourceAdaptation;

const std::string adaptations = "/ss-nra/v1/network-resource-adaptations";
const std::string monitors = "/ss-nrm/v1/subscriptions";

runtime::PeerConfig core_as(std::string_view name) {
  return {.name = std::string(name),
          .scheme = "http",
          .authority = std::string(System::core_authority),
          .path_prefix = {},
          .redirect_authorities = {}};
}

class Peers : public ::testing::Test {
 protected:
  explicit Peers(System::Setup setup) : system(std::move(setup)) {}

  static std::string monitor(std::string_view target = R"("valUeIds":[{"valUeId":"ue1"}])") {
    return "{" + std::string(target) +
           R"(,"notifUri":"http://app1.example/m","suppFeat":"1f0000000001",)"
           R"("measReqs":{"measDataTypes":["DL_DELAY","AVG_PLR"],"measAggrGranWnd":1000},)"
           R"("reportReqs":{"reportingMode":"PERIODIC","reportingPeriod":2},"perUeRep":true})";
  }
  static std::string adaptation(std::string_view target, std::string_view more = "") {
    return "{" + std::string(target) +
           R"(,"uniQosReq":"silver","notifUri":"http://app1.example/n",)"
           R"("suppFeat":"1ff0000000000")" +
           std::string(more) + "}";
  }
  std::vector<api::ss_nrm::MonitoringReport> reports() {
    std::vector<api::ss_nrm::MonitoringReport> out;
    for (const auto& request : system.sink.seen)
      if (auto report = json::read<api::ss_nrm::MonitoringReport>(request.body))
        out.push_back(std::move(*report));
    system.sink.seen.clear();
    return out;
  }
  /// UEs that the last report names, once it is there.
  std::set<std::string> reported() {
    system.sink.seen.clear();
    system.loop.run_for(12s);
    const auto told = reports();
    std::set<std::string> out;
    if (told.empty() || !told.back().ue_reports) return out;
    for (const auto& one : *told.back().ue_reports) out.insert(one.val_ue->val_ue_id.value_or(""));
    return out;
  }
  /// UEs of the network that have a session with QoS for the quality of the adaptations here.
  std::set<std::string> reserved() {
    std::set<std::string> out;
    const auto all = json::read<api::net_control::NetReservations>(
        system.operate("GET", "/netsim-control/v1/reservations").body);
    for (const auto& one : all->reservations)
      if (one.qos_reference == "silver") out.insert(one.ue);
    return out;
  }
  /// Requests to the core whose path begins so.
  std::size_t asked(std::string_view prefix) const {
    return static_cast<std::size_t>(std::ranges::count_if(
        system.core->seen, [&](const auto& one) { return one.target.starts_with(prefix); }));
  }
  static std::string cause(const http::Response& response) {
    const auto body = json::parse(response.body);
    const auto* cause = body ? body->find("cause") : nullptr;
    return cause != nullptr && cause->text() != nullptr ? *cause->text() : "";
  }

  System system;
};

// ---- a NEF beside a PCF -------------------------------------------------------------------------

class BothDoors : public Peers {
 protected:
  BothDoors() : Peers(setup()) {}
  static System::Setup setup() {
    auto both = through_pcf(true);
    const auto pcf = both.adjust;
    both.adjust = [pcf](ControlPlane::Config& config) {
      pcf(config);
      config.nef_beside = core_as("nef");
      auto& nef = config.nrm.nef_beside.emplace();
      nef.scs_as_id = "lobodon";
      nef.callback_base = config.nrm.callback_base;
    };
    both.adjust_core = [](core_sim::CoreConfig& core) { core.bdt_references = {"night"}; };
    return both;
  }
};

TEST_F(BothDoors, reservations_go_to_the_pcf_and_the_nef_tells_where_the_ue_is) {
  ASSERT_TRUE(system.create("ue1"));
  EXPECT_GE(asked("/npcf-policyauthorization/"), 1U);
  EXPECT_GE(asked("/nbsf-management/"), 1U);
  EXPECT_EQ(asked("/3gpp-as-session-with-qos/"), 0U);
  EXPECT_GE(asked("/3gpp-monitoring-event/"), 1U);
  // It moves, the NEF says so, and the configuration says nothing.
  system.operate("POST", "/netsim-control/v1/ues/ue1/address", R"({"ipv4Addr":"10.45.0.77"})");
  system.loop.run_for(10s);
  EXPECT_EQ(reserved(), std::set<std::string>{"ue1"});
  const auto& posts = system.core->seen;
  EXPECT_TRUE(std::ranges::any_of(posts, [](const auto& one) {
    return one.method == "POST" && one.target.starts_with("/npcf") &&
           one.body.find("10.45.0.77") != std::string::npos;
  }));
  system.release_everything();
  system.settle();
  EXPECT_EQ(system.unjust(true), "");
}

TEST_F(BothDoors, measurements_come_from_the_nef) {
  const auto made = system.ask("POST", monitors, monitor());
  ASSERT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(reported(), std::set<std::string>{"ue1"});
  EXPECT_GE(asked("/3gpp-as-session-with-qos/"), 1U);
  EXPECT_GE(asked("/3gpp-analyticsexposure/"), 1U);
  EXPECT_EQ(asked("/npcf-policyauthorization/"), 0U);
  EXPECT_EQ(system.ask("DELETE", monitors + "/" + System::id_of(made)).status, 204);
  system.settle();
  EXPECT_EQ(system.at_core().size(), 0U);
}

TEST_F(BothDoors, a_background_transfer_policy_is_applied_at_the_nef_and_its_result_is_told) {
  const auto made = system.ask(
      "POST", adaptations,
      adaptation(R"("valUeIds":[{"valUeId":"ue1"},{"valUeId":"ue2"}])", R"(,"bdtRefId":"night")"));
  ASSERT_EQ(made.status, 201) << made.body;
  const auto doc = json::read<Adaptation>(made.body);
  ASSERT_TRUE(doc);
  for (const auto& one : *doc->ue_results) EXPECT_EQ(one.bdt_result->text, "CONFIRMED");
  EXPECT_EQ(asked("/3gpp-applying-bdt-policy/"), 2U);
  EXPECT_EQ(reserved(), (std::set<std::string>{"ue1", "ue2"}));
  for (const auto& one : system.core->seen) {
    if (!one.target.starts_with("/npcf")) continue;
    EXPECT_EQ(one.body.find("bdtRefId"), std::string::npos) << "told twice";
  }
  EXPECT_EQ(system.ask("DELETE", adaptations + "/" + System::id_of(made)).status, 204);
  system.settle();
  EXPECT_EQ(system.unjust(true), "");
}

TEST_F(BothDoors, an_audit_looks_at_the_nefs_watches_and_asks_the_pcf_by_name) {
  ASSERT_TRUE(system.create("ue1"));
  system.core->seen.clear();
  system.loop.run_for(audit_interval + 10s);
  EXPECT_GE(asked("/3gpp-monitoring-event/v1/lobodon/subscriptions"), 1U);
  EXPECT_GE(asked("/npcf-policyauthorization/v1/app-sessions/"), 1U);
  EXPECT_EQ(asked("/3gpp-as-session-with-qos/"), 0U);
}

TEST_F(BothDoors, a_silent_nef_takes_no_reservation_away_from_the_pcf) {
  ASSERT_TRUE(system.create("ue1"));
  system.core->silent = [](const http::Request& request) {
    return request.target.starts_with("/3gpp-");
  };
  for (int i = 0; i < 8; ++i) system.ask("POST", monitors, monitor());
  system.loop.run_for(30s);
  EXPECT_TRUE(system.create("ue1")) << "its address is known, and the PCF answers";
  system.core->silent = nullptr;
}

// ---- a PCF alone --------------------------------------------------------------------------------

class PcfAlone : public Peers {
 protected:
  PcfAlone() : Peers(through_pcf(true)) {}
};

TEST_F(PcfAlone, what_needs_a_nef_is_refused_before_anybody_is_asked) {
  const auto refused = system.ask("POST", monitors, monitor());
  EXPECT_EQ(refused.status, 501);
  EXPECT_EQ(cause(refused), "NEF_NOT_CONFIGURED");
  system.loop.run_for(90s);
  EXPECT_EQ(asked("/3gpp-"), 0U);
  EXPECT_EQ(asked("/npcf-policyauthorization/"), 0U);
  // Everything that a PCF can do it does.
  EXPECT_TRUE(system.create("ue1"));
  EXPECT_EQ(asked("/3gpp-"), 0U);
}

TEST_F(PcfAlone, gets_the_reference_of_a_background_transfer_policy_with_the_session) {
  const auto made =
      system.ask("POST", adaptations,
                 adaptation(R"("valUeIds":[{"valUeId":"ue1"}])", R"(,"bdtRefId":"night")"));
  ASSERT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(asked("/3gpp-"), 0U);
  EXPECT_TRUE(std::ranges::any_of(system.core->seen, [](const auto& one) {
    return one.target.starts_with("/npcf") && one.body.find("night") != std::string::npos;
  }));
}

// ---- an answer about one UE ---------------------------------------------------------------------

class OneDoor : public Peers {
 protected:
  OneDoor() : Peers(System::Setup{}) {}
};

TEST_F(OneDoor, ues_without_a_connection_do_not_close_the_door_for_the_others) {
  ASSERT_TRUE(system.create("ue1"));
  system.core->bend = [](const http::Request& request, http::Response& response) {
    if (request.method == "POST" && request.target.starts_with("/3gpp-as-session") &&
        request.body.find("10.45.0.3") != std::string::npos)
      response = {500,
                  {{"content-type", "application/problem+json"}},
                  R"({"status":500,"cause":"PDU_SESSION_NOT_AVAILABLE"})"};
  };
  for (int i = 0; i < 12; ++i) {
    const auto refused = system.ask("POST", std::string(collection), System::body("ue2", "bronze"));
    EXPECT_EQ(refused.status, 403);
    EXPECT_EQ(cause(refused), "UE_NOT_CONNECTED");
  }
  EXPECT_TRUE(system.create("ue1"));
}

TEST_F(OneDoor, a_delay_that_is_told_twice_counts_once) {
  const auto made = system.ask("POST", monitors, monitor());
  ASSERT_EQ(made.status, 201);
  system.loop.run_for(5s);
  system.operate("POST", "/netsim-control/v1/faults",
                 R"({"kind":"DUPLICATE_CALLBACK","count":1000})");
  const auto& hub = system.server().control_plane.hub();
  const auto taken = hub.engine().counters().of(seal_nrm::monitor::SampleFate::taken);
  const auto repeated = hub.repeated();
  system.loop.run_for(20s);
  // Three delays and a loss, once a second each: as many samples as if nothing came twice.
  EXPECT_NEAR(
      static_cast<double>(hub.engine().counters().of(seal_nrm::monitor::SampleFate::taken) - taken),
      80, 8);
  EXPECT_GE(hub.repeated() - repeated, 30U);
}

// ---- a group management server ------------------------------------------------------------------

class GroupsElsewhere : public Peers {
 protected:
  GroupsElsewhere() : Peers(setup()) {}
  static System::Setup setup() {
    System::Setup setup;
    setup.adjust = [](ControlPlane::Config& config) {
      config.groups = ControlPlane::Config::Groups{core_as("groups"), GroupServer{}};
    };
    setup.adjust_core = [](core_sim::CoreConfig& core) {
      core.groups = {{.id = "crew", .val_ues = {"ue1"}, .val_users = {"user2"}}};
    };
    return setup;
  }
  void change(const std::string& what, const std::string& member) {
    EXPECT_EQ(system
                  .operate("POST", "/netsim-control/v1/groups/crew/" + what,
                           R"({"valUeId":")" + member + "\"}")
                  .status,
              200);
  }
  void group_server_is_away(bool away) {
    system.core->silent =
        away ? [](const http::Request& request) { return request.target.starts_with("/ss-gm/"); }
             : std::function<bool(const http::Request&)>();
  }
  bool logged(std::string_view name) {
    return std::ranges::any_of(system.server().log.events(),
                               [&](const auto& event) { return event.name == name; });
  }
  const std::string crew = R"("valGroupId":"crew")";
};

TEST_F(GroupsElsewhere, who_joins_and_who_leaves_at_the_server_is_followed_live) {
  const auto adapted = system.ask("POST", adaptations, adaptation(crew));
  ASSERT_EQ(adapted.status, 201) << adapted.body;
  const auto monitored = system.ask("POST", monitors, monitor(crew));
  ASSERT_EQ(monitored.status, 201) << monitored.body;
  EXPECT_EQ(reserved(), (std::set<std::string>{"ue1", "ue2"}));
  change("add", "ue3");
  system.loop.run_for(35s);
  EXPECT_EQ(reserved(), (std::set<std::string>{"ue1", "ue2", "ue3"}));
  const auto now = reported();
  EXPECT_TRUE(now.contains("ue3"));
  change("remove", "ue1");
  system.loop.run_for(35s);
  EXPECT_EQ(reserved(), (std::set<std::string>{"ue2", "ue3"}));
  EXPECT_FALSE(reported().contains("ue1"));
}

TEST_F(GroupsElsewhere,
       a_server_that_is_away_leaves_members_as_they_were_last_known_and_it_is_told) {
  const auto adapted = system.ask("POST", adaptations, adaptation(crew));
  const auto monitored = system.ask("POST", monitors, monitor(crew));
  group_server_is_away(true);
  change("add", "ue3");
  system.loop.run_for(5min);
  EXPECT_EQ(reserved(), (std::set<std::string>{"ue1", "ue2"}));
  EXPECT_TRUE(reported().contains("ue1"));
  EXPECT_EQ(system.server().metrics.total("lobo_groups_stale"), 1);
  EXPECT_TRUE(logged("group_server_away"));
  // The last that is known is good enough for another one.
  EXPECT_EQ(system.ask("POST", adaptations, adaptation(crew)).status, 201);
  group_server_is_away(false);
  system.loop.run_for(40s);
  EXPECT_EQ(reserved(), (std::set<std::string>{"ue1", "ue2", "ue3"}));
  EXPECT_EQ(system.server().metrics.total("lobo_groups_stale"), 0);
  EXPECT_TRUE(logged("group_server_back"));
}

TEST_F(GroupsElsewhere, a_group_that_nobody_could_be_asked_about_is_not_called_unknown) {
  group_server_is_away(true);
  for (const auto& [path, body] :
       {std::pair{adaptations, adaptation(crew)}, std::pair{monitors, monitor(crew)}}) {
    const auto refused = system.ask("POST", path, body);
    EXPECT_EQ(refused.status, 503);
    EXPECT_EQ(cause(refused), "GROUP_MANAGEMENT_UNAVAILABLE");
  }
  group_server_is_away(false);
  system.loop.run_for(40s);
  const auto nobody = system.ask("POST", adaptations, adaptation(R"("valGroupId":"nobody")"));
  EXPECT_EQ(nobody.status, 404);
  EXPECT_EQ(cause(nobody), "GROUP_NOT_FOUND");
  EXPECT_EQ(system.ask("POST", monitors, monitor(R"("valGroupId":"nobody")")).status, 404);
}

TEST_F(GroupsElsewhere, after_a_crash_with_the_server_away_nobody_is_taken_for_gone) {
  ASSERT_EQ(system.ask("POST", adaptations, adaptation(crew)).status, 201);
  ASSERT_EQ(system.ask("POST", monitors, monitor(crew)).status, 201);
  group_server_is_away(true);
  change("add", "ue3");
  system.crash_and_restart();
  system.loop.run_for(5min);
  EXPECT_EQ(reserved(), (std::set<std::string>{"ue1", "ue2"}));
  EXPECT_TRUE(reported().contains("ue1"));
  group_server_is_away(false);
  system.loop.run_for(2min);
  EXPECT_EQ(reserved(), (std::set<std::string>{"ue1", "ue2", "ue3"}));
}

TEST_F(GroupsElsewhere, whoever_asks_without_a_right_asks_nobody) {
  system.core->seen.clear();
  EXPECT_EQ(system.ask("POST", adaptations, adaptation(crew), {}, "").status, 401);
  EXPECT_EQ(asked("/ss-gm/"), 0U);
}

}  // namespace
}  // namespace lobo::app::testing
