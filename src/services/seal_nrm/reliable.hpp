#pragma once
// A reliable transmission (TS 23.434 clause 14.3.10.2, T65 and T66): kind "reliable". A UE is
// guided to send two kinds of traffic over two PDU sessions that share no way; whoever sends the
// same in both has a second copy when one of them fails. Holds one subscription of ServiceParameter
// at the NEF, by the rules of held.hpp.
//
//   guiding -> active -> revoked       the core has withdrawn its consent
//       |         |         |
//       v         v         v
//        releasing  -> (erased)
//
// Confirmed is the NEF's 2xx: it has taken the guidance. Whether the UE has it is told later, and
// shown apart (`delivery`).

#include <string>
#include <string_view>

#include "api/nra_reliable.hpp"
#include "api/state/nrm_reliable.hpp"
#include "services/seal_nrm/ports.hpp"
#include "wire/resource/machine.hpp"

namespace lobo::seal_nrm {

inline constexpr std::string_view reliable_kind = "reliable";

class ReliableMachine final : public resource::Machine {
 public:
  /// Both outlive the machine.
  ReliableMachine(const Settings& settings, const UeDirectory& directory)
      : settings_(settings), directory_(directory) {}

  std::string_view kind() const override { return reliable_kind; }
  Result<resource::Outcome> step(const resource::Record* current, const resource::Key& key,
                                 const resource::Event& event, Instant now,
                                 const resource::Lookup& lookup) const override;

 private:
  const Settings& settings_;
  const UeDirectory& directory_;
};

std::string reliable_uri(const Settings& settings, std::string_view id);
/// What it looks like from outside.
api::nra_reliable::ReliableTransmission represent_reliable(
    const api::state::nrm_reliable::StoredReliable& state, const Settings& settings);

}  // namespace lobo::seal_nrm
