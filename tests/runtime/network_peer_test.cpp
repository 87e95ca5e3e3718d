#include "runtime/network_peer.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/result.hpp"
#include "base/rng.hpp"
#include "runtime/ports.hpp"
#include "sim/network.hpp"
#include "sim/observers.hpp"
#include "wire/http/message.hpp"
#include "world.hpp"

namespace lobo::runtime {
namespace {

using namespace std::chrono_literals;

class NetworkPeerTest : public testing::Test {
 public:
  NetworkPeerTest() { network.attach("nef", &nef); }
  std::shared_ptr<std::optional<Result<http::Response>>> send(std::string method = "GET") {
    return send_to(peer, std::move(method));
  }
  std::shared_ptr<std::optional<Result<http::Response>>> send_to(NetworkPeer& to,
                                                                 std::string method = "GET") {
    auto answer = std::make_shared<std::optional<Result<http::Response>>>();
    http::Request request;
    request.method = std::move(method);
    request.target = "/x";
    to.send(std::move(request), 1000ms,
            [answer](Result<http::Response> response) { *answer = std::move(response); });
    loop.run_until([&] { return answer->has_value(); }, 10s);
    return answer;
  }
  SeededRng rng{1};
  sim::SimLoop loop;
  sim::SimNetwork network{loop, rng};
  sim::SimMetrics metrics;
  Party nef, other;
  std::unique_ptr<HttpClient> client = network.client("server");
  NetworkPeer peer{PeerConfig{"nef", "http", "nef", "/core", {}}, *client, nullptr, loop, metrics};
};

TEST_F(NetworkPeerTest, a_dead_peer_costs_nothing_while_the_breaker_is_open_and_is_probed_later) {
  nef.answer = [](const http::Request&) { return http::Response{500, {}, {}}; };
  for (unsigned i = 0; i < breaker_failures_max; ++i) send();
  const auto seen = nef.seen.size();
  EXPECT_EQ((*send())->error().code, Errc::too_many);  // Says: it was certainly not sent.
  EXPECT_EQ(nef.seen.size(), seen);
  loop.run_for(breaker_open_first);
  nef.answer = [](const http::Request&) { return http::Response{200, {}, {}}; };
  EXPECT_EQ((**send())->status, 200);
  EXPECT_EQ((**send())->status, 200);
}

TEST_F(NetworkPeerTest, a_refusal_is_an_answer_and_does_not_open_the_breaker) {
  nef.answer = [](const http::Request&) { return http::Response{403, {}, {}}; };
  for (unsigned i = 0; i < breaker_failures_max * 2; ++i) EXPECT_EQ((**send())->status, 403);
}

TEST_F(NetworkPeerTest, what_is_said_of_one_subscriber_does_not_open_the_breaker_for_all) {
  PeerConfig config{"nef", "http", "nef", "/core", {}};
  config.answers_all_the_same = [](const http::Response& response) {
    return response.body == "absent";
  };
  NetworkPeer patient{std::move(config), *client, nullptr, loop, metrics};
  nef.answer = [](const http::Request&) { return http::Response{500, {}, "absent"}; };
  for (unsigned i = 0; i < breaker_failures_max * 2; ++i)
    EXPECT_EQ((**send_to(patient))->status, 500);
  nef.answer = [](const http::Request&) { return http::Response{500, {}, "broken"}; };
  for (unsigned i = 0; i < breaker_failures_max; ++i) EXPECT_EQ((**send_to(patient))->status, 500);
  EXPECT_EQ((*send_to(patient))->error().code, Errc::too_many);
}

TEST_F(NetworkPeerTest, a_redirect_is_followed_within_the_configured_hosts_only) {
  network.attach("evil", &other);
  nef.answer = [](const http::Request& request) {
    if (request.target == "/core/x")
      return http::Response{307, {{"location", "http://nef/core/y"}}, {}};
    return http::Response{200, {}, "here"};
  };
  EXPECT_EQ((**send())->body, "here");
  nef.answer = [](const http::Request&) {
    return http::Response{307, {{"location", "http://evil/"}}, {}};
  };
  EXPECT_EQ((*send())->error().code, Errc::unavailable);
  EXPECT_TRUE(other.seen.empty());
}

TEST_F(NetworkPeerTest, a_redirect_that_never_ends_is_left_after_three_hops) {
  nef.answer = [](const http::Request&) {
    return http::Response{308, {{"location", "/core/x"}}, {}};
  };
  EXPECT_EQ((*send())->error().code, Errc::unavailable);
  EXPECT_EQ(nef.seen.size(), 4U);
}

TEST_F(NetworkPeerTest, only_harmless_methods_are_repeated_and_only_within_the_budget) {
  network.attach("nef", nullptr);
  send("POST");
  const double posts = metrics.total("lobo_network_calls_total");
  EXPECT_EQ(posts, 1.0);
  int attempts = 0;
  network.watch([&](const sim::Passed& passed) { attempts += passed.request == nullptr ? 1 : 0; });
  send("GET");
  EXPECT_EQ(attempts, 2);
  attempts = 0;
  send("POST");
  EXPECT_EQ(attempts, 1);
}

struct Tokens final : TokenProvider {
  int renewals = 0;
  void authorization(bool renew, std::function<void(Result<std::string>)> done) override {
    renewals += renew ? 1 : 0;
    done("Bearer t" + std::to_string(renewals));
  }
};

TEST_F(NetworkPeerTest, a_refused_token_is_renewed_once_and_never_shown_to_another_host) {
  Tokens tokens;
  NetworkPeer with_token{PeerConfig{"nef", "http", "nef", "", {"other"}}, *client, &tokens, loop,
                         metrics};
  network.attach("other", &other);
  nef.answer = [](const http::Request& request) {
    if (request.headers.find("authorization") == "Bearer t0") return http::Response{401, {}, {}};
    return http::Response{307, {{"location", "http://other/z"}}, {}};
  };
  bool done = false;
  with_token.send({.method = "GET", .target = "/x"}, 1000ms, [&](Result<http::Response> response) {
    EXPECT_EQ(response->status, 200);
    done = true;
  });
  loop.run_until([&] { return done; }, 5s);
  EXPECT_TRUE(done);
  EXPECT_EQ(tokens.renewals, 1);
  ASSERT_EQ(other.seen.size(), 1U);
  EXPECT_FALSE(other.seen[0].headers.find("authorization"));
}

}  // namespace
}  // namespace lobo::runtime
