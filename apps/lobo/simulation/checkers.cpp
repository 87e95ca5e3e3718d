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

#include "api/state/adaptation.hpp"
#include "api/state/nrm_monitor.hpp"
#include "api/state/seal_nrm.hpp"
#include "graph/control_plane.hpp"
#include "services/seal_nrm/held.hpp"
#include "sim/store.hpp"
#include "simulation/application.hpp"
#include "wire/json/json.hpp"
#include "wire/json/types.hpp"
#include "wire/resource/effect.hpp"
#include "wire/resource/record.hpp"

namespace lobo::app::simulation {

namespace {

using api::state::adaptation::AdaptationStage;
using api::state::adaptation::AdaptationState;
using api::state::adaptation::BdtStage;
using api::state::adaptation::BdtState;
using api::state::adaptation::Counts;
using api::state::adaptation::MemberStatus;
using api::state::adaptation::PageMember;
using api::state::adaptation::PageState;
using api::state::nrm_monitor::MeasureSourceState;
using api::state::nrm_monitor::MonitorStage;
using api::state::nrm_monitor::MonitorState;
using api::state::nrm_monitor::SourceStage;
using api::state::seal_nrm::UnicastStage;
using api::state::seal_nrm::UnicastState;

constexpr std::string_view durable_before_reply = "durable_before_reply";
constexpr std::string_view commit_before_notification = "commit_before_notification";
constexpr std::string_view never_stuck = "never_stuck";
constexpr std::string_view nothing_acknowledged_is_lost = "nothing_acknowledged_is_lost";
constexpr std::string_view one_reservation_each = "one_reservation_each";
constexpr std::string_view notifications_complete = "notifications_complete";
constexpr std::string_view nothing_left_behind = "nothing_left_behind";
constexpr std::string_view adaptation_agrees = "adaptation_agrees";
// Their checkers are in checkers_monitoring.cpp.
constexpr std::string_view monitor_ends_once = "monitor_ends_once";
constexpr std::string_view monitors_go_on = "monitors_go_on";
constexpr std::string_view measures_as_needed = "measures_as_needed";
constexpr std::string_view monitor_follows_group = "monitor_follows_group";
constexpr std::string_view monitor_values_possible = "monitor_values_possible";

std::optional<UnicastState> state_of(const sim::StoreState& durable, const std::string& id) {
  const auto* record = durable.find({"unicast", id});
  if (record == nullptr) return std::nullopt;
  auto state = json::read<UnicastState>(record->state);
  return state ? std::optional(std::move(*state)) : std::nullopt;
}

template <class T>
std::optional<T> read_state(const sim::StoreState& durable, const resource::Key& key) {
  const auto* record = durable.find(key);
  if (record == nullptr) return std::nullopt;
  auto state = json::read<T>(record->state);
  return state ? std::optional(std::move(*state)) : std::nullopt;
}

std::optional<AdaptationState> adaptation_of(const sim::StoreState& durable,
                                             const std::string& id) {
  return read_state<AdaptationState>(durable, {"adaptation", id});
}

std::optional<MonitorState> monitor_of(const sim::StoreState& durable, const std::string& id) {
  return read_state<MonitorState>(durable, {"monitor", id});
}

/// How many notifications there were, as the store knows it.
std::optional<std::uint64_t> sequence_of(const sim::StoreState& durable, const std::string& id) {
  // Where no numbers were negotiated none arrive.
  if (const auto state = monitor_of(durable, id))
    return state->doc.supp_feat ? state->sequence.value_or(0) : 0;
  if (const auto state = state_of(durable, id)) return state->sequence.value_or(0);
  if (const auto state = adaptation_of(durable, id)) return state->sequence.value_or(0);
  return std::nullopt;
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

/// The last word of a monitor was given up.
bool end_is_parked(const sim::StoreState& durable, const std::string& id) {
  return std::ranges::any_of(durable.effects, [&](const auto& entry) {
    const auto& effect = entry.second;
    return effect.parked && effect.from.id == id &&
           effect.body.find("terminationCause") != std::string::npos;
  });
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
  static const std::vector<std::string_view> all{durable_before_reply,
                                                 commit_before_notification,
                                                 never_stuck,
                                                 nothing_acknowledged_is_lost,
                                                 one_reservation_each,
                                                 notifications_complete,
                                                 nothing_left_behind,
                                                 adaptation_agrees,
                                                 monitor_ends_once,
                                                 monitors_go_on,
                                                 measures_as_needed,
                                                 monitor_follows_group,
                                                 monitor_values_possible};
  return all;
}

void Checkers::find(std::string_view checker, std::string what) {
  if (findings_.size() >= findings_kept_max || !seen_.insert(std::string(checker) + what).second)
    return;
  findings_.push_back({std::string(checker), std::move(what)});
}

void Checkers::confirmed(const Application& application, const Known& known,
                         const sim::StoreState& durable) {
  if (known.what == Asked::monitor) {
    // One that ends by itself may have done so, and may not even have promised to say so.
    const bool ends = known.monitored.ends != std::set<std::string>{"DURATION_EXPIRED"} ||
                      known.monitored.asked.report_reqs;
    if (!ends && !known.releasing && !known.terminated && !monitor_of(durable, known.id))
      find(durable_before_reply,
           application.setup().name + " read 201 for the monitor " + known.id);
    return;
  }
  if (known.what == Asked::adaptation) {
    const auto adaptation = adaptation_of(durable, known.id);
    if (known.releasing || known.terminated || (adaptation && adaptation->doc.duration)) return;
    if (!adaptation || adaptation->stage == AdaptationStage::reserving)
      find(durable_before_reply,
           application.setup().name + " read 201 for the adaptation " + known.id);
    return;
  }
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
  const auto last = sequence_of(durable, told.subscription);
  if (last && *last < told.sequence)
    find(commit_before_notification, told.subscription + " was told number " +
                                         std::to_string(told.sequence) +
                                         ", the store has only come to " + std::to_string(*last));
}

void Checkers::not_stuck(const sim::StoreState& durable) {
  for (const auto& [key, record] : durable.records) {
    if (key.kind == "applied_bdt") {
      const auto policy = json::read<BdtState>(record.state);
      if (!policy ||
          ((policy->stage == BdtStage::applying || policy->stage == BdtStage::withdrawing) &&
           !waits(durable, key)))
        find(never_stuck, "the policy of " + key.id + " is in between, and nothing is due");
    }
    if (key.kind == "monitor") {
      const auto monitor = json::read<MonitorState>(record.state);
      if (!monitor || (monitor->stage == MonitorStage::once && !waits(durable, key)))
        find(never_stuck, "the one report of " + key.id + " is awaited by nobody");
    }
    if (key.kind == "measure_source") {
      const auto source = json::read<MeasureSourceState>(record.state);
      // A UE that is located is waited for: the watch tells.
      if (!source ||
          ((source->stage == SourceStage::subscribing || source->stage == SourceStage::refused ||
            source->stage == SourceStage::cancelling) &&
           !waits(durable, key)))
        find(never_stuck, "the source " + key.id + " is in between, and nothing is due");
    }
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
    if (known.what == Asked::monitor) {
      // Of one that may end without a word nothing can be said; the end of its measurement period
      // is the end that is proposed.
      const auto& asked = known.monitored.asked;
      const bool may_end = asked.report_reqs || (asked.meas_reqs && asked.meas_reqs->meas_period) ||
                           known.monitored.updated;
      if (!monitor_of(durable, id) && !(may_end && !known.monitored.numbered()) &&
          !end_is_parked(durable, id))
        find(nothing_acknowledged_is_lost,
             application.setup().name + " was given the monitor " + id + ", and it is gone");
      continue;
    }
    if (!state_of(durable, id) && !adaptation_of(durable, id))
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
    // One that is suspected is shown as such, and may be there.
    if (state->held.doubt == api::state::seal_nrm::Doubt::suspected) continue;
    if (wanted && theirs.size() != 1)
      find(one_reservation_each,
           key.id + " is " + stage + ", and the core holds " + std::to_string(theirs.size()));
    else if (wanted &&
             !(state->held.current && seal_nrm::is_called(*state->held.current, theirs.front())))
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
    const std::uint64_t last = std::max(known.sequence_max, sequence_of(durable, id).value_or(0));
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

namespace {

/// What a member is by its own record; nothing where it is in between.
std::optional<MemberStatus> really(const std::optional<UnicastState>& member) {
  if (!member) return MemberStatus::refused;
  switch (member->stage) {
    case UnicastStage::confirmed: return MemberStatus::confirmed;
    case UnicastStage::degraded: return MemberStatus::degraded;
    case UnicastStage::terminated: return MemberStatus::refused;
    case UnicastStage::resolving:
    case UnicastStage::reserving:
    case UnicastStage::allocating:
    case UnicastStage::rebinding:
    case UnicastStage::releasing: return std::nullopt;
  }
  std::abort();
}

/// Whether an orphan of a member is suspected at a core that has no list.
bool holds_suspect(const sim::StoreState& durable, const std::string& adaptation) {
  for (const auto& [key, record] : durable.records) {
    if (key.kind != "unicast" || !key.id.starts_with(adaptation + ".e.")) continue;
    const auto state = json::read<UnicastState>(record.state);
    if (state && state->held.doubt == api::state::seal_nrm::Doubt::suspected) return true;
  }
  return false;
}

void count(Counts& counts, const PageMember& member) {
  if (member.status == MemberStatus::degraded) ++counts.degraded;
  if (member.status == MemberStatus::refused) ++counts.refused;
  if (member.status == MemberStatus::confirmed)
    ++(member.granted || member.applied ? counts.negotiated : counts.confirmed);
  if (member.simulated.value_or(false)) ++counts.simulated;
  if (member.enforced.value_or(false)) counts.enforced = counts.enforced.value_or(0) + 1;
}

}  // namespace

void Checkers::adaptations(const ConfiguredUes::Groups& groups, std::size_t policies_at_core,
                           const sim::StoreState& durable) {
  std::set<std::string> members_known;
  std::set<std::string> policies_known;
  for (const auto& [key, record] : durable.records) {
    if (key.kind != "adaptation") continue;
    const auto state = adaptation_of(durable, key.id);
    if (state && holds_suspect(durable, key.id)) {
      // It waits for a member that leaves while an orphan of it is suspected (docs/limits.md).
      for (const auto& [id, member] : durable.records)
        if (id.kind != "adaptation" && id.id.starts_with(key.id + '.')) {
          members_known.insert(id.id);
          policies_known.insert(id.id);
        }
      continue;
    }
    if (!state || state->stage != AdaptationStage::active || !state->todo.empty() ||
        !state->running.empty()) {
      find(adaptation_agrees, key.id + " is still at work");
      continue;
    }
    Counts counts;
    std::set<std::string> names;
    for (std::uint64_t number = 0; number < state->pages; ++number) {
      const auto page = read_state<PageState>(
          durable, {"adaptation_page", key.id + "." + std::to_string(number)});
      if (!page) {
        find(adaptation_agrees, key.id + " has no page " + std::to_string(number));
        continue;
      }
      for (const auto& member : page->members) {
        const auto name = member.ue.value_or("");
        const auto id = key.id + ".e." + name;
        members_known.insert(id);
        policies_known.insert(id);
        if (!names.insert(name).second) find(adaptation_agrees, id + " is there twice");
        count(counts, member);
        if (really(state_of(durable, id)) != member.status || member.dropped)
          find(adaptation_agrees, "the page of " + id + " says that it is " +
                                      std::string(json::name_of(member.status)));
      }
    }
    if (counts != state->counts || names.size() != state->members)
      find(adaptation_agrees, key.id + " counts otherwise than its pages");
    if (!state->doc.val_group_id) continue;
    std::set<std::string> wanted;
    if (const auto group = groups.find(*state->doc.val_group_id); group != groups.end())
      for (const auto& member : group->second->members) wanted.insert(member.id);
    if (names != wanted) find(adaptation_agrees, key.id + " has other members than its group");
  }
  std::size_t policies = 0;
  for (const auto& [key, record] : durable.records) {
    if (key.kind == "unicast")
      if (const auto state = state_of(durable, key.id);
          state && state->member && !members_known.contains(key.id))
        find(adaptation_agrees, key.id + " belongs to no page");
    if (key.kind != "applied_bdt") continue;
    const auto policy = read_state<BdtState>(durable, key);
    policies += policy && policy->held.current ? 1 : 0;
    if (!policies_known.contains(key.id))
      find(adaptation_agrees, "the policy of " + key.id + " belongs to no page");
  }
  if (policies_at_core > policies)
    find(adaptation_agrees, "the core applies " + std::to_string(policies_at_core) +
                                " policies for us, and we know " + std::to_string(policies));
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
