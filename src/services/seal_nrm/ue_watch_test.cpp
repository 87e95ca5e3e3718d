// Where a UE is: the watch by itself, and what it tells to the resources of its UE.

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "api/state/seal_nrm.hpp"
#include "base/result.hpp"
#include "services/seal_nrm/ports.hpp"
#include "support/nrm_driver.hpp"
#include "wire/http/message.hpp"
#include "wire/json/json.hpp"
#include "wire/resource/machine.hpp"
#include "wire/resource/record.hpp"

namespace lobo::seal_nrm {
namespace {

using namespace std::chrono_literals;
using api::state::seal_nrm::AddressTold;
using api::state::seal_nrm::WatchStage;
using api::state::seal_nrm::WatchState;
using lobo::testing::plain_create;
using resource::Key;
using resource::Told;

const Key ue{"ue_watch", "msisdn-491700000001"};
const Key user{"unicast", "u1"};

/// A watch and one resource that it is for; what the watch tells waits in `tells`.
struct Watched : lobo::testing::NrmDriver {
  Watched() {
    lookup.records[user] = {user, "app", ue.id, 1, "{}"};
    wanted();
  }
  void wanted() { apply(ue, Told{user, "wanted", R"({"secret":"s3cret"})"}); }
  WatchState watch() const { return *json::read<WatchState>(lookup.records.at(ue).state); }
  /// What was told since the last time, as "ipv4 ipv6 mac" with "-" for none.
  std::vector<std::string> told() {
    std::vector<std::string> out;
    for (const auto& [from, tell] : std::exchange(tells, {})) {
      EXPECT_EQ(tell.to, user);
      EXPECT_EQ(tell.what, "address");
      const auto news = *json::read<AddressTold>(tell.body);
      if (news.status)
        out.push_back("status " + std::to_string(*news.status));
      else if (!news.address)
        out.push_back("nowhere");
      else
        out.push_back(news.address->ipv4.value_or("-") + " " + news.address->ipv6.value_or("-") +
                      " " + news.address->mac.value_or("-"));
    }
    return out;
  }
  void subscribed() {
    answer_by_core();
    EXPECT_EQ(watch().stage, WatchStage::watching);
    told();
  }
  static std::string connection(const std::string& status, const std::string& address,
                                const std::string& more = "") {
    return R"({"pdnType":"IPV4","status":")" + status + "\"" +
           (address.empty() ? "" : "," + address) + more + "}";
  }
  int news(const std::string& connections, const std::string& more = "",
           const std::string& subscription = "w1") {
    return status(call_back(
        ue, R"({"subscription":"http://core.example/3gpp-monitoring-event/v1/lobo/subscriptions/)" +
                subscription +
                R"(","monitoringEventReports":[{"monitoringType":"PDN_CONNECTIVITY_STATUS",)" +
                R"("pdnConnInfoList":[)" + connections + "]}]" + more + "}"));
  }
};
using Lines = std::vector<std::string>;

const std::string v4 = R"("ipv4Addr":"10.45.0.7")", v6 = R"("ipv6Addrs":["2001:db8::7"])",
                  mac = R"("macAddrs":["02-00-00-00-00-07"])";

TEST(ue_watch, asks_the_core_once_and_tells_where_the_ue_is) {
  Watched d;
  ASSERT_EQ(d.calls.size(), 1U);
  EXPECT_EQ(d.calls.front().call.name, "subscribe");
  d.wanted();
  EXPECT_EQ(d.calls.size(), 1U) << "two who want it at the same time are one question";
  d.answer_by_core();
  EXPECT_EQ(d.told(), Lines{"10.45.0.2 - -"});
  d.wanted();
  EXPECT_TRUE(d.calls.empty());
  EXPECT_EQ(d.told(), Lines{"10.45.0.2 - -"});
  EXPECT_TRUE(d.has_timer(ue, "renew"));
}

TEST(ue_watch, that_had_the_configurations_word_asks_the_nef_once_there_is_one) {
  Watched d;
  d.settings.core.kind = CoreKind::pcf;
  d.settings.core.peer = "pcf";
  d.lookup.records.erase(ue);
  d.calls.clear();
  d.wanted();
  EXPECT_TRUE(d.calls.empty());
  EXPECT_EQ(d.watch().stage, WatchStage::failed) << "no address is configured";
  d.told();
  auto& nef = d.settings.nef_beside.emplace();
  nef.scs_as_id = "lobo";
  d.wanted();
  ASSERT_EQ(d.calls.size(), 1U);
  EXPECT_EQ(d.calls.front().call.peer, "nef");
  d.answer_by_core();
  EXPECT_EQ(d.watch().stage, WatchStage::watching);
  EXPECT_FALSE(d.watch().configured);
  EXPECT_EQ(d.told(), Lines{"10.45.0.2 - -"});
}

TEST(ue_watch, whose_nef_is_no_longer_configured_sends_nothing_to_the_pcf) {
  Watched d;
  d.subscribed();
  d.settings.core.kind = CoreKind::pcf;
  d.settings.core.peer = "pcf";
  d.lookup.records.erase(user);
  d.apply(ue, Told{user, "released", ""});
  ASSERT_EQ(d.calls.size(), 1U);
  EXPECT_EQ(d.calls.front().call.peer, "nef");
  d.answer(fail(Errc::unavailable, "no network function 'nef' is configured"));
  EXPECT_TRUE(d.exists(ue)) << "what is held there waits for it";
  EXPECT_TRUE(d.has_timer(ue, "retry"));
}

TEST(ue_watch, follows_addresses_of_every_kind_spelt_in_one_way) {
  Watched d;
  d.subscribed();
  EXPECT_EQ(d.news(Watched::connection("CREATED", v4)), 204);
  EXPECT_EQ(d.told(), Lines{"10.45.0.7 - -"});
  EXPECT_EQ(d.news(Watched::connection("CREATED", v6)), 204);
  EXPECT_EQ(d.told(), Lines{"- 2001:db8::7 -"});
  EXPECT_EQ(d.news(Watched::connection("CREATED", mac)), 204);
  EXPECT_EQ(d.told(), Lines{"- - 02-00-00-00-00-07"});
  EXPECT_EQ(d.news(Watched::connection("CREATED", v4 + "," + v6)), 204);
  EXPECT_EQ(d.told(), Lines{"10.45.0.7 2001:db8::7 -"});
  EXPECT_EQ(d.news(Watched::connection("CREATED", v4 + R"(,"ipv6Addrs":["2001:db8:0:0::7"])")),
            204);
  EXPECT_TRUE(d.told().empty()) << "the same address in another spelling is no news";
}

TEST(ue_watch, tells_the_loss_and_the_return_of_the_ue) {
  Watched d;
  d.subscribed();
  EXPECT_EQ(d.news(Watched::connection("RELEASED", "")), 204);
  EXPECT_EQ(d.told(), Lines{"nowhere"});
  EXPECT_FALSE(d.watch().address);
  EXPECT_EQ(d.news(Watched::connection("RELEASED", "")), 204);
  EXPECT_TRUE(d.told().empty());
  EXPECT_EQ(d.news(Watched::connection("CREATED", v4)), 204);
  EXPECT_EQ(d.told(), Lines{"10.45.0.7 - -"});
}

TEST(ue_watch, takes_the_end_of_another_connection_for_nothing) {
  Watched d;
  d.subscribed();
  EXPECT_EQ(d.news(Watched::connection("RELEASED", R"("ipv4Addr":"10.99.0.1")")), 204);
  EXPECT_TRUE(d.told().empty());
  EXPECT_EQ(d.watch().address->ipv4, "10.45.0.2");
  // The old one goes and the new one comes in one report, in either order.
  EXPECT_EQ(d.news(Watched::connection("CREATED", v4) + "," +
                   Watched::connection("RELEASED", R"("ipv4Addr":"10.45.0.2")")),
            204);
  EXPECT_EQ(d.told(), Lines{"10.45.0.7 - -"});
  EXPECT_EQ(d.news(Watched::connection("RELEASED", v4) + "," +
                   Watched::connection("CREATED", R"("ipv4Addr":"10.45.0.8")")),
            204);
  EXPECT_EQ(d.told(), Lines{"10.45.0.8 - -"});
}

TEST(ue_watch, hears_only_of_the_data_network_that_counts) {
  Watched d;
  d.settings.core.dnn = "xr";
  d.subscribed();
  EXPECT_EQ(d.news(Watched::connection("CREATED", v4, R"(,"apn":"internet")")), 204);
  EXPECT_TRUE(d.told().empty());
  EXPECT_EQ(d.news(Watched::connection("CREATED", v4, R"(,"apn":"xr")")), 204);
  EXPECT_EQ(d.told(), Lines{"10.45.0.7 - -"});
}

TEST(ue_watch, is_not_changed_by_a_callback_that_comes_twice) {
  Watched d;
  d.subscribed();
  d.news(Watched::connection("CREATED", v4));
  EXPECT_EQ(d.told().size(), 1U);
  const auto before = d.lookup.records.at(ue);
  EXPECT_EQ(d.news(Watched::connection("CREATED", v4)), 204);
  EXPECT_TRUE(d.told().empty());
  EXPECT_EQ(d.lookup.records.at(ue), before);
}

TEST(ue_watch, takes_a_report_that_comes_before_the_answer_to_its_subscription) {
  Watched d;
  EXPECT_EQ(d.news(Watched::connection("CREATED", v4)), 204);
  EXPECT_TRUE(d.told().empty()) << "nobody knows yet whether it is watched";
  d.answer(http::Response{
      201, {{"location", "http://c/3gpp-monitoring-event/v1/lobo/subscriptions/w1"}}, "{}"});
  EXPECT_EQ(d.watch().stage, WatchStage::retrieving);
  d.core.address = "10.45.0.7";
  d.answer_by_core();
  EXPECT_EQ(d.told(), Lines{"10.45.0.7 - -"});
}

TEST(ue_watch, says_nothing_to_a_callback_that_comes_after_its_end) {
  Watched d;
  d.subscribed();
  d.lookup.records.erase(user);
  d.apply(ue, Told{user, "released", ""});
  EXPECT_EQ(d.watch().stage, WatchStage::cancelling);
  EXPECT_EQ(d.news(Watched::connection("CREATED", v4)), 204) << "accepted, and of no consequence";
  EXPECT_TRUE(d.told().empty());
  d.deliver();
  EXPECT_FALSE(d.exists(ue));
  EXPECT_TRUE(d.core.watches.empty());
  EXPECT_EQ(d.news(Watched::connection("CREATED", v4)), 404);
}

TEST(ue_watch, stays_while_somebody_needs_it) {
  Watched d;
  d.subscribed();
  d.apply(ue, Told{{"unicast", "another"}, "released", ""});
  EXPECT_EQ(d.watch().stage, WatchStage::watching);
  d.lookup.broken = true;  // Who needs it cannot be read: looked at again, and not given up.
  d.apply(ue, Told{{"unicast", "another"}, "released", ""});
  EXPECT_EQ(d.watch().stage, WatchStage::watching);
  EXPECT_TRUE(d.has_timer(ue, "check"));
  d.lookup.broken = false;
  d.lookup.records.erase(user);
  d.run_for(5s);
  EXPECT_FALSE(d.exists(ue));
  EXPECT_TRUE(d.core.watches.empty());
}

TEST(ue_watch, that_is_wanted_again_while_it_ends_begins_anew) {
  Watched d;
  d.subscribed();
  const auto record = d.lookup.records.at(user);
  d.lookup.records.erase(user);
  d.apply(ue, Told{user, "released", ""});
  d.lookup.records[user] = record;
  d.wanted();
  d.deliver_tells();
  while (!d.calls.empty()) d.answer_by_core();
  EXPECT_EQ(d.watch().stage, WatchStage::watching);
  EXPECT_EQ(d.core.watches.size(), 1U);
  EXPECT_TRUE(d.core.watches.contains(*d.watch().held.current));
}

TEST(ue_watch, of_another_secret_or_another_ue_is_not_found) {
  Watched d;
  d.subscribed();
  const auto before = d.lookup.records.at(ue);
  const std::string body = R"({"subscription":"http://c/x/w1","monitoringEventReports":[]})";
  EXPECT_EQ(d.status(d.call_back(ue, body, "guessed")), 404);
  EXPECT_EQ(d.status(d.call_back(ue, body, "")), 404);
  EXPECT_EQ(d.status(d.call_back({"ue_watch", "extid-nobody@example.com"}, body, "s3cret")), 404);
  EXPECT_EQ(d.lookup.records.at(ue), before);
}

TEST(ue_watch, is_not_changed_by_what_cannot_be_read_or_was_not_asked_for) {
  Watched d;
  d.subscribed();
  const auto before = d.lookup.records.at(ue);
  for (const std::string body : {"", "{", "[]", "{}", R"({"subscription":7})"})
    EXPECT_EQ(d.status(d.call_back(ue, body)), 400) << body;
  EXPECT_EQ(d.news(Watched::connection("CREATED", R"("ipv4Addr":"no address")")), 400);
  d.apply(ue, resource::NetworkAnswer{"subscribe", http::Response{201, {}, {}}});
  d.apply(ue, resource::TimerFired{"unheard_of"});
  d.apply(ue, resource::Recovered{"subscribe"});
  d.apply(ue, Told{user, "unheard_of", ""});
  EXPECT_EQ(d.lookup.records.at(ue), before);
  EXPECT_TRUE(d.told().empty());
  EXPECT_TRUE(d.calls.empty());
}

TEST(ue_watch, ended_by_the_core_is_asked_for_anew) {
  Watched d;
  d.subscribed();
  d.news(Watched::connection("CREATED", v4), R"(,"cancelInd":true)", "another");
  EXPECT_EQ(d.watch().stage, WatchStage::watching) << "the end of another one";
  d.core.watches.clear();
  d.news(Watched::connection("CREATED", v4), R"(,"cancelInd":true)");
  d.told();
  while (!d.calls.empty()) d.answer_by_core();
  EXPECT_EQ(d.watch().stage, WatchStage::watching);
  EXPECT_EQ(d.core.watches.size(), 1U);
  EXPECT_EQ(d.told(), Lines{"10.45.0.2 - -"});
}

TEST(ue_watch, is_renewed_before_it_ends_and_the_old_one_goes) {
  Watched d;
  d.subscribed();
  const auto first = *d.watch().held.current;
  d.run_for(19h);
  EXPECT_NE(*d.watch().held.current, first);
  EXPECT_EQ(d.core.watches.size(), 1U);
  EXPECT_TRUE(d.core.watches.contains(*d.watch().held.current));
}

TEST(ue_watch, that_the_core_refuses_is_a_plain_question_and_says_that_it_cannot_follow) {
  Watched d;
  d.core.watches_ues = false;
  d.deliver_tells();
  while (!d.calls.empty()) d.answer_by_core();
  EXPECT_EQ(d.watch().stage, WatchStage::unfollowed);
  EXPECT_TRUE(d.watch().unfollowed.value_or(false));
  EXPECT_EQ(d.told(), Lines{"10.45.0.2 - -"});
  d.core.address = "10.45.0.3";
  d.wanted();
  d.answer_by_core();
  EXPECT_EQ(d.told(), Lines{"10.45.0.3 - -"}) << "asked again for each create";
}

TEST(ue_watch, whose_answer_is_lost_tells_who_waits_and_leaves_no_second_one_behind) {
  Watched d;
  static_cast<void>(d.core.handle(d.calls.front().call.request));
  d.answer(fail(Errc::timeout, "lost"));
  EXPECT_EQ(d.told(), Lines{"status 0"});
  d.run_for(120s);
  EXPECT_EQ(d.watch().stage, WatchStage::watching);
  EXPECT_EQ(d.core.watches.size(), 1U);
  EXPECT_TRUE(d.core.watches.contains(*d.watch().held.current));
}

TEST(ue_watch, is_asked_for_by_name_where_an_audit_misses_it) {
  Watched d;
  d.subscribed();
  const auto name = *d.watch().held.current;
  const Told audited{{"audit", "nef"}, "audited", R"({"missing":")" + name + "\"}"};
  d.apply(ue, audited);
  ASSERT_EQ(d.calls.front().call.name, "verify");
  d.answer_by_core();
  EXPECT_EQ(d.watch().held.current, name);
  d.core.watches.clear();
  d.core.address = "10.45.0.9";
  d.apply(ue, audited);
  while (!d.calls.empty()) d.answer_by_core();
  EXPECT_EQ(d.core.watches.size(), 1U);
  EXPECT_EQ(d.told(), Lines{"10.45.0.9 - -"});
}

}  // namespace
}  // namespace lobo::seal_nrm
