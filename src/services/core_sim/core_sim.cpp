#include "services/core_sim/core_sim.hpp"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "api/net_control.hpp"
#include "api/oam_files.hpp"
#include "api/policy_authorization.hpp"
#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/rng.hpp"
#include "base/text.hpp"
#include "services/core_sim/admission.hpp"
#include "services/core_sim/analytics.hpp"
#include "services/core_sim/answers.hpp"
#include "services/core_sim/applied_bdt.hpp"
#include "services/core_sim/as_session_with_qos.hpp"
#include "services/core_sim/bsf.hpp"
#include "services/core_sim/call.hpp"
#include "services/core_sim/callbacks.hpp"
#include "services/core_sim/config.hpp"
#include "services/core_sim/control.hpp"
#include "services/core_sim/faults.hpp"
#include "services/core_sim/groups.hpp"
#include "services/core_sim/journal.hpp"
#include "services/core_sim/kpi.hpp"
#include "services/core_sim/monitoring_event.hpp"
#include "services/core_sim/network.hpp"
#include "services/core_sim/policy_authorization.hpp"
#include "services/core_sim/qmc.hpp"
#include "services/core_sim/routes.hpp"
#include "services/core_sim/service_parameter.hpp"
#include "services/core_sim/sessions.hpp"
#include "services/core_sim/smf.hpp"
#include "services/core_sim/smf_control.hpp"
#include "services/core_sim/smf_n4.hpp"
#include "services/core_sim/tokens.hpp"
#include "services/core_sim/ue_directory.hpp"
#include "services/core_sim/watches.hpp"
#include "wire/http/media_type.hpp"
#include "wire/http/message.hpp"
#include "wire/http/url.hpp"
#include "wire/json/json.hpp"
#include "wire/resource/route.hpp"

namespace lobo::core_sim {

namespace {

using resource::Protection;

std::optional<std::string_view> bearer(const http::Request& request) {
  static constexpr std::string_view scheme = "bearer ";
  const auto header = request.headers.find("authorization");
  if (!header || header->size() <= scheme.size()) return std::nullopt;
  if (lower_ascii(header->substr(0, scheme.size())) != scheme) return std::nullopt;
  return trim(header->substr(scheme.size()));
}

// What holds for the form of every request, before anybody reads its body.
Outcome<void> check_form(const http::Request& request, const resource::Operation& operation) {
  const auto accept = request.headers.find("accept");
  const std::string type_given = operation.id == api::oam_files::operation::read_measurement_file
                                     ? "application/xml"
                                     : "application/json";
  if (accept && !http::accepts(*accept, type_given))
    return refuse(Errc::not_acceptable, "Answers are " + type_given + ".");
  if (request.body.size() > operation.body_bytes_max)
    return refuse(Errc::too_large, "The body is larger than this operation takes.");
  // The one body that may be left out (TS 29.514 clause 5.3.3.4.2).
  const bool optional = operation.id == api::policy_authorization::operation::delete_app_session;
  if (operation.content_type.empty() || (optional && request.body.empty())) return {};
  const auto type = request.headers.find("content-type");
  if (!type || !http::is_media_type(*type, operation.content_type))
    return refuse(Errc::media_type,
                  "The operation takes " + std::string(operation.content_type) + ".");
  return {};
}

http::Response oauth_answer(int status, std::string body) {
  auto response = json_response(status, std::move(body));
  response.headers.add("cache-control", "no-store");  // RFC 6749 clause 5.1
  if (status == 401) response.headers.add("www-authenticate", "Basic");
  return response;
}

http::Response redirection(const PlannedFault& fault, const CoreConfig& config,
                           std::string_view target) {
  const auto to = fault.location.empty() ? config.api_root + std::string(target) : fault.location;
  return {fault.permanent ? 308 : 307,
          {{"location", to}, {std::string(simulated_header), "netsim"}},
          {}};
}

http::Response error_of(const PlannedFault& fault) {
  Refusal refused{.status = fault.status,
                  .cause = fault.cause.empty() ? "SYSTEM_FAILURE" : fault.cause};
  refused.detail = "A planned fault.";
  refused.retry_after_seconds = fault.retry_after_seconds;
  return to_response(refused);
}

}  // namespace

Outcome<void> check_af(const Call& call, const CoreConfig& config, std::string_view scs_as_id,
                       std::string_view where) {
  const auto known =
      std::ranges::find(config.afs, scs_as_id, &AfConfig::scs_as_id) != config.afs.end();
  const auto speaks_for = [&](const OAuthClient& client) {
    return std::ranges::find(client.scs_as_ids, scs_as_id) != client.scs_as_ids.end();
  };
  if (known && (call.client == nullptr || speaks_for(*call.client))) return {};
  const auto place = where.empty() ? std::string("path:scsAsId") : std::string(where);
  return refuse(Errc::forbidden, "The AF is not known, or not the caller's.",
                {{Errc::forbidden, place, "may not be used by this caller"}});
}

struct CoreSim::State {
  State(const CoreConfig& config, Rng& rng, Smf::Numbers numbers)
      : net(config, rng, numbers),
        sessions(net),
        watches(net),
        qos(net, sessions),
        policy(net, sessions),
        monitoring(net, watches),
        bdt(net),
        parameters(net),
        analytics(net),
        groups(net),
        qmc(net),
        kpis(net),
        ran(net, sessions, watches),
        control(net, sessions, watches, ran) {}

  Network net;
  Sessions sessions;
  Watches watches;
  AsSessionWithQos qos;
  PolicyAuthorization policy;
  MonitoringEvent monitoring;
  AppliedBdtPolicies bdt;
  ServiceParameters parameters;
  Analytics analytics;
  Groups groups;
  QmcJobs qmc;
  Kpis kpis;
  RanControl ran;
  Control control;

  Output network_request(const http::Request& request, const RouteMatch& route, Instant now);
  /// Enters the request into the journal; its sequence number there.
  std::uint64_t note(const Call& call);
  Answer perform(Call& call);
  Answer token(const Call& call);
  Outcome<const OAuthClient*> client_of(const Call& call) const;
  void follow_user_plane(Instant now);
  bool may_control(const Call& call) const;
  void spoil(Output& output, const PlannedFault& fault, std::string_view target) const;
};

CoreSim::CoreSim(const CoreConfig& config, Rng& rng)
    : config_(config), rng_(rng), state_(std::make_unique<State>(config_, rng, Smf::Numbers{})) {}
CoreSim::~CoreSim() = default;

std::span<const resource::Operation> CoreSim::operations() { return all_operations(); }

Output CoreSim::handle(const http::Request& request, Instant now) {
  state_->kpis.advance(now);
  std::vector<std::string_view> allowed;
  const auto path = http::split_target(request.target).path;
  const auto route = match_route(request.method, path, allowed);
  const bool control =
      route.operation != nullptr && route.operation->protection == Protection::loopback;
  if (!control) {
    auto output = state_->network_request(request, route, now);
    state_->follow_user_plane(now);
    return output;
  }

  const Call call{request, *route.operation, route.params, now};
  // What a gNB says of a guarantee is the reason for what the NEF tells: it can be looked up.
  std::optional<std::uint64_t> noted;
  Answer answer = refuse(Errc::forbidden, "The control API answers on this machine only.");
  if (state_->may_control(call)) {
    if (route.operation->id == api::net_control::operation::notify_net_pdu_session)
      noted = state_->note(call);
    const auto form = check_form(request, *route.operation);
    if (!form) {
      answer = tl::unexpected<Refusal>(form.error());
    } else if (route.operation->id == api::net_control::operation::reset_net) {
      const auto next_id = state_->net.callbacks.next_id();
      const auto numbers = state_->net.smf ? state_->net.smf->numbers() : Smf::Numbers{};
      state_ = std::make_unique<State>(config_, rng_, numbers);
      state_->net.callbacks.continue_from(next_id);
      answer = http::Response{204, {{std::string(simulated_header), "netsim"}}, {}};
    } else if (route.operation->path.starts_with("/netsim-control/v1/groups")) {
      answer = state_->groups.control(call);
    } else if (QmcJobs::serves(route.operation->id)) {
      answer = state_->qmc.handle(call);
    } else if (Kpis::serves(route.operation->id)) {
      answer = state_->kpis.handle(call);
    } else if (RanControl::serves(route.operation->id)) {
      answer = state_->ran.handle(call);
    } else {
      answer = state_->control.handle(call);
    }
  }
  state_->follow_user_plane(now);
  Output output;
  output.response = answer ? std::move(*answer) : to_response(answer.error());
  if (noted) state_->net.journal.answered(*noted, output.response->status);
  return output;
}

std::uint64_t CoreSim::State::note(const Call& call) {
  JournalEntry entry{.at = call.now};
  entry.operation = call.operation.id;
  entry.method = call.request.method;
  entry.path = call.request.target;
  return net.journal.add(std::move(entry), call.request.body);
}

// 1. The journal. 2. A planned fault may strike before anything is looked at. 3. The operation.
// 4. Or it strikes the answer.
Output CoreSim::State::network_request(const http::Request& request, const RouteMatch& route,
                                       Instant now) {
  ++net.requests;
  JournalEntry note{.at = now};
  note.operation = route.operation == nullptr ? std::string_view{} : route.operation->id;
  note.method = request.method;
  note.path = request.target;
  note.traceparent = request.headers.find("traceparent").value_or("");
  if (const auto af = route.params.find("scsAsId"); af != route.params.end())
    note.scs_as_id = af->second;
  const bool secret = note.operation == request_access_token;
  const auto sequence =
      net.journal.add(std::move(note), secret ? std::string_view{} : request.body);

  Output output;
  output.delay = net.config.response_delay;
  if (route.operation == nullptr) {
    std::vector<std::string_view> allowed;
    match_route(request.method, http::split_target(request.target).path, allowed);
    const auto error = allowed.empty()
                           ? refuse(Errc::not_found, "There is no such resource.")
                           : refuse(Errc::method_unknown, "The resource has no such method.");
    output.response = to_response(error.value());
    std::string methods;
    for (const auto method : allowed)
      methods += (methods.empty() ? "" : ", ") + std::string(method);
    if (!methods.empty()) output.response->headers.add("allow", methods);
    net.journal.answered(sequence, output.response->status);
    return output;
  }

  const auto fault = net.faults.strike_request(route.operation->id);
  Call call{request, *route.operation, route.params, now};
  call.callbacks_first =
      net.config.early_allocation_event || (fault && fault->kind == FaultKind::early_callback);
  call.allocation_fails = fault && fault->kind == FaultKind::allocation_fails;
  if (!fault || fault->performed) {
    auto answer = perform(call);
    output.response = answer ? std::move(*answer) : to_response(answer.error());
    if (call.callbacks_first) output.callbacks = net.callbacks.take_due(now);
    if (!output.callbacks.empty()) output.delay += net.config.early_event_lead;
  }
  if (fault) spoil(output, *fault, request.target);
  net.journal.answered(sequence, output.response ? output.response->status : 0,
                       fault ? to_string(fault->kind) : std::string_view{});
  return output;
}

void CoreSim::State::spoil(Output& output, const PlannedFault& fault,
                           std::string_view target) const {
  switch (fault.kind) {
    case FaultKind::refuse:
      output.refuse = true;
      output.response.reset();
      return;
    case FaultKind::never_answer: output.response.reset(); return;
    case FaultKind::close_midway:
      output.close_midway = true;
      if (!output.response) output.response = error_of(fault);
      return;
    case FaultKind::status: output.response = error_of(fault); return;
    case FaultKind::redirect: output.response = redirection(fault, net.config, target); return;
    case FaultKind::delay:
      output.delay += fault.delay;
      if (!output.response) output.response = error_of(fault);
      return;
    case FaultKind::early_callback:
    case FaultKind::allocation_fails:
    case FaultKind::duplicate_callback:
    case FaultKind::reorder_callbacks:
    case FaultKind::drop_callback:
    case FaultKind::delay_callback:
      if (!output.response) output.response = error_of(fault);
      return;
  }
}

// RFC 6750: the token says which client calls; which AFs it may speak for is checked per request.
Outcome<const OAuthClient*> CoreSim::State::client_of(const Call& call) const {
  if (!net.config.tokens_required) return nullptr;
  const auto token = bearer(call.request);
  const auto* client = token ? net.tokens.client_of(*token, call.now) : nullptr;
  if (client == nullptr)
    return refuse(Errc::unauthenticated, "A bearer token of /oauth2/token is needed.");
  return client;
}

Answer CoreSim::State::perform(Call& call) {
  if (auto form = check_form(call.request, call.operation); !form)
    return tl::unexpected<Refusal>(std::move(form.error()));
  if (call.operation.id == request_access_token) return token(call);
  auto client = client_of(call);
  if (!client) return tl::unexpected<Refusal>(std::move(client.error()));
  call.client = *client;
  const auto path = call.operation.path;
  if (path.starts_with("/3gpp-ue-address/")) return retrieve_ue_address(call, net);
  if (path.starts_with("/3gpp-ueid/")) return retrieve_ue_id(call, net);
  // Whom the operator lets speak to a PCF or a BSF it trusts: no AF is named in the path.
  if (path.starts_with("/npcf-policyauthorization/")) return policy.handle(call);
  if (path.starts_with("/nbsf-management/")) return find_pcf_binding(call, net);
  if (path.starts_with("/ss-gm/")) return groups.documents(call);
  if (path.starts_with("/3gpp-applying-bdt-policy/")) {
    if (auto known = check_af(call, net.config, call.param("afId"), {}); !known)
      return tl::unexpected<Refusal>(std::move(known.error()));
    return bdt.handle(call);
  }
  if (path.starts_with("/3gpp-service-parameter/")) {
    if (auto known = check_af(call, net.config, call.param("afId"), "path:afId"); !known)
      return tl::unexpected<Refusal>(std::move(known.error()));
    return parameters.handle(call);
  }
  const bool to_analytics = path.starts_with("/3gpp-analyticsexposure/");
  const auto af = call.param(to_analytics ? "afId" : "scsAsId");
  if (auto known = check_af(call, net.config, af, to_analytics ? "path:afId" : ""); !known)
    return tl::unexpected<Refusal>(std::move(known.error()));
  if (to_analytics) return analytics.handle(call);
  if (path.starts_with("/3gpp-monitoring-event/")) return monitoring.handle(call);
  return qos.handle(call);
}

Answer CoreSim::State::token(const Call& call) {
  const auto refused = [](int status, std::string_view error) {
    api::net_control::AccessTokenErr body;
    body.error = error;
    return oauth_answer(status, json::write(body));
  };
  const auto request =
      read_token_request(call.request.body, call.request.headers.find("authorization"));
  if (!request) return refused(400, "invalid_request");
  auto issued = net.tokens.issue(*request, net.rng, call.now);
  if (const auto* refusal = std::get_if<TokenRefusal>(&issued))
    return refused(refusal->status, refusal->error);
  auto& given = std::get<IssuedToken>(issued);
  api::net_control::AccessTokenRsp body;
  body.access_token = std::move(given.token);
  body.token_type = "Bearer";
  body.expires_in = given.lifetime.count();
  return oauth_answer(200, json::write(body));
}

// What the user plane told becomes what sessions tell. An event may make others: each asks the UPF
// at most once, and its answer comes from outside, so this ends.
void CoreSim::State::follow_user_plane(Instant now) {
  if (!net.smf) return;
  for (auto events = net.smf->take_events(); !events.empty(); events = net.smf->take_events())
    for (const auto& event : events) sessions.take(event, now);
}

// A person or a test on this machine; a gNB stands in another network namespace.
bool CoreSim::State::may_control(const Call& call) const {
  return call.request.peer.loopback ||
         (RanControl::serves(call.operation.id) && ran.is_ran(call.request.peer.address));
}

void CoreSim::receive(const N4Endpoint& from, Bytes datagram, Instant now) {
  if (!state_->net.smf) return;
  state_->kpis.advance(now);
  state_->net.smf->receive(from, datagram, now);
  state_->follow_user_plane(now);
}

std::vector<N4Datagram> CoreSim::take_datagrams() {
  return state_->net.smf ? state_->net.smf->take_datagrams() : std::vector<N4Datagram>{};
}

std::vector<OutgoingCallback> CoreSim::tick(Instant now) {
  auto& net = state_->net;
  state_->kpis.advance(now);
  if (net.smf) net.smf->tick(now);
  // Ends, because whatever a timer starts again is due after `now`.
  while (const auto key = net.timers.take_due(now)) {
    if (state_->sessions.owns(key->of)) state_->sessions.timer(*key, now);
    if (state_->watches.owns(key->of)) state_->watches.timer(*key, now);
    if (state_->analytics.owns(key->of)) state_->analytics.timer(*key, now);
    if (state_->parameters.owns(key->of)) state_->parameters.timer(*key, now);
  }
  state_->follow_user_plane(now);
  return net.callbacks.take_due(now);
}

std::optional<Instant> CoreSim::next_due() const {
  std::optional<Instant> next;
  const auto earlier = [&](const std::optional<Instant>& due) {
    if (due) next = next ? std::min(*next, *due) : *due;
  };
  earlier(state_->net.timers.next_due());
  earlier(state_->net.callbacks.next_due());
  earlier(state_->kpis.next_due());
  if (state_->net.smf) earlier(state_->net.smf->next_due());
  return next;
}

void CoreSim::answered(std::uint64_t callback, const http::Response* response, Instant now) {
  state_->net.callbacks.answered(callback, response, now);
}

CoreSim::Counts CoreSim::counts() const {
  return {.sessions = state_->sessions.size(),
          .watches = state_->watches.size(),
          .bdt_policies = state_->bdt.size(),
          .service_parameters = state_->parameters.size(),
          .analytics = state_->analytics.size(),
          .callbacks_pending = state_->net.callbacks.pending(),
          .callbacks_dropped = state_->net.callbacks.dropped()};
}

bool CoreSim::books_balance() const {
  std::vector<Share> held(state_->net.world.cell_count());
  state_->sessions.each([&](const Session& session) {
    auto& sum = held[session.cell];
    sum = {sum.dl + session.held.dl, sum.ul + session.held.ul};
  });
  for (CellIndex cell = 0; cell < held.size(); ++cell)
    if (held[cell] != state_->net.admission.used(cell) || state_->net.admission.overbooked(cell))
      return false;
  return true;
}

}  // namespace lobo::core_sim
