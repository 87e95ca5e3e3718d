#pragma once
// Last stage: the user's packet gets the headers that lead it on, written into the headroom; the
// packet itself does not move. Into a tunnel on N3, with what the UPF knows of it for the RAN; or
// out of its tunnel onto N6.
//
// The packet is otherwise untouched, hop limit included: a UPF is no hop of the user's. The outer
// ECN field is Not-ECT (the compatibility mode of RFC 6040 clause 4.3), so that what happens to it
// on N3 need not be carried back. The outer IPv4 header forbids fragmentation; a frame that is too
// long for the port is the port's to count.

#include <cstdint>
#include <optional>

#include "dataplane/elapsed.hpp"
#include "dataplane/rules/treatment.hpp"
#include "dataplane/stages/monitor.hpp"
#include "dataplane/stages/neighbours.hpp"
#include "dataplane/stages/outer_headers.hpp"
#include "dataplane/stages/passage.hpp"
#include "dataplane/stages/path_counters.hpp"
#include "dataplane/stages/path_drop.hpp"
#include "dataplane/stages/wanted_addresses.hpp"

namespace lobo::dataplane {

class Emitter {
 public:
  Emitter(const PathSettings& settings, Monitor& monitor, WantedAddresses& wanted,
          PathCounters& counters);

  /// A batch begins: addresses and next hops may be other ones than before.
  void begin() noexcept { headers_ = OuterHeaders(); }
  /// Where the packet goes now; nowhere where it was dropped.
  Treatment::To emit(Passage& passage, const Turn& turn) noexcept;
  /// The next hop whose address the packet that was emitted last has to wait for, or null.
  const HopAddress* waits_for() const { return waits_for_; }

 private:
  // Used once each and in one file: inline, as calls are a tenth of what a packet costs.
  [[gnu::always_inline]] inline PathDrop encapsulate(Passage& passage, const Turn& turn) noexcept;
  PathDrop hand_over(Passage& passage, const Turn& turn) noexcept;
  [[gnu::always_inline]] inline void strip_options(Passage& passage) noexcept;
  void strip_one_of_many(Passage& passage) noexcept;
  template <class Header>
  [[gnu::always_inline]] inline bool put_in_front(Passage& passage, const Header& header) noexcept;
  PathDrop find_way(const HopAddress& peer, const Turn& turn) noexcept;
  struct NextHop {
    std::uint64_t mac = 0;
    HopAddress waited_for;  ///< version 0: it is known
  };
  std::optional<NextHop> next_hop(const Side& side, PathSide name, const HopAddress& to,
                                  Elapsed now) noexcept;

  const PathSettings& settings_;
  Monitor& monitor_;
  WantedAddresses& wanted_;
  PathCounters& counters_;
  OuterHeaders headers_;  ///< of the last peer: most packets of a batch go to one gNB
  NextHop headers_hop_;   ///< theirs
  NextHop hop_;           ///< of the last packet to N6
  const HopAddress* waits_for_ = nullptr;
};

}  // namespace lobo::dataplane
