#include "simulation/checkers.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "api/state/seal_nrm.hpp"
#include "sim/store.hpp"
#include "simulation/application.hpp"
#include "wire/json/json.hpp"
#include "wire/resource/effect.hpp"
#include "wire/resource/record.hpp"

namespace lobo::app::simulation {

namespace {

using api::state::seal_nrm::UnicastStage;
using api::state::seal_nrm::UnicastState;

constexpr std::string_view durable_before_reply = "durable_before_reply";
constexpr std::string_view commit_before_notification = "commit_before_notification";
constexpr std::string_view never_stuck = "never_stuck";
constexpr std::string_view nothing_acknowledged_is_lost = "nothing_acknowledged_is_lost";
constexpr std::string_view one_reservation_each = "one_reservation_each";
constexpr std::string_view notifications_complete = "notifications_complete";
constexpr std::string_view nothing_left_behind = "nothing_left_behind";

std::optional<UnicastState> state_of(const sim::StoreState& durable, const std::string& id) {
  const auto* record = durable.find({"unicast", id});
  if (record == nullptr) return std::nullopt;
  auto state = json::read<UnicastState>(record->state);
  return state ? std::optional(std::move(*state)) : std::nullopt;
}

bool waits(const sim::StoreState& durable, const resource::Key& key) {
  const auto call = std::ranges::any_of(durable.effects, [&](const auto& entry) {
    return entry.second.from == key && entry.second.type != "notify";
  });
  const auto timer = std::ranges::any_of(
      durable.timers, [&](const auto& entry) { return entry.first.first == key; });
  const auto told = std::ranges::any_of(durable.effects, [&](const auto& entry) {
    return entry.second.type == "tell" && entry.second.body.find(key.id) != std::string::npos;
  });
  return call || timer || told;
}

bool in_between(UnicastStage stage) {
  switch (stage) {
    case UnicastStage::resolving:
    case UnicastStage::reserving:
    case UnicastStage::allocating:
    case UnicastStage::rebinding:
    case UnicastStage::releasing: return true;
    case UnicastStage::confirmed:
    case UnicastStage::degraded:
    case UnicastStage::terminated: return false;
  }
  std::abort();
}

}  // namespace

const std::vector<std::string_view>& Checkers::names() {
  static const std::vector<std::string_view> all{durable_before_reply, commit_before_notification,
                                                 never_stuck,          nothing_acknowledged_is_lost,
                                                 one_reservation_each, notifications_complete,
                                                 nothing_left_behind};
  return all;
}

void Checkers::find(std::string_view checker, std::string what) {
  if (findings_.size() >= findings_kept_max || !seen_.insert(std::string(checker) + what).second)
    return;
  findings_.push_back({std::string(checker), std::move(what)});
}

void Checkers::confirmed(const Application& application, const Known& known,
                         const sim::StoreState& durable) {
  // A release by another hand (expiry, a DELETE that overtook the 201) may have been faster.
  const auto state = state_of(durable, known.id);
  if (known.releasing || known.terminated) return;
  if (!state || state->stage == UnicastStage::reserving ||
      state->stage == UnicastStage::resolving || state->stage == UnicastStage::allocating)
    if (!state || !state->doc.duration)
      find(durable_before_reply, application.setup().name + " read 201 for " + known.id +
                                     ", which is " +
                                     (state ? "still in between" : "not in the store"));
}

void Checkers::told(const Told& told, const sim::StoreState& durable) {
  const auto state = state_of(durable, told.subscription);
  if (state && state->sequence.value_or(0) < told.sequence)
    find(commit_before_notification,
         told.subscription + " was told number " + std::to_string(told.sequence) +
             ", the store has only come to " + std::to_string(state->sequence.value_or(0)));
}

void Checkers::not_stuck(const sim::StoreState& durable) {
  for (const auto& [key, record] : durable.records) {
    if (key.kind != "unicast") continue;
    const auto state = json::read<UnicastState>(record.state);
    if (!state) {
      find(never_stuck, key.id + " has a state that cannot be read");
    } else if (in_between(state->stage) && !waits(durable, key)) {
      find(never_stuck, key.id + " is in between, and neither a call nor a timer is due");
    }
  }
}

void Checkers::nothing_lost(const Application& application, const sim::StoreState& durable) {
  for (const auto& [id, known] : application.known()) {
    if (!known.confirmed || known.releasing || known.terminated) continue;
    if (!state_of(durable, id))
      find(nothing_acknowledged_is_lost,
           application.setup().name + " was given " + id + ", and it is gone");
  }
}

void Checkers::reservations(const std::vector<Reservation>& at_core, std::int64_t watches_at_core,
                            const sim::StoreState& durable) {
  std::map<std::string, std::vector<std::string>> held;  // by the id in our notification URI
  for (const auto& reservation : at_core) {
    const auto marker = reservation.notification_uri.find("/unicast/");
    if (marker == std::string::npos) continue;
    const auto rest = reservation.notification_uri.substr(marker + 9);
    held[rest.substr(0, rest.find('/'))].push_back(reservation.id);
  }
  for (const auto& [id, reservations] : held)
    if (!state_of(durable, id))
      find(one_reservation_each,
           "the core holds " + reservations.front() + " for " + id + ", which we do not know");
  std::int64_t watching = 0;
  for (const auto& [key, record] : durable.records) {
    if (key.kind == "ue_watch") {
      const auto watch = json::read<api::state::seal_nrm::WatchState>(record.state);
      watching += watch && watch->held.current ? 1 : 0;
    }
    if (key.kind != "unicast") continue;
    const auto state = state_of(durable, key.id);
    if (!state) continue;
    const auto at = held.find(key.id);
    const std::vector<std::string> none;
    const auto& theirs = at == held.end() ? none : at->second;
    const auto stage = std::string(json::name_of(state->stage));
    const bool wanted =
        state->stage == UnicastStage::confirmed || state->stage == UnicastStage::degraded;
    if (wanted && theirs.size() != 1)
      find(one_reservation_each,
           key.id + " is " + stage + ", and the core holds " + std::to_string(theirs.size()));
    else if (wanted && theirs.front() != state->held.current)
      find(one_reservation_each, key.id + " says " + state->held.current.value_or("nothing") +
                                     ", and the core holds " + theirs.front());
    if (!wanted && !theirs.empty())
      find(one_reservation_each,
           key.id + " is " + stage + ", and the core still holds " + std::to_string(theirs.size()));
  }
  if (watching != watches_at_core)
    find(one_reservation_each, "we watch " + std::to_string(watching) +
                                   " UEs, and the core watches " + std::to_string(watches_at_core) +
                                   " for us");
}

void Checkers::notifications(const Application& application, const sim::StoreState& durable) {
  for (const auto& [id, known] : application.known()) {
    const auto state = state_of(durable, id);
    const std::uint64_t last =
        std::max(known.sequence_max, state ? state->sequence.value_or(0) : 0);
    std::set<std::uint64_t> parked;
    for (const auto& [number, effect] : durable.effects)
      if (effect.parked && effect.from.id == id) {
        const auto stored = resource::effect_from_json(effect.body);
        if (stored)
          if (const auto* notify = std::get_if<resource::Notify>(&*stored))
            parked.insert(notify->sequence);
      }
    for (std::uint64_t n = 1; n <= last; ++n)
      if (!known.sequences.contains(n) && !parked.contains(n))
        find(notifications_complete,
             application.setup().name + " misses number " + std::to_string(n) + " of " + id);
    // Repetitions are allowed; a new number below an older one that was new before is not.
    std::set<std::uint64_t> before;
    std::uint64_t newest = 0;
    for (const auto number : known.arrivals) {
      if (before.insert(number).second && number < newest)
        find(notifications_complete,
             id + " got number " + std::to_string(number) + " after " + std::to_string(newest));
      newest = std::max(newest, number);
    }
  }
}

void Checkers::nothing_left(const std::vector<Reservation>& at_core, std::int64_t watches_at_core,
                            const sim::StoreState& durable) {
  if (watches_at_core != 0)
    find(nothing_left_behind,
         "the core still watches UEs for us, subscriptions: " + std::to_string(watches_at_core));
  for (const auto& reservation : at_core)
    find(nothing_left_behind,
         "the core still holds " + reservation.id + " for " + reservation.notification_uri);
  for (const auto& [key, record] : durable.records)
    if (key.kind != "core_peer")
      find(nothing_left_behind, "the store still holds " + key.kind + " " + key.id);
  if (!durable.timers.empty())
    find(nothing_left_behind, "a timer of " + durable.timers.begin()->first.first.id + " is left");
  for (const auto& [id, effect] : durable.effects)
    if (!effect.parked)
      find(nothing_left_behind, "effect " + std::to_string(id) + " is left in the outbox");
}

}  // namespace lobo::app::simulation
