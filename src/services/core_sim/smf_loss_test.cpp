// What becomes of sessions when datagrams, a UPF or its memory are lost.

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/rng.hpp"
#include "model/address.hpp"
#include "services/core_sim/smf_rules.hpp"
#include "services/core_sim/test_lab.hpp"
#include "services/core_sim/test_upf.hpp"
#include "wire/pfcp/header.hpp"
#include "wire/pfcp/messages.hpp"
#include "wire/pfcp/refusal.hpp"
#include "wire/pfcp/values.hpp"

namespace lobo::core_sim {
namespace {

using namespace std::chrono_literals;
using pfcp::MessageType;
using Texts = std::vector<std::string>;

/// ue1 is registered and holds `reference`, allocated and told.
struct Held : SmfLab {
  explicit Held(std::string_view reference = "control") {
    register_ue("ue1");
    path = location_path(post_session(session_body(reference)));
    run_for(100ms);
    EXPECT_EQ(events(), Texts{"SUCCESSFUL_RESOURCES_ALLOCATION"});
  }
  std::string path;
};

TEST(smf_loss, a_request_is_sent_again_as_it_was_until_it_is_answered) {
  SmfLab lab;
  lab.upf.lose_next = 2;
  lab.register_ue("ue1");
  EXPECT_TRUE(lab.upf.sessions.empty());
  lab.run_for(1s);
  EXPECT_TRUE(lab.upf.sessions.empty());
  lab.run_for(1s);
  ASSERT_EQ(lab.upf.sessions.size(), 1U);
  EXPECT_EQ(member(lab.session_of("ue1"), "/state"), "ESTABLISHED");
}

TEST(smf_loss, a_repeated_request_has_the_octets_of_the_first) {
  SmfLab lab;
  lab.upf.silent = true;
  lab.register_ue("ue1");
  lab.run_for(2s);
  ASSERT_EQ(lab.upf.heard_of(MessageType::session_establishment_request), 3U);
  const auto& heard = lab.upf.heard;
  EXPECT_EQ(heard[heard.size() - 1], heard[heard.size() - 2]);
}

TEST(smf_loss, a_silent_upf_is_lost_and_its_sessions_are_not_guaranteed_until_it_is_back) {
  Held lab;
  const auto rules = lab.only().pdrs;
  lab.upf.silent = true;
  lab.run_for(20s);
  EXPECT_EQ(lab.events(), Texts{"QOS_NOT_GUARANTEED"}) << "once";
  const auto read = lab.send("GET", lab.path);
  EXPECT_EQ(read.headers.find("x-lobo-simulated"), "netsim");
  const auto upfs = lab.send("GET", "/netsim-control/v1/upfs");
  EXPECT_EQ(member(upfs.body, "/upfs/0/associated"), "false");
  lab.upf.silent = false;
  lab.run_for(10s);
  ASSERT_EQ(lab.sent.size(), 1U);
  EXPECT_EQ(lab.sent[0].simulated, "netsim; user-plane=enforced");
  EXPECT_EQ(lab.events(), Texts{"QOS_GUARANTEED"});
  ASSERT_EQ(lab.upf.sessions.size(), 1U);
  EXPECT_EQ(lab.only().pdrs.size(), rules.size());
  EXPECT_EQ(lab.only().pdrs.at(3).filters, rules.at(3).filters);
}

TEST(smf_loss, a_request_while_the_upf_is_lost_fails_at_once) {
  Held lab;
  lab.upf.silent = true;
  lab.run_for(20s);
  lab.events();
  ASSERT_EQ(lab.post_session(session_body("control")).status, 201);
  lab.run_for(100ms);
  EXPECT_EQ(lab.events(), Texts{"FAILED_RESOURCES_ALLOCATION"});
}

TEST(smf_loss, a_request_that_is_never_answered_fails_within_the_patience_of_an_application) {
  Held lab;
  lab.upf.silent = true;
  ASSERT_EQ(lab.post_session(session_body("best-effort")).status, 201);
  lab.run_for(4500ms);
  EXPECT_EQ(lab.events(), (Texts{"QOS_NOT_GUARANTEED", "FAILED_RESOURCES_ALLOCATION"}));
}

TEST(smf_loss, a_upf_that_was_born_again_gets_all_sessions_anew) {
  Held lab;
  lab.register_ue("ue2", 0x200);
  lab.upf.restart();
  lab.run_for(11s);  // The next heartbeat tells.
  EXPECT_EQ(lab.events(), (Texts{"QOS_NOT_GUARANTEED", "QOS_GUARANTEED"}));
  EXPECT_EQ(lab.upf.sessions.size(), 2U);
  std::size_t pdrs = 0;
  for (const auto& [seid, session] : lab.upf.sessions) pdrs += session.pdrs.size();
  EXPECT_EQ(pdrs, 5U);
}

TEST(smf_loss, a_upf_that_greets_by_itself_gets_its_sessions_at_once) {
  Held lab;
  lab.upf.restart();
  lab.upf.associated = true;
  lab.upf_says(pfcp::AssociationSetupRequest{.node = model::Ipv4Address{{127, 0, 0, 62}},
                                             .recovery_time_stamp = {lab.upf.born}});
  EXPECT_EQ(lab.events(), (Texts{"QOS_NOT_GUARANTEED", "QOS_GUARANTEED"}));
  EXPECT_EQ(lab.upf.sessions.size(), 1U);
}

TEST(smf_loss, a_greeting_that_comes_again_changes_nothing) {
  Held lab;
  lab.upf.restart();
  lab.upf.associated = true;
  const auto greeting =
      lab.upf.request(0, pfcp::AssociationSetupRequest{.node = model::Ipv4Address{{127, 0, 0, 62}},
                                                       .recovery_time_stamp = {lab.upf.born}});
  lab.say(greeting);
  lab.events();
  const auto asked = lab.upf.heard_of(MessageType::session_establishment_request);
  lab.say(greeting);
  EXPECT_EQ(lab.events(), Texts{});
  EXPECT_EQ(lab.upf.heard_of(MessageType::session_establishment_request), asked);
  EXPECT_EQ(lab.upf.heard.back().at(1), std::byte{6}) << "the answer is given again";
}

TEST(smf_loss, a_session_that_the_upf_has_forgotten_is_made_again) {
  Held lab;
  lab.upf.sessions.clear();
  ASSERT_EQ(lab.post_session(session_body("best-effort")).status, 201);
  lab.run_for(100ms);
  EXPECT_EQ(lab.events(),
            (Texts{"QOS_NOT_GUARANTEED", "FAILED_RESOURCES_ALLOCATION", "QOS_GUARANTEED"}));
  ASSERT_EQ(lab.upf.sessions.size(), 1U);
  EXPECT_EQ(lab.only().pdrs.size(), 3U);
}

TEST(smf_loss, a_upf_that_forgets_each_session_is_not_asked_for_ever) {
  Held lab;
  lab.upf.refuse_modifications = pfcp::Cause::session_context_not_found;
  lab.post_session(session_body("best-effort"));
  lab.run_for(1s);
  EXPECT_LE(lab.upf.heard_of(MessageType::session_establishment_request), 5U);
  EXPECT_EQ(member(lab.session_of("ue1"), "/state"), "REFUSED");
}

TEST(smf_loss, a_flow_that_the_upf_does_not_give_up_goes_with_its_session_which_is_made_anew) {
  Held lab;
  const auto other = location_path(lab.post_session(session_body("best-effort")));
  lab.run_for(100ms);
  lab.events();
  lab.upf.refuse_modifications = pfcp::Cause::request_rejected;
  lab.upf.refuse_count = 1;
  EXPECT_EQ(lab.send("DELETE", other).status, 204);
  lab.run_for(100ms);
  EXPECT_EQ(lab.events(), (Texts{"QOS_NOT_GUARANTEED", "QOS_GUARANTEED"}));
  ASSERT_EQ(lab.upf.sessions.size(), 1U);
  EXPECT_EQ(lab.only().pdrs.size(), 3U);
}

TEST(smf_loss, a_upf_that_knows_us_no_more_is_greeted_anew) {
  Held lab;
  lab.upf.restart();
  lab.register_ue("ue2", 0x200);
  lab.run_for(100ms);
  EXPECT_EQ(lab.events(), (Texts{"QOS_NOT_GUARANTEED", "QOS_GUARANTEED"}));
  EXPECT_EQ(lab.upf.sessions.size(), 2U);
}

TEST(smf_loss, a_upf_that_flaps_is_told_of_once) {
  Held lab;
  for (int i = 0; i < 3; ++i) {
    lab.upf.restart();
    lab.upf.associated = true;
    lab.upf.lose_next = 2;  // The answer, and the session that comes after it.
    lab.upf_says(pfcp::AssociationSetupRequest{.node = model::Ipv4Address{{127, 0, 0, 62}},
                                               .recovery_time_stamp = {lab.upf.born}});
  }
  lab.run_for(5s);
  EXPECT_EQ(lab.events(), (Texts{"QOS_NOT_GUARANTEED", "QOS_GUARANTEED"}));
}

TEST(smf_loss, a_upf_that_refuses_the_session_refuses_its_flows) {
  SmfLab lab;
  lab.upf.refuse_establishments = pfcp::Cause::no_resources_available;
  lab.register_ue("ue1");
  EXPECT_EQ(member(lab.session_of("ue1"), "/state"), "REFUSED");
  EXPECT_EQ(member(lab.session_of("ue1"), "/cause"), "no_resources_available");
  lab.post_session(session_body("control"));
  lab.run_for(100ms);
  EXPECT_EQ(lab.events(), Texts{"FAILED_RESOURCES_ALLOCATION"});
  lab.upf.refuse_establishments.reset();
  lab.register_ue("ue1");
  EXPECT_EQ(member(lab.session_of("ue1"), "/state"), "ESTABLISHED") << "asked again, it is tried";
}

TEST(smf_loss, an_upf_that_asks_to_be_released_is_released) {
  Held lab;
  lab.upf.silent = true;  // It goes; its answers are not waited for.
  lab.upf_says(pfcp::AssociationUpdateRequest{
      .node = model::Ipv4Address{{127, 0, 0, 62}},
      .release = pfcp::AssociationReleaseFlags{pfcp::AssociationReleaseFlag::sarr}});
  EXPECT_EQ(lab.upf.heard_of(MessageType::association_release_request), 1U);
  EXPECT_EQ(lab.events(), Texts{"QOS_NOT_GUARANTEED"});
}

TEST(smf_loss, a_reset_begins_with_a_new_greeting_and_without_sessions) {
  Held lab;
  EXPECT_EQ(lab.control("/reset").status, 204);
  lab.run_for(1ms);
  EXPECT_EQ(lab.upf.heard_of(MessageType::association_setup_request), 2U);
  EXPECT_TRUE(lab.upf.sessions.empty());
  EXPECT_EQ(lab.send("GET", "/netsim-control/v1/ues/ue1/pdu-session").status, 404);
}

TEST(smf_loss, nobody_but_a_upf_is_listened_to) {
  Held lab;
  const auto bytes = lab.upf.request(0, pfcp::HeartbeatRequest{{77}});
  lab.core.receive({model::Ipv4Address{{192, 0, 2, 1}}, pfcp::udp_port}, bytes, lab.now());
  EXPECT_TRUE(lab.core.take_datagrams().empty());
  lab.upf_says(pfcp::HeartbeatRequest{{lab.upf.born}});
  EXPECT_EQ(lab.upf.types.back(), MessageType::heartbeat_response);
}

TEST(smf_loss, octets_that_are_no_message_change_nothing) {
  Held lab;
  SeededRng rng(5);
  for (int round = 0; round < 20'000; ++round) {
    std::vector<std::byte> bytes(lab.upf.heard[rng.below(lab.upf.heard.size())]);
    for (std::uint64_t i = rng.below(4); i-- > 0;)
      bytes[rng.below(bytes.size())] = static_cast<std::byte>(rng.below(256));
    // Requests of a UPF and answers to nothing: session messages of both kinds and heartbeats.
    bytes[1] = static_cast<std::byte>(rng.below(2) == 0 ? 51 + rng.below(7) : rng.below(12));
    if (bytes[1] == std::byte{1} || bytes[1] == std::byte{5} || bytes[1] == std::byte{7}) continue;
    bytes.resize(rng.below(4) == 0 ? rng.below(bytes.size() + 1) : bytes.size());
    lab.core.receive(lab.upf_at, bytes, lab.now());
    lab.core.take_datagrams();
  }
  lab.run_for(30s);
  EXPECT_EQ(lab.upf.sessions.size(), 1U);
  EXPECT_TRUE(lab.core.books_balance());
}

// Whatever was lost, refused and changed on the way: when it is quiet, the UPF has the flows of the
// sessions that say that they are enforced, with their rates, and no others.
TEST(smf_loss, when_it_is_quiet_the_upf_has_what_is_said_to_be_enforced) {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    SCOPED_TRACE(seed);
    SmfLab lab;
    SeededRng rng(seed);
    lab.register_ue("ue1", 1);
    lab.register_ue("ue2", 2);
    Texts paths;
    Texts observers;  // of ue1
    const Texts references{"control", "best-effort", "video-sd"};
    for (int step = 0; step < 60; ++step) {
      const auto& reference = references[rng.below(references.size())];
      switch (rng.below(11)) {
        case 9:
          if (const auto made = lab.post_session(observer_body()); made.status == 201)
            observers.push_back(location_path(made));
          break;
        case 10:
          if (!observers.empty()) {
            lab.send("DELETE", observers.back());
            observers.pop_back();
          }
          break;
        case 0:
        case 1:
          if (const auto made = lab.post_session(
                  session_body(reference, rng.below(2) == 0 ? "10.45.0.2" : "10.45.0.3"));
              made.status == 201)
            paths.push_back(location_path(made));
          break;
        case 2:
          if (!paths.empty())
            lab.send("PATCH", paths[rng.below(paths.size())],
                     R"({"qosReference":")" + reference + R"("})", "application/merge-patch+json");
          break;
        case 3:
          if (!paths.empty()) {
            const auto at = paths.begin() + static_cast<std::ptrdiff_t>(rng.below(paths.size()));
            lab.send("DELETE", *at);
            paths.erase(at);
          }
          break;
        case 4: lab.upf.lose_next = rng.below(3); break;
        case 5: lab.upf.silent = !lab.upf.silent; break;
        case 6:
          if (rng.below(3) == 0) lab.upf.restart();
          break;
        case 7:
          lab.upf.refuse_modifications = pfcp::Cause::request_rejected;
          lab.upf.refuse_count = rng.below(2);
          break;
        default: lab.run_for(std::chrono::milliseconds(rng.below(4'000))); break;
      }
      lab.run_for(std::chrono::milliseconds(rng.below(60)));
    }
    lab.upf.silent = false;
    lab.upf.lose_next = 0;
    lab.upf.refuse_modifications.reset();
    lab.run_for(30s);
    EXPECT_TRUE(lab.core.books_balance());
    std::size_t flows = 0;
    std::size_t watched = 0;
    for (const auto& [seid, session] : lab.upf.sessions) {
      flows += session.qers.size() - 2;
      EXPECT_EQ(session.pdrs.size(), session.qers.size()) << "two and one a flow";
      EXPECT_EQ(session.urr_periods.size(), session.qers.size()) << "one a flow, and the session's";
      if (session.srrs.empty()) continue;
      ++watched;
      EXPECT_EQ(session.srrs.at(session_srr.value).monitored[0].qfis.size(),
                session.qers.size() - 1)
          << "every flow is watched";
    }
    EXPECT_EQ(lab.upf.sessions.size(), 2U);
    std::size_t said = 0;
    for (const auto& path : paths) {
      const auto read = lab.send("GET", path);
      said += read.headers.find("x-lobo-simulated") == "netsim; user-plane=enforced";
    }
    EXPECT_EQ(flows, said);
    const auto enforced = std::ranges::count_if(observers, [&](const std::string& path) {
      return lab.send("GET", path).headers.find("x-lobo-simulated") ==
             "netsim; user-plane=enforced";
    });
    EXPECT_EQ(watched, enforced > 0 ? 1U : 0U);
  }
}

}  // namespace
}  // namespace lobo::core_sim
