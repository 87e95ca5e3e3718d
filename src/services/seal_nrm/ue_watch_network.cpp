// What the core answers to a watch.

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/state/seal_nrm.hpp"
#include "base/result.hpp"
#include "services/seal_nrm/held.hpp"
#include "services/seal_nrm/ports.hpp"
#include "services/seal_nrm/southbound_nef.hpp"
#include "services/seal_nrm/ue_watch_step.hpp"
#include "wire/http/message.hpp"
#include "wire/json/value.hpp"
#include "wire/resource/machine.hpp"

namespace lobo::seal_nrm {
namespace {

std::string cause_of(const Result<http::Response>& response) {
  if (!response) return std::string(to_string(response.error().code));
  const auto body = json::parse(response->body);
  const auto* cause = body ? body->find("cause") : nullptr;
  return cause != nullptr && cause->text() != nullptr ? cause->text()->substr(0, 64)
                                                      : std::string();
}

int status_of(const Result<http::Response>& response) { return response ? response->status : 0; }

/// Its load, its fault, or ours with it: the same question may be answered later.
bool temporary(const Result<http::Response>& response) {
  if (!response) return true;
  const int status = response->status;
  return status == 401 || status == 408 || status == 429 || (status >= 500 && status != 501) ||
         status < 400;
}

}  // namespace

void WatchStep::answered(const resource::NetworkAnswer& answer) {
  if (held().call != answer.name) return;
  held().call.reset();
  if (answer.name == "subscribe")
    subscribe_answered(answer.response);
  else if (answer.name == "retrieve")
    retrieve_answered(answer.response);
  else if (answer.name == "cancel")
    cancel_answered(answer.response);
  else if (answer.name == "list")
    list_answered(answer.response);
  else if (answer.name == "verify")
    verify_answered(answer.response);
  plan();
}

/// The core could not be asked now. Creates that wait are told; whoever has an address keeps it.
void WatchStep::put_off(int status) {
  if (state_.stage == WatchStage::cancelling) return;
  retry_later(held(), effects_, settings_.limits, key_.id, now_);
  tell_all_failed(status, "");
}

void WatchStep::subscribe_answered(const Result<http::Response>& response) {
  const auto answer = read_created(response, "subscriptions");
  switch (answer.verdict) {
    case Verdict::done: {
      const auto report = read_subscribed_report(*response, nef_of(settings_));
      if (report && state_.stage != WatchStage::cancelling) state_.address = report->address;
      if (answer.id) return subscribed(*answer.id, report.has_value());
      // 201 without a usable name: it exists, so the list has it.
      held().unnamed = true;
      return start_doubt(held(), effects_);
    }
    case Verdict::unknown: start_doubt(held(), effects_); return put_off(status_of(response));
    case Verdict::not_sent: return put_off(status_of(response));
    case Verdict::refused:
      if (temporary(response)) return put_off(status_of(response));
      return not_watched();
  }
}

/// The core does not watch, or not this UE: ask it plainly, and say that we cannot follow.
void WatchStep::not_watched() {
  if (state_.stage == WatchStage::cancelling) return;
  state_.unfollowed = true;
  state_.renewing.reset();
  retire(held());
  state_.stage = WatchStage::retrieving;
}

/// `id` is the subscription that counts from now on; the one that it renews goes.
void WatchStep::subscribed(std::string id, bool reported) {
  held().unnamed.reset();
  held().missed.reset();
  if (state_.stage == WatchStage::cancelling) return retire(held(), std::move(id));
  if (held().current != id) retire(held());
  held().current = std::move(id);
  held().attempts.reset();
  state_.renewing.reset();
  state_.unfollowed.reset();
  effects_.start(timer_renew, now_ + settings_.limits.watch_lifetime / 4 * 3);
  // Without a report at once the address is asked for.
  if (state_.stage != WatchStage::watching)
    state_.stage = reported ? WatchStage::watching : WatchStage::retrieving;
  if (state_.stage == WatchStage::watching) tell_all();
}

void WatchStep::retrieve_answered(const Result<http::Response>& response) {
  if (state_.stage != WatchStage::retrieving) return;
  const bool followed = held().current.has_value();
  if (response && response->status == 200) {
    if (const auto address = read_retrieved_address(*response)) {
      state_.address = address;
      state_.stage = followed ? WatchStage::watching : WatchStage::unfollowed;
      held().attempts.reset();
      return tell_all();
    }
    if (!followed) {
      state_.stage = WatchStage::failed;
      return tell_all_failed(502, "UE_ADDRESS_UNREADABLE");
    }
  } else if (temporary(response)) {
    return put_off(status_of(response));
  }
  if (followed) {
    // The core watches the UE and has no address of it: it has no connection. A callback tells
    // when.
    state_.address.reset();
    state_.stage = WatchStage::watching;
    return tell_all();
  }
  state_.stage = WatchStage::failed;
  tell_all_failed(status_of(response), cause_of(response));
}

void WatchStep::cancel_answered(const Result<http::Response>& response) {
  const auto attempts = held().attempts;
  switch (read_released(response)) {
    case Verdict::done: seal_nrm::released(held()); return still_in_vain(attempts);
    case Verdict::refused: missed(held()); return still_in_vain(attempts);
    case Verdict::not_sent:
    case Verdict::unknown: return retry_later(held(), effects_, settings_.limits, key_.id, now_);
  }
}

/// That something else has succeeded is no reason to ask the core sooner for what failed.
void WatchStep::still_in_vain(std::optional<std::uint64_t> attempts) {
  if (to_subscribe()) held().attempts = attempts;
}

void WatchStep::list_answered(const Result<http::Response>& response) {
  const auto found = read_list(response, callback_path("ue-watch", key_.id, state_.secret));
  if (!found) return retry_later(held(), effects_, settings_.limits, key_.id, now_);
  const auto attempts = held().attempts;
  const bool unnamed = held().unnamed.value_or(false);
  if (auto named = listed(held(), effects_, settings_.limits, *found, now_))
    return subscribed(std::move(*named), false);
  still_in_vain(attempts);
  // It makes what it does not name: each time that it is asked there would be one more, for ever.
  if (unnamed && to_subscribe()) not_watched();
}

/// As UnicastStep::audited.
void WatchStep::audited(const api::state::seal_nrm::Audited& told) {
  const bool at_rest = state_.stage == WatchStage::watching ||
                       state_.stage == WatchStage::unfollowed || state_.stage == WatchStage::failed;
  if (!at_rest || held().call || held().doubt || held().unnamed || state_.renewing) return;
  if (told.extra)
    for (const auto& id : *told.extra)
      if (!knows(held(), id) && (!held().old || held().old->size() < old_max)) retire(held(), id);
  if (told.missing && state_.stage == WatchStage::watching && held().current == told.missing)
    state_.verifying = told.missing;
}

void WatchStep::verify_answered(const Result<http::Response>& response) {
  const auto asked = std::exchange(state_.verifying, std::nullopt);
  if (!asked || state_.stage != WatchStage::watching || held().current != asked) return;
  if (!says_gone(response, callback_path("ue-watch", key_.id, state_.secret))) return;
  held().current.reset();  // Not cancelled by its name, which may be another's by now.
  state_.renewing.reset();
  effects_.stop(timer_renew);
  state_.stage = WatchStage::subscribing;
}

}  // namespace lobo::seal_nrm
