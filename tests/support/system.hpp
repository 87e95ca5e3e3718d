#pragma once
// The whole control plane in a virtual world that a test rules: the simulated core behind a hand
// that may bend its answers, sinks that remember, a store that may fail, a process that may die.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/net_control.hpp"
#include "api/state/seal_nrm.hpp"
#include "base/rng.hpp"
#include "graph/control_plane.hpp"
#include "graph/core_driver.hpp"
#include "services/seal_nrm/series_memory.hpp"
#include "sim/loop.hpp"
#include "sim/network.hpp"
#include "sim/observers.hpp"
#include "sim/store.hpp"
#include "simulation/checkers.hpp"
#include "wire/json/json.hpp"

namespace lobo::app::testing {

inline constexpr std::string_view collection = "/ss-nra/v1/unicast-subscriptions";
/// Longer than anything here takes to be answered.
inline constexpr std::chrono::seconds answer_within{30};
/// Longest that anything waits (back-off, notifications given up), and longer than any one pause.
inline constexpr std::chrono::minutes settle_max{90};
inline constexpr std::chrono::minutes quiet_after{3};
/// What one audit in that quiet mends, the next one sees.
inline constexpr std::chrono::seconds audit_interval{50};
inline constexpr std::string_view secret_token = "Bearer the-networks-secret";

/// Who asks is what x-lobo-client says; x-lobo-scopes, where given, replaces the usual scope.
class HeaderAuthenticator final : public runtime::Authenticator {
 public:
  void authenticate(const http::Request& request, Instant /*now*/,
                    std::function<void(Result<resource::Principal>)> done) override {
    const auto client = request.headers.find("x-lobo-client");
    if (!client) return done(fail(Errc::unauthenticated, "no credentials"));
    const auto scope = request.headers.find("x-lobo-scopes");
    resource::Principal who{std::string(*client), {"ss-nra", "ss-nrm"}};
    if (scope) who.scopes = {std::string(*scope)};
    done(std::move(who));
  }
};

class FixedToken final : public runtime::TokenProvider {
 public:
  void authorization(bool /*renew*/, std::function<void(Result<std::string>)> done) override {
    done(std::string(secret_token));
  }
};

/// Remembers what it is sent; answers 204, or what the test wants.
class Listener final : public runtime::HttpHandler {
 public:
  void handle(http::Request request, ReplyFn reply) override {
    seen.push_back(std::move(request));
    reply(answer ? answer(seen.back()) : http::Response{204, {}, {}});
  }
  std::vector<http::Request> seen;
  std::function<http::Response(const http::Request&)> answer;
};

/// The core, with a hand on its answers.
class BentCore final : public runtime::HttpHandler {
 public:
  explicit BentCore(runtime::HttpHandler& core) : core_(core) {}
  void handle(http::Request request, ReplyFn reply) override {
    seen.push_back(request);
    if (silent && silent(request)) return;
    core_.handle(request, [this, request, reply = std::move(reply)](http::Response response) {
      if (bend) bend(request, response);
      reply(std::move(response));
    });
  }
  std::vector<http::Request> seen;
  std::function<bool(const http::Request&)>
      silent;  ///< the core never learns of it, nobody answers
  std::function<void(const http::Request&, http::Response&)> bend;

 private:
  runtime::HttpHandler& core_;
};

class System {
 public:
  static constexpr std::string_view core_authority = "core.example";
  static constexpr std::string_view server_authority = "server.example";

  struct Setup {
    std::uint64_t seed = 1;
    std::function<void(ControlPlane::Config&)> adjust;
    std::function<void(core_sim::CoreConfig&)> adjust_core;
  };

  System() : System(Setup{}) {}
  explicit System(Setup setup) : setup_(std::move(setup)), rng_(setup_.seed), network(loop, rng_) {
    core_client_ = network.client("core");
    core_ = std::make_unique<CoreDriver>(core_config(), rng_, loop, loop, *core_client_);
    core = std::make_unique<BentCore>(*core_);
    network.attach(std::string(core_authority), core.get());
    network.attach("app1.example", &sink);
    network.attach("app2.example", &sink);
    network.attach("evil.example", &evil);
    start({});
  }

  // ---- the server ----
  struct Process {
    Process(System& system, sim::StoreState durable)
        : rng(system.setup_.seed * 1000003 + ++system.runs_),
          store(system.loop, std::move(durable)),
          client(system.network.client("server")),
          control_plane(system.config(), {.store = store,
                                          .scheduler = system.loop,
                                          .clock = system.loop,
                                          .secrets = rng,
                                          .jitter = rng,
                                          .network = *client,
                                          .sinks = *client,
                                          .nef_tokens = &token,
                                          .authenticator = authenticator,
                                          .log = log,
                                          .metrics = metrics,
                                          .series = &system.series}) {}
    SeededRng rng;
    sim::SimLog log;
    sim::SimMetrics metrics;
    HeaderAuthenticator authenticator;
    FixedToken token;
    sim::SimStore store;
    std::unique_ptr<runtime::HttpClient> client;
    ControlPlane control_plane;
  };

  Process& server() { return *process_; }
  /// The VAL group `id` has these UEs from now on.
  void set_group(const std::string& id, const std::vector<std::string>& ues) {
    seal_nrm::DirectoryGroup group;
    for (const auto& ue : ues) group.members.push_back({.user = false, .id = ue});
    std::ranges::sort(group.members);
    group.revision = seal_nrm::revision_of(group.members);
    groups_[id] = std::make_shared<const seal_nrm::DirectoryGroup>(std::move(group));
    configure_ues();
    process_->control_plane.directory_changed();
  }
  const sim::StoreState& durable() const { return process_->store.state(); }

  /// The process dies and starts again on what was durable.
  void crash_and_restart() {
    process_->store.crash();
    auto kept = process_->store.state();
    network.attach(std::string(server_authority), nullptr);
    process_.reset();
    start(std::move(kept));
  }

  // ---- asking ----
  http::Request request(std::string method, std::string target, std::string body = {},
                        const http::Headers& headers = {}, std::string_view client = "app1") const {
    http::Request out{.method = std::move(method),
                      .scheme = "http",
                      .authority = std::string(server_authority),
                      .target = std::move(target),
                      .headers = headers,
                      .body = std::move(body)};
    if (!out.body.empty() && !out.headers.find("content-type"))
      out.headers.add("content-type",
                      out.method == "PATCH" ? "application/merge-patch+json" : "application/json");
    if (!client.empty()) out.headers.set("x-lobo-client", std::string(client));
    return out;
  }
  /// Asks and waits for the answer; status 0: there was none within half a minute.
  http::Response ask(std::string method, std::string target, std::string body = {},
                     const http::Headers& headers = {}, std::string_view client = "app1") {
    return ask(request(std::move(method), std::move(target), std::move(body), headers, client));
  }
  http::Response ask(http::Request request) {
    const auto answer = std::make_shared<std::optional<http::Response>>();
    auto copy = request;
    process_->control_plane.router().handle(
        std::move(request), [answer](http::Response response) { *answer = std::move(response); });
    loop.run_until([&] { return answer->has_value(); }, answer_within);
    auto response = answer->value_or(http::Response{});
    if (on_answer) on_answer(copy, response);
    return response;
  }

  /// A subscription of `client`; its id, or nothing where it was refused.
  std::optional<std::string> create(std::string_view ue = "ue1",
                                    std::string_view quality = "silver",
                                    std::string_view client = "app1") {
    const auto response = ask("POST", std::string(collection), body(ue, quality), {}, client);
    if (response.status != 201) return std::nullopt;
    return id_of(response);
  }
  static std::string body(std::string_view ue, std::string_view quality) {
    return R"({"valTgtUe":{"valUeId":")" + std::string(ue) + R"("},"uniQosReq":")" +
           std::string(quality) +
           R"(","notifUri":"http://app1.example/n","suppFeat":"70000000000"})";
  }
  static std::string id_of(const http::Response& response) {
    const std::string location(response.headers.find("location").value_or(""));
    return location.substr(location.rfind('/') + 1);
  }
  static std::string path_of(std::string_view id) {
    return std::string(collection) + '/' + std::string(id);
  }

  // ---- the network ----
  std::optional<std::string> secret_of(std::string_view id) const {
    const auto* record = durable().find({"unicast", std::string(id)});
    if (record == nullptr) return std::nullopt;
    const auto state = json::read<api::state::seal_nrm::UnicastState>(record->state);
    return state ? std::optional(state->secret) : std::nullopt;
  }
  std::string callback_path(std::string_view id, std::string_view secret) const {
    return "/nrm-callbacks/v1/unicast/" + std::string(id) + '/' + std::string(secret);
  }
  std::vector<simulation::Reservation> at_core() {
    std::vector<simulation::Reservation> all;
    const auto reservations = json::read<api::net_control::NetReservations>(
        operate("GET", "/netsim-control/v1/reservations").body);
    if (reservations)
      for (const auto& one : reservations->reservations)
        all.push_back({one.subscription_id, one.notification_destination});
    return all;
  }
  std::int64_t watches_at_core() {
    const auto summary =
        json::read<api::net_control::NetSummary>(operate("GET", "/netsim-control/v1/summary").body);
    return summary ? summary->monitoring_subscriptions : -1;
  }
  http::Response operate(std::string method, std::string target, std::string body = {}) {
    http::Request request{.method = std::move(method),
                          .scheme = "http",
                          .authority = std::string(core_authority),
                          .target = std::move(target),
                          .body = std::move(body)};
    request.peer = {.address = "127.0.0.1", .loopback = true};
    if (!request.body.empty()) request.headers.add("content-type", "application/json");
    const auto answer = std::make_shared<std::optional<http::Response>>();
    core_->handle(std::move(request),
                  [answer](http::Response response) { *answer = std::move(response); });
    loop.run_until([&] { return answer->has_value(); }, answer_within);
    return answer->value_or(http::Response{});
  }

  /// The UE gets another address in the network, and the configuration follows.
  void readdress(int ue, const std::string& ipv4) {
    moved_[ue] = ipv4;
    operate("POST", "/netsim-control/v1/ues/ue" + std::to_string(ue) + "/address",
            R"({"ipv4Addr":")" + ipv4 + R"("})");
    configure_ues();
    process_->control_plane.readdress();
  }

  // ---- quiet ----
  /// Runs until nothing has been under way for longer than any pause between two attempts.
  void settle() {
    const auto until = loop.now() + settle_max;
    auto quiet_since = loop.now();
    while (loop.now() < until && loop.now() - quiet_since < quiet_after) {
      loop.run_for(std::chrono::seconds{1});
      if (!process_->control_plane.idle()) quiet_since = loop.now();
    }
  }
  /// What the checkers of `lobo sim` say of a quiet system; empty: all is well.
  std::string unjust(bool all_released = false) {
    simulation::Checkers checkers;
    const auto reservations = at_core();
    checkers.not_stuck(durable());
    checkers.reservations(reservations, watches_at_core(), durable());
    if (all_released) checkers.nothing_left(reservations, watches_at_core(), durable());
    std::string all;
    for (const auto& finding : checkers.findings())
      all += finding.checker + ": " + finding.what + '\n';
    return all;
  }
  /// Releases all that `clients` have.
  void release_everything(const std::vector<std::string>& clients = {"app1", "app2"}) {
    for (const auto& client : clients) {
      const auto page = json::read<api::ss_nra::UnicastSubscriptionList>(
          ask("GET", std::string(collection) + "?limit=1000", {}, {}, client).body);
      if (!page) continue;
      for (const auto& item : page->items) ask("DELETE", path_of(item.uni_sub_id), {}, {}, client);
    }
  }

 private:
  core_sim::CoreConfig core_config() const {
    core_sim::CoreConfig config;
    config.api_root = "http://" + std::string(core_authority);
    config.cells = {{.name = "cell1", .capacity_dl = {40'000'000}, .capacity_ul = {20'000'000}}};
    config.qos = {
        {.name = "gold", .five_qi = 4, .quality = {.gbr_dl = {8'000'000}, .gbr_ul = {2'000'000}}},
        {.name = "silver", .five_qi = 4, .quality = {.gbr_dl = {4'000'000}, .gbr_ul = {1'000'000}}},
        {.name = "bronze", .five_qi = 9, .quality = {}}};
    config.afs = {{"lobodon"}};
    for (int i = 1; i <= 4; ++i) {
      core_sim::UeConfig ue;
      ue.name = "ue" + std::to_string(i);
      ue.external_id = ue.name + "@lobodon.example";
      ue.ipv4 = "10.45.0." + std::to_string(i + 1);
      ue.cell = "cell1";
      config.ues.push_back(std::move(ue));
    }
    if (setup_.adjust_core) setup_.adjust_core(config);
    return config;
  }
  ControlPlane::Config config() const {
    ControlPlane::Config config;
    config.nrm.api_root = "http://" + std::string(server_authority);
    config.nrm.callback_base = config.nrm.api_root;
    config.nrm.core.scs_as_id = "lobodon";
    config.nrm.sinks.https_only = false;
    config.nrm.sinks.hosts = {"app1.example", "app2.example"};
    config.nrm.qos_references = {"gold", "silver", "bronze"};
    api::ss_nra::UniQosRequirement usual;
    usual.qos_reference = "bronze";
    config.nrm.defaults.emplace("*", usual);
    config.nef = {.name = "nef",
                  .scheme = "http",
                  .authority = std::string(core_authority),
                  .path_prefix = {},
                  .redirect_authorities = {sim::SimNetwork::alias_of(std::string(core_authority))}};
    config.nrm.limits.duration_max = std::chrono::hours{24 * 366 * 10};
    config.nrm.limits.audit_interval = audit_interval;
    config.router.requests_per_second = 1e6;
    config.router.request_burst = 1e6;
    if (setup_.adjust) setup_.adjust(config);
    return config;
  }
  std::string address_of(int ue) const {
    const auto moved = moved_.find(ue);
    return moved != moved_.end() ? moved->second : "10.45.0." + std::to_string(ue + 1);
  }
  void configure_ues() {
    ConfiguredUes::Entries ues, users;
    for (int i = 1; i <= 4; ++i) {
      const auto name = "ue" + std::to_string(i);
      // The last one is for app1 alone.
      std::vector<std::string> requesters;
      if (i == 4) requesters.emplace_back("app1");
      // Where it is counts only where the core does not tell.
      const seal_nrm::UeAddress at{.ipv4 = address_of(i), .ipv6 = {}, .mac = {}};
      ues.emplace(name,
                  seal_nrm::DirectoryEntry{"extid-" + name + "@lobodon.example", requesters, at});
      users.emplace("user" + std::to_string(i),
                    seal_nrm::DirectoryEntry{"extid-" + name + "@lobodon.example", requesters});
    }
    process_->control_plane.ues().replace(std::move(ues), std::move(users), groups_);
  }
  void start(sim::StoreState durable) {
    process_ = std::make_unique<Process>(*this, std::move(durable));
    configure_ues();
    network.attach(std::string(server_authority), &process_->control_plane.router());
    static_cast<void>(process_->control_plane.start());
  }

  Setup setup_;
  std::map<int, std::string> moved_;  ///< where the configuration has a UE now
  SeededRng rng_;
  std::uint64_t runs_ = 0;
  ConfiguredUes::Groups groups_;

 public:
  /// Outlives a process, as a disk does.
  seal_nrm::monitor::MemorySeries series{1'000'000, std::chrono::hours{24}};
  sim::SimLoop loop;
  sim::SimNetwork network;
  Listener sink;
  Listener evil;  ///< nobody may ever come here
  std::unique_ptr<BentCore> core;
  std::function<void(const http::Request&, const http::Response&)> on_answer;

 private:
  std::unique_ptr<runtime::HttpClient> core_client_;
  std::unique_ptr<CoreDriver> core_;
  std::unique_ptr<Process> process_;
};

}  // namespace lobo::app::testing
