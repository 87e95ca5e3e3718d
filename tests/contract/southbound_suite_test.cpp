// The life of a promise over each door of the core: a NEF, a PCF that serves all, a PCF that the
// BSF names, and one that does what real ones were seen to do. One suite, which each passes; where
// a door cannot do something, the test says what it does instead.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "contract/adaptation_cases.hpp"
#include "services/core_sim/config.hpp"
#include "services/seal_nrm/ports.hpp"
#include "support/doors.hpp"
#include "support/system.hpp"
#include "wire/json/value.hpp"

namespace lobo::app::testing {
namespace {

using namespace std::chrono_literals;

struct Door {
  std::string name;
  seal_nrm::CoreKind kind = seal_nrm::CoreKind::nef;
  bool bsf = false;
  core_sim::PcfQuirks quirks{};
  bool is_pcf() const { return kind == seal_nrm::CoreKind::pcf; }
};

void PrintTo(const Door& door, std::ostream* out) { *out << door.name; }

System::Setup through(const Door& door) {
  return door.is_pcf() ? through_pcf(door.bsf, door.quirks) : System::Setup{};
}

class Southbound : public ::testing::TestWithParam<Door> {
 protected:
  const Door& door() const { return GetParam(); }
  bool tells() const { return !door().quirks.silent; }

  System system{through(GetParam())};

  std::string create_operation() const {
    return door().is_pcf() ? "PostAppSessions" : "CreateASSessionWithQoSSubscription";
  }
  std::string modify_operation() const {
    return door().is_pcf() ? "ModAppSession" : "ModifyIndASSessionWithQoSSubscription";
  }
  void plan(const std::string& fault) {
    ASSERT_EQ(system.operate("POST", "/netsim-control/v1/faults", fault).status, 200) << fault;
  }
  void control(const std::string& path, const std::string& body = {}) {
    const auto done = system.operate("POST", "/netsim-control/v1" + path, body);
    ASSERT_LT(done.status, 300) << path << ' ' << done.body;
  }
  std::string read(const std::string& id, std::string_view member) {
    const auto body = json::parse(system.ask("GET", System::path_of(id)).body);
    const auto* state = body ? body->find("uniQosState") : nullptr;
    const auto* found = state != nullptr ? state->find(member) : nullptr;
    if (found == nullptr) return {};
    return found->text() != nullptr ? *found->text() : json::to_text(*found);
  }
  std::vector<std::string> told() {
    std::vector<std::string> events;
    for (const auto& request : system.sink.seen) {
      const auto body = json::parse(request.body);
      const auto& event = body->find("eventNotifs")->array()->front();
      events.push_back(*event.find("event")->text());
    }
    system.sink.seen.clear();
    return events;
  }
  std::string reserved(std::size_t index, std::string_view member) {
    const auto body = json::parse(system.operate("GET", "/netsim-control/v1/reservations").body);
    const auto* found = body->find("reservations")->array()->at(index).find(member);
    return found == nullptr || found->text() == nullptr ? std::string() : *found->text();
  }
};

using Events = std::vector<std::string>;

TEST_P(Southbound, a_create_is_confirmed_and_held_once) {
  const auto id = system.create("ue1", "gold");
  ASSERT_TRUE(id);
  EXPECT_EQ(read(*id, "controlPlane"), "simulated");
  EXPECT_EQ(system.at_core().size(), 1U);
  EXPECT_EQ(reserved(0, "qosReference"), "gold");
  system.settle();
  EXPECT_EQ(system.unjust(), "");
}

TEST_P(Southbound, a_figure_for_each_member_arrives_as_it_was_asked_for) {
  const std::string asked =
      R"({"valTgtUe":{"valUeId":"ue1"},"notifUri":"http://app1.example/n","suppFeat":"70000000000",)"
      R"("uniQosReq":"{\"gbrDl\":\"6 Mbps\",\"gbrUl\":\"2 Mbps\",\"dlBitRate\":\"9 Mbps\",)"
      R"(\"packetDelayBudgetMs\":40,\"packetErrorRate\":\"1E-3\",)"
      R"(\"flows\":[{\"flowDescriptions\":[\"permit out 17 from 192.0.2.10 5004 to assigned 40000\"]}]}"})";
  const auto made = system.ask("POST", std::string(collection), asked);
  ASSERT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(reserved(0, "reservedDl"), "6 Mbps");
  EXPECT_EQ(reserved(0, "reservedUl"), "2 Mbps");
  const auto sent = std::ranges::find_if(system.core->seen, [](const http::Request& request) {
    return request.body.find("192.0.2.10") != std::string::npos;
  });
  ASSERT_NE(sent, system.core->seen.end());
  EXPECT_NE(sent->body.find("permit out 17 from 192.0.2.10 5004 to 10.45.0.2 40000"),
            std::string::npos)
      << sent->body;
}

TEST_P(Southbound, a_refusal_hands_on_the_offer_and_leaves_nothing) {
  for (const auto* ue : {"ue1", "ue2", "ue3", "ue4"}) ASSERT_TRUE(system.create(ue, "gold"));
  ASSERT_TRUE(system.create("ue1", "silver"));
  const auto refused = system.ask("POST", std::string(collection), System::body("ue2", "gold"));
  EXPECT_EQ(refused.status, 403);
  const auto problem = json::parse(refused.body);
  EXPECT_EQ(*problem->find("cause")->text(), "REQUESTED_SERVICE_NOT_AUTHORIZED");
  EXPECT_EQ(*problem->find("acceptableServInfo")->find("marBwDl")->text(), "4 Mbps");
  system.settle();
  EXPECT_EQ(system.unjust(), "");
  EXPECT_EQ(system.at_core().size(), 5U);
}

TEST_P(Southbound, a_ue_without_a_session_is_not_connected) {
  control("/ues/ue2/detach");
  const auto refused = system.ask("POST", std::string(collection), System::body("ue2", "gold"));
  EXPECT_EQ(refused.status, 403) << refused.body;
  EXPECT_EQ(*json::parse(refused.body)->find("cause")->text(), "UE_NOT_CONNECTED");
  system.settle();
  EXPECT_EQ(system.unjust(), "");
}

TEST_P(Southbound, a_modification_is_kept_and_one_that_is_refused_changes_nothing) {
  const auto id = *system.create("ue1", "gold");
  EXPECT_EQ(system.ask("PATCH", System::path_of(id), R"({"uniQosReq":"silver"})").status, 200);
  EXPECT_EQ(reserved(0, "qosReference"), "silver");
  EXPECT_EQ(reserved(0, "reservedDl"), "4 Mbps");
  // From a reference to figures and back: what one has and the other has not is taken away.
  EXPECT_EQ(
      system.ask("PATCH", System::path_of(id), R"({"uniQosReq":"{\"gbrDl\":\"6 Mbps\"}"})").status,
      200);
  EXPECT_EQ(reserved(0, "qosReference"), "");
  EXPECT_EQ(reserved(0, "reservedDl"), "6 Mbps");
  const auto refused =
      system.ask("PATCH", System::path_of(id), R"({"uniQosReq":"{\"gbrDl\":\"600 Mbps\"}"})");
  EXPECT_EQ(refused.status, 403);
  EXPECT_EQ(reserved(0, "reservedDl"), "6 Mbps");
  EXPECT_EQ(system.ask("PATCH", System::path_of(id), R"({"uniQosReq":"gold"})").status, 200);
  EXPECT_EQ(reserved(0, "qosReference"), "gold");
  EXPECT_EQ(reserved(0, "reservedUl"), "2 Mbps");
  system.settle();
  EXPECT_EQ(system.unjust(), "");
}

TEST_P(Southbound, a_modification_whose_answer_is_lost_becomes_what_the_core_keeps) {
  const auto id = *system.create("ue1", "gold");
  plan(R"({"kind":"NEVER_ANSWER","operation":")" + modify_operation() + R"("})");
  const auto lost = system.ask("PATCH", System::path_of(id), R"({"uniQosReq":"silver"})");
  EXPECT_EQ(lost.status, 504) << lost.body;
  system.settle();
  EXPECT_EQ(reserved(0, "qosReference"), "silver");
  const auto body = json::parse(system.ask("GET", System::path_of(id)).body);
  EXPECT_EQ(*body->find("uniQosReq")->text(), "silver");
  EXPECT_EQ(system.unjust(), "");
}

TEST_P(Southbound, a_loss_and_its_end_are_told) {
  const auto id = *system.create("ue1", "gold");
  system.loop.run_for(1s);
  control("/ues/ue1/degrade", R"({"rateDl":"1 Mbps"})");
  system.loop.run_for(1s);
  if (!tells()) {
    EXPECT_EQ(told(), Events{}) << "a PCF that takes the subscription and never tells";
    EXPECT_EQ(read(id, "controlPlane"), "simulated");
    return;
  }
  EXPECT_EQ(told(), Events{"QOS_NOT_GUARANTEED"});
  EXPECT_EQ(read(id, "controlPlane"), "degraded");
  control("/ues/ue1/restore");
  system.loop.run_for(1s);
  EXPECT_EQ(told(), Events{"QOS_GUARANTEED"});
  EXPECT_EQ(read(id, "controlPlane"), "simulated");
}

TEST_P(Southbound, callbacks_that_come_twice_are_told_once) {
  const auto id = *system.create("ue1", "gold");
  system.loop.run_for(1s);
  plan(R"({"kind":"DUPLICATE_CALLBACK","count":3})");
  control("/ues/ue1/degrade", R"({"rateDl":"1 Mbps"})");
  system.loop.run_for(1s);
  EXPECT_EQ(told(), tells() ? Events{"QOS_NOT_GUARANTEED"} : Events{});
  EXPECT_EQ(read(id, "controlPlane"), tells() ? "degraded" : "simulated");
  control("/reservations/" + system.at_core().at(0).id + "/terminate");
  system.settle();
  EXPECT_EQ(told(), Events{"QOS_TERMINATED"});
  EXPECT_EQ(system.unjust(), "");
}

TEST_P(Southbound, callbacks_in_wrong_order_leave_one_reservation_and_a_readable_resource) {
  const auto id = *system.create("ue1", "gold");
  plan(R"({"kind":"REORDER_CALLBACKS","count":3})");
  for (int i = 0; i < 3; ++i) {
    control("/ues/ue1/degrade", R"({"rateDl":"1 Mbps"})");
    control("/ues/ue1/restore");
  }
  system.settle();
  EXPECT_EQ(system.unjust(), "");
  EXPECT_FALSE(read(id, "controlPlane").empty());
}

TEST_P(Southbound, the_end_by_the_core_is_told_and_nothing_is_held) {
  const auto id = *system.create("ue1", "gold");
  control("/reservations/" + system.at_core().at(0).id + "/terminate");
  system.settle();
  EXPECT_EQ(told(), Events{"QOS_TERMINATED"});
  EXPECT_EQ(read(id, "controlPlane"), "refused");
  EXPECT_EQ(system.unjust(), "");
  EXPECT_TRUE(system.at_core().empty());
}

TEST_P(Southbound, a_ue_that_moves_takes_its_promise_along) {
  const auto id = *system.create("ue1", "gold");
  system.readdress(1, "10.45.0.77");
  system.settle();
  EXPECT_EQ(read(id, "controlPlane"), "simulated");
  EXPECT_EQ(system.at_core().size(), 1U);
  EXPECT_EQ(system.unjust(), "");
  const auto events = told();
  ASSERT_FALSE(events.empty());
  EXPECT_EQ(events.back(), "QOS_GUARANTEED");
}

TEST_P(Southbound, an_adaptation_reaches_its_members_through_the_same_door) {
  const std::string bdt = door().is_pcf() ? R"(,"bdtRefId":"night")" : "";
  const auto made =
      system.ask("POST", adaptations,
                 R"({"valUeIds":[{"valUeId":"ue1"},{"valUeId":"ue2"}],"uniQosReq":"silver",)"
                 R"("notifUri":"http://app1.example/n")" +
                     bdt + "}");
  ASSERT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(system.at_core().size(), 2U);
  const auto with_reference =
      std::ranges::count_if(system.core->seen, [](const http::Request& request) {
        return request.body.find(R"("bdtRefId":"night")") != std::string::npos;
      });
  EXPECT_EQ(with_reference, door().is_pcf() ? 2 : 0);
  const auto at = adaptations + "/" + System::id_of(made);
  EXPECT_EQ(system.ask("DELETE", at).status, 204);
  system.settle();
  EXPECT_TRUE(system.at_core().empty());
  EXPECT_EQ(system.unjust(true), "");
}

TEST_P(Southbound, a_delete_leaves_nothing) {
  const auto id = *system.create("ue1", "gold");
  EXPECT_EQ(system.ask("DELETE", System::path_of(id)).status, 204);
  EXPECT_TRUE(system.at_core().empty());
  system.settle();
  EXPECT_EQ(system.unjust(true), "");
}

TEST_P(Southbound, a_delete_that_is_refused_for_a_while_goes_on_by_itself) {
  const auto id = *system.create("ue1", "gold");
  plan(R"({"kind":"STATUS","status":503,"count":3})");
  system.ask("DELETE", System::path_of(id));
  system.settle();
  EXPECT_TRUE(system.at_core().empty());
  EXPECT_EQ(system.unjust(true), "");
}

TEST_P(Southbound, a_crash_between_commit_and_answer_leaves_no_orphan_for_good) {
  plan(R"({"kind":"DELAY","delayMs":400,"operation":")" + create_operation() + R"("})");
  system.server().control_plane.router().handle(
      system.request("POST", std::string(collection), System::body("ue1", "gold")),
      [](const http::Response&) {});
  // Made at the core, the answer still on its way.
  system.loop.run_until([&] { return system.at_core().size() == 1; }, 300ms);
  ASSERT_EQ(system.at_core().size(), 1U);
  system.crash_and_restart();
  system.settle();
  if (tells()) {
    EXPECT_TRUE(system.at_core().empty());
    EXPECT_EQ(system.unjust(true), "");
    return;
  }
  // Nothing tells of it but the end of the PDU session: until then it is shown as suspected.
  const auto list = json::parse(system.ask("GET", std::string(collection)).body);
  const auto& items = *list->find("items")->array();
  ASSERT_EQ(items.size(), 1U);
  const auto* state = items[0].find("subscription")->find("uniQosState");
  EXPECT_EQ(*state->find("controlPlane")->text(), "releasing");
  EXPECT_EQ(state->find("orphanSuspected")->boolean(), true);
  control("/ues/ue1/detach");
  system.settle();
  EXPECT_EQ(system.unjust(true), "");
}

TEST_P(Southbound, a_create_that_is_never_answered_is_504_and_what_it_made_goes) {
  plan(R"({"kind":"NEVER_ANSWER","operation":")" + create_operation() + R"("})");
  const auto late = system.ask("POST", std::string(collection), System::body("ue1", "gold"));
  EXPECT_EQ(late.status, 504);
  system.settle();
  if (!tells()) control("/ues/ue1/detach");
  system.settle();
  EXPECT_TRUE(system.at_core().empty());
  EXPECT_EQ(system.unjust(true), "");
}

TEST_P(Southbound, a_suspicion_that_nothing_confirms_ends_by_time) {
  plan(R"({"kind":"NEVER_ANSWER","performed":false,"operation":")" + create_operation() + R"("})");
  EXPECT_EQ(system.ask("POST", std::string(collection), System::body("ue1", "gold")).status, 504);
  system.settle();
  // A NEF's list has said that there is none; this PCF was never seen to tell.
  EXPECT_EQ(system.unjust(true).empty(), !door().is_pcf());
  system.loop.run_for(25h);
  EXPECT_EQ(system.unjust(true), "");
}

TEST_P(Southbound, what_the_core_forgot_is_found_by_an_audit_and_asked_for_again) {
  const auto id = *system.create("ue1", "gold");
  ASSERT_EQ(system.operate("POST", "/netsim-control/v1/reset").status, 204);
  ASSERT_TRUE(system.at_core().empty());
  system.settle();
  if (door().quirks.no_get) {
    EXPECT_TRUE(system.at_core().empty()) << "a PCF that cannot be asked cannot be audited";
    return;
  }
  EXPECT_EQ(system.at_core().size(), 1U);
  EXPECT_EQ(read(id, "controlPlane"), "simulated");
  EXPECT_EQ(told(), (Events{"QOS_NOT_GUARANTEED", "QOS_GUARANTEED"}));
}

TEST_P(Southbound, a_core_that_cannot_be_read_is_asked_to_once) {
  ASSERT_TRUE(system.create("ue1", "gold"));
  ASSERT_TRUE(system.create("ue2", "silver"));
  system.settle();
  system.loop.run_for(10min);
  const auto reads = std::ranges::count_if(system.core->seen, [](const http::Request& request) {
    return request.method == "GET" && request.target.find("app-sessions/") != std::string::npos;
  });
  if (!door().is_pcf()) {
    EXPECT_EQ(reads, 0) << "its list says it all";
  } else if (door().quirks.no_get) {
    EXPECT_EQ(reads, 2) << "both are asked for at once; after that it is known";
  } else {
    EXPECT_GT(reads, 10) << "with each audit";
  }
}

INSTANTIATE_TEST_SUITE_P(
    over, Southbound,
    ::testing::Values(Door{.name = "nef"}, Door{.name = "pcf", .kind = seal_nrm::CoreKind::pcf},
                      Door{.name = "pcf_by_bsf", .kind = seal_nrm::CoreKind::pcf, .bsf = true},
                      Door{.name = "pcf_as_they_are",
                           .kind = seal_nrm::CoreKind::pcf,
                           .bsf = true,
                           .quirks = {.patch_replaces = true,
                                      .no_get = true,
                                      .no_events_resource = true,
                                      .silent = true,
                                      .media_type_needed = true,
                                      .plain_404_on_create = true}}),
    [](const auto& tested) { return tested.param.name; });

}  // namespace
}  // namespace lobo::app::testing
