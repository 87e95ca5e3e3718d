#pragma once
// The whole metaverse enabler's server in a virtual world: a store that may fail, a process that
// may die, a SEALDD of its own, and an application that remembers what it was told.

#include <gtest/gtest.h>

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

#include "api/mm_das.hpp"
#include "base/rng.hpp"
#include "graph/metaverse_plane.hpp"
#include "services/metaverse/media_store.hpp"
#include "sim/loop.hpp"
#include "sim/network.hpp"
#include "sim/observers.hpp"
#include "sim/store.hpp"
#include "support/sim_sealdd.hpp"
#include "wire/json/json.hpp"

namespace lobo::app::testing {

inline constexpr std::chrono::seconds mm_answer_within{30};

/// Who asks is what x-lobo-client says; x-lobo-scopes, where given, replaces the usual scopes.
class MmClients final : public runtime::Authenticator {
 public:
  void authenticate(const http::Request& request, Instant /*now*/,
                    std::function<void(Result<resource::Principal>)> done) override {
    const auto client = request.headers.find("x-lobo-client");
    if (!client) return done(fail(Errc::unauthenticated, "no credentials"));
    resource::Principal who{std::string(*client), {"mm-das", "mm-pol", "mm-mdrb"}};
    if (const auto scope = request.headers.find("x-lobo-scopes"))
      who.scopes = {std::string(*scope)};
    done(std::move(who));
  }
};

/// The application: takes notifications, unless it is away.
class MmSink final : public runtime::HttpHandler {
 public:
  void handle(http::Request request, ReplyFn reply) override {
    if (away) return reply({503, {}, {}});
    auto read = json::read<api::mm_das::SyncNotification>(request.body);
    EXPECT_TRUE(read) << request.body;
    if (read) heard.push_back(std::move(*read));
    reply({204, {}, {}});
  }
  std::vector<api::mm_das::SyncNotification> heard;
  bool away = false;
};

inline metaverse::Settings mm_settings() {
  metaverse::Settings out;
  out.api_root = out.callback_base = "http://mm.example";
  out.sinks.https_only = false;
  out.sinks.hosts = {"val.example"};
  out.operators = {"operator"};
  return out;
}

/// Files in memory. They are the disk's: a crash leaves them.
class MmMedia final : public metaverse::MediaStore {
 public:
  explicit MmMedia(sim::SimLoop& loop) : loop_(loop) {}
  void write(std::string file, std::uint64_t offset, std::string octets, bool /*last*/,
             Done done) override {
    if (full) {
      loop_.post([done] { done(fail(Errc::too_many, "the folder of the media is full")); });
      return;
    }
    auto& at = files[file];
    at.resize(std::max<std::size_t>(at.size(), offset + octets.size()));
    at.replace(offset, octets.size(), octets);
    loop_.post([done] { done({}); });
  }
  Result<std::string> read(std::string_view file, std::uint64_t offset,
                           std::uint64_t bytes) const override {
    const auto found = files.find(std::string(file));
    if (found == files.end()) return fail(Errc::unavailable, "no such file");
    return found->second.substr(offset, bytes);
  }
  void erase(std::string_view file) override { files.erase(std::string(file)); }
  Result<void> keep_only(const std::vector<std::string>& known) override {
    std::erase_if(
        files, [&](const auto& one) { return std::ranges::find(known, one.first) == known.end(); });
    return {};
  }
  std::map<std::string, std::string> files;
  bool full = false;

 private:
  sim::SimLoop& loop_;
};

class MmWorld {
 public:
  /// With an NRM to ask, at nrm.example, where `nrm`.
  explicit MmWorld(bool nrm = false) : nrm_(nrm), rng_(1), network(loop, rng_) {
    network.attach("val.example", &sink);
    network.attach("sealdd.example", &sealdd);
    start({});
  }

  struct Process {
    Process(MmWorld& world, sim::StoreState durable)
        : rng(++world.runs_),
          store(world.loop, std::move(durable)),
          client(world.network.client("mmes")),
          plane({.metaverse = mm_settings(),
                 .sealdd = {.name = "sealdd",
                            .scheme = "http",
                            .authority = "sealdd.example",
                            .path_prefix = "",
                            .redirect_authorities = {}},
                 .router = {.resources_per_owner_max = 1000,
                            .requests_per_second = 1e6,
                            .request_burst = 1e6},
                 .notifier = {},
                 .media = {.asset_bytes_max = 1000},
                 .nrm = world.nrm_ ? std::optional(runtime::PeerConfig{.name = "nrm",
                                                                       .scheme = "http",
                                                                       .authority = "nrm.example",
                                                                       .path_prefix = "",
                                                                       .redirect_authorities = {}})
                                   : std::nullopt},
                {.store = store,
                 .scheduler = world.loop,
                 .clock = world.loop,
                 .secrets = rng,
                 .jitter = rng,
                 .sealdd = *client,
                 .sealdd_tokens = nullptr,
                 .sinks = *client,
                 .authenticator = clients,
                 .log = log,
                 .metrics = metrics,
                 .media = &world.media}) {}
    SeededRng rng;
    sim::SimLog log;
    sim::SimMetrics metrics;
    MmClients clients;
    sim::SimStore store;
    std::unique_ptr<runtime::HttpClient> client;
    MetaversePlane plane;
  };

  Process& server() { return *process_; }
  const sim::StoreState& durable() const { return process_->store.state(); }
  void crash() { process_->store.crash(); }
  void restart() {
    auto kept = process_->store.state();
    process_.reset();
    start(std::move(kept));
  }
  void crash_and_restart() {
    crash();
    restart();
  }

  http::Request request(std::string method, std::string target, std::string body = {},
                        http::Headers headers = {}, std::string_view client = "val") const {
    http::Request out{.method = std::move(method),
                      .scheme = "http",
                      .authority = "mm.example",
                      .target = std::move(target),
                      .headers = std::move(headers),
                      .body = std::move(body)};
    if (!out.body.empty() && !out.headers.find("content-type"))
      out.headers.add("content-type",
                      out.method == "PATCH" ? "application/merge-patch+json" : "application/json");
    if (!client.empty()) out.headers.set("x-lobo-client", std::string(client));
    return out;
  }
  using Answer = std::shared_ptr<std::optional<http::Response>>;
  Answer begin(http::Request request) {
    const auto answer = std::make_shared<std::optional<http::Response>>();
    process_->plane.router().handle(
        std::move(request), [answer](http::Response response) { *answer = std::move(response); });
    return answer;
  }
  http::Response ask(http::Request request) {
    auto copy = request;
    const auto answer = begin(std::move(request));
    loop.run_until([&] { return answer->has_value(); }, mm_answer_within);
    auto response = answer->value_or(http::Response{});
    if (on_answer) on_answer(copy, response);
    return response;
  }
  http::Response ask(std::string method, std::string target, std::string body = {},
                     http::Headers headers = {}, std::string_view client = "val") {
    return ask(
        request(std::move(method), std::move(target), std::move(body), std::move(headers), client));
  }
  static std::string path_of(const http::Response& response) {
    const auto location = std::string(response.headers.find("location").value_or(""));
    constexpr std::string_view root = "http://mm.example";
    return location.starts_with(root) ? location.substr(root.size()) : location;
  }

  // ---- what tests say again and again ----
  static std::string asset(std::string_view id, std::string_view ue, std::string_view qos = "{}",
                           std::string_view more = "") {
    return R"({"assetId":"urn:a:)" + std::string(id) +
           R"(","serverEp":{"id":"https://val/room"},)" + R"("clientEp":{"id":"mmec:)" +
           std::string(ue) + R"("},"hostUe":{"valUeId":")" + std::string(ue) + R"("},"qos":)" +
           std::string(qos) + std::string(more) + "}";
  }
  /// The same with termination MMEL: its newest state can be read.
  static std::string ending_here(std::string_view id, std::string_view ue) {
    auto out = asset(id, ue);
    const std::string_view at = R"("serverEp":{)";
    return out.insert(out.find(at) + at.size(), R"("termination":"MMEL",)");
  }
  /// What SEALDD says of urn:a:1.
  static std::string replica(std::string_view components) {
    return R"({"flowId":1,"assetId":"urn:a:1","room":"r","nodeId":"n1","components":[)" +
           std::string(components) + "]}";
  }
  static std::string session_text(std::string_view assets, std::string_view more = "") {
    return R"({"valServiceId":"xr.meet","requesterId":"val-1","assets":[)" + std::string(assets) +
           "]" + std::string(more) + "}";
  }
  static std::string notif() {
    return R"(,"notif":{"uri":"http://val.example/n","events":["SESSION_STATE","FLOW_STATE",)"
           R"("QOS_NOT_FULFILLED","QOS_RESTORED","TIER_CHANGE","PATH_CHANGE","PEER_JOINED",)"
           R"("PEER_LEFT","STATE_STALE","MEASUREMENT","POLICY_CHANGED","RELOCATED",)"
           R"("SESSION_ENDING"]})";
  }
  /// Its path.
  std::string session(std::string_view assets, std::string_view more = "") {
    const auto made = ask("POST", "/mm-das/v1/sessions", session_text(assets, more));
    EXPECT_EQ(made.status, 201) << made.body;
    return path_of(made);
  }
  std::string policy(std::string text, std::string_view client = "operator") {
    const auto made = ask("POST", "/mm-pol/v1/policies", std::move(text), {}, client);
    EXPECT_EQ(made.status, 201) << made.body;
    return path_of(made);
  }
  api::mm_das::SyncSession read(const std::string& path) {
    const auto answer = ask("GET", path);
    EXPECT_EQ(answer.status, 200) << answer.body;
    auto read = json::read<api::mm_das::SyncSession>(answer.body);
    EXPECT_TRUE(read) << answer.body;
    return read ? *read : api::mm_das::SyncSession{};
  }
  std::string state(const std::string& path) {
    return std::string(api::mm_das::to_string(read(path).state));
  }
  /// SEALDD tells that of a UE's connection.
  int tell(std::string_view ue, std::string_view conn_state, std::string_view flows,
           std::string_view more = "") {
    auto& held = sealdd.of_ue(ue);
    const auto target = held.notif_uri.substr(std::string_view("http://mm.example").size());
    return ask("POST", target,
               lobo::testing::SimSealdd::notification(held, conn_state, flows, more), {}, "")
        .status;
  }
  int measure(std::string_view ue, std::string_view data) {
    auto target = sealdd.of_ue(ue).notif_uri.substr(std::string_view("http://mm.example").size());
    target = target.substr(0, target.rfind('/')) + "/measurements";
    return ask("POST", target,
               R"({"reports":[{"measId":["LATENCY"],"valUeIds":[")" + std::string(ue) +
                   R"("],"measData":)" + std::string(data) + "}]}",
               {}, "")
        .status;
  }
  void idle() { loop.run_for(std::chrono::milliseconds(200)); }
  /// The names of all events that were heard since the last time.
  std::string heard() {
    idle();
    std::string out;
    for (; heard_ < sink.heard.size(); ++heard_)
      for (const auto& one : sink.heard[heard_].events) {
        if (!out.empty()) out += ' ';
        out += api::mm_das::to_string(one.event);
        if (one.state) out += '=' + std::string(api::mm_das::to_string(*one.state));
        if (one.flow_state) out += '=' + std::string(api::mm_das::to_string(*one.flow_state));
        if (one.tier) out += '=' + std::to_string(*one.tier);
      }
    return out;
  }

  /// Every record's state becomes one that we never wrote, as an older or broken store might hold.
  void spoil() {
    std::vector<runtime::StoreChange> unit;
    for (auto [key, record] : durable().records) {
      record.state = "{}";
      ++record.version;
      unit.emplace_back(runtime::PutRecord{std::move(record)});
    }
    process_->store.commit(std::move(unit), [](const Result<void>&) {});
    loop.run_for(std::chrono::milliseconds(20));
    crash_and_restart();
  }

 private:
  void start(sim::StoreState durable) {
    process_ = std::make_unique<Process>(*this, std::move(durable));
    static_cast<void>(process_->plane.start());
  }
  bool nrm_;
  SeededRng rng_;
  std::uint64_t runs_ = 0;
  std::size_t heard_ = 0;

 public:
  sim::SimLoop loop;
  sim::SimNetwork network;
  MmMedia media{loop};
  MmSink sink;
  lobo::testing::SimSealdd sealdd;
  std::function<void(const http::Request&, const http::Response&)> on_answer;

 private:
  std::unique_ptr<Process> process_;
};

}  // namespace lobo::app::testing
