#include "services/metaverse/subscription.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "api/mm_das.hpp"
#include "api/state/metaverse.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "services/metaverse/checks.hpp"
#include "services/metaverse/events.hpp"
#include "services/metaverse/ports.hpp"
#include "services/metaverse/views.hpp"
#include "wire/http/message.hpp"
#include "wire/json/json.hpp"
#include "wire/resource/effect.hpp"
#include "wire/resource/machine.hpp"
#include "wire/resource/record.hpp"

namespace lobo::metaverse {

namespace op = api::mm_das::operation;
using api::mm_das::SyncSubscriptionReq;
using api::state::metaverse::SubscriptionState;
using resource::Outcome;

namespace {

constexpr std::string_view timer_expire = "expire";

bool among(const std::optional<std::vector<std::string>>& wanted, const std::string& one) {
  return !wanted || std::ranges::find(*wanted, one) != wanted->end();
}

Outcome kept(SubscriptionState state, std::string owner) {
  Outcome out;
  out.change = resource::Change::put;
  out.state = json::write(state);
  out.owner = owner;
  out.subject = std::move(owner);
  return out;
}

Result<Outcome> put(SubscriptionState state, const resource::Key& key,
                    const resource::Command& command, const Settings& settings, Instant now,
                    bool made) {
  const auto asked = json::read<SyncSubscriptionReq>(state.text);
  if (!asked) return fail(asked.error());
  if (auto fits = check_subscription(*asked, settings.sinks, now); !fits)
    return fail(std::move(fits.error()));
  const auto view = subscription_view(state, key.id, settings);
  if (!view) return fail(view.error());
  http::Response answer{
      made ? 201 : 200, {{"content-type", "application/json"}}, json::write(*view)};
  if (made) answer.headers.add("location", subscription_uri(settings, key.id));
  auto out = kept(std::move(state), command.who.subject);
  out.clause = "23.700-21 7.y.1 step 7";
  if (asked->exp_time)
    out.effects.emplace_back(resource::StartTimer{std::string(timer_expire), *asked->exp_time});
  else if (!made)
    out.effects.emplace_back(resource::StopTimer{std::string(timer_expire)});
  out.effects.emplace_back(resource::Reply{command.request, std::move(answer), true});
  return out;
}

Result<Outcome> create(const resource::Key& key, const resource::Command& command,
                       const Settings& settings, Instant now, const resource::Lookup& lookup) {
  const auto count = lookup.count(subscription_kind, command.who.subject);
  if (!count) return fail(count.error());
  if (*count >= subscriptions_per_owner_max)
    return fail(Errc::too_many, "this client has as many subscriptions as it may");
  SubscriptionState state;
  state.text = command.http.body;
  return put(std::move(state), key, command, settings, now, true);
}

Result<Outcome> told(const resource::Record& current, SubscriptionState state,
                     const resource::Key& key, const resource::Told& news) {
  if (news.what == "notif_uri_moved") {
    auto moved = json::merge_patch(state.text, R"({"notifUri":)" + json::quoted(news.body) + '}');
    if (!moved) return Outcome{};
    state.text = std::move(*moved);
    return kept(std::move(state), current.owner);
  }
  const auto events = json::read<api::state::metaverse::ToldEvents>(news.body);
  const auto asked = json::read<SyncSubscriptionReq>(state.text);
  if (news.what != "events" || !events || !asked) return Outcome{};
  if (!among(asked->session_ids, events->session_id)) return Outcome{};
  if (asked->val_service_id && *asked->val_service_id != events->val_service_id) return Outcome{};
  auto mine = *events;
  std::erase_if(mine.events, [&](const api::mm_das::SyncEvent& one) {
    return one.asset_id && !among(asked->asset_ids, *one.asset_id);
  });
  auto out = notification(mine, asked->events, asked->min_interval_ms, state.measured_notified_at);
  if (!out) return Outcome{};
  state.sequence = state.sequence.value_or(0) + 1;
  out->subscription_id = key.id;
  out->seq = *state.sequence;
  auto outcome = kept(state, current.owner);
  outcome.effects.emplace_back(resource::Notify{asked->notif_uri, *state.sequence,
                                                json::write(*out), "23.700-21 7.y.1 step 7"});
  return outcome;
}

Outcome erase() {
  Outcome out;
  out.change = resource::Change::erase;
  return out;
}

}  // namespace

Result<Outcome> SubscriptionMachine::step(const resource::Record* current, const resource::Key& key,
                                          const resource::Event& event, Instant now,
                                          const resource::Lookup& lookup) const {
  const auto* command = std::get_if<resource::Command>(&event);
  if (current == nullptr) {
    if (command == nullptr) return Outcome{};
    if (command->operation == op::create_sync_subscription)
      return create(key, *command, settings_, now, lookup);
    return fail(Errc::not_found, "no such subscription");
  }
  auto state = json::read<SubscriptionState>(current->state);
  if (!state) return fail(Errc::internal, "a stored subscription cannot be read");
  if (const auto* fired = std::get_if<resource::TimerFired>(&event))
    return fired->name == timer_expire ? erase() : Outcome{};
  if (const auto* news = std::get_if<resource::Told>(&event))
    return told(*current, std::move(*state), key, *news);
  if (command == nullptr) return Outcome{};
  if (command->operation == op::create_sync_subscription) {
    const auto view = subscription_view(*state, key.id, settings_);
    if (!view) return fail(view.error());
    http::Response answer{200, {{"content-type", "application/json"}}, json::write(*view)};
    answer.headers.add("location", subscription_uri(settings_, key.id));
    Outcome out;
    out.effects.emplace_back(resource::Reply{command->request, std::move(answer), true});
    return out;
  }
  if (command->operation == op::delete_sync_subscription) {
    auto out = erase();
    out.effects.emplace_back(resource::Reply{command->request, {204, {}, {}}, false});
    return out;
  }
  if (command->operation == op::modify_sync_subscription) {
    if (const auto patch = json::read<api::mm_das::SyncSubscriptionPatch>(command->http.body);
        !patch)
      return fail(patch.error());
    auto merged = json::merge_patch(state->text, command->http.body);
    if (!merged) return fail(merged.error());
    state->text = std::move(*merged);
  } else {
    state->text = command->http.body;
  }
  return put(std::move(*state), key, *command, settings_, now, false);
}

}  // namespace lobo::metaverse
