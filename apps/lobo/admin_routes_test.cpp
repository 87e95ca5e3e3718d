#include "admin_routes.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/admin.hpp"
#include "base/result.hpp"
#include "base/rng.hpp"
#include "capabilities.hpp"
#include "runtime/notifier.hpp"
#include "runtime/ports.hpp"
#include "sim/loop.hpp"
#include "sim/observers.hpp"
#include "sim/store.hpp"
#include "wire/http/message.hpp"
#include "wire/http/url.hpp"
#include "wire/json/json.hpp"
#include "wire/resource/effect.hpp"
#include "wire/resource/record.hpp"
#include "wire/resource/route.hpp"

namespace lobo::app {
namespace {

using namespace std::chrono_literals;

/// A sink that is away, or there.
class Sink final : public runtime::HttpClient {
 public:
  explicit Sink(runtime::Scheduler& scheduler) : scheduler_(scheduler) {}
  void send(http::Request request, std::chrono::milliseconds, Done done) override {
    seen.push_back(std::move(request));
    const int status = away ? 500 : 204;
    scheduler_.post([done = std::move(done), status] { done(http::Response{status, {}, {}}); });
  }
  std::vector<http::Request> seen;
  bool away = true;

 private:
  runtime::Scheduler& scheduler_;
};

class Admin : public testing::Test {
 protected:
  http::Response ask(std::string method, std::string target, bool loopback = true) {
    http::Request request{.method = std::move(method), .target = std::move(target)};
    request.peer.loopback = loopback;
    http::Response out;
    handler.handle(std::move(request), [&](http::Response response) { out = std::move(response); });
    return out;
  }
  /// The body as the document says it is.
  template <class T>
  T read(const std::string& target) {
    const auto response = ask("GET", target);
    EXPECT_EQ(response.status, 200) << target << response.body;
    EXPECT_EQ(response.headers.find("content-type"), "application/json");
    auto value = json::read<T>(response.body);
    EXPECT_TRUE(value) << response.body;
    return value ? *value : T{};
  }
  void park(std::uint64_t id, std::uint64_t sequence) {
    const resource::Key of{"unicast", "u1"};
    const resource::Notify notify{
        .to = "http://sink.example/n", .sequence = sequence, .body = R"({"a":1})", .clause = {}};
    store.commit({runtime::PutEffect{
                     {.id = id, .from = of, .type = "notify", .body = resource::to_json(notify)}}},
                 [](const Result<void>&) {});
    notifier.enqueue({.id = id, .of = of, .what = notify});
    loop.run_for(1min);
  }
  auto parked(const std::string& query = "") {
    return read<api::admin::ParkedNotifications>("/admin/parked-notifications" + query);
  }

  sim::SimLoop loop;
  sim::SimStore store{loop};
  Sink sink{loop};
  SeededRng rng{1};
  sim::SimLog log;
  sim::SimMetrics metrics;
  runtime::Notifier notifier{store,
                             loop,
                             sink,
                             rng,
                             log,
                             metrics,
                             [](const http::Url&) { return Result<void>{}; },
                             {.attempts_max = 2}};
  std::optional<Error> unready;
  AdminSources sources{.metrics = [] { return std::string("a 1\n"); },
                       .ready = [this]() -> Result<void> {
                         if (unready) return fail(*unready);
                         return {};
                       },
                       .capabilities = [] { return capabilities_of({}, true); },
                       .store = store,
                       .notifier = notifier};
  AdminHandler handler{sources};
};

TEST_F(Admin, every_operation_is_answered_as_the_document_says) {
  EXPECT_EQ(ask("GET", "/metrics").body, "a 1\n");
  EXPECT_EQ(read<api::admin::Health>("/status/health").status, api::admin::HealthStatus::alive);
  EXPECT_EQ(read<api::admin::Readiness>("/status/ready").status,
            api::admin::ReadinessStatus::ready);
  const auto capabilities = read<api::admin::Capabilities>("/status/capabilities");
  EXPECT_EQ(capabilities.flows.size(), flows().size());
  EXPECT_EQ(capabilities.network, api::admin::NetworkKind::simulated);
  EXPECT_TRUE(parked().parked.empty());
  EXPECT_EQ(ask("POST", "/admin/parked-notifications/1/resend").status, 404);
}

TEST_F(Admin, nobody_else_than_this_machine_is_served) {
  for (const auto& operation : api::admin::operations()) {
    EXPECT_EQ(operation.protection, resource::Protection::loopback) << operation.id;
    EXPECT_EQ(ask(std::string(operation.method), std::string(operation.path), false).status, 403);
  }
}

TEST_F(Admin, what_is_not_there_and_what_may_not_be_asked_is_told) {
  EXPECT_EQ(ask("GET", "/").status, 404);
  EXPECT_EQ(ask("GET", "/metrics/").status, 404);
  EXPECT_NE(ask("GET", "/none").body.find("/status/ready"), std::string::npos);
  const auto wrong = ask("POST", "/metrics");
  EXPECT_EQ(wrong.status, 405);
  EXPECT_EQ(wrong.headers.find("allow"), "GET");
  EXPECT_EQ(ask("GET", "/admin/parked-notifications/1/resend").headers.find("allow"), "POST");
  for (const auto* query : {"?after=x", "?before=1", "?after=-1", "?after=%zz"})
    EXPECT_EQ(ask("GET", std::string("/admin/parked-notifications") + query).status, 400) << query;
  for (const auto* id : {"0", "x", "-1", "99999999999999999999999"})
    EXPECT_EQ(ask("POST", "/admin/parked-notifications/" + std::string(id) + "/resend").status, 404)
        << id;
}

TEST_F(Admin, who_is_not_ready_says_why) {
  unready = Error{Errc::unavailable, "the store cannot be written", {}};
  const auto response = ask("GET", "/status/ready");
  EXPECT_EQ(response.status, 503);
  EXPECT_NE(response.body.find("the store cannot be written"), std::string::npos);
}

TEST_F(Admin, a_parked_notification_is_shown_and_sent_again_with_its_own_number) {
  park(7, 3);
  const auto listed = parked().parked;
  ASSERT_EQ(listed.size(), 1U);
  EXPECT_EQ(listed[0].id, 7U);
  EXPECT_EQ(listed[0].seq, 3U);
  EXPECT_EQ(listed[0].attempts, 2);
  EXPECT_EQ(listed[0].subscription, (api::admin::ResourceName{"unicast", "u1"}));
  EXPECT_EQ(listed[0].notif_uri, "http://sink.example/n");
  EXPECT_EQ(listed[0].notification.text, R"({"a":1})");
  sink.away = false;
  sink.seen.clear();
  EXPECT_EQ(ask("POST", "/admin/parked-notifications/7/resend").status, 202);
  loop.run_for(1min);
  ASSERT_EQ(sink.seen.size(), 1U);
  EXPECT_EQ(sink.seen[0].headers.find("x-lobo-sequence"), "3");
  EXPECT_TRUE(parked().parked.empty());
  EXPECT_EQ(ask("POST", "/admin/parked-notifications/7/resend").status, 404);
}

TEST_F(Admin, parked_notifications_come_page_by_page) {
  for (std::uint64_t id = 1; id <= 3; ++id) park(id, id);
  EXPECT_EQ(parked("?after=1").parked.size(), 2U);
  const auto last = parked("?after=3");
  EXPECT_TRUE(last.parked.empty());
  EXPECT_EQ(last.next, 3U);
}

TEST_F(Admin, a_store_that_cannot_be_read_is_told) {
  park(1, 1);
  store.set_gone(true);
  EXPECT_EQ(ask("GET", "/admin/parked-notifications").status, 503);
  EXPECT_EQ(ask("POST", "/admin/parked-notifications/1/resend").status, 503);
}

}  // namespace
}  // namespace lobo::app
