#pragma once
// Writing UDP options, and putting them into a packet or taking them out in place. OCS, IP length
// and IPv4 header checksum are right afterwards; the UDP header, its checksum included, and the
// user data are not touched (RFC 9868 clause 9: the surplus area is outside the UDP checksum).

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <tl/expected.hpp>

#include "base/bytes.hpp"
#include "wire/packet/parse.hpp"
#include "wire/udp_options/kinds.hpp"
#include "wire/udp_options/surplus.hpp"

namespace lobo::udp_options {

/// The largest value that fits an option: Extended Length 0xFFFF without its four header octets.
inline constexpr std::size_t option_value_bytes_max = 0xFFFF - 4;

/// Kind, Length (extended only where it must be) and value. A value that is too long leaves the
/// writer not ok().
void write_option(ByteWriter& out, std::uint8_t kind, Bytes value);
void write_experiment(ByteWriter& out, std::uint16_t ex_id, Bytes value);
void write_apc(ByteWriter& out, Bytes user_data);
void write_mds(ByteWriter& out, std::uint16_t size);
void write_mrds(ByteWriter& out, const Mrds& mrds);
void write_req(ByteWriter& out, std::uint32_t token);
void write_res(ByteWriter& out, std::uint32_t token);
void write_time(ByteWriter& out, const Time& time);
void write_auth(ByteWriter& out, const Auth& auth);
void write_nop(ByteWriter& out);
void write_eol(ByteWriter& out);

/// Why a packet was left as it was.
enum class Unedited : std::uint8_t {
  not_a_whole_datagram,  ///< see packet::Unread
  jumbogram,             ///< has no surplus area
  no_room,               ///< the buffer is too short
  too_long,              ///< the IP length, or the area's own length, cannot tell it
  options_not_accepted,  ///< the present surplus area does not hold: nothing is added to it
  a_fragment,            ///< the surplus area holds data of a UDP fragment
  no_such_option,
};
constexpr std::string_view to_string(Unedited reason) {
  switch (reason) {
    case Unedited::not_a_whole_datagram: return "not_a_whole_datagram";
    case Unedited::jumbogram: return "jumbogram";
    case Unedited::no_room: return "no_room";
    case Unedited::too_long: return "too_long";
    case Unedited::options_not_accepted: return "options_not_accepted";
    case Unedited::a_fragment: return "a_fragment";
    case Unedited::no_such_option: return "no_such_option";
  }
  std::abort();
}
/// The new length of the frame. Padding of the link behind the packet is gone.
using Edited = tl::expected<std::size_t, Unedited>;

/// Bytes that insert() adds to a packet without a surplus area.
constexpr std::size_t surplus_bytes_for(std::size_t options_bytes, bool odd_udp_length) {
  return (odd_udp_length ? 3U : 2U) + options_bytes;
}

/// Puts `options` (whole options, as written above) behind those that the packet has, in front of
/// their EOL; makes the surplus area where there is none. `buffer` begins with the frame of `view`
/// and is at least as long.
Edited insert(MutableBytes buffer, const packet::PacketView& view, Bytes options) noexcept;

/// The same with nothing kept: what stood in the surplus area is replaced. A UDP fragment is left.
Edited replace_all(MutableBytes buffer, const packet::PacketView& view, Bytes options) noexcept;

/// Takes one option of surplus.options() out; with the last one goes the whole surplus area.
Edited remove(MutableBytes buffer, const packet::PacketView& view, const Surplus& surplus,
              const Option& option) noexcept;

/// Takes the whole surplus area away, whatever is in it. A UDP fragment is left: its surplus area
/// is the user data.
Edited strip(MutableBytes buffer, const packet::PacketView& view) noexcept;

}  // namespace lobo::udp_options
