#include "services/media_energy/steering.hpp"

#include <string>
#include <variant>

#include "api/media_steering.hpp"
#include "api/state/media_energy.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "services/media_energy/views.hpp"
#include "wire/json/json.hpp"
#include "wire/resource/effect.hpp"
#include "wire/resource/machine.hpp"
#include "wire/resource/record.hpp"

namespace lobo::media_energy {

namespace steering = api::media_steering;
namespace state = api::state::media_energy;

Result<resource::Outcome> SteeringMachine::step(const resource::Record* /*current*/,
                                                const resource::Key& /*key*/,
                                                const resource::Event& event, Instant now,
                                                const resource::Lookup& /*lookup*/) const {
  resource::Outcome out;
  const auto* command = std::get_if<resource::Command>(&event);
  if (command == nullptr) return out;
  if (command->operation == steering::operation::submit_steering_reports) {
    const auto reports = json::read<steering::SteeringReports>(command->http.body);
    if (!reports) return fail(reports.error());
    out.effects.emplace_back(resource::Observe{"steered", command->http.body});
    out.effects.emplace_back(resource::Reply{command->request, {204, {}, {}}, false});
    return out;
  }
  const auto query = events_query(command->http);
  if (!query) return fail(query.error());
  state::PlanPoll poll;
  poll.request = command->request;
  poll.tag = std::string(command->http.headers.find("if-none-match").value_or(""));
  poll.until = now + query->wait;
  out.effects.emplace_back(resource::Observe{"plan_poll", json::write(poll)});
  return out;
}

}  // namespace lobo::media_energy
