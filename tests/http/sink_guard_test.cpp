// Whoever names a sink must not use us to reach what only we can reach (server-side request
// forgery): the notifier, the HTTP client and the policy together, over real sockets. 127.0.0.2
// stands for the public Internet, every other loopback address for what is forbidden.

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/http/client.hpp"
#include "adapters/http/loop.hpp"
#include "adapters/http/server.hpp"
#include "base/rng.hpp"
#include "runtime/notifier.hpp"
#include "runtime/ports.hpp"
#include "sim/observers.hpp"
#include "sim/store.hpp"
#include "wire/http/message.hpp"
#include "wire/http/ssrf.hpp"
#include "wire/http/url.hpp"
#include "wire/resource/effect.hpp"

namespace lobo::adapters {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view open_address = "127.0.0.2";
constexpr std::string_view forbidden_address = "127.0.0.1";
constexpr auto patience = 20s;
constexpr int ports_tried_max = 20;

/// A server that remembers what came and answers as it is told.
struct Place : runtime::HttpHandler {
  void handle(http::Request request, ReplyFn reply) override {
    targets.push_back(request.target);
    reply(answer);
  }
  http::Response answer{204, {}, {}};
  std::vector<std::string> targets;
};

class SinkGuard : public testing::Test {
 protected:
  SinkGuard() : store(loop), rng(1) {
    // Both on one port, so that a name leads to either by its address alone.
    for (int tried = 0; tried < ports_tried_max && !forbidden; ++tried) {
      open = listening(open_address, 0, public_place);
      if (open) forbidden = listening(forbidden_address, open->port(), secret_place);
    }
  }

  void SetUp() override { ASSERT_TRUE(open && forbidden); }

  /// Delivers to `uri` until it has arrived or is given up; whether it arrived.
  bool delivered(const std::string& uri) {
    if (!notifier) start();
    const auto parked_before = parked();
    const auto counted_before = metrics.total("lobo_notifications_total");
    resource::Notify notify{.to = uri, .sequence = ++last_id, .body = "{}", .clause = {}};
    notifier->enqueue(
        {.id = last_id, .of = {"unicast", "u" + std::to_string(last_id)}, .what = notify});
    run_until([this] { return notifier->pending() == 0; });
    // Delivered or parked, each counted once; what is tried again is counted as well.
    EXPECT_EQ(metrics.total("lobo_notifications_total") - counted_before, 1) << uri;
    return parked() == parked_before;
  }

  void run_until(const std::function<bool()>& reached) {
    const auto timer = loop.after(patience, [this] { loop.stop(); });
    const std::function<void()> look = [&] {
      if (reached()) return loop.stop();
      loop.after(1ms, look);
    };
    loop.post(look);
    loop.run();
    loop.cancel(timer);
    EXPECT_TRUE(reached());
  }

  void expect_nobody_at_the_forbidden_place() const {
    EXPECT_TRUE(secret_place.targets.empty());
    EXPECT_EQ(forbidden->counters().connections_accepted, 0U);
  }

  std::string at(std::string_view host, std::string_view path = "/n") const {
    return "http://" + std::string(host) + ':' + std::to_string(open->port()) + std::string(path);
  }

  /// Answers each look-up with the next of `script`, the last one again and again.
  void resolve_by(std::deque<std::vector<std::string>> answers) {
    script = std::move(answers);  // Not in the function itself: each connection has a copy of it.
    config.resolve = [this](const std::string&, const auto& found) {
      ++looked_up;
      found(script.front());
      if (script.size() > 1) script.pop_front();
    };
  }

  EventLoop loop;
  Place public_place, secret_place;
  std::unique_ptr<HttpServer> open, forbidden;
  ClientConfig config;
  std::unique_ptr<HttpClient> client;
  std::deque<std::vector<std::string>> script;
  int looked_up = 0;

 private:
  std::unique_ptr<HttpServer> listening(std::string_view address, std::uint16_t port,
                                        Place& place) {
    ServerConfig server;
    server.address = address;
    server.port = port;
    auto made = std::make_unique<HttpServer>(loop, std::move(server), place);
    if (!made->listen()) return nullptr;
    return made;
  }

  void start() {
    policy = *http::SinkPolicy::from({std::string(open_address)}, false);
    config.admits = [this](std::string_view host, std::string_view address) {
      return policy.admits(host, address);
    };
    client = std::make_unique<HttpClient>(loop, config);
    notifier = std::make_unique<runtime::Notifier>(
        store, loop, *client, rng, log, metrics,
        [this](const http::Url& url) { return policy.check(url); });
  }

  std::ptrdiff_t parked() const {
    return std::ranges::count(log.events(), "notification_parked", &sim::SimLog::Event::name);
  }

  sim::SimStore store;
  SeededRng rng;
  sim::SimLog log;
  sim::SimMetrics metrics;
  http::SinkPolicy policy;
  std::unique_ptr<runtime::Notifier> notifier;
  std::uint64_t last_id = 0;
};

// ---- what is written in the URI ---------------------------------------------------------------

TEST_F(SinkGuard, an_open_address_is_reached) {
  EXPECT_TRUE(delivered(at(open_address)));
  EXPECT_EQ(public_place.targets, std::vector<std::string>{"/n"});
}

TEST_F(SinkGuard, a_forbidden_address_is_not_reached_in_its_usual_form) {
  EXPECT_FALSE(delivered(at(forbidden_address)));
  EXPECT_FALSE(delivered(at("[::1]")));
  EXPECT_FALSE(delivered(at("0.0.0.0")));
  expect_nobody_at_the_forbidden_place();
}

TEST_F(SinkGuard, a_decimal_ipv4_address_does_not_lead_to_a_forbidden_place) {
  EXPECT_FALSE(delivered(at("2130706433")));
  expect_nobody_at_the_forbidden_place();
}

TEST_F(SinkGuard, an_octal_ipv4_address_does_not_lead_to_a_forbidden_place) {
  EXPECT_FALSE(delivered(at("0177.0.0.1")));
  EXPECT_FALSE(delivered(at("017700000001")));
  EXPECT_FALSE(delivered(at("127.0.0.01")));
  expect_nobody_at_the_forbidden_place();
}

TEST_F(SinkGuard, a_hexadecimal_ipv4_address_does_not_lead_to_a_forbidden_place) {
  EXPECT_FALSE(delivered(at("0x7f000001")));
  EXPECT_FALSE(delivered(at("0x7f.0.0.1")));
  EXPECT_FALSE(delivered(at("0x7F.1")));
  expect_nobody_at_the_forbidden_place();
}

TEST_F(SinkGuard, a_short_ipv4_address_does_not_lead_to_a_forbidden_place) {
  EXPECT_FALSE(delivered(at("127.1")));
  EXPECT_FALSE(delivered(at("0")));
  expect_nobody_at_the_forbidden_place();
}

TEST_F(SinkGuard, an_ipv6_mapped_ipv4_address_does_not_lead_to_a_forbidden_place) {
  EXPECT_FALSE(delivered(at("[::ffff:127.0.0.1]")));
  EXPECT_FALSE(delivered(at("[::ffff:7f00:1]")));
  EXPECT_FALSE(delivered(at("[0:0:0:0:0:FFFF:7F00:0001]")));
  EXPECT_FALSE(delivered(at("[::127.0.0.1]")));
  expect_nobody_at_the_forbidden_place();
}

TEST_F(SinkGuard, an_address_behind_user_information_does_not_mislead) {
  EXPECT_FALSE(delivered(at("127.0.0.2@127.0.0.1")));
  EXPECT_FALSE(delivered(at("127.0.0.2%2f@127.0.0.1")));
  expect_nobody_at_the_forbidden_place();
}

// ---- what a name leads to ---------------------------------------------------------------------

TEST_F(SinkGuard, a_name_of_this_machine_does_not_lead_to_it) {
  EXPECT_FALSE(delivered(at("localhost")));
  EXPECT_FALSE(delivered(at("LOCALHOST.")));
  expect_nobody_at_the_forbidden_place();
}

TEST_F(SinkGuard, a_name_that_resolves_to_a_forbidden_address_is_not_connected_to) {
  resolve_by({{std::string(forbidden_address)}});
  EXPECT_FALSE(delivered(at("inner.example")));
  EXPECT_EQ(looked_up, 1);
  expect_nobody_at_the_forbidden_place();
}

TEST_F(SinkGuard, a_name_that_also_leads_to_a_forbidden_address_is_refused_as_a_whole) {
  resolve_by({{std::string(open_address), "::ffff:127.0.0.1"}});
  EXPECT_FALSE(delivered(at("both.example")));
  EXPECT_TRUE(public_place.targets.empty());
  expect_nobody_at_the_forbidden_place();
}

TEST_F(SinkGuard, a_name_rebound_after_the_check_is_still_connected_to_at_the_address_checked) {
  resolve_by({{std::string(open_address)}, {std::string(forbidden_address)}});
  EXPECT_TRUE(delivered(at("rebind.example")));
  EXPECT_EQ(looked_up, 1);  // Resolved once: what was checked is what was connected to.
  EXPECT_EQ(public_place.targets.size(), 1U);
  EXPECT_TRUE(delivered(at("rebind.example", "/again")));  // Over the same connection.
  EXPECT_EQ(looked_up, 1);
  EXPECT_EQ(public_place.targets.size(), 2U);
  expect_nobody_at_the_forbidden_place();
}

TEST_F(SinkGuard, a_name_rebound_between_two_connections_is_checked_again) {
  config.limits.idle_timeout = 1ms;
  resolve_by({{std::string(open_address)}, {std::string(forbidden_address)}});
  EXPECT_TRUE(delivered(at("rebind.example")));
  run_until([this] { return client->connections() == 0; });
  EXPECT_FALSE(delivered(at("rebind.example", "/again")));
  EXPECT_EQ(looked_up, 2);
  EXPECT_EQ(public_place.targets.size(), 1U);
  expect_nobody_at_the_forbidden_place();
}

// ---- where a sink sends us --------------------------------------------------------------------

TEST_F(SinkGuard, a_redirect_to_a_forbidden_address_is_not_followed) {
  for (const int status : {307, 308}) {
    public_place.answer = {status, {{"location", at(forbidden_address, "/secret")}}, {}};
    EXPECT_FALSE(delivered(at(open_address)));
  }
  EXPECT_EQ(public_place.targets.size(), 2U);
  expect_nobody_at_the_forbidden_place();
}

TEST_F(SinkGuard, a_redirect_to_a_name_of_a_forbidden_address_is_not_followed) {
  resolve_by({{std::string(forbidden_address)}});
  public_place.answer = {307, {{"location", at("inner.example", "/secret")}}, {}};
  EXPECT_FALSE(delivered(at(open_address)));
  EXPECT_EQ(looked_up, 1);
  expect_nobody_at_the_forbidden_place();
}

TEST_F(SinkGuard, a_redirect_without_an_authority_of_its_own_is_no_way_round) {
  public_place.answer = {
      307, {{"location", "//127.0.0.1:" + std::to_string(forbidden->port()) + "/secret"}}, {}};
  EXPECT_FALSE(delivered(at(open_address)));
  expect_nobody_at_the_forbidden_place();
}

TEST_F(SinkGuard, a_redirect_chain_ends_after_three_hops) {
  public_place.answer = {307, {{"location", "/next"}}, {}};
  EXPECT_FALSE(delivered(at(open_address)));
  EXPECT_EQ(public_place.targets, (std::vector<std::string>{"/n", "/next", "/next", "/next"}));
}

}  // namespace
}  // namespace lobo::adapters
