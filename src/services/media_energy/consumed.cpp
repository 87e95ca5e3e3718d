#include "services/media_energy/consumed.hpp"

#include <string>
#include <string_view>
#include <variant>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "wire/resource/machine.hpp"
#include "wire/resource/record.hpp"

namespace lobo::media_energy {

std::string consumed_id(std::string_view session, std::string_view policy) {
  return std::string(session) + '/' + std::string(policy);
}

Result<resource::Outcome> ConsumedMachine::step(const resource::Record* current,
                                                const resource::Key& /*key*/,
                                                const resource::Event& event, Instant /*now*/,
                                                const resource::Lookup& /*lookup*/) const {
  resource::Outcome out;
  const auto* told = std::get_if<resource::Told>(&event);
  if (told == nullptr) return out;
  if (told->what == "end" && current != nullptr) out.change = resource::Change::erase;
  if (told->what != "consumed") return out;
  out.change = resource::Change::put;
  out.state = told->body;
  out.subject = every_consumed;
  return out;
}

}  // namespace lobo::media_energy
