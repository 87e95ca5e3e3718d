#include "sealdd/world.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/nra_reliable.hpp"
#include "api/sdd_connections.hpp"
#include "api/sdd_relay.hpp"
#include "api/ss_nra.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "runtime/network_peer.hpp"
#include "runtime/ports.hpp"
#include "services/sealdd/ports.hpp"
#include "wire/http/message.hpp"
#include "wire/json/json.hpp"
#include "wire/json/value.hpp"
#include "wire/resource/machine.hpp"

namespace lobo::app::testing {

namespace rly = api::sdd_relay;

void SealddClients::authenticate(const http::Request& request, Instant /*now*/,
                                 std::function<void(Result<resource::Principal>)> done) {
  const auto client = request.headers.find("x-lobo-client");
  if (!client) return done(fail(Errc::unauthenticated, "no credentials"));
  resource::Principal who{
      std::string(*client),
      {"sdd-trans", "sdd-rly", "sdd-tqm", "sdd-pc", "sdd-ddc", "sdd-ds", "sdd-das"}};
  if (const auto scope = request.headers.find("x-lobo-scopes")) who.scopes = {std::string(*scope)};
  done(std::move(who));
}

namespace {

sealdd::Settings settings() {
  sealdd::Settings out;
  out.api_root = "http://sealdd.example";
  out.sinks.https_only = false;
  out.sinks.hosts = {"mmes.example", "val.example"};
  out.token_keys = {{7, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}};
  return out;
}

}  // namespace

void SealddNrm::handle(http::Request request, ReplyFn reply) {
  seen.push_back(request.method);
  if (silent) return;
  if (status != 0) return reply({status, {}, {}});
  if (request.method == "DELETE") {
    const auto id = request.target.substr(request.target.rfind('/') + 1);
    return reply({held.erase(id) > 0 ? 204 : 404, {}, {}});
  }
  if (request.method == "GET") {
    const auto found = held.find(request.target.substr(request.target.rfind('/') + 1));
    if (found == held.end()) return reply({404, {}, {}});
    auto body = json::read<api::nra_reliable::ReliableTransmission>(found->second).value();
    body.rel_state.emplace();
    body.rel_state->control_plane = api::ss_nra::ControlPlaneStateKnown::confirmed;
    body.rel_state->delivery = api::nra_reliable::GuidanceDeliveryKnown::delivered;
    if (revoked.contains(found->first)) {
      body.rel_state->control_plane = api::ss_nra::ControlPlaneStateKnown::refused;
      body.rel_state->cause = "AUTH_REVOKED";
    }
    return reply({200, {{"content-type", "application/json"}}, json::write(body)});
  }
  if (status_of_create != 0) return reply({status_of_create, {}, {}});
  auto& id = keys_[std::string(request.headers.find("idempotency-key").value_or(""))];
  if (!held.contains(id)) held[id = "rel" + std::to_string(++ids_)] = request.body;
  if (answers_badly) return reply({503, {}, {}});
  reply({201,
         {{"content-type", "application/json"},
          {"location", "http://nrm.example/ss-nra/v1/reliable-transmissions/" + id}},
         request.body});
}

SealddWorld::SealddWorld(bool with_nrm) : nrm_(with_nrm), rng_(1), network(loop, rng_) {
  network.attach("nrm.example", &nrm);
  network.attach("mmes.example", &sink);
  network.attach("val.example", &sink);
  network.attach("enabler.example", &enabler);
  start({});
}

SealddWorld::Process::Process(SealddWorld& world, sim::StoreState durable)
    : rng(++world.runs_),
      store(world.loop, std::move(durable)),
      client(world.network.client("server")),
      plane({.sealdd = settings(),
             .router = {.resources_per_owner_max = 10000,
                        .requests_per_second = 1e6,
                        .request_burst = 1e6},
             .notifier = {},
             .mmes = runtime::PeerConfig{.name = "mmes",
                                         .scheme = "http",
                                         .authority = "enabler.example",
                                         .path_prefix = "",
                                         .redirect_authorities = {}},
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
             .sinks = *client,
             .authenticator = clients,
             .log = log,
             .metrics = metrics,
             .signer = signer,
             .mmes = client.get(),
             .nrm = client.get()}) {}

void SealddWorld::start(sim::StoreState durable) {
  process_ = std::make_unique<Process>(*this, std::move(durable));
  static_cast<void>(process_->plane.start());
}

void SealddWorld::crash_and_restart() {
  process_->store.crash();
  auto kept = process_->store.state();
  process_.reset();
  start(std::move(kept));
}

http::Request SealddWorld::request(std::string method, std::string target, std::string body,
                                   http::Headers headers, std::string_view client) const {
  http::Request out{.method = std::move(method),
                    .scheme = "http",
                    .authority = "sealdd.example",
                    .target = std::move(target),
                    .headers = std::move(headers),
                    .body = std::move(body)};
  if (!out.body.empty() && !out.headers.find("content-type"))
    out.headers.add("content-type",
                    out.method == "PATCH" ? "application/merge-patch+json" : "application/json");
  if (!client.empty()) out.headers.set("x-lobo-client", std::string(client));
  return out;
}

std::shared_ptr<std::optional<http::Response>> SealddWorld::begin(http::Request request) {
  auto answer = std::make_shared<std::optional<http::Response>>();
  process_->plane.router().handle(
      std::move(request), [answer](http::Response response) { *answer = std::move(response); });
  return answer;
}

http::Response SealddWorld::ask(http::Request request) {
  auto copy = request;
  const auto answer = begin(std::move(request));
  loop.run_until([&] { return answer->has_value(); }, sealdd_answer_within);
  auto response = answer->value_or(http::Response{});
  if (on_answer) on_answer(copy, response);
  return response;
}

http::Response SealddWorld::ask(std::string method, std::string target, std::string body,
                                http::Headers headers, std::string_view client) {
  return ask(
      request(std::move(method), std::move(target), std::move(body), std::move(headers), client));
}

std::string SealddWorld::id_of(const http::Response& response) {
  const std::string location(response.headers.find("location").value_or(""));
  return location.substr(location.rfind('/') + 1);
}

json::Value SealddWorld::body_of(const http::Response& response) {
  const auto body = json::parse(response.body);
  EXPECT_TRUE(body) << response.status << ' ' << response.body;
  return body.value_or(json::Value{});
}

std::vector<std::string> SealddWorld::blamed(const http::Response& response) {
  std::vector<std::string> out;
  const auto body = body_of(response);
  const auto* params = body.find("invalidParams");
  if (params == nullptr) return out;
  for (const auto& one : *params->array()) out.push_back(*one.find("param")->text());
  return out;
}

std::string SealddWorld::verdict(const http::Response& response) {
  std::string out = std::to_string(response.status);
  if (response.status < 400) return out;
  const auto body = body_of(response);
  const auto* cause = body.find("cause");
  return cause != nullptr && cause->text() ? out + ' ' + std::string(*cause->text()) : out;
}

std::vector<http::Request> SealddWorld::told() {
  loop.run_for(std::chrono::milliseconds(200));
  return std::exchange(sink.seen, {});
}

void SealddWorld::spoil() {
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

std::string connection_text(std::string_view ue, std::string_view room, std::string_view asset,
                            std::string_view more) {
  return R"({"room":")" + std::string(room) +
         R"(","valServiceId":"xr.meet","valServerId":"val-1","valTargetUe":{"valUeId":")" +
         std::string(ue) + R"("},"notifUri":"http://mmes.example/sdd","flows":{")" +
         std::string(asset) +
         R"(":{"direction":"BIDI","qos":{"reliabilityClass":"R0","mbrDl":"4 Mbps","updateRateHz":30,)"
         R"("alternatives":[{"updateRateHz":15},{"updateRateHz":5,"mbrDl":"1 Mbps","components":1}]}}})" +
         std::string(more) + "}";
}

std::string session_text(const std::vector<std::string>& ues, std::string_view more) {
  std::string assets;
  for (const auto& ue : ues)
    assets += std::string(assets.empty() ? "" : ",") + R"({"assetId":"urn:avatar:)" + ue +
              R"(","serverEp":{"id":"room/9"},"clientEp":{"id":"here"},"hostUe":{"valUeId":")" +
              ue + R"("},"direction":"BIDI","qos":{"mbrDl":"8 Mbps","updateRateHz":30}})";
  return R"({"valServiceId":"xr","requesterId":"val-1","room":"r1","suppFeat":"10000000000","assets":[)" +
         assets + "]" + std::string(more) + "}";
}

// ---- relay nodes --------------------------------------------------------------------------------

http::Response SimRelay::enrol() {
  rly::RelayRegistration said;
  said.conn_info.ipv4_addr = "127.0.0.68";
  said.conn_info.port = 4433;
  said.certificate_hash = "aGFzaA==";
  said.boot_id = boot_;
  said.capacity.egress_bps = egress_bps_;
  said.epoch_seen = known.epoch;
  said.orders_seen = seen;
  if (draining) said.draining = true;
  if (redundant) {
    said.redundant_conn_info.emplace();
    said.redundant_conn_info->ipv4_addr = *redundant;
    said.redundant_conn_info->port = said.conn_info.port;
  }
  auto answer = world_.ask("PUT", path(), json::write(said), {}, "relay");
  if (auto node = json::read<rly::RelayNode>(answer.body); node && answer.status < 300) {
    if (node->epoch != known.epoch) sequence_ = 0;
    known = std::move(*node);
  }
  return answer;
}

void SimRelay::live(std::chrono::milliseconds time) {
  for (auto left = time; left.count() > 0; left -= std::chrono::milliseconds(500)) {
    enrol();
    world_.loop.run_for(std::min(left, std::chrono::milliseconds(500)));
  }
  enrol();
}

http::Response SimRelay::report(std::vector<rly::RelayFlowState> flows,
                                std::vector<rly::RelayWindow> windows,
                                std::vector<rly::RelayState> states) {
  rly::RelayReport said;
  said.seq = ++sequence_;
  said.epoch = known.epoch;
  said.orders_seen = seen;
  if (!flows.empty()) said.flows = std::move(flows);
  if (!windows.empty()) said.windows = std::move(windows);
  if (!states.empty()) said.states = std::move(states);
  auto answer = world_.ask("POST", path() + "/reports", json::write(said), {}, "relay");
  world_.loop.run_for(std::chrono::milliseconds(50));
  return answer;
}

http::Response SimRelay::tell(std::int64_t flow, api::sdd_connections::SddFlowState state) {
  rly::RelayFlowState one;
  one.flow_id = flow;
  one.state = state;
  return report({one});
}

std::vector<rly::RelayOrder> SimRelay::orders(int wait_ms) {
  const auto answer = world_.ask(
      "GET", path() + "/orders?after=" + std::to_string(seen) + "&wait=" + std::to_string(wait_ms),
      {}, {}, "relay");
  const auto read = json::read<rly::RelayOrders>(answer.body);
  EXPECT_TRUE(read) << answer.status << answer.body;
  if (!read) return {};
  if (!read->orders.empty()) seen = read->orders.back().order;
  return read->orders;
}

}  // namespace lobo::app::testing
