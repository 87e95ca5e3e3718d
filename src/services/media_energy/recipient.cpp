#include "services/media_energy/recipient.hpp"

#include <string>
#include <utility>
#include <variant>

#include "api/state/media_energy.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "wire/json/json.hpp"
#include "wire/resource/effect.hpp"
#include "wire/resource/machine.hpp"
#include "wire/resource/record.hpp"

namespace lobo::media_energy {

namespace state = api::state::media_energy;

Result<resource::Outcome> RecipientMachine::step(const resource::Record* current,
                                                 const resource::Key& /*key*/,
                                                 const resource::Event& event, Instant /*now*/,
                                                 const resource::Lookup& /*lookup*/) const {
  resource::Outcome out;
  const auto* told = std::get_if<resource::Told>(&event);
  if (told == nullptr) return out;
  state::RecipientState kept;
  if (current != nullptr) {
    auto stored = json::read<state::RecipientState>(current->state);
    if (!stored) return fail(Errc::internal, "a stored recipient cannot be read");
    kept = std::move(*stored);
  }
  if (told->what == "end") {
    if (current != nullptr) out.change = resource::Change::erase;
    return out;
  }
  if (told->what == "notif_uri_moved") {  // A sink that answered 308.
    if (current == nullptr) return out;
    kept.to = told->body;
  } else if (told->what == "report") {
    auto report = json::read<state::RecipientReport>(told->body);
    if (!report) return fail(std::move(report.error()));
    if (kept.to.empty() || kept.sequence == 0) kept.to = report->to;
    report->notification.sequence = ++kept.sequence;
    out.effects.emplace_back(
        resource::Notify{kept.to, kept.sequence, json::write(report->notification), "26.942 M8"});
  } else {
    return out;
  }
  out.change = resource::Change::put;
  out.state = json::write(kept);
  return out;
}

}  // namespace lobo::media_energy
