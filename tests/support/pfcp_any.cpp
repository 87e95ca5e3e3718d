#include "support/pfcp_any.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "base/few.hpp"
#include "base/rng.hpp"
#include "model/address.hpp"
#include "wire/pfcp/flags.hpp"
#include "wire/pfcp/header.hpp"
#include "wire/pfcp/ie.hpp"
#include "wire/pfcp/media.hpp"
#include "wire/pfcp/members.hpp"
#include "wire/pfcp/message_members.hpp"  // NOLINT(misc-include-cleaner): specialisations
#include "wire/pfcp/messages.hpp"
#include "wire/pfcp/refusal.hpp"
#include "wire/pfcp/repeated.hpp"
#include "wire/pfcp/rules.hpp"
#include "wire/pfcp/usage.hpp"
#include "wire/pfcp/values.hpp"

namespace lobo::test {

class AnyPfcp::Filler {
 public:
  explicit Filler(AnyPfcp& any) : rng_(any.rng_), kept_(any.kept_) {}

  template <class G>
  void fill_group(G& group) {
    pfcp::Members<G>::visit(group, *this);
    settle(group);
  }

  // What Members<T>::visit() calls.
  template <class T>
  void operator()(pfcp::Presence /*presence*/, pfcp::IeType /*type*/, T& member) {
    fill_one(member);
  }
  template <class T>
  void operator()(pfcp::Presence /*presence*/, pfcp::IeType /*type*/, std::optional<T>& member) {
    if (chance(60)) fill_one(member.emplace());
  }
  template <class T, std::size_t most>
  void operator()(pfcp::Presence presence, pfcp::IeType /*type*/, Few<T, most>& member) {
    const std::size_t least = presence == pfcp::Presence::mandatory ? 1 : 0;
    const std::size_t count = least + rng_.below(std::min<std::size_t>(most, 3));
    for (std::size_t i = 0; i < count; ++i) {
      T value{};
      fill_one(value);
      (void)member.add(value);  // there is room for three
    }
  }
  template <class T>
  void operator()(pfcp::Presence presence, pfcp::IeType /*type*/, pfcp::Repeated<T>& member) {
    const std::size_t least = presence == pfcp::Presence::mandatory ? 1 : 0;
    member = some<T>(least + rng_.below(3));
  }

 private:
  bool chance(unsigned percent) { return rng_.below(100) < percent; }
  std::uint8_t small(std::uint8_t most) {
    return static_cast<std::uint8_t>(rng_.below(std::uint64_t{most} + 1));
  }
  std::uint32_t word() { return static_cast<std::uint32_t>(rng_.next() >> 32U); }

  template <class T>
  pfcp::Repeated<T> some(std::size_t count) {
    auto values = std::make_shared<std::vector<T>>(count);
    for (T& value : *values) fill_one(value);
    kept_.push_back(values);
    return std::span<const T>(*values);
  }

  template <class T>
  void fill_one(T& value) {
    if constexpr (pfcp::Grouped<T>) {
      fill_group(value);
    } else {
      fill(value);
    }
  }
  // The conditions between members.
  void settle(auto& /*group*/) {}
  void settle(pfcp::CreatePdr& pdr) {
    if (!pdr.far) pdr.far = pfcp::FarId{word()};
  }
  void settle(pfcp::CreateFar& far) {
    if (far.apply_action.has(pfcp::Action::forw) && !far.forwarding_parameters)
      fill_group(far.forwarding_parameters.emplace());
  }
  void settle(pfcp::CreateUrr& urr) {
    using enum pfcp::ReportingTrigger;
    if (!urr.period) urr.triggers = without(urr.triggers, periodic);
    if (!urr.volume_threshold) urr.triggers = without(urr.triggers, volume_threshold);
    if (!urr.time_threshold) urr.triggers = without(urr.triggers, time_threshold);
    if (!urr.volume_quota) urr.triggers = without(urr.triggers, volume_quota);
    if (!urr.time_quota) urr.triggers = without(urr.triggers, time_quota);
  }
  void settle(pfcp::QosMonitoringControl& control) {
    if (!control.thresholds)
      control.frequency = without(control.frequency, pfcp::Frequency::event_triggered);
    if (!control.period) control.frequency = without(control.frequency, pfcp::Frequency::periodic);
  }
  void settle(pfcp::SessionEstablishmentResponse& response) {
    if (!response.up_f_seid) fill(response.up_f_seid.emplace());
  }
  void settle(pfcp::SessionReportRequest& request) {
    request.report_type = {};
    if (request.downlink_data) request.report_type.set(pfcp::Report::downlink_data);
    if (!request.usage_reports.empty()) request.report_type.set(pfcp::Report::usage);
    if (request.error_indication) request.report_type.set(pfcp::Report::error_indication);
    if (!request.session_reports.empty()) request.report_type.set(pfcp::Report::session);
  }
  template <class Bit, std::size_t octets, std::size_t least>
  static pfcp::Flags<Bit, octets, least> without(pfcp::Flags<Bit, octets, least> flags, Bit bit) {
    std::array<std::uint8_t, octets> left{};
    std::ranges::copy(flags.all_octets(), left.begin());
    const auto place = static_cast<unsigned>(bit);
    left[place / 8] = static_cast<std::uint8_t>(left[place / 8] & ~(1U << place % 8));
    return pfcp::Flags<Bit, octets, least>::from(left);
  }

  template <class Tag, class Rep>
  void fill(pfcp::Number<Tag, Rep>& number) {
    number.value = static_cast<Rep>(rng_.next() >> 1U);
  }
  template <class Tag, unsigned width>
  void fill(pfcp::SmallNumber<Tag, width>& number) {
    number.value = small(number.mask);
  }
  template <class Rep, class Period>
  void fill(std::chrono::duration<Rep, Period>& time) {
    time = std::chrono::duration<Rep, Period>(static_cast<Rep>(rng_.next()));
  }
  template <class Bit, std::size_t octets, std::size_t least>
  void fill(pfcp::Flags<Bit, octets, least>& flags) {
    std::array<std::uint8_t, octets> random{};
    for (auto& octet : random) octet = chance(70) ? small(255) : std::uint8_t{0};
    random[0] |= 1;  // a mask of nothing is refused where it would be an action or a method
    flags = pfcp::Flags<Bit, octets, least>::from(random);
  }
  void fill(pfcp::ApplyAction& action) {
    action = {
        std::array{pfcp::Action::drop, pfcp::Action::forw, pfcp::Action::buff}[rng_.below(3)]};
    if (chance(30)) action.set(pfcp::Action::nocp);
    if (chance(30)) action.set(pfcp::Action::bdpn);
  }
  void fill(pfcp::Interface& value) { value = static_cast<pfcp::Interface>(rng_.below(4)); }
  void fill(pfcp::Cause& value) { value = static_cast<pfcp::Cause>(1 + rng_.below(3)); }
  void fill(pfcp::MediaTransportProtocol& value) {
    value = static_cast<pfcp::MediaTransportProtocol>(rng_.below(4));
  }
  void fill(pfcp::RtpExtensionType& value) {
    value = static_cast<pfcp::RtpExtensionType>(1 + rng_.below(3));
  }
  void fill(pfcp::RtpPayloadFormat& value) {
    value = static_cast<pfcp::RtpPayloadFormat>(1 + rng_.below(2));
  }
  void fill(pfcp::MetadataTransfer& value) { value = pfcp::MetadataTransfer::outer_udp_option; }
  void fill(pfcp::NtpSeconds& time) { time.value = word(); }
  void fill(pfcp::Octets& octets) {
    static constexpr std::array<std::string_view, 4> texts{"internet", "n6.lobodon", "x",
                                                           "\x03ims\x06mnc001"};
    octets.bytes = pfcp::bytes_of(texts[rng_.below(texts.size())]);
  }
  void fill(model::Ipv4Address& address) {
    for (auto& octet : address.octets) octet = small(255);
  }
  void fill(model::Ipv6Address& address) {
    for (auto& octet : address.octets) octet = chance(50) ? small(255) : std::uint8_t{0};
  }
  void fill(pfcp::NodeId& node) {
    switch (rng_.below(3)) {
      case 0: fill(node.emplace<model::Ipv4Address>()); break;
      case 1: fill(node.emplace<model::Ipv6Address>()); break;
      default:
        node =
            pfcp::FqdnLabels{{pfcp::bytes_of("\x03upf\x05local\x07"
                                             "example")}};
    }
  }
  template <class Ends>
  void fill_addresses(Ends& ends) {
    const auto which = 1 + rng_.below(3);
    if ((which & 1U) != 0) fill(ends.v4.emplace());
    if ((which & 2U) != 0) fill(ends.v6.emplace());
  }
  void fill(pfcp::FSeid& session) {
    session.seid = rng_.next();
    fill_addresses(session);
  }
  void fill(pfcp::FTeid& tunnel) {
    tunnel.teid = word();
    fill_addresses(tunnel);
  }
  void fill(pfcp::LocalFTeid& tunnel) {
    if (chance(50)) return fill(tunnel.emplace<pfcp::FTeid>());
    auto& choice = tunnel.emplace<pfcp::FTeidChoice>();
    choice.v4 = true;
    choice.v6 = chance(30);
    if (chance(50)) choice.choose_id = small(255);
  }
  void fill(pfcp::UeIpAddress& address) {
    if (chance(20)) {
      address.choose_v4 = true;
    } else {
      fill_addresses(address);
    }
    address.is_destination = chance(50);
    if (address.v6 && chance(40)) {
      address.delegated_bits = small(16);
    } else if (address.v6 && chance(40)) {
      address.v6_prefix_length = small(128);
    }
  }
  void fill(pfcp::BitRates& rates) {
    rates.uplink.count = rng_.next() >> 24U;
    rates.downlink.count = rng_.next() >> 24U;
  }
  void fill(pfcp::GateStatus& gates) {
    gates.uplink_closed = chance(50);
    gates.downlink_closed = chance(50);
  }
  void fill(pfcp::TrafficClass& traffic_class) { traffic_class = {small(255), small(255)}; }
  void fill(pfcp::Volume& volume) {
    if (chance(60)) volume.total = pfcp::OctetCount{rng_.next()};
    if (chance(60)) volume.uplink = pfcp::OctetCount{rng_.next()};
    if (chance(60)) volume.downlink = pfcp::OctetCount{rng_.next()};
  }
  void fill(pfcp::VolumeMeasurement& volume) {
    fill(volume.octets);
    if (chance(60)) volume.total_packets = pfcp::PacketNumber{rng_.next()};
    if (chance(60)) volume.uplink_packets = pfcp::PacketNumber{rng_.next()};
    if (chance(60)) volume.downlink_packets = pfcp::PacketNumber{rng_.next()};
  }
  void fill(pfcp::GracefulReleasePeriod& period) { period = {small(7), small(31)}; }
  void fill(pfcp::FailedRuleId& rule) {
    static constexpr std::array<std::uint32_t, 7> most{0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF,
                                                       0xFF,   0xFFFF,     0xFF};
    const auto kind = rng_.below(most.size());
    rule.kind = static_cast<pfcp::RuleKind>(kind);
    rule.id = word() & most[kind];
  }
  void fill(pfcp::SdfFilter& filter) {
    static constexpr std::array<std::string_view, 3> texts{
        "permit out 17 from 192.0.2.10 5004 to assigned 40000-40010",
        "permit out ip from any to assigned", "permit out 6 from 2001:db8::/64 443 to assigned"};
    if (chance(80)) filter.flow_description = texts[rng_.below(texts.size())];
    if (chance(30)) fill(filter.traffic_class.emplace());
    if (chance(20)) filter.security_parameter_index = word();
    if (chance(20)) filter.flow_label = word() & 0xFFFFFU;
    if (chance(40)) filter.id = word();
  }
  void fill(pfcp::OuterHeaderRemoval& removal) {
    removal.description = small(6);
    if (chance(30)) removal.deleted_extensions = std::uint8_t{1};
  }
  void fill(pfcp::OuterHeaderCreation& creation) {
    using enum pfcp::OuterHeader;
    static constexpr std::array kinds{gtpu_udp_ipv4, gtpu_udp_ipv6, udp_ipv4, udp_ipv6};
    creation.description = {kinds[rng_.below(kinds.size())]};
    if (creation.description.has(gtpu_udp_ipv4) && chance(30))
      creation.description.set(gtpu_udp_ipv6);
    if (creation.has_teid()) creation.teid = word();
    if (creation.has_v4()) fill(creation.v4);
    if (creation.has_v6()) fill(creation.v6);
    if (creation.has_port()) creation.port = static_cast<std::uint16_t>(rng_.below(65536));
  }
  void fill(pfcp::PacketDelayThresholds& delays) {
    if (chance(60)) delays.downlink = pfcp::Milliseconds32(word());
    if (chance(60)) delays.uplink = pfcp::Milliseconds32(word());
    if (chance(60)) delays.round_trip = pfcp::Milliseconds32(word());
  }
  void fill(pfcp::QosMonitoringMeasurement& measurement) {
    fill(measurement.delay);
    measurement.failed = chance(20);
  }
  void fill(pfcp::RtpExtensionDetails& details) {
    if (chance(60)) details.format = static_cast<pfcp::RtpExtensionFormat>(1 + rng_.below(2));
    if (chance(60)) details.pdu_set_size = chance(50);
    if (chance(60)) details.pdus_in_set = chance(50);
  }
  void fill(pfcp::PduSetImportances& importances) {
    importances.bits = static_cast<std::uint16_t>(rng_.below(65536));
  }

  SeededRng& rng_;
  std::deque<std::shared_ptr<void>>& kept_;
};

pfcp::Envelope AnyPfcp::envelope(pfcp::MessageType type) {
  pfcp::Envelope made;
  made.sequence_number = static_cast<std::uint32_t>(rng_.below(pfcp::sequence_numbers));
  if (!pfcp::has_seid(type)) return made;
  made.seid = rng_.next();
  if (rng_.below(2) == 0) made.priority = static_cast<std::uint8_t>(rng_.below(16));
  return made;
}

template <class Message>
Message AnyPfcp::message() {
  Message made{};
  Filler(*this).fill_group(made);
  return made;
}

template pfcp::HeartbeatRequest AnyPfcp::message();
template pfcp::HeartbeatResponse AnyPfcp::message();
template pfcp::AssociationSetupRequest AnyPfcp::message();
template pfcp::AssociationSetupResponse AnyPfcp::message();
template pfcp::AssociationUpdateRequest AnyPfcp::message();
template pfcp::AssociationUpdateResponse AnyPfcp::message();
template pfcp::AssociationReleaseRequest AnyPfcp::message();
template pfcp::AssociationReleaseResponse AnyPfcp::message();
template pfcp::PfdManagementResponse AnyPfcp::message();
template pfcp::SessionSetDeletionResponse AnyPfcp::message();
template pfcp::SessionSetModificationResponse AnyPfcp::message();
template pfcp::SessionEstablishmentRequest AnyPfcp::message();
template pfcp::SessionEstablishmentResponse AnyPfcp::message();
template pfcp::SessionModificationRequest AnyPfcp::message();
template pfcp::SessionModificationResponse AnyPfcp::message();
template pfcp::SessionDeletionRequest AnyPfcp::message();
template pfcp::SessionDeletionResponse AnyPfcp::message();
template pfcp::SessionReportRequest AnyPfcp::message();
template pfcp::SessionReportResponse AnyPfcp::message();

}  // namespace lobo::test
