#pragma once
// A runtime on a virtual world, driving a toy resource ("promise") that makes every kind of effect.

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/rng.hpp"
#include "runtime/effect_runner.hpp"
#include "runtime/router.hpp"
#include "runtime/scoped_scheduler.hpp"
#include "sim/loop.hpp"
#include "sim/network.hpp"
#include "sim/observers.hpp"
#include "sim/store.hpp"
#include "wire/http/problem.hpp"

namespace lobo::runtime {

/// States: "asked" (the network was asked), "kept". Commands: create, touch, drop.
/// `create` asks the network and replies 201 once it has answered 200, else erases itself.
class PromiseMachine final : public resource::Machine {
 public:
  std::string_view kind() const override { return "promise"; }
  Result<resource::Outcome> step(const resource::Record* current, const resource::Key& key,
                                 const resource::Event& event, Instant now,
                                 const resource::Lookup& lookup) const override {
    static_cast<void>(lookup);
    resource::Outcome out;
    const auto put = [&](std::string state) {
      out.change = resource::Change::put;
      out.state = std::move(state);
      out.owner = "app";
      out.subject = "ue1";
    };
    const auto notify = [&](std::uint64_t sequence) {
      out.effects.emplace_back(resource::Notify{.to = "http://sink/n",
                                                .sequence = sequence,
                                                .body = key.id + ":" + std::to_string(sequence),
                                                .clause = {}});
    };
    if (const auto* command = std::get_if<resource::Command>(&event)) {
      if (command->operation == "create" && current == nullptr) {
        put("asked " + std::to_string(command->request));
        out.effects.emplace_back(
            resource::CallNetwork{.name = "ask",
                                  .peer = "nef",
                                  .request = {.method = "POST", .target = "/ask/" + key.id}});
        return out;
      }
      if (current == nullptr) return fail(Errc::not_found, "no such promise");
      if (command->operation == "create") {
        out.effects.emplace_back(
            resource::Reply{command->request, {201, {}, current->state}, true});
      } else if (command->operation == "touch") {
        put(current->state);
        out.effects.emplace_back(resource::Reply{command->request, {200, {}, "touched"}, true});
        out.effects.emplace_back(resource::StartTimer{"tick", now + std::chrono::seconds{10}});
        for (std::uint64_t i = 1; i <= 3; ++i) notify(i);
      } else if (command->operation == "tell") {
        out.effects.emplace_back(resource::Tell{{"promise", "other"}, "hello", key.id});
        out.effects.emplace_back(resource::Reply{command->request, {204, {}, {}}});
      } else if (command->operation == "measure") {
        out.effects.emplace_back(resource::Observe{"samples", key.id});
        out.effects.emplace_back(resource::Reply{command->request, {204, {}, {}}});
      } else if (command->operation == "rename") {
        put("renamed");
        out.effects.emplace_back(resource::Observe{"name", "renamed"});
        out.effects.emplace_back(resource::Reply{command->request, {204, {}, {}}});
      } else {
        out.change = resource::Change::erase;
        out.effects.emplace_back(resource::Reply{command->request, {204, {}, {}}});
      }
      return out;
    }
    if (const auto* told = std::get_if<resource::Told>(&event)) {
      put("told " + told->what + " by " + told->body);
      return out;
    }
    if (current == nullptr) return out;
    const auto waiting = [&]() -> std::optional<resource::RequestId> {
      if (!current->state.starts_with("asked ")) return std::nullopt;
      return std::stoull(current->state.substr(6));
    }();
    if (const auto* answer = std::get_if<resource::NetworkAnswer>(&event)) {
      if (answer->response && answer->response->status == 200) {
        put("kept");
        if (waiting) out.effects.emplace_back(resource::Reply{*waiting, {201, {}, "kept"}, true});
      } else {
        out.change = resource::Change::erase;
        if (waiting) out.effects.emplace_back(resource::Reply{*waiting, {503, {}, "network"}});
      }
    } else if (std::holds_alternative<resource::Recovered>(event)) {
      put("recovered");
    } else if (std::holds_alternative<resource::TimerFired>(event)) {
      put("ticked");
    }
    return out;
  }
};

/// Answers what it is told to; keeps what it saw.
class Party final : public HttpHandler {
 public:
  std::function<std::optional<http::Response>(const http::Request&)> answer =
      [](const http::Request&) { return http::Response{200, {}, {}}; };
  std::vector<http::Request> seen;
  void handle(http::Request request, ReplyFn reply) override {
    seen.push_back(request);
    if (auto response = answer(request)) reply(std::move(*response));
  }
};

/// Everything of one server process; made anew on the same store after a crash.
struct Server {
  Server(sim::SimLoop& loop, sim::SimNetwork& network, sim::StoreState state)
      : scheduler(loop),
        store(loop, std::move(state)),
        client(network.client("server")),
        replies(scheduler, loop),
        notifier(
            store, scheduler, *client, rng, log, metrics,
            [](const http::Url&) -> Result<void> { return {}; }, NotifierLimits{.parked_max = 10}),
        runner({store, scheduler, loop, log, metrics, replies, calls, notifier}),
        router({runner, replies, authenticator, store, loop, rng, log, metrics}, RouterLimits{}) {
    calls.add("nef", std::make_unique<NetworkPeer>(PeerConfig{"nef", "http", "nef", "/core", {}},
                                                   *client, nullptr, loop, metrics));
    runner.add(machine);
    network.attach("server", &router);
  }

  ScopedScheduler scheduler;
  SeededRng rng{7};
  sim::SimLog log;
  sim::SimMetrics metrics;
  sim::SimAuthenticator authenticator{{"toy"}};
  sim::SimStore store;
  std::unique_ptr<HttpClient> client;
  PromiseMachine machine;
  Replies replies;
  Calls calls;
  Notifier notifier;
  EffectRunner runner;
  Router router;
};

class World : public testing::Test {
 public:
  World() {
    network.attach("nef", &nef);
    network.attach("sink", &sink);
    start({});
  }

  void start(sim::StoreState state) {
    server.emplace(loop, network, std::move(state));
    ASSERT_TRUE(server->runner.recover());
  }
  /// kill -9: what is durable goes on in a new process.
  void kill_and_restart() {
    server->store.crash();
    auto state = server->store.state();
    network.attach("server", nullptr);
    server.reset();
    start(std::move(state));
  }

  struct Answer {
    std::optional<http::Response> response;
  };
  std::shared_ptr<Answer> command(const std::string& id, const std::string& operation,
                                  Submission with = {}) {
    auto answer = std::make_shared<Answer>();
    const auto request =
        server->replies.wait([answer](http::Response response) { answer->response = response; });
    server->runner.submit({"promise", id},
                          resource::Command{.request = *request,
                                            .operation = operation,
                                            .http = {},
                                            .who = {"app", {}},
                                            .secret = "s"},
                          std::move(with));
    return answer;
  }
  std::string state_of(const std::string& id) const {
    const auto* record = server->store.state().find({"promise", id});
    return record ? record->state : "";
  }

  SeededRng faults_rng{1};
  sim::SimLoop loop;
  sim::SimNetwork network{loop, faults_rng};
  Party nef, sink;
  std::optional<Server> server;
};

}  // namespace lobo::runtime
