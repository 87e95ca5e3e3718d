#pragma once
// The surplus area behind the user data (RFC 9868 clauses 7 to 10): its checksum, and one walk over
// its options that ends in a verdict of a closed list. Whatever the verdict, the user data is what
// it is: nothing here is a reason to drop it.

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <span>
#include <string_view>

#include "base/bytes.hpp"
#include "wire/packet/parse.hpp"
#include "wire/udp_options/kinds.hpp"

namespace lobo::udp_options {

/// More options than this in one datagram are taken for an attack; NOPs do not count.
inline constexpr std::size_t options_max = 24;
/// More NOPs in a row are worth a word in a log (RFC 9868 clause 11.2).
inline constexpr std::size_t nop_run_expected_max = 7;

enum class Verdict : std::uint8_t {
  accepted,                 ///< the options hold
  no_surplus,               ///< nothing behind the user data
  unreadable_datagram,      ///< where the datagram ends is not known: see packet::Unread
  too_short,                ///< no room for the checksum
  pad_not_zero,             ///< the byte before the checksum, at odd UDP Lengths
  checksum_wrong,           ///< OCS is there and does not hold
  checksum_missing,         ///< OCS is zero though the UDP checksum is not
  option_cut,               ///< an option that leads beyond the area
  option_length,            ///< a Length below 2, or an Extended Length below 255
  option_too_short,         ///< a known kind with less than it is made of
  too_many_options,         ///< more than options_max
  unsafe_option,            ///< an UNSAFE kind within a fragment; none of them is supported
  unsafe_outside_fragment,  ///< an UNSAFE kind where there is user data to be changed
  fragment_with_user_data,  ///< FRAG beside user data: all options are ignored
  fragment_bounds,          ///< Frag. Start lies outside the area
};
inline constexpr std::size_t verdicts = 15;

constexpr std::string_view to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::accepted: return "accepted";
    case Verdict::no_surplus: return "no_surplus";
    case Verdict::unreadable_datagram: return "unreadable_datagram";
    case Verdict::too_short: return "too_short";
    case Verdict::pad_not_zero: return "pad_not_zero";
    case Verdict::checksum_wrong: return "checksum_wrong";
    case Verdict::checksum_missing: return "checksum_missing";
    case Verdict::option_cut: return "option_cut";
    case Verdict::option_length: return "option_length";
    case Verdict::option_too_short: return "option_too_short";
    case Verdict::too_many_options: return "too_many_options";
    case Verdict::unsafe_option: return "unsafe_option";
    case Verdict::unsafe_outside_fragment: return "unsafe_outside_fragment";
    case Verdict::fragment_with_user_data: return "fragment_with_user_data";
    case Verdict::fragment_bounds: return "fragment_bounds";
  }
  std::abort();
}

/// One option; positions count from the start of the surplus area. Without default values, so that
/// a list of them costs nothing before it is filled.
struct Option {
  std::uint16_t at;      ///< of its Kind
  std::uint16_t length;  ///< all of it
  std::uint8_t kind;
  std::uint8_t header_length;  ///< 2, or 4 where the length is extended
  bool operator==(const Option&) const = default;
};

/// What is allowed but worth counting.
struct Remarks {
  std::uint16_t nop_run_longest = 0;
  std::uint8_t repeated = 0;           ///< later ones of a kind that stands once: ignored
  std::uint8_t unknown_safe = 0;       ///< kinds without a reader here; they are kept in the list
  std::uint8_t unexpected_length = 0;  ///< known kinds that are longer than we know: passed over
  bool must_support_late = false;      ///< one of kinds 2 to 7 behind another kind
  bool trailing_not_zero = false;      ///< EOL was not followed by zeros alone
  bool checksum_unused = false;        ///< neither UDP checksum nor OCS
  bool operator==(const Remarks&) const = default;
};

struct Surplus {
  Bytes area;
  Verdict verdict = Verdict::no_surplus;
  std::uint8_t count = 0;
  bool odd = false;            ///< UDP Length is odd: a pad byte stands before OCS
  std::uint16_t checksum = 0;  ///< OCS as it came
  /// End of the options: Frag. Start in a fragment, else the EOL or the end of the area.
  std::uint16_t options_end = 0;
  Remarks remarks;
  /// Empty unless accepted. NOP, EOL and what was passed over are not in it.
  std::array<Option, options_max> list;

  bool accepted() const { return verdict == Verdict::accepted; }
  std::span<const Option> options() const { return std::span(list).first(count); }
  Bytes value(const Option& option) const {
    return area.subspan(std::size_t{option.at} + option.header_length,
                        std::size_t{option.length} - option.header_length);
  }
  const Option* find(std::uint8_t kind) const;
  /// The EXP option with this ExID.
  const Option* find_experiment(std::uint16_t ex_id) const;
  std::optional<Frag> frag() const;
  /// Data of a UDP fragment: from Frag. Start to the end. Empty without FRAG.
  Bytes fragment_data() const;
};

/// OCS for an area whose checksum field may hold anything; never 0. The area has room for it.
std::uint16_t option_checksum(Bytes area, bool odd) noexcept;
/// Whether OCS as it stands holds (RFC 9868 clause 9).
bool option_checksum_holds(Bytes area, bool odd) noexcept;

struct SurplusOf {
  bool odd = false;  ///< UDP Length, or RDOS, is odd
  std::uint16_t udp_checksum = 0;
  bool user_data_empty = false;  ///< UDP Length 8: a fragment may be here
};
/// Cost: one pass of the checksum, one of the options. Target: 25 ns for 24 and 46 bytes.
Surplus read_surplus(Bytes area, const SurplusOf& of) noexcept;
Surplus read_surplus(const packet::PacketView& view) noexcept;

enum class Apc : std::uint8_t { good, bad, absent };
/// Compares the APC option with the user data; costs a pass over it. An APC of a length that we do
/// not know counts as bad (RFC 9868 clause 11.3).
Apc verify_apc(const Surplus& surplus, Bytes user_data) noexcept;

}  // namespace lobo::udp_options
