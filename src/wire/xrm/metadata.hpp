#pragma once
// The metadata themselves: Len_EM EM, Len_EO EO, Len_EN EN (draft-jiang-tsvwg-5gxrm-metadata,
// figure "UDP Options for XRM PDU-Set information"). The clear option is these octets; the
// protected one holds them encrypted, with zeros up to a multiple of 16. One codec for both.
//
//   EM   E(1) R(2) D(1) PSI(4) PSSN(10) PSN(6)                    always 3 octets
//   EO   [PSSize(24)] [NPDS(16)]                                  0, 2, 3 or 5 octets
//   EN   [BSize(24)] [TTNB(16)] [TLVs: type(8) length(8) value]   0, 2, 3, 5, or 7 and more
//
// Each Len_x counts what follows it and not itself. docs/xrm.md says where the draft is open and
// how it is read here.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <tl/expected.hpp>

#include "base/bytes.hpp"
#include "model/pdu_set.hpp"
#include "wire/xrm/unmarked.hpp"

namespace lobo::xrm {

/// Without TLVs the three groups take at most one AES block; with PSN16, 4 octets more.
inline constexpr std::size_t block_bytes = 16;
inline constexpr std::size_t body_bytes_max = 20;

/// TTNB that says nothing. BSize, PSSize and NPDS say nothing when they are 0.
inline constexpr std::uint16_t ttnb_unknown = 0xFFFF;

/// lenient: also what a sender wrote who read the draft otherwise; each is told by a Warning.
enum class Leniency : std::uint8_t { strict, lenient };
/// What may stand behind the last group.
enum class Padding : std::uint8_t { none, zeros };

struct Metadata {
  PduSetMark mark;
  Warnings warnings;
  bool operator==(const Metadata&) const = default;
};

/// Writes the three groups and returns how many octets they take. A size over 24 bits is written as
/// 0 (unknown). A PSN16 needs EN in full: a BSize and TTNB that are absent are then written as
/// unknown, and read as such.
std::size_t write_body(std::span<std::byte, body_bytes_max> out, const PduSetMark& mark);
/// The same; what does not fit leaves the writer not ok().
void write_body(ByteWriter& out, const PduSetMark& mark);

tl::expected<Metadata, Unmarked> read_body(Bytes in, Padding padding, Leniency leniency);
/// The same into values that nothing was read into yet: a packet path copies no mark. Nothing: it
/// is read.
std::optional<Unmarked> read_body(Bytes in, Padding padding, Leniency leniency, PduSetMark& mark,
                                  Warnings& warnings);

}  // namespace lobo::xrm
