#pragma once
// Why a packet counts as unmarked, and what a reader overlooked in one that is marked. Neither
// touches the user data: a packet is delivered as it was, whatever became of its metadata.

#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace lobo::xrm {

/// The closed list of reasons. Each packet without a marking has exactly one.
enum class Unmarked : std::uint8_t {
  no_option,           ///< no surplus area, or no XRM option in it
  options_refused,     ///< the surplus area as a whole may not be read (OCS, malformed option)
  truncated,           ///< the option ends inside a field or before a length that must be there
  length_invalid,      ///< a Len_EM, Len_EO, Len_EN or TLV length that has no meaning
  trailing_octets,     ///< something stands behind the last group
  clear_not_accepted,  ///< a clear option where only protected ones are believed
  version_unknown,     ///< a protected option of a version that is not ours
  key_unknown,         ///< no context with this KeyID
  short_tag_refused,   ///< an 8-octet tag in a context that does not allow it
  sid_refused,         ///< the context does not allow this SID
  replayed,            ///< this CTR of this SID was taken already
  too_old,             ///< this CTR lies behind the replay window
  not_authentic,       ///< the tag is wrong: forged, damaged, transplanted or of another key
  senders_exhausted,   ///< authentic, but one SID more than replay windows are kept for
};
inline constexpr std::size_t unmarked_reasons = 14;

constexpr std::string_view to_string(Unmarked reason) {
  switch (reason) {
    case Unmarked::no_option: return "no_option";
    case Unmarked::options_refused: return "options_refused";
    case Unmarked::truncated: return "truncated";
    case Unmarked::length_invalid: return "length_invalid";
    case Unmarked::trailing_octets: return "trailing_octets";
    case Unmarked::clear_not_accepted: return "clear_not_accepted";
    case Unmarked::version_unknown: return "version_unknown";
    case Unmarked::key_unknown: return "key_unknown";
    case Unmarked::short_tag_refused: return "short_tag_refused";
    case Unmarked::sid_refused: return "sid_refused";
    case Unmarked::replayed: return "replayed";
    case Unmarked::too_old: return "too_old";
    case Unmarked::not_authentic: return "not_authentic";
    case Unmarked::senders_exhausted: return "senders_exhausted";
  }
  std::abort();
}

/// What a lenient reader took for meant, or overlooked. The first three name the reading of the
/// draft that the sender must have had.
enum class Warning : std::uint8_t {
  lengths_count_themselves,       ///< Len_EM = 4: each Len_x counts its own octet
  len_em_counts_kind_and_length,  ///< Len_EM = 6: as above, and Len_EM counts Kind and Total-len
  trailing_groups_omitted,        ///< no Len_EN, or neither Len_EO nor Len_EN
  reserved_bits_set,              ///< R of EM or the low bits of the flags are not 0
  extension_unknown,              ///< a TLV of a type that is not ours was skipped
  extension_repeated,             ///< a TLV came twice; the first counts
};
inline constexpr std::size_t warning_kinds = 6;

constexpr std::string_view to_string(Warning warning) {
  switch (warning) {
    case Warning::lengths_count_themselves: return "lengths_count_themselves";
    case Warning::len_em_counts_kind_and_length: return "len_em_counts_kind_and_length";
    case Warning::trailing_groups_omitted: return "trailing_groups_omitted";
    case Warning::reserved_bits_set: return "reserved_bits_set";
    case Warning::extension_unknown: return "extension_unknown";
    case Warning::extension_repeated: return "extension_repeated";
  }
  std::abort();
}

/// A set of warnings.
class Warnings {
 public:
  constexpr void add(Warning warning) { bits_ = static_cast<std::uint8_t>(bits_ | bit(warning)); }
  constexpr bool has(Warning warning) const { return (bits_ & bit(warning)) != 0; }
  constexpr bool none() const { return bits_ == 0; }
  constexpr bool operator==(const Warnings&) const = default;

 private:
  static constexpr unsigned bit(Warning warning) { return 1U << static_cast<unsigned>(warning); }
  std::uint8_t bits_ = 0;
};

}  // namespace lobo::xrm
