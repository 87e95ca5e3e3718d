#include "wire/udp_options/edit.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.hpp"
#include "wire/packet/checksum.hpp"
#include "wire/packet/edit.hpp"
#include "wire/packet/parse.hpp"
#include "wire/udp_options/kinds.hpp"
#include "wire/udp_options/surplus.hpp"

namespace lobo::udp_options {
namespace {

constexpr std::size_t option_length_plain_max = 254;

void write_header(ByteWriter& out, std::uint8_t kind, std::size_t value_bytes) {
  out.u8(kind);
  if (value_bytes + 2 <= option_length_plain_max) {
    out.u8(static_cast<std::uint8_t>(value_bytes + 2));
    return;
  }
  out.u8(255);
  out.be16(static_cast<std::uint16_t>(value_bytes + 4));
}

// Leaves the writer not ok() without a byte written.
void refuse(ByteWriter& out) { out.zeros(out.left() + 1); }

bool fits(ByteWriter& out, std::size_t value_bytes) {
  const std::size_t header = value_bytes + 2 <= option_length_plain_max ? 2 : 4;
  if (value_bytes <= option_value_bytes_max && header + value_bytes <= out.left()) return true;
  refuse(out);
  return false;
}

std::size_t pad_bytes(const packet::PacketView& view) {
  return (view.user_end - view.transport_at) % 2;
}

std::optional<Unedited> refusal(const packet::PacketView& view) {
  if (!view.whole_udp()) return Unedited::not_a_whole_datagram;
  if (view.jumbo) return Unedited::jumbogram;
  return std::nullopt;
}

// The surplus area from user_end to `end` is as it shall be, but for OCS and the lengths outside.
Edited finish(MutableBytes buffer, const packet::PacketView& view, std::size_t end) {
  if (!packet::set_transport_length(buffer, view, end - view.transport_at))
    return tl::unexpected(Unedited::too_long);
  if (end == view.user_end) return end;
  const MutableBytes area = buffer.subspan(view.user_end, end - view.user_end);
  const std::size_t pad = pad_bytes(view);
  if (pad != 0) area[0] = std::byte{};
  put_be16_at(area, pad, option_checksum(area, pad != 0));
  return end;
}

// A fragment's data is the user's. Where the options do not hold and there is no other data, nobody
// knows that it is not one.
bool may_hold_user_data(const packet::PacketView& view) {
  if (view.surplus().empty()) return false;
  const Surplus surplus = read_surplus(view);
  return surplus.accepted() ? surplus.find(kind_frag) != nullptr : view.user_data().empty();
}

// Writes `options` at `at`, and what is needed in front of it.
Edited put(MutableBytes buffer, const packet::PacketView& view, std::size_t at, Bytes options) {
  const std::size_t end = at + options.size();
  if (end - view.transport_at > packet::transport_bytes_max(view))
    return tl::unexpected(Unedited::too_long);
  if (end > buffer.size()) return tl::unexpected(Unedited::no_room);
  std::ranges::copy(options, buffer.begin() + static_cast<std::ptrdiff_t>(at));
  return finish(buffer, view, end);
}

std::size_t first_option_at(const packet::PacketView& view) {
  return view.user_end + pad_bytes(view) + 2;
}

}  // namespace

void write_option(ByteWriter& out, std::uint8_t kind, Bytes value) {
  if (!fits(out, value.size())) return;
  write_header(out, kind, value.size());
  out.bytes(value);
}

void write_experiment(ByteWriter& out, std::uint16_t ex_id, Bytes value) {
  if (!fits(out, value.size() + 2)) return;
  write_header(out, kind_exp, value.size() + 2);
  out.be16(ex_id);
  out.bytes(value);
}

void write_apc(ByteWriter& out, Bytes user_data) {
  if (!fits(out, 4)) return;
  write_header(out, kind_apc, 4);
  out.be32(packet::crc32c(user_data));
}

void write_mds(ByteWriter& out, std::uint16_t size) {
  if (!fits(out, 2)) return;
  write_header(out, kind_mds, 2);
  out.be16(size);
}

void write_mrds(ByteWriter& out, const Mrds& mrds) {
  if (!fits(out, 3)) return;
  write_header(out, kind_mrds, 3);
  out.be16(mrds.size);
  out.u8(mrds.segments);
}

void write_req(ByteWriter& out, std::uint32_t token) {
  if (!fits(out, 4)) return;
  write_header(out, kind_req, 4);
  out.be32(token);
}

void write_res(ByteWriter& out, std::uint32_t token) {
  if (!fits(out, 4)) return;
  write_header(out, kind_res, 4);
  out.be32(token);
}

void write_time(ByteWriter& out, const Time& time) {
  if (!fits(out, 8)) return;
  write_header(out, kind_time, 8);
  out.be32(time.value);
  out.be32(time.echo_reply);
}

void write_auth(ByteWriter& out, const Auth& auth) {
  if (!fits(out, auth.mac.size() + 2)) return;
  write_header(out, kind_auth, auth.mac.size() + 2);
  out.u8(auth.key_id);
  out.u8(auth.r_next_key_id);
  out.bytes(auth.mac);
}

void write_nop(ByteWriter& out) { out.u8(kind_nop); }
void write_eol(ByteWriter& out) { out.u8(kind_eol); }

Edited insert(MutableBytes buffer, const packet::PacketView& view, Bytes options) noexcept {
  if (const auto reason = refusal(view)) return tl::unexpected(*reason);
  if (view.surplus().empty()) return put(buffer, view, first_option_at(view), options);
  const Surplus surplus = read_surplus(view);
  if (!surplus.accepted()) return tl::unexpected(Unedited::options_not_accepted);
  if (surplus.find(kind_frag) != nullptr) return tl::unexpected(Unedited::a_fragment);
  return put(buffer, view, view.user_end + surplus.options_end, options);
}

Edited replace_all(MutableBytes buffer, const packet::PacketView& view, Bytes options) noexcept {
  if (const auto reason = refusal(view)) return tl::unexpected(*reason);
  if (may_hold_user_data(view)) return tl::unexpected(Unedited::a_fragment);
  if (options.empty()) return finish(buffer, view, view.user_end);
  return put(buffer, view, first_option_at(view), options);
}

Edited remove(MutableBytes buffer, const packet::PacketView& view, const Surplus& surplus,
              const Option& option) noexcept {
  if (const auto reason = refusal(view)) return tl::unexpected(*reason);
  const auto options = surplus.options();
  if (std::ranges::find(options, option) == options.end())
    return tl::unexpected(Unedited::no_such_option);
  if (surplus.find(kind_frag) != nullptr) return tl::unexpected(Unedited::a_fragment);
  if (options.size() == 1) return finish(buffer, view, view.user_end);
  const std::size_t at = view.user_end + option.at;
  const auto from = buffer.begin() + static_cast<std::ptrdiff_t>(at + option.length);
  std::copy(from, buffer.begin() + static_cast<std::ptrdiff_t>(view.ip_end),
            buffer.begin() + static_cast<std::ptrdiff_t>(at));
  return finish(buffer, view, view.ip_end - option.length);
}

Edited strip(MutableBytes buffer, const packet::PacketView& view) noexcept {
  return replace_all(buffer, view, {});
}

}  // namespace lobo::udp_options
