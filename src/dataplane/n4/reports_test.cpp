// What is told of sessions: usage, delay, downlink data, error indications.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <vector>

#include "dataplane/n4/agent.hpp"
#include "dataplane/n4/types.hpp"
#include "dataplane/rules/usage_meter.hpp"
#include "dataplane/rules/worker_event.hpp"
#include "model/address.hpp"
#include "support/n4_control_plane.hpp"
#include "support/n4_scene.hpp"
#include "wire/packet/flow_filter.hpp"
#include "wire/pfcp/header.hpp"
#include "wire/pfcp/messages.hpp"
#include "wire/pfcp/refusal.hpp"
#include "wire/pfcp/rules.hpp"
#include "wire/pfcp/usage.hpp"
#include "wire/pfcp/values.hpp"

namespace lobo::dataplane::n4 {
namespace {

using namespace std::chrono_literals;
using pfcp::ReportingTrigger;
using pfcp::UsageReportTrigger;
using test::ControlPlane;
using test::N4Rules;
using test::N4Scene;

constexpr std::uint32_t ue = 1;

pfcp::CreateUrr measuring(pfcp::MeasurementMethod method,
                          std::initializer_list<ReportingTrigger> triggers) {
  pfcp::CreateUrr urr{.id = {1}, .method = method};
  for (const auto trigger : triggers) urr.triggers.set(trigger);
  urr.information = pfcp::MeasurementInformation{pfcp::MeasurementDetail::number_of_packets};
  return urr;
}
pfcp::CreateUrr volume(std::initializer_list<ReportingTrigger> triggers) {
  return measuring({pfcp::Measurement::volume}, triggers);
}
pfcp::Volume octets(std::uint64_t total) { return {.total = pfcp::OctetCount{total}}; }

/// One session whose downlink is measured by these URRs.
struct Metered : N4Scene {
  ControlPlane smf;
  std::uint64_t seid = 0;

  explicit Metered(const std::vector<pfcp::CreateUrr>& urrs, N4Rules rules = test::two_ways(ue)) {
    associate(smf);
    rules.urrs = urrs;
    for (const auto& urr : urrs) EXPECT_TRUE(rules.pdrs[1].urrs.add(urr.id));
    seid = establish(smf, rules, 9);
  }
  UsageMeter& urr(std::uint32_t id = 1) { return meter(seid, ue, id); }
  /// A packet to the UE; what the worker would tell is told.
  void packet(std::uint32_t bytes, std::uint32_t id = 1) {
    if (urr(id).count(packet::Travel::to_ue, bytes, now_ns())) usage_event(id);
  }
  void usage_event(std::uint32_t id = 1) {
    tell({.kind = WorkerEvent::Kind::usage, .seid = seid, .id = id});
  }
  /// The next report, which is accepted; its first usage report.
  std::optional<pfcp::UsageReport> next_usage() {
    const auto report = heard<pfcp::SessionReportRequest>();
    if (!report || report->message.usage_reports.empty()) return std::nullopt;
    EXPECT_EQ(report->envelope.seid, 9U);
    const pfcp::UsageReport first = *report->message.usage_reports.begin();
    accept(smf, report->envelope, seid);
    return first;
  }
};

TEST(n4_usage, a_volume_threshold_is_told_and_counted_from_anew) {
  auto urr = volume({ReportingTrigger::volume_threshold});
  urr.volume_threshold = octets(1000);
  Metered scene({urr});
  scene.packet(400);
  scene.packet(400);
  EXPECT_FALSE(scene.heard<pfcp::SessionReportRequest>());
  scene.pass(5s);
  scene.packet(400);
  const auto first = scene.next_usage();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->sequence_number, pfcp::ReportSequenceNumber{0});
  EXPECT_EQ(first->triggers, pfcp::UsageReportTriggers{UsageReportTrigger::volume_threshold});
  EXPECT_EQ(first->volume->octets.total, pfcp::OctetCount{1200});
  EXPECT_EQ(first->volume->octets.downlink, pfcp::OctetCount{1200});
  EXPECT_EQ(first->volume->octets.uplink, pfcp::OctetCount{0});
  EXPECT_EQ(first->volume->total_packets, pfcp::PacketNumber{3});
  EXPECT_EQ(first->end_time->value - first->start_time->value, 5U);
  EXPECT_EQ(first->first_packet, first->start_time);
  EXPECT_EQ(first->last_packet, first->end_time);
  EXPECT_FALSE(first->duration);
  scene.packet(999);
  EXPECT_FALSE(scene.next_usage());
  scene.packet(1);
  const auto second = scene.next_usage();
  ASSERT_TRUE(second);
  EXPECT_EQ(second->sequence_number, pfcp::ReportSequenceNumber{1});
  EXPECT_EQ(second->volume->octets.total, pfcp::OctetCount{1000});
  EXPECT_EQ(second->start_time, first->end_time);
}

TEST(n4_usage, a_used_up_quota_stops_traffic_until_it_is_given_again) {
  auto urr = volume({ReportingTrigger::volume_quota});
  urr.volume_quota = octets(1000);
  Metered scene({urr});
  scene.packet(1000);
  EXPECT_TRUE(scene.urr().exhausted());
  const auto told = scene.next_usage();
  ASSERT_TRUE(told);
  EXPECT_EQ(told->triggers, pfcp::UsageReportTriggers{UsageReportTrigger::volume_quota});
  EXPECT_FALSE(scene.next_usage());
  N4Rules change;
  change.update_urrs = {{.id = {1}, .volume_quota = octets(1000)}};
  ASSERT_TRUE(scene.modify(scene.smf, change, scene.seid));
  EXPECT_FALSE(scene.urr().exhausted());
  scene.packet(999);
  EXPECT_FALSE(scene.urr().exhausted());
  scene.packet(1);
  EXPECT_TRUE(scene.urr().exhausted());
  EXPECT_TRUE(scene.next_usage());
}

TEST(n4_usage, the_start_of_traffic_is_told_once_and_tells_no_volume) {
  Metered scene({volume({ReportingTrigger::start_of_traffic})});
  scene.pass(10s);
  EXPECT_FALSE(scene.next_usage());
  scene.packet(100);
  const auto told = scene.next_usage();
  ASSERT_TRUE(told);
  EXPECT_EQ(told->triggers, pfcp::UsageReportTriggers{UsageReportTrigger::start_of_traffic});
  EXPECT_FALSE(told->volume);
  EXPECT_FALSE(told->start_time);
  scene.packet(100);
  EXPECT_FALSE(scene.next_usage());
  const auto gone = scene.remove(scene.smf, scene.seid);
  ASSERT_TRUE(gone);
  EXPECT_EQ((*gone->message.usage_reports.begin()).volume->octets.total, pfcp::OctetCount{200});
}

TEST(n4_usage, a_period_is_told_with_traffic_and_without) {
  auto urr = volume({ReportingTrigger::periodic});
  urr.period = pfcp::Seconds32{60};
  Metered scene({urr});
  scene.packet(100);
  scene.pass(59s);
  EXPECT_FALSE(scene.next_usage());
  scene.pass(1s);
  const auto first = scene.next_usage();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->triggers, pfcp::UsageReportTriggers{UsageReportTrigger::periodic});
  EXPECT_EQ(first->volume->octets.total, pfcp::OctetCount{100});
  scene.pass(60s);
  const auto second = scene.next_usage();
  ASSERT_TRUE(second);
  EXPECT_EQ(second->volume->octets.total, pfcp::OctetCount{0});
  EXPECT_FALSE(second->last_packet);
  EXPECT_EQ(second->end_time->value - second->start_time->value, 60U);
}

TEST(n4_usage, time_runs_from_the_first_packet_on) {
  auto urr = measuring({pfcp::Measurement::duration}, {ReportingTrigger::time_threshold});
  urr.time_threshold = pfcp::Seconds32{30};
  Metered scene({urr});
  scene.pass(50s);
  EXPECT_FALSE(scene.next_usage());
  scene.packet(1);
  scene.pass(29s);
  EXPECT_FALSE(scene.next_usage());
  scene.pass(1s);
  const auto told = scene.next_usage();
  ASSERT_TRUE(told);
  EXPECT_EQ(told->triggers, pfcp::UsageReportTriggers{UsageReportTrigger::time_threshold});
  EXPECT_EQ(told->duration, pfcp::Seconds32{30});
  EXPECT_FALSE(told->volume);
  scene.pass(30s);
  EXPECT_TRUE(scene.next_usage());
}

TEST(n4_usage, time_runs_at_once_where_that_is_asked_for) {
  auto urr = measuring({pfcp::Measurement::duration}, {ReportingTrigger::time_threshold});
  urr.time_threshold = pfcp::Seconds32{30};
  urr.information->set(pfcp::MeasurementDetail::immediate_start);
  Metered scene({urr});
  scene.pass(30s);
  EXPECT_TRUE(scene.next_usage());
}

TEST(n4_usage, time_stands_still_where_no_packet_follows) {
  auto urr = measuring({pfcp::Measurement::duration}, {});
  urr.inactivity_detection_time = pfcp::Seconds32{10};
  Metered scene({urr});
  scene.packet(1);
  scene.pass(8s);
  scene.packet(1);
  scene.pass(30s);  // stops after 18 s
  scene.packet(1);  // and goes on
  scene.pass(5s);
  N4Rules query;
  query.queries = {{{1}}};
  const auto came = scene.modify(scene.smf, query, scene.seid);
  ASSERT_TRUE(came);
  EXPECT_EQ((*came->message.usage_reports.begin()).duration, pfcp::Seconds32{23});
}

TEST(n4_usage, a_time_quota_closes_and_opens) {
  auto urr = measuring({pfcp::Measurement::duration}, {ReportingTrigger::time_quota});
  urr.time_quota = pfcp::Seconds32{20};
  Metered scene({urr});
  scene.packet(1);
  scene.pass(19s);
  EXPECT_FALSE(scene.urr().exhausted());
  scene.pass(1s);
  EXPECT_TRUE(scene.urr().exhausted());
  const auto told = scene.next_usage();
  ASSERT_TRUE(told);
  EXPECT_EQ(told->triggers, pfcp::UsageReportTriggers{UsageReportTrigger::time_quota});
  N4Rules change;
  change.update_urrs = {{.id = {1}, .time_quota = pfcp::Seconds32{20}}};
  ASSERT_TRUE(scene.modify(scene.smf, change, scene.seid));
  EXPECT_FALSE(scene.urr().exhausted());
}

TEST(n4_usage, what_passes_while_inactive_is_not_measured) {
  Metered scene({volume({})});
  scene.packet(100);
  N4Rules change;
  change.update_urrs = {
      {.id = {1}, .information = pfcp::MeasurementInformation{pfcp::MeasurementDetail::inactive}}};
  ASSERT_TRUE(scene.modify(scene.smf, change, scene.seid));
  scene.packet(10'000);
  change.update_urrs[0].information = pfcp::MeasurementInformation{};
  ASSERT_TRUE(scene.modify(scene.smf, change, scene.seid));
  scene.packet(20);
  const auto gone = scene.remove(scene.smf, scene.seid);
  ASSERT_TRUE(gone);
  EXPECT_EQ((*gone->message.usage_reports.begin()).volume->octets.total, pfcp::OctetCount{120});
}

TEST(n4_usage, is_told_at_once_where_it_is_asked_for) {
  auto second = volume({});
  second.id = {2};
  Metered scene({volume({}), second});
  scene.packet(100, 1);
  scene.packet(200, 2);
  N4Rules one;
  one.queries = {{{2}}};
  const auto asked = scene.modify(scene.smf, one, scene.seid);
  ASSERT_TRUE(asked);
  ASSERT_EQ(asked->message.usage_reports.size(), 1U);
  const pfcp::UsageReport told = *asked->message.usage_reports.begin();
  EXPECT_EQ(told.urr, pfcp::UrrId{2});
  EXPECT_EQ(told.triggers, pfcp::UsageReportTriggers{UsageReportTrigger::immediate});
  EXPECT_EQ(told.volume->octets.total, pfcp::OctetCount{200});
  N4Rules all;
  all.flags = pfcp::ModificationFlags{pfcp::ModificationFlag::qaurr};
  const auto both = scene.modify(scene.smf, all, scene.seid);
  ASSERT_TRUE(both);
  EXPECT_EQ(both->message.usage_reports.size(), 2U);
}

TEST(n4_usage, of_a_urr_that_goes_or_has_no_pdr_any_more_is_told_last) {
  auto second = volume({});
  second.id = {2};
  auto third = volume({});
  third.id = {3};
  Metered scene({volume({}), second, third});
  scene.packet(100, 1);
  scene.packet(200, 2);
  N4Rules change;  // PDR 2 keeps URR 3 alone; URR 1 is removed, URR 2 stays without a PDR
  change.update_pdrs = {{.id = {2}}};
  ASSERT_TRUE(change.update_pdrs[0].urrs.add({3}));
  change.remove_urrs = {{{1}}};
  const auto came = scene.modify(scene.smf, change, scene.seid);
  ASSERT_TRUE(came);
  ASSERT_EQ(came->message.cause, pfcp::Cause::request_accepted);
  std::vector<std::uint32_t> told;
  for (const pfcp::UsageReport& report : came->message.usage_reports) {
    EXPECT_EQ(report.triggers, pfcp::UsageReportTriggers{UsageReportTrigger::termination});
    told.push_back(report.urr.value);
  }
  EXPECT_EQ(told, (std::vector<std::uint32_t>{1, 2}));
}

TEST(n4_usage, a_urr_that_is_made_anew_counts_from_nothing) {
  Metered scene({volume({})});
  scene.packet(100);
  N4Rules change;
  change.remove_urrs = {{{1}}};
  change.urrs = {volume({})};
  const auto came = scene.modify(scene.smf, change, scene.seid);
  ASSERT_TRUE(came);
  ASSERT_EQ(came->message.usage_reports.size(), 1U);
  scene.packet(7);
  const auto gone = scene.remove(scene.smf, scene.seid);
  const pfcp::UsageReport last = *gone->message.usage_reports.begin();
  EXPECT_EQ(last.volume->octets.total, pfcp::OctetCount{7});
  EXPECT_EQ(last.sequence_number, pfcp::ReportSequenceNumber{0});
}

TEST(n4_usage, of_linked_urrs_is_told_together) {
  auto first = volume({ReportingTrigger::volume_threshold});
  first.volume_threshold = octets(100);
  auto second = volume({ReportingTrigger::linked_usage});
  second.id = {2};
  ASSERT_TRUE(second.linked.add({1}));
  Metered scene({first, second});
  scene.packet(50, 2);
  scene.packet(100, 1);
  const auto report = scene.heard<pfcp::SessionReportRequest>();
  ASSERT_TRUE(report);
  ASSERT_EQ(report->message.usage_reports.size(), 2U);
  auto at = report->message.usage_reports.begin();
  EXPECT_EQ((*at).urr, pfcp::UrrId{1});
  ++at;
  EXPECT_EQ((*at).urr, pfcp::UrrId{2});
  EXPECT_EQ((*at).triggers, pfcp::UsageReportTriggers{UsageReportTrigger::linked_usage});
  EXPECT_EQ((*at).volume->octets.total, pfcp::OctetCount{50});
}

TEST(n4_usage, ends_after_the_number_of_reports_that_was_asked_for) {
  auto urr = volume({ReportingTrigger::volume_threshold});
  urr.volume_threshold = octets(100);
  urr.number_of_reports = pfcp::ReportCount{2};
  Metered scene({urr});
  int told = 0;
  for (int i = 0; i < 5; ++i) {
    scene.packet(100);
    told += scene.next_usage() ? 1 : 0;
  }
  EXPECT_EQ(told, 2);
}

TEST(n4_usage, an_event_that_was_lost_is_found_by_the_sweep) {
  auto urr = volume({ReportingTrigger::volume_threshold});
  urr.volume_threshold = octets(100);
  Metered scene({urr});
  EXPECT_TRUE(scene.urr().count(packet::Travel::to_ue, 200, scene.now_ns()));
  EXPECT_FALSE(scene.next_usage());
  scene.pass(1s);
  EXPECT_TRUE(scene.next_usage());
}

TEST(n4_report, is_sent_again_with_the_same_bytes_and_the_next_waits_for_its_response) {
  auto urr = volume({ReportingTrigger::volume_threshold});
  urr.volume_threshold = octets(100);
  Metered scene({urr});
  scene.packet(100);
  const auto first = scene.heard<pfcp::SessionReportRequest>();
  ASSERT_TRUE(first);
  scene.packet(300);
  EXPECT_FALSE(scene.heard<pfcp::SessionReportRequest>());
  scene.pass(3s);
  const auto again = scene.heard<pfcp::SessionReportRequest>();
  ASSERT_TRUE(again);
  EXPECT_EQ(*again->bytes, *first->bytes);
  EXPECT_FALSE(scene.heard<pfcp::SessionReportRequest>());
  scene.accept(scene.smf, first->envelope, scene.seid);
  const auto second = scene.next_usage();
  ASSERT_TRUE(second);
  EXPECT_EQ(second->volume->octets.total, pfcp::OctetCount{300});
  // A late response to the first one is noted and nothing else.
  (void)scene.agent.take_notes();
  scene.accept(scene.smf, first->envelope, scene.seid);
  const auto notes = scene.agent.take_notes();
  ASSERT_EQ(notes.size(), 1U);
  EXPECT_EQ(notes[0].what, Happening::stale_response);
}

TEST(n4_report, that_nobody_answers_is_given_up_and_leaves_a_gap_that_can_be_seen) {
  auto urr = volume({ReportingTrigger::volume_threshold});
  urr.volume_threshold = octets(100);
  Metered scene({urr});
  scene.packet(100);
  scene.pass(13s);
  EXPECT_EQ(scene.agent.counters().reports_lost, 1U);
  scene.told.clear();
  scene.packet(100);
  const auto next = scene.next_usage();
  ASSERT_TRUE(next);
  EXPECT_EQ(next->sequence_number, pfcp::ReportSequenceNumber{1});
}

TEST(n4_report, of_a_session_that_the_control_plane_does_not_know_ends_it) {
  auto urr = volume({ReportingTrigger::volume_threshold});
  urr.volume_threshold = octets(100);
  Metered scene({urr});
  scene.packet(100);
  const auto report = scene.heard<pfcp::SessionReportRequest>();
  ASSERT_TRUE(report);
  scene.accept(scene.smf, report->envelope, scene.seid, pfcp::Cause::session_context_not_found);
  EXPECT_EQ(scene.agent.sessions(), 0U);
  EXPECT_EQ(scene.agent.own_tunnels(), 0U);
}

TEST(n4_report, under_way_when_its_session_is_deleted_is_still_brought_home) {
  auto urr = volume({ReportingTrigger::volume_threshold});
  urr.volume_threshold = octets(100);
  Metered scene({urr});
  scene.packet(100);
  const auto first = scene.heard<pfcp::SessionReportRequest>();
  ASSERT_TRUE(first);
  ASSERT_TRUE(scene.remove(scene.smf, scene.seid));
  scene.pass(3s);
  const auto again = scene.heard<pfcp::SessionReportRequest>();
  ASSERT_TRUE(again);
  EXPECT_EQ(*again->bytes, *first->bytes);
  scene.accept(scene.smf, again->envelope, 0);
  EXPECT_EQ(scene.agent.transactions(), 0U);
}

TEST(n4_report, goes_to_where_the_control_plane_said_that_it_is) {
  auto urr = volume({ReportingTrigger::volume_threshold});
  urr.volume_threshold = octets(100);
  Metered scene({urr});
  N4Rules change;
  change.moved_to = pfcp::FSeid{.seid = 9, .v4 = model::Ipv4Address::parse("192.0.2.77")};
  ASSERT_TRUE(scene.modify(scene.smf, change, scene.seid));
  scene.told.clear();
  scene.packet(100);
  ASSERT_EQ(scene.told.size(), 1U);
  EXPECT_EQ(scene.told[0].to, (Endpoint{*model::Ipv4Address::parse("192.0.2.77"), pfcp::udp_port}));
}

N4Rules buffering() {
  auto rules = test::two_ways(ue);
  rules.fars[1].apply_action = {pfcp::Action::buff, pfcp::Action::nocp};
  return rules;
}

TEST(n4_report, downlink_data_that_wait_are_told_with_their_pdr) {
  Metered scene({}, buffering());
  const WorkerEvent event{.kind = WorkerEvent::Kind::downlink_data, .seid = scene.seid, .id = 2};
  scene.tell(event);
  const auto report = scene.heard<pfcp::SessionReportRequest>();
  ASSERT_TRUE(report);
  EXPECT_TRUE(report->message.report_type.has(pfcp::Report::downlink_data));
  ASSERT_EQ(report->message.downlink_data->pdrs.size(), 1U);
  EXPECT_EQ(report->message.downlink_data->pdrs[0], pfcp::PdrId{2});
  // Of a FAR that does not buffer nothing is told.
  scene.accept(scene.smf, report->envelope, scene.seid);
  scene.tell({.kind = WorkerEvent::Kind::downlink_data, .seid = scene.seid, .id = 1});
  scene.tell({.kind = WorkerEvent::Kind::downlink_data, .seid = scene.seid, .id = 77});
  EXPECT_FALSE(scene.heard<pfcp::SessionReportRequest>());
  EXPECT_EQ(scene.agent.counters().unknown_events, 2U);
}

TEST(n4_report, downlink_data_are_told_after_the_delay_of_the_bar) {
  auto rules = buffering();
  rules.bar = pfcp::Bar{.id = {1}, .notification_delay = pfcp::Steps50Ms{4}};
  rules.fars[1].bar = pfcp::BarId{1};
  Metered scene({}, rules);
  scene.tell({.kind = WorkerEvent::Kind::downlink_data, .seid = scene.seid, .id = 2});
  scene.pass(199ms);
  EXPECT_FALSE(scene.heard<pfcp::SessionReportRequest>());
  scene.pass(1ms);
  EXPECT_TRUE(scene.heard<pfcp::SessionReportRequest>());
}

TEST(n4_report, a_tunnel_that_its_end_does_not_know_is_told_if_it_is_one_of_ours) {
  Metered scene({});
  const auto gnb = 0xC0000207U;  // 192.0.2.7
  scene.tell({.kind = WorkerEvent::Kind::error_indication,
              .seid = scene.seid,
              .id = 4711,
              .peer_v4 = gnb});
  EXPECT_FALSE(scene.heard<pfcp::SessionReportRequest>());
  scene.tell({.kind = WorkerEvent::Kind::error_indication,
              .seid = scene.seid,
              .id = ue + 1,
              .peer_v4 = gnb});
  const auto report = scene.heard<pfcp::SessionReportRequest>();
  ASSERT_TRUE(report);
  ASSERT_EQ(report->message.error_indication->tunnels.size(), 1U);
  EXPECT_EQ(report->message.error_indication->tunnels[0],
            (pfcp::FTeid{.teid = ue + 1, .v4 = model::Ipv4Address::parse("192.0.2.7")}));
}

/// A session of which the delay of QFI 9 is monitored.
struct Monitored : Metered {
  explicit Monitored(pfcp::QosMonitoringControl control) : Metered({}, with(control)) {}
  static N4Rules with(pfcp::QosMonitoringControl control) {
    EXPECT_TRUE(control.qfis.add({9}));
    auto rules = test::two_ways(ue);
    rules.srrs = {{.id = {3}}};
    EXPECT_TRUE(rules.srrs[0].monitored.add(control));
    return rules;
  }
  void delay(std::chrono::microseconds downlink, std::optional<std::uint32_t> uplink = {},
             std::uint32_t qfi = 9) {
    WorkerEvent event{.kind = WorkerEvent::Kind::delay, .seid = seid, .id = qfi};
    event.delay_us[0] = static_cast<std::uint32_t>(downlink.count());
    event.delay_us[1] = uplink;
    tell(event);
  }
  std::optional<pfcp::QosMonitoringReport> next_delay() {
    const auto report = heard<pfcp::SessionReportRequest>();
    if (!report || report->message.session_reports.empty()) return std::nullopt;
    const pfcp::SessionReport first = *report->message.session_reports.begin();
    EXPECT_EQ(first.srr, pfcp::SrrId{3});
    EXPECT_EQ(first.reports.size(), 1U);
    accept(smf, report->envelope, seid);
    return first.reports[0];
  }
};

TEST(n4_monitoring, a_delay_beyond_its_threshold_is_told_and_then_not_for_a_while) {
  Monitored scene({.requested = {pfcp::MonitoredDelay::downlink},
                   .frequency = {pfcp::Frequency::event_triggered},
                   .thresholds = pfcp::PacketDelayThresholds{.downlink = pfcp::Milliseconds32{10}},
                   .minimum_wait = pfcp::Seconds32{5}});
  scene.delay(10ms);
  scene.delay(50ms, std::nullopt, 8);
  EXPECT_FALSE(scene.next_delay());
  scene.delay(10'001us, 99'000);
  const auto told = scene.next_delay();
  ASSERT_TRUE(told);
  EXPECT_EQ(told->qfi, pfcp::Qfi{9});
  EXPECT_EQ(told->measurement.delay.downlink, pfcp::Milliseconds32{11});
  EXPECT_FALSE(told->measurement.delay.uplink);  // nobody asked
  EXPECT_FALSE(told->measurement.failed);
  scene.pass(4s);
  scene.delay(80ms);
  EXPECT_FALSE(scene.next_delay());
  scene.pass(1s);
  scene.delay(70ms);
  EXPECT_EQ(scene.next_delay()->measurement.delay.downlink, pfcp::Milliseconds32{70});
}

TEST(n4_monitoring, a_period_tells_the_mean_or_that_nothing_could_be_measured) {
  Monitored scene({.requested = {pfcp::MonitoredDelay::downlink, pfcp::MonitoredDelay::uplink},
                   .frequency = {pfcp::Frequency::periodic},
                   .period = pfcp::Seconds32{10}});
  scene.delay(10ms, 4000);
  scene.delay(20ms);
  scene.pass(10s);
  const auto told = scene.next_delay();
  ASSERT_TRUE(told);
  EXPECT_EQ(told->measurement.delay.downlink, pfcp::Milliseconds32{15});
  EXPECT_EQ(told->measurement.delay.uplink, pfcp::Milliseconds32{4});
  EXPECT_EQ(told->time_stamp.value - told->start_time->value, 10U);
  scene.pass(10s);
  const auto nothing = scene.next_delay();
  ASSERT_TRUE(nothing);
  EXPECT_TRUE(nothing->measurement.failed);
  EXPECT_FALSE(nothing->measurement.delay.downlink);
}

TEST(n4_monitoring, at_the_release_of_the_session_its_mean_is_told_in_the_response) {
  Monitored scene({.requested = {pfcp::MonitoredDelay::downlink},
                   .frequency = {pfcp::Frequency::at_session_release}});
  scene.delay(10ms);
  scene.delay(30ms);
  scene.pass(20s);
  const auto gone = scene.remove(scene.smf, scene.seid);
  ASSERT_TRUE(gone);
  ASSERT_EQ(gone->message.session_reports.size(), 1U);
  const pfcp::SessionReport told = *gone->message.session_reports.begin();
  ASSERT_EQ(told.reports.size(), 1U);
  EXPECT_EQ(told.reports[0].measurement.delay.downlink, pfcp::Milliseconds32{20});
}

TEST(n4_monitoring, goes_on_over_a_change_of_other_rules_and_ends_with_its_srr) {
  Monitored scene({.requested = {pfcp::MonitoredDelay::downlink},
                   .frequency = {pfcp::Frequency::periodic},
                   .period = pfcp::Seconds32{10}});
  scene.delay(10ms);
  N4Rules other;
  other.update_fars = {{.id = {2}, .apply_action = pfcp::ApplyAction{pfcp::Action::drop}}};
  ASSERT_TRUE(scene.modify(scene.smf, other, scene.seid));
  scene.pass(10s);
  EXPECT_EQ(scene.next_delay()->measurement.delay.downlink, pfcp::Milliseconds32{10});
  N4Rules change;
  change.remove_srrs = {{{3}}};
  ASSERT_TRUE(scene.modify(scene.smf, change, scene.seid));
  scene.pass(30s);
  EXPECT_FALSE(scene.next_delay());
}

}  // namespace
}  // namespace lobo::dataplane::n4
