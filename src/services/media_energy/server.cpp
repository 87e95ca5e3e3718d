#include "services/media_energy/server.hpp"

#include <fmt/format.h>

#include <cstddef>
#include <set>
#include <string>
#include <utility>
#include <variant>

#include "api/media_e3.hpp"
#include "api/state/media_energy.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "services/media_energy/checks.hpp"
#include "services/media_energy/eiaf.hpp"
#include "services/media_energy/faults.hpp"
#include "services/media_energy/ports.hpp"
#include "services/media_energy/views.hpp"
#include "wire/http/message.hpp"
#include "wire/http/url.hpp"
#include "wire/json/json.hpp"
#include "wire/resource/effect.hpp"
#include "wire/resource/machine.hpp"
#include "wire/resource/record.hpp"

namespace lobo::media_energy {

namespace e3 = api::media_e3;
namespace state = api::state::media_energy;

namespace {

/// A server speaks for the URLs of its locations alone. Where it was registered so itself, it may
/// move with its URLs.
Result<void> check_bases(const e3::AsRegistration& given, const resource::Record* current,
                         const Eiaf& eiaf) {
  std::set<std::string> own;
  if (current != nullptr)
    if (const auto stored = json::read<state::ServerState>(current->state))
      if (const auto before = json::read<e3::AsRegistration>(stored->text))
        for (const auto& one : before->service_locations)
          own.insert(one.base_urls.begin(), one.base_urls.end());
  Faults faults;
  for (std::size_t i = 0; i < given.service_locations.size(); ++i) {
    const auto& one = given.service_locations[i];
    for (std::size_t url = 0; url < one.base_urls.size(); ++url) {
      const auto held = eiaf.location_below(one.base_urls[url]);
      if (!held || *held == one.service_location_id || own.contains(one.base_urls[url])) continue;
      faults.add(Errc::conflict, fmt::format("/serviceLocations/{}/baseUrls/{}", i, url),
                 "lies below a base URL of " + std::string(*held));
    }
  }
  return faults.verdict();
}

Result<resource::Outcome> put(const resource::Record* current, const resource::Key& key,
                              const resource::Command& command, const Settings& settings,
                              const Eiaf& eiaf, Instant now, const resource::Lookup& lookup) {
  const auto given = json::read<e3::AsRegistration>(command.http.body);
  if (!given) return fail(given.error());
  if (auto fits = check_registration(*given, settings); !fits) return fail(std::move(fits.error()));
  if (auto fits = check_bases(*given, current, eiaf); !fits) return fail(std::move(fits.error()));
  if (current == nullptr) {
    const auto others = lookup.count_by_subject(server_kind, every_server, servers_max);
    if (!others) return fail(others.error());
    if (*others >= servers_max)
      return fail(Errc::too_many, "there are as many application servers as there may be",
                  {{Errc::too_many, "", "no room for one more"}});
  }
  resource::Outcome out;
  out.change = resource::Change::put;
  out.owner = command.who.subject;
  out.subject = every_server;
  out.state = json::write(state::ServerState{command.http.body});
  out.clause = "26.942 7.13.6 step 3";
  http::Response answer{current == nullptr ? 201 : 200,
                        {{"content-type", "application/json"}},
                        json::write(server_view(key.id, *given, eiaf, now))};
  if (current == nullptr)
    answer.headers.add("location", settings.api_root + settings.prefixes.e3 +
                                       "/application-servers/" + http::percent_encode(key.id));
  out.effects.emplace_back(resource::Observe{"server", out.state});
  out.effects.emplace_back(resource::Reply{command.request, std::move(answer), true});
  return out;
}

}  // namespace

Result<resource::Outcome> ServerMachine::step(const resource::Record* current,
                                              const resource::Key& key,
                                              const resource::Event& event, Instant now,
                                              const resource::Lookup& lookup) const {
  const auto* command = std::get_if<resource::Command>(&event);
  if (command == nullptr) return resource::Outcome{};
  if (current != nullptr && current->owner != command->who.subject)
    return fail(Errc::not_found, "no such application server");
  if (command->operation == e3::operation::register_application_server)
    return put(current, key, *command, settings_, eiaf_, now, lookup);
  if (current == nullptr) return fail(Errc::not_found, "no such application server");
  resource::Outcome out;
  if (command->operation == e3::operation::deregister_application_server) {
    out.change = resource::Change::erase;
    out.effects.emplace_back(resource::Observe{"server", {}});
    out.effects.emplace_back(resource::Reply{command->request, {204, {}, {}}, false});
    return out;
  }
  const auto reports = json::read<e3::AsEnergyReports>(command->http.body);
  if (!reports) return fail(reports.error());
  if (auto fits = check_reports(*reports, key.id); !fits) return fail(std::move(fits.error()));
  const auto receipt = eiaf_.receipt(*reports, now);
  out.effects.emplace_back(resource::Observe{"reports", command->http.body});
  out.effects.emplace_back(
      resource::Reply{command->request,
                      {200, {{"content-type", "application/json"}}, json::write(receipt)},
                      false});
  return out;
}

}  // namespace lobo::media_energy
