#pragma once
// Third stage, downlink: finds and opens the marking of a packet, where the rule's protocol
// description says that there is one. Whatever is wrong with it, the packet goes on unmarked and
// the reason is counted: user data is never dropped for its marking.

#include <array>
#include <cstddef>
#include <span>

#include "base/bytes.hpp"
#include "dataplane/stages/passage.hpp"
#include "dataplane/stages/path_counters.hpp"
#include "wire/packet/parse.hpp"
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
  Bytes sole_body(const packet::PacketView& view) const noexcept;
  void request(Passage& passage, Bytes body) noexcept;
  void take_answers() noexcept;
  void unmarked(Passage& passage, xrm::Unmarked reason) noexcept;

  const PathSettings& settings_;
  xrm::Receiver& receiver_;
  PathCounters& counters_;
  std::array<xrm::MarkRequest, packet_io::batch_packets_max> requests_;
  std::array<Passage*, packet_io::batch_packets_max> asked_{};
  std::size_t count_ = 0;  ///< of requests_
};

}  // namespace lobo::dataplane
