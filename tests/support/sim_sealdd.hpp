#pragma once
// A SEALDD server in a virtual world: connections, policy configurations and measurement
// subscriptions in memory, with the behaviour that a test wants. Only for tests.

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/sdd_connections.hpp"
#include "runtime/ports.hpp"
#include "wire/http/url.hpp"
#include "wire/json/json.hpp"
#include "wire/json/value.hpp"

namespace lobo::testing {

class SimSealdd final : public runtime::HttpHandler {
 public:
  using Connection = api::sdd_connections::SddConnection;

  struct Held {
    Connection shown;
    std::string notif_uri;
    std::string key;
    std::int64_t sequence = 0;
    bool mmel_resolved = false;
  };

  void handle(http::Request request, ReplyFn reply) override {
    seen.push_back(request);
    if (silent) return;
    if (status != 0) return reply({status, {}, {}});
    const auto path = std::string(http::split_target(request.target).path);
    const auto slash = path.rfind('/');
    if (path == "/sdd-trans/v1/connections") return reply(connect(request));
    if (path.starts_with("/sdd-trans/v1/connections/"))
      return reply(at(request, path.substr(slash + 1)));
    if (path.starts_with("/sdd-trans/v1/flows/") && path.ends_with("/state"))
      return reply({200, {{"content-type", "application/json"}}, replica});
    auto& made = path.starts_with("/sdd-pc/") ? configurations : measurements;
    if (request.method == "POST") {
      for (const auto& [id, one] : made)
        if (one.second == key_of(request)) return reply(created(path + '/' + id));
      if (refuses_beside) return reply({403, {}, {}});
      const auto id = "b" + std::to_string(++ids_);
      made.emplace(id, std::pair{request.body, key_of(request)});
      return reply(created(path + '/' + id));
    }
    const auto found = made.find(path.substr(slash + 1));
    if (found == made.end()) return reply({404, {}, {}});
    if (request.method == "DELETE") {
      made.erase(found);
      return reply({204, {}, {}});
    }
    found->second.first = request.body;
    reply({200, {{"content-type", "application/json"}}, request.body});
  }

  Held& of_ue(std::string_view ue) {
    for (auto& [id, held] : connections)
      if (held.shown.val_target_ue.val_ue_id == ue) return held;
    ADD_FAILURE() << "no connection of " << ue;
    static Held none;
    return none;
  }
  bool has(std::string_view ue) const {
    for (const auto& [id, held] : connections)
      if (held.shown.val_target_ue.val_ue_id == ue) return true;
    return false;
  }
  bool empty() const {
    return connections.empty() && configurations.empty() && measurements.empty();
  }
  /// The body of a notification of that connection, the next in its sequence.
  static std::string notification(Held& held, std::string_view state, std::string_view flows,
                                  std::string_view more = "") {
    const auto states = json::parse(flows);
    if (states && states->object() != nullptr)
      for (const auto& [asset, flow_state] : *states->object())
        if (const auto now =
                json::enum_from<api::sdd_connections::SddFlowState>(*flow_state.text()))
          held.shown.flows[asset].state = *now;
    return R"({"connectionId":")" + held.shown.connection_id + R"(","seq":)" +
           std::to_string(++held.sequence) + R"(,"ts":"2026-01-01T00:00:00Z","state":")" +
           std::string(state) + R"(","flows":)" + std::string(flows) + std::string(more) + "}";
  }

  std::map<std::string, Held> connections;
  std::map<std::string, std::pair<std::string, std::string>> configurations, measurements;
  std::string replica;  ///< SddReplica, of any flow
  std::vector<http::Request> seen;
  std::set<std::string> refused_ues;
  int status = 0;  ///< answers all with it
  bool silent = false;
  bool refuses_beside = false;
  bool refuses_change = false;
  /// It does what it is asked, and its answer is lost.
  bool answers_badly = false;
  std::int64_t epoch = 1;

 private:
  static std::string key_of(const http::Request& request) {
    return std::string(request.headers.find("idempotency-key").value_or(""));
  }
  static http::Response created(const std::string& path) {
    return {201,
            {{"content-type", "application/json"}, {"location", "http://sealdd.example" + path}},
            "{}"};
  }
  http::Response shown(int code, const Held& held) const {
    if (answers_badly) return {503, {}, {}};
    http::Response response{code, {{"content-type", "application/json"}}, json::write(held.shown)};
    response.headers.add(
        "location", "http://sealdd.example/sdd-trans/v1/connections/" + held.shown.connection_id);
    return response;
  }
  static api::sdd_connections::SddFlow flow(const api::sdd_connections::SddFlowReq& wanted,
                                            std::int64_t number) {
    auto made = json::read<api::sdd_connections::SddFlow>(
        R"({"direction":"BIDI","flowIds":[)" + std::to_string(number) + R"(],"alias":)" +
        std::to_string(number) + R"(,"state":"INIT"})");
    EXPECT_TRUE(made);
    made->direction = wanted.direction;
    made->tier = wanted.tier;
    made->components = wanted.components;
    return *made;
  }

  http::Response connect(const http::Request& request) {
    for (const auto& [id, held] : connections)
      if (held.key == key_of(request)) return shown(200, held);
    const auto wanted = json::read<api::sdd_connections::SddConnectionReq>(request.body);
    EXPECT_TRUE(wanted) << request.body;
    if (!wanted) return {400, {}, {}};
    const auto ue = wanted->val_target_ue.val_ue_id.value_or("");
    if (refused_ues.contains(ue))
      return {403,
              {{"content-type", "application/problem+json"}},
              R"({"status":403,"cause":"UE_NOT_SERVED"})"};
    Held held;
    held.key = key_of(request);
    held.notif_uri = wanted->notif_uri.value_or("");
    held.mmel_resolved = wanted->mmel_resolved.value_or(false);
    auto& out = held.shown;
    out.connection_id = "c" + std::to_string(++ids_);
    out.self = "http://sealdd.example/sdd-trans/v1/connections/" + out.connection_id;
    out.room = wanted->room;
    out.val_service_id = wanted->val_service_id;
    out.val_server_id = wanted->val_server_id;
    out.val_target_ue = wanted->val_target_ue;
    out.exp_time = wanted->exp_time.value_or(Instant{});
    out.state = api::sdd_connections::SddConnectionState::connecting;
    out.dd_server_conn_info.emplace();
    out.dd_server_conn_info->ipv4_addr = "192.0.2.9";
    out.dd_server_conn_info->port = 4433;
    out.node_id = "node-1";
    out.epoch = epoch;
    out.token = "token-" + out.connection_id;
    for (const auto& [asset, one] : wanted->flows) out.flows.emplace(asset, flow(one, ++flows_));
    const auto& kept = connections.emplace(out.connection_id, std::move(held)).first->second;
    return shown(201, kept);
  }

  http::Response at(const http::Request& request, const std::string& id) {
    const auto found = connections.find(id);
    if (found == connections.end()) return {404, {}, {}};
    if (request.method == "DELETE") {
      connections.erase(found);
      if (answers_badly) return {503, {}, {}};
      return {204, {}, {}};
    }
    if (request.method == "PATCH") {
      if (refuses_change) return {403, {}, {}};
      const auto patch = json::read<api::sdd_connections::SddConnectionPatch>(request.body);
      EXPECT_TRUE(patch) << request.body;
      if (!patch) return {400, {}, {}};
      auto& held = found->second;
      if (patch->flows)
        for (const auto& [asset, wanted] : *patch->flows) {
          if (wanted.is_null()) {
            held.shown.flows.erase(asset);
            continue;
          }
          auto& kept = held.shown.flows[asset];
          if (kept.flow_ids.empty()) kept = flow({}, ++flows_);
          if (wanted->direction) kept.direction = *wanted->direction;
          kept.tier = wanted->tier;
          kept.components = wanted->components;
        }
      if (patch->exp_time) held.shown.exp_time = *patch->exp_time;
    }
    return shown(200, found->second);
  }

  std::uint64_t ids_ = 0;
  std::int64_t flows_ = 0;
};

}  // namespace lobo::testing
