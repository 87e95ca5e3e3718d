#pragma once
// Values of information elements that stand alone and are used in many places (TS 29.244 clause
// 8.2). Text and octet strings are views into the message that was read.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <ratio>
#include <string>
#include <string_view>
#include <variant>

#include "base/bytes.hpp"
#include "base/quantity.hpp"
#include "model/address.hpp"
#include "wire/pfcp/flags.hpp"
#include "wire/pfcp/refusal.hpp"

namespace lobo::pfcp {

/// A number of 8, 16, 32 or 64 bits that is no quantity.
template <class Tag, class Rep>
struct Number {
  Rep value{};
  constexpr auto operator<=>(const Number&) const = default;
};
/// One of `width` bits at the low end of an octet. The other bits are spare: sent as zeros, not
/// looked at.
template <class Tag, unsigned width>
struct SmallNumber {
  static constexpr std::uint8_t mask = (1U << width) - 1U;
  std::uint8_t value{};
  constexpr auto operator<=>(const SmallNumber&) const = default;
};

using PdrId = Number<struct PdrIdTag, std::uint16_t>;  ///< clause 8.2.36
using FarId = Number<struct FarIdTag, std::uint32_t>;  ///< clause 8.2.74
using QerId = Number<struct QerIdTag, std::uint32_t>;  ///< clause 8.2.75
using UrrId = Number<struct UrrIdTag, std::uint32_t>;  ///< clause 8.2.54
using BarId = Number<struct BarIdTag, std::uint8_t>;   ///< clause 8.2.57
using SrrId = Number<struct SrrIdTag, std::uint8_t>;   ///< clause 8.2.151
using MarId = Number<struct MarIdTag, std::uint16_t>;
/// Clauses 8.2.54, 8.2.74, 8.2.75: the highest bit says that a rule is predefined in the UPF.
inline constexpr std::uint32_t predefined_rule_bit = 0x80000000;

using Precedence = Number<struct PrecedenceTag, std::uint32_t>;  ///< clause 8.2.11: lower is first
using QerCorrelationId = Number<struct QerCorrelationIdTag, std::uint32_t>;
using ReportSequenceNumber = Number<struct UrSeqnTag, std::uint32_t>;  ///< UR-SEQN, by URR
using QueryUrrReference = Number<struct QueryUrrReferenceTag, std::uint32_t>;
using ReportCount = Number<struct ReportCountTag, std::uint16_t>;
using PacketCount = Number<struct PacketCountTag, std::uint8_t>;
using OffendingIe = Number<struct OffendingIeTag, std::uint16_t>;
using Qfi = SmallNumber<struct QfiTag, 6>;                    ///< clause 8.2.89
using PagingPolicy = SmallNumber<struct PagingPolicyTag, 3>;  ///< clause 8.2.116
using PdnType = SmallNumber<struct PdnTypeTag, 3>;            ///< clause 8.2.79: 1 IPv4, 2 IPv6, 3

using KilobitsPerSecond = Quantity<struct KilobitsPerSecondTag, std::uint64_t>;
using OctetCount = Quantity<struct OctetCountTag, std::uint64_t>;
using PacketNumber = Quantity<struct PacketNumberTag, std::uint64_t>;
using Seconds32 = std::chrono::duration<std::uint32_t>;
using Milliseconds32 = std::chrono::duration<std::uint32_t, std::milli>;
/// Clause 8.2.28: a delay in steps of 50 ms.
using Steps50Ms = std::chrono::duration<std::uint8_t, std::ratio<50, 1000>>;

/// A point in time as the first half of an NTP timestamp (RFC 5905 clause 6): seconds since 1900,
/// which begin anew in February 2036. Numbers in the lower half belong to the time from there.
struct NtpSeconds {
  std::uint32_t value = 0;
  bool operator==(const NtpSeconds&) const = default;

  static constexpr NtpSeconds at(std::chrono::sys_seconds time) {
    return {static_cast<std::uint32_t>(
        static_cast<std::uint64_t>(time.time_since_epoch().count() + epoch_seconds))};
  }
  constexpr std::chrono::sys_seconds time() const {
    const std::int64_t era = value < 0x80000000 ? std::int64_t{1} << 32 : 0;
    return std::chrono::sys_seconds(std::chrono::seconds(era + value - epoch_seconds));
  }

 private:
  static constexpr std::int64_t epoch_seconds = 2'208'988'800;  ///< from 1900 to 1970
};

/// An octet string.
struct Octets {
  Bytes bytes;
  bool operator==(const Octets& other) const { return std::ranges::equal(bytes, other.bytes); }
};
std::string_view text_of(Bytes bytes);
Bytes bytes_of(std::string_view text);

/// A Network Instance (clause 8.2.4) is a domain name, as text or as the labels of an APN: peers
/// send both. The text of either, without a change where it is neither.
std::string network_instance_text(const Octets& instance);

enum class Interface : std::uint8_t {
  access = 0,
  core = 1,
  n6_lan = 2,
  cp_function = 3,
  // Others are kept as they came: 4 and above differ between source and destination.
};

/// Clause 8.2.38. An FQDN is in labels with their lengths (RFC 1035 clause 3.1), without the empty
/// one at the end.
struct FqdnLabels {
  Octets labels;
  bool operator==(const FqdnLabels&) const = default;
  std::string text() const;
};
using NodeId = std::variant<model::Ipv4Address, model::Ipv6Address, FqdnLabels>;

/// Clause 8.2.37: which session, at which address; of the two addresses at least one.
struct FSeid {
  std::uint64_t seid = 0;
  std::optional<model::Ipv4Address> v4;
  std::optional<model::Ipv6Address> v6;
  bool operator==(const FSeid&) const = default;
};

/// Clause 8.2.3: a tunnel's end; of the two addresses at least one.
struct FTeid {
  std::uint32_t teid = 0;
  std::optional<model::Ipv4Address> v4;
  std::optional<model::Ipv6Address> v6;
  bool operator==(const FTeid&) const = default;
};
/// CHOOSE: the UPF is to make one up, the same for all PDRs of a request with one `choose_id`.
struct FTeidChoice {
  bool v4 = false;
  bool v6 = false;
  std::optional<std::uint8_t> choose_id;
  bool operator==(const FTeidChoice&) const = default;
};
using LocalFTeid = std::variant<FTeid, FTeidChoice>;

/// Clause 8.2.62.
struct UeIpAddress {
  std::optional<model::Ipv4Address> v4;
  std::optional<model::Ipv6Address> v6;
  bool choose_v4 = false;
  bool choose_v6 = false;
  bool is_destination = false;                   ///< S/D: in a PDI, which end of packets it is
  std::optional<std::uint8_t> delegated_bits;    ///< IPv6D: how many fewer than 64 the prefix has
  std::optional<std::uint8_t> v6_prefix_length;  ///< IP6PL; without either it is 64
  bool operator==(const UeIpAddress&) const = default;
};

/// Clauses 8.2.8, 8.2.9: 40 bits each.
struct BitRates {
  KilobitsPerSecond uplink;
  KilobitsPerSecond downlink;
  bool operator==(const BitRates&) const = default;
};

/// Clause 8.2.7.
struct GateStatus {
  bool uplink_closed = false;
  bool downlink_closed = false;
  bool operator==(const GateStatus&) const = default;
};

/// Clause 8.2.12: DSCP and ECN bits, and which of them are meant.
struct TrafficClass {
  std::uint8_t value = 0;
  std::uint8_t mask = 0;
  bool operator==(const TrafficClass&) const = default;
};

/// Thresholds and quotas (clauses 8.2.13, 8.2.50): those that are set.
struct Volume {
  std::optional<OctetCount> total;
  std::optional<OctetCount> uplink;
  std::optional<OctetCount> downlink;
  bool operator==(const Volume&) const = default;
};

/// Clause 8.2.78.
struct GracefulReleasePeriod {
  std::uint8_t unit = 0;   ///< 3 bits
  std::uint8_t count = 0;  ///< 5 bits
  bool operator==(const GracefulReleasePeriod&) const = default;
  /// Nothing: without an end.
  std::optional<std::chrono::seconds> duration() const;
};

/// Clause 8.2.80.
enum class RuleKind : std::uint8_t {
  pdr = 0,
  far = 1,
  qer = 2,
  urr = 3,
  bar = 4,
  mar = 5,
  srr = 6
};
struct FailedRuleId {
  RuleKind kind = RuleKind::pdr;
  std::uint32_t id = 0;
  bool operator==(const FailedRuleId&) const = default;
};

/// Clause 8.2.25: what a UPF can do, as far as this project has a use for the name. FTUP allocates
/// F-TEIDs, DDND delays notices of downlink data, UDBC buffers as many packets as a BAR suggests,
/// MNOP counts packets, QFQM measures delay by QoS flow; the last five are of clause
/// 5.38's PDU Set handling and of metadata that come with the packets.
enum class UpFeature : std::uint8_t {
  bucp = flag_at(5, 1),
  ddnd = flag_at(5, 2),
  ftup = flag_at(5, 5),
  empu = flag_at(6, 1),
  pdiu = flag_at(6, 2),
  udbc = flag_at(6, 3),
  ueip = flag_at(7, 3),
  mnop = flag_at(7, 5),
  bundl = flag_at(7, 7),
  ip6pl = flag_at(8, 6),
  qfqm = flag_at(9, 2),
  gpqm = flag_at(9, 3),
  n6jedb = flag_at(12, 5),
  eml4s = flag_at(12, 8),
  pdusm = flag_at(13, 1),
  dyntr = flag_at(14, 7),
  muxmf = flag_at(14, 8),
  conudp = flag_at(15, 1),
  moq = flag_at(15, 2),
  psitlm = flag_at(15, 4),
  udpopt = flag_at(15, 5),
};
using UpFeatures = Flags<UpFeature, 12, 2>;

/// Clause 8.2.58.
enum class CpFeature : std::uint8_t {
  load = flag_at(5, 1),
  ovrl = flag_at(5, 2),
  epfar = flag_at(5, 3),
  sset = flag_at(5, 4),
  bundl = flag_at(5, 5),
  mpas = flag_at(5, 6),
  ardr = flag_at(5, 7),
  uiaur = flag_at(5, 8),
  psucc = flag_at(6, 1),
  rpgur = flag_at(6, 2),
};
using CpFeatures = Flags<CpFeature, 3>;

/// Clause 8.2.77: the UPF asks to be released.
enum class AssociationReleaseFlag : std::uint8_t { sarr = flag_at(5, 1), urss = flag_at(5, 2) };
using AssociationReleaseFlags = Flags<AssociationReleaseFlag, 1>;

}  // namespace lobo::pfcp
