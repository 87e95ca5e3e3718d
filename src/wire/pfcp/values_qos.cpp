#include <cstdint>
#include <optional>

#include "base/bytes.hpp"
#include "wire/pfcp/codec.hpp"
#include "wire/pfcp/media.hpp"
#include "wire/pfcp/rules.hpp"
#include "wire/pfcp/usage.hpp"
#include "wire/pfcp/values.hpp"

namespace lobo::pfcp {
namespace {

unsigned flag(bool set, unsigned bit) { return set ? bit : 0U; }
std::uint8_t octet(unsigned value) { return static_cast<std::uint8_t>(value); }

// Clauses 8.2.8, 8.2.9: 5 octets.
KilobitsPerSecond read_rate(ByteReader& in) {
  const std::uint64_t high = in.u8();
  return {high << 32U | in.be32()};
}
void write_rate(ByteWriter& out, KilobitsPerSecond rate) {
  out.u8(octet(rate.count >> 32U & 0xFFU));
  out.be32(static_cast<std::uint32_t>(rate.count & 0xFFFFFFFFU));
}

// Clause 8.2.7: two bits each; 0 is open and whatever else is closed.
constexpr unsigned gate_mask = 0x03;
constexpr unsigned uplink_gate_shift = 2;

// Clauses 8.2.13, 8.2.44, 8.2.50: a flag a field, in this order.
constexpr unsigned total_octets = 0x01;
constexpr unsigned uplink_octets = 0x02;
constexpr unsigned downlink_octets = 0x04;
constexpr unsigned total_packets = 0x08;
constexpr unsigned uplink_packets = 0x10;
constexpr unsigned downlink_packets = 0x20;

template <class Amount>
void read_amount(ByteReader& in, bool present, std::optional<Amount>& out) {
  out = present ? std::optional(Amount{in.be64()}) : std::nullopt;
}
template <class Amount>
void write_amount(ByteWriter& out, const std::optional<Amount>& amount) {
  if (amount) out.be64(amount->count);
}
void read_octet_counts(ByteReader& in, unsigned flags, Volume& out) {
  read_amount(in, (flags & total_octets) != 0, out.total);
  read_amount(in, (flags & uplink_octets) != 0, out.uplink);
  read_amount(in, (flags & downlink_octets) != 0, out.downlink);
}
unsigned octet_count_flags(const Volume& volume) {
  return flag(volume.total.has_value(), total_octets) |
         flag(volume.uplink.has_value(), uplink_octets) |
         flag(volume.downlink.has_value(), downlink_octets);
}
void write_octet_counts(ByteWriter& out, const Volume& volume) {
  write_amount(out, volume.total);
  write_amount(out, volume.uplink);
  write_amount(out, volume.downlink);
}

// Clause 8.2.78.
constexpr unsigned period_unit_shift = 5;
constexpr unsigned period_count_mask = 0x1F;

// Clause 8.2.80.
constexpr unsigned rule_kind_mask = 0x1F;
enum class IdWidth : std::uint8_t { octet, two, four };
std::optional<IdWidth> id_width(RuleKind kind) {
  switch (kind) {
    case RuleKind::pdr: return IdWidth::two;
    case RuleKind::far: return IdWidth::four;
    case RuleKind::qer: return IdWidth::four;
    case RuleKind::urr: return IdWidth::four;
    case RuleKind::bar: return IdWidth::octet;
    case RuleKind::mar: return IdWidth::two;
    case RuleKind::srr: return IdWidth::octet;
  }
  return std::nullopt;
}

// Clause 8.2.5.
constexpr unsigned sdf_description = 0x01;
constexpr unsigned sdf_traffic_class = 0x02;
constexpr unsigned sdf_spi = 0x04;
constexpr unsigned sdf_flow_label = 0x08;
constexpr unsigned sdf_id = 0x10;
constexpr unsigned sdf_known = 0x1F;
constexpr std::uint32_t flow_label_mask = 0xFFFFF;

// Clauses 8.2.169, 8.2.171.
constexpr unsigned delay_downlink = 0x01;
constexpr unsigned delay_uplink = 0x02;
constexpr unsigned delay_round_trip = 0x04;
constexpr unsigned delay_failed = 0x08;

void read_delay(ByteReader& in, bool present, std::optional<Milliseconds32>& out) {
  out = present ? std::optional(Milliseconds32(in.be32())) : std::nullopt;
}
void read_delays(ByteReader& in, unsigned flags, PacketDelayThresholds& out) {
  read_delay(in, (flags & delay_downlink) != 0, out.downlink);
  read_delay(in, (flags & delay_uplink) != 0, out.uplink);
  read_delay(in, (flags & delay_round_trip) != 0, out.round_trip);
}
unsigned delay_flags(const PacketDelayThresholds& delays) {
  return flag(delays.downlink.has_value(), delay_downlink) |
         flag(delays.uplink.has_value(), delay_uplink) |
         flag(delays.round_trip.has_value(), delay_round_trip);
}
void write_delays(ByteWriter& out, const PacketDelayThresholds& delays) {
  if (delays.downlink) out.be32(delays.downlink->count());
  if (delays.uplink) out.be32(delays.uplink->count());
  if (delays.round_trip) out.be32(delays.round_trip->count());
}

}  // namespace

Reading read_value(Bytes value, BitRates& out) {
  ByteReader in(value);
  out.uplink = read_rate(in);
  out.downlink = read_rate(in);
  return ended(in);
}
void write_value(ByteWriter& out, const BitRates& rates) {
  write_rate(out, rates.uplink);
  write_rate(out, rates.downlink);
}

Reading read_value(Bytes value, GateStatus& out) {
  ByteReader in(value);
  const unsigned gates = in.u8();
  out.uplink_closed = (gates >> uplink_gate_shift & gate_mask) != 0;
  out.downlink_closed = (gates & gate_mask) != 0;
  return ended(in);
}
void write_value(ByteWriter& out, const GateStatus& gates) {
  out.u8(
      octet(flag(gates.uplink_closed, 1U << uplink_gate_shift) | flag(gates.downlink_closed, 1)));
}

Reading read_value(Bytes value, TrafficClass& out) {
  ByteReader in(value);
  out.value = in.u8();
  out.mask = in.u8();
  return ended(in);
}
void write_value(ByteWriter& out, const TrafficClass& traffic_class) {
  out.u8(traffic_class.value);
  out.u8(traffic_class.mask);
}

Reading read_value(Bytes value, Volume& out) {
  ByteReader in(value);
  read_octet_counts(in, in.u8(), out);
  return ended(in);
}
void write_value(ByteWriter& out, const Volume& volume) {
  out.u8(octet(octet_count_flags(volume)));
  write_octet_counts(out, volume);
}

Reading read_value(Bytes value, VolumeMeasurement& out) {
  ByteReader in(value);
  const unsigned flags = in.u8();
  read_octet_counts(in, flags, out.octets);
  read_amount(in, (flags & total_packets) != 0, out.total_packets);
  read_amount(in, (flags & uplink_packets) != 0, out.uplink_packets);
  read_amount(in, (flags & downlink_packets) != 0, out.downlink_packets);
  return ended(in);
}
void write_value(ByteWriter& out, const VolumeMeasurement& volume) {
  out.u8(octet(octet_count_flags(volume.octets) |
               flag(volume.total_packets.has_value(), total_packets) |
               flag(volume.uplink_packets.has_value(), uplink_packets) |
               flag(volume.downlink_packets.has_value(), downlink_packets)));
  write_octet_counts(out, volume.octets);
  write_amount(out, volume.total_packets);
  write_amount(out, volume.uplink_packets);
  write_amount(out, volume.downlink_packets);
}

Reading read_value(Bytes value, GracefulReleasePeriod& out) {
  ByteReader in(value);
  const unsigned period = in.u8();
  out.unit = octet(period >> period_unit_shift);
  out.count = octet(period & period_count_mask);
  return ended(in);
}
void write_value(ByteWriter& out, const GracefulReleasePeriod& period) {
  out.u8(octet(unsigned{period.unit} << period_unit_shift | (period.count & period_count_mask)));
}

Reading read_value(Bytes value, FailedRuleId& out) {
  ByteReader in(value);
  out.kind = static_cast<RuleKind>(in.u8() & rule_kind_mask);
  if (!in.ok()) return Reading::length;
  const auto width = id_width(out.kind);
  if (!width) return Reading::incorrect;
  switch (*width) {
    case IdWidth::octet: out.id = in.u8(); break;
    case IdWidth::two: out.id = in.be16(); break;
    case IdWidth::four: out.id = in.be32(); break;
  }
  return ended(in);
}
void write_value(ByteWriter& out, const FailedRuleId& rule) {
  out.u8(static_cast<std::uint8_t>(rule.kind));
  switch (id_width(rule.kind).value_or(IdWidth::four)) {
    case IdWidth::octet: out.u8(octet(rule.id)); break;
    case IdWidth::two: out.be16(static_cast<std::uint16_t>(rule.id)); break;
    case IdWidth::four: out.be32(rule.id); break;
  }
}

Reading read_value(Bytes value, SdfFilter& out) {
  ByteReader in(value);
  const unsigned flags = in.u8();
  in.skip(1);
  if ((flags & sdf_description) != 0) out.flow_description = text_of(in.bytes(in.be16()));
  if ((flags & sdf_traffic_class) != 0) out.traffic_class = TrafficClass{in.u8(), in.u8()};
  if ((flags & sdf_spi) != 0) out.security_parameter_index = in.be32();
  if ((flags & sdf_flow_label) != 0) out.flow_label = in.be24() & flow_label_mask;
  if ((flags & sdf_id) != 0) out.id = in.be32();
  out.has_unread = (flags & ~sdf_known) != 0;
  return ended(in);
}
void write_value(ByteWriter& out, const SdfFilter& filter) {
  out.u8(octet(flag(filter.flow_description.has_value(), sdf_description) |
               flag(filter.traffic_class.has_value(), sdf_traffic_class) |
               flag(filter.security_parameter_index.has_value(), sdf_spi) |
               flag(filter.flow_label.has_value(), sdf_flow_label) |
               flag(filter.id.has_value(), sdf_id)));
  out.u8(0);
  if (filter.flow_description) {
    out.be16(static_cast<std::uint16_t>(filter.flow_description->size()));
    out.bytes(bytes_of(*filter.flow_description));
  }
  if (filter.traffic_class) write_value(out, *filter.traffic_class);
  if (filter.security_parameter_index) out.be32(*filter.security_parameter_index);
  if (filter.flow_label) out.be24(*filter.flow_label & flow_label_mask);
  if (filter.id) out.be32(*filter.id);
}

Reading read_value(Bytes value, OuterHeaderRemoval& out) {
  ByteReader in(value);
  out.description = in.u8();
  if (in.left() > 0) out.deleted_extensions = in.u8();
  return ended(in);
}
void write_value(ByteWriter& out, const OuterHeaderRemoval& removal) {
  out.u8(removal.description);
  if (removal.deleted_extensions) out.u8(*removal.deleted_extensions);
}

Reading read_value(Bytes value, PacketDelayThresholds& out) {
  ByteReader in(value);
  read_delays(in, in.u8(), out);
  return ended(in);
}
void write_value(ByteWriter& out, const PacketDelayThresholds& thresholds) {
  out.u8(octet(delay_flags(thresholds)));
  write_delays(out, thresholds);
}

Reading read_value(Bytes value, QosMonitoringMeasurement& out) {
  ByteReader in(value);
  const unsigned flags = in.u8();
  read_delays(in, flags, out.delay);
  out.failed = (flags & delay_failed) != 0;
  return ended(in);
}
void write_value(ByteWriter& out, const QosMonitoringMeasurement& measurement) {
  out.u8(octet(delay_flags(measurement.delay) | flag(measurement.failed, delay_failed)));
  write_delays(out, measurement.delay);
}

Reading read_value(Bytes value, RtpExtensionDetails& out) {
  using Bits = RtpExtensionBits;
  ByteReader in(value);
  const unsigned present = in.u8();
  const bool any =
      (present & (0U | Bits::has_format | Bits::has_size_active | Bits::has_npds_active)) != 0;
  const unsigned said = any ? in.u8() : 0U;
  if (!in.ok()) return Reading::length;
  if ((present & Bits::has_format) != 0) {
    const auto format = static_cast<RtpExtensionFormat>(said & Bits::format_mask);
    if (format != RtpExtensionFormat::one_byte && format != RtpExtensionFormat::two_byte)
      return Reading::incorrect;
    out.format = format;
  }
  if ((present & Bits::has_size_active) != 0) out.pdu_set_size = (said & Bits::size_active) != 0;
  if ((present & Bits::has_npds_active) != 0) out.pdus_in_set = (said & Bits::npds_active) != 0;
  return Reading::good;
}
void write_value(ByteWriter& out, const RtpExtensionDetails& details) {
  using Bits = RtpExtensionBits;
  out.u8(octet(flag(details.format.has_value(), Bits::has_format) |
               flag(details.pdu_set_size.has_value(), Bits::has_size_active) |
               flag(details.pdus_in_set.has_value(), Bits::has_npds_active)));
  const unsigned format = details.format ? static_cast<unsigned>(*details.format) : 0U;
  out.u8(octet(format | flag(details.pdu_set_size.value_or(false), Bits::size_active) |
               flag(details.pdus_in_set.value_or(false), Bits::npds_active)));
}

// IE 384: octet 5 has PSI 0 in its lowest bit and PSI 7 in its highest, octet 6 goes on.
Reading read_value(Bytes value, PduSetImportances& out) {
  ByteReader in(value);
  const unsigned low = in.u8();
  out.bits = static_cast<std::uint16_t>(unsigned{in.u8()} << 8U | low);
  return ended(in);
}
void write_value(ByteWriter& out, const PduSetImportances& importances) {
  out.u8(octet(importances.bits & 0xFFU));
  out.u8(octet(importances.bits >> 8U));
}

}  // namespace lobo::pfcp
