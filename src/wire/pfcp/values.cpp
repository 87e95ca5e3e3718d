#include "wire/pfcp/values.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "base/bytes.hpp"
#include "model/address.hpp"
#include "wire/pfcp/codec.hpp"
#include "wire/pfcp/rules.hpp"

namespace lobo::pfcp {
namespace {

constexpr std::size_t label_bytes_max = 63;  // RFC 1035 clause 3.1

template <class Address>
Address read_address(ByteReader& in) {
  Address address;
  for (auto& octet : address.octets) octet = in.u8();
  return address;
}
template <class Address>
void write_address(ByteWriter& out, const Address& address) {
  for (const auto octet : address.octets) out.u8(octet);
}
template <class Address>
void write_address(ByteWriter& out, const std::optional<Address>& address) {
  if (address) write_address(out, *address);
}
template <class Address>
void read_address_if(ByteReader& in, bool present, std::optional<Address>& out) {
  out = present ? std::optional(read_address<Address>(in)) : std::nullopt;
}

/// "a.b" of 1 a 1 b; nothing where the octets are no labels.
std::optional<std::string> text_of_labels(Bytes labels) {
  std::string text;
  ByteReader in(labels);
  while (in.left() > 0) {  // each turn takes an octet at least
    const std::size_t length = in.u8();
    const Bytes label = in.bytes(length);
    if (!in.ok() || length == 0 || length > label_bytes_max) return std::nullopt;
    if (!text.empty()) text += '.';
    text += text_of(label);
  }
  return text.empty() ? std::nullopt : std::optional(text);
}

bool are_labels(Bytes labels) {
  ByteReader in(labels);
  while (in.left() > 0) {  // each turn takes an octet at least
    const std::size_t length = in.u8();
    in.skip(length);
    if (!in.ok() || length == 0 || length > label_bytes_max) return false;
  }
  return !labels.empty();
}

// Clause 8.2.38.
constexpr std::uint8_t node_ipv4 = 0;
constexpr std::uint8_t node_ipv6 = 1;
constexpr std::uint8_t node_fqdn = 2;
constexpr unsigned node_type_mask = 0x0F;

// Clause 8.2.37.
constexpr unsigned seid_v6 = 0x01;
constexpr unsigned seid_v4 = 0x02;

// Clause 8.2.3.
constexpr unsigned teid_v4 = 0x01;
constexpr unsigned teid_v6 = 0x02;
constexpr unsigned teid_choose = 0x04;
constexpr unsigned teid_choose_id = 0x08;

// Clause 8.2.62.
constexpr unsigned ue_v6 = 0x01;
constexpr unsigned ue_v4 = 0x02;
constexpr unsigned ue_destination = 0x04;
constexpr unsigned ue_delegated = 0x08;
constexpr unsigned ue_choose_v4 = 0x10;
constexpr unsigned ue_choose_v6 = 0x20;
constexpr unsigned ue_prefix_length = 0x40;

unsigned flag(bool set, unsigned bit) { return set ? bit : 0U; }
std::uint8_t octet(unsigned value) { return static_cast<std::uint8_t>(value); }

Reading read_tunnel(ByteReader& in, unsigned flags, FTeid& out) {
  out.teid = in.be32();
  read_address_if(in, (flags & teid_v4) != 0, out.v4);
  read_address_if(in, (flags & teid_v6) != 0, out.v6);
  if (!in.ok()) return Reading::length;
  return out.v4 || out.v6 ? Reading::good : Reading::incorrect;
}

}  // namespace

std::string_view text_of(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
Bytes bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

std::string network_instance_text(const Octets& instance) {
  if (auto text = text_of_labels(instance.bytes)) return *text;
  return std::string(text_of(instance.bytes));
}

std::string FqdnLabels::text() const { return text_of_labels(labels.bytes).value_or(""); }

std::optional<std::chrono::seconds> GracefulReleasePeriod::duration() const {
  constexpr std::uint8_t infinite = 7;
  using std::chrono::hours;
  using std::chrono::minutes;
  using std::chrono::seconds;
  switch (unit) {
    case 0: return seconds(2) * count;
    case 2: return minutes(10) * count;
    case 3: return hours(1) * count;
    case 4: return hours(10) * count;
    case infinite: return std::nullopt;
    default: return minutes(1) * count;  // 1, and what the text has not given a meaning
  }
}

Reading read_value(Bytes value, NtpSeconds& out) {
  ByteReader in(value);
  out.value = in.be32();
  return ended(in);
}
void write_value(ByteWriter& out, const NtpSeconds& time) { out.be32(time.value); }

Reading read_value(Bytes value, Octets& out) {
  out.bytes = value;
  return Reading::good;
}
void write_value(ByteWriter& out, const Octets& octets) { out.bytes(octets.bytes); }

Reading read_value(Bytes value, NodeId& out) {
  ByteReader in(value);
  const unsigned type = in.u8() & node_type_mask;
  if (!in.ok()) return Reading::length;
  if (type == node_ipv4) {
    out = read_address<model::Ipv4Address>(in);
    return ended(in);
  }
  if (type == node_ipv6) {
    out = read_address<model::Ipv6Address>(in);
    return ended(in);
  }
  if (type != node_fqdn) return Reading::incorrect;
  const Bytes labels = in.rest();
  out = FqdnLabels{{labels}};
  return are_labels(labels) ? Reading::good : Reading::incorrect;
}
void write_value(ByteWriter& out, const NodeId& node) {
  if (const auto* v4 = std::get_if<model::Ipv4Address>(&node)) {
    out.u8(node_ipv4);
    write_address(out, *v4);
  } else if (const auto* v6 = std::get_if<model::Ipv6Address>(&node)) {
    out.u8(node_ipv6);
    write_address(out, *v6);
  } else {
    out.u8(node_fqdn);
    out.bytes(std::get<FqdnLabels>(node).labels.bytes);
  }
}

Reading read_value(Bytes value, FSeid& out) {
  ByteReader in(value);
  const unsigned flags = in.u8();
  out.seid = in.be64();
  read_address_if(in, (flags & seid_v4) != 0, out.v4);
  read_address_if(in, (flags & seid_v6) != 0, out.v6);
  if (!in.ok()) return Reading::length;
  return out.v4 || out.v6 ? Reading::good : Reading::incorrect;
}
void write_value(ByteWriter& out, const FSeid& session) {
  out.u8(octet(flag(session.v4.has_value(), seid_v4) | flag(session.v6.has_value(), seid_v6)));
  out.be64(session.seid);
  write_address(out, session.v4);
  write_address(out, session.v6);
}

Reading read_value(Bytes value, LocalFTeid& out) {
  ByteReader in(value);
  const unsigned flags = in.u8();
  if (!in.ok()) return Reading::length;
  if ((flags & teid_choose) == 0) {
    if ((flags & teid_choose_id) != 0) return Reading::incorrect;
    return read_tunnel(in, flags, out.emplace<FTeid>());
  }
  auto& choice = out.emplace<FTeidChoice>();
  choice.v4 = (flags & teid_v4) != 0;
  choice.v6 = (flags & teid_v6) != 0;
  if ((flags & teid_choose_id) != 0) choice.choose_id = in.u8();
  if (!in.ok()) return Reading::length;
  return choice.v4 || choice.v6 ? Reading::good : Reading::incorrect;
}
void write_value(ByteWriter& out, const LocalFTeid& tunnel) {
  if (const auto* known = std::get_if<FTeid>(&tunnel)) return write_value(out, *known);
  const auto& choice = std::get<FTeidChoice>(tunnel);
  out.u8(octet(teid_choose | flag(choice.v4, teid_v4) | flag(choice.v6, teid_v6) |
               flag(choice.choose_id.has_value(), teid_choose_id)));
  if (choice.choose_id) out.u8(*choice.choose_id);
}

Reading read_value(Bytes value, FTeid& out) {
  ByteReader in(value);
  const unsigned flags = in.u8();
  if (!in.ok()) return Reading::length;
  if ((flags & (teid_choose | teid_choose_id)) != 0) return Reading::incorrect;
  return read_tunnel(in, flags, out);
}
void write_value(ByteWriter& out, const FTeid& tunnel) {
  out.u8(octet(flag(tunnel.v4.has_value(), teid_v4) | flag(tunnel.v6.has_value(), teid_v6)));
  out.be32(tunnel.teid);
  write_address(out, tunnel.v4);
  write_address(out, tunnel.v6);
}

Reading read_value(Bytes value, UeIpAddress& out) {
  ByteReader in(value);
  const unsigned flags = in.u8();
  read_address_if(in, (flags & ue_v4) != 0, out.v4);
  read_address_if(in, (flags & ue_v6) != 0, out.v6);
  if ((flags & ue_delegated) != 0) out.delegated_bits = in.u8();
  if ((flags & ue_prefix_length) != 0) out.v6_prefix_length = in.u8();
  out.is_destination = (flags & ue_destination) != 0;
  out.choose_v4 = (flags & ue_choose_v4) != 0;
  out.choose_v6 = (flags & ue_choose_v6) != 0;
  if (!in.ok()) return Reading::length;
  const bool lengths_hold =
      out.delegated_bits.value_or(0) <= 64 && out.v6_prefix_length.value_or(0) <= 128;
  const bool any = out.v4 || out.v6 || out.choose_v4 || out.choose_v6;
  return any && lengths_hold ? Reading::good : Reading::incorrect;
}
void write_value(ByteWriter& out, const UeIpAddress& address) {
  out.u8(octet(flag(address.v6.has_value(), ue_v6) | flag(address.v4.has_value(), ue_v4) |
               flag(address.is_destination, ue_destination) |
               flag(address.delegated_bits.has_value(), ue_delegated) |
               flag(address.choose_v4, ue_choose_v4) | flag(address.choose_v6, ue_choose_v6) |
               flag(address.v6_prefix_length.has_value(), ue_prefix_length)));
  write_address(out, address.v4);
  write_address(out, address.v6);
  if (address.delegated_bits) out.u8(*address.delegated_bits);
  if (address.v6_prefix_length) out.u8(*address.v6_prefix_length);
}

Reading read_value(Bytes value, OuterHeaderCreation& out) {
  ByteReader in(value);
  std::array<std::uint8_t, 2> description{};
  for (auto& part : description) part = in.u8();
  out.description = decltype(out.description)::from(description);
  if (out.has_teid()) out.teid = in.be32();
  if (out.has_v4()) out.v4 = read_address<model::Ipv4Address>(in);
  if (out.has_v6()) out.v6 = read_address<model::Ipv6Address>(in);
  if (out.has_port()) out.port = in.be16();
  if (!in.ok()) return Reading::length;
  return out.description.any() ? Reading::good : Reading::incorrect;
}
void write_value(ByteWriter& out, const OuterHeaderCreation& creation) {
  for (const auto part : creation.description.all_octets()) out.u8(part);
  if (creation.has_teid()) out.be32(creation.teid);
  if (creation.has_v4()) write_address(out, creation.v4);
  if (creation.has_v6()) write_address(out, creation.v6);
  if (creation.has_port()) out.be16(creation.port);
}

}  // namespace lobo::pfcp
