#include "services/seal_nrm/core_peer.hpp"

#include <variant>

#include "api/state/seal_nrm.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "wire/json/json.hpp"
#include "wire/resource/machine.hpp"
#include "wire/resource/record.hpp"

namespace lobo::seal_nrm {

using api::state::seal_nrm::PeerState;

Result<resource::Outcome> CorePeerMachine::step(const resource::Record* current,
                                                const resource::Key&, const resource::Event& event,
                                                Instant, const resource::Lookup&) const {
  const auto* told = std::get_if<resource::Told>(&event);
  if (told == nullptr) return resource::Outcome{};
  PeerState state;
  if (current != nullptr)
    if (auto known = json::read<PeerState>(current->state)) state = *known;
  const auto before = state;
  if (told->what == "allocation_event") state.allocation_events = true;
  if (told->what == "no_get") state.no_get = true;
  if (state == before) return resource::Outcome{};
  return resource::Outcome{.change = resource::Change::put, .state = json::write(state)};
}

}  // namespace lobo::seal_nrm
