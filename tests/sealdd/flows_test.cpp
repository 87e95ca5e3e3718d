// Flows as resources of their own.

#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/sdd_connections.hpp"
#include "api/sdd_relay.hpp"
#include "sealdd/world.hpp"
#include "services/sealdd/ports.hpp"
#include "wire/http/message.hpp"
#include "wire/json/json.hpp"

namespace lobo::app::testing {
namespace {

using namespace std::chrono_literals;
using api::sdd_connections::SddConnection;
using api::sdd_connections::SddFlowList;
using api::sdd_connections::SddFlowView;

const std::string flows = "/sdd-trans/v1/flows";

class sealdd_flows : public ::testing::Test {
 protected:
  sealdd_flows() { node.enrol(); }
  SddConnection make(const std::string& text) {
    return json::read<SddConnection>(w.ask("POST", connections, text).body).value();
  }
  SddFlowList listed(const std::string& query = "") {
    const auto answer = w.ask("GET", flows + query);
    EXPECT_EQ(answer.status, 200) << answer.body;
    return json::read<SddFlowList>(answer.body).value_or(SddFlowList{});
  }
  static std::string path_of(const SddConnection& one) {
    return flows + '/' + std::to_string(one.flows.begin()->second.flow_ids.front());
  }

  SealddWorld w;
  SimRelay node{w, "n1"};
};

TEST_F(sealdd_flows, are_listed_by_room_and_page) {
  make(connection_text("ue-1"));
  const auto two = make(connection_text("ue-2", "r2", "urn:a:2"));
  EXPECT_EQ(listed().items.size(), 2U);
  ASSERT_EQ(listed("?room=r2").items.size(), 1U);
  EXPECT_EQ(listed("?room=r2").items.front().connection_id, two.connection_id);
  const auto page = listed("?limit=1");
  ASSERT_EQ(page.items.size(), 1U);
  const auto rest = listed("?limit=1&cursor=" + page.next.value_or(""));
  ASSERT_EQ(rest.items.size(), 1U);
  EXPECT_NE(rest.items.front().connection_id, page.items.front().connection_id);
}

TEST_F(sealdd_flows, name_their_connection_for_as_long_as_it_is_there) {
  const auto one = make(connection_text("ue-1"));
  const auto answer = w.ask("GET", path_of(one));
  const auto view = json::read<SddFlowView>(answer.body).value_or(SddFlowView{});
  EXPECT_EQ(view.connection_id, one.connection_id);
  EXPECT_EQ(view.connection, one.self);
  EXPECT_EQ(view.asset_id, "urn:a:1");
  EXPECT_EQ(view.room, "r1");
  EXPECT_EQ(view.node_id, "n1");
  EXPECT_EQ(view.flow.flow_ids, one.flows.at("urn:a:1").flow_ids);
  EXPECT_EQ(w.ask("DELETE", connections + '/' + one.connection_id).status, 204);
  w.loop.run_for(5min);
  EXPECT_EQ(w.ask("GET", path_of(one)).status, 404);
}

TEST_F(sealdd_flows, tell_the_newest_state_of_their_asset_as_their_node_has_it) {
  const auto one = make(connection_text("ue-1"));
  const auto alias = one.flows.begin()->second.alias;
  const auto asked = w.begin(w.request("GET", path_of(one) + "/state"));
  const auto wanted = node.orders(500);
  ASSERT_FALSE(wanted.empty());
  const auto& order = wanted.back();
  EXPECT_EQ(order.kind, api::sdd_relay::OrderKind::tell_state);
  EXPECT_EQ(order.room, one.room);
  EXPECT_EQ(order.alias, alias);
  EXPECT_FALSE(*asked) << "it waits for the node";
  api::sdd_relay::RelayState state;
  state.order = order.order;
  state.components = {{.component = 0, .seq = 4, .age_us = 1500, .state = {"pose"}, .delta = {}}};
  node.report({}, {}, {state});
  ASSERT_TRUE(*asked);
  EXPECT_EQ((*asked)->status, 200) << (*asked)->body;
  const auto told = json::read<api::sdd_connections::SddReplica>((*asked)->body);
  ASSERT_TRUE(told);
  EXPECT_EQ(told->asset_id, "urn:a:1");
  EXPECT_EQ(told->node_id, "n1");
  EXPECT_EQ(told->components, state.components);
}

TEST_F(sealdd_flows, whose_node_is_silent_or_lost_say_so_in_time) {
  const auto one = make(connection_text("ue-1"));
  const auto silent = w.begin(w.request("GET", path_of(one) + "/state"));
  node.live(2500ms);
  ASSERT_TRUE(*silent);
  EXPECT_EQ((*silent)->status, 504);
  const auto other = w.ask("GET", path_of(one) + "/state?asset-id=urn%3Aa%3A9");
  EXPECT_EQ(other.status, 400);
  EXPECT_EQ(SealddWorld::blamed(other), (std::vector<std::string>{"query:asset-id"}));
  w.loop.run_for(60s);  // Its lease is over.
  EXPECT_EQ(w.ask("GET", path_of(one) + "/state").status, 503);
}

TEST_F(sealdd_flows, have_a_bound_on_questions_that_wait) {
  const auto one = make(connection_text("ue-1"));
  std::size_t refused = 0;
  std::vector<std::shared_ptr<std::optional<http::Response>>> asked;
  for (std::size_t i = 0; i < sealdd::state_questions_max + 3; ++i)
    asked.push_back(w.begin(w.request("GET", path_of(one) + "/state")));
  w.loop.run_for(100ms);
  for (const auto& answer : asked)
    if (*answer && (*answer)->status == 429) ++refused;
  EXPECT_EQ(refused, 3U);
}

TEST_F(sealdd_flows, of_others_and_those_that_cannot_be_are_not_found) {
  const auto one = make(connection_text("ue-1"));
  EXPECT_EQ(w.ask("GET", path_of(one), {}, {}, "other").status, 404);
  for (const std::string none : {"0", "77777", "4294967296", "99999999999999999999", "x", "-1"})
    EXPECT_EQ(w.ask("GET", flows + '/' + none).status, 404) << none;
}

}  // namespace
}  // namespace lobo::app::testing
