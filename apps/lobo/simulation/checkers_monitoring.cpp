// What must hold of monitoring. What is needed is worked out here from what applications asked for
// and from the configuration of the world, not by the code that is checked.

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "api/ss_nrm.hpp"
#include "api/state/nrm_monitor.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "model/bit_rate.hpp"
#include "model/date_time.hpp"
#include "sim/store.hpp"
#include "simulation/application.hpp"
#include "simulation/checkers.hpp"
#include "wire/http/url.hpp"
#include "wire/json/json.hpp"
#include "wire/json/types.hpp"
#include "wire/resource/effect.hpp"

namespace lobo::app::simulation {

namespace nrm = api::ss_nrm;
using api::state::nrm_monitor::MeasureSourceState;
using api::state::nrm_monitor::MonitorStage;
using api::state::nrm_monitor::MonitorState;
using api::state::nrm_monitor::SourceStage;

namespace {

constexpr std::string_view monitor_ends_once = "monitor_ends_once";
constexpr std::string_view monitors_go_on = "monitors_go_on";
constexpr std::string_view measures_as_needed = "measures_as_needed";
constexpr std::string_view monitor_follows_group = "monitor_follows_group";
constexpr std::string_view monitor_values_possible = "monitor_values_possible";

/// How far behind its time an end, or behind its period a report, may come once all is quiet.
constexpr std::chrono::seconds behind_max{15};

constexpr std::chrono::seconds sampled_each{1};  ///< by the core

// Links of this world add 400 ms at most, lose a twentieth, and carry two megabits a second both
// ways together; what is bent (bent_callbacks.hpp) lies twelve orders of magnitude beyond. A volume
// that came late may be counted beside the next one.
constexpr std::int64_t delay_ms_max = 2000;
constexpr std::int64_t loss_max = 100;
constexpr std::uint64_t rate_max = 10'000'000;
constexpr std::int64_t volume_max = 10'000'000;

/// The source that brings a type, by the word that its id begins with.
std::string_view kind_of(const nrm::MeasurementDataType& type) {
  if (type.text.ends_with("_DELAY")) return "delay";
  if (type.text.ends_with("_RATE")) return "rate";
  if (type.text.ends_with("_VOLUME")) return "usage";
  return "analytics";
}

std::set<std::string> kinds_of(const MonitorState& monitor) {
  std::set<std::string> kinds;
  for (const auto& type : monitor.what.meas_reqs.meas_data_types)
    kinds.insert(std::string(kind_of(type)));
  return kinds;
}

std::set<std::string> members_of(const Surroundings& around, const std::string& group) {
  std::set<std::string> members;
  if (const auto found = around.groups.find(group); found != around.groups.end())
    for (const auto& member : found->second->members) members.insert(member.id);
  return members;
}

/// The UEs that have to be measured for it.
std::set<std::string> ues_of(const MonitorState& monitor, const Surroundings& around) {
  std::set<std::string> ues;
  if (monitor.doc.val_group_id) ues = members_of(around, *monitor.doc.val_group_id);
  if (monitor.doc.val_ue_ids)
    for (const auto& ue : *monitor.doc.val_ue_ids) ues.insert(ue.val_ue_id.value_or(""));
  if (monitor.doc.val_stream_ids)
    for (const auto& id : *monitor.doc.val_stream_ids)
      if (const auto stream = around.streams.find(id); stream != around.streams.end()) {
        ues.insert(stream->second.first);
        ues.insert(stream->second.second);
      }
  return ues;
}

template <class Each>
void for_monitors(const sim::StoreState& durable, Each&& each) {
  for (const auto& [key, record] : durable.records) {
    if (key.kind != "monitor") continue;
    if (const auto state = json::read<MonitorState>(record.state)) each(key.id, *state);
  }
}

std::optional<MonitorState> running(const sim::StoreState& durable, const std::string& id) {
  const auto* record = durable.find({"monitor", id});
  if (record == nullptr) return std::nullopt;
  auto state = json::read<MonitorState>(record->state);
  return state && state->stage == MonitorStage::running ? std::optional(std::move(*state))
                                                        : std::nullopt;
}

/// Notifications of `id` that were given up, by number.
std::set<std::uint64_t> parked_of(const sim::StoreState& durable, const std::string& id) {
  std::set<std::uint64_t> numbers;
  for (const auto& [number, effect] : durable.effects) {
    if (!effect.parked || effect.from.id != id) continue;
    const auto stored = resource::effect_from_json(effect.body);
    if (!stored) continue;
    if (const auto* notify = std::get_if<resource::Notify>(&*stored))
      numbers.insert(notify->sequence);
  }
  return numbers;
}

/// Ids of sources by what the core holds of them.
std::map<std::string, std::vector<std::string>> sources_at_core(const Surroundings& around) {
  std::map<std::string, std::vector<std::string>> held;
  for (const auto& one : around.at_core)
    for (const std::string_view marker : {"/measure/", "/analytics/"}) {
      const auto at = one.notification_uri.find(marker);
      if (at == std::string::npos) continue;
      const auto rest = one.notification_uri.substr(at + marker.size());
      held[http::percent_decode(rest.substr(0, rest.find('/'))).value_or(rest)].push_back(one.id);
    }
  return held;
}

std::string list_of(const std::set<std::string>& names) {
  std::string all;
  for (const auto& name : names) all += ' ' + name;
  return all.empty() ? " nobody" : all;
}

}  // namespace

void Checkers::monitor_ends(const Application& application, const sim::StoreState& durable,
                            Instant now) {
  for (const auto& [id, known] : application.known()) {
    if (known.what != Asked::monitor) continue;
    const auto& monitored = known.monitored;
    const auto state = running(durable, id);
    if (monitored.causes.size() > 1)
      find(monitor_ends_once, id + " ended " + std::to_string(monitored.causes.size()) + " times");
    if (!monitored.causes.empty()) {
      const auto& [number, cause] = *monitored.causes.rbegin();
      if (number != known.sequence_max)
        find(monitor_ends_once, id + " ended with number " + std::to_string(number) +
                                    ", and number " + std::to_string(known.sequence_max) +
                                    " came besides");
      // What was asked for is known of one whose 201 was read.
      if (known.confirmed && !monitored.ends.contains(cause))
        find(monitor_ends_once, id + " ended by " + cause + ", which nobody asked for");
      if (state) find(monitor_ends_once, id + " ended by " + cause + ", and is still there");
      const auto& reporting = monitored.asked.report_reqs;
      const auto told = known.sequences.size() - (monitored.tested ? 1U : 0U);
      if (known.confirmed && !monitored.updated && reporting && reporting->max_num_rep &&
          told + parked_of(durable, id).size() != static_cast<std::size_t>(*reporting->max_num_rep))
        find(monitor_ends_once, id + " ended after " + std::to_string(told) + " of " +
                                    std::to_string(*reporting->max_num_rep) + " reports");
    } else if (known.confirmed && !known.releasing && monitored.numbered() && !state &&
               parked_of(durable, id).empty()) {
      find(monitor_ends_once, id + " is gone without a word");
    }
    if (!state || !known.confirmed || known.releasing || monitored.updated) continue;
    const auto& reporting = monitored.asked.report_reqs;
    if (reporting && reporting->expiration_timer &&
        monitored.confirmed_at + std::chrono::seconds(*reporting->expiration_timer) + behind_max <
            now)
      find(monitor_ends_once,
           id + " was to end at " +
               model::format_date_time(monitored.confirmed_at +
                                       std::chrono::seconds(*reporting->expiration_timer)) +
               " at the latest, and is still there: " + json::write(state->what));
  }
}

void Checkers::monitors_report(const Application& application, const Surroundings& around,
                               const sim::StoreState& durable) {
  for (const auto& [id, known] : application.known()) {
    if (known.what != Asked::monitor || !known.confirmed || known.releasing) continue;
    const auto state = running(durable, id);
    if (!state || !state->what.report_reqs || state->what.meas_reqs.meas_period) continue;
    const auto& period = state->what.report_reqs->reporting_period;
    if (!period || ues_of(*state, around).empty()) continue;
    const auto kinds = kinds_of(*state);
    if (std::ranges::all_of(kinds, [&](const auto& kind) { return around.mute.contains(kind); }))
      continue;
    const auto& wanted = state->what.meas_reqs;
    const std::chrono::milliseconds window =
        wanted.aggr_window_sec ? std::chrono::seconds(*wanted.aggr_window_sec)
                               : std::chrono::milliseconds(wanted.meas_aggr_gran_wnd.value_or(0));
    // Of a stream only a window with samples of both its ends has a value.
    if (state->doc.val_stream_ids && window < 2 * sampled_each) continue;
    const auto last = application.values_at(known.monitored.tag);
    if (!last || *last + std::chrono::seconds(*period) + 2 * window + behind_max < around.now)
      find(monitors_go_on,
           id + " of" + list_of(ues_of(*state, around)) + ", " + json::write(state->what) +
               ", has reported no values " +
               (last ? "since " + model::format_date_time(*last) : std::string("at all")));
  }
}

void Checkers::measures(const Surroundings& around, const sim::StoreState& durable) {
  std::map<std::string, std::set<std::string>> needed;  // source id -> monitors
  for_monitors(durable, [&](const std::string& id, const MonitorState& monitor) {
    for (const auto& kind : kinds_of(monitor))
      for (const auto& ue : ues_of(monitor, around))
        if (const auto gpsi = around.gpsis.find(ue); gpsi != around.gpsis.end())
          needed[kind + ':' + gpsi->second].insert(id);
  });
  const auto held = sources_at_core(around);
  for (const auto& [source, monitors] : needed) {
    const auto at = held.find(source);
    const auto count = at == held.end() ? 0U : at->second.size();
    if (count != 1)
      find(measures_as_needed,
           source + " is measured " + std::to_string(count) + " times, for" + list_of(monitors));
    const auto* record = durable.find({"measure_source", source});
    const auto state = record == nullptr ? Result<MeasureSourceState>(fail(Errc::not_found, "none"))
                                         : json::read<MeasureSourceState>(record->state);
    if (!state) {
      find(measures_as_needed, source + " is needed, and there is no such source");
      continue;
    }
    const std::set<std::string> users(state->users.begin(), state->users.end());
    if (users != monitors || users.size() != state->users.size())
      find(measures_as_needed,
           source + " is for" + list_of(users) + ", and needed by" + list_of(monitors));
    if (state->stage != SourceStage::active)
      find(measures_as_needed, source + " is " + std::string(json::name_of(state->stage)) + ": " +
                                   state->cause.value_or(""));
    else if (count == 1 && state->held.current != at->second.front())
      find(measures_as_needed, source + " says " + state->held.current.value_or("nothing") +
                                   ", and the core holds " + at->second.front());
  }
  for (const auto& [source, ids] : held)
    if (!needed.contains(source))
      find(measures_as_needed, source + " is measured for nobody, by " + ids.front());
  for (const auto& [key, record] : durable.records)
    if (key.kind == "measure_source" && !needed.contains(key.id))
      find(measures_as_needed, key.id + " is a source for nobody");
}

void Checkers::monitor_groups(const Surroundings& around, const sim::StoreState& durable) {
  for_monitors(durable, [&](const std::string& id, const MonitorState& monitor) {
    if (!monitor.doc.val_group_id) return;
    std::set<std::string> followed;
    for (const auto& target : monitor.targets) followed.insert(target.ue.val_ue_id.value_or(""));
    const auto wanted = members_of(around, *monitor.doc.val_group_id);
    if (followed != wanted)
      find(monitor_follows_group,
           id + " follows" + list_of(followed) + ", and its group is" + list_of(wanted));
  });
}

void Checkers::values(const nrm::MonitoringReport& report) {
  const auto look = [&](const nrm::MeasurementData& data) {
    const auto number = [&](const char* name, const std::optional<std::int64_t>& value,
                            std::int64_t most) {
      if (value && (*value < 0 || *value > most))
        find(monitor_values_possible,
             std::string(name) + " is reported as " + std::to_string(*value));
    };
    const auto rate = [&](const char* name, const std::optional<std::string>& text) {
      if (!text) return;
      const auto value = model::parse_bit_rate(*text);
      if (!value || value->count > rate_max)
        find(monitor_values_possible, std::string(name) + " is reported as " + *text);
    };
    number("dlDelay", data.dl_delay, delay_ms_max);
    number("ulDelay", data.ul_delay, delay_ms_max);
    number("rtDelay", data.rt_delay, 2 * delay_ms_max);
    number("avgPlr", data.avg_plr, loss_max);
    number("avrDlTrafficVol", data.avr_dl_traffic_vol, volume_max);
    number("avrUlTrafficVol", data.avr_ul_traffic_vol, volume_max);
    rate("avgDataRate", data.avg_data_rate);
    rate("maxDataRate", data.max_data_rate);
  };
  if (report.meas_data) look(*report.meas_data);
  if (report.ue_reports)
    for (const auto& one : *report.ue_reports) look(one.meas_data);
}

}  // namespace lobo::app::simulation
