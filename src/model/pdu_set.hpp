#pragma once
// What a sender says of a PDU and its PDU Set, however it is carried: RTP header extension
// (TS 26.522 clause 4.2), UDP option (draft-jiang-tsvwg-5gxrm-metadata) or GTP-U extension header
// (TS 38.415 clause 6.5).

#include <cstdint>
#include <optional>

namespace lobo {

/// An unsigned number of `bits` bits that wraps. No '<': sequence numbers wrap.
template <class Tag, unsigned bits>
class SequenceNumber {
 public:
  static constexpr std::uint32_t count_of_values = 1U << bits;

  constexpr SequenceNumber() = default;
  static constexpr std::optional<SequenceNumber> from(std::uint32_t value) {
    return value < count_of_values ? std::optional(SequenceNumber(value)) : std::nullopt;
  }
  /// The low bits of `value`; how a counter that is wider becomes the number on the wire.
  static constexpr SequenceNumber wrapped(std::uint64_t value) {
    return SequenceNumber(static_cast<std::uint32_t>(value & (count_of_values - 1)));
  }
  constexpr SequenceNumber next() const { return wrapped(std::uint64_t{value_} + 1); }
  /// How many steps of next() lead from `from` to this: 0 … count_of_values - 1.
  constexpr std::uint32_t distance_from(SequenceNumber from) const {
    return (value_ - from.value_) & (count_of_values - 1);
  }
  constexpr std::uint16_t value() const { return value_; }
  constexpr bool operator==(const SequenceNumber&) const = default;

 private:
  constexpr explicit SequenceNumber(std::uint32_t value)
      : value_(static_cast<std::uint16_t>(value)) {}
  std::uint16_t value_ = 0;
};

/// PDU Set Sequence Number, 10 bits: one more for each PDU Set.
using Pssn = SequenceNumber<struct PssnTag, 10>;
/// PDU Sequence Number within a PDU Set, 6 bits: 0 is the first; wraps in sets of over 64 PDUs.
using Psn = SequenceNumber<struct PsnTag, 6>;

/// PDU Set Importance, 4 bits: 1 is most important, 15 least, 0 is what the sender cannot say.
class Psi {
 public:
  constexpr Psi() = default;
  static constexpr std::optional<Psi> from(std::uint32_t value) {
    return value <= 15 ? std::optional(Psi(value)) : std::nullopt;
  }
  static constexpr Psi low_bits_of(std::uint32_t value) { return Psi(value & 15U); }
  constexpr std::uint8_t value() const { return value_; }
  constexpr bool known() const { return value_ != 0; }
  constexpr bool operator==(const Psi&) const = default;

 private:
  constexpr explicit Psi(std::uint32_t value) : value_(static_cast<std::uint8_t>(value)) {}
  std::uint8_t value_ = 0;
};

inline constexpr std::uint32_t pdu_set_size_max = 0xFFFFFF;  ///< PSSize and BSize have 24 bits

/// The marking of one PDU. An optional member is one that the carriage may leave out; its "unknown"
/// value on the wire (PSSize 0, NPDS 0, BSize 0, TTNB 0xFFFF) is kept as it came, so that what was
/// decoded is encoded to the same bytes.
struct PduSetMark {
  bool end_of_pdu_set = false;     ///< E: the last PDU of its PDU Set
  bool end_of_data_burst = false;  ///< D: the last PDU of its data burst
  Psi psi;
  Pssn pssn;
  Psn psn;
  /// PSSize: bytes of the whole PDU Set, IP, UDP and RTP headers and UDP options included.
  std::optional<std::uint32_t> pdu_set_size;
  /// NPDS: number of PDUs in the PDU Set. Never conveyed to the gNB.
  std::optional<std::uint16_t> pdus_in_set;
  /// BSize: bytes of the data burst, 24 bits; in the first PDUs of the burst.
  std::optional<std::uint32_t> burst_size;
  /// TTNB: from the end of this data burst to the beginning of the next, in units that
  /// configuration tells (0.1 ms by default: the text of the unit was not found); on the last PDU.
  std::optional<std::uint16_t> time_to_next_burst;
  /// Where a PDU Set has over 64 PDUs: its PSN in full (extension TLV 1 of the UDP option).
  std::optional<std::uint16_t> psn16;
  bool operator==(const PduSetMark&) const = default;
};

}  // namespace lobo
