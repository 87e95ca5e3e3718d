#include "simulation/world.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/analytics_exposure.hpp"
#include "api/applying_bdt_policy.hpp"
#include "api/net_control.hpp"
#include "api/ss_nrm.hpp"
#include "base/rng.hpp"
#include "graph/control_plane.hpp"
#include "graph/core_driver.hpp"
#include "services/seal_nrm/series.hpp"
#include "sim/loop.hpp"
#include "sim/network.hpp"
#include "sim/store.hpp"
#include "simulation/application.hpp"
#include "simulation/checkers.hpp"
#include "simulation/plants.hpp"
#include "simulation/run.hpp"
#include "simulation/world_config.hpp"
#include "wire/http/message.hpp"
#include "wire/json/json.hpp"

namespace lobo::app::simulation {

using namespace std::chrono_literals;

namespace {

constexpr std::string_view control = "/netsim-control/v1";
/// Of one measurement callback in so many something is bent.
constexpr unsigned bent_one_in = 12;
/// Longest that anything waits: back-off of releases and of the core's callbacks, notifications
/// given up, sessions expiring.
constexpr std::chrono::minutes calm_max{90};
/// Three audits fit into the quiet that ends the calm: what the first one mends the last one sees.
constexpr std::chrono::minutes quiet_for{3};
static_assert(3 * audit_interval < quiet_for);
constexpr std::chrono::milliseconds moment{100};

/// An orphan of a PCF that tells nothing is suspected for longer than any calm lasts.
static_assert(suspected_for > calm_max);

}  // namespace

// ---- the server -------------------------------------------------------------------------------

ServerProcess::ServerProcess(sim::SimLoop& loop, sim::SimNetwork& network, sim::StoreState durable,
                             seal_nrm::monitor::Series& series, Rng& bends, const Options& options,
                             std::uint64_t run)
    : rng(options.seed * 1000003 + run),
      store(loop, std::move(durable)),
      client(network.client("server")),
      planted_client(options.plant ? simulation::planted_client(*client, loop, *options.plant)
                                   : nullptr),
      planted_store(options.plant ? simulation::planted_store(store, loop, *options.plant, *client)
                                  : nullptr),
      control_plane(control_plane_config(options),
                    {.store = planted_store ? *planted_store : store,
                     .scheduler = loop,
                     .clock = loop,
                     .secrets = rng,
                     .jitter = rng,
                     .network = planted_client ? *planted_client : *client,
                     .sinks = planted_client ? *planted_client : *client,
                     .nef_tokens = nullptr,
                     .authenticator = authenticator,
                     .log = log,
                     .metrics = metrics,
                     .series = &series}),
      bent(control_plane.router(), bends, bent_one_in) {
  network.attach(std::string(server_authority), &bent);
}

void ServerProcess::place(const Addresses& addresses, const ConfiguredUes::Groups& groups) {
  control_plane.ues().replace(ue_entries(addresses), {}, groups);
}

// ---- the world --------------------------------------------------------------------------------

World::World(const Options& options)
    : options_(options),
      rng_(options.seed),
      faults_rng_(options.seed ^ 0xFA17ULL),
      core_rng_(options.seed ^ 0xC04EULL),
      bends_rng_(options.seed ^ 0xBE4DULL),
      network_(loop_, faults_rng_),
      history_(options.lines),
      addresses_(first_addresses()) {
  network_.watch([this](const sim::Passed& passed) { history_.message(passed); });
  core_client_ = network_.client("core");
  start_core();
  for (const auto name : application_names) {
    Application::Setup setup{.name = std::string(name),
                             .authority = std::string(name) + ".example",
                             .server = std::string(server_authority),
                             .ues = {ue_names.begin(), ue_names.end()},
                             .qualities = {"gold", "silver", "bronze"},
                             .group = std::string(group_name),
                             .streams = {},
                             .monitors = !pcf()};  // They need a NEF.
    for (const auto& [id, ends] : streams()) setup.streams.push_back(id);
    auto application = std::make_unique<Application>(std::move(setup), loop_, rng_,
                                                     network_.client(std::string(name)));
    auto* it = application.get();
    it->on_confirmed([this, it](const Known& known) {
      ++confirmed_;
      if (server_) checkers_.confirmed(*it, known, server_->store.state());
    });
    it->on_told([this](const Told& told) {
      ++notifications_;
      if (server_) checkers_.told(told, server_->store.state());
    });
    it->on_report([this](const api::ss_nrm::MonitoringReport& report) {
      ++reports_;
      checkers_.values(report);
    });
    network_.attach(it->setup().authority, it);
    applications_.push_back(std::move(application));
  }
  groups_ = group_of(0b0111);
  start_server({});
}

void World::start_server(sim::StoreState durable) {
  server_ = std::make_unique<ServerProcess>(loop_, network_, std::move(durable), series_,
                                            bends_rng_, options_, ++runs_);
  server_->place(addresses_, groups_);
  crash_pending_ = false;
  static_cast<void>(server_->control_plane.start());
}

void World::kill_server(const char* how) {
  history_.remark(loop_.now(), std::string("the server dies ") + how);
  ++crashes_;
  server_->store.crash();
  auto durable = server_->store.state();
  network_.attach(std::string(server_authority), nullptr);
  server_.reset();
  // It is gone for a while: callbacks and answers find nobody.
  loop_.run_for(std::chrono::milliseconds(rng_.below(2000)));
  start_server(std::move(durable));
}

void World::start_core() {
  core_ = std::make_unique<CoreDriver>(core_config(options_.seed), core_rng_, loop_, loop_,
                                       *core_client_);
  network_.attach(std::string(core_authority), core_.get());
}

/// What it held is forgotten, and nobody is told; its UEs are where they were at first.
void World::kill_core() {
  history_.remark(loop_.now(), "the core dies and forgets");
  network_.attach(std::string(core_authority), nullptr);
  core_.reset();
  loop_.run_for(std::chrono::milliseconds(rng_.below(2000)));
  start_core();
  addresses_ = first_addresses();
  server_->place(addresses_, groups_);
  server_->control_plane.readdress();
}

bool World::pcf() const { return door_of(options_) == Door::pcf; }
/// Whether what the core lost without a word can be found out.
bool World::readable() const { return !pcf() || !quirks_of(options_.seed).no_get; }

void World::run_checked(std::chrono::microseconds by) {
  loop_.run_for(by);
  checkers_.not_stuck(server_->store.state());
}

void World::chaos() {
  sim::Faults to_core{.refuse = 20,
                      .never_answer = 15,
                      .lose_answer = 20,
                      .duplicate = 0,
                      .server_error = 20,
                      .throttle = 10,
                      .redirect = 20,
                      .delay_max = 20ms};
  sim::Faults to_server{.refuse = 15,
                        .never_answer = 5,
                        .lose_answer = 15,
                        .duplicate = 15,
                        .server_error = 10,
                        .throttle = 5,
                        .redirect = 0,
                        .delay_max = 20ms};
  sim::Faults to_sinks{.refuse = 40,
                       .never_answer = 10,
                       .lose_answer = 30,
                       .duplicate = 20,
                       .server_error = 40,
                       .throttle = 20,
                       .redirect = 20,
                       .delay_max = 50ms};
  network_.change_faults(std::string(core_authority), to_core);
  network_.change_faults(std::string(server_authority), to_server);
  for (const auto& application : applications_)
    network_.change_faults(application->setup().authority, to_sinks);

  while (loop_.steps() < options_.events_min) {
    applications_[rng_.below(applications_.size())]->act();
    if (rng_.below(10) == 0) fate();
    run_checked(std::chrono::milliseconds(rng_.below(200)));
    if (crash_pending_ && server_->store.crashed()) kill_server("at a commit");
  }
}

void World::fate() {
  switch (rng_.below(15)) {
    case 0: return kill_server("at once");
    case 1:
    case 2: {
      if (crash_pending_) return;
      crash_pending_ = true;
      const auto point =
          rng_.below(2) == 0 ? sim::CrashPoint::before_durable : sim::CrashPoint::after_durable;
      server_->store.crash_at_commit(1 + rng_.below(8), point, [] {});
      return;
    }
    case 3: {
      history_.remark(loop_.now(), "the store is full");
      server_->store.set_full(true);
      run_checked(std::chrono::milliseconds(rng_.below(3000)));
      server_->store.set_full(false);
      return;
    }
    case 4: {
      history_.remark(loop_.now(), "the store is gone");
      server_->store.set_gone(true);
      loop_.run_for(std::chrono::milliseconds(rng_.below(3000)));
      server_->store.set_gone(false);
      return;
    }
    case 5:
      server_->store.set_latency(std::chrono::microseconds(100 + rng_.below(100'000)));
      return;
    case 6:
    case 7: {
      constexpr std::array<std::string_view, 6> kinds{"DUPLICATE_CALLBACK", "REORDER_CALLBACKS",
                                                      "DELAY_CALLBACK",     "EARLY_CALLBACK",
                                                      "ALLOCATION_FAILS",   "DROP_CALLBACK"};
      // Without a list, a word that a PCF loses for good is lost (docs/limits.md).
      const std::string kind(kinds[rng_.below(pcf() ? kinds.size() - 1 : kinds.size())]);
      const bool delays = kind == "DELAY_CALLBACK";
      operate("POST", std::string(control) + "/faults",
              R"({"kind":")" + kind + R"(","count":)" + std::to_string(1 + rng_.below(4)) +
                  (delays ? R"(,"delayMs":)" + std::to_string(rng_.below(3000)) : std::string()) +
                  "}");
      return;
    }
    case 8:
      if (readable()) kill_core();
      return;
    case 9:
    case 10: return change_group();
    default: return degrade_something();
  }
}

/// The configuration is read again.
void World::change_group() {
  history_.remark(loop_.now(), "the group has other members");
  const auto before = std::exchange(groups_, group_of(rng_.below(1U << ue_names.size())));
  if (options_.plant == Plant::old_groups) return;
  server_->place(addresses_, groups_);
  server_->control_plane.groups_changed(before);
  server_->control_plane.directory_changed();
}

void World::degrade_something() {
  const std::string ue(ue_names[rng_.below(ue_names.size())]);
  std::string path = std::string(control) + "/ues/" + ue;
  std::string body;
  switch (rng_.below(7)) {
    case 6:
      path += "/degrade";
      body = R"({"measurementFails":true})";
      break;
    case 0:
      path += "/degrade";
      body = R"({"lossPercent":5,"delayMs":400})";
      break;
    case 1: path += "/restore"; break;
    case 2: return readdress_something(ue);
    case 3:
      path += "/move";
      body = rng_.below(2) == 0 ? R"({"cell":"cell1"})" : R"({"cell":"cell2"})";
      break;
    case 4: path += "/detach"; break;
    default: path += "/attach"; break;
  }
  operate("POST", path, std::move(body));
}

void World::readdress_something(const std::string& ue) {
  const auto address = "10.46.0." + std::to_string(2 + rng_.below(200));
  const auto changed = operate("POST", std::string(control) + "/ues/" + ue + "/address",
                               R"({"ipv4Addr":")" + address + R"("})");
  if (!pcf() || changed.status != 200) return;
  addresses_[ue] = address;
  server_->place(addresses_, groups_);
  server_->control_plane.readdress();
}

/// The end of its PDU session is the last word on what a PCF holds for a UE.
void World::disconnect_all() {
  for (const auto name : ue_names)
    operate("POST", std::string(control) + "/ues/" + std::string(name) + "/detach", {});
  settle();
  loop_.run_for(suspected_for);
  settle();
}

std::int64_t World::watches_at_core() {
  const auto summary = json::read<api::net_control::NetSummary>(
      operate("GET", std::string(control) + "/summary", {}).body);
  return summary ? summary->monitoring_subscriptions : -1;
}

/// The core's control API is asked directly: whoever operates the network is not part of the
/// faults.
http::Response World::operate(std::string method, std::string target, std::string body) {
  http::Request request{.method = std::move(method),
                        .scheme = "http",
                        .authority = std::string(core_authority),
                        .target = std::move(target),
                        .body = std::move(body)};
  request.peer = {.address = "127.0.0.1", .loopback = true};
  if (!request.body.empty()) request.headers.add("content-type", "application/json");
  std::optional<http::Response> answer;
  history_.remark(loop_.now(), request.method + ' ' + request.target);
  core_->handle(std::move(request),
                [&answer](http::Response response) { answer = std::move(response); });
  loop_.run_until([&] { return answer.has_value(); }, 10s);
  if (answer && answer->status >= 400) history_.remark(loop_.now(), "refused: " + answer->body);
  return answer.value_or(http::Response{});
}

bool World::quiet() const {
  return server_->control_plane.idle() &&
         std::ranges::all_of(applications_,
                             [](const auto& application) { return application->idle(); });
}

void World::calm() {
  for (const auto authority : {core_authority, server_authority})
    network_.change_faults(std::string(authority), {});
  for (const auto& application : applications_)
    network_.change_faults(application->setup().authority, {});
  if (crash_pending_ && !server_->store.crashed()) kill_server("on purpose");
  if (server_->store.crashed()) kill_server("at a commit");
  server_->store.set_latency(sim::SimStore::latency_usual);
  operate("DELETE", std::string(control) + "/faults", {});
  server_->bent.bend_one_in(0);
  for (const auto name : ue_names) {
    operate("POST", std::string(control) + "/ues/" + std::string(name) + "/attach", {});
    operate("POST", std::string(control) + "/ues/" + std::string(name) + "/restore", {});
  }
  settle();
  check_quiet(false);
}

/// Runs until nothing has been under way for longer than any pause between two attempts.
void World::settle() {
  const auto until = loop_.now() + calm_max;
  auto quiet_since = loop_.now();
  while (loop_.now() < until && loop_.now() - quiet_since < quiet_for) {
    run_checked(1s);
    // What is measured goes on for ever; each time it is the work of a moment.
    if (!loop_.run_until([this] { return quiet(); }, moment)) quiet_since = loop_.now();
  }
}

void World::release() {
  // Twice: what a lost answer left unknown shows up in the second list.
  for (int round = 0; round < 2; ++round) {
    for (const auto& application : applications_) application->release_everything();
    settle();
  }
  if (pcf()) {
    disconnect_all();
    // What an adaptation waited for is over, so it can be released now.
    for (const auto& application : applications_) application->release_everything();
    settle();
  }
  check_quiet(true);
}

std::vector<Reservation> World::at_core() {
  std::vector<Reservation> all;
  const auto reservations = json::read<api::net_control::NetReservations>(
      operate("GET", std::string(control) + "/reservations", {}).body);
  if (reservations)
    for (const auto& reservation : reservations->reservations)
      all.push_back({reservation.subscription_id, reservation.notification_destination});
  return all;
}

std::size_t World::policies_at_core() {
  const auto policies = json::read<api::applying_bdt_policy::AppliedBdtPolicies>(
      operate("GET", "/3gpp-applying-bdt-policy/v1/lobodon/subscriptions", {}).body);
  return policies ? policies->size() : 0;
}

void World::check_quiet(bool all_released) {
  // A report that is just being committed or sent is waited for.
  loop_.run_until([this] { return quiet(); }, 10s);
  const auto& durable = server_->store.state();
  const auto reservations = at_core();
  for (const auto& application : applications_) {
    checkers_.nothing_lost(*application, durable);
    checkers_.notifications(*application, durable);
  }
  checkers_.reservations(reservations, watches_at_core(), durable);
  checkers_.adaptations(groups_, policies_at_core(), durable);
  look_at_monitoring();
  if (all_released) checkers_.nothing_left(reservations, watches_at_core(), durable);
}

std::vector<Reservation> World::analytics_at_core() {
  std::vector<Reservation> all;
  const auto list = json::read<std::vector<api::analytics_exposure::AnalyticsExposureSubsc>>(
      operate("GET", "/3gpp-analyticsexposure/v1/lobodon/subscriptions", {}).body);
  if (list)
    for (const auto& one : *list) {
      const auto self = one.self.value_or("");
      all.push_back({self.substr(self.rfind('/') + 1), one.notif_uri});
    }
  return all;
}

void World::look_at_monitoring() {
  const auto& durable = server_->store.state();
  auto held = at_core();
  std::ranges::move(analytics_at_core(), std::back_inserter(held));
  const auto mute = mute_kinds(options_.seed);
  const Surroundings around{.groups = groups_,
                            .gpsis = gpsis(),
                            .streams = streams(),
                            .at_core = held,
                            .mute = mute,
                            .now = loop_.now()};
  for (const auto& application : applications_) {
    checkers_.monitor_ends(*application, durable, loop_.now());
    checkers_.monitors_report(*application, around, durable);
  }
  checkers_.measures(around, durable);
  checkers_.monitor_groups(around, durable);
}

Report World::report() const {
  return {.seed = options_.seed,
          .digest = history_.digest(),
          .events = loop_.steps(),
          .messages = history_.messages(),
          .crashes = crashes_,
          .confirmed = confirmed_,
          .notifications = notifications_,
          .reports = reports_,
          .findings = checkers_.findings()};
}

Report run(const Options& options) {
  World world(options);
  world.chaos();
  world.calm();
  world.release();
  return world.report();
}

}  // namespace lobo::app::simulation
