#include "services/sealdd/flows.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "api/sdd_connections.hpp"
#include "api/sdd_relay.hpp"
#include "api/sync_types.hpp"

namespace lobo::sealdd {
namespace {

namespace sync = api::sync_types;
using api::sdd_connections::SddFlow;
using api::sdd_relay::OrderKind;

SddFlow flow(std::int64_t id, std::int64_t tier = 0) {
  SddFlow out;
  out.flow_ids = {id};
  out.alias = id;
  out.tier = tier;
  out.qos.emplace();
  out.qos->mbr_dl = "4 Mbps";
  out.qos->update_rate_hz = 60;
  sync::SyncQosLevel half, least;
  half.update_rate_hz = 30;
  least.mbr_dl = "1 Mbps";
  out.qos->alternatives = {half, least};
  return out;
}

TEST(sealdd_flows, a_step_of_the_ladder_says_only_what_differs_from_the_one_above) {
  const auto qos = *flow(1).qos;
  EXPECT_EQ(level_at(qos, 0).update_rate_hz, 60);
  EXPECT_EQ(level_at(qos, 1).update_rate_hz, 30);
  EXPECT_EQ(level_at(qos, 1).mbr_dl, "4 Mbps");
  EXPECT_EQ(level_at(qos, 2).update_rate_hz, 30);
  EXPECT_EQ(level_at(qos, 2).mbr_dl, "1 Mbps");
  EXPECT_EQ(level_at(qos, 9), level_at(qos, 2));
}

TEST(sealdd_flows, flows_that_stay_as_they_are_need_no_order) {
  const FlowMap flows{{"urn:a:1", flow(1)}};
  EXPECT_TRUE(orders_between(flows, flows, "ue", 100).empty());
}

TEST(sealdd_flows, another_tier_also_changes_what_it_may_take) {
  const auto orders = orders_between({{"urn:a:1", flow(1)}}, {{"urn:a:1", flow(1, 2)}}, "ue", 100);
  ASSERT_EQ(orders.size(), 2U);
  EXPECT_EQ(orders[0].kind, OrderKind::set_tier);
  EXPECT_EQ(orders[1].kind, OrderKind::set_rate);
  EXPECT_EQ(orders[1].mbr_dl_bps, 1'000'000);
}

TEST(sealdd_flows, a_second_path_is_released_when_one_is_enough) {
  auto two = flow(1);
  two.flow_ids = {1, 2};
  const auto orders = orders_between({{"urn:a:1", two}}, {{"urn:a:1", flow(1)}}, "ue", 100);
  ASSERT_EQ(orders.size(), 2U);
  EXPECT_EQ(orders[0].kind, OrderKind::release_flow);
  EXPECT_EQ(orders[0].flow_id, 2);
  EXPECT_EQ(orders[1].kind, OrderKind::set_redundancy);
  EXPECT_EQ(orders[1].redundancy, sync::Redundancy::none);
}

}  // namespace
}  // namespace lobo::sealdd
