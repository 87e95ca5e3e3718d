#pragma once
// Whose PDU Sets are counted together: those of one flow, or of one RTP stream of it. A video and
// its audio may share their ports, and each counts its own sets.

#include <cstddef>
#include <cstdint>

#include "wire/packet/flow.hpp"

namespace lobo::app {

struct StreamKey {
  packet::FlowKey flow;
  std::uint32_t ssrc = 0;  ///< 0 where it is no RTP
  bool operator==(const StreamKey&) const = default;
};

struct StreamHash {
  std::size_t operator()(const StreamKey& key) const {
    return packet::flow_hash(key.flow, key.ssrc);
  }
};

}  // namespace lobo::app
