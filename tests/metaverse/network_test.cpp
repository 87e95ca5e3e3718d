// The network's promise behind a session (TS 23.434 clause 14.3.5.4.2): asked for where a policy
// wants it, one more reason for a tier while it lasts, and given back at the end.

#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "api/mm_das.hpp"
#include "api/nra_mm_qos.hpp"
#include "metaverse/world.hpp"
#include "runtime/ports.hpp"
#include "wire/http/message.hpp"
#include "wire/http/url.hpp"
#include "wire/json/json.hpp"

namespace lobo::app::testing {
namespace {

using namespace std::chrono_literals;

/// NRM as far as the enabler sees it.
class SimNrm final : public runtime::HttpHandler {
 public:
  struct Held {
    api::nra_mm_qos::MmQosManagement asked;
    std::string key;
    std::int64_t sequence = 0;
  };
  void handle(http::Request request, ReplyFn reply) override {
    ++requests;
    if (silent) return;
    if (status != 0) return reply({status, {}, R"({"cause":"REQUESTED_SERVICE_NOT_AUTHORIZED"})"});
    const auto path = std::string(http::split_target(request.target).path);
    if (request.method == "POST") {
      const auto key = std::string(request.headers.find("idempotency-key").value_or(""));
      for (const auto& [id, one] : held)
        if (one.key == key) return answer(201, id, reply);
      auto asked = json::read<api::nra_mm_qos::MmQosManagement>(request.body);
      EXPECT_TRUE(asked) << request.body;
      if (!asked) return reply({400, {}, {}});
      const auto id = "q" + std::to_string(++made);
      held[id] = {std::move(*asked), key};
      return answer(201, id, reply);
    }
    const auto id = path.substr(path.rfind('/') + 1);
    const auto found = held.find(id);
    if (found == held.end()) return reply({404, {}, {}});
    if (request.method == "DELETE") {
      held.erase(found);
      return reply({loses_answers ? 503 : 204, {}, {}});
    }
    const auto patch = json::read<api::nra_mm_qos::MmQosPatch>(request.body);
    EXPECT_TRUE(patch) << request.body;
    if (patch->val_servers) found->second.asked.val_servers = *patch->val_servers;
    if (patch->sessions) found->second.asked.sessions = patch->sessions;
    answer(200, id, reply);
  }
  /// The body of a notification about the one that is held.
  std::string news(std::string_view event, std::string_view cause) {
    auto& [id, one] = *held.begin();
    return R"({"notifId":"http://nrm.example/ss-nra/v1/mm-qos/)" + id +
           R"(","eventNotifs":[{"event":")" + std::string(event) +
           R"(","ts":"2026-01-01T00:00:00Z","seq":)" + std::to_string(++one.sequence) +
           R"(,"mmQosId":")" + id + R"(","cause":")" + std::string(cause) + R"("}]})";
  }
  std::map<std::string, Held> held;
  int made = 0;
  int requests = 0;
  int status = 0;  ///< answers all with it
  bool silent = false;
  bool loses_answers = false;  ///< does what it is asked, and its answer is lost

 private:
  void answer(int code, const std::string& id, const ReplyFn& reply) const {
    if (loses_answers) return reply({503, {}, {}});
    http::Response response{
        code, {{"content-type", "application/json"}}, json::write(held.at(id).asked)};
    response.headers.add("location", "http://nrm.example/ss-nra/v1/mm-qos/" + id);
    reply(std::move(response));
  }
};

const std::string figures = R"({"gbrDl":"4 Mbps","mbrDl":"8 Mbps","pdbDl":20})";
std::string policy(std::string_view network) {
  return R"({"match":{},"ladder":[{"gbrDl":"2 Mbps"},{"gbrDl":"1 Mbps"}],)"
         R"("thresholds":{"lossPermille":20},"networkQos":")" +
         std::string(network) + "\"}";
}

class Network : public ::testing::Test {
 protected:
  Network() { w.network.attach("nrm.example", &nrm); }
  SimNrm nrm;
  MmWorld w{true};

  http::Response create(std::string_view assets, std::string_view more = "") {
    return w.ask("POST", "/mm-das/v1/sessions", MmWorld::session_text(assets, more));
  }
  int tells(std::string_view event, std::string_view cause) {
    const auto target = nrm.held.begin()->second.asked.notif_uri.substr(
        std::string_view("http://mm.example").size());
    return w.ask("POST", target, nrm.news(event, cause), {}, "").status;
  }
  api::mm_das::GrantedAsset granted(const std::string& at) { return w.read(at).granted.at(0); }
  void measure(std::string_view loss, int windows) {
    for (int i = 0; i < windows; ++i)
      EXPECT_EQ(w.measure("ue-1", R"({"avgPackLossRate":)" + std::string(loss) + "}"), 204);
  }
};

TEST_F(Network, is_asked_before_anybody_is_told_to_come_and_holds_nothing_after_the_end) {
  w.policy(policy("REQUIRED"));
  const auto at = w.session(MmWorld::asset("1", "ue-1", figures));
  ASSERT_EQ(nrm.held.size(), 1U) << "201 only after the network has said yes";
  const auto& asked = nrm.held.begin()->second.asked;
  EXPECT_EQ(asked.multi_modal_id, at.substr(at.rfind('/') + 1));
  EXPECT_EQ(asked.mm_service_id, "xr.meet");
  EXPECT_EQ(asked.ues->at(0).val_ue_id, "ue-1");
  EXPECT_EQ(asked.sessions->at(0).mm_qos->gbr_dl, "4 Mbps");
  EXPECT_EQ(asked.sessions->at(0).mm_qos->dl_bit_rate, "8 Mbps");
  EXPECT_EQ(asked.sessions->at(0).mm_qos->packet_delay_budget_ms, 20);
  EXPECT_EQ(asked.val_servers.at(0).port, 4433) << "the other end is the node";
  EXPECT_EQ(granted(at).network_qos, api::mm_das::NetworkQosState::confirmed);
  EXPECT_EQ(w.ask("DELETE", at).status, 204);
  EXPECT_TRUE(nrm.held.empty());
  EXPECT_TRUE(w.sealdd.empty());
}

TEST_F(Network, is_left_alone_where_no_policy_wants_it) {
  const auto at = w.session(MmWorld::asset("1", "ue-1", figures));
  EXPECT_EQ(nrm.requests, 0);
  EXPECT_FALSE(granted(at).network_qos);
  w.policy(policy("REQUIRED"));  // An edit reaches the live session.
  w.idle();
  EXPECT_EQ(nrm.held.size(), 1U);
}

TEST_F(Network, refuses_a_session_that_cannot_do_without_and_nothing_stays) {
  w.policy(policy("REQUIRED"));
  nrm.status = 403;
  const auto refused = create(MmWorld::asset("1", "ue-1", figures));
  EXPECT_EQ(refused.status, 424);
  EXPECT_NE(refused.body.find("NETWORK_QOS_FAILED"), std::string::npos) << refused.body;
  EXPECT_NE(refused.body.find("REQUESTED_SERVICE_NOT_AUTHORIZED"), std::string::npos);
  w.idle();
  EXPECT_TRUE(w.sealdd.empty());
}

TEST_F(Network, that_refuses_costs_a_session_that_only_prefers_it_nothing) {
  w.policy(policy("PREFERRED"));
  nrm.status = 403;
  const auto at = w.session(MmWorld::asset("1", "ue-1", figures));
  EXPECT_EQ(granted(at).network_qos, api::mm_das::NetworkQosState::refused);
  const auto asked = nrm.requests;
  w.loop.run_for(10s);
  EXPECT_EQ(nrm.requests, asked) << "no means no";
}

TEST_F(Network, that_is_away_is_asked_until_it_answers_and_exactly_one_is_held) {
  w.policy(policy("PREFERRED"));
  nrm.loses_answers = true;
  const auto at = w.session(MmWorld::asset("1", "ue-1", figures));
  EXPECT_EQ(granted(at).network_qos, api::mm_das::NetworkQosState::requested);
  EXPECT_EQ(w.sealdd.measurements.size(), 1U) << "SEALDD is not kept waiting by it";
  nrm.loses_answers = false;
  w.loop.run_for(90s);
  EXPECT_EQ(granted(at).network_qos, api::mm_das::NetworkQosState::confirmed);
  EXPECT_EQ(nrm.made, 1);
}

TEST_F(Network, two_paths_that_it_takes_back_are_told_once_and_so_is_their_return) {
  w.session(MmWorld::asset("1", "ue-1"), MmWorld::notif());
  const auto says = [&](std::string_view state, std::string_view more = "") {
    const auto news = R"(,"reliable":")" + std::string(state) + '"' + std::string(more);
    EXPECT_EQ(w.tell("ue-1", "ESTABLISHED", "{}", news), 204);
    return w.heard();
  };
  constexpr std::string_view ended = R"(,"reliableCause":"RELIABLE_TERMINATED")";
  w.tell("ue-1", "ESTABLISHED", "{}");
  w.heard();
  EXPECT_EQ(says("REQUESTED"), "");
  EXPECT_EQ(says("CONFIRMED"), "") << "as it was asked for";
  EXPECT_EQ(says("REFUSED", ended), "PATH_CHANGE");
  EXPECT_EQ(w.sink.heard.back().events.back().reason, "NETWORK_PATHS_LOST: RELIABLE_TERMINATED");
  EXPECT_EQ(says("REQUESTED"), "");
  EXPECT_EQ(says("REFUSED", ended), "") << "told already";
  EXPECT_EQ(says("CONFIRMED"), "PATH_CHANGE");
  EXPECT_EQ(w.sink.heard.back().events.back().reason, "NETWORK_PATHS_HELD");
}

TEST_F(Network, loss_is_a_tier_down_at_once_with_its_reason_and_nothing_rises_while_it_lasts) {
  w.policy(policy("REQUIRED"));
  const auto at = w.session(MmWorld::asset("1", "ue-1", figures), MmWorld::notif());
  w.tell("ue-1", "ESTABLISHED", R"({"urn:a:1":"UP"})");
  measure("0", 1);
  w.heard();
  EXPECT_EQ(tells("QOS_NOT_GUARANTEED", "QOS_NOT_GUARANTEED"), 204);
  EXPECT_EQ(w.heard(), "QOS_NOT_FULFILLED TIER_CHANGE=1 SESSION_STATE=DEGRADED");
  const auto& told = w.sink.heard.back().events;
  EXPECT_EQ(told.at(1).reason, "NETWORK_QOS_LOST");
  EXPECT_EQ(granted(at).network_qos, api::mm_das::NetworkQosState::degraded);
  EXPECT_EQ(granted(at).tier, 1);
  measure("0", 12);
  EXPECT_EQ(granted(at).tier, 1) << "good windows do not count against the network's word";
  EXPECT_EQ(tells("QOS_GUARANTEED", "QOS_GUARANTEED"), 204);
  EXPECT_EQ(granted(at).tier, 1) << "and its return alone is not enough";
  measure("0", 9);
  EXPECT_EQ(granted(at).tier, 1);
  measure("0", 2);
  EXPECT_EQ(granted(at).tier, 0);
  EXPECT_EQ(w.state(at), "ACTIVE");
  // It stays reserved as it was all the time: what is promised is the first step.
  EXPECT_EQ(nrm.held.begin()->second.asked.sessions->at(0).mm_qos->gbr_dl, "4 Mbps");
}

TEST_F(Network, return_gives_the_step_back_where_nobody_measures) {
  w.policy(policy("REQUIRED"));
  const auto at = w.session(MmWorld::asset("1", "ue-1", figures, R"(,"mmelSupport":false)"));
  tells("QOS_NOT_GUARANTEED", "QOS_NOT_GUARANTEED");
  EXPECT_EQ(granted(at).tier, 1);
  tells("QOS_GUARANTEED", "QOS_GUARANTEED");
  EXPECT_EQ(granted(at).tier, 0);
}

TEST_F(Network, news_that_comes_twice_or_from_a_stranger_changes_nothing) {
  w.policy(policy("REQUIRED"));
  const auto at = w.session(MmWorld::asset("1", "ue-1", figures));
  const auto text = nrm.news("QOS_NOT_GUARANTEED", "X");
  auto target =
      nrm.held.begin()->second.asked.notif_uri.substr(std::string_view("http://mm.example").size());
  EXPECT_EQ(w.ask("POST", target, text, {}, "").status, 204);
  EXPECT_EQ(w.ask("POST", target, text, {}, "").status, 204);
  EXPECT_EQ(granted(at).tier, 1);
  EXPECT_EQ(w.ask("POST", target, "{}", {}, "").status, 400);
  target.replace(target.rfind('/') - 3, 3, "xyz");
  EXPECT_EQ(w.ask("POST", target, text, {}, "").status, 404);
}

TEST_F(Network, reservation_follows_the_node_to_which_the_ue_is_sent) {
  w.policy(policy("REQUIRED"));
  w.session(MmWorld::asset("1", "ue-1", figures));
  w.tell("ue-1", "ESTABLISHED", "{}",
         R"(,"ddServerConnInfo":{"ipv4Addr":"192.0.2.99","port":4434},"nodeId":"n2")");
  w.idle();
  ASSERT_EQ(nrm.held.size(), 1U);
  EXPECT_EQ(nrm.held.begin()->second.asked.val_servers.at(0).ipv4_addr, "192.0.2.99");
  EXPECT_EQ(nrm.made, 1) << "changed, not made anew";
}

TEST_F(Network, each_acknowledged_session_has_one_reservation_whenever_the_process_dies) {
  w.policy(policy("REQUIRED"));
  int acknowledged = 0;
  for (int i = 0; i < 12; ++i) {
    const auto ue = "ue-" + std::to_string(i);
    const auto begun = w.begin(w.request("POST", "/mm-das/v1/sessions",
                                         MmWorld::session_text(MmWorld::asset("1", ue, figures))));
    // Each dies a little later than the one before.
    w.loop.run_for(std::chrono::milliseconds(2 * i));
    if (begun->has_value() && (*begun)->status == 201) ++acknowledged;
    w.crash_and_restart();
  }
  w.loop.run_for(2min);  // Not so long that those to whom nobody comes have ended.
  EXPECT_EQ(nrm.held.size(), w.sealdd.connections.size());
  EXPECT_EQ(nrm.held.size(), static_cast<std::size_t>(acknowledged));
  EXPECT_GT(acknowledged, 0);
  EXPECT_LT(acknowledged, 12);
}

TEST(network_without_nrm, is_refused_where_a_policy_makes_it_a_condition) {
  MmWorld w;
  w.policy(policy("REQUIRED"));
  const auto refused = w.ask("POST", "/mm-das/v1/sessions",
                             MmWorld::session_text(MmWorld::asset("1", "ue-1", figures)));
  EXPECT_EQ(refused.status, 424);
  EXPECT_NE(refused.body.find("no NRM is configured"), std::string::npos) << refused.body;
}

}  // namespace
}  // namespace lobo::app::testing
