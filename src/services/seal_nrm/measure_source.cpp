#include "services/seal_nrm/measure_source.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "api/state/nrm_monitor.hpp"
#include "api/state/seal_nrm.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"
#include "base/text.hpp"
#include "services/seal_nrm/held.hpp"
#include "services/seal_nrm/measure_source_step.hpp"
#include "services/seal_nrm/ports.hpp"
#include "services/seal_nrm/refusal.hpp"
#include "services/seal_nrm/southbound_measure.hpp"
#include "services/seal_nrm/southbound_nef.hpp"
#include "wire/http/message.hpp"
#include "wire/json/json.hpp"
#include "wire/json/types.hpp"
#include "wire/resource/effect.hpp"
#include "wire/resource/machine.hpp"
#include "wire/resource/record.hpp"

namespace lobo::seal_nrm {

using api::state::nrm_monitor::SourceSeen;
using api::state::seal_nrm::AddressTold;
using api::state::seal_nrm::Wanted;

std::string source_id(SourceKind kind, std::string_view gpsi) {
  return std::string(json::name_of(kind)) + ':' + std::string(gpsi);
}

Result<resource::Outcome> MeasureSourceMachine::step(const resource::Record* current,
                                                     const resource::Key& key,
                                                     const resource::Event& event, Instant now,
                                                     const resource::Lookup&) const {
  SourceStep step(settings_, key, now);
  const auto* told = std::get_if<resource::Told>(&event);
  if (current != nullptr) {
    if (auto loaded = step.load(*current); !loaded) return fail(std::move(loaded.error()));
  } else if (told != nullptr && told->what == "wanted") {
    auto wanted = json::read<Wanted>(told->body);
    if (!wanted) return fail(std::move(wanted.error()));
    const auto colon = key.id.find(':');
    const auto kind = json::enum_from<SourceKind>(std::string_view(key.id).substr(0, colon));
    if (!kind || colon == std::string::npos) return fail(Errc::internal, "no kind of source");
    step.begin(*kind, key.id.substr(colon + 1), std::move(wanted->secret), told->from.id);
    return step.finish(current);
  } else if (std::holds_alternative<resource::Callback>(event)) {
    return fail(Errc::not_found, "no such callback");
  } else {
    return resource::Outcome{};
  }

  if (told != nullptr) {
    step.told(*told);
  } else if (const auto* answer = std::get_if<resource::NetworkAnswer>(&event)) {
    step.answered(*answer);
  } else if (const auto* callback = std::get_if<resource::Callback>(&event)) {
    if (auto done = step.called_back(*callback); !done) return fail(std::move(done.error()));
  } else if (const auto* fired = std::get_if<resource::TimerFired>(&event)) {
    step.fired(fired->name);
  } else if (const auto* recovered = std::get_if<resource::Recovered>(&event)) {
    step.recovered(recovered->call);
  } else {
    return fail(Errc::not_found, "no operation of a source");
  }
  return step.finish(current);
}

Result<void> SourceStep::load(const resource::Record& current) {
  auto state = json::read<MeasureSourceState>(current.state);
  if (!state)
    return fail(Errc::internal, "stored source state cannot be read: " + state.error().detail);
  state_ = std::move(*state);
  before_ = state_;
  fresh_ = false;
  return {};
}

void SourceStep::begin(SourceKind kind, std::string gpsi, std::string secret, std::string_view by) {
  state_.kind = kind;
  state_.gpsi = std::move(gpsi);
  state_.secret = std::move(secret);
  state_.users.emplace_back(by);
  locate();
  plan();
}

/// Where the UE is: the watch tells, now and whenever it changes. Analytics go by the GPSI.
void SourceStep::ask_where() {
  if (!has_nef(settings_)) return refused(std::string(no_nef_cause));
  if (!needs_address(state_.kind)) {
    state_.stage = SourceStage::subscribing;
    return;
  }
  state_.stage = SourceStage::locating;
  state_.address.reset();
  effects_.tell({"ue_watch", state_.gpsi}, "wanted", json::write(Wanted{.secret = state_.secret}));
}

/// It is not measured any more, or not yet.
void SourceStep::locate() {
  ask_where();
  if (needs_address(state_.kind)) look_later();
}

/// The word that the UE is back, or elsewhere, may have been lost, and no audit asks for what only
/// measures: where it has not been measured for so long, the watch asks.
void SourceStep::look_later() {
  effects_.start(timer_lost, now_ + settings_.limits.audit_interval);
}

void SourceStep::told(const resource::Told& told) {
  if (told.what == "wanted") {
    wanted(told.from.id);
  } else if (told.what == "released") {
    released(told.from.id);
  } else if (told.what == "address") {
    if (const auto news = json::read<AddressTold>(told.body)) moved(*news);
  } else if (told.what == "silent") {
    if (state_.stage == SourceStage::active && held().current && !held().doubt)
      state_.verifying = held().current;
  }
  plan();
}

void SourceStep::wanted(std::string_view by) {
  if (std::ranges::find(state_.users, by) == state_.users.end()) state_.users.emplace_back(by);
  if (state_.stage != SourceStage::cancelling) return;
  state_.cause.reset();
  held().attempts.reset();
  retry_now(held(), effects_);
  locate();
}

void SourceStep::released(std::string_view by) {
  std::erase(state_.users, by);
  if (!state_.users.empty() || state_.stage == SourceStage::cancelling) return;
  state_.stage = SourceStage::cancelling;
  held().unnamed.reset();
  held().attempts.reset();
  retire(held());
  effects_.stop(timer_again);
  retry_now(held(), effects_);
}

void SourceStep::moved(const AddressTold& told) {
  if (state_.stage == SourceStage::cancelling || !needs_address(state_.kind)) return;
  if (told.status) {
    // The core cannot say where the UE is. Somebody asks again later; until then this is why.
    if (state_.stage == SourceStage::locating) {
      state_.cause = told.cause && !told.cause->empty() ? told.cause : "UE_ADDRESS_UNKNOWN";
      effects_.start(timer_again, now_ + refused_again);
    }
    return;
  }
  state_.address = told.address;
  const bool nowhere = !told.address || session_address(told.address, {}).empty();
  if (nowhere) {
    retire(held());
    state_.stage = SourceStage::locating;
    state_.cause = "UE_NOT_CONNECTED";
    return look_later();
  }
  // Where it is measured already, or was asked for: then how long that rests is not begun anew.
  const bool asked = held().current || state_.stage != SourceStage::locating;
  if (asked && session_address(state_.asked_at, {}) == session_address(told.address, {})) return;
  retire(held());
  state_.stage = SourceStage::subscribing;
  state_.cause.reset();
  held().attempts.reset();
  retry_now(held(), effects_);
}

std::string_view SourceStep::path_kind() const {
  return state_.kind == SourceKind::analytics ? "analytics" : "measure";
}

/// The one place that makes calls, as WatchStep::plan.
void SourceStep::plan() {
  if (state_.verifying != held().current) state_.verifying.reset();
  if (erased_ || held().call || held().waiting.value_or(false)) return;
  const bool leaving = state_.stage == SourceStage::cancelling;
  const bool second_look = held().doubt == Doubt::again;
  const bool releases = held().old && !held().old->empty();
  if (state_.stage == SourceStage::subscribing && !has_nef(settings_))
    refused(std::string(no_nef_cause));
  // What was made in vain goes before it is made again; a UE that moved is measured there first.
  const bool releases_first =
      releases && (held().attempts.value_or(0) > 0 || held().old->size() >= old_max);
  if (held().doubt == Doubt::now || (leaving && second_look)) {
    effects_.call(held(), settings_, "list", measure_list_request(settings_, state_.kind));
  } else if (state_.stage == SourceStage::subscribing && !held().current && !releases_first) {
    clause_ = "14.3.3.4.1 step 2";
    state_.asked_at = state_.address;
    effects_.call(held(), settings_, "subscribe",
                  measure_request(settings_, state_.kind,
                                  callback_uri(settings_, path_kind(), key_.id, state_.secret),
                                  state_.gpsi, state_.address.value_or(UeAddress{})));
  } else if (releases) {
    effects_.call(held(), settings_, "cancel",
                  measure_release_request(settings_, state_.kind, held().old->front()));
  } else if (state_.verifying) {
    effects_.call(held(), settings_, "verify",
                  measure_get_request(settings_, state_.kind, *state_.verifying));
  } else if (second_look) {
    effects_.call(held(), settings_, "list", measure_list_request(settings_, state_.kind));
  } else if (leaving && empty(held())) {
    erased_ = true;
    if (needs_address(state_.kind)) effects_.tell({"ue_watch", state_.gpsi}, "released");
  }
}

void SourceStep::fired(std::string_view timer) {
  if (timer == timer_retry) {
    held().waiting.reset();
  } else if (timer == timer_settle && held().doubt == Doubt::settling) {
    held().doubt = Doubt::again;
  } else if (timer == timer_again && state_.stage != SourceStage::cancelling && !held().current) {
    ask_where();
  } else if (timer == timer_lost && state_.stage != SourceStage::cancelling && !held().current) {
    effects_.tell({"ue_watch", state_.gpsi}, "doubted");
    look_later();
  }
  plan();
}

void SourceStep::recovered(std::string_view call) {
  if (held().call != call) return;
  held().call.reset();
  if (call == "subscribe") start_doubt(held(), effects_);
  plan();
}

Result<void> SourceStep::called_back(const resource::Callback& callback) {
  if (!equal_in_constant_time(callback.secret, state_.secret))
    return fail(Errc::not_found, "no such callback");
  auto news = read_measurements(callback.http.body, state_.kind);
  if (!news) return fail(std::move(news.error()));
  std::optional<std::uint64_t> request = callback.request;
  effects_.reply(request, http::Response{204, {}, {}});
  // Of one that is being released nothing counts any more. While the answer to a create is awaited
  // the name of the new one is not known yet.
  const bool ours = !news->session || held().current == news->session ||
                    (held().call == "subscribe" && !knows(held(), *news->session));
  if (state_.stage == SourceStage::cancelling || !ours) return {};
  if (news->ended && held().current) {
    retire(held());  // Released all the same: 404 is a good answer.
    // The watch may not have told yet that the UE moved or left: not asked for again at once.
    state_.stage = SourceStage::locating;
    state_.cause = "SESSION_TERMINATION";
    effects_.start(timer_again, now_ + settings_.limits.retry_first);
    plan();
  }
  auto& seen = news->samples;
  if (!seen.samples.empty() || seen.failed) {
    seen.kind = state_.kind;
    seen.gpsi = state_.gpsi;
    seen.digest = static_cast<std::int64_t>(fnv1a(callback.http.body) >> 1U);
    effects_.add(resource::Observe{"samples", json::write(seen)});
  }
  return {};
}

resource::Outcome SourceStep::finish(const resource::Record* current) {
  resource::Outcome out;
  out.clause = clause_;
  if (fresh_ || erased_ || before_.stage != state_.stage || before_.cause != state_.cause ||
      before_.simulated != state_.simulated) {
    SourceSeen seen;
    seen.kind = state_.kind;
    seen.gpsi = state_.gpsi;
    seen.stage = state_.stage;
    seen.cause = state_.cause;
    seen.simulated = state_.simulated;
    effects_.add(resource::Observe{erased_ ? "source_gone" : "source", json::write(seen)});
  }
  out.effects = effects_.take();
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
  // By its UE the watch finds who wants to know the address; analytics do not.
  if (needs_address(state_.kind)) out.subject = state_.gpsi;
  return out;
}

}  // namespace lobo::seal_nrm
