#pragma once
// Third stage, downlink: finds and opens the marking of a packet, where the rule's protocol
// description says that there is one. Whatever is wrong with it, the packet goes on unmarked and
// the reason is counted: user data is never dropped for its marking.

#include <array>
#include <span>
#include <vector>

#include "dataplane/stages/passage.hpp"
#include "dataplane/stages/path_counters.hpp"
#include "wire/packet_io/batch.hpp"
#include "wire/xrm/receiver.hpp"
#include "wire/xrm/unmarked.hpp"

namespace lobo::dataplane {

class Opener {
 public:
  Opener(const PathSettings& settings, xrm::Receiver& receiver, PathCounters& counters);

  /// Options of a batch are opened together: one call of the Aead for neighbours with one key.
  void open(std::span<Passage> passages) noexcept;

 private:
  void ask(Passage& passage) noexcept;
  void take_answers() noexcept;
  void unmarked(Passage& passage, xrm::Unmarked reason) noexcept;

  const PathSettings& settings_;
  xrm::Receiver& receiver_;
  PathCounters& counters_;
  std::vector<xrm::ReadRequest> requests_;  ///< reserved once
  std::array<Passage*, packet_io::batch_packets_max> asked_{};
};

}  // namespace lobo::dataplane
