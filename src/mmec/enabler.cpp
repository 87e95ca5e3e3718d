#include "mmec/enabler.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/common.hpp"
#include "api/mm_das.hpp"
#include "api/mm_pol.hpp"
#include "api/sync_types.hpp"
#include "base/result.hpp"
#include "base/rng.hpp"
#include "mmec/ports.hpp"
#include "mmec/types.hpp"
#include "sync/policy.hpp"
#include "sync/resolve.hpp"
#include "wire/http/message.hpp"
#include "wire/http/url.hpp"
#include "wire/json/formats.hpp"
#include "wire/json/json.hpp"
#include "wire/sdd/token.hpp"
#include "wire/sdd/types.hpp"

namespace lobo::mmec {
namespace {

namespace das = api::mm_das;
namespace types = api::sync_types;

constexpr std::string_view sessions = "/mm-das/v1/sessions";

Errc code_of(int status) {
  switch (status) {
    case 400: return Errc::malformed;
    case 401: return Errc::unauthenticated;
    case 403: return Errc::forbidden;
    case 404: return Errc::not_found;
    case 409:
    case 412: return Errc::conflict;
    case 422:
    case 424: return Errc::refused;
    case 429: return Errc::too_many;
    default: return status >= 500 ? Errc::unavailable : Errc::refused;
  }
}

/// Another time, or another node of SEALDD, may make it good.
bool may_pass(int status) { return status == 424 || status == 429 || status >= 500; }

types::Direction direction_of(sdd::Direction direction) {
  switch (direction) {
    case sdd::Direction::pub: return types::Direction::pub;
    case sdd::Direction::sub: return types::Direction::sub;
    case sdd::Direction::bidi: return types::Direction::bidi;
  }
  std::abort();
}

types::ReliabilityClass class_of(sdd::FlowClass reliability) {
  switch (reliability) {
    case sdd::FlowClass::newest: return types::ReliabilityClass::r0;
    case sdd::FlowClass::lossy: return types::ReliabilityClass::r1;
    case sdd::FlowClass::deadline: return types::ReliabilityClass::r2;
    case sdd::FlowClass::unordered: return types::ReliabilityClass::r3;
    case sdd::FlowClass::ordered: return types::ReliabilityClass::r4;
  }
  std::abort();
}

das::SyncAsset asset_of(const Wanted& wanted, const Settings& settings) {
  das::SyncAsset out;
  out.asset_id = wanted.asset;
  if (!wanted.asset_class.empty()) out.asset_class = wanted.asset_class;
  out.server_ep.id = settings.room.empty() ? settings.service : settings.room;
  out.client_ep.id = "mmec:" + settings.ue;
  out.host_ue.val_ue_id = settings.ue;
  out.direction = direction_of(wanted.direction);
  if (wanted.components) out.components = *wanted.components;
  if (settings.second) out.redundancy = types::Redundancy::dual;
  out.qos.reliability_class = class_of(wanted.reliability);
  out.qos.update_rate_hz = wanted.rate_hz;
  return out;
}

Result<Place> place_of(const das::GrantedAsset& granted) {
  Place at;
  const auto& where = *granted.dd_server_conn_info;
  if (where.ipv4_addr) at.host = *where.ipv4_addr;
  if (where.ipv6_addr) at.host = *where.ipv6_addr;
  if (where.port) at.port = static_cast<std::uint16_t>(*where.port);
  if (at.host.empty() || at.port == 0)
    return fail(Errc::not_allowed, "the node's address is no address and port",
                {{Errc::not_allowed, "/granted/ddServerConnInfo", "an IPv4 or IPv6 address"}});
  if (granted.certificate_hash) {
    const auto octets = json::base64_decode(*granted.certificate_hash);
    if (!octets || octets->size() != certificate_bytes)
      return fail(Errc::malformed, "the hash of the node's certificate cannot be read",
                  {{Errc::pattern, "/granted/certificateHash", "SHA-256 in base64"}});
    at.certificate.emplace();
    std::ranges::transform(*octets, at.certificate->begin(),
                           [](char octet) { return static_cast<std::uint8_t>(octet); });
  }
  return at;
}

}  // namespace

Error problem_of(const http::Request& asked, const http::Response& answer) {
  Error error{code_of(answer.status),
              asked.method + ' ' + asked.target + ": " + std::to_string(answer.status),
              {}};
  const auto told = json::read<api::common::ProblemDetails>(answer.body);
  if (!told) return error;
  if (told->cause) error.detail += ' ' + *told->cause;
  if (told->detail) error.detail += ": " + *told->detail;
  if (told->invalid_params)
    for (const auto& param : *told->invalid_params)
      error.faults.push_back({error.code, param.param, param.reason.value_or("")});
  return error;
}

Enabler::Enabler(const Settings& settings, Network& network, Rng& rng)
    : settings_(settings),
      network_(network),
      key_(settings.idempotency_key.empty() ? random_id(rng) : settings.idempotency_key),
      session_(settings.session),
      policies_known_(!settings.policies) {}

sdd::ComponentMask Enabler::allowed(std::string_view asset) const {
  const auto found = allowed_.find(asset);
  return found == allowed_.end() ? sdd::all_components : found->second;
}

// ---- requests

Result<http::Request> Enabler::request_of(std::string method, const std::string& path,
                                          std::string body) {
  std::string root = settings_.api_root;
  while (root.ends_with('/')) root.pop_back();
  const auto url = http::parse_url(root + path);
  if (!url) return fail(url.error());
  http::Request out;
  out.method = std::move(method);
  out.scheme = url->scheme;
  out.authority = url->authority();
  out.target = url->target;
  out.headers.add("accept", "application/json");
  if (!settings_.authorization.empty())
    out.headers.add("authorization", "Bearer " + settings_.authorization);
  if (!body.empty()) out.headers.add("content-type", "application/json");
  out.body = std::move(body);
  return out;
}

void Enabler::call(Purpose purpose, std::string method, const std::string& path, std::string body) {
  auto request = request_of(std::move(method), path, std::move(body));
  // Session::start() has refused a root that is no URL; identifiers are encoded.
  if (!request) return;
  if (purpose == Purpose::create) request->headers.add("idempotency-key", key_);
  under_way_ = UnderWay{++calls_, purpose, *request};
  network_.ask(calls_, std::move(*request), enabler_patience);
}

void Enabler::ask() { next_step(); }

void Enabler::next_step() {
  if (!policies_known_)
    return call(Purpose::policies, "GET", "/mm-pol/v1/policies?limit=100" + page_, {});
  if (session_.empty())
    return call(Purpose::create, "POST", std::string(sessions), json::write(wish()));
  refresh();
}

void Enabler::refresh() {
  call(Purpose::read, "GET", std::string(sessions) + '/' + http::percent_encode(session_), {});
}

void Enabler::bid_farewell(const std::string& path) {
  auto request = request_of("DELETE", path, {});
  if (!request) return;
  ++farewells_;
  network_.ask(++calls_, std::move(*request), enabler_patience);
}

void Enabler::leave(bool end_session) {
  under_way_.reset();
  calls_before_leaving_ = calls_;
  if (session_.empty()) return;
  const auto path = std::string(sessions) + '/' + http::percent_encode(session_);
  if (end_session) return bid_farewell(path);
  for (const auto& asset : added_)
    bid_farewell(path + "/assets/" + http::percent_encode(asset) +
                 "?ue-id=" + http::percent_encode(settings_.ue));
}

das::SyncAsset Enabler::tightened(const Wanted& wanted) const {
  auto asset = asset_of(wanted, settings_);
  // Step 2, here: only ever tighter than what was asked for.
  if (const auto mask = allowed(wanted.asset); mask != sdd::all_components)
    asset.components = mask & wanted.components.value_or(sdd::all_components);
  return asset;
}

Enabler::Request Enabler::wish() const {
  Request out;
  out.val_service_id = settings_.service;
  out.requester_id = settings_.requester.empty() ? settings_.ue : settings_.requester;
  if (!settings_.room.empty()) out.room = settings_.room;
  for (const auto& wanted : settings_.assets) out.assets.push_back(tightened(wanted));
  return out;
}

// ---- answers

std::optional<Enabler::News> Enabler::answered(std::uint64_t number,
                                               const Result<http::Response>& answer) {
  if (farewells_ > 0 && number > calls_before_leaving_) --farewells_;
  if (!under_way_ || under_way_->number != number) return std::nullopt;
  const UnderWay asked = std::move(*under_way_);
  under_way_.reset();
  if (!answer) {
    Error error = answer.error();
    error.detail = asked.request.method + ' ' + asked.request.scheme + "://" +
                   asked.request.authority + asked.request.target + ": " + error.detail;
    return News{{}, std::move(error), false, false};
  }
  const int status = answer->status;
  if (asked.purpose == Purpose::policies) {
    if (status == 200) return take_policies(*answer);
    if (may_pass(status)) return News{{}, problem_of(asked.request, *answer), false, false};
    // They are not for us to see. MMES knows them all the same.
    policies_known_ = true;
    next_step();
    return std::nullopt;
  }
  if (status == 404 && !session_.empty())
    return News{{}, problem_of(asked.request, *answer), true, true};
  if (status != 200 && status != 201)
    return News{{}, problem_of(asked.request, *answer), !may_pass(status), false};
  if (asked.purpose == Purpose::put) {
    added_.push_back(settings_.assets[put_++].asset);
    refresh();
    return std::nullopt;
  }
  if (asked.purpose == Purpose::create) created_ = true;
  return take_session(*answer);
}

std::optional<Enabler::News> Enabler::take_policies(const http::Response& answer) {
  auto list = json::read<api::mm_pol::SyncPolicyList>(answer.body);
  if (!list) return broken(list.error());
  for (auto& item : list->items) {
    if (policies_.size() >= policies_max) break;
    // What is said is what a request for the policy would say: the same members.
    auto said = json::read<api::mm_pol::SyncPolicyReq>(json::write(item));
    if (!said) return broken(said.error());
    policies_.push_back(std::make_shared<sync::Policy>(
        sync::Policy{std::move(item.policy_id), item.version, std::move(*said)}));
  }
  if (list->next && !list->next->empty() && list->next->size() <= cursor_bytes_max &&
      ++pages_ < policy_pages_max) {
    page_ = "&cursor=" + http::percent_encode(*list->next);
    next_step();
    return std::nullopt;
  }
  policies_known_ = true;
  if (auto refused = resolve_here()) return refused;
  next_step();
  return std::nullopt;
}

std::optional<Enabler::News> Enabler::resolve_here() {
  const auto resolution = sync::resolve(wish(), policies_);
  std::vector<Fault> faults;
  for (std::size_t i = 0; i < resolution.assets.size(); ++i) {
    const auto& asset = resolution.assets[i];
    if (asset.components)
      allowed_[asset.asset_id] = static_cast<sdd::ComponentMask>(*asset.components);
    if (asset.decision != das::PolicyDecision::refuse) continue;
    std::string by;
    for (const auto& entry : asset.trace)
      if (entry.origin == das::TraceOrigin::refused)
        for (const auto& source : entry.sources) by += (by.empty() ? " by " : ", ") + source;
    faults.push_back({Errc::refused, "/assets/" + std::to_string(i),
                      asset.asset_id + ": " + asset.cause.value_or("refused") + by});
  }
  if (faults.empty()) return std::nullopt;
  return broken({Errc::refused, "the policies here refuse what is asked for", std::move(faults)});
}

std::optional<Enabler::News> Enabler::take_session(const http::Response& answer) {
  const auto session = json::read<das::SyncSession>(answer.body);
  if (!session) return broken(session.error());
  if (session->session_id.empty() || session->session_id.size() > session_id_bytes_max)
    return broken({Errc::out_of_range,
                   "the enabler calls its session by no name that can be used",
                   {{Errc::out_of_range, "/sessionId", "1 to 512 octets"}}});
  session_ = session->session_id;
  if (session->state == das::SessionState::releasing ||
      session->state == das::SessionState::released || session->state == das::SessionState::failed)
    return News{{},
                Error{Errc::not_found,
                      "the session is " + std::string(das::to_string(session->state)) +
                          (session->cause ? ": " + *session->cause : ""),
                      {}},
                true,
                true};
  if (created_) return of_session(*session);
  return join(*session);
}

/// Who joins brings its own assets along, each once.
std::optional<Enabler::News> Enabler::join(const das::SyncSession& session) {
  for (; put_ < settings_.assets.size(); ++put_) {
    const auto& wanted = settings_.assets[put_];
    const bool there = std::ranges::any_of(session.granted, [&](const das::GrantedAsset& one) {
      return one.asset_id == wanted.asset && sync::id_of(one.host_ue) == settings_.ue;
    });
    if (there) continue;
    call(Purpose::put, "PUT",
         std::string(sessions) + '/' + http::percent_encode(session_) + "/assets/" +
             http::percent_encode(wanted.asset),
         json::write(tightened(wanted)));
    return std::nullopt;
  }
  return of_session(session);
}

Enabler::News Enabler::of_session(const das::SyncSession& session) {
  std::vector<Fault> refused;
  for (const auto& one : session.granted) {
    if (sync::id_of(one.host_ue) != settings_.ue) continue;
    if (!one.token || !one.dd_server_conn_info) {
      refused.push_back(
          {Errc::refused, "/granted/" + one.asset_id, one.cause.value_or("no flow is granted")});
      continue;
    }
    const auto at = place_of(one);
    if (!at) return broken(at.error());
    auto token = sdd::token_of_text(*one.token);
    if (!token) return broken(token.error());
    auto grant = read_grant(std::move(*token), *at);
    if (!grant) return broken(grant.error());
    // One token has all flows of the UE.
    return {std::move(*grant), {}, false, false};
  }
  if (session.state == das::SessionState::suspended)
    return {
        {}, Error{Errc::unavailable, "the session is suspended by its schedule", {}}, false, false};
  if (!refused.empty())
    return {{},
            Error{Errc::refused, "nothing is granted to " + settings_.ue, std::move(refused)},
            false,
            false};
  return broken({Errc::not_found, "the session has no asset of " + settings_.ue, {}});
}

}  // namespace lobo::mmec
