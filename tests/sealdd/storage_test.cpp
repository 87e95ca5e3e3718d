// Contexts that go from one SEALDD server to another, and stored data.

#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "api/sdd_connections.hpp"
#include "api/sdd_context.hpp"
#include "api/sdd_relay.hpp"
#include "api/sdd_storage.hpp"
#include "model/date_time.hpp"
#include "sealdd/world.hpp"
#include "wire/json/json.hpp"

namespace lobo::app::testing {
namespace {

using namespace std::chrono_literals;
using api::sdd_connections::SddConnection;
using api::sdd_context::DdContextResp;
using api::sdd_relay::OrderKind;

TEST(sealdd_context, a_connection_goes_on_at_the_server_that_its_context_is_pushed_to) {
  SealddWorld a, b;
  SimRelay at_a(a, "na"), at_b(b, "nb");
  at_a.enrol();
  at_b.enrol();
  const auto made = json::read<SddConnection>(
      a.ask("POST", "/sdd-trans/v1/connections", connection_text("ue-1")).body);
  ASSERT_TRUE(made);
  const auto flow = made->flows.begin()->second.flow_ids.front();
  at_a.tell(flow, api::sdd_connections::SddFlowState::up);
  at_a.orders();
  const auto pulled = json::read<DdContextResp>(
      a.ask("GET",
            "/sdd-ddc/v1/contexts?supp-feats=10000000000&sdd-flow-id=" + std::to_string(flow))
          .body);
  ASSERT_TRUE(pulled && pulled->dd_context);
  EXPECT_EQ(pulled->dd_context->uu_context.sdd_flow_id, std::to_string(flow));
  api::sdd_context::DdContextPushReq push;
  push.dd_context = *pulled->dd_context;
  push.supp_feat = "10000000000";
  const auto answer = b.ask("POST", "/sdd-ddc/v1/contexts", json::write(push));
  ASSERT_EQ(answer.status, 201) << answer.body;
  const auto there = json::read<DdContextResp>(answer.body);
  ASSERT_TRUE(there && there->relocation) << answer.body;
  EXPECT_EQ(there->relocation->node_id, "nb");
  const auto location = std::string(answer.headers.find("location").value_or(""));
  const auto same = json::read<SddConnection>(
      b.ask("GET", location.substr(std::string("http://sealdd.example").size())).body);
  ASSERT_TRUE(same);
  EXPECT_EQ(same->room, made->room);
  EXPECT_EQ(same->flows.at("urn:a:1").qos, made->flows.at("urn:a:1").qos);
  EXPECT_EQ(same->exp_time, made->exp_time);
  // Pushed once more, it is there already.
  EXPECT_EQ(b.ask("POST", "/sdd-ddc/v1/contexts", json::write(push)).status, 409);
  const auto sent = a.ask("POST", "/sdd-trans/v1/connections/" + made->connection_id + "/relocate",
                          json::write(*there->relocation));
  ASSERT_EQ(sent.status, 204) << sent.body;
  const auto orders = at_a.orders();
  ASSERT_EQ(orders.size(), 2U);
  EXPECT_EQ(orders[0].kind, OrderKind::relocate);
  EXPECT_EQ(orders[0].token, there->relocation->token);
  EXPECT_EQ(orders[1].kind, OrderKind::release_flow);
  at_a.live(5s);
  EXPECT_EQ(a.nodes().connections(), 0U);
  EXPECT_EQ(b.nodes().connections(), 1U);
}

TEST(sealdd_context, a_stock_pull_means_the_only_connection_and_asks_which_where_there_are_more) {
  SealddWorld w;
  SimRelay node(w, "n1");
  node.enrol();
  EXPECT_EQ(w.ask("GET", "/sdd-ddc/v1/contexts").status, 404);
  w.ask("POST", "/sdd-trans/v1/connections", connection_text("ue-1"));
  const auto one = w.ask("GET", "/sdd-ddc/v1/contexts");
  EXPECT_EQ(one.status, 200) << one.body;
  EXPECT_EQ(one.body.find("\"connection\""), std::string::npos);
  w.ask("POST", "/sdd-trans/v1/connections", connection_text("ue-2"));
  const auto two = w.ask("GET", "/sdd-ddc/v1/contexts");
  EXPECT_EQ(two.status, 400);
  EXPECT_EQ(SealddWorld::blamed(two), (std::vector<std::string>{"query:sdd-flow-id"}));
  EXPECT_EQ(w.ask("GET", "/sdd-ddc/v1/contexts", {}, {}, "stranger").status, 404);
}

class sealdd_storage : public ::testing::Test {
 protected:
  std::string store(const std::string& text) {
    const auto answer = w.ask("POST", "/sdd-ds/v1/storages", text);
    EXPECT_EQ(answer.status, 201) << answer.body;
    return "/sdd-ds/v1/storages/" + SealddWorld::id_of(answer);
  }
  SealddWorld w;
};

TEST_F(sealdd_storage, rights_decide_who_may_do_what) {
  const auto at =
      store(R"({"data":"aGVsbG8=","ctrlPolicies":[{"entityId":"reader","rights":["RETRIEVE"]},)"
            R"({"entityId":"keeper","rights":["UPDATE","DELETE"]}]})");
  EXPECT_EQ(w.ask("GET", at, {}, {}, "reader").status, 200);
  EXPECT_EQ(w.ask("PATCH", at, R"({"data":"eA=="})", {}, "reader").status, 403);
  EXPECT_EQ(w.ask("GET", at, {}, {}, "stranger").status, 404);
  EXPECT_EQ(w.ask("GET", at, {}, {}, "keeper").status, 403);
  EXPECT_EQ(w.ask("PATCH", at, R"({"data":"eA=="})", {}, "keeper").status, 200);
  EXPECT_NE(w.ask("GET", at).body.find(R"("data":"eA==")"), std::string::npos);
  EXPECT_EQ(w.ask("DELETE", at, {}, {}, "keeper").status, 204);
  EXPECT_EQ(w.ask("GET", at).status, 404);
}

TEST_F(sealdd_storage, what_is_large_is_reserved_and_put_as_octets_and_survives_a_crash) {
  const auto answer =
      w.ask("POST", "/sdd-ds/v1/storages", R"({"valServiceId":"s","dataLength":3000000})");
  ASSERT_EQ(answer.status, 200) << answer.body;
  const auto read = json::read<api::sdd_storage::ReservRespData>(answer.body);
  ASSERT_TRUE(read);
  const auto at = read->resource_addr.substr(std::string("http://sealdd.example").size());
  EXPECT_EQ(w.ask("GET", at).status, 404);
  std::string octets(3'000'000, '\0');
  for (std::size_t i = 0; i < octets.size(); ++i) octets[i] = static_cast<char>(i * 7);
  const http::Headers raw{{"content-type", "application/octet-stream"}};
  EXPECT_EQ(w.ask("PUT", at, octets + "x", raw).status, 413);
  EXPECT_EQ(w.ask("PUT", at, octets, raw).status, 204);
  w.crash_and_restart();
  EXPECT_EQ(w.ask("GET", at).body, octets);
  EXPECT_EQ(w.ask("GET", at, {}, {}, "stranger").status, 404);
}

TEST_F(sealdd_storage, what_expires_is_gone) {
  const auto at = store(R"({"data":"aGVsbG8=","expTime":")" +
                        model::format_date_time(w.loop.now() + 60s) + R"("})");
  EXPECT_EQ(w.ask("GET", at).status, 200);
  w.loop.run_for(61s);
  EXPECT_EQ(w.ask("GET", at).status, 404);
}

TEST_F(sealdd_storage, who_subscribed_is_told_how_often_it_was_used) {
  const auto at =
      store(R"({"data":"aGVsbG8=","ctrlPolicies":[{"entityId":"reader","rights":["RETRIEVE"]}],)"
            R"("mngtSubsc":{"events":["DATA_ACCESS_STATISTICS"],"notifUri":"http://val.example/d",)"
            R"("repPeriodicity":10}})");
  for (int i = 0; i < 3; ++i) w.ask("GET", at, {}, {}, "reader");
  w.loop.run_for(11s);
  const auto told = w.told();
  ASSERT_EQ(told.size(), 1U);
  const auto notif = json::read<api::sdd_storage::DataMngtNotif>(told[0].body);
  ASSERT_TRUE(notif && notif->access_stats) << told[0].body;
  EXPECT_EQ(notif->access_stats->gen_access_stats, 3);
  EXPECT_EQ(notif->access_stats->det_access_stats->at("reader"), 3);
}

TEST_F(sealdd_storage, a_delivery_reaches_who_subscribed_for_the_target) {
  w.ask("POST", "/sdd-ds/v1/subscriptions",
        R"({"requestorId":"t1","notifUri":"http://val.example/d"})");
  EXPECT_EQ(
      w.ask("POST", "/sdd-ds/v1/request-del", R"({"targetId":"t1","data":"aGVsbG8="})").status,
      204);
  const auto told = w.told();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].body, R"({"data":"aGVsbG8="})");
  EXPECT_EQ(w.ask("POST", "/sdd-ds/v1/request-del", R"({"targetId":"t2","data":"eA=="})").status,
            404);
  EXPECT_EQ(
      w.ask("POST", "/sdd-ds/v1/request-del", R"({"targetId":"t1","storageId":"none"})").status,
      404);
}

}  // namespace
}  // namespace lobo::app::testing
