// Measurement, status of connections and policies: what nodes report becomes what is told, and
// what is done.

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "api/sdd_connections.hpp"
#include "api/sdd_relay.hpp"
#include "api/sdd_tqm.hpp"
#include "api/sdd_transmission.hpp"
#include "sealdd/world.hpp"
#include "services/sealdd/histogram.hpp"
#include "services/sealdd/policy.hpp"
#include "wire/json/json.hpp"

namespace lobo::app::testing {
namespace {

using namespace std::chrono_literals;
using api::sdd_connections::SddConnection;
using api::sdd_connections::SddFlowState;
using api::sdd_relay::OrderKind;
using api::sdd_relay::RelayWindow;
using api::sdd_relay::RelayWindowDirection;
using api::sdd_tqm::CriteriaState;
using api::sdd_tqm::TransQualMeasNotif;

class sealdd_quality : public ::testing::Test {
 protected:
  sealdd_quality() { node.enrol(); }

  SddConnection connect(const std::string& ue, const std::string& asset = "urn:a:1") {
    const auto answer =
        w.ask("POST", "/sdd-trans/v1/connections", connection_text(ue, "r1", asset));
    EXPECT_EQ(answer.status, 201) << answer.body;
    auto out = json::read<SddConnection>(answer.body);
    EXPECT_TRUE(out);
    auto made = out.value_or(SddConnection{});
    node.tell(flow_of(made), SddFlowState::up);
    return made;
  }
  static std::int64_t flow_of(const SddConnection& one) {
    return one.flows.begin()->second.flow_ids.front();
  }
  SddConnection show(const SddConnection& one) {
    const auto answer = w.ask("GET", "/sdd-trans/v1/connections/" + one.connection_id);
    return json::read<SddConnection>(answer.body).value_or(SddConnection{});
  }
  /// A second of 30 packets of 200 octets.
  RelayWindow window(std::int64_t flow, std::int64_t delay_us, std::int64_t lost = 0) const {
    RelayWindow out;
    out.flow_id = flow;
    out.direction = RelayWindowDirection::dl;
    out.from = w.loop.now() - 1s;
    out.ms = 1000;
    out.packets = 30 - lost;
    out.bytes = static_cast<std::uint64_t>(out.packets) * 200;
    out.lost = lost;
    out.delay.emplace();
    out.delay->buckets = {sealdd::bucket_of(static_cast<std::uint64_t>(delay_us))};
    out.delay->counts = {out.packets};
    out.delay->sum = static_cast<double>(delay_us * out.packets);
    out.delay->sum_sq = static_cast<double>(delay_us * delay_us * out.packets);
    out.delay->min = delay_us;
    out.delay->max = delay_us;
    return out;
  }
  void seconds(int count, const std::vector<std::pair<std::int64_t, std::int64_t>>& flows,
               std::int64_t lost = 0) {
    for (int i = 0; i < count; ++i) {
      node.live(1s);
      std::vector<RelayWindow> windows;
      for (const auto& [flow, delay] : flows) windows.push_back(window(flow, delay, lost));
      node.report({}, std::move(windows));
    }
  }
  std::string subscribe(const std::string& whom, const std::string& req,
                        const std::string& more = R"(,"suppFeat":"10000000000")") {
    const auto answer = w.ask("POST", "/sdd-tqm/v1/subscriptions",
                              R"({"appTrafficIds":["urn:a:1"],"notifUri":"http://val.example/q",)" +
                                  whom + R"(,"reqs":{"x":)" + req + "}" + more + "}",
                              {}, "val");
    EXPECT_EQ(answer.status, 201) << answer.body;
    return SealddWorld::id_of(answer);
  }
  template <class T>
  std::vector<T> told(std::string_view path) {
    std::vector<T> out;
    for (const auto& one : w.told()) {
      if (one.target != path) continue;
      auto read = json::read<T>(one.body);
      EXPECT_TRUE(read) << one.body;
      if (read) out.push_back(std::move(*read));
    }
    return out;
  }
  std::vector<TransQualMeasNotif> reports() { return told<TransQualMeasNotif>("/q"); }

  SealddWorld w;
  SimRelay node{w, "n1"};
};

TEST_F(sealdd_quality, periodic_reports_say_what_came_since_the_last_one_for_each_ue) {
  const auto a = connect("ue-1");
  const auto b = connect("ue-2");
  subscribe(
      R"("allValUesInd":true)",
      R"({"measId":["LATENCY","BITRATE","PACKET_LOSS_RATE"],"repType":"PERIODIC","repPeriodicity":5})");
  seconds(6, {{flow_of(a), 10'000}, {flow_of(b), 40'000}}, 3);
  const auto heard = reports();
  ASSERT_EQ(heard.size(), 1U);
  EXPECT_EQ(heard[0].seq, 1U);
  ASSERT_EQ(heard[0].reports.size(), 2U);
  const auto& first = heard[0].reports[0];
  EXPECT_EQ(first.val_ue_ids, (std::vector<std::string>{"ue-1"}));
  ASSERT_TRUE(first.meas_data);
  EXPECT_EQ(first.meas_data->avg_latency, 10);
  EXPECT_EQ(first.meas_data->min_latency, 10);
  EXPECT_EQ(first.meas_data->std_dev_latency, 0);
  EXPECT_EQ(first.meas_data->avg_pack_loss_rate, 100);
  EXPECT_EQ(first.meas_data->more->loss_ppm, 100'000);
  EXPECT_EQ(first.meas_data->more->k_percentile, 99);
  EXPECT_FALSE(first.meas_data->avg_jitter);
  EXPECT_EQ(first.meas_id.size(), 3U);
  EXPECT_EQ(heard[0].reports[1].meas_data->avg_latency, 40);
}

TEST_F(sealdd_quality, a_group_is_a_room_and_its_ues_are_merged) {
  const auto a = connect("ue-1");
  const auto b = connect("ue-2");
  subscribe(
      R"("valGroupId":"r1")",
      R"({"measId":["LATENCY"],"repType":"PERIODIC","repPeriodicity":2,"repGranularity":"VAL_GROUP"})");
  seconds(3, {{flow_of(a), 10'000}, {flow_of(b), 30'000}});
  const auto heard = reports();
  ASSERT_FALSE(heard.empty());
  ASSERT_EQ(heard[0].reports.size(), 1U);
  const auto& data = *heard[0].reports[0].meas_data;
  EXPECT_EQ(data.min_latency, 10);
  EXPECT_EQ(data.max_latency, 30);
  EXPECT_EQ(data.avg_latency, 20);
  EXPECT_EQ(data.std_dev_latency, 10);
  EXPECT_EQ(heard[0].reports[0].val_ue_ids->size(), 2U);
}

TEST_F(sealdd_quality, once_is_once_also_after_a_crash) {
  const auto a = connect("ue-1");
  subscribe(R"("valUeIdsList":["ue-1"])",
            R"({"measId":["LATENCY"],"repType":"ONE_TIME","repPeriodicity":2})");
  seconds(4, {{flow_of(a), 10'000}});
  EXPECT_EQ(reports().size(), 1U);
  w.crash_and_restart();
  node.enrol();
  seconds(4, {{flow_of(a), 10'000}});
  EXPECT_TRUE(reports().empty());
}

TEST_F(sealdd_quality, a_criterion_is_entered_at_its_limit_and_left_below_nine_tenths_of_it) {
  const auto a = connect("ue-1");
  subscribe(
      R"("valUeIdsList":["ue-1"])",
      R"({"measId":["LATENCY"],"repType":"ON_EVENT_DETECTION","repCriteria":{"maxLatency":50}})");
  seconds(3, {{flow_of(a), 49'000}});
  EXPECT_TRUE(reports().empty());
  seconds(3, {{flow_of(a), 60'000}});
  auto heard = reports();
  ASSERT_EQ(heard.size(), 1U);
  EXPECT_EQ(heard[0].reports[0].criteria, CriteriaState::entered);
  seconds(3, {{flow_of(a), 48'000}});  // Between: it stays.
  EXPECT_TRUE(reports().empty());
  seconds(3, {{flow_of(a), 20'000}});
  heard = reports();
  ASSERT_EQ(heard.size(), 1U);
  EXPECT_EQ(heard[0].reports[0].criteria, CriteriaState::left);
}

TEST_F(sealdd_quality, a_stock_client_sees_no_member_that_the_standard_does_not_have) {
  const auto a = connect("ue-1");
  subscribe(R"("allValUesInd":true)",
            R"({"measId":["LATENCY"],"repType":"PERIODIC","repPeriodicity":1})", "");
  seconds(3, {{flow_of(a), 10'000}});
  for (const auto& one : w.told()) {
    if (one.target != "/q") continue;
    for (const auto* ours : {"\"more\"", "\"seq\"", "subscriptionId", "reqKey", "appTrafficIds"})
      EXPECT_EQ(one.body.find(ours), std::string::npos) << one.body;
  }
}

TEST_F(sealdd_quality, what_was_measured_of_late_can_be_asked_for) {
  const auto a = connect("ue-1");
  seconds(3, {{flow_of(a), 10'000}});
  const auto at = std::string("/sdd-tqm/v1/reports?app-traffic-ids=urn%3Aa%3A1");
  const auto answer = w.ask("GET", at + "&all-val-ues=true&supp-feat=10000000000");
  const auto read = json::read<api::sdd_tqm::HistTransQualMeasReports>(answer.body);
  ASSERT_TRUE(read) << answer.body;
  ASSERT_EQ(read->reports.size(), 1U);
  EXPECT_EQ(read->reports[0].meas_data->more->packets, 90U);
  EXPECT_EQ(w.ask("GET", at + "&val-group-id=other").body, R"({"reports":[]})");
  EXPECT_EQ(w.ask("GET", at + "&val-group-id=r1&all-val-ues=true").status, 400);
  EXPECT_EQ(w.ask("GET", "/sdd-tqm/v1/reports").status, 400);
}

TEST_F(sealdd_quality, a_report_that_was_seen_before_is_not_counted_again) {
  const auto a = connect("ue-1");
  node.live(1s);
  api::sdd_relay::RelayReport report;
  report.seq = 1000;
  report.epoch = node.known.epoch;
  report.windows = std::vector{window(flow_of(a), 1000)};
  for (int i = 0; i < 3; ++i)
    w.ask("POST", node.path() + "/reports", json::write(report), {}, "relay");
  const auto answer = w.ask(
      "GET",
      "/sdd-tqm/v1/reports?app-traffic-ids=urn%3Aa%3A1&all-val-ues=true&supp-feat=10000000000");
  EXPECT_NE(answer.body.find(R"("packets":30)"), std::string::npos) << answer.body;
}

// ---- status of connections ----------------------------------------------------------------------

TEST_F(sealdd_quality, a_val_server_hears_of_connections_that_it_asked_for) {
  const std::string at = R"("valServerConnInfo":{"ipv4Addr":"10.1.1.1","port":80})";
  const auto made =
      w.ask("POST", "/sdd-trans/v1/subscriptions",
            R"({"events":["ESTABLISHED","RELEASED"],"notifUri":"http://val.example/s",)" + at + "}",
            {}, "val");
  ASSERT_EQ(made.status, 201) << made.body;
  const auto asked =
      w.ask("POST", "/sdd-trans/v1/regular/request-trans",
            R"({"valServerId":"v1","valTargetUeId":"ue-1","suppFeat":"10000000000",)" + at + "}",
            {}, "val");
  ASSERT_EQ(asked.status, 200) << asked.body;
  const auto answer = json::read<api::sdd_transmission::TransResp>(asked.body);
  ASSERT_TRUE(answer && answer->sdd_flow_ids && answer->connection) << asked.body;
  node.tell(answer->sdd_flow_ids->front(), SddFlowState::up);
  auto heard = told<api::sdd_transmission::ConnStatusNotif>("/s");
  ASSERT_EQ(heard.size(), 1U);
  EXPECT_EQ(heard[0].reports[0].event, api::sdd_transmission::ConnStatusEventKnown::established);
  EXPECT_EQ(heard[0].reports[0].conn_est_data->com_lifetime, 86400);
  EXPECT_EQ(heard[0].reports[0].val_tgt_ue->val_ue_id, "ue-1");
  const auto path = answer->connection->substr(std::string("http://sealdd.example").size());
  EXPECT_EQ(w.ask("DELETE", path, {}, {}, "val").status, 204);
  heard = told<api::sdd_transmission::ConnStatusNotif>("/s");
  ASSERT_EQ(heard.size(), 1U);
  EXPECT_EQ(heard[0].reports[0].event, api::sdd_transmission::ConnStatusEventKnown::released);
}

TEST_F(sealdd_quality, transmission_asked_for_again_is_the_same_connection) {
  const std::string text =
      R"({"valServerId":"v1","valTargetUeId":"ue-1","suppFeat":"10000000000","valServerConnInfo":)"
      R"({"ipv4Addr":"10.1.1.1"})";
  const auto first = w.ask("POST", "/sdd-trans/v1/regular/request-trans", text + "}", {}, "val");
  const auto again = w.ask(
      "POST", "/sdd-trans/v1/regular/request-trans",
      text + R"(,"valUsersBdw":{"minUlBdw":0,"minDlBdw":0,"maxUlBdw":1000000,"maxDlBdw":2000000}})",
      {}, "val");
  EXPECT_EQ(again.status, 200) << again.body;
  const auto a = json::read<api::sdd_transmission::TransResp>(first.body);
  const auto b = json::read<api::sdd_transmission::TransResp>(again.body);
  ASSERT_TRUE(a && b);
  EXPECT_EQ(a->connection, b->connection);
  EXPECT_EQ(a->sdd_flow_ids, b->sdd_flow_ids);
  EXPECT_EQ(w.nodes().connections(), 1U);
  const auto stock =
      w.ask("POST", "/sdd-trans/v1/urllc/request-trans",
            R"({"valServerId":"v2","valServerConnInfo":{"uri":"http://v2/"}})", {}, "val");
  EXPECT_EQ(stock.body, R"({"ddServerConnInfo":{"ipv4Addr":"127.0.0.68","port":4433}})");
  EXPECT_EQ(w.ask("POST", "/sdd-trans/v1/other/request-trans", text + "}", {}, "val").status, 400);
}

TEST_F(sealdd_quality, qos_that_excludes_itself_is_refused) {
  const auto answer =
      w.ask("POST", "/sdd-trans/v1/regular/request-trans",
            R"({"valServerId":"v1","valServerConnInfo":{"ipv4Addr":"10.1.1.1"},"qosInfo":)"
            R"({"qosReference":"a","altQosReqs":[{"altQosParamSetRef":"1"}]}})",
            {}, "val");
  EXPECT_EQ(answer.status, 400) << answer.body;
}

// ---- policies -----------------------------------------------------------------------------------

class sealdd_policy : public sealdd_quality {
 protected:
  std::string configure(const std::string& policy, const std::string& assets = R"(["urn:a:1"])") {
    const auto answer = w.ask("POST", "/sdd-pc/v1/configurations",
                              R"({"appTrafficIds":)" + assets + R"(,"sealddPol":)" + policy +
                                  R"(,"suppFeat":"10000000000","thresholds":{"maxLatencyUs":50000,)"
                                  R"("badSeconds":2,"goodSeconds":3}})",
                              {}, "val");
    EXPECT_EQ(answer.status, 201) << answer.body;
    return "/sdd-pc/v1/configurations/" + SealddWorld::id_of(answer);
  }
  std::vector<OrderKind> kinds() {
    std::vector<OrderKind> out;
    for (const auto& one : node.orders()) out.push_back(one.kind);
    return out;
  }
};

TEST_F(sealdd_policy, bad_quality_gets_a_second_path_and_good_quality_takes_it_back) {
  auto a = connect("ue-1");
  w.ask("PATCH", "/sdd-trans/v1/connections/" + a.connection_id,
        R"({"flows":{"urn:a:1":{"redundancy":"AUTO"}}})");
  const auto policy = configure(
      R"({"qualGuarSets":["ESTABLISH_REDUNDANT_TRANS_PATH"],"qualOptimSets":["BACK_TO_SINGLE_TRANS_PATH"]})");
  kinds();
  seconds(4, {{flow_of(a), 80'000}});
  w.loop.run_for(100ms);
  EXPECT_EQ(show(a).flows.begin()->second.flow_ids.size(), 2U);
  EXPECT_TRUE(show(a).redundant_conn_info);
  EXPECT_EQ(kinds(), (std::vector{OrderKind::set_redundancy}));
  EXPECT_NE(w.ask("GET", policy, {}, {}, "val").body.find("ESTABLISH_REDUNDANT_TRANS_PATH\",\"at"),
            std::string::npos)
      << w.ask("GET", policy, {}, {}, "val").body;
  seconds(6, {{flow_of(a), 10'000}});
  w.loop.run_for(100ms);
  EXPECT_EQ(show(a).flows.begin()->second.flow_ids.size(), 1U);
  EXPECT_EQ(kinds(), (std::vector{OrderKind::release_flow, OrderKind::set_redundancy}));
}

TEST_F(sealdd_policy, what_does_not_help_is_followed_by_the_next_action) {
  SimRelay other(w, "n2");
  const auto a = connect("ue-1");
  configure(R"({"qualGuarSets":["REESTABLISH_TRANS_PATH","CHANGE_SEALDD_SERVER"]})");
  node.orders();
  seconds(3, {{flow_of(a), 80'000}});
  w.loop.run_for(100ms);
  EXPECT_EQ(kinds(), (std::vector{OrderKind::relocate}));
  EXPECT_EQ(show(a).node_id, "n1");
  other.enrol();
  for (int i = 0; i < 3; ++i) {
    other.enrol();
    seconds(1, {{flow_of(a), 80'000}});
  }
  other.enrol();
  w.loop.run_for(100ms);
  EXPECT_EQ(show(a).node_id, "n2");
  EXPECT_EQ(kinds(), (std::vector{OrderKind::close_room, OrderKind::relocate}));
}

TEST_F(sealdd_policy, a_room_of_which_two_are_badly_off_goes_to_another_node_and_not_back) {
  SimRelay other(w, "n2");
  other.enrol();
  const auto a = connect("ue-1"), b = connect("ue-2", "urn:a:2");
  ASSERT_EQ(show(b).node_id, show(a).node_id);
  const auto before = show(a).node_id;
  for (const auto* ue : {"ue-1", "ue-2"})
    EXPECT_EQ(w.ask("POST", "/sdd-pc/v1/configurations",
                    R"({"appTrafficIds":["urn:a:1","urn:a:2"],"valUeId":")" + std::string(ue) +
                        R"(","sealddPol":{"qualGuarSets":["CHANGE_SEALDD_SERVER"]}})")
                  .status,
              201);
  auto& carrier = before == "n1" ? node : other;
  auto& idle = before == "n1" ? other : node;
  for (int i = 0; i < 3 && show(a).node_id == before; ++i) {
    w.loop.run_for(1s);
    idle.enrol();
    carrier.enrol();
    carrier.report({}, {window(flow_of(a), 180'000), window(flow_of(b), 180'000)});
    w.loop.run_for(100ms);
  }
  EXPECT_NE(show(a).node_id, before);
  EXPECT_EQ(show(b).node_id, show(a).node_id);
}

TEST_F(sealdd_policy, the_limit_of_a_val_server_goes_to_who_uses_it) {
  std::vector<std::int64_t> flows;
  for (const auto* ue : {"ue-1", "ue-2"}) {
    const auto answer = w.ask(
        "POST", "/sdd-trans/v1/regular/request-trans",
        R"({"valServerId":"v1","valServiceId":"s","valTargetUeId":")" + std::string(ue) +
            R"(","suppFeat":"10000000000","valServerConnInfo":{"ipv4Addr":"10.1.1.1"},)"
            R"("valServerBdw":{"totalUlBdw":1000000,"totalDlBdw":1000000},)"
            R"("valUsersBdw":{"minUlBdw":0,"minDlBdw":100000,"maxUlBdw":900000,"maxDlBdw":900000}})",
        {}, "val");
    ASSERT_EQ(answer.status, 200) << answer.body;
    flows.push_back(
        json::read<api::sdd_transmission::TransResp>(answer.body)->sdd_flow_ids->front());
    node.tell(flows.back(), SddFlowState::up);
  }
  configure(R"({"bdwCtrlSets":["REALLOCATE_DL"]})", R"(["urn:sdd:val:v1"])");
  node.orders();
  node.live(1s);
  auto much = window(flows[0], 1000);
  much.bytes = 100'000;
  auto little = window(flows[1], 1000);
  little.bytes = 1000;
  node.report({}, {much, little});
  node.live(2s);
  std::map<std::int64_t, std::int64_t> rates;
  for (const auto& order : node.orders())
    if (order.kind == OrderKind::set_rate) rates[*order.flow_id] = *order.mbr_dl_bps;
  ASSERT_EQ(rates.size(), 2U);
  EXPECT_GT(rates[flows[0]], rates[flows[1]]);
  EXPECT_LE(rates[flows[0]] + rates[flows[1]], 1'000'000);
  EXPECT_GE(rates[flows[1]], 100'000);
}

TEST_F(sealdd_policy, one_that_contradicts_itself_or_asks_for_the_unknown_is_refused) {
  const auto refused = [&](const std::string& policy) {
    const auto answer =
        w.ask("POST", "/sdd-pc/v1/configurations",
              R"({"appTrafficIds":["urn:a:1"],"sealddPol":)" + policy + "}", {}, "val");
    EXPECT_EQ(answer.status, 400) << answer.body;
    return SealddWorld::blamed(answer);
  };
  using Blamed = std::vector<std::string>;
  EXPECT_EQ(refused(R"({"bdwCtrlSets":["REALLOCATE_DL","NOT_REALLOCATE_DL"]})"),
            (Blamed{"/sealddPol/bdwCtrlSets"}));
  EXPECT_EQ(refused(R"({"qualGuarSets":["PRAY"]})"), (Blamed{"/sealddPol/qualGuarSets/0"}));
  EXPECT_EQ(refused("{}"), (Blamed{"/sealddPol"}));
}

TEST(sealdd_shares, nobody_has_less_than_his_minimum_or_more_than_his_maximum) {
  using sealdd::Share;
  const std::vector<Share> shares{{"a", 100, 300, 1000}, {"b", 100, 0, 1}, {"c", 0, 0, 1}};
  const auto parts = sealdd::shared_out(1000, shares, true);
  EXPECT_EQ(parts[0], 300);
  EXPECT_GE(parts[1], 100);
  EXPECT_LE(parts[0] + parts[1] + parts[2], 1000);
  EXPECT_GE(parts[0] + parts[1] + parts[2], 995);
  EXPECT_EQ(sealdd::shared_out(900, {{"a", 0, 0, 7}, {"b", 0, 0, 1}, {"c", 0, 0, 1}}, false),
            (std::vector<std::int64_t>{300, 300, 300}));
  EXPECT_EQ(sealdd::shared_out(100, {{"a", 100, 0, 0}, {"b", 300, 0, 0}}, true),
            (std::vector<std::int64_t>{25, 75}));
}

}  // namespace
}  // namespace lobo::app::testing
