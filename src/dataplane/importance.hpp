#pragma once
// How important a PDU Set is: what its NAL units say, as a PSI (1 is most important, 15 least, 0 is
// what nobody can say). TS 26.522 leaves the mapping to the sender; this is ours, and each number
// of it can be set.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "model/pdu_set.hpp"
#include "wire/rtp/nal_unit.hpp"

namespace lobo::dataplane {

inline constexpr std::size_t temporal_layers_max = 8;  ///< three bits, in either codec

struct ImportanceRule {
  Psi intra = Psi::low_bits_of(1);  ///< IDR, IRAP and I pictures, and parameter sets
  Psi predicted = Psi::low_bits_of(2);
  Psi reference_bipredicted = Psi::low_bits_of(4);
  Psi non_reference = Psi::low_bits_of(8);  ///< no other picture needs it
  /// A picture of a temporal layer is at most as important as this.
  std::array<Psi, temporal_layers_max> temporal_layer{
      Psi::low_bits_of(1), Psi::low_bits_of(4), Psi::low_bits_of(6), Psi::low_bits_of(7),
      Psi::low_bits_of(7), Psi::low_bits_of(7), Psi::low_bits_of(7), Psi::low_bits_of(7)};
  bool operator==(const ImportanceRule&) const = default;
};

/// Gathers what the NAL units of one PDU Set say.
class SetImportance {
 public:
  void add(const rtp::NalDescription& unit);
  Psi psi(const ImportanceRule& rule) const;

 private:
  bool parameter_set_ = false;
  bool random_access_ = false;
  bool intra_ = false;
  bool predicted_ = false;
  bool bipredicted_ = false;
  bool slices_ = false;
  bool reference_ = false;
  std::uint8_t temporal_id_ = 0;
};

/// What to do with the packets of one RTP payload type.
struct PayloadRule {
  enum class Treatment : std::uint8_t {
    unmarked,  ///< left as it is
    h264,      ///< PDU Sets from the NAL units of RFC 6184
    h265,      ///< PDU Sets from the NAL units of RFC 7798
    lone,      ///< each packet is a PDU Set of its own: audio, haptics, poses
  };
  std::uint8_t payload_type = 0;
  Treatment treatment = Treatment::unmarked;
  Psi psi;  ///< of `lone`
  bool operator==(const PayloadRule&) const = default;
};

inline constexpr std::size_t payload_rules_max = 128;  ///< there are no more payload types

/// The first rule for `payload_type`; where there is none, a rule that leaves it unmarked.
PayloadRule rule_for(std::uint8_t payload_type, std::span<const PayloadRule> rules);

}  // namespace lobo::dataplane
