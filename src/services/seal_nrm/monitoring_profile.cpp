#include "services/seal_nrm/monitoring_profile.hpp"

#include <string>
#include <utility>
#include <variant>

#include "api/ss_nrm.hpp"
#include "api/state/nrm_monitor.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "services/seal_nrm/monitor_checks.hpp"
#include "services/seal_nrm/ports.hpp"
#include "wire/http/message.hpp"
#include "wire/http/url.hpp"
#include "wire/json/json.hpp"
#include "wire/resource/effect.hpp"
#include "wire/resource/machine.hpp"
#include "wire/resource/record.hpp"

namespace lobo::seal_nrm {

namespace state = api::state::nrm_monitor;

namespace {

resource::Outcome kept(state::ProfileState profile, std::string owner) {
  resource::Outcome out;
  out.change = resource::Change::put;
  out.owner = std::move(owner);
  out.state = json::write(profile);
  out.clause = "14.3.3.4.1 profile";
  return out;
}

http::Response shown(const Settings& settings, const resource::Key& key,
                     const state::ProfileState& profile) {
  api::ss_nrm::StoredMonitoringProfile body;
  body.profile_id = key.id;
  body.profile = profile.profile;
  return {201,
          {{"content-type", "application/json"},
           {"location",
            settings.api_root + "/ss-nrm/v1/monitoring-profiles/" + http::percent_encode(key.id)}},
          json::write(body)};
}

}  // namespace

Result<resource::Outcome> MonitoringProfileMachine::step(const resource::Record* current,
                                                         const resource::Key& key,
                                                         const resource::Event& event, Instant now,
                                                         const resource::Lookup& lookup) const {
  if (const auto* told = std::get_if<resource::Told>(&event)) {
    if (current != nullptr || told->what != "store") return resource::Outcome{};
    auto store = json::read<state::StoreProfile>(told->body);
    if (!store) return fail(std::move(store.error()));
    state::ProfileState profile;
    profile.profile = std::move(store->profile);
    return kept(std::move(profile), std::move(store->owner));
  }
  const auto* command = std::get_if<resource::Command>(&event);
  if (command == nullptr) return resource::Outcome{};
  if (command->operation == "DeleteMonitoringProfile") {
    if (current == nullptr || current->owner != command->who.subject)
      return fail(Errc::not_found, "no such monitoring profile");
    resource::Outcome out;
    out.change = resource::Change::erase;
    out.effects.emplace_back(resource::Reply{command->request, http::Response{204, {}, {}}, false});
    return out;
  }
  state::ProfileState profile;
  if (current != nullptr) {  // The same Idempotency-Key again.
    if (current->owner != command->who.subject)
      return fail(Errc::not_found, "no such monitoring profile");
    auto stored = json::read<state::ProfileState>(current->state);
    if (!stored) return fail(Errc::internal, "stored profile cannot be read");
    resource::Outcome out;
    out.effects.emplace_back(
        resource::Reply{command->request, shown(settings_, key, *stored), true});
    return out;
  }
  auto given = json::read<api::ss_nrm::MonitoringProfile>(command->http.body);
  if (!given) return fail(std::move(given.error()));
  if (auto fits = check_profile(*given, settings_, now); !fits)
    return fail(std::move(fits.error()));
  const auto count = lookup.count(kind(), command->who.subject);
  if (!count) return fail(count.error());
  if (*count >= settings_.monitoring.profiles_max)
    return fail(Errc::too_many, "this client has as many monitoring profiles as it may",
                {{Errc::too_many, "", "has as many as it may"}});
  profile.profile = std::move(*given);
  auto response = shown(settings_, key, profile);
  auto out = kept(std::move(profile), command->who.subject);
  out.effects.emplace_back(resource::Reply{command->request, std::move(response), true});
  return out;
}

}  // namespace lobo::seal_nrm
