#include "services/seal_nrm/applied_bdt.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "api/state/adaptation.hpp"
#include "api/state/seal_nrm.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "services/seal_nrm/held.hpp"
#include "services/seal_nrm/ports.hpp"
#include "services/seal_nrm/refusal.hpp"
#include "services/seal_nrm/southbound_nef.hpp"
#include "wire/http/message.hpp"
#include "wire/json/json.hpp"
#include "wire/resource/machine.hpp"
#include "wire/resource/record.hpp"

namespace lobo::seal_nrm {

using api::state::adaptation::BdtOrder;
using api::state::adaptation::BdtStage;
using api::state::adaptation::BdtState;
using api::state::adaptation::BdtTold;

namespace {

class BdtStep {
 public:
  BdtStep(const Settings& settings, const resource::Key& key, Instant now,
          const resource::Lookup& lookup)
      : settings_(settings), key_(key), now_(now), lookup_(lookup) {}

  Result<void> load(const resource::Record& current) {
    auto state = json::read<BdtState>(current.state);
    if (!state)
      return fail(Errc::internal, "stored BDT state cannot be read: " + state.error().detail);
    state_ = std::move(*state);
    return {};
  }

  Result<void> begin(const resource::Told& told) {
    auto order = json::read<BdtOrder>(told.body);
    if (!order) return fail(std::move(order.error()));
    state_.stage = BdtStage::applying;
    state_.gpsi = std::move(order->gpsi);
    state_.bdt_ref_id = std::move(order->bdt_ref_id);
    state_.page = told.from.id;
    plan();
    return {};
  }

  /// The core's list has it no longer: asked by its name, and only then believed.
  void audited(const resource::Told& told) {
    const auto news = json::read<api::state::seal_nrm::Audited>(told.body);
    if (!news || !news->missing || state_.stage != BdtStage::applied || held().call ||
        held().doubt || held().current != news->missing)
      return;
    state_.verifying = news->missing;
    plan();
  }

  void withdraw() {
    if (state_.stage == BdtStage::withdrawing) return;
    state_.stage = BdtStage::withdrawing;
    state_.verifying.reset();
    held().unnamed.reset();
    held().attempts.reset();
    retire(held());
    retry_now(held(), effects_);
    plan();
  }

  void answered(const resource::NetworkAnswer& answer) {
    if (held().call != answer.name) return;  // An answer to what we did not ask.
    held().call.reset();
    if (answer.name == "apply")
      apply_answered(answer.response);
    else if (answer.name == "withdraw")
      withdraw_answered(answer.response);
    else if (answer.name == "list")
      list_answered(answer.response);
    else if (answer.name == "verify")
      verify_answered(answer.response);
    plan();
  }

  void fired(std::string_view timer) {
    if (timer == timer_retry)
      held().waiting.reset();
    else if (timer == timer_settle && held().doubt == Doubt::settling)
      held().doubt = Doubt::again;
    plan();
  }

  void recovered(std::string_view call) {
    if (held().call != call) return;
    held().call.reset();
    if (call == "apply") start_doubt(held(), effects_);
    plan();
  }

  resource::Outcome finish(const resource::Record* current);

 private:
  void apply_answered(const Result<http::Response>& response);
  void withdraw_answered(const Result<http::Response>& response);
  void list_answered(const Result<http::Response>& response);
  void verify_answered(const Result<http::Response>& response);
  void applied(std::string id);
  void plan();
  void tell(std::string_view result, std::optional<std::string> cause = {}, bool gone = false);
  Held& held() { return state_.held; }

  const Settings& settings_;
  const resource::Key& key_;
  Instant now_;
  const resource::Lookup& lookup_;

  BdtState state_;
  Effects effects_;
  bool erased_ = false;
};

void BdtStep::tell(std::string_view result, std::optional<std::string> cause, bool gone) {
  BdtTold told;
  told.result = result;
  told.cause = std::move(cause);
  if (gone) told.gone = true;
  effects_.tell({"adaptation_page", state_.page}, "bdt", json::write(told));
}

void BdtStep::apply_answered(const Result<http::Response>& response) {
  auto answer = read_created(response, "subscriptions");
  switch (answer.verdict) {
    case Verdict::done:
      if (answer.id) return applied(std::move(*answer.id));
      held().unnamed = true;  // It exists, so the list has it.
      return start_doubt(held(), effects_);
    case Verdict::refused: {
      if (state_.stage != BdtStage::applying) return;
      const auto why = core_refusal(*response, "/bdtRefId");
      // Its load, or a fault of its own: the same may be granted later.
      if (why.status == 503) return retry_later(held(), effects_, settings_.limits, key_.id, now_);
      state_.stage = BdtStage::refused;
      state_.cause = why.cause;
      return tell(bdt_refused, why.cause);
    }
    case Verdict::unknown:
      start_doubt(held(), effects_);
      return retry_later(held(), effects_, settings_.limits, key_.id, now_);
    case Verdict::not_sent: return retry_later(held(), effects_, settings_.limits, key_.id, now_);
  }
}

void BdtStep::applied(std::string id) {
  held().unnamed.reset();
  held().missed.reset();
  held().attempts.reset();
  if (state_.stage != BdtStage::applying || held().current) {
    if (held().current != id) retire(held(), std::move(id));
    return;
  }
  held().current = std::move(id);
  state_.stage = BdtStage::applied;
  tell(bdt_applied);
}

void BdtStep::withdraw_answered(const Result<http::Response>& response) {
  switch (read_released(response)) {
    case Verdict::done: return released(held());
    case Verdict::refused: return missed(held());
    case Verdict::not_sent:
    case Verdict::unknown: return retry_later(held(), effects_, settings_.limits, key_.id, now_);
  }
}

void BdtStep::list_answered(const Result<http::Response>& response) {
  auto found = read_bdt_list(response, state_.gpsi, state_.bdt_ref_id);
  // What another resource of ours holds under its name is its own.
  const auto others =
      lookup_.by_subject(key_.kind, state_.gpsi, settings_.limits.unicasts_per_ue_max);
  if (!found || !others) return retry_later(held(), effects_, settings_.limits, key_.id, now_);
  for (const auto& other : *others) {
    if (other == key_) continue;
    const auto record = lookup_.find(other);
    const auto state = record && *record ? json::read<BdtState>((*record)->state)
                                         : Result<BdtState>(fail(Errc::not_found, ""));
    if (!state) return retry_later(held(), effects_, settings_.limits, key_.id, now_);
    std::erase_if(*found, [&](const std::string& id) { return knows(state->held, id); });
  }
  // Here a name is as good as a 201: nothing tells what was made by which of our requests.
  const bool wanted = state_.stage == BdtStage::applying;
  if (wanted && !found->empty()) {
    held().doubt.reset();
    return applied(found->front());
  }
  if (auto named = listed(held(), effects_, settings_.limits, *found, now_))
    applied(std::move(*named));
}

/// What the core has lost is applied again.
void BdtStep::verify_answered(const Result<http::Response>& response) {
  const auto asked = std::exchange(state_.verifying, std::nullopt);
  if (!asked || state_.stage != BdtStage::applied || held().current != asked) return;
  if (!says_bdt_gone(response, state_.gpsi, state_.bdt_ref_id)) return;
  held().current.reset();  // Not withdrawn by its name, which may be another's by now.
  state_.stage = BdtStage::applying;
}

/// The one place that makes calls, as UnicastStep::plan.
void BdtStep::plan() {
  if (erased_ || held().call || held().waiting.value_or(false)) return;
  const bool leaving = state_.stage == BdtStage::withdrawing;
  const bool second_look = held().doubt == Doubt::again;
  if (held().doubt == Doubt::now || (leaving && second_look)) {
    effects_.call(held(), settings_, "list", list_bdt_request(settings_));
  } else if (state_.stage == BdtStage::applying && !has_nef(settings_)) {
    state_.stage = BdtStage::refused;  // The NEF that was there when it was ordered is no longer.
    state_.cause = std::string(no_nef_cause);
    tell(bdt_refused, state_.cause);
  } else if (state_.stage == BdtStage::applying && held().doubt != Doubt::settling) {
    effects_.call(held(), settings_, "apply",
                  apply_bdt_request(settings_, state_.gpsi, state_.bdt_ref_id));
  } else if (held().old && !held().old->empty()) {
    effects_.call(held(), settings_, "withdraw",
                  withdraw_bdt_request(settings_, held().old->front()));
  } else if (state_.verifying) {
    effects_.call(held(), settings_, "verify", get_bdt_request(settings_, *state_.verifying));
  } else if (second_look) {
    effects_.call(held(), settings_, "list", list_bdt_request(settings_));
  } else if (leaving && empty(held())) {
    tell(bdt_pending, {}, true);
    erased_ = true;
  }
}

resource::Outcome BdtStep::finish(const resource::Record* current) {
  resource::Outcome out;
  out.effects = effects_.take();
  out.clause = "14.3.3.3.1 background data transfer";
  if (erased_) {
    out.change = resource::Change::erase;
    return out;
  }
  out.state = json::write(state_);
  if (current != nullptr && current->state == out.state) {
    out.state.clear();
    return out;
  }
  out.change = resource::Change::put;
  out.subject = state_.gpsi;
  return out;
}

}  // namespace

Result<resource::Outcome> AppliedBdtMachine::step(const resource::Record* current,
                                                  const resource::Key& key,
                                                  const resource::Event& event, Instant now,
                                                  const resource::Lookup& lookup) const {
  BdtStep step(settings_, key, now, lookup);
  const auto* told = std::get_if<resource::Told>(&event);
  if (current != nullptr) {
    if (auto loaded = step.load(*current); !loaded) return fail(std::move(loaded.error()));
  } else if (told != nullptr && told->what == "apply") {
    if (auto begun = step.begin(*told); !begun) return fail(std::move(begun.error()));
    return step.finish(current);
  } else {
    return resource::Outcome{};
  }
  if (told != nullptr && told->what == "withdraw")
    step.withdraw();
  else if (told != nullptr && told->what == "audited")
    step.audited(*told);
  else if (const auto* answer = std::get_if<resource::NetworkAnswer>(&event))
    step.answered(*answer);
  else if (const auto* fired = std::get_if<resource::TimerFired>(&event))
    step.fired(fired->name);
  else if (const auto* recovered = std::get_if<resource::Recovered>(&event))
    step.recovered(recovered->call);
  return step.finish(current);
}

}  // namespace lobo::seal_nrm
