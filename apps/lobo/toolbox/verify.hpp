#pragma once
// `lobo pcap verify`: what a UPF should have told the gNB of each packet of N6, against what it
// did.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "adapters/capture/source.hpp"
#include "base/result.hpp"
#include "toolbox/mark_reader.hpp"

namespace lobo::app {

/// What became of a packet between N6 and N3: a closed list.
enum class Conveyance : std::uint8_t {
  conveyed,            ///< marked on N6, and the containers say the same
  unmarked,            ///< no mark on N6, none on N3
  size_left_out,       ///< conveyed but for PSSize, which a UPF may leave out
  burst_left_out,      ///< conveyed but for BSize or TTNB, likewise
  lost,                ///< on N6, and never on N3
  not_on_n6,           ///< on N3, and never on N6
  container_missing,   ///< marked on N6, no PDU Set Information on N3
  container_uncalled,  ///< PDU Set Information for a packet without a mark
  fields_differ,       ///< E, D, PSI, PSSN or PSN
  burst_differs,       ///< BSize or TTNB
  size_wrong,          ///< PSSize is not what the PDUs of the set add up to on N3
  qfi_differs,         ///< the two containers name different QoS flows
  malformed,           ///< a G-PDU or a container that contradicts itself
};
inline constexpr std::size_t conveyances = 13;
std::string_view to_string(Conveyance conveyance);
constexpr bool is_wrong(Conveyance conveyance) { return conveyance > Conveyance::burst_left_out; }

struct Verified {
  std::array<std::uint64_t, conveyances> counts{};
  std::uint64_t n6_packets = 0;
  std::uint64_t n3_packets = 0;
  std::uint64_t of(Conveyance conveyance) const {
    return counts[static_cast<std::size_t>(conveyance)];
  }
  bool all_is_well(bool loss_allowed) const;
};

/// Packets of N6 that may be ahead of N3 at a time; an older one counts as lost.
inline constexpr std::size_t packets_ahead_max = 65536;

/// Reads both in step, in constant memory. Datagrams are recognised by addresses, ports and user
/// data.
Result<Verified> verify(adapters::CaptureSource& n6, adapters::CaptureSource& n3,
                        const ReadSettings& settings);

}  // namespace lobo::app
