#include "services/seal_nrm/ue_watch.hpp"

#include <cstdint>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "api/state/seal_nrm.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"
#include "services/seal_nrm/held.hpp"
#include "services/seal_nrm/ports.hpp"
#include "services/seal_nrm/southbound_nef.hpp"
#include "services/seal_nrm/ue_watch_step.hpp"
#include "wire/http/message.hpp"
#include "wire/json/json.hpp"
#include "wire/resource/machine.hpp"
#include "wire/resource/record.hpp"

namespace lobo::seal_nrm {

using api::state::seal_nrm::AddressTold;
using api::state::seal_nrm::Wanted;

Result<resource::Outcome> UeWatchMachine::step(const resource::Record* current,
                                               const resource::Key& key,
                                               const resource::Event& event, Instant now,
                                               const resource::Lookup& lookup) const {
  WatchStep step(settings_, directory_, key, now, lookup);
  const auto* told = std::get_if<resource::Told>(&event);
  if (current != nullptr) {
    if (auto loaded = step.load(*current); !loaded) return fail(std::move(loaded.error()));
  } else if (told != nullptr && told->what == "wanted") {
    auto wanted = json::read<Wanted>(told->body);
    if (!wanted) return fail(std::move(wanted.error()));
    // Made by a message and not by a request, so its secret is that of the create that caused it:
    // both go to the same core and to nobody else.
    step.begin(std::move(wanted->secret));
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
    return fail(Errc::not_found, "no operation of a watch");
  }
  return step.finish(current);
}

Result<void> WatchStep::load(const resource::Record& current) {
  auto state = json::read<WatchState>(current.state);
  if (!state)
    return fail(Errc::internal, "stored watch state cannot be read: " + state.error().detail);
  state_ = std::move(*state);
  return {};
}

void WatchStep::begin(std::string secret) {
  state_.secret = std::move(secret);
  if (configured()) return look_up();
  state_.stage = WatchStage::subscribing;
  plan();
}

/// The configuration's word for the core's.
void WatchStep::look_up() {
  state_.unfollowed = true;
  state_.configured = true;
  const auto address = directory_.address(key_.id);
  if (!address) {
    state_.stage = WatchStage::failed;
    return tell_all_failed(403, "UE_ADDRESS_NOT_CONFIGURED");
  }
  state_.stage = WatchStage::unfollowed;
  state_.address = address;
  tell_all();
}

void WatchStep::told(const resource::Told& told) {
  if (told.what == "wanted")
    wanted(told.from);
  else if (told.what == "released")
    released();
  else if (told.what == "doubted")
    doubted();
  else if (told.what == "audited")
    if (const auto news = json::read<api::state::seal_nrm::Audited>(told.body)) audited(*news);
  plan();
}

void WatchStep::wanted(const resource::Key& by) {
  if (configured()) return look_up();
  if (state_.configured) return subscribe_anew();
  switch (state_.stage) {
    case WatchStage::subscribing:
    case WatchStage::retrieving: retry_now(held(), effects_); return;
    case WatchStage::watching: return tell(by);
    case WatchStage::unfollowed:  // What was true for the create before may no longer be.
      state_.stage = WatchStage::retrieving;
      return;
    case WatchStage::failed:
    case WatchStage::cancelling: return subscribe_anew();
  }
}

/// From the beginning: what was known no longer counts.
void WatchStep::subscribe_anew() {
  state_.stage = WatchStage::subscribing;
  state_.unfollowed.reset();
  state_.configured.reset();
  held().attempts.reset();
  retry_now(held(), effects_);
}

void WatchStep::released() {
  for (const auto kind : watch_users) {
    const auto left = lookup_.by_subject(kind, key_.id, 1);
    if (!left) return effects_.start(timer_check, now_ + settings_.limits.retry_first);
    if (!left->empty()) return;
  }
  if (state_.stage == WatchStage::cancelling) return;
  state_.stage = WatchStage::cancelling;
  state_.renewing.reset();
  effects_.stop(timer_renew);
  held().unnamed.reset();
  retire(held());
  held().attempts.reset();
  retry_now(held(), effects_);
}

/// A session was lost without a word: so may the word be that its UE moved.
void WatchStep::doubted() {
  if (configured()) {
    if (state_.stage != WatchStage::cancelling) look_up();
    return;
  }
  if (state_.configured && state_.stage != WatchStage::cancelling) return subscribe_anew();
  if (state_.stage == WatchStage::watching && held().current)
    state_.renewing = true;  // A new subscription reports at once where the UE is.
  else if (state_.stage == WatchStage::unfollowed)
    state_.stage = WatchStage::retrieving;
}

bool WatchStep::to_subscribe() const {
  return (state_.stage == WatchStage::subscribing && !state_.held.current) ||
         state_.renewing.value_or(false);
}

/// The one place that makes calls, as UnicastStep::plan.
void WatchStep::plan() {
  if (state_.verifying != held().current) state_.verifying.reset();
  if (erased_ || held().call || held().waiting.value_or(false)) return;
  const bool leaving = state_.stage == WatchStage::cancelling;
  const bool second_look = held().doubt == Doubt::again;
  // What was made in vain goes before it is made again.
  const bool releases_first = held().attempts.value_or(0) > 0 && held().old && !held().old->empty();
  if (held().doubt == Doubt::now || (leaving && second_look)) {
    effects_.call(held(), settings_, "list", list_watches_request(settings_));
  } else if (to_subscribe() && !releases_first) {
    clause_ = "14.3.3.3.2 step 2";
    effects_.call(
        held(), settings_, "subscribe",
        subscribe_request(settings_, callback_uri(settings_, "ue-watch", key_.id, state_.secret),
                          key_.id, now_ + settings_.limits.watch_lifetime));
  } else if (state_.stage == WatchStage::retrieving) {
    effects_.call(held(), settings_, "retrieve", retrieve_address_request(settings_, key_.id));
  } else if (held().old && !held().old->empty()) {
    effects_.call(held(), settings_, "cancel", unsubscribe_request(settings_, held().old->front()));
  } else if (state_.verifying) {
    effects_.call(held(), settings_, "verify", get_watch_request(settings_, *state_.verifying));
  } else if (second_look) {
    effects_.call(held(), settings_, "list", list_watches_request(settings_));
  } else if (leaving && empty(held())) {
    erased_ = true;
  }
}

void WatchStep::fired(std::string_view timer) {
  if (timer == timer_retry)
    held().waiting.reset();
  else if (timer == timer_settle && held().doubt == Doubt::settling)
    held().doubt = Doubt::again;
  else if (timer == timer_renew && held().current)
    state_.renewing = true;
  else if (timer == timer_check)
    released();
  plan();
}

void WatchStep::recovered(std::string_view call) {
  if (held().call != call) return;
  held().call.reset();
  if (call == "subscribe") start_doubt(held(), effects_);
  plan();
}

Result<void> WatchStep::called_back(const resource::Callback& callback) {
  if (!equal_in_constant_time(callback.secret, state_.secret))
    return fail(Errc::not_found, "no such callback");
  auto news = read_monitoring_notification(callback.http.body, nef_of(settings_), state_.address);
  if (!news) return fail(std::move(news.error()));
  std::optional<std::uint64_t> request = callback.request;
  effects_.reply(request, http::Response{204, {}, {}});
  if (state_.stage == WatchStage::cancelling) return {};
  if (news->report && news->report->address != state_.address) {
    state_.address = news->report->address;
    if (state_.stage == WatchStage::watching) tell_all();
  }
  if (news->cancelled && held().current &&
      (!news->subscription || news->subscription == held().current)) {
    retire(held());  // Cancelled all the same: 404 is a good answer.
    effects_.stop(timer_renew);
    state_.renewing.reset();
    state_.stage = WatchStage::subscribing;
  }
  plan();
  return {};
}

std::vector<resource::Key> WatchStep::users() const {
  std::vector<resource::Key> all;
  for (const auto kind : watch_users)
    if (auto keys = lookup_.by_subject(kind, key_.id, settings_.limits.unicasts_per_ue_max))
      all.insert(all.end(), keys->begin(), keys->end());
  return all;
}

void WatchStep::tell(const resource::Key& to) {
  AddressTold news;
  news.address = state_.address;
  news.unfollowed = state_.unfollowed;
  effects_.tell(to, "address", json::write(news));
}

void WatchStep::tell_all() {
  for (const auto& user : users()) tell(user);
}

void WatchStep::tell_all_failed(int status, std::string_view cause) {
  AddressTold news;
  news.unfollowed = state_.unfollowed;
  news.status = status;
  news.cause = std::string(cause);
  for (const auto& user : users()) effects_.tell(user, "address", json::write(news));
}

resource::Outcome WatchStep::finish(const resource::Record* current) {
  resource::Outcome out;
  out.clause = clause_;
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
  out.subject = key_.id;
  return out;
}

}  // namespace lobo::seal_nrm
