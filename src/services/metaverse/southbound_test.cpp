// What SEALDD is asked for one session, from the first request to the last: golden/N-NAME.json,
// written by hand from TS 29.548 and api/sdd_connections.yaml.

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "api/state/metaverse.hpp"
#include "base/result.hpp"
#include "model/date_time.hpp"
#include "services/metaverse/policy_book.hpp"
#include "services/metaverse/ports.hpp"
#include "services/metaverse/session.hpp"
#include "services/metaverse/southbound_sealdd.hpp"
#include "support/text_file.hpp"
#include "wire/http/message.hpp"
#include "wire/json/json.hpp"
#include "wire/json/value.hpp"
#include "wire/resource/effect.hpp"
#include "wire/resource/machine.hpp"
#include "wire/resource/record.hpp"

namespace lobo::metaverse {
namespace {

class Nothing final : public resource::Lookup {
 public:
  Result<std::optional<resource::Record>> find(const resource::Key& /*key*/) const override {
    return std::optional<resource::Record>();
  }
  Result<std::vector<resource::Record>> list(std::string_view /*kind*/, std::string_view /*owner*/,
                                             std::string_view /*after*/,
                                             std::size_t /*limit*/) const override {
    return std::vector<resource::Record>();
  }
  Result<std::vector<resource::Key>> by_subject(std::string_view /*kind*/,
                                                std::string_view /*subject*/,
                                                std::size_t /*limit*/) const override {
    return std::vector<resource::Key>();
  }
  Result<std::uint64_t> count(std::string_view /*kind*/,
                              std::string_view /*owner*/) const override {
    return std::uint64_t{0};
  }
};

std::string text_of(const std::string& name) {
  return lobo::testing::text_of_file(std::string(LOBO_GOLDEN) + "/" + name);
}

/// Members in one order, whatever order they were written in.
json::Value sorted(json::Value value) {
  if (auto* object = std::get_if<json::Value::Object>(&value.held)) {
    for (auto& member : *object) member.value = sorted(std::move(member.value));
    std::ranges::sort(*object, {}, &json::Member::name);
  } else if (auto* array = std::get_if<json::Value::Array>(&value.held)) {
    for (auto& item : *array) item = sorted(std::move(item));
  }
  return value;
}
std::string canonical(const std::string& text) {
  const auto value = json::parse(text);
  EXPECT_TRUE(value) << text;
  return value ? json::to_text(sorted(*value)) : std::string();
}

/// One session and the calls that it makes.
class Session {
 public:
  Session() : policies_(settings_), machine_(settings_, policies_) {
    settings_.api_root = settings_.callback_base = "http://mm.example";
    api::state::metaverse::PolicyState policy;
    policy.text = text_of("policy.json");
    policy.owner = "val";
    policies_.put("p1", json::write(policy));
  }

  void step(const resource::Event& event) {
    auto outcome =
        machine_.step(record_ ? &*record_ : nullptr, {"mm_session", "s1"}, event, now, lookup_);
    ASSERT_TRUE(outcome) << outcome.error().detail;
    if (outcome->change == resource::Change::put)
      record_ = resource::Record{
          {"mm_session", "s1"}, outcome->owner, outcome->subject, 1, outcome->state};
    if (outcome->change == resource::Change::erase) record_.reset();
    for (auto& effect : outcome->effects) {
      if (auto* call = std::get_if<resource::CallNetwork>(&effect))
        calls.push_back(std::move(*call));
      if (auto* reply = std::get_if<resource::Reply>(&effect))
        replies.push_back(std::move(reply->response));
    }
  }
  void command(std::string operation, http::Request request) {
    step(resource::Command{1, std::move(operation), std::move(request), {"val", {}}, "secret"});
  }
  void answer(int status, std::string body, std::string location = {}) {
    ASSERT_FALSE(calls.empty());
    http::Response response{status, {}, std::move(body)};
    if (!location.empty()) response.headers.add("location", std::move(location));
    const auto name = calls.front().name;
    calls.pop_front();
    step(resource::NetworkAnswer{name, std::move(response)});
  }
  void expect(const std::string& file) {
    ASSERT_FALSE(calls.empty()) << file;
    const auto& request = calls.front().request;
    const auto wanted = text_of(file);
    const auto line = wanted.find('\n');
    EXPECT_EQ(request.method + ' ' + request.target, wanted.substr(0, line));
    EXPECT_EQ(canonical(request.body), canonical(wanted.substr(line + 1)));
    EXPECT_EQ(request.headers.find("content-type"),
              request.method == "PATCH" ? "application/merge-patch+json" : "application/json");
  }
  void expect_bare(const std::string& line) {
    ASSERT_FALSE(calls.empty()) << line;
    EXPECT_EQ(calls.front().request.method + ' ' + calls.front().request.target, line);
    EXPECT_TRUE(calls.front().request.body.empty());
  }
  bool gone() const { return !record_; }

  std::deque<resource::CallNetwork> calls;
  std::vector<http::Response> replies;
  Instant now = *model::parse_date_time("2026-11-22T12:00:00Z");

 private:
  Settings settings_;
  PolicyBook policies_;
  SessionMachine machine_;
  Nothing lookup_;
  std::optional<resource::Record> record_;
};

std::string connection(std::string_view state) {
  return R"({"self":"http://sealdd/c%2F1","connectionId":"c/1","room":"s1","valServiceId":"xr.meet",)"
         R"("valServerId":"val-srv-1","valTargetUe":{"valUeId":"ue-17"},"expTime":"2026-11-22T13:00:00Z",)"
         R"("state":")" +
         std::string(state) +
         R"(","flows":{"urn:mdrb:blk7:avatar:alice":{"direction":"BIDI","flowIds":[4],"alias":1,)"
         R"("state":"UP"}}})";
}

TEST(mm_southbound, one_session_asks_for_what_was_written_by_hand_and_gives_all_of_it_back) {
  Session s;
  s.command("CreateSyncSession",
            {.method = "POST", .target = "/", .body = text_of("session.json")});
  s.expect("1-connect.json");
  EXPECT_TRUE(s.replies.empty());  // Nothing is granted before SEALDD has said so.
  s.answer(201, connection("CONNECTING"));
  ASSERT_EQ(s.replies.size(), 1U);
  EXPECT_EQ(s.replies.back().status, 201) << s.replies.back().body;
  s.expect("2-policy.json");
  s.answer(201, "{}", "http://sealdd/sdd-pc/v1/configurations/p9");
  s.expect("3-measure.json");
  s.answer(201, "{}", "http://sealdd/sdd-tqm/v1/subscriptions/m9");
  EXPECT_TRUE(s.calls.empty());

  http::Request report;
  report.target = "/mm-cb/v1/sessions/s1/1/secret/measurements";
  report.body = R"({"reports":[{"measData":{"avgPackLossRate":21}}]})";
  for (int i = 0; i < 2; ++i) s.step(resource::Callback{2, "secret", report});
  s.expect("4-change.json");
  s.answer(200, connection("ESTABLISHED"));
  EXPECT_TRUE(s.calls.empty());

  s.command("DeleteSyncSession", {.method = "DELETE", .target = "/"});
  s.expect_bare("DELETE /sdd-tqm/v1/subscriptions/m9");
  s.answer(204, "");
  s.expect_bare("DELETE /sdd-pc/v1/configurations/p9");
  s.answer(404, "");  // Gone is gone.
  s.expect_bare("DELETE /sdd-trans/v1/connections/c%2F1");
  s.answer(204, "");
  EXPECT_TRUE(s.calls.empty());
  EXPECT_EQ(s.replies.back().status, 204);
  s.step(resource::TimerFired{"retained"});
  EXPECT_TRUE(s.gone());
}

TEST(mm_southbound, a_request_whose_answer_was_lost_is_repeated_to_the_letter) {
  Session s;
  s.command("CreateSyncSession",
            {.method = "POST", .target = "/", .body = text_of("session.json")});
  const auto first = s.calls.front().request;
  s.answer(503, "");
  EXPECT_TRUE(s.calls.empty());
  s.now += std::chrono::minutes{1};  // Else the lifetime that is asked for would be the same.
  s.step(resource::TimerFired{"retry:1"});
  ASSERT_EQ(s.calls.size(), 1U);
  EXPECT_EQ(s.calls.front().request, first);
  EXPECT_TRUE(first.headers.find("idempotency-key"));
}

TEST(mm_southbound, an_answer_means_one_of_five_things) {
  const auto verdict = [](int status, http::Headers headers = {}) {
    return heard(http::Response{status, std::move(headers), {}}).verdict;
  };
  EXPECT_EQ(verdict(200), Verdict::done);
  EXPECT_EQ(verdict(204), Verdict::done);
  EXPECT_EQ(verdict(404), Verdict::gone);
  EXPECT_EQ(verdict(403), Verdict::refused);
  EXPECT_EQ(verdict(409), Verdict::refused);
  EXPECT_EQ(verdict(409, {{"retry-after", "1"}}), Verdict::unknown);
  EXPECT_EQ(verdict(429), Verdict::unknown);
  EXPECT_EQ(verdict(503), Verdict::unknown);
  EXPECT_EQ(heard(fail(Errc::timeout, "")).verdict, Verdict::unknown);
  EXPECT_EQ(heard(fail(Errc::too_many, "")).verdict, Verdict::unsent);
}

}  // namespace
}  // namespace lobo::metaverse
