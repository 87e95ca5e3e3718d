#pragma once
// One unicast subscription: a promise of the network to one UE (TS 23.434 clause 14.3.3.3).
//
//   resolving -> reserving -> allocating -> confirmed <-> degraded
//                                             |   \          /
//   (a create that fails at any stage         |    rebinding   the UE has another address
//    is answered, and what it left            |        |
//    behind is released)                      |    terminated  the core gave it up, or the UE is
//    gone
//                                             v        v
//                                            releasing -> (erased)
//
// resolving   waiting for ue_watch to tell where the UE is
// reserving   AsSessionWithQoS create under way
// allocating  the core has accepted; its allocation event is awaited
// rebinding   the same for a new address; what is held at the old one is released afterwards
// terminated  nothing is held; taken up again when the UE appears at another address
// releasing   goes on by itself until the core holds nothing of it
//
// A modification is not a stage: the resource stays what it is until the core has agreed.

#include <string_view>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "services/seal_nrm/ports.hpp"
#include "wire/resource/machine.hpp"
#include "wire/resource/record.hpp"

namespace lobo::seal_nrm {

class UnicastMachine final : public resource::Machine {
 public:
  /// Both outlive the machine.
  UnicastMachine(const Settings& settings, const UeDirectory& directory)
      : settings_(settings), directory_(directory) {}

  std::string_view kind() const override { return "unicast"; }
  Result<resource::Outcome> step(const resource::Record* current, const resource::Key& key,
                                 const resource::Event& event, Instant now,
                                 const resource::Lookup& lookup) const override;

 private:
  const Settings& settings_;
  const UeDirectory& directory_;
};

}  // namespace lobo::seal_nrm
