// The audit: what the core holds against what we hold, and what becomes of the difference.

#include "services/seal_nrm/audit.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "services/seal_nrm/southbound_nef.hpp"
#include "support/nrm_driver.hpp"
#include "wire/http/message.hpp"
#include "wire/json/json.hpp"
#include "wire/json/value.hpp"
#include "wire/resource/machine.hpp"
#include "wire/resource/record.hpp"

namespace lobo::seal_nrm {
namespace {

using namespace std::chrono_literals;
using lobo::testing::plain_create;
using resource::Key;
using Driver = lobo::testing::NrmDriver;

const Key ue1{"ue_watch", "msisdn-491700000001"};

/// A server with audits, and a core that may be told to answer its lists in another way.
struct Audited : Driver {
  std::function<std::optional<Result<http::Response>>(const http::Request&)> instead;
  std::vector<std::string> asked;

  Key confirmed(const std::string& who = "app") {
    create(plain_create, who);
    const auto key = last_key;
    deliver();
    EXPECT_EQ(stage(key), "confirmed");
    return key;
  }
  /// Long enough after what happened before, so that nothing is too young.
  AuditRound audit() {
    now += 30s;
    AuditRound round(settings, lookup);
    for (int turns = 0; turns < 10000; ++turns) {
      auto turn = round.next(now);
      for (const auto& tell : turn.tells)
        apply(tell.to, resource::Told{{"audit", "nef"}, "audited", tell.body});
      if (turn.over) {
        deliver();
        return round;
      }
      if (!turn.ask) continue;
      const auto& request = turn.ask->request;
      EXPECT_EQ(turn.ask->peer, "nef");
      asked.push_back(request.method + " " + request.target);
      auto answer = instead ? instead(request) : std::nullopt;
      round.answered(answer ? *answer : Result<http::Response>(core.handle(request)));
    }
    ADD_FAILURE() << "the round does not end";
    return round;
  }
  std::string told(std::size_t index) const {
    const auto body = *json::parse(notifications.at(index).body);
    const auto& event = body.find("eventNotifs")->array()->front();
    return *event.find("event")->text() + " " + *event.find("cause")->text();
  }
  /// A session that the core says is for `uri`.
  std::string plant(const std::string& uri, const std::string& id) {
    core.sessions[id] = {uri, R"({"notificationDestination":")" + uri +
                                  R"(","self":"http://core.example/3gpp-as-session-with-qos/v1/)" +
                                  R"(lobo/subscriptions/)" + id + "\"}"};
    return id;
  }
  std::string uri_of(const Key& key) const {
    return callback_uri(settings, "unicast", key.id, secret_of(key));
  }
};

TEST(audit, of_books_that_agree_changes_nothing) {
  Audited d;
  const auto one = d.confirmed(), two = d.confirmed();
  const auto before = d.lookup.records;
  const auto round = d.audit();
  EXPECT_EQ(round.result(), AuditResult::compared);
  EXPECT_EQ(d.lookup.records, before);
  EXPECT_EQ(d.asked,
            (std::vector<std::string>{"GET /3gpp-as-session-with-qos/v1/lobo/subscriptions",
                                      "GET /3gpp-monitoring-event/v1/lobo/subscriptions"}));
}

TEST(audit, finds_a_reservation_that_was_lost_without_a_word_and_it_is_asked_for_again) {
  Audited d;
  const auto key = d.confirmed(), other = d.confirmed();
  const auto untouched = d.lookup.records.at(other);
  d.core.sessions.erase(d.session_of(key));
  EXPECT_EQ(d.audit().missing(), 1U);
  EXPECT_EQ(d.stage(key), "confirmed");
  EXPECT_TRUE(d.core.sessions.contains(d.session_of(key)));
  ASSERT_EQ(d.notifications.size(), 2U);
  EXPECT_EQ(d.told(0), "QOS_NOT_GUARANTEED SESSION_LOST");
  EXPECT_EQ(d.told(1), "QOS_GUARANTEED SESSION_RESTORED");
  EXPECT_EQ(d.lookup.records.at(other), untouched);
  EXPECT_EQ(d.core.sessions.size(), 2U);
}

TEST(audit, of_a_core_that_lost_its_memory_brings_everything_back) {
  Audited d;
  const auto one = d.confirmed(), two = d.confirmed();
  d.core.sessions.clear();
  d.core.watches.clear();
  EXPECT_EQ(d.audit().missing(), 3U);
  EXPECT_EQ(d.core.sessions.size(), 2U);
  EXPECT_EQ(d.core.watches.size(), 1U);
  EXPECT_EQ(d.stage(one) + " " + d.stage(two), "confirmed confirmed");
  EXPECT_EQ(d.audit().missing(), 0U);
}

TEST(audit, of_what_the_core_no_longer_grants_says_that_it_ended) {
  Audited d;
  const auto key = d.confirmed();
  d.core.sessions.clear();
  d.core.refuse_creates = true;
  d.audit();
  EXPECT_EQ(d.stage(key), "terminated");
  EXPECT_EQ(d.told(d.notifications.size() - 1), "QOS_TERMINATED REQUESTED_SERVICE_NOT_AUTHORIZED");
  EXPECT_FALSE(d.has_timer(key));
}

TEST(audit, finds_where_the_ue_is_when_neither_loss_nor_move_was_told) {
  Audited d;
  const auto key = d.confirmed();
  d.core.sessions.clear();
  d.core.address = "10.45.0.99";
  d.audit();
  d.run_for(10s);
  EXPECT_EQ(d.stage(key), "confirmed");
  EXPECT_EQ(d.state(key).reserved_at->ipv4, "10.45.0.99");
  EXPECT_EQ(d.core.sessions.size(), 1U);
}

TEST(audit, believes_no_loss_before_the_core_was_asked_by_name) {
  Audited d;
  const auto key = d.confirmed();
  const auto session = d.session_of(key);
  d.instead = [](const http::Request& request) -> std::optional<Result<http::Response>> {
    if (request.target.ends_with("/subscriptions")) return http::Response{200, {}, "[]"};
    return std::nullopt;
  };
  EXPECT_EQ(d.audit().missing(), 2U);  // The watch as well.
  EXPECT_EQ(d.stage(key), "confirmed");
  EXPECT_EQ(d.session_of(key), session);
  EXPECT_TRUE(d.notifications.empty());
  EXPECT_FALSE(d.state(key).verifying);
}

TEST(audit, takes_a_name_that_became_anothers_for_a_loss_and_leaves_it_alone) {
  Audited d;
  const auto key = d.confirmed();
  const auto session = d.session_of(key);
  d.core.sessions.clear();
  d.plant("http://another.example/notify", session);
  d.audit();
  EXPECT_EQ(d.stage(key), "confirmed");
  EXPECT_NE(d.session_of(key), session);
  EXPECT_TRUE(d.core.sessions.contains(session)) << "not ours to release";
  EXPECT_EQ(d.core.sessions.size(), 2U);
}

TEST(audit, releases_a_second_reservation_of_a_resource_and_keeps_the_one_that_counts) {
  Audited d;
  const auto key = d.confirmed();
  d.plant(d.uri_of(key), "s77");
  EXPECT_EQ(d.audit().extra(), 1U);
  EXPECT_EQ(d.core.sessions.size(), 1U);
  EXPECT_TRUE(d.core.sessions.contains(d.session_of(key)));
  EXPECT_TRUE(d.notifications.empty());
}

TEST(audit, releases_what_a_core_denied_to_hold_and_held_all_the_same) {
  Audited d;
  const auto key = d.confirmed();
  const auto sessions = d.core.sessions;
  // 404 to the release, and a list that lies again: the resource is let go.
  d.remove(key);
  for (int i = 0; i < 20 && !(d.calls.empty() && d.tells.empty()); ++i) {
    if (d.calls.empty())
      d.one_tell();
    else if (d.calls.front().call.request.target.find("as-session") == std::string::npos)
      d.answer_by_core();
    else if (d.calls.front().call.request.method == "GET")
      d.answer(http::Response{200, {}, "[]"});
    else
      d.answer(http::Response{404, {}, {}});
  }
  EXPECT_FALSE(d.exists(key));
  EXPECT_EQ(d.core.sessions.size(), 1U);
  EXPECT_EQ(d.audit().released(), 1U);
  EXPECT_TRUE(d.core.sessions.empty());
}

TEST(audit, releases_watches_that_nobody_needs) {
  Audited d;
  const std::string uri =
      callback_uri(d.settings, "ue-watch", "extid-gone@example.com", "forgotten");
  d.core.watches["w9"] = {
      uri, R"({"notificationDestination":")" + uri +
               R"(","self":"http://core.example/3gpp-monitoring-event/v1/lobo/subscriptions/w9"})"};
  EXPECT_EQ(d.audit().released(), 1U);
  EXPECT_TRUE(d.core.watches.empty());
}

TEST(audit, never_touches_what_is_not_ours) {
  Audited d;
  const auto key = d.confirmed();
  const auto path = callback_path("unicast", "nobody", "secret");
  d.plant("http://another.example:7778" + path, "other-base");
  d.plant(d.settings.callback_base + "/elsewhere", "other-path");
  d.plant(d.settings.callback_base + "/nrm-callbacks/v1/unicast/nobody", "no-secret");
  d.plant(d.settings.callback_base + "/nrm-callbacks/v1/unicast/nobody/a/b", "too-long");
  d.plant(callback_uri(d.settings, "unicast", key.id, "guessed"), "other-secret");
  const auto before = d.core.sessions.size();
  const auto round = d.audit();
  EXPECT_EQ(d.core.sessions.size(), before);
  EXPECT_EQ(round.extra() + round.released() + round.missing(), 0U);
}

TEST(audit, leaves_alone_what_is_young_or_has_a_call_under_way) {
  Audited d;
  d.create(plain_create);
  const auto key = d.last_key;
  d.deliver_tells();
  d.answer_by_core();  // The watch.
  d.deliver_tells();
  ASSERT_EQ(d.calls.front().call.name, "reserve");
  const auto in_flight = d.calls.front().call.request;
  static_cast<void>(d.core.handle(in_flight));  // The core has made it; its 201 is under way.
  const auto only = d.core.sessions.begin()->first;

  const auto round_now = [&] {
    AuditRound round(d.settings, d.lookup);
    for (;;) {
      auto turn = round.next(d.now);
      for (const auto& tell : turn.tells)
        d.apply(tell.to, resource::Told{{"audit", "nef"}, "audited", tell.body});
      if (turn.over) return round;
      if (turn.ask) round.answered(d.core.handle(turn.ask->request));
    }
  };
  EXPECT_EQ(round_now().extra(), 0U);
  d.answer(http::Response{
      201, {{"location", "http://c/3gpp-as-session-with-qos/v1/lobo/subscriptions/" + only}}, {}});
  EXPECT_EQ(d.stage(key), "confirmed");
  d.core.sessions.clear();
  EXPECT_EQ(round_now().missing(), 0U) << "confirmed a moment ago: the list may be older";
  EXPECT_EQ(d.audit().missing(), 1U);
}

TEST(audit, that_comes_late_to_a_resource_says_nothing_about_what_happened_since) {
  Audited d;
  const auto key = d.confirmed();
  const auto session = d.session_of(key);
  const auto before = d.lookup.records.at(key);
  const std::vector<std::string> late{R"({"missing":"another"})",
                                      R"({"extra":[")" + session + R"("]})", R"({"extra":[]})",
                                      "{}", "rubbish"};
  for (const auto& body : late) {
    d.apply(key, resource::Told{{"audit", "nef"}, "audited", body});
    EXPECT_EQ(d.lookup.records.at(key), before) << body;
    EXPECT_TRUE(d.calls.empty()) << body;
  }
  d.apply({"unicast", "gone"}, resource::Told{{"audit", "nef"}, "audited", R"({"missing":"x"})"});
  EXPECT_TRUE(d.calls.empty());
}

TEST(audit, whose_question_by_name_is_not_answered_leaves_things_as_they_are) {
  for (const auto& answer : std::vector<Result<http::Response>>{
           fail(Errc::timeout, "lost"), http::Response{500, {}, {}},
           http::Response{200, {}, "no json"}, http::Response{200, {}, "{}"}}) {
    Audited d;
    const auto key = d.confirmed();
    d.apply(key, resource::Told{
                     {"audit", "nef"}, "audited", R"({"missing":")" + d.session_of(key) + R"("})"});
    ASSERT_EQ(d.calls.size(), 1U);
    EXPECT_EQ(d.calls.front().call.name, "verify");
    d.answer(answer);
    EXPECT_EQ(d.stage(key), "confirmed");
    EXPECT_FALSE(d.state(key).verifying);
    EXPECT_TRUE(d.calls.empty());
  }
}

TEST(audit, that_a_restart_interrupts_asks_by_name_again) {
  Audited d;
  const auto key = d.confirmed();
  d.apply(key, resource::Told{
                   {"audit", "nef"}, "audited", R"({"missing":")" + d.session_of(key) + R"("})"});
  d.core.sessions.clear();
  d.calls.clear();
  d.apply(key, resource::Recovered{"verify"});
  d.deliver();
  EXPECT_EQ(d.stage(key), "confirmed");
  EXPECT_EQ(d.core.sessions.size(), 1U);
}

// ---- background data transfer policies ----------------------------------------------------------

struct WithPolicy : Audited {
  WithPolicy() {
    const auto request =
        adapt(R"({"valUeIds":[{"valUeId":"m1"}],"uniQosReq":"video-hd","bdtRefId":"bdt-1",)"
              R"("notifUri":"http://127.0.0.1:9000/n","suppFeat":"1ff0000000000"})");
    deliver();
    EXPECT_EQ(status(request), 201);
    policy = {"applied_bdt", last_key.id + ".e.m1"};
    EXPECT_EQ(core.policies.size(), 1U);
  }
  Key policy;
};

TEST(audit, finds_a_policy_that_the_core_lost_and_it_is_applied_again) {
  WithPolicy d;
  d.core.policies.clear();
  EXPECT_EQ(d.audit().missing(), 1U);
  EXPECT_EQ(d.core.policies.size(), 1U);
  EXPECT_EQ(d.audit().missing(), 0U);
}

TEST(audit, of_a_policy_that_is_not_listed_believes_only_what_is_said_of_its_name) {
  WithPolicy d;
  const auto before = d.lookup.records.at(d.policy).state;
  d.instead = [](const http::Request& request) -> std::optional<Result<http::Response>> {
    if (!request.target.ends_with("/lobo/subscriptions") ||
        !request.target.starts_with("/3gpp-applying-bdt-policy/"))
      return std::nullopt;
    return http::Response{200, {}, "[]"};
  };
  EXPECT_EQ(d.audit().missing(), 1U);
  EXPECT_EQ(d.core.policies.size(), 1U);
  EXPECT_EQ(d.lookup.records.at(d.policy).state, before);
}

TEST(audit, takes_a_policys_name_that_became_anothers_for_a_loss_and_leaves_it_alone) {
  WithPolicy d;
  const auto name = d.core.policies.begin()->first;
  const auto mine = d.core.policies.begin()->second;
  const auto others = *json::merge_patch(mine, R"({"gpsi":"extid-somebody@example.com"})");
  d.core.policies.clear();
  d.core.policies["b99"] = others;
  d.core.policies["b99"].replace(others.find(name), name.size(), "b99");
  d.core.policies[name] = others;
  d.instead = [](const http::Request& request) -> std::optional<Result<http::Response>> {
    if (!request.target.ends_with("/lobo/subscriptions") ||
        !request.target.starts_with("/3gpp-applying-bdt-policy/"))
      return std::nullopt;
    return http::Response{204, {}, {}};
  };
  EXPECT_EQ(d.audit().missing(), 1U);
  EXPECT_EQ(d.core.policies.size(), 3U) << "applied anew, and what is somebody else's is there";
  EXPECT_EQ(d.core.policies.at(name), others);
}

TEST(audit, never_withdraws_a_policy_that_it_does_not_know) {
  WithPolicy d;
  d.core.policies["planted"] = R"({"gpsi":"extid-m1@example.com","bdtRefId":"bdt-1",)"
                               R"("self":"http://core.example/x/subscriptions/planted"})";
  d.audit();
  d.audit();
  EXPECT_EQ(d.core.policies.size(), 2U);
}

TEST(audit, of_a_core_that_does_not_list_policies_goes_on_with_the_rest) {
  WithPolicy d;
  d.instead = [](const http::Request& request) -> std::optional<Result<http::Response>> {
    if (!request.target.starts_with("/3gpp-applying-bdt-policy/")) return std::nullopt;
    return http::Response{501, {}, {}};
  };
  const auto round = d.audit();
  EXPECT_EQ(round.result(), AuditResult::compared);
  EXPECT_EQ(round.missing(), 0U);
}

TEST(audit, of_a_core_without_a_list_ends_without_a_word) {
  for (const int status : {404, 405, 501}) {
    Audited d;
    const auto key = d.confirmed();
    const auto before = d.lookup.records;
    d.instead = [status](const http::Request&) { return http::Response{status, {}, {}}; };
    EXPECT_EQ(d.audit().result(), AuditResult::unsupported);
    EXPECT_EQ(d.lookup.records, before);
    EXPECT_EQ(d.asked.size(), 1U);
  }
}

TEST(audit, that_gets_no_usable_list_fails_and_changes_nothing) {
  for (const auto& answer : std::vector<Result<http::Response>>{
           fail(Errc::timeout, "lost"), http::Response{500, {}, {}}, http::Response{200, {}, "{}"},
           http::Response{200, {}, "[{]"}}) {
    Audited d;
    d.confirmed();
    const auto before = d.lookup.records;
    d.instead = [&](const http::Request&) { return answer; };
    EXPECT_EQ(d.audit().result(), AuditResult::failed);
    EXPECT_EQ(d.lookup.records, before);
  }
}

TEST(audit, of_one_of_ours_without_a_name_judges_nothing) {
  Audited d;
  const auto key = d.confirmed();
  d.core.sessions["s9"] = {"", R"({"notificationDestination":")" + d.uri_of(key) + R"("})"};
  EXPECT_EQ(d.audit().result(), AuditResult::failed);
}

TEST(audit, without_a_store_fails_and_releases_nothing) {
  Audited d;
  d.confirmed();
  d.lookup.broken = true;
  EXPECT_EQ(d.audit().result(), AuditResult::failed);
  EXPECT_EQ(d.core.sessions.size(), 1U);
}

TEST(audit, of_a_list_that_is_too_large_asks_at_the_addresses_of_a_page_at_a_time) {
  Audited d;
  d.settings.limits.audit_page = 1;
  d.create(plain_create);
  const auto one = d.last_key;
  d.create(
      R"({"valTgtUe":{"valUeId":"ue2"},"uniQosReq":"video-hd","notifUri":"http://127.0.0.1:9000/n"})",
      "app2");
  const auto two = d.last_key;
  d.deliver();
  d.plant(d.uri_of(one), "second");
  d.core.sessions.erase(d.session_of(two));
  d.instead = [](const http::Request& request) -> std::optional<Result<http::Response>> {
    if (request.method == "GET" &&
        request.target == "/3gpp-as-session-with-qos/v1/lobo/subscriptions")
      return fail(Errc::too_large, "the answer is too large");
    return std::nullopt;
  };
  const auto round = d.audit();
  EXPECT_EQ(round.result(), AuditResult::in_part);
  EXPECT_EQ(std::ranges::count_if(
                d.asked, [](const auto& text) { return text.find("?ip-addrs=") != text.npos; }),
            2);
  EXPECT_EQ(round.missing(), 1U);
  EXPECT_FALSE(d.core.sessions.contains("second"));
  EXPECT_EQ(d.core.sessions.size(), 2U);
}

TEST(audit, releases_a_bounded_number_of_orphans_in_a_round) {
  Audited d;
  for (std::size_t i = 0; i < audit_orphans_max + 10; ++i)
    d.plant(callback_uri(d.settings, "unicast", "gone" + std::to_string(i), "s"),
            "o" + std::to_string(i));
  EXPECT_EQ(d.audit().released(), audit_orphans_max);
  EXPECT_EQ(d.audit().released(), 10U);
}

}  // namespace
}  // namespace lobo::seal_nrm
