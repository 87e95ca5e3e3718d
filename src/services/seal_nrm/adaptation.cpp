#include "services/seal_nrm/adaptation.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "api/nra_adaptation.hpp"
#include "api/nra_mm_qos.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "services/seal_nrm/adaptation_step.hpp"
#include "services/seal_nrm/adaptation_view.hpp"
#include "services/seal_nrm/mm_qos.hpp"
#include "services/seal_nrm/refusal.hpp"
#include "wire/http/message.hpp"
#include "wire/http/url.hpp"
#include "wire/json/json.hpp"
#include "wire/resource/effect.hpp"
#include "wire/resource/machine.hpp"
#include "wire/resource/record.hpp"

namespace lobo::seal_nrm {

using resource::Outcome;

Result<Outcome> AdaptationMachine::step(const resource::Record* current, const resource::Key& key,
                                        const resource::Event& event, Instant now,
                                        const resource::Lookup& lookup) const {
  AdaptationStep step(settings_, directory_, key, now, lookup);
  if (current != nullptr)
    if (auto loaded = step.load(*current); !loaded) return fail(std::move(loaded.error()));
  Result<void> done;
  if (const auto* command = std::get_if<resource::Command>(&event)) {
    namespace mm = api::nra_mm_qos::operation;
    const bool creates = command->operation == "CreateNetworkResourceAdaptation" ||
                         command->operation == mm::create_mm_qos;
    if (current == nullptr && !creates)
      return fail(Errc::not_found, "no such network resource adaptation");
    if (creates)
      done = current == nullptr ? step.create(*command) : step.create_again(*command);
    else if (command->operation == "ModifyNetworkResourceAdaptation" ||
             command->operation == mm::modify_mm_qos)
      done = step.modify(*command);
    else if (command->operation == "DeleteNetworkResourceAdaptation" ||
             command->operation == mm::delete_mm_qos)
      done = step.remove(*command);
    else
      return fail(Errc::internal, "no operation of an adaptation: " + command->operation);
  } else if (current == nullptr) {
    return Outcome{};  // An echo of a resource that is gone.
  } else if (const auto* told = std::get_if<resource::Told>(&event)) {
    step.told(*told);
  } else if (const auto* fired = std::get_if<resource::TimerFired>(&event)) {
    step.fired(fired->name);
  }
  if (!done) return fail(std::move(done.error()));
  return step.finish(current);
}

Result<void> AdaptationStep::load(const resource::Record& current) {
  auto state = json::read<AdaptationState>(current.state);
  if (!state)
    return fail(Errc::internal, "stored adaptation cannot be read: " + state.error().detail);
  state_ = std::move(*state);
  owner_ = current.owner;
  return {};
}

void AdaptationStep::told(const resource::Told& told) {
  if (told.what == "page") {
    if (const auto news = json::read<PageTold>(told.body)) page_told(told.from, *news);
  } else if (told.what == "group") {
    follow_group();
  } else if (told.what == "notif_uri_moved") {
    // 308 of the application: the new target holds from now on (TS 29.122 clause 5.2.10).
    const auto url = http::parse_url(told.body);
    if (url && settings_.sinks.check(*url)) state_.doc.notif_uri = told.body;
  }
}

void AdaptationStep::fired(std::string_view timer) {
  if (timer == timer_adaptation_answer) {
    answered_in_part();
  } else if (timer == timer_adaptation_delete) {
    if (state_.delete_requests)
      for (const auto request : *state_.delete_requests)
        effects_.add(resource::Reply{request, refusal_response(release_late_refusal()), false});
    state_.delete_requests.reset();
  } else if (timer == timer_adaptation_expire) {
    if (state_.stage != AdaptationStage::active) return;
    clause_ = "14.3.3.3.1 expiry";
    notify("QOS_TERMINATED", "EXPIRED");
    leave("EXPIRED");
  } else if (timer == timer_group) {
    if (state_.stage == AdaptationStage::releasing) return;
    effects_.start(timer_group, now_ + settings_.limits.group_check);
    follow_group();
  }
}

Outcome AdaptationStep::finish(const resource::Record* current) {
  Outcome out;
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
  // By which whoever changes the directory finds the adaptations of a group.
  if (state_.doc.val_group_id) out.subject = *state_.doc.val_group_id;
  return out;
}

std::optional<http::Response> AdaptationStep::representation(int status) {
  std::string body;
  if (state_.mm) {
    const auto doc = represent_mm_qos(key_.id, state_, settings_, lookup_);
    if (!doc) return std::nullopt;
    body = json::write(*doc);
  } else {
    const auto doc = represent_adaptation(key_.id, state_, settings_, lookup_);
    if (!doc) return std::nullopt;
    body = json::write(*doc);
  }
  http::Response response{status, {{"content-type", "application/json"}}, std::move(body)};
  if (status == 201) response.headers.add("location", uri());
  return response;
}

void AdaptationStep::schedule_expiry() {
  if (state_.doc.duration)
    effects_.start(timer_adaptation_expire, *state_.doc.duration);
  else
    effects_.stop(timer_adaptation_expire);
}

// ---- what the application is told: in order, without holes -----------------------------------

void AdaptationStep::notify(std::vector<AdaptationEventNotification> events) {
  api::nra_adaptation::AdaptationNotification body;
  body.notif_id = uri();
  for (auto& event : events) {
    event.ts = now_;
    event.seq = static_cast<std::int64_t>(state_.sequence.value_or(0) + 1);
    event.adaptation_id = key_.id;
    body.event_notifs.push_back(std::move(event));
  }
  post(state_.mm ? mm_qos_notification(body, *state_.mm) : json::write(body));
}

/// T71: what the sessions are configured with now.
void AdaptationStep::tell_configuration() {
  const auto sessions = state_.mm ? session_configs(*state_.mm) : std::nullopt;
  if (!sessions) return;
  api::nra_mm_qos::MmQosNotification body;
  body.notif_id = uri();
  body.mm_service_id = state_.mm->mm_service_id;
  auto& news = body.event_notifs.emplace_back();
  news.event = api::nra_mm_qos::MmQosEvent(api::nra_mm_qos::MmQosEventKnown::mm_qos_configured);
  news.ts = now_;
  news.seq = static_cast<std::int64_t>(state_.sequence.value_or(0) + 1);
  news.mm_qos_id = key_.id;
  news.sessions = sessions;
  news.report_config = report_config(state_.qos);
  post(json::write(body));
}

void AdaptationStep::notify(std::string_view event, std::string_view cause) {
  AdaptationEventNotification news;
  news.event = decltype(news.event)(std::string(event));
  news.cause = std::string(cause);
  notify({std::move(news)});
}

void AdaptationStep::post(std::string body) {
  state_.sequence = state_.sequence.value_or(0) + 1;
  effects_.add(resource::Notify{state_.doc.notif_uri, *state_.sequence, std::move(body),
                                state_.mm ? "14.3.5.4.2" : "14.3.3.3.1"});
}

}  // namespace lobo::seal_nrm
