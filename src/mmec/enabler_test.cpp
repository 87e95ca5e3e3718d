// What a session asks of the enabler, and what it makes of the answers.

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/mm_das.hpp"
#include "base/result.hpp"
#include "mmec/session.hpp"
#include "mmec/session_test_support.hpp"
#include "mmec/types.hpp"
#include "relay/report.hpp"
#include "wire/http/message.hpp"
#include "wire/json/json.hpp"
#include "wire/sdd/token.hpp"
#include "wire/sdd/types.hpp"

namespace lobo::mmec {
namespace {

using namespace std::chrono_literals;
using test::Lab;
using test::octets;
using test::Ue;

/// An enabler with one session, as far as its client sees it.
struct Mmes {
  explicit Mmes(Lab& of) : lab(of) {
    lab.enabler = [this](const http::Request& request) { return answer(request); };
  }

  std::string granted(const std::string& ue) {
    const auto token = lab.token(ue, {Lab::publishes(1), Lab::sees(1)}, life);
    return R"({"assetId":"urn:asset:1","hostUe":{"valUeId":")" + ue +
           R"("},"decision":"ACCEPT","tier":0,"token":")" + sdd::token_text(token) +
           R"(","ddServerConnInfo":{"ipv4Addr":"127.0.0.1","port":)" + std::to_string(port) + "}}";
  }
  http::Response session(int status = 200) {
    std::string all;
    for (const auto& ue : ues) all += (all.empty() ? "" : ",") + granted(ue);
    return {
        status,
        {},
        R"({"self":"http://mm.example/mm-das/v1/sessions/s1","sessionId":"s1","state":")" + state +
            R"(","rev":1,"valServiceId":"v","requesterId":"r","assets":[{"assetId":"urn:asset:1",)"
            R"("serverEp":{"id":"s"},"clientEp":{"id":"c"},"hostUe":{"valUeId":"ue1"},"qos":{}}],"granted":[)" +
            all + "]}"};
  }
  static http::Response problem(int status, std::string_view cause, std::string_view detail) {
    return {status,
            {},
            R"({"status":)" + std::to_string(status) + R"(,"cause":")" + std::string(cause) +
                R"(","detail":")" + std::string(detail) +
                R"(","invalidParams":[{"param":"/assets/0/qos","reason":"too much"}]})"};
  }
  Result<http::Response> answer(const http::Request& request) {
    if (next) return std::exchange(next, {})(request);
    if (request.target.starts_with("/mm-pol/v1/policies"))
      return http::Response{200, {}, R"({"items":[)" + policies + "]}"};
    if (request.method == "POST") {
      ues = {"ue1"};
      return session(201);
    }
    if (request.method == "PUT") {
      ues.emplace_back("ue1");
      return http::Response{200, {}, granted("ue1")};
    }
    if (request.method == "DELETE") return http::Response{204, {}, {}};
    return session();
  }

  Lab& lab;
  std::vector<std::string> ues{"somebody"};
  std::string policies;
  std::string state = "CONNECTING";
  std::chrono::seconds life{3600};
  std::uint16_t port = 4001;
  std::function<Result<http::Response>(const http::Request&)> next;
};

Settings settings_of() {
  Settings out;
  out.api_root = "http://mm.example/";
  out.authorization = "secret";
  out.ue = "ue1";
  out.room = "hall";
  out.assets.push_back({.asset = "urn:asset:1", .asset_class = "avatar"});
  return out;
}

std::size_t asked(const Ue& ue, std::string_view method, std::string_view target = "") {
  return static_cast<std::size_t>(std::ranges::count_if(ue.asked, [&](const http::Request& one) {
    return one.method == method && one.target.find(target) != std::string::npos;
  }));
}

TEST(mmec_enabler, asks_for_a_session_and_goes_where_it_is_sent) {
  Lab lab;
  const Mmes mmes(lab);
  Ue& alice = lab.begin(lab.add(settings_of()));
  lab.run_for(1s);
  EXPECT_EQ(alice.session.phase(), Phase::up);
  EXPECT_EQ(alice.session.id(), "s1");
  ASSERT_EQ(alice.asked.size(), 2U);
  EXPECT_EQ(alice.asked[0].target, "/mm-pol/v1/policies?limit=100");
  EXPECT_EQ(alice.asked[1].headers.find("authorization"), "Bearer secret");
  EXPECT_GE(alice.asked[1].headers.find("idempotency-key")->size(), 16U);
  const auto body = json::read<api::mm_das::SyncSessionReq>(alice.asked[1].body);
  ASSERT_TRUE(body) << body.error().detail;
  EXPECT_EQ(body->room, "hall");
  EXPECT_EQ(body->assets.at(0).host_ue.val_ue_id, "ue1");
}

TEST(mmec_enabler, what_was_not_answered_is_asked_again_with_the_same_key) {
  Lab lab;
  Mmes mmes(lab);
  int calls = 0;
  lab.enabler = [&](const http::Request& request) -> Result<http::Response> {
    if (request.method == "POST" && ++calls < 3) {
      if (calls == 1) return fail(Errc::timeout, "no answer in time");
      return Mmes::problem(503, "CONGESTION", "later");
    }
    return mmes.answer(request);
  };
  Ue& alice = lab.begin(lab.add(settings_of()));
  lab.run_for(5s);
  EXPECT_EQ(alice.session.phase(), Phase::up);
  ASSERT_EQ(asked(alice, "POST"), 3U);
  std::vector<std::string> keys;
  for (const auto& one : alice.asked)
    if (one.method == "POST") keys.emplace_back(*one.headers.find("idempotency-key"));
  EXPECT_EQ(keys[0], keys[1]);
  EXPECT_EQ(keys[0], keys[2]);
  const auto& told = *alice.last(EventKind::refused)->error;
  EXPECT_NE(told.detail.find("POST /mm-das/v1/sessions: 503 CONGESTION: later"), std::string::npos);
  EXPECT_EQ(told.faults.at(0).where, "/assets/0/qos");
}

TEST(mmec_enabler, a_refusal_for_good_ends_it_and_says_which_member_was_wrong) {
  Lab lab;
  Mmes mmes(lab);
  lab.enabler = [&](const http::Request& request) -> Result<http::Response> {
    if (request.method == "POST") return Mmes::problem(422, "QOS_NOT_SUPPORTABLE", "at most 30 Hz");
    return mmes.answer(request);
  };
  Ue& alice = lab.begin(lab.add(settings_of()));
  lab.run_for(1s);
  EXPECT_EQ(alice.session.phase(), Phase::ended);
  const auto& why = *alice.last(EventKind::ended)->error;
  EXPECT_EQ(why.code, Errc::refused);
  EXPECT_NE(why.detail.find("QOS_NOT_SUPPORTABLE"), std::string::npos);
  EXPECT_EQ(why.faults.at(0).where, "/assets/0/qos");
  EXPECT_EQ(asked(alice, "POST"), 1U);
}

TEST(mmec_enabler, a_policy_that_denies_is_heeded_before_anything_is_asked_for) {
  Lab lab;
  Mmes mmes(lab);
  mmes.policies =
      R"({"self":"http://mm.example/p","policyId":"p7","version":3,"match":{"assetIds":["urn:asset:1"]},"effect":"DENY"})";
  Ue& alice = lab.begin(lab.add(settings_of()));
  lab.run_for(1s);
  EXPECT_EQ(alice.session.phase(), Phase::ended);
  EXPECT_EQ(asked(alice, "POST"), 0U);
  const auto& why = *alice.last(EventKind::ended)->error;
  ASSERT_EQ(why.faults.size(), 1U);
  EXPECT_EQ(why.faults[0].where, "/assets/0");
  EXPECT_EQ(why.faults[0].reason, "urn:asset:1: POLICY_DENIED by p7@3");
}

TEST(mmec_enabler, a_permission_here_only_ever_tightens_what_is_granted) {
  Lab lab;
  Mmes mmes(lab);
  mmes.policies =
      R"({"self":"http://mm.example/p","policyId":"p7","version":3,"match":{"assetIds":["urn:asset:1"]},)"
      R"("permission":{"publish":5,"subscribe":5}})";
  Ue& alice = lab.begin(lab.add(settings_of()));
  lab.run_for(1s);
  ASSERT_EQ(alice.session.phase(), Phase::up);
  const auto body = json::read<api::mm_das::SyncSessionReq>(alice.asked.back().body);
  ASSERT_TRUE(body);
  EXPECT_EQ(body->assets.at(0).components, 5);
  EXPECT_TRUE(alice.session.publish(0, 2, octets("x"), {}, lab.now()));
  // The token allows it, and the policy here does not.
  EXPECT_EQ(alice.session.publish(0, 1, octets("x"), {}, lab.now()).error().code, Errc::forbidden);
}

TEST(mmec_enabler, who_may_not_see_policies_asks_all_the_same) {
  Lab lab;
  Mmes mmes(lab);
  mmes.next = [](const http::Request&) { return Mmes::problem(403, "FORBIDDEN", "not yours"); };
  Ue& alice = lab.begin(lab.add(settings_of()));
  lab.run_for(1s);
  EXPECT_EQ(alice.session.phase(), Phase::up);
}

TEST(mmec_enabler, who_joins_brings_its_asset_along_and_takes_it_away_again) {
  Lab lab;
  const Mmes mmes(lab);
  auto settings = settings_of();
  settings.session = "s1";
  Ue& alice = lab.begin(lab.add(std::move(settings)));
  lab.run_for(1s);
  EXPECT_EQ(alice.session.phase(), Phase::up);
  EXPECT_EQ(asked(alice, "POST"), 0U);
  EXPECT_EQ(asked(alice, "PUT", "/mm-das/v1/sessions/s1/assets/urn%3Aasset%3A1"), 1U);
  alice.session.leave(false, lab.now());
  lab.run_for(1s);
  EXPECT_EQ(alice.session.phase(), Phase::ended);
  EXPECT_EQ(asked(alice, "DELETE", "/assets/urn%3Aasset%3A1?ue-id=ue1"), 1U);
  EXPECT_EQ(asked(alice, "DELETE"), 1U) << "the session is the others' as well";
}

TEST(mmec_enabler, a_session_that_was_ended_by_somebody_ends_here) {
  Lab lab;
  Mmes mmes(lab);
  Ue& alice = lab.begin(lab.add(settings_of()));
  lab.run_for(1s);
  mmes.state = "RELEASED";
  for (const sdd::FlowId flow : {10U, 19U})
    ASSERT_TRUE(lab.node().relay->take(relay::ReleaseFlow{flow}, lab.now()));
  lab.run_for(1s);
  EXPECT_EQ(alice.session.phase(), Phase::ended);
  EXPECT_EQ(alice.last(EventKind::ended)->error->code, Errc::not_found);
}

TEST(mmec_enabler, a_later_token_is_fetched_and_shown_before_the_first_one_ends) {
  Lab lab;
  Mmes mmes(lab);
  mmes.life = 10s;
  Ue& alice = lab.begin(lab.add(settings_of()));
  lab.run_for(60s);
  EXPECT_EQ(alice.session.phase(), Phase::up);
  EXPECT_EQ(alice.session.stats().connections, 1U);
  EXPECT_EQ(alice.count(EventKind::down), 0U);
  EXPECT_EQ(lab.node().relay->flows(), 2U);
  EXPECT_GE(asked(alice, "GET", "/sessions/s1"), 6U);
  EXPECT_LE(asked(alice, "GET", "/sessions/s1"), 16U);
}

TEST(mmec_enabler, a_node_that_stays_away_is_asked_for_at_the_enabler) {
  Lab lab;
  Mmes mmes(lab);
  auto& second = lab.node("node-2", 4002);
  Ue& alice = lab.begin(lab.add(settings_of()));
  lab.run_for(1s);
  lab.kill(lab.node());
  mmes.port = 4002;
  mmes.next = {};
  // The room is at the second node now, and so are its tokens.
  lab.enabler = [&](const http::Request& request) -> Result<http::Response> {
    auto answer = mmes.answer(request);
    if (request.method == "GET" && request.target.find("/sessions/") != std::string::npos) {
      const auto token =
          sdd::token_text(lab.token("ue1", {Lab::publishes(1), Lab::sees(1)}, 3600s, &second));
      const auto at = answer->body.find(R"("token":")") + 9;
      answer->body.replace(at, answer->body.find('"', at) - at, token);
    }
    return answer;
  };
  lab.run_for(30s);
  EXPECT_EQ(alice.session.phase(), Phase::up);
  EXPECT_EQ(second.relay->flows(), 2U);
  EXPECT_EQ(asked(alice, "POST"), 1U) << "it is the same session";
}

TEST(mmec_enabler, answers_that_are_no_answers_end_it_with_their_fault) {
  for (const auto* body : {"", "{", "[]", R"({"sessionId":"s1"})"}) {
    Lab lab;
    Mmes mmes(lab);
    lab.enabler = [&](const http::Request& request) -> Result<http::Response> {
      if (request.method == "POST") return http::Response{201, {}, body};
      return mmes.answer(request);
    };
    Ue& alice = lab.begin(lab.add(settings_of()));
    lab.run_for(1s);
    EXPECT_EQ(alice.session.phase(), Phase::ended) << body;
    ASSERT_TRUE(alice.last(EventKind::ended)->error);
  }
}

TEST(mmec_enabler, settings_that_contradict_themselves_are_refused_with_all_their_members) {
  Lab lab;
  Settings settings;
  settings.api_root = "mm.example";
  settings.assets.resize(1);
  Ue& alice = lab.add(std::move(settings));
  const auto begun = alice.session.start(lab.now());
  ASSERT_FALSE(begun);
  std::vector<std::string> where;
  for (const auto& fault : begun.error().faults) where.push_back(fault.where);
  EXPECT_EQ(where, (std::vector<std::string>{"/api_root", "/ue", "/assets/0"}));
}

}  // namespace
}  // namespace lobo::mmec
