// What was consumed under a policy stays consumed: whatever servers go or come, and whatever
// becomes of the process.

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "api/media_e5.hpp"
#include "services/media_energy/consumed.hpp"
#include "services/media_energy/eiaf.hpp"
#include "services/media_energy/ports.hpp"
#include "services/media_energy/server.hpp"
#include "services/media_energy/session.hpp"
#include "services/media_energy/subscription.hpp"
#include "support/eiaf_world.hpp"
#include "support/media_driver.hpp"
#include "wire/resource/record.hpp"

namespace lobo::media_energy {
namespace {

using namespace std::chrono_literals;
using api::media_e5::BudgetState;

// 2 x 120 J a second: its segment changes after 1.5 s and it is used up after 4.5 s.
constexpr std::string_view budget =
    R"("energyBudget":{"period":3600,"segments":[{"lowerWh":0,"upperWh":0.1,"action":"NONE"},)"
    R"({"lowerWh":0.1,"upperWh":0.3,"action":"REDUCE_MAX_BITRATE",)"
    R"("params":{"maxBitRate":"1 Mbps"}}]})";

class consumed : public eiaf {
 protected:
  consumed() { client = playing(object({quiet, std::string(budget)})); }

  /// As its first event tells it to a client.
  static std::optional<api::media_e5::EnergyBudgetStatus> status(const Eiaf& of,
                                                                 const std::string& subscription) {
    const auto events = of.events(subscription, 0);
    if (!events || events->events.empty()) return std::nullopt;
    return events->events.front().energy_budget_status;
  }
  std::optional<api::media_e5::EnergyBudgetStatus> status_now() {
    return status(d.eiaf, d.subscribe(session, policy, "looks-" + std::to_string(++looks)));
  }
  /// What a process that comes after this one is told of what is stored.
  void restore(Eiaf& next) {
    for (const auto& [kind, what] : {std::pair{session_kind, "session"},
                                     {consumed_kind, "consumed"},
                                     {server_kind, "server"},
                                     {subscription_kind, "subscription"}})
      for (const auto& [key, record] : d.records.all)
        if (key.kind == kind) next.observed(key, {what, record.state}, d.now);
  }
  std::size_t kept() const {
    return static_cast<std::size_t>(std::ranges::count_if(
        d.records.all, [](const auto& one) { return one.first.kind == consumed_kind; }));
  }
  std::string client;
  int looks = 0;
};

TEST_F(consumed, is_not_given_back_by_a_server_that_goes) {
  d.run(10, power(120));
  const auto before = status_now();
  ASSERT_TRUE(before);
  EXPECT_EQ(before->state, BudgetState::exhausted);
  EXPECT_EQ(d.ask("DELETE", "/x-e3/v1/application-servers/as1", {}, "as").status, 204);
  d.run(40);
  const auto after = status_now();
  ASSERT_TRUE(after);
  EXPECT_EQ(after->state, BudgetState::exhausted);
  EXPECT_GE(after->used_wh, before->used_wh);
}

TEST_F(consumed, outlives_the_process) {
  d.run(10, power(120));
  ASSERT_EQ(status_now()->state, BudgetState::exhausted);
  ASSERT_EQ(kept(), 1U);
  d.now += 60s;
  Eiaf next(d.settings, d.planner);
  restore(next);
  next.advance(d.now);
  const auto after = status(next, client);
  ASSERT_TRUE(after);
  // Written when it entered its last segment.
  EXPECT_GE(after->used_wh, 0.1);
  EXPECT_EQ(after->segment_index, 1);
  d.run(40, power(120));
  Eiaf later(d.settings, d.planner);
  restore(later);
  later.advance(d.now);
  EXPECT_EQ(status(later, client)->state, BudgetState::exhausted);
}

TEST_F(consumed, is_written_now_and_then_and_not_where_nothing_is) {
  EXPECT_EQ(kept(), 0U);
  d.run(300, power(120));
  const auto& record = *std::ranges::find_if(
      d.records.all, [](const auto& one) { return one.first.kind == consumed_kind; });
  EXPECT_LE(record.second.version, 300 / consumed_kept_every.count() + 3U);
}

TEST_F(consumed, ends_with_its_policy) {
  d.run(10, power(120));
  EXPECT_EQ(kept(), 1U);
  d.ask("DELETE", d.session_path(session) + "/energy-policies/" + policy);
  d.run(1, power(120));
  EXPECT_EQ(kept(), 0U);
}

}  // namespace
}  // namespace lobo::media_energy
