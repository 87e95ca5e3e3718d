#include "services/seal_nrm/reliable.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "api/nra_reliable.hpp"
#include "api/service_parameter.hpp"
#include "api/ss_nra.hpp"
#include "api/state/nrm_reliable.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"
#include "services/seal_nrm/held.hpp"
#include "services/seal_nrm/ports.hpp"
#include "services/seal_nrm/refusal.hpp"
#include "services/seal_nrm/reliable_checks.hpp"
#include "services/seal_nrm/southbound_nef.hpp"
#include "wire/http/message.hpp"
#include "wire/http/url.hpp"
#include "wire/json/json.hpp"
#include "wire/resource/effect.hpp"
#include "wire/resource/machine.hpp"
#include "wire/resource/record.hpp"

namespace lobo::seal_nrm {

namespace nra = api::nra_reliable;
namespace svc = api::service_parameter;
using api::ss_nra::ControlPlaneState;
using api::ss_nra::ControlPlaneStateKnown;
using api::state::nrm_reliable::ReliableStage;
using api::state::nrm_reliable::StoredReliable;

namespace {

constexpr std::size_t reliable_delete_requests_max = 8;
constexpr std::string_view timer_answer = "answer";
constexpr std::string_view timer_delete = "delete_answer";
constexpr std::string_view timer_expire = "expire";

class ReliableStep {
 public:
  ReliableStep(const Settings& settings, const UeDirectory& directory, const resource::Key& key,
               Instant now, const resource::Lookup& lookup)
      : settings_(settings), directory_(directory), key_(key), now_(now), lookup_(lookup) {}

  Result<void> load(const resource::Record& current);
  Result<void> create(const resource::Command& command);
  Result<void> create_again(const resource::Command& command);
  Result<void> remove(const resource::Command& command);
  Result<void> called_back(const resource::Callback& callback);
  void answered(const resource::NetworkAnswer& answer);
  void told(const resource::Told& told);
  void fired(std::string_view timer);
  void recovered(std::string_view call);
  resource::Outcome finish(const resource::Record* current);

 private:
  void guided(const Result<http::Response>& response);
  void confirmed(std::string id);
  void delivered(const std::string& event, std::optional<std::string> cause);
  void refuse(const Refusal& why);
  void leave(std::string_view cause);
  void erase();
  void plan();
  void notify(nra::ReliableEventKnown event, std::optional<std::string> cause);
  void post(std::string body);
  std::string callback() const {
    return callback_uri(settings_, reliable_kind, key_.id, state_.secret);
  }
  Held& held() { return state_.held; }

  const Settings& settings_;
  const UeDirectory& directory_;
  const resource::Key& key_;
  Instant now_;
  const resource::Lookup& lookup_;

  StoredReliable state_;
  std::string owner_;
  Effects effects_;
  std::string_view clause_;
  bool erased_ = false;
};

Result<void> ReliableStep::load(const resource::Record& current) {
  auto state = json::read<StoredReliable>(current.state);
  if (!state)
    return fail(Errc::internal,
                "stored reliable transmission cannot be read: " + state.error().detail);
  state_ = std::move(*state);
  owner_ = current.owner;
  return {};
}

// ---- commands ----------------------------------------------------------------------------------

// 1. The SEALDD server or VAL server sends a reliable transmission request.
Result<void> ReliableStep::create(const resource::Command& command) {
  auto doc = json::read<nra::ReliableTransmission>(command.http.body);
  if (!doc) return fail(std::move(doc.error()));
  auto checked = check_reliable(std::move(*doc), command.who.subject, settings_, directory_, now_);
  if (!checked) return fail(std::move(checked.error()));
  std::optional<std::uint64_t> request = command.request;
  erased_ = true;  // Unless it comes to the end.
  if (!checked->unknown_ue.empty())
    return effects_.reply(request, unknown_ue_response(checked->unknown_ue)), Result<void>{};
  if (!has_nef(settings_))
    return effects_.reply(request, refusal_response(no_nef_refusal("URSP guidance"))),
           Result<void>{};
  if (!settings_.reliable_paths)
    return effects_.reply(request, refusal_response(no_paths_refusal())), Result<void>{};
  const auto same_ue =
      lookup_.count_by_subject(key_.kind, checked->gpsi, settings_.limits.reliables_per_ue_max);
  if (!same_ue) return fail(same_ue.error());
  if (*same_ue >= settings_.limits.reliables_per_ue_max)
    return fail(Errc::too_many,
                "this UE has as many reliable transmissions as it may; release one first",
                {{Errc::too_many, "/valTgtUe", "has as many reliable transmissions as it may"}});
  erased_ = false;
  clause_ = "14.3.10.2 step 1";
  owner_ = command.who.subject;
  state_.stage = ReliableStage::guiding;
  state_.doc = std::move(checked->doc);
  state_.gpsi = std::move(checked->gpsi);
  state_.secret = command.secret;
  state_.create_request = command.request;
  state_.changed_at = now_;
  effects_.start(timer_answer, now_ + settings_.limits.answer_within);
  // 2. As an AF it guides the UE's route selection.
  plan();
  return {};
}

/// The same Idempotency-Key again: the answer of the first time.
Result<void> ReliableStep::create_again(const resource::Command& command) {
  if (owner_ != command.who.subject) return fail(Errc::not_found, "no such reliable transmission");
  std::optional<std::uint64_t> request = command.request;
  if (state_.stage == ReliableStage::guiding || state_.stage == ReliableStage::releasing) {
    effects_.reply(request, refusal_response(unsettled_refusal()));
    return {};
  }
  http::Response answer{201,
                        {{"content-type", "application/json"}},
                        json::write(represent_reliable(state_, settings_))};
  answer.headers.add("location", reliable_uri(settings_, key_.id));
  effects_.reply(request, std::move(answer), true);
  return {};
}

Result<void> ReliableStep::remove(const resource::Command& command) {
  if (owner_ != command.who.subject) return fail(Errc::not_found, "no such reliable transmission");
  if (!state_.delete_requests) state_.delete_requests.emplace();
  if (state_.delete_requests->size() >= reliable_delete_requests_max)
    return fail(Errc::too_many, "this reliable transmission is being deleted already");
  clause_ = "14.3.10.2 release";
  if (state_.delete_requests->empty())
    effects_.start(timer_delete, now_ + settings_.limits.answer_within);
  state_.delete_requests->push_back(command.request);
  retry_now(held(), effects_);
  if (state_.stage != ReliableStage::releasing) leave("DELETED");
  plan();
  return {};
}

// ---- the core ----------------------------------------------------------------------------------

void ReliableStep::answered(const resource::NetworkAnswer& answer) {
  if (held().call != answer.name) return;  // An answer to what we did not ask.
  held().call.reset();
  if (answer.name == "guide") {
    guided(answer.response);
  } else if (answer.name == "withdraw") {
    switch (read_released(answer.response)) {
      case Verdict::done: released(held()); break;
      case Verdict::refused: missed(held()); break;
      case Verdict::not_sent:
      case Verdict::unknown: retry_later(held(), effects_, settings_.limits, key_.id, now_); break;
    }
  } else if (answer.name == "list") {
    const auto path = callback_path(reliable_kind, key_.id, state_.secret);
    if (const auto found = read_list(answer.response, path)) {
      if (auto named = listed(held(), effects_, settings_.limits, *found, now_))
        confirmed(std::move(*named));
    } else {
      retry_later(held(), effects_, settings_.limits, key_.id, now_);
    }
  }
  plan();
}

void ReliableStep::guided(const Result<http::Response>& response) {
  auto answer = read_created(response, "subscriptions");
  switch (answer.verdict) {
    case Verdict::done:
      if (answer.simulated) state_.simulated = true;
      if (answer.id) return confirmed(std::move(*answer.id));
      held().unnamed = true;  // It exists, so the list has it.
      return start_doubt(held(), effects_);
    case Verdict::refused:
      if (state_.stage == ReliableStage::guiding) refuse(core_refusal(*response, "/appDescs"));
      return;
    case Verdict::unknown:
      start_doubt(held(), effects_);
      if (state_.stage == ReliableStage::guiding) refuse(unreachable_refusal(response));
      return;
    case Verdict::not_sent:
      if (state_.stage == ReliableStage::guiding) refuse(unreachable_refusal(response));
      return;
  }
}

// 3. The NRM server answers (T66).
void ReliableStep::confirmed(std::string id) {
  held().unnamed.reset();
  held().missed.reset();
  held().attempts.reset();
  if (state_.stage != ReliableStage::guiding) return retire(held(), std::move(id));
  clause_ = "14.3.10.2 step 3";
  held().current = std::move(id);
  state_.stage = ReliableStage::active;
  state_.changed_at = now_;
  effects_.stop(timer_answer);
  if (state_.doc.duration) effects_.start(timer_expire, *state_.doc.duration);
  http::Response answer{201,
                        {{"content-type", "application/json"}},
                        json::write(represent_reliable(state_, settings_))};
  answer.headers.add("location", reliable_uri(settings_, key_.id));
  effects_.reply(state_.create_request, std::move(answer), true);
  if (state_.doc.req_test_notif.value_or(false))
    post("{\"subscription\":" + json::quoted(reliable_uri(settings_, key_.id)) + "}");
  if (auto early = std::exchange(state_.early, std::nullopt))
    delivered(*early, std::exchange(state_.early_cause, std::nullopt));
}

/// The NEF's own words: AfNotification (TS 29.522 clause 5.11.2.3.4).
Result<void> ReliableStep::called_back(const resource::Callback& callback) {
  if (!equal_in_constant_time(callback.secret, state_.secret))
    return fail(Errc::not_found, "no such callback");
  const auto news = json::read<svc::AfNotification>(callback.http.body);
  if (!news) return fail(news.error());
  std::optional<std::uint64_t> request = callback.request;
  effects_.reply(request, http::Response{204, {}, {}});
  const auto name = last_segment(news->subscription);
  // One that is not ours any more says nothing; one that has no name yet is heard once it has.
  if (name && held().old && knows(held(), *name) &&
      !(held().current && is_called(*held().current, *name)))
    return {};
  if (news->auth_result && *news->auth_result == svc::AuthorizationResultKnown::auth_revoked) {
    if (state_.stage != ReliableStage::active) return {};
    clause_ = "14.3.10.2 revoked";
    state_.stage = ReliableStage::revoked;
    state_.cause = "AUTH_REVOKED";
    state_.changed_at = now_;
    retire(held());
    notify(nra::ReliableEventKnown::reliable_terminated, state_.cause);
    plan();
    return {};
  }
  if (!news->report_event) return {};
  std::optional<std::string> cause;
  if (news->event_info && news->event_info->failure_cause)
    cause = news->event_info->failure_cause->text;
  if (state_.stage == ReliableStage::guiding) {
    state_.early = news->report_event->text;
    state_.early_cause = cause;
  } else if (state_.stage == ReliableStage::active) {
    delivered(news->report_event->text, cause);
  }
  return {};
}

void ReliableStep::delivered(const std::string& event, std::optional<std::string> cause) {
  const bool there = event == "SUCCESS_UE_POL_DEL_SP";
  if (!there && event != "UNSUCCESS_UE_POL_DEL_SP") return;
  const std::string now = there ? "DELIVERED" : "FAILED";
  if (state_.delivery == now && state_.cause == cause) return;  // Told twice.
  state_.delivery = now;
  state_.cause = cause;
  state_.changed_at = now_;
  notify(there ? nra::ReliableEventKnown::guidance_delivered
               : nra::ReliableEventKnown::guidance_failed,
         std::move(cause));
}

void ReliableStep::refuse(const Refusal& why) {
  effects_.reply(state_.create_request, refusal_response(why));
  leave(why.cause);
}

// ---- time, and the end -------------------------------------------------------------------------

void ReliableStep::told(const resource::Told& told) {
  if (told.what != "notif_uri_moved") return;
  // 308 of the application: the new target holds from now on (TS 29.122 clause 5.2.10).
  const auto url = http::parse_url(told.body);
  if (url && settings_.sinks.check(*url)) state_.doc.notif_uri = told.body;
}

void ReliableStep::fired(std::string_view timer) {
  if (timer == timer_retry) {
    held().waiting.reset();
  } else if (timer == timer_settle) {
    if (held().doubt == Doubt::settling) held().doubt = Doubt::again;
  } else if (timer == timer_answer) {
    if (state_.stage == ReliableStage::guiding) refuse(late_refusal());
  } else if (timer == timer_delete) {
    if (state_.delete_requests)
      for (const auto request : *state_.delete_requests)
        effects_.add(resource::Reply{request, refusal_response(release_late_refusal()), false});
    state_.delete_requests.reset();
  } else if (timer == timer_expire && state_.stage != ReliableStage::releasing) {
    clause_ = "14.3.10.2 expiry";
    notify(nra::ReliableEventKnown::reliable_terminated, "EXPIRED");
    leave("EXPIRED");
  }
  plan();
}

void ReliableStep::recovered(std::string_view call) {
  if (held().call != call) return;
  held().call.reset();
  if (call == "guide") start_doubt(held(), effects_);
  // Whoever asked went away with the process that was to answer.
  if (state_.stage == ReliableStage::guiding) refuse(interrupted_refusal());
  plan();
}

void ReliableStep::leave(std::string_view cause) {
  effects_.reply(state_.create_request, refusal_response(deleted_refusal()));
  effects_.stop(timer_answer);
  effects_.stop(timer_expire);
  state_.stage = ReliableStage::releasing;
  state_.cause = std::string(cause);
  state_.changed_at = now_;
  held().unnamed.reset();
  held().attempts.reset();
  retire(held());
}

/// The one place that makes calls, as UnicastStep::plan.
void ReliableStep::plan() {
  if (erased_ || held().call || held().waiting.value_or(false)) return;
  const bool leaving = state_.stage == ReliableStage::releasing;
  const bool second_look = held().doubt == Doubt::again;
  if (held().doubt == Doubt::now || second_look) {
    effects_.call(held(), settings_, "list", list_guidance_request(settings_, state_.gpsi));
  } else if (state_.stage == ReliableStage::guiding && !held().doubt) {
    clause_ = "14.3.10.2 step 2";
    effects_.call(held(), settings_, "guide",
                  guide_request(settings_, callback(), state_.gpsi, state_.doc.app_descs));
  } else if (held().old && !held().old->empty()) {
    effects_.call(held(), settings_, "withdraw",
                  withdraw_guidance_request(settings_, held().old->front()));
  } else if (leaving && empty(held())) {
    erase();
  }
}

void ReliableStep::erase() {
  clause_ = "14.3.10.2 released";
  if (state_.delete_requests)
    for (const auto request : *state_.delete_requests)
      effects_.add(resource::Reply{request, http::Response{204, {}, {}}, false});
  state_.delete_requests.reset();
  erased_ = true;
}

// ---- what the application is told --------------------------------------------------------------

void ReliableStep::notify(nra::ReliableEventKnown event, std::optional<std::string> cause) {
  if (!state_.doc.notif_uri) return;
  nra::ReliableEventNotification news;
  news.event = nra::ReliableEvent(event);
  news.ts = now_;
  news.seq = static_cast<std::int64_t>(state_.sequence.value_or(0) + 1);
  news.rel_trans_id = key_.id;
  news.cause = std::move(cause);
  nra::ReliableNotification body;
  body.notif_id = reliable_uri(settings_, key_.id);
  body.event_notifs.push_back(std::move(news));
  post(json::write(body));
}

void ReliableStep::post(std::string body) {
  state_.sequence = state_.sequence.value_or(0) + 1;
  effects_.add(
      resource::Notify{*state_.doc.notif_uri, *state_.sequence, std::move(body), "14.3.10.2"});
}

resource::Outcome ReliableStep::finish(const resource::Record* current) {
  resource::Outcome out;
  out.clause = clause_;
  out.effects = effects_.take();
  if (erased_) {
    // What is gone waits for nothing.
    std::erase_if(out.effects, [](const resource::Effect& effect) {
      return std::holds_alternative<resource::StartTimer>(effect) ||
             std::holds_alternative<resource::StopTimer>(effect);
    });
    out.change = current == nullptr ? resource::Change::keep : resource::Change::erase;
    return out;
  }
  out.state = json::write(state_);
  if (current != nullptr && current->state == out.state) {
    out.state.clear();
    return out;
  }
  out.change = resource::Change::put;
  out.owner = owner_;
  out.subject = state_.gpsi;
  return out;
}

}  // namespace

Result<resource::Outcome> ReliableMachine::step(const resource::Record* current,
                                                const resource::Key& key,
                                                const resource::Event& event, Instant now,
                                                const resource::Lookup& lookup) const {
  namespace op = nra::operation;
  ReliableStep step(settings_, directory_, key, now, lookup);
  if (current != nullptr)
    if (auto loaded = step.load(*current); !loaded) return fail(std::move(loaded.error()));
  Result<void> done;
  if (const auto* command = std::get_if<resource::Command>(&event)) {
    if (command->operation == op::create_reliable_transmission)
      done = current == nullptr ? step.create(*command) : step.create_again(*command);
    else if (current == nullptr)
      return fail(Errc::not_found, "no such reliable transmission");
    else if (command->operation == op::delete_reliable_transmission)
      done = step.remove(*command);
    else
      return fail(Errc::internal, "no operation of a reliable transmission: " + command->operation);
  } else if (const auto* callback = std::get_if<resource::Callback>(&event)) {
    if (current == nullptr) return fail(Errc::not_found, "no such callback");
    done = step.called_back(*callback);
  } else if (current == nullptr) {
    return resource::Outcome{};  // An echo of a resource that is gone.
  } else if (const auto* answer = std::get_if<resource::NetworkAnswer>(&event)) {
    step.answered(*answer);
  } else if (const auto* fired = std::get_if<resource::TimerFired>(&event)) {
    step.fired(fired->name);
  } else if (const auto* told = std::get_if<resource::Told>(&event)) {
    step.told(*told);
  } else if (const auto* recovered = std::get_if<resource::Recovered>(&event)) {
    step.recovered(recovered->call);
  }
  if (!done) return fail(std::move(done.error()));
  return step.finish(current);
}

std::string reliable_uri(const Settings& settings, std::string_view id) {
  return settings.api_root + "/ss-nra/v1/reliable-transmissions/" + std::string(id);
}

nra::ReliableTransmission represent_reliable(const StoredReliable& state,
                                             const Settings& settings) {
  auto doc = state.doc;
  nra::ReliableState shown;
  ControlPlaneStateKnown control = ControlPlaneStateKnown::requested;
  switch (state.stage) {
    case ReliableStage::guiding: break;
    case ReliableStage::active:
      control = state.simulated.value_or(false) ? ControlPlaneStateKnown::simulated
                                                : ControlPlaneStateKnown::confirmed;
      break;
    case ReliableStage::revoked: control = ControlPlaneStateKnown::refused; break;
    case ReliableStage::releasing: control = ControlPlaneStateKnown::releasing; break;
  }
  shown.control_plane = ControlPlaneState(control);
  shown.delivery = nra::GuidanceDelivery(state.delivery.value_or("PENDING"));
  shown.network = nef_of(settings).peer;
  shown.cause = state.cause;
  shown.updated_at = state.changed_at;
  doc.rel_state = std::move(shown);
  return doc;
}

}  // namespace lobo::seal_nrm
