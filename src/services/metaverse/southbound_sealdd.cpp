#include "services/metaverse/southbound_sealdd.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "api/common.hpp"
#include "api/mm_das.hpp"
#include "api/sdd_connections.hpp"
#include "api/state/metaverse.hpp"
#include "api/sync_types.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "model/date_time.hpp"
#include "wire/http/message.hpp"
#include "wire/http/url.hpp"
#include "wire/json/json.hpp"
#include "wire/json/value.hpp"

namespace lobo::metaverse {

namespace sdd = api::sdd_connections;

namespace {

constexpr std::string_view connections = "/sdd-trans/v1/connections";
constexpr std::string_view flow_collection = "/sdd-trans/v1/flows";
constexpr std::string_view configurations = "/sdd-pc/v1/configurations";
constexpr std::string_view measurements = "/sdd-tqm/v1/subscriptions";

http::Request request_of(std::string method, std::string target, std::string content_type = {},
                         std::string body = {}) {
  http::Request request;
  request.method = std::move(method);
  request.target = std::move(target);
  request.headers.add("accept", "application/json, application/problem+json");
  if (!content_type.empty()) request.headers.add("content-type", std::move(content_type));
  request.body = std::move(body);
  return request;
}

http::Request post(std::string_view collection, std::string body, std::string_view key) {
  auto request = request_of("POST", std::string(collection), "application/json", std::move(body));
  // Whatever became of the first one, the second makes nothing new.
  request.headers.add("idempotency-key", std::string(key));
  return request;
}

std::string one_of(std::string_view collection, std::string_view id) {
  return std::string(collection) + '/' + http::percent_encode(id);
}

}  // namespace

sdd::SddFlowReq flow_of(const api::mm_das::SyncAsset& asked,
                        const api::state::metaverse::AssetState& asset) {
  const auto& resolved = asset.resolved;
  sdd::SddFlowReq flow;
  flow.direction = resolved.direction.value_or(api::sync_types::Direction::bidi);
  flow.components = resolved.components;
  flow.qos = resolved.qos;
  if (flow.qos) {
    flow.qos->sched.reset();  // The windows are kept here: outside of them there is no flow.
    if (resolved.ladder && resolved.ladder->size() > 1)
      flow.qos->alternatives.emplace(resolved.ladder->begin() + 1, resolved.ladder->end());
  }
  flow.tier = asset.tier;
  flow.tier_reason = asset.tier_reason;
  flow.redundancy = resolved.redundancy;
  flow.termination = asked.server_ep.termination;
  flow.server_ep = asked.server_ep;
  flow.client_ep = asked.client_ep;
  return flow;
}

std::string connect_body(const api::mm_das::SyncSessionReq& session,
                         const api::common::ValTargetUe& ue, std::string_view flows,
                         const ConnectTerms& terms) {
  std::string out = R"({"room":)" + json::quoted(terms.room);
  out += R"(,"valServiceId":)" + json::quoted(session.val_service_id);
  out += R"(,"valServerId":)" + json::quoted(session.requester_id);
  out += R"(,"valTargetUe":)" + json::write(ue);
  if (session.lower_layer_hints && session.lower_layer_hints->trans_type)
    out += R"(,"transType":)" +
           json::quoted(api::mm_das::to_string(*session.lower_layer_hints->trans_type));
  out += R"(,"flows":)" + std::string(flows);
  out += R"(,"expTime":)" + json::quoted(model::format_date_time(terms.expires));
  out += R"(,"notifUri":)" + json::quoted(terms.notif_uri);
  // NOTE 2: what the enabler asks for was resolved here.
  return out + R"(,"mmelResolved":true})";
}

std::string change_body(std::string_view before, std::string_view after,
                        std::optional<Instant> expires) {
  const auto old = json::parse(before).value_or(json::Value{});
  const auto fresh = json::parse(after).value_or(json::Value{});
  json::Value::Object flows;
  if (fresh.object() != nullptr)
    for (const auto& member : *fresh.object()) {
      const auto* was = old.find(member.name);
      if (was == nullptr || *was != member.value) flows.push_back(member);
    }
  if (old.object() != nullptr)
    for (const auto& member : *old.object())
      if (fresh.find(member.name) == nullptr) flows.push_back({member.name, json::Value{}});
  json::Value::Object out;
  if (!flows.empty()) out.push_back({"flows", json::Value{std::move(flows)}});
  if (expires) out.push_back({"expTime", json::Value{model::format_date_time(*expires)}});
  return json::to_text(json::Value{std::move(out)});
}

http::Request connect_request(std::string body, std::string_view key) {
  return post(connections, std::move(body), key);
}
http::Request change_request(std::string_view connection, std::string body) {
  return request_of("PATCH", one_of(connections, connection), "application/merge-patch+json",
                    std::move(body));
}
http::Request release_request(std::string_view connection) {
  return request_of("DELETE", one_of(connections, connection));
}
http::Request state_request(std::int64_t flow, std::string_view asset) {
  return request_of("GET", one_of(flow_collection, std::to_string(flow)) +
                               "/state?asset-id=" + http::percent_encode(asset));
}
http::Request policy_request(std::string body, std::string_view key) {
  return post(configurations, std::move(body), key);
}
http::Request policy_change_request(std::string_view id, std::string body) {
  return request_of("PUT", one_of(configurations, id), "application/json", std::move(body));
}
http::Request policy_release_request(std::string_view id) {
  return request_of("DELETE", one_of(configurations, id));
}
http::Request measure_request(std::string body, std::string_view key) {
  return post(measurements, std::move(body), key);
}
http::Request measure_release_request(std::string_view id) {
  return request_of("DELETE", one_of(measurements, id));
}

Heard heard(const Result<http::Response>& response, std::string_view who) {
  const std::string name(who);
  if (!response) {
    const bool unsent = response.error().code == Errc::too_many;
    return {unsent ? Verdict::unsent : Verdict::unknown, name + " cannot be reached"};
  }
  const int status = response->status;
  if (status >= 200 && status < 300) return {Verdict::done, {}};
  if (status == 404) return {Verdict::gone, name + " does not know it"};
  // It may change its mind about these: later, or once it is well again. 409 with Retry-After is
  // the same request still under way.
  const bool later = status == 408 || status == 425 || status == 429 || status >= 500 ||
                     status < 200 || (status == 409 && response->headers.find("retry-after"));
  if (later) return {Verdict::unknown, name + " answered " + std::to_string(status)};
  const auto problem = json::read<api::common::ProblemDetails>(response->body);
  std::string cause = name + " refused: " + std::to_string(status);
  if (problem && problem->cause) cause += ' ' + *problem->cause;
  return {Verdict::refused, std::move(cause)};
}

std::optional<std::string> id_in_location(const http::Response& response) {
  const auto location = response.headers.find("location");
  if (!location) return std::nullopt;
  const auto path = http::split_target(*location).path;
  const auto slash = path.rfind('/');
  if (slash == std::string_view::npos || slash + 1 == path.size()) return std::nullopt;
  return http::percent_decode(path.substr(slash + 1));
}

Result<sdd::SddConnection> connection_in(const http::Response& response) {
  return json::read<sdd::SddConnection>(response.body);
}

}  // namespace lobo::metaverse
