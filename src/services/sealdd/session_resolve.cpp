// The enabler behind a session (TR 23.700-21 NOTE 2): asked what its policies make of it, asked
// again when that no longer counts, and told to forget its shadow at the end.

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "api/mm_das.hpp"
#include "api/state/sealdd.hpp"
#include "base/result.hpp"
#include "model/date_time.hpp"
#include "services/sealdd/answers.hpp"
#include "services/sealdd/peers.hpp"
#include "services/sealdd/ports.hpp"
#include "services/sealdd/session_step.hpp"
#include "wire/http/message.hpp"
#include "wire/http/url.hpp"
#include "wire/json/json.hpp"
#include "wire/resource/effect.hpp"
#include "wire/resource/machine.hpp"

namespace lobo::sealdd {

namespace das = api::mm_das;
using api::state::sealdd::SessionCall;

/// The request as the enabler gets it: the same octets each time, so that its Idempotency-Key
/// means the same. What concerns the VAL layer's notifications stays here; the end is always said,
/// so that a shadow that we would lose ends by itself.
std::string SessionStep::resolve_body() const {
  const auto patch = R"({"notif":null,"mmelResolved":null,"suppFeat":null,"room":)" +
                     json::quoted(state_.room) + R"(,"sealddSessionId":)" + json::quoted(key_.id) +
                     R"(,"expTime":)" + json::quoted(model::format_date_time(state_.exp_time)) +
                     "}";
  return json::merge_patch(state_.text, patch).value_or("{}");
}

/// A shadow ends by itself with the session that it was made for, and nobody is asked for ever.
bool SessionStep::enabler_given_up() const {
  return now_ >= state_.exp_time + enabler_clock_skew_max ||
         state_.attempts.value_or(0) >= enabler_attempts_max;
}

void SessionStep::plan_enabler() {
  if (state_.call) return;
  if (ending() && enabler_given_up()) {
    state_.doubt.reset();
    state_.shadow.reset();
    return;
  }
  if (!ending()) {
    if (!state_.due.value_or(false)) return;
  } else if (!state_.doubt.value_or(false)) {
    // The shadow goes last: until then it says what there is.
    for (const auto& leg : state_.legs)
      if (leg.there.value_or(false)) return;
    if (!state_.shadow) return;
    state_.call = SessionCall::forget;
    effects_.emplace_back(resource::CallNetwork{
        "enabler", std::string(mmes_peer),
        peer_request("DELETE", "/mm-das/v1/sessions/" + http::percent_encode(*state_.shadow)),
        settings_.call_deadline});
    return;
  }
  state_.due.reset();
  state_.call = SessionCall::resolve;
  effects_.emplace_back(resource::CallNetwork{
      "enabler", std::string(mmes_peer),
      peer_create("/mm-das/v1/resolve", resolve_body(), key_.id + ".r"), settings_.call_deadline});
}

void SessionStep::ask_later() {
  state_.call = SessionCall::pause;
  const auto attempts = state_.attempts.value_or(0);
  state_.attempts = attempts + 1;
  start(session_enabler_timer, now_ + pause_after(attempts, key_.id, settings_));
}

void SessionStep::answered(const resource::NetworkAnswer& answer) {
  const auto what = std::exchange(state_.call, std::nullopt);
  if (what == SessionCall::resolve) resolved(answer.response);
  if (what == SessionCall::forget) forgotten(answer.response);
}

/// Nobody knows whether the enabler saw it; asked again, it answers the same. Whoever asked for a
/// session that was not acknowledged went away with the process that was to answer.
void SessionStep::recovered() {
  const auto what = std::exchange(state_.call, std::nullopt);
  if (what == SessionCall::resolve) state_.doubt = true;
  if (what == SessionCall::resolve && !ending()) state_.due = true;
  if (!state_.acknowledged.value_or(false)) {
    state_.waiting.clear();
    end("NEVER_ACKNOWLEDGED");
  }
}

void SessionStep::resolved(const Result<http::Response>& response) {
  const auto verdict = verdict_of(response);
  auto said = verdict == Verdict::done ? json::read<das::ResolvedSession>(response->body)
                                       : Result<das::ResolvedSession>(fail(Errc::malformed, ""));
  if (said) {
    state_.doubt.reset();
    state_.attempts.reset();
    state_.shadow = said->session_id;
    clause_ = "23.700-21 7.y.1 NOTE 2";
    if (!ending()) adopt(std::move(*said));
    return;
  }
  if (verdict == Verdict::refused || verdict == Verdict::gone) {
    state_.doubt.reset();
    state_.attempts.reset();
    return refused_by_enabler(*response);
  }
  // A 2xx that cannot be read made something, too. What was resolved before goes on counting.
  if (verdict != Verdict::unsent) state_.doubt = true;
  ask_later();
}

void SessionStep::refused_by_enabler(const http::Response& response) {
  if (ending()) return;
  if (state_.acknowledged.value_or(false)) {
    state_.shadow.reset();  // It made none for this request, and the one of before is gone.
    return end("POLICY_DENIED");
  }
  const int status = response.status;
  if (status == 400 || status == 403 || status == 422)  // Of what was asked for: as it was said.
    return refuse(
        http::Response{status, {{"content-type", "application/problem+json"}}, response.body});
  const auto why = cause_of(response, "the enabler");
  if (status == 409) return refuse(refusal(409, "Not granted", "SESSION_CONFLICT", why));
  refuse(refusal(424, "Not granted", "MMEL_FAILED", why));
}

/// Never silently: a change of what counts is told, and each flow that is another because of it.
void SessionStep::adopt(das::ResolvedSession said) {
  const bool anew = state_.policy_version != said.policy_version || state_.resolved != said.assets;
  state_.resolved_until =
      now_ + std::clamp<std::chrono::seconds>(std::chrono::seconds{said.ttl_sec}, resolved_min,
                                              resolved_max);
  start(session_enabler_timer, *state_.resolved_until);
  if (!anew) return;
  if (state_.resolved) event(SyncEventType::policy_changed).policy_version = said.policy_version;
  state_.policy_version = std::move(said.policy_version);
  state_.resolved = std::move(said.assets);
  ++state_.rev;
  policies_ = true;
  for (const auto& asset : *state_.resolved)
    if (admitted(asset)) return schedule();
  if (state_.acknowledged.value_or(false)) return end("POLICY_DENIED");
  refuse(refusal(403, "Not granted", "POLICY_DENIED", "the enabler's policies admit none of it"));
}

void SessionStep::forgotten(const Result<http::Response>& response) {
  const auto verdict = verdict_of(response);
  if (verdict != Verdict::done && verdict != Verdict::gone) return ask_later();
  state_.shadow.reset();
}

}  // namespace lobo::sealdd
