#include "services/seal_nrm/monitor_checks.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/ss_nrm.hpp"
#include "api/state/nrm_monitor.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "model/date_time.hpp"
#include "services/seal_nrm/monitor_sample.hpp"
#include "services/seal_nrm/ports.hpp"
#include "support/nrm_driver.hpp"
#include "wire/json/json.hpp"

namespace lobo::seal_nrm {
namespace {

using lobo::testing::MemoryLookup;
using lobo::testing::test_settings;
using Blamed = std::vector<std::string>;

const Instant noon = *model::parse_date_time("2026-11-22T12:00:00Z");

class Crew final : public UeDirectory {
 public:
  std::optional<DirectoryEntry> ue(std::string_view id) const override {
    if (id == "ue1" || id == "ue2") return DirectoryEntry{"extid-" + std::string(id), {}};
    if (id == "theirs") return DirectoryEntry{"extid-theirs", {"other"}};
    return std::nullopt;
  }
  std::optional<DirectoryEntry> user(std::string_view id) const override {
    return id == "alice" ? ue("ue1") : std::nullopt;
  }
  std::shared_ptr<const DirectoryGroup> group(std::string_view id) const override {
    if (id != "crew") return nullptr;
    auto made = std::make_shared<DirectoryGroup>();
    made->members = {{false, "gone"}, {false, "ue1"}, {false, "ue2"}};
    made->revision = 7;
    return made;
  }
};

class MonitorChecks : public ::testing::Test {
 protected:
  MonitorChecks() {
    settings.monitoring.streams["s1"] = {"ue1", "ue2"};
    settings.monitoring.streams["half"] = {"ue1", "nobody"};
  }
  /// The body with the usual target, sink and features, and `more`.
  static std::string body(std::string_view more) {
    return R"({"valUeIds":[{"valUeId":"ue1"}],"notifUri":"http://127.0.0.1:9000/n",)"
           R"("suppFeat":"1f0000000001",)" +
           std::string(more) + "}";
  }
  Result<CheckedMonitor> check(const std::string& text) {
    auto doc = json::read<MonitoringSubscription>(text);
    if (!doc) return fail(doc.error());
    return check_monitor(std::move(*doc), "app", settings, crew, lookup, noon);
  }
  static Blamed blamed(const Result<CheckedMonitor>& checked) {
    Blamed out;
    if (!checked)
      for (const auto& fault : checked.error().faults) out.push_back(fault.where);
    return out;
  }
  Blamed refused(std::string_view more) { return blamed(check(body(more))); }
  Blamed refused_reporting(std::string_view reporting) {
    return refused(R"("measReqs":{"measDataTypes":["DL_DELAY"]},"reportReqs":)" +
                   std::string(reporting));
  }

  Settings settings = test_settings();
  Crew crew;
  MemoryLookup lookup;
};

// ---- NOTE 1: the target -------------------------------------------------------------------------

TEST_F(MonitorChecks, want_exactly_one_kind_of_target) {
  const std::string rest =
      R"("measReqs":{"measDataTypes":["DL_DELAY"]},"notifUri":"http://127.0.0.1:9000/n"})";
  EXPECT_EQ(blamed(check("{" + rest)), Blamed{"/valUeIds"});
  EXPECT_EQ(blamed(check(R"({"valUeIds":[{"valUeId":"ue1"}],"valGroupId":"crew",)" + rest)),
            Blamed{"/valGroupId"});
  EXPECT_EQ(blamed(check(R"({"valStreamIds":["s1"],"valGroupId":"crew",)" + rest)),
            Blamed{"/valStreamIds"});
  EXPECT_TRUE(check(R"({"valGroupId":"crew",)" + rest));
  EXPECT_TRUE(check(R"({"valStreamIds":["s1"],)" + rest));
}

TEST_F(MonitorChecks, name_a_ue_or_a_stream_that_stands_twice) {
  EXPECT_EQ(blamed(check(R"({"valUeIds":[{"valUeId":"ue1"},{"valUeId":"ue2"},{"valUeId":"ue1"}],)"
                         R"("measReqs":{"measDataTypes":["DL_DELAY"]}})")),
            Blamed{"/valUeIds/2"});
  EXPECT_EQ(
      blamed(check(R"({"valStreamIds":["s1","s1"],"measReqs":{"measDataTypes":["DL_DELAY"]}})")),
      Blamed{"/valStreamIds/1"});
}

TEST_F(MonitorChecks, bound_the_number_of_ues) {
  settings.monitoring.ues_max = 1;
  EXPECT_EQ(blamed(check(R"({"valUeIds":[{"valUeId":"ue1"},{"valUeId":"ue2"}],)"
                         R"("measReqs":{"measDataTypes":["DL_DELAY"]}})")),
            Blamed{"/valUeIds"});
}

TEST_F(MonitorChecks, tell_the_known_from_the_unknown_and_never_anothers) {
  const auto some = check(R"({"valUeIds":[{"valUeId":"ue1"},{"valUeId":"gone"},)"
                          R"({"valUeId":"theirs"}],"measReqs":{"measDataTypes":["DL_DELAY"]}})");
  ASSERT_TRUE(some);
  EXPECT_EQ(some->targets.ues.size(), 1U);
  EXPECT_EQ(some->targets.unknown_ues.size(), 2U);
  EXPECT_TRUE(some->unknown.empty());
  const auto none =
      check(R"({"valUeIds":[{"valUeId":"theirs"}],"measReqs":{"measDataTypes":["DL_DELAY"]}})");
  ASSERT_TRUE(none);
  EXPECT_EQ(none->unknown, "/valUeIds");
  const auto group = check(R"({"valGroupId":"others","measReqs":{"measDataTypes":["DL_DELAY"]}})");
  EXPECT_EQ(group->unknown, "/valGroupId");
  const auto stream =
      check(R"({"valStreamIds":["half","nix"],"measReqs":{"measDataTypes":["DL_DELAY"]}})");
  EXPECT_EQ(stream->unknown, "/valStreamIds");
  EXPECT_EQ(stream->targets.unknown_streams.size(), 2U);
}

TEST_F(MonitorChecks, take_a_user_and_its_ue_for_one) {
  const auto both = check(R"({"valUeIds":[{"valUeId":"ue1"},{"valUserId":"alice"}],)"
                          R"("measReqs":{"measDataTypes":["DL_DELAY"]}})");
  EXPECT_EQ(both->targets.ues.size(), 1U);
}

TEST_F(MonitorChecks, refuse_two_streams_between_the_same_ues_in_the_same_direction) {
  settings.monitoring.streams["s2"] = {"ue1", "ue2"};
  settings.monitoring.streams["back"] = {"ue2", "ue1"};
  const auto of = [&](std::string_view streams) {
    return check(R"({"valStreamIds":)" + std::string(streams) +
                 R"(,"measReqs":{"measDataTypes":["DL_DELAY"]}})");
  };
  EXPECT_EQ(blamed(of(R"(["s1","back","s2"])")), Blamed{"/valStreamIds/2"});
  EXPECT_TRUE(of(R"(["s1","back"])"));
}

TEST_F(MonitorChecks, of_a_group_leave_members_beyond_the_bound_uncounted_but_told) {
  settings.monitoring.ues_max = 2;
  const auto group = check(R"({"valGroupId":"crew","measReqs":{"measDataTypes":["DL_DELAY"]}})");
  ASSERT_TRUE(group);
  EXPECT_EQ(group->targets.ues.size(), 1U);
  EXPECT_EQ(group->targets.beyond, 1U);
  EXPECT_EQ(group->targets.group_revision, 7U);
}

// ---- NOTE 5: the profile ------------------------------------------------------------------------

TEST_F(MonitorChecks, want_a_profile_or_the_name_of_one_or_requirements_and_only_one_of_them) {
  EXPECT_EQ(refused(R"("valServiceId":"meeting")"), Blamed{"/measReqs"});
  EXPECT_EQ(refused(R"("profileId":"p","measReqs":{"measDataTypes":["DL_DELAY"]})"),
            Blamed{"/profileId"});
  EXPECT_EQ(refused(R"("profileId":"p","profile":{"measReqs":{"measDataTypes":["DL_DELAY"]}})"),
            Blamed{"/profileId"});
  EXPECT_EQ(refused(R"("profile":{"measReqs":{"measDataTypes":["DL_DELAY"]}},)"
                    R"("measReqs":{"measDataTypes":["DL_DELAY"]})"),
            Blamed{"/profile"});
  EXPECT_EQ(refused(R"("profile":{"measReqs":{"measDataTypes":["DL_DELAY"]}},)"
                    R"("reportReqs":{"reportingMode":"PERIODIC","reportingPeriod":5})"),
            Blamed{"/reportReqs"});
}

TEST_F(MonitorChecks, take_a_stored_profile_of_its_owner_only) {
  const auto store = [&](const char* id, const char* owner) {
    lookup.records[{"monitoring_profile", id}] = {
        {"monitoring_profile", id},
        owner,
        "",
        1,
        R"({"profile":{"measReqs":{"measDataTypes":["RT_DELAY"]}}})"};
  };
  store("mine", "app");
  store("theirs", "other");
  const auto mine = check(body(R"("profileId":"mine")"));
  ASSERT_TRUE(mine);
  EXPECT_EQ(mine->what.meas_reqs.meas_data_types.front().text, "RT_DELAY");
  EXPECT_EQ(refused(R"("profileId":"theirs")"), Blamed{"/profileId"});
  EXPECT_EQ(refused(R"("profileId":"none")"), Blamed{"/profileId"});
}

// ---- measurements -------------------------------------------------------------------------------

TEST_F(MonitorChecks, want_known_measurements_each_once) {
  EXPECT_EQ(refused(R"("measReqs":{"measDataTypes":["DL_DELAY","JITTER"]})"),
            Blamed{"/measReqs/measDataTypes/1"});
  EXPECT_EQ(refused(R"("measReqs":{"measDataTypes":["DL_DELAY","DL_DELAY"]})"),
            Blamed{"/measReqs/measDataTypes/1"});
  EXPECT_EQ(refused(R"("measReqs":{"measDataTypes":[]})"), Blamed{"/measReqs/measDataTypes"});
}

TEST_F(MonitorChecks, look_at_so_many_measurements_and_tell_so_many_faults) {
  std::string many = R"("measReqs":{"measDataTypes":["DL_DELAY")";
  for (int i = 0; i < 10'000; ++i) many += R"(,"NOISE")";
  const auto some = refused(many + "]}");
  EXPECT_GT(some.size(), 0U);
  EXPECT_LE(some.size(), 2 * monitor::measures_count);
  std::string ues = R"({"valUeIds":[{"valUeId":"ue1"})";
  for (int i = 0; i < 10'000; ++i) ues += R"(,{"valUeId":"ue1"})";
  EXPECT_EQ(blamed(check(ues + R"(],"measReqs":{"measDataTypes":["DL_DELAY"]}})")).size(),
            json::faults_max);
}

TEST_F(MonitorChecks, know_a_window_of_a_minute_where_none_is_given) {
  const auto plain = check(body(R"("measReqs":{"measDataTypes":["DL_DELAY"]})"));
  ASSERT_TRUE(plain);
  EXPECT_FALSE(plain->what.meas_reqs.meas_aggr_gran_wnd);
  EXPECT_EQ(refused(R"("measReqs":{"measDataTypes":["DL_DELAY"],"measAggrGranWnd":1000,)"
                    R"("aggrWindowSec":5})"),
            Blamed{"/measReqs/aggrWindowSec"});
}

TEST_F(MonitorChecks, refuse_a_period_that_is_over_except_for_one_report) {
  const auto past = R"("measReqs":{"measDataTypes":["DL_DELAY"],"measPeriod":{)"
                    R"("measStartTime":"2026-11-22T11:00:00Z","measDuration":60}})";
  EXPECT_EQ(refused(past), Blamed{"/measReqs/measPeriod"});
  const auto once =
      check(body(std::string(past) + R"(,"reportReqs":{"reportingMode":"ONE_TIME"})"));
  ASSERT_TRUE(once);
  EXPECT_TRUE(once->once);
  EXPECT_TRUE(once->past);
  EXPECT_EQ(refused(R"("measReqs":{"measDataTypes":["DL_DELAY"],"measPeriod":{)"
                    R"("measStartTime":"2026-11-22T12:00:00Z","measDuration":0}})"),
            Blamed{"/measReqs/measPeriod/measDuration"});
  EXPECT_EQ(refused(R"("measReqs":{"measDataTypes":["DL_DELAY"],"measPeriod":{)"
                    R"("measStartTime":"2027-11-22T12:00:00Z","measDuration":10}})"),
            Blamed{"/measReqs/measPeriod/measStartTime"});
}

// ---- reporting ----------------------------------------------------------------------------------

TEST_F(MonitorChecks, want_a_period_for_periodic_reports_and_for_no_others) {
  EXPECT_EQ(refused_reporting(R"({"reportingMode":"PERIODIC"})"),
            Blamed{"/reportReqs/reportingPeriod"});
  EXPECT_EQ(refused_reporting(R"({"reportingMode":"PERIODIC","reportingPeriod":0})"),
            Blamed{"/reportReqs/reportingPeriod"});
  EXPECT_EQ(refused_reporting(
                R"({"reportingMode":"ON_EVENT_DETECTION","reportingPeriod":5,"reportingThrs":[)"
                R"({"measThrValues":{"dlDelay":9},"thrDirection":"CROSSED"}]})"),
            Blamed{"/reportReqs/reportingPeriod"});
  EXPECT_EQ(refused_reporting(R"({"reportingMode":"SOMETIMES"})"),
            Blamed{"/reportReqs/reportingMode"});
}

TEST_F(MonitorChecks, want_a_threshold_for_each_measure_of_event_triggered_reports) {
  EXPECT_EQ(refused_reporting(R"({"reportingMode":"ON_EVENT_DETECTION"})"),
            Blamed{"/reportReqs/reportingThrs"});
  EXPECT_EQ(refused(R"("measReqs":{"measDataTypes":["DL_DELAY","AVG_PLR"]},"reportReqs":{)"
                    R"("reportingMode":"ON_EVENT_DETECTION","reportingThrs":[)"
                    R"({"measThrValues":{"dlDelay":9},"thrDirection":"CROSSED"}]})"),
            Blamed{"/reportReqs/reportingThrs"});
  EXPECT_EQ(refused_reporting(R"({"reportingMode":"PERIODIC","reportingPeriod":5,"reportingThrs":[)"
                              R"({"measThrValues":{"dlDelay":9},"thrDirection":"CROSSED"}]})"),
            Blamed{"/reportReqs/reportingThrs"});
}

TEST_F(MonitorChecks, want_a_direction_beside_each_threshold) {
  EXPECT_EQ(refused_reporting(R"({"reportingMode":"ON_EVENT_DETECTION","reportingThrs":[)"
                              R"({"measThrValues":{"dlDelay":9}}]})"),
            Blamed{"/reportReqs/reportingThrs/0/thrDirection"});
  EXPECT_EQ(refused_reporting(R"({"reportingMode":"ON_EVENT_DETECTION","reportingThrs":[)"
                              R"({"measThrValues":{"dlDelay":9},"thrDirection":"SIDEWAYS"}]})"),
            Blamed{"/reportReqs/reportingThrs/0/thrDirection"});
}

TEST_F(MonitorChecks, refuse_a_threshold_of_what_is_not_measured) {
  EXPECT_EQ(refused_reporting(
                R"({"reportingMode":"ON_EVENT_DETECTION","reportingThrs":[)"
                R"({"measThrValues":{"dlDelay":9,"ulDelay":9},"thrDirection":"CROSSED"}]})"),
            Blamed{"/reportReqs/reportingThrs/0/measThrValues/ulDelay"});
}

TEST_F(MonitorChecks, take_no_reporting_requirements_for_a_report_each_window) {
  const auto plain = check(body(R"("measReqs":{"measDataTypes":["DL_DELAY"]})"));
  ASSERT_TRUE(plain);
  EXPECT_FALSE(plain->what.report_reqs->reporting_thrs);
  EXPECT_FALSE(plain->once);
}

// ---- termination: NOTEs 2 and 3 -----------------------------------------------------------------

std::string periodic(std::string_view more) {
  return R"({"reportingMode":"PERIODIC","reportingPeriod":5,)" + std::string(more) + "}";
}

TEST_F(MonitorChecks, take_only_one_way_to_end) {
  EXPECT_EQ(refused_reporting(
                periodic(R"("repTerminMode":"TIME_TRIGGERED","expirationTimer":60,"maxNumRep":3)")),
            Blamed{"/reportReqs/expirationTimer"});
  EXPECT_EQ(refused_reporting(periodic(R"("repTerminMode":"EVENT_TRIGGERED_NUM_REPORTS_REACHED",)"
                                       R"("maxNumRep":3,"termThr":{"dlDelay":9})")),
            Blamed{"/reportReqs/termThr"});
}

TEST_F(MonitorChecks, want_what_the_way_to_end_needs) {
  EXPECT_EQ(refused_reporting(periodic(R"("repTerminMode":"EVENT_TRIGGERED_NUM_REPORTS_REACHED")")),
            Blamed{"/reportReqs/maxNumRep"});
  EXPECT_EQ(refused_reporting(periodic(R"("repTerminMode":"EVENT_TRIGGERED_MEAS_THR_REACHED")")),
            Blamed{"/reportReqs/termThr"});
  EXPECT_EQ(refused_reporting(periodic(R"("repTerminMode":"TIME_TRIGGERED")")),
            Blamed{"/reportReqs/expirationTimer"});
  EXPECT_EQ(refused_reporting(periodic(R"("maxNumRep":3)")), Blamed{"/reportReqs/repTerminMode"});
  EXPECT_EQ(refused_reporting(periodic(R"("repTerminMode":"USER_TRIGGERED","maxNumRep":3)")),
            Blamed{"/reportReqs/maxNumRep"});
  EXPECT_EQ(refused_reporting(periodic(R"("repTerminMode":"WHENEVER")")),
            Blamed{"/reportReqs/repTerminMode"});
}

TEST_F(MonitorChecks, refuse_an_end_of_no_reports_or_beyond_what_the_server_allows) {
  EXPECT_EQ(refused_reporting(
                periodic(R"("repTerminMode":"EVENT_TRIGGERED_NUM_REPORTS_REACHED","maxNumRep":0)")),
            Blamed{"/reportReqs/maxNumRep"});
  EXPECT_EQ(
      refused_reporting(periodic(R"("repTerminMode":"TIME_TRIGGERED","expirationTimer":99999999)")),
      Blamed{"/reportReqs/expirationTimer"});
}

TEST_F(MonitorChecks, want_the_condition_where_several_thresholds_end_it) {
  const std::string two = R"("measReqs":{"measDataTypes":["DL_DELAY","AVG_PLR"]},"reportReqs":)";
  const auto end = R"("repTerminMode":"EVENT_TRIGGERED_MEAS_THR_REACHED",)"
                   R"("termThr":{"dlDelay":9,"avgPlr":5})";
  EXPECT_EQ(refused(two + periodic(end)), Blamed{"/reportReqs/termThrMode"});
  EXPECT_TRUE(check(body(two + periodic(std::string(end) + R"(,"termThrMode":"ANY_REACHED")"))));
  EXPECT_EQ(refused_reporting(periodic(R"("repTerminMode":"EVENT_TRIGGERED_MEAS_THR_REACHED",)"
                                       R"("termThr":{"rtDelay":9})")),
            Blamed{"/reportReqs/termThr/rtDelay"});
  EXPECT_EQ(refused_reporting(periodic(R"("termThrMode":"ANY_REACHED")")),
            Blamed{"/reportReqs/termThrMode"});
}

TEST_F(MonitorChecks, refuse_a_threshold_beyond_all_numbers_wherever_it_stands) {
  const std::string rates = R"("measReqs":{"measDataTypes":["AVG_DATA_RATE"]},"reportReqs":)";
  const std::string far = R"({"avgDataRate":"99999999999999999999 Tbps"})";
  EXPECT_EQ(refused(rates +
                    R"({"reportingMode":"ON_EVENT_DETECTION","reportingThrs":[)"
                    R"({"measThrValues":{"avgDataRate":"5 Mbps"},"thrDirection":"CROSSED"},)"
                    R"({"measThrValues":)" +
                    far + R"(,"thrDirection":"CROSSED"}]})"),
            Blamed{"/reportReqs/reportingThrs/1/measThrValues/avgDataRate"});
  EXPECT_EQ(
      refused(rates +
              periodic(R"("repTerminMode":"EVENT_TRIGGERED_MEAS_THR_REACHED","termThr":)" + far)),
      Blamed{"/reportReqs/termThr/avgDataRate"});
}

TEST_F(MonitorChecks, propose_an_end_where_none_is_named) {
  const auto none = check(body(R"("measReqs":{"measDataTypes":["DL_DELAY"]})"));
  ASSERT_TRUE(none);
  EXPECT_TRUE(none->proposed);
  EXPECT_EQ(none->what.report_reqs->expiration_timer, 300) << "the default period of T21";
  const auto on_request = check(body(R"("measReqs":{"measDataTypes":["DL_DELAY"]},"reportReqs":)" +
                                     periodic(R"("repTerminMode":"USER_TRIGGERED")")));
  ASSERT_TRUE(on_request);
  EXPECT_TRUE(on_request->proposed);
  EXPECT_EQ(on_request->what.report_reqs->expiration_timer, settings.monitoring.time_max.count());
  const auto named = check(
      body(R"("measReqs":{"measDataTypes":["DL_DELAY"]},"reportReqs":)" +
           periodic(R"("repTerminMode":"EVENT_TRIGGERED_NUM_REPORTS_REACHED","maxNumRep":3)")));
  ASSERT_TRUE(named);
  EXPECT_FALSE(named->proposed);
}

TEST_F(MonitorChecks, propose_the_end_of_the_measurement_period_where_there_is_one) {
  const auto in_ten_minutes =
      check(body(R"("measReqs":{"measDataTypes":["DL_DELAY"],"measPeriod":{"measStartTime":)"
                 R"("2026-11-22T13:05:00+01:00","measDuration":300}})"));
  ASSERT_TRUE(in_ten_minutes);
  EXPECT_TRUE(in_ten_minutes->proposed);
  EXPECT_EQ(in_ten_minutes->what.report_reqs->expiration_timer, 600);
}

// ---- one report, sinks, extensions
// ----------------------------------------------------------------

TEST_F(MonitorChecks, take_a_request_without_a_sink_and_reporting_for_one_report) {
  const auto once =
      check(R"({"valUeIds":[{"valUeId":"ue1"}],"measReqs":{"measDataTypes":["DL_DELAY"]}})");
  ASSERT_TRUE(once);
  EXPECT_TRUE(once->once);
  EXPECT_EQ(blamed(check(R"({"valUeIds":[{"valUeId":"ue1"}],"measReqs":{"measDataTypes":[)"
                         R"("DL_DELAY"]},"reportReqs":{"reportingMode":"PERIODIC",)"
                         R"("reportingPeriod":5}})")),
            Blamed{"/notifUri"});
  EXPECT_EQ(blamed(check(R"({"valUeIds":[{"valUeId":"ue1"}],"notifUri":"http://10.0.0.1/n",)"
                         R"("measReqs":{"measDataTypes":["DL_DELAY"]}})")),
            Blamed{"/notifUri"});
}

TEST_F(MonitorChecks, refuse_extensions_that_were_not_negotiated) {
  const auto without = [&](std::string_view more) {
    return blamed(check(R"({"valUeIds":[{"valUeId":"ue1"}],"notifUri":"http://127.0.0.1:9/n",)" +
                        std::string(more) + "}"));
  };
  EXPECT_EQ(without(R"("measReqs":{"measDataTypes":["DL_DELAY"],"aggrWindowSec":5})"),
            Blamed{"/measReqs/aggrWindowSec"});
  EXPECT_EQ(without(R"("measReqs":{"measDataTypes":["DL_DELAY"]},"perUeRep":true)"),
            Blamed{"/perUeRep"});
  EXPECT_EQ(without(R"("measReqs":{"measDataTypes":["DL_DELAY"]},"valServiceId":"meeting")"),
            Blamed{"/valServiceId"});
  EXPECT_EQ(refused(R"("measReqs":{"measDataTypes":["DL_DELAY"]},"valServiceId":"unheard")"),
            Blamed{"/valServiceId"});
}

TEST_F(MonitorChecks, bound_how_many_want_one_ue) {
  settings.monitoring.monitors_per_ue_max = 2;
  lookup.records[{"measure_source", "delay:extid-ue1"}] = {
      {"measure_source", "delay:extid-ue1"},
      "",
      "",
      1,
      R"({"kind":"delay","gpsi":"extid-ue1","stage":"active","secret":"s","held":{},)"
      R"("users":["a","b"]})"};
  EXPECT_EQ(refused(R"("measReqs":{"measDataTypes":["DL_DELAY"]})"), Blamed{"/valUeIds"});
  EXPECT_TRUE(check(body(R"("measReqs":{"measDataTypes":["AVG_PLR"]})")));
  EXPECT_EQ(blamed(check(R"({"valStreamIds":["s1"],"measReqs":{"measDataTypes":["DL_DELAY"]},)"
                         R"("notifUri":"http://127.0.0.1:9000/n"})")),
            Blamed{"/valStreamIds"});
}

// ---- updates: NOTEs 4 and 6
// -----------------------------------------------------------------------

class MonitorUpdates : public MonitorChecks {
 protected:
  MonitorUpdates() {
    auto made = check(body(R"("measReqs":{"measDataTypes":["DL_DELAY"]})"));
    current.doc = made->doc;
    current.what = made->what;
    current.proposed = made->proposed;
    current.started_at = noon;
  }
  Result<CheckedUpdate> patch(std::string_view text) {
    return check_update(current, text, false, "app", settings, lookup, noon);
  }
  Result<CheckedUpdate> put(std::string_view text) {
    return check_update(current, text, true, "app", settings, lookup, noon);
  }
  static std::string first(const Result<CheckedUpdate>& checked) {
    return checked || checked.error().faults.empty() ? "" : checked.error().faults.front().where;
  }
  api::state::nrm_monitor::MonitorState current;
};

TEST_F(MonitorUpdates, cannot_change_the_target) {
  EXPECT_EQ(first(patch(R"({"valUeIds":[{"valUeId":"ue2"}]})")), "/valUeIds");
  EXPECT_EQ(first(patch(R"({"valGroupId":"crew"})")), "/valGroupId");
  EXPECT_EQ(first(patch(R"({"valStreamIds":["s1"]})")), "/valStreamIds");
  EXPECT_EQ(first(put(R"({"valUeIds":[{"valUeId":"ue2"}],"notifUri":"http://127.0.0.1:9000/n",)"
                      R"("measReqs":{"measDataTypes":["DL_DELAY"]}})")),
            "/valUeIds");
}

TEST_F(MonitorUpdates, bound_how_many_want_one_ue_as_subscriptions_do) {
  settings.monitoring.monitors_per_ue_max = 2;
  current.targets.emplace_back().gpsi = "extid-ue1";
  for (const std::string kind : {"delay", "rate"}) {
    const std::string id = kind + ":extid-ue1";
    lookup.records[{"measure_source", id}] = {
        {"measure_source", id},
        "",
        "",
        1,
        R"({"kind":")" + kind +
            R"(","gpsi":"extid-ue1","stage":"active","secret":"s","held":{},"users":["a","b"]})"};
  }
  EXPECT_EQ(first(patch(R"({"measReqs":{"measDataTypes":["DL_DELAY","AVG_DATA_RATE"]}})")),
            "/valUeIds");
  EXPECT_TRUE(patch(R"({"measReqs":{"measDataTypes":["RT_DELAY","AVG_PLR"]}})"));
}

TEST_F(MonitorUpdates, may_override_the_end_that_was_proposed) {
  const auto changed = patch(
      R"({"reportReqs":{"reportingMode":"ON_EVENT_DETECTION","repTerminMode":"TIME_TRIGGERED",)"
      R"("expirationTimer":60}})");
  ASSERT_TRUE(changed) << first(changed);
  EXPECT_FALSE(changed->proposed);
  EXPECT_EQ(changed->what.report_reqs->expiration_timer, 60);
  const auto other = patch(R"({"notifUri":"http://127.0.0.1:9000/other"})");
  ASSERT_TRUE(other) << first(other);
  EXPECT_TRUE(other->proposed);
}

TEST_F(MonitorUpdates, may_override_the_end_that_was_proposed_to_a_profile) {
  current.doc.profile_id = "p1";
  current.doc.meas_reqs.reset();
  current.what.report_reqs->reporting_mode =
      api::ss_nrm::NotificationMethod(api::ss_nrm::NotificationMethodKnown::periodic);
  current.what.report_reqs->reporting_period = 5;
  const auto changed = patch(
      R"({"reportReqs":{"repTerminMode":"EVENT_TRIGGERED_NUM_REPORTS_REACHED","maxNumRep":3}})");
  ASSERT_TRUE(changed) << first(changed);
  EXPECT_FALSE(changed->proposed);
  EXPECT_EQ(changed->what.report_reqs->reporting_period, 5);
  EXPECT_FALSE(changed->what.report_reqs->expiration_timer);
}

TEST_F(MonitorUpdates, read_over_members_that_a_patch_has_not) {
  const auto changed =
      patch(R"({"suppFeat":"0","profile":{"measReqs":{"measDataTypes":["RT_DELAY"]}},)"
            R"("valServiceId":"unheard","reqTestNotif":true,"monState":7,"perUeRep":true})");
  ASSERT_TRUE(changed) << first(changed);
  EXPECT_EQ(changed->doc.supp_feat, current.doc.supp_feat);
  EXPECT_FALSE(changed->doc.profile);
  EXPECT_FALSE(changed->doc.val_service_id);
  EXPECT_EQ(changed->doc.per_ue_rep, true);
}

TEST_F(MonitorUpdates, by_what_was_read_change_nothing) {
  auto shown = current.doc;
  shown.report_reqs = current.what.report_reqs;
  const auto same = put(json::write(shown));
  ASSERT_TRUE(same) << first(same);
  EXPECT_EQ(same->what, current.what);
  EXPECT_TRUE(same->proposed);
}

TEST_F(MonitorUpdates, follow_the_same_rules_as_a_subscription) {
  EXPECT_EQ(first(patch(R"({"measReqs":{"measDataTypes":["NOISE"]}})")),
            "/measReqs/measDataTypes/0");
  EXPECT_EQ(first(patch(R"({"reportReqs":{"reportingMode":"PERIODIC"}})")),
            "/reportReqs/reportingPeriod");
  EXPECT_EQ(first(patch(R"({"reportReqs":{"reportingMode":"ONE_TIME"}})")),
            "/reportReqs/reportingMode");
}

}  // namespace
}  // namespace lobo::seal_nrm
