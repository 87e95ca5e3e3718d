// What the core answers to a measure_source.

#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "base/result.hpp"
#include "services/seal_nrm/held.hpp"
#include "services/seal_nrm/measure_source.hpp"
#include "services/seal_nrm/measure_source_step.hpp"
#include "services/seal_nrm/southbound_measure.hpp"
#include "services/seal_nrm/southbound_nef.hpp"
#include "wire/http/message.hpp"
#include "wire/json/value.hpp"
#include "wire/resource/machine.hpp"

namespace lobo::seal_nrm {
namespace {

constexpr std::size_t cause_bytes_max = 64;

std::string cause_of(const http::Response& response) {
  const auto body = json::parse(response.body);
  const auto* cause = body ? body->find("cause") : nullptr;
  if (cause != nullptr && cause->text() != nullptr && !cause->text()->empty())
    return cause->text()->substr(0, cause_bytes_max);
  return "NETWORK_REFUSED_" + std::to_string(response.status);
}

/// Its load, its fault, or ours with it: the same question may be answered later.
bool temporary(const http::Response& response) {
  const int status = response.status;
  return status == 401 || status == 408 || status == 429 || status == 503;
}

}  // namespace

void SourceStep::answered(const resource::NetworkAnswer& answer) {
  if (held().call != answer.name) return;
  held().call.reset();
  if (answer.name == "subscribe")
    subscribe_answered(answer.response);
  else if (answer.name == "cancel")
    cancel_answered(answer.response);
  else if (answer.name == "list")
    list_answered(answer.response);
  else if (answer.name == "verify")
    verify_answered(answer.response);
  plan();
}

void SourceStep::subscribe_answered(const Result<http::Response>& response) {
  auto answer = read_created(response, "subscriptions");
  if (answer.simulated) state_.simulated = true;
  switch (answer.verdict) {
    case Verdict::done:
      if (answer.id) return subscribed(std::move(*answer.id));
      held().unnamed = true;  // It exists, so the list has it.
      return start_doubt(held(), effects_);
    case Verdict::unknown: start_doubt(held(), effects_); [[fallthrough]];
    case Verdict::not_sent:
      if (state_.stage == SourceStage::subscribing) {
        state_.cause = "NETWORK_NOT_REACHABLE";
        retry_later(held(), effects_, settings_.limits, key_.id, now_);
      }
      return;
    case Verdict::refused:
      if (state_.stage != SourceStage::subscribing) return;
      if (!temporary(*response)) return refused(cause_of(*response));
      state_.cause = cause_of(*response);
      return retry_later(held(), effects_, settings_.limits, key_.id, now_);
  }
}

/// The core does not measure this, or not now: shown, and asked again from time to time.
void SourceStep::refused(std::string cause) {
  state_.stage = SourceStage::refused;
  state_.cause = std::move(cause);
  effects_.start(timer_again, now_ + refused_again);
}

void SourceStep::subscribed(std::string id) {
  held().unnamed.reset();
  held().missed.reset();
  const bool still_there = !needs_address(state_.kind) || session_address(state_.asked_at, {}) ==
                                                              session_address(state_.address, {});
  if (state_.stage != SourceStage::subscribing || held().current || !still_there) {
    if (held().current != id) retire(held(), std::move(id));
    return;
  }
  held().current = std::move(id);
  held().attempts.reset();
  state_.cause.reset();
  state_.stage = SourceStage::active;
  if (needs_address(state_.kind)) effects_.stop(timer_lost);
}

void SourceStep::cancel_answered(const Result<http::Response>& response) {
  const auto attempts = held().attempts;
  switch (read_released(response)) {
    case Verdict::done: seal_nrm::released(held()); return still_in_vain(attempts);
    case Verdict::refused: missed(held()); return still_in_vain(attempts);
    case Verdict::not_sent:
    case Verdict::unknown: return retry_later(held(), effects_, settings_.limits, key_.id, now_);
  }
}

void SourceStep::list_answered(const Result<http::Response>& response) {
  const auto found = read_list(response, callback_path(path_kind(), key_.id, state_.secret));
  if (!found) return retry_later(held(), effects_, settings_.limits, key_.id, now_);
  const auto attempts = held().attempts;
  const bool unnamed = held().unnamed.value_or(false);
  if (auto named = listed(held(), effects_, settings_.limits, *found, now_))
    return subscribed(std::move(*named));
  still_in_vain(attempts);
  if (!unnamed || state_.stage != SourceStage::subscribing) return;
  // It makes what it does not name: each time that it is asked there would be one more, for ever.
  state_.stage = SourceStage::refused;
  state_.cause = "NETWORK_NAMED_NOTHING";
}

/// That something else has succeeded is no reason to ask the core sooner for what failed.
void SourceStep::still_in_vain(std::optional<std::uint64_t> attempts) {
  if (state_.stage == SourceStage::subscribing && !held().current) held().attempts = attempts;
}

/// It was silent: what the core has lost is asked for again. What it still has is made anew as
/// well, after so many silences, twice as many, four times as many: its word that it could allocate
/// nothing may have been lost, and a core that never sends is not worth more.
void SourceStep::verify_answered(const Result<http::Response>& response) {
  const auto asked = std::exchange(state_.verifying, std::nullopt);
  if (!asked || state_.stage != SourceStage::active || held().current != asked) return;
  if (says_gone(response, callback_path(path_kind(), key_.id, state_.secret))) {
    held().current.reset();  // Not released by its name, which may be another's by now.
    return locate();
  }
  if (!response || response->status >= 300) return;
  const auto silences = state_.silences.value_or(0) + 1;
  state_.silences = silences;
  if (silences < silences_min || !std::has_single_bit(silences)) return;
  retire(held());
  locate();
}

}  // namespace lobo::seal_nrm
