// Emulated UEs against the whole media application function, in a virtual world: what an energy
// report leads to at the other end, pushed and polled.

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "api/media_e5.hpp"
#include "base/rng.hpp"
#include "energy/client/media_session.hpp"
#include "energy_ue/ue_config.hpp"
#include "energy_ue/ue_fleet.hpp"
#include "media/world.hpp"
#include "runtime/ports.hpp"
#include "sim/observers.hpp"
#include "steering/plan_follower.hpp"
#include "steering/sightings.hpp"
#include "steering/steer_config.hpp"
#include "steering/steer_endpoint.hpp"
#include "steering/token_keys.hpp"
#include "support/media_driver.hpp"
#include "wire/http/message.hpp"

namespace lobo::app::testing {
namespace {

using namespace std::chrono_literals;
using Driver = lobo::testing::MediaDriver;

/// A party of the world, by its name.
class As final : public runtime::HttpClient {
 public:
  As(std::unique_ptr<runtime::HttpClient> inner, std::string who)
      : inner_(std::move(inner)), who_(std::move(who)) {}
  void send(http::Request request, std::chrono::milliseconds deadline, Done done) override {
    request.headers.set("x-lobo-client", who_);
    inner_->send(std::move(request), deadline, std::move(done));
  }

 private:
  std::unique_ptr<runtime::HttpClient> inner_;
  std::string who_;
};

/// A service location: any segment, unless it is dead.
class Segments final : public runtime::HttpHandler {
 public:
  explicit Segments(runtime::Scheduler& scheduler) : scheduler_(scheduler) {}
  void handle(http::Request request, ReplyFn reply) override {
    ++requests;
    last = request.target;
    http::Response answer{
        .status = dead ? 503 : 200, .headers = {}, .body = std::string(1000, 'x')};
    if (slow <= 0s) return reply(std::move(answer));
    scheduler_.after(slow, [reply = std::make_shared<ReplyFn>(std::move(reply)),
                            answer = std::move(answer)]() mutable { (*reply)(std::move(answer)); });
  }
  bool dead = false;
  std::chrono::milliseconds slow{};
  std::uint64_t requests = 0;
  std::string last;

 private:
  runtime::Scheduler& scheduler_;
};

/// A steering server that has gone mad: each answer is wrong in another way, or does not come.
class MadSteering final : public runtime::HttpHandler {
 public:
  void handle(http::Request /*request*/, ReplyFn reply) override {
    static constexpr std::array bodies{"",
                                       "{",
                                       "null",
                                       "[]",
                                       R"({"VERSION":1})",
                                       R"({"VERSION":1,"TTL":-5,"PATHWAY-PRIORITY":[]})",
                                       R"({"VERSION":1,"TTL":5,"PATHWAY-PRIORITY":["nowhere",7]})"};
    const auto turn = requests++ % (bodies.size() + 2);
    if (turn < bodies.size())
      reply({.status = 200, .headers = {}, .body = bodies[turn]});
    else if (turn == bodies.size())
      reply({.status = 503, .headers = {}, .body = {}});
    // The last one is never answered.
  }
  std::uint64_t requests = 0;
};

const std::string leaves_when_hot =
    R"({"externalReference":"eco","thresholds":[{"thresholdRef":"hot","metric":"POWER_W","direction":)"
    R"("UP","crossing":150,"clear":130}],"adaptationGuidance":[{"action":"RESELECT_SERVICE_LOCATION",)"
    R"("triggerThresholdRef":"hot"},{"action":"REDUCE_MAX_BITRATE","triggerThresholdRef":"hot",)"
    R"("params":{"maxBitRate":"1 Mbps"}}],"reporting":{"mode":"BOTH","reportingInterval":1,)"
    R"("samplingPeriod":1,"minReportSpacing":1}})";

class emulated_ues : public ::testing::Test {
 protected:
  emulated_ues() {
    w.network.attach("af.example", &w.server().plane.router());
    w.network.attach("sl1.example", &sl1);
    w.network.attach("sl2.example", &sl2);
    session = w.session();
    w.ask("POST", session + "/content-hosting-configuration", Driver::hosting_text());
    w.ask("POST", session + "/energy-information-exposure", Driver::everything_exposed());
    policy = MediaWorld::id_of(w.ask("POST", session + "/energy-policies", leaves_when_hot));
    for (const auto* name : {"1", "2"})
      w.ask("PUT", std::string("/x-e3/v1/application-servers/as") + name,
            Driver::registration(std::string("SL") + name), {}, "as");
    config.session.api_root = "http://af.example";
    config.session.provisioning_session = session.substr(session.rfind('/') + 1);
    config.session.session = "ue";
    config.segments = "seg-%03d.m4s";
    config.count = 50;
    run(2, 120);
  }
  void start() {
    fleet = std::make_unique<UeFleet>(config, UeFleet::Ports{w.loop, w.loop, af, media, rng});
    fleet->start();
  }
  /// Seconds pass, and both servers report in each.
  void run(int seconds, double watts) {
    for (int i = 0; i < seconds; ++i) {
      for (const auto* name : {"1", "2"}) {
        ++sequence;
        Driver words;
        words.now = w.loop.now();
        w.ask("POST", "/x-e3/v1/as-energy-reports",
              words.report_text(std::string("as") + name, std::string("SL") + name,
                                {.power_w = name == std::string_view("1") ? watts : 120.0},
                                100.0 * static_cast<double>(sequence), 0, 1000 * sequence,
                                sequence / 2 + 1),
              {}, "as");
      }
      w.loop.run_for(1s);
    }
  }
  std::size_t at(const std::string& location) const {
    const auto report = fleet->report();
    const auto found = report.at.find(location);
    return found == report.at.end() ? 0 : found->second;
  }

  MediaWorld w;
  Segments sl1{w.loop}, sl2{w.loop};
  SeededRng rng{3};
  As af{w.network.client("ue"), "ue"};
  As media{w.network.client("player"), "ue"};
  std::string session, policy;
  EnergyUeConfig config;
  std::unique_ptr<UeFleet> fleet;
  std::uint64_t sequence = 0;
};

TEST_F(emulated_ues, play_listen_and_leave_a_hot_place_without_a_stall) {
  start();
  run(10, 120);
  auto report = fleet->report();
  EXPECT_EQ(report.playing, 50U);
  EXPECT_EQ(report.listening, 50U);
  EXPECT_EQ(at("SL1"), 50U);
  EXPECT_GT(report.media.segments, 50U * 5);
  EXPECT_TRUE(sl1.last.starts_with("/m4/seg-0")) << sl1.last;
  run(30, 180);
  report = fleet->report();
  EXPECT_EQ(at("SL2"), 50U) << report.json();
  EXPECT_EQ(report.media.moves, 50U);
  EXPECT_EQ(report.media.stalls, 0U);
  EXPECT_LE(report.move_quantile(1), 2.5) << "a segment and half a second";
  const auto before = sl1.requests;
  run(10, 180);
  EXPECT_EQ(sl1.requests, before) << "nobody asks the old place for anything more";
  // 35f came home: the AF has them where they are.
  for (const auto& [name, placed] : w.server().plane.eiaf().placements().all())
    EXPECT_EQ(placed.location, "SL2") << name;
}

TEST_F(emulated_ues, that_come_later_begin_where_the_plan_has_them) {
  for (const auto* name : {"1", "2"})  // Both places are needed.
    w.ask("PUT", std::string("/x-e3/v1/application-servers/as") + name,
          Driver::registration(std::string("SL") + name, 150), {}, "as");
  start();
  run(600, 120);
  const auto settled = fleet->report();
  EXPECT_GT(at("SL1"), 10U) << settled.json();
  EXPECT_GT(at("SL2"), 10U) << settled.json();
  const auto first = std::move(fleet);
  config.count = 10;
  config.session.session = "late";
  start();
  run(60, 120);
  const auto report = fleet->report();
  EXPECT_EQ(report.listening, 10U);
  EXPECT_GT(at("SL1"), 0U) << report.json();
  EXPECT_GT(at("SL2"), 0U) << report.json();
  // Ten more change the plan, which moves some. Told all the same place, eight of them move.
  EXPECT_LE(report.media.moves, 5U) << report.json();
}

TEST_F(emulated_ues, tell_the_af_how_well_they_play_and_what_they_consumed) {
  w.ask("POST", session + "/metrics-reporting-configurations",
        R"({"reportingInterval":4,"samplingPeriod":1})");
  w.ask("POST", session + "/consumption-reporting-configuration",
        R"({"reportingInterval":4,"samplingPeriod":1})");
  config.count = 5;
  start();
  run(12, 120);
  const auto& eiaf = w.server().plane.eiaf();
  EXPECT_DOUBLE_EQ(eiaf.qoe_score("SL1", w.loop.now()).value_or(0), 1.0);
  EXPECT_FALSE(eiaf.qoe_score("SL2", w.loop.now())) << "nobody plays there";
  EXPECT_EQ(eiaf.stale_qoe(), 0U);
  EXPECT_EQ(eiaf.placements().unmapped(), 0U);
  EXPECT_EQ(fleet->report().refused, 0U);
}

TEST_F(emulated_ues, of_uplink_and_rtc_switch_in_signalling) {
  config.segments.clear();
  config.session.kind = energy::client::SessionKind::rtc;
  start();
  run(5, 120);
  EXPECT_EQ(at("SL1"), 50U);
  run(30, 180);
  EXPECT_EQ(at("SL2"), 50U);
  EXPECT_EQ(sl1.requests + sl2.requests, 0U) << "no media is claimed";
}

TEST_F(emulated_ues, stay_where_they_are_when_the_new_place_is_dead_and_say_so) {
  start();
  run(6, 120);
  sl2.dead = true;
  run(20, 180);
  const auto report = fleet->report();
  EXPECT_EQ(at("SL1"), 50U);
  EXPECT_GT(report.media.moves_failed, 0U);
  EXPECT_EQ(report.media.stalls, 0U);
  EXPECT_GT(report.reduced, 0U) << "with the place vetoed, the next guidance is taken";
}

TEST_F(emulated_ues, leave_a_place_that_is_too_slow_before_their_buffer_is_empty) {
  start();
  run(10, 120);
  sl1.slow = 9s;
  run(30, 120);
  const auto report = fleet->report();
  EXPECT_EQ(report.playing, 50U);
  EXPECT_EQ(report.media.stalls, 0U) << report.json();
  EXPECT_EQ(at("SL2"), 50U);
  const auto before = report.media.segments;
  run(10, 120);
  EXPECT_GE(fleet->report().media.segments, before + 50U * 4);
}

TEST_F(emulated_ues, play_on_where_content_steering_is_dead_or_says_nonsense) {
  config.moves = Moves::polled;
  MadSteering mad;
  w.network.attach("steer.example", &mad);
  start();
  run(300, 120);
  EXPECT_GT(mad.requests, 50U) << "they go on asking, and not all the time";
  EXPECT_LT(mad.requests, 50U * 61);
  w.network.attach("steer.example", nullptr);
  const auto before = fleet->report().media.segments;
  run(30, 120);
  const auto report = fleet->report();
  EXPECT_EQ(report.playing, 50U);
  EXPECT_GE(report.media.segments, before + 50U * 14);
  EXPECT_EQ(report.media.stalls, 0U);
}

TEST_F(emulated_ues, that_must_save_get_a_lower_operation_point) {
  config.energy.emplace().battery = 0.05;
  config.energy->power_source = api::media_e5::PowerSource::battery;
  start();
  run(6, 120);
  run(15, 180);
  EXPECT_EQ(fleet->report().reduced, 50U);
  EXPECT_EQ(at("SL1"), 50U);
}

TEST_F(emulated_ues, end_their_subscriptions) {
  start();
  run(5, 120);
  EXPECT_EQ(w.server().plane.eiaf().subscriptions(), 50U);
  fleet->stop();
  run(2, 120);
  EXPECT_EQ(w.server().plane.eiaf().subscriptions(), 0U);
}

TEST_F(emulated_ues, outlive_an_af_that_dies_and_comes_back) {
  start();
  run(5, 120);
  w.network.attach("af.example", nullptr);
  const auto before = fleet->report().media.segments;
  w.loop.run_for(30s);
  EXPECT_GT(fleet->report().media.segments, before + 50U * 10) << "playback does not stop";
  EXPECT_EQ(fleet->report().media.stalls, 0U);
  w.network.attach("af.example", &w.server().plane.router());
  run(120, 120);
  EXPECT_EQ(fleet->report().listening, 50U);
}

TEST_F(emulated_ues, that_poll_follow_the_plan_by_content_steering) {
  config.moves = Moves::polled;
  sim::SimLog log;
  As steer_af{w.network.client("steer"), "steer"};
  Sightings sightings;
  std::unique_ptr<SteerEndpoint> endpoint;
  const SteerConfig steer_config{.path = "/steer"};
  PlanFollower follower("http://af.example", 5s, {w.loop, steer_af, nullptr, log},
                        [&](SteerEndpoint::Plan plan) {
                          if (endpoint) return endpoint->change(std::move(plan));
                          endpoint = std::make_unique<SteerEndpoint>(
                              steer_config, w.loop, rng, std::move(plan), TokenKeys::random(rng));
                          endpoint->note_in(sightings);
                          w.network.attach("steer.example", endpoint.get());
                        });
  follower.report_from(sightings);
  follower.start();
  run(40, 120);
  ASSERT_TRUE(endpoint) << "the AF has planned";
  start();
  run(40, 120);
  const auto report = fleet->report();
  EXPECT_EQ(report.playing, 50U);
  EXPECT_EQ(report.listening, 0U) << "no collector: somebody else steers them";
  EXPECT_EQ(endpoint->counters().foreign, 0U);
  EXPECT_GE(endpoint->counters().answers, 50U);
  EXPECT_EQ(w.server().plane.eiaf().steered(), 50U);
  EXPECT_EQ(report.media.stalls, 0U);
}

}  // namespace
}  // namespace lobo::app::testing
