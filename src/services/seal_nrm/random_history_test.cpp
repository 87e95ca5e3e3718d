// Any history, however odd, keeps the promises of held.hpp: nothing at the core is forgotten,
// nobody is answered twice, nothing is stuck. One seed gives one history.

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/state/seal_nrm.hpp"
#include "base/result.hpp"
#include "model/date_time.hpp"
#include "services/seal_nrm/audit.hpp"
#include "services/seal_nrm/ports.hpp"
#include "support/nrm_driver.hpp"
#include "wire/http/message.hpp"
#include "wire/json/json.hpp"
#include "wire/json/value.hpp"
#include "wire/resource/effect.hpp"
#include "wire/resource/machine.hpp"
#include "wire/resource/record.hpp"

namespace lobo::seal_nrm {
namespace {

using namespace std::chrono_literals;
using api::state::seal_nrm::UnicastStage;
using resource::Key;

constexpr int histories = 300;
constexpr int events_per_history = 120;

/// Which turn a history takes next; the driver under it complains by itself about double answers
/// and two calls at a time.
class History : public lobo::testing::NrmDriver {
 public:
  explicit History(std::uint64_t seed) : rng_(seed) {
    const AllocationEvents choices[] = {AllocationEvents::always, AllocationEvents::never,
                                        AllocationEvents::learned};
    settings.core.allocation_events = choices[rng_.below(3)];
    core.watches_ues = rng_.below(4) != 0;
  }

  void turn() {
    switch (rng_.below(18)) {
      case 0: issued_.push_back(create(lobo::testing::plain_create)); break;
      case 1:
        issued_.push_back(create(
            R"({"valTgtUe":{"valUeId":"ue1"},"notifUri":"http://127.0.0.1:9000/n","duration":")" +
            model::format_date_time(now + std::chrono::seconds(1 + rng_.below(30))) + "\"}"));
        break;
      case 2: with_any([&](const Key& key) { issued_.push_back(remove(key)); }); break;
      case 3:
        with_any([&](const Key& key) {
          issued_.push_back(modify(key, rng_.below(2) == 0
                                            ? R"({"uniQosReq":"video-sd"})"
                                            : R"({"uniQosReq":"{\"gbrDl\":\"5 Mbps\"}"})"));
        });
        break;
      case 4: move(); break;
      case 5: run_for(std::chrono::milliseconds(rng_.below(6000)), false); break;
      case 6: restart(); break;
      case 7: news(); break;
      case 8: rubbish(); break;
      case 9: lose_answer(); break;
      case 10:
        if (!tells.empty()) one_tell();
        break;
      case 11: lose_something(); break;
      case 12: audit(false); break;
      default:
        deliver_tells();
        any_call_first();
        if (!calls.empty()) answer_by_core();
    }
  }

  void check_nothing_is_stuck() const {
    for (const auto& [key, record] : lookup.records) {
      if (key.kind == "core_peer") continue;
      const bool moves =
          has_call(key) || has_timer(key) || std::ranges::any_of(tells, [&key](const auto& tell) {
            return tell.second.to == key || tell.first == key;
          });
      if (key.kind == "unicast") {
        const auto s = state(key);
        const bool rests =
            (s.stage == UnicastStage::confirmed || s.stage == UnicastStage::degraded ||
             s.stage == UnicastStage::terminated) &&
            !s.pending && !s.held.doubt && !s.held.old && !s.held.call;
        EXPECT_TRUE(rests || moves) << record.state;
      } else {
        const auto s = *json::read<api::state::seal_nrm::WatchState>(record.state);
        const bool rests = (s.stage == api::state::seal_nrm::WatchStage::watching ||
                            s.stage == api::state::seal_nrm::WatchStage::unfollowed ||
                            s.stage == api::state::seal_nrm::WatchStage::failed) &&
                           !s.held.doubt && !s.held.old && !s.held.call;
        EXPECT_TRUE(rests || moves) << record.state;
      }
    }
  }

  /// A well-behaved core and time enough.
  void heal() {
    if (core.address.empty()) move_ue("10.45.0.200");
    for (int i = 0; i < 40; ++i) {
      run_for(10s);
      const auto records = lookup.records;
      audit(true);
      for (const auto& [key, record] : records)
        if (key.kind == "unicast" && (stage(key) == "allocating" || stage(key) == "rebinding"))
          call_back(key, R"({"transaction":"http://c/x/subscriptions/)" + session_of(key) +
                             R"(","eventReports":[{"event":"SUCCESSFUL_RESOURCES_ALLOCATION"}]})");
    }
  }

  void check_the_core_holds_what_is_promised() const {
    std::set<std::string> promised;
    for (const auto& [key, record] : lookup.records) {
      if (key.kind != "unicast") continue;
      const auto s = state(key);
      EXPECT_FALSE(s.pending || s.held.doubt || s.held.old || s.held.call) << record.state;
      if (s.held.current) { EXPECT_TRUE(promised.insert(*s.held.current).second) << record.state; }
    }
    for (const auto& [id, session] : core.sessions)
      EXPECT_TRUE(promised.contains(id)) << id << " is forgotten";
  }

  void check_what_is_promised_is_held() const {
    std::size_t live = 0;
    for (const auto& [key, record] : lookup.records) {
      if (key.kind != "unicast" || (stage(key) != "confirmed" && stage(key) != "degraded"))
        continue;
      ++live;
      EXPECT_TRUE(core.sessions.contains(session_of(key))) << record.state;
    }
    EXPECT_EQ(core.sessions.size(), live);
  }

  /// One round; its tells wait with the others where it is not `in_one_go`.
  void audit(bool in_one_go) {
    AuditRound round(settings, lookup);
    for (auto turn = round.next(now); !turn.over; turn = round.next(now)) {
      for (const auto& tell : turn.tells)
        tells.emplace_back(Key{"audit", "nef"}, resource::Tell{tell.to, "audited", tell.body});
      if (turn.ask) round.answered(core.handle(turn.ask->request));
    }
    if (in_one_go) deliver();
  }

  void check_everybody_was_answered() const {
    for (const auto request : issued_) EXPECT_TRUE(status(request) != 0) << request;
  }

  void remove_all() {
    std::vector<Key> keys;
    for (const auto& [key, record] : lookup.records)
      if (key.kind == "unicast") keys.push_back(key);
    for (const auto& key : keys) issued_.push_back(remove(key));
    run_for(300s);
  }

 private:
  /// The core forgets, and says nothing.
  void lose_something() {
    if (rng_.below(4) == 0) core.watches.clear();
    if (rng_.below(4) == 0)
      core.sessions.clear();
    else if (!core.sessions.empty())
      core.sessions.erase(std::next(core.sessions.begin(),
                                    static_cast<std::ptrdiff_t>(rng_.below(core.sessions.size()))));
  }
  void with_any(const std::function<void(const Key&)>& act) {
    std::vector<Key> keys;
    for (const auto& [key, record] : lookup.records)
      if (key.kind == "unicast") keys.push_back(key);
    if (!keys.empty()) act(keys[rng_.below(keys.size())]);
  }
  void any_call_first() {
    if (calls.size() > 1) std::swap(calls.front(), calls[rng_.below(calls.size())]);
  }
  void move() {
    core.address = rng_.below(4) == 0 ? "" : "10.45.0." + std::to_string(1 + rng_.below(3));
    const Key key{"ue_watch", "msisdn-491700000001"};
    if (lookup.records.contains(key) && core.watches_ues)
      call_back(key, R"({"subscription":"http://c/x/subscriptions/w1","monitoringEventReports":[)" +
                         core.report() + "]}");
  }
  void restart() {
    auto under_way = std::exchange(calls, {});
    for (auto& call : under_way) {
      if (rng_.below(2) == 0) core.handle(call.call.request);
      apply(call.from, resource::Recovered{call.call.name});
    }
  }
  void news() {
    with_any([&](const Key& key) {
      static constexpr std::string_view names[] = {"SUCCESSFUL_RESOURCES_ALLOCATION",
                                                   "FAILED_RESOURCES_ALLOCATION",
                                                   "QOS_NOT_GUARANTEED",
                                                   "QOS_GUARANTEED",
                                                   "SESSION_TERMINATION",
                                                   "LOSS_OF_BEARER",
                                                   "RECOVERY_OF_BEARER",
                                                   "RELEASE_OF_BEARER",
                                                   "USAGE_REPORT",
                                                   "UNHEARD_OF"};
      const std::string name(names[rng_.below(10)]);
      std::string session = session_of(key);
      if (rng_.below(3) == 0 && !core.sessions.empty()) session = core.sessions.rbegin()->first;
      if (rng_.below(6) == 0) session = "%%%";
      const int times = rng_.below(3) == 0 ? 2 : 1;
      for (int i = 0; i < times && exists(key); ++i)
        EXPECT_NE(status(call_back(key, R"({"transaction":"http://c/x/subscriptions/)" + session +
                                            R"(","eventReports":[{"event":")" + name + "\"}]}")),
                  0);
    });
  }
  void rubbish() {
    switch (rng_.below(3)) {
      case 0: with_any([&](const Key& key) { call_back(key, "{\"transaction\":"); }); return;
      case 1:
        with_any([&](const Key& key) {
          apply(key, resource::NetworkAnswer{"nothing", http::Response{200, {}, "x"}});
          apply(key, resource::TimerFired{"nothing"});
          apply(key, resource::Told{key, "address", "rubbish"});
        });
        return;
      default: break;
    }
    any_call_first();
    if (calls.empty()) return;
    static constexpr int statuses[] = {201, 302, 408, 500, 502, 504, 700};
    const int status = statuses[rng_.below(7)];
    // A 201 is told only of what was done.
    if (status == 201 && calls.front().call.name != "reserve" &&
        calls.front().call.name != "subscribe")
      return;
    if (status == 201 || rng_.below(2) == 0) core.handle(calls.front().call.request);
    answer(http::Response{status, {{"location", "%%/"}}, "\xff{"});
  }
  void lose_answer() {
    any_call_first();
    if (calls.empty()) return;
    if (rng_.below(2) == 0) core.handle(calls.front().call.request);
    answer(fail(rng_.below(2) == 0 ? Errc::timeout : Errc::unavailable, "lost"));
  }

  SeededRng rng_;
  std::vector<resource::RequestId> issued_;
};

TEST(random_history, forgets_nothing_answers_everybody_once_and_is_never_stuck) {
  for (std::uint64_t seed = 1; seed <= histories && !::testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    History history(seed);
    for (int i = 0; i < events_per_history; ++i) {
      history.turn();
      history.check_nothing_is_stuck();
    }
    history.heal();
    history.check_the_core_holds_what_is_promised();
    history.check_what_is_promised_is_held();
    history.check_everybody_was_answered();
    history.remove_all();
    history.check_everybody_was_answered();
    EXPECT_TRUE(history.core.sessions.empty());
    EXPECT_TRUE(history.core.watches.empty());
    for (const auto& [key, record] : history.lookup.records)
      EXPECT_EQ(key.kind, "core_peer") << record.state;
    EXPECT_TRUE(history.timers.empty());
  }
}

TEST(random_history, tells_each_application_its_notifications_without_a_hole) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    History history(seed);
    for (int i = 0; i < events_per_history; ++i) history.turn();
    std::map<std::string, std::uint64_t> last;
    for (const auto& notification : history.notifications) {
      const auto body = *json::parse(notification.body);
      const std::string id = *body.find("notifId")->text();
      EXPECT_EQ(notification.sequence, ++last[id]) << "seed " << seed;
      EXPECT_EQ(body.find("eventNotifs")->array()->front().find("seq")->integer(),
                static_cast<std::int64_t>(notification.sequence));
    }
  }
}

}  // namespace
}  // namespace lobo::seal_nrm
