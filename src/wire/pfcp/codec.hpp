#pragma once
// How single values lie in the octets of an information element. For this folder and its tests:
// others read and write messages.

#include <algorithm>
#include <array>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <type_traits>

#include "base/bytes.hpp"
#include "model/address.hpp"
#include "wire/pfcp/flags.hpp"
#include "wire/pfcp/media.hpp"
#include "wire/pfcp/refusal.hpp"
#include "wire/pfcp/rules.hpp"
#include "wire/pfcp/usage.hpp"
#include "wire/pfcp/values.hpp"

namespace lobo::pfcp {

/// What became of a value.
enum class Reading : std::uint8_t {
  good,
  length,     ///< there are fewer octets than it needs
  incorrect,  ///< it says what may not be said
};

// Octets behind what is known are those of a later release: every reader stops where it knows no
// more.

template <std::unsigned_integral Word>
constexpr Word read_word(ByteReader& in) {
  if constexpr (sizeof(Word) == 1) return in.u8();
  if constexpr (sizeof(Word) == 2) return in.be16();
  if constexpr (sizeof(Word) == 4) return in.be32();
  if constexpr (sizeof(Word) == 8) return in.be64();
}
template <std::unsigned_integral Word>
constexpr void write_word(ByteWriter& out, Word word) {
  if constexpr (sizeof(Word) == 1) out.u8(word);
  if constexpr (sizeof(Word) == 2) out.be16(word);
  if constexpr (sizeof(Word) == 4) out.be32(word);
  if constexpr (sizeof(Word) == 8) out.be64(word);
}
constexpr Reading ended(const ByteReader& in) { return in.ok() ? Reading::good : Reading::length; }

template <class Tag, class Rep>
Reading read_value(Bytes value, Number<Tag, Rep>& out) {
  ByteReader in(value);
  out.value = read_word<Rep>(in);
  return ended(in);
}
template <class Tag, class Rep>
void write_value(ByteWriter& out, const Number<Tag, Rep>& number) {
  write_word(out, number.value);
}

template <class Tag, unsigned width>
Reading read_value(Bytes value, SmallNumber<Tag, width>& out) {
  ByteReader in(value);
  out.value = static_cast<std::uint8_t>(in.u8() & out.mask);
  return ended(in);
}
template <class Tag, unsigned width>
void write_value(ByteWriter& out, const SmallNumber<Tag, width>& number) {
  out.u8(static_cast<std::uint8_t>(number.value & number.mask));
}

template <class Rep, class Period>
Reading read_value(Bytes value, std::chrono::duration<Rep, Period>& out) {
  ByteReader in(value);
  out = std::chrono::duration<Rep, Period>(read_word<Rep>(in));
  return ended(in);
}
template <class Rep, class Period>
void write_value(ByteWriter& out, const std::chrono::duration<Rep, Period>& time) {
  write_word(out, time.count());
}

template <class Bit, std::size_t octets, std::size_t written_min>
Reading read_value(Bytes value, Flags<Bit, octets, written_min>& out) {
  std::array<std::uint8_t, octets> read{};
  const std::size_t count = std::min(octets, value.size());
  for (std::size_t i = 0; i < count; ++i) read[i] = u8_at(value, i);
  out = Flags<Bit, octets, written_min>::from(read);
  return value.empty() ? Reading::length : Reading::good;
}
template <class Bit, std::size_t octets, std::size_t written_min>
void write_value(ByteWriter& out, const Flags<Bit, octets, written_min>& flags) {
  for (const std::uint8_t octet : flags.octets()) out.u8(octet);
}

template <class T>
concept OctetEnum = std::same_as<T, Interface> || std::same_as<T, Cause> ||
                    std::same_as<T, MediaTransportProtocol> || std::same_as<T, RtpExtensionType> ||
                    std::same_as<T, RtpPayloadFormat> || std::same_as<T, MetadataTransfer>;
template <OctetEnum T>
Reading read_value(Bytes value, T& out) {
  constexpr unsigned mask = std::is_same_v<T, Interface> ? 0x0F : 0xFF;  // clauses 8.2.2, 8.2.24
  ByteReader in(value);
  out = static_cast<T>(in.u8() & mask);
  return ended(in);
}
template <OctetEnum T>
void write_value(ByteWriter& out, const T& value) {
  out.u8(static_cast<std::uint8_t>(value));
}

Reading read_value(Bytes value, NtpSeconds& out);
void write_value(ByteWriter& out, const NtpSeconds& time);
Reading read_value(Bytes value, Octets& out);
void write_value(ByteWriter& out, const Octets& octets);
Reading read_value(Bytes value, NodeId& out);
void write_value(ByteWriter& out, const NodeId& node);
Reading read_value(Bytes value, FSeid& out);
void write_value(ByteWriter& out, const FSeid& session);
Reading read_value(Bytes value, LocalFTeid& out);
void write_value(ByteWriter& out, const LocalFTeid& tunnel);
Reading read_value(Bytes value, FTeid& out);
void write_value(ByteWriter& out, const FTeid& tunnel);
Reading read_value(Bytes value, UeIpAddress& out);
void write_value(ByteWriter& out, const UeIpAddress& address);
Reading read_value(Bytes value, BitRates& out);
void write_value(ByteWriter& out, const BitRates& rates);
Reading read_value(Bytes value, GateStatus& out);
void write_value(ByteWriter& out, const GateStatus& gates);
Reading read_value(Bytes value, TrafficClass& out);
void write_value(ByteWriter& out, const TrafficClass& traffic_class);
Reading read_value(Bytes value, Volume& out);
void write_value(ByteWriter& out, const Volume& volume);
Reading read_value(Bytes value, VolumeMeasurement& out);
void write_value(ByteWriter& out, const VolumeMeasurement& volume);
Reading read_value(Bytes value, GracefulReleasePeriod& out);
void write_value(ByteWriter& out, const GracefulReleasePeriod& period);
Reading read_value(Bytes value, FailedRuleId& out);
void write_value(ByteWriter& out, const FailedRuleId& rule);
Reading read_value(Bytes value, SdfFilter& out);
void write_value(ByteWriter& out, const SdfFilter& filter);
Reading read_value(Bytes value, OuterHeaderRemoval& out);
void write_value(ByteWriter& out, const OuterHeaderRemoval& removal);
Reading read_value(Bytes value, OuterHeaderCreation& out);
void write_value(ByteWriter& out, const OuterHeaderCreation& creation);
Reading read_value(Bytes value, PacketDelayThresholds& out);
void write_value(ByteWriter& out, const PacketDelayThresholds& thresholds);
Reading read_value(Bytes value, QosMonitoringMeasurement& out);
void write_value(ByteWriter& out, const QosMonitoringMeasurement& measurement);
Reading read_value(Bytes value, RtpExtensionDetails& out);
void write_value(ByteWriter& out, const RtpExtensionDetails& details);
Reading read_value(Bytes value, PduSetImportances& out);
void write_value(ByteWriter& out, const PduSetImportances& importances);

}  // namespace lobo::pfcp
