#pragma once
// What a network function was seen to do, learned once and kept: kind "core_peer", id the peer's
// name.

#include <string_view>

#include "wire/resource/machine.hpp"

namespace lobo::seal_nrm {

class CorePeerMachine final : public resource::Machine {
 public:
  std::string_view kind() const override { return "core_peer"; }
  Result<resource::Outcome> step(const resource::Record* current, const resource::Key& key,
                                 const resource::Event& event, Instant now,
                                 const resource::Lookup& lookup) const override;
};

}  // namespace lobo::seal_nrm
