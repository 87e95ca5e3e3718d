// What the VAL layer is told (step 7): the session's own notification target, and the subscriptions
// of its owner and parties.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/mm_das.hpp"
#include "api/state/metaverse.hpp"
#include "base/result.hpp"
#include "services/metaverse/events.hpp"
#include "services/metaverse/ports.hpp"
#include "services/metaverse/session_step.hpp"
#include "services/metaverse/subscription.hpp"
#include "wire/json/json.hpp"
#include "wire/resource/effect.hpp"

namespace lobo::metaverse {

SyncEvent& SessionStep::event(SyncEventType what) {
  SyncEvent made;
  made.event = what;
  events_.push_back(std::move(made));
  return events_.back();
}

SyncEvent& SessionStep::event(SyncEventType what, const AssetState& asset) {
  auto& made = event(what);
  made.asset_id = asset.resolved.asset_id;
  made.host_ue = asset.resolved.host_ue;
  return made;
}

Result<void> SessionStep::notify() {
  // Nobody was told of it yet.
  if (events_.empty() || !state_.acknowledged.value_or(false)) return {};
  for (auto& one : events_)
    if (one.event == SyncEventType::session_state) one.state = state_.state;
  api::state::metaverse::ToldEvents told;
  told.session_id = key_.id;
  told.val_service_id = asked_.val_service_id;
  told.rev = state_.rev;
  told.ts = now_;
  told.events = std::move(events_);
  if (asked_.notif) {
    auto notified = notification(told, asked_.notif->events, asked_.notif->min_interval_ms,
                                 state_.measured_notified_at);
    if (notified) {
      state_.sequence = state_.sequence.value_or(0) + 1;
      notified->subscription_id = key_.id;
      notified->seq = *state_.sequence;
      effects_.emplace_back(resource::Notify{state_.notif_uri.value_or(asked_.notif->uri),
                                             *state_.sequence, json::write(*notified),
                                             "23.700-21 7.y.1 step 7"});
    }
  }
  std::vector<std::string> listeners{owner_};
  if (state_.parties)
    listeners.insert(listeners.end(), state_.parties->begin(), state_.parties->end());
  const auto body = json::write(told);
  for (const auto& listener : listeners) {
    const auto keys = lookup_.by_subject(subscription_kind, listener, subscriptions_per_owner_max);
    if (!keys) return fail(keys.error());
    for (const auto& key : *keys) effects_.emplace_back(resource::Tell{key, "events", body});
  }
  return {};
}

}  // namespace lobo::metaverse
