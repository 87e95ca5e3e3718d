#pragma once
// The whole media application function in a virtual world: a store that may fail, a process that
// may die, a sink that remembers.

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/rng.hpp"
#include "graph/media_plane.hpp"
#include "sim/loop.hpp"
#include "sim/network.hpp"
#include "sim/observers.hpp"
#include "sim/store.hpp"
#include "support/media_driver.hpp"

namespace lobo::app::testing {

inline constexpr std::chrono::seconds media_answer_within{30};

/// Who asks is what x-lobo-client says; x-lobo-scopes, where given, replaces the usual scopes.
class MediaClients final : public runtime::Authenticator {
 public:
  void authenticate(const http::Request& request, Instant /*now*/,
                    std::function<void(Result<resource::Principal>)> done) override {
    const auto client = request.headers.find("x-lobo-client");
    if (!client) return done(fail(Errc::unauthenticated, "no credentials"));
    resource::Principal who{std::string(*client),
                            {"media-m1", "media-m5", "media-e3", "media-e5", "media-steering"}};
    if (const auto scope = request.headers.find("x-lobo-scopes"))
      who.scopes = {std::string(*scope)};
    done(std::move(who));
  }
};

class MediaSink final : public runtime::HttpHandler {
 public:
  void handle(http::Request request, ReplyFn reply) override {
    seen.push_back(std::move(request));
    reply({204, {}, {}});
  }
  std::vector<http::Request> seen;
};

class MediaWorld {
 public:
  using Driver = lobo::testing::MediaDriver;

  MediaWorld() : rng_(1), network(loop, rng_) {
    network.attach("asp.example", &sink);
    start({});
  }

  struct Process {
    Process(MediaWorld& world, sim::StoreState durable)
        : rng(++world.runs_),
          store(world.loop, std::move(durable)),
          client(world.network.client("server")),
          plane({.media = lobo::testing::media_settings(),
                 .router = {.resources_per_owner_max = 1000,
                            .requests_per_second = 1e6,
                            .request_burst = 1e6},
                 .notifier = {}},
                {.store = store,
                 .scheduler = world.loop,
                 .clock = world.loop,
                 .secrets = rng,
                 .jitter = rng,
                 .sinks = *client,
                 .authenticator = clients,
                 .log = log,
                 .metrics = metrics}) {}
    SeededRng rng;
    sim::SimLog log;
    sim::SimMetrics metrics;
    MediaClients clients;
    sim::SimStore store;
    std::unique_ptr<runtime::HttpClient> client;
    MediaPlane plane;
  };

  Process& server() { return *process_; }
  const sim::StoreState& durable() const { return process_->store.state(); }
  void crash_and_restart() {
    process_->store.crash();
    auto kept = process_->store.state();
    process_.reset();
    start(std::move(kept));
  }

  http::Request request(std::string method, std::string target, std::string body = {},
                        http::Headers headers = {}, std::string_view client = "asp") const {
    http::Request out{.method = std::move(method),
                      .scheme = "http",
                      .authority = "af.example",
                      .target = std::move(target),
                      .headers = std::move(headers),
                      .body = std::move(body)};
    if (!out.body.empty() && !out.headers.find("content-type")) {
      const bool xml = out.target.find("/metrics-reporting/") != std::string::npos;
      out.headers.add("content-type", xml                     ? "application/3gpdash-qoe-report+xml"
                                      : out.method == "PATCH" ? "application/merge-patch+json"
                                                              : "application/json");
    }
    if (!client.empty()) out.headers.set("x-lobo-client", std::string(client));
    return out;
  }
  http::Response ask(http::Request request) {
    const auto answer = std::make_shared<std::optional<http::Response>>();
    auto copy = request;
    process_->plane.router().handle(
        std::move(request), [answer](http::Response response) { *answer = std::move(response); });
    loop.run_until([&] { return answer->has_value(); }, media_answer_within);
    auto response = answer->value_or(http::Response{});
    if (on_answer) on_answer(copy, response);
    return response;
  }
  http::Response ask(std::string method, std::string target, std::string body = {},
                     http::Headers headers = {}, std::string_view client = "asp") {
    return ask(
        request(std::move(method), std::move(target), std::move(body), std::move(headers), client));
  }
  static std::string id_of(const http::Response& response) { return Driver::id_of(response); }

  /// A session with locations and exposure, as one that works.
  std::string session() {
    const auto id = id_of(ask("POST", "/3gpp-m1/v2/provisioning-sessions",
                              R"({"provisioningSessionType":"DOWNLINK","appId":"app-1"})"));
    return Driver::session_path(id);
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
  SeededRng rng_;
  std::uint64_t runs_ = 0;

 public:
  sim::SimLoop loop;
  sim::SimNetwork network;
  MediaSink sink;
  std::function<void(const http::Request&, const http::Response&)> on_answer;

 private:
  std::unique_ptr<Process> process_;
};

/// One operation, and how to ask for it well.
struct MediaOperation {
  std::string_view id;
  std::string method;
  int status;
  std::string body;  ///< empty: it takes none
  std::string who;
  bool of_one;  ///< of something that exists and has an owner
  /// Makes what it needs, and gives the path.
  std::function<std::string(MediaWorld&)> path;
};

std::vector<MediaOperation> media_operations();

}  // namespace lobo::app::testing
