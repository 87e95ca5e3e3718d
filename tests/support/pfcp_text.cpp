#include "support/pfcp_text.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/bytes.hpp"
#include "base/few.hpp"
#include "base/quantity.hpp"
#include "model/address.hpp"
#include "support/golden.hpp"
#include "wire/pfcp/codec.hpp"
#include "wire/pfcp/flags.hpp"
#include "wire/pfcp/ie.hpp"
#include "wire/pfcp/media.hpp"
#include "wire/pfcp/members.hpp"
#include "wire/pfcp/message_members.hpp"  // NOLINT(misc-include-cleaner): specialisations
#include "wire/pfcp/repeated.hpp"
#include "wire/pfcp/rules.hpp"
#include "wire/pfcp/usage.hpp"
#include "wire/pfcp/values.hpp"

namespace lobo::test {
namespace {

class PfcpTree {
 public:
  template <class G>
  static std::vector<PfcpNode> of(const G& group) {
    PfcpTree tree;
    pfcp::Members<G>::visit(group, tree);
    return std::move(tree.nodes_);
  }

  template <class T>
  void operator()(pfcp::Presence /*presence*/, pfcp::IeType type, const T& member) {
    PfcpNode node;
    node.type = type;
    if constexpr (pfcp::Grouped<T>) {
      node.grouped = true;
      node.ies = of(member);
    } else {
      fields_ = &node.fields;
      tell(member);
    }
    nodes_.push_back(std::move(node));
  }
  template <class T>
  void operator()(pfcp::Presence presence, pfcp::IeType type, const std::optional<T>& member) {
    if (member) (*this)(presence, type, *member);
  }
  template <class T, std::size_t most>
  void operator()(pfcp::Presence presence, pfcp::IeType type, const Few<T, most>& member) {
    for (const T& one : member) (*this)(presence, type, one);
  }
  template <class T>
  void operator()(pfcp::Presence presence, pfcp::IeType type, const pfcp::Repeated<T>& member) {
    for (const T& one : member) (*this)(presence, type, one);
  }

 private:
  void add(const char* name, const std::string& value) { fields_->emplace_back(name, value); }
  void add(const char* name, std::uint64_t value) { add(name, fmt::format("{}", value)); }
  void add(const char* name, const model::Ipv4Address& value) { add(name, value.text()); }
  void add(const char* name, const model::Ipv6Address& value) { add(name, value.text()); }
  template <class T>
  void add(const char* name, const std::optional<T>& value) {
    if (value) add(name, *value);
  }
  template <class Tag>
  void add(const char* name, const std::optional<Quantity<Tag, std::uint64_t>>& value) {
    if (value) add(name, value->count);
  }
  template <class Rep, class Period>
  void add(const char* name, const std::optional<std::chrono::duration<Rep, Period>>& value) {
    if (value) add(name, value->count());
  }

  template <class Tag, class Rep>
  void tell(const pfcp::Number<Tag, Rep>& number) {
    add("value", number.value);
  }
  template <class Tag, unsigned width>
  void tell(const pfcp::SmallNumber<Tag, width>& number) {
    add("value", number.value);
  }
  template <class Rep, class Period>
  void tell(const std::chrono::duration<Rep, Period>& time) {
    add("value", time.count());
  }
  template <class Bit, std::size_t octets, std::size_t least>
  void tell(const pfcp::Flags<Bit, octets, least>& flags) {
    std::string text = fmt::format("{:02x}", fmt::join(flags.all_octets(), ""));
    while (text.ends_with("00")) text.resize(text.size() - 2);
    add("flags", text);
  }
  template <pfcp::OctetEnum T>
  void tell(const T& value) {
    add("value", static_cast<std::uint8_t>(value));
  }
  void tell(const pfcp::NtpSeconds& time) { add("value", time.value); }
  void tell(const pfcp::Octets& octets) { add("octets", to_hex(octets.bytes)); }
  void tell(const pfcp::NodeId& node) {
    if (const auto* v4 = std::get_if<model::Ipv4Address>(&node)) return add("v4", *v4);
    if (const auto* v6 = std::get_if<model::Ipv6Address>(&node)) return add("v6", *v6);
    add("fqdn", std::get<pfcp::FqdnLabels>(node).text());
  }
  void tell(const pfcp::FSeid& session) {
    add("seid", session.seid);
    add("v4", session.v4);
    add("v6", session.v6);
  }
  void tell(const pfcp::FTeid& tunnel) {
    add("teid", tunnel.teid);
    add("v4", tunnel.v4);
    add("v6", tunnel.v6);
  }
  void tell(const pfcp::LocalFTeid& tunnel) {
    if (const auto* known = std::get_if<pfcp::FTeid>(&tunnel)) return tell(*known);
    const auto& choice = std::get<pfcp::FTeidChoice>(tunnel);
    add("choose_v4", choice.v4 ? 1 : 0);
    add("choose_v6", choice.v6 ? 1 : 0);
    add("choose_id", choice.choose_id);
  }
  void tell(const pfcp::UeIpAddress& address) {
    add("v4", address.v4);
    add("v6", address.v6);
    add("choose_v4", address.choose_v4 ? 1 : 0);
    add("choose_v6", address.choose_v6 ? 1 : 0);
    add("destination", address.is_destination ? 1 : 0);
    add("delegated_bits", address.delegated_bits);
    add("prefix_length", address.v6_prefix_length);
  }
  void tell(const pfcp::BitRates& rates) {
    add("uplink", rates.uplink.count);
    add("downlink", rates.downlink.count);
  }
  void tell(const pfcp::GateStatus& gates) {
    add("uplink", gates.uplink_closed ? 1 : 0);
    add("downlink", gates.downlink_closed ? 1 : 0);
  }
  void tell(const pfcp::TrafficClass& traffic_class) {
    add("class", traffic_class.value);
    add("mask", traffic_class.mask);
  }
  void tell(const pfcp::Volume& volume) {
    add("total", volume.total);
    add("uplink", volume.uplink);
    add("downlink", volume.downlink);
  }
  void tell(const pfcp::VolumeMeasurement& volume) {
    tell(volume.octets);
    add("total_packets", volume.total_packets);
    add("uplink_packets", volume.uplink_packets);
    add("downlink_packets", volume.downlink_packets);
  }
  void tell(const pfcp::GracefulReleasePeriod& period) {
    add("unit", period.unit);
    add("count", period.count);
  }
  void tell(const pfcp::FailedRuleId& rule) {
    add("kind", static_cast<std::uint8_t>(rule.kind));
    add("id", rule.id);
  }
  void tell(const pfcp::SdfFilter& filter) {
    if (filter.flow_description) add("flow", std::string(*filter.flow_description));
    if (filter.traffic_class) tell(*filter.traffic_class);
    add("spi", filter.security_parameter_index);
    add("flow_label", filter.flow_label);
    add("id", filter.id);
  }
  void tell(const pfcp::OuterHeaderRemoval& removal) {
    add("description", removal.description);
    add("deleted_extensions", removal.deleted_extensions);
  }
  void tell(const pfcp::OuterHeaderCreation& creation) {
    tell(creation.description);
    if (creation.has_teid()) add("teid", creation.teid);
    if (creation.has_v4()) add("v4", creation.v4);
    if (creation.has_v6()) add("v6", creation.v6);
    if (creation.has_port()) add("port", creation.port);
  }
  void tell(const pfcp::PacketDelayThresholds& delays) {
    add("downlink", delays.downlink);
    add("uplink", delays.uplink);
    add("round_trip", delays.round_trip);
  }
  void tell(const pfcp::QosMonitoringMeasurement& measurement) {
    tell(measurement.delay);
    add("failed", measurement.failed ? 1 : 0);
  }
  void tell(const pfcp::RtpExtensionDetails& details) {
    if (details.format) add("format", static_cast<std::uint8_t>(*details.format));
    add("size_active", details.pdu_set_size);
    add("npds_active", details.pdus_in_set);
  }
  void tell(const pfcp::PduSetImportances& importances) {
    add("bits", fmt::format("{:04x}", importances.bits));
  }

  std::vector<PfcpNode> nodes_;
  std::vector<std::pair<std::string, std::string>>* fields_ = nullptr;
};

struct Mandatory {
  std::vector<pfcp::IeType> types;
  template <class T>
  void operator()(pfcp::Presence presence, pfcp::IeType type, const T& /*member*/) {
    if (presence == pfcp::Presence::mandatory) types.push_back(type);
  }
};

}  // namespace

template <class Message>
std::vector<pfcp::IeType> pfcp_mandatory() {
  Mandatory mandatory;
  const Message message{};
  pfcp::Members<Message>::visit(message, mandatory);
  return mandatory.types;
}

template <class Message>
std::vector<PfcpNode> pfcp_tree(const Message& message) {
  return PfcpTree::of(message);
}

std::string pfcp_lines(const std::vector<PfcpNode>& nodes, std::size_t depth) {
  std::string text;
  for (const PfcpNode& node : nodes) {
    text += fmt::format("{:{}}{}", "", depth * 2, pfcp::to_string(node.type));
    for (const auto& [name, value] : node.fields) text += fmt::format(" {}={}", name, value);
    text += '\n' + pfcp_lines(node.ies, depth + 1);
  }
  return text;
}

std::string pfcp_json(const std::vector<PfcpNode>& nodes) {
  std::string text = "[";
  const char* separator = "";
  for (const PfcpNode& node : nodes) {
    text += fmt::format(R"({}{{"ie": {}, )", separator, static_cast<std::uint16_t>(node.type));
    if (node.grouped) {
      text += R"("ies": )" + pfcp_json(node.ies) + "}";
    } else {
      std::string fields;
      for (const auto& [name, value] : node.fields)
        fields += fmt::format(R"({}"{}": "{}")", fields.empty() ? "" : ", ", name, value);
      text += fmt::format(R"("fields": {{{}}}}})", fields);
    }
    separator = ", ";
  }
  return text + "]";
}

template std::vector<PfcpNode> pfcp_tree(const pfcp::HeartbeatRequest&);
template std::vector<PfcpNode> pfcp_tree(const pfcp::HeartbeatResponse&);
template std::vector<PfcpNode> pfcp_tree(const pfcp::AssociationSetupRequest&);
template std::vector<PfcpNode> pfcp_tree(const pfcp::AssociationSetupResponse&);
template std::vector<PfcpNode> pfcp_tree(const pfcp::AssociationUpdateRequest&);
template std::vector<PfcpNode> pfcp_tree(const pfcp::AssociationUpdateResponse&);
template std::vector<PfcpNode> pfcp_tree(const pfcp::AssociationReleaseRequest&);
template std::vector<PfcpNode> pfcp_tree(const pfcp::AssociationReleaseResponse&);
template std::vector<PfcpNode> pfcp_tree(const pfcp::PfdManagementResponse&);
template std::vector<PfcpNode> pfcp_tree(const pfcp::SessionSetDeletionResponse&);
template std::vector<PfcpNode> pfcp_tree(const pfcp::SessionSetModificationResponse&);
template std::vector<PfcpNode> pfcp_tree(const pfcp::SessionEstablishmentRequest&);
template std::vector<PfcpNode> pfcp_tree(const pfcp::SessionEstablishmentResponse&);
template std::vector<PfcpNode> pfcp_tree(const pfcp::SessionModificationRequest&);
template std::vector<PfcpNode> pfcp_tree(const pfcp::SessionModificationResponse&);
template std::vector<PfcpNode> pfcp_tree(const pfcp::SessionDeletionRequest&);
template std::vector<PfcpNode> pfcp_tree(const pfcp::SessionDeletionResponse&);
template std::vector<PfcpNode> pfcp_tree(const pfcp::SessionReportRequest&);
template std::vector<PfcpNode> pfcp_tree(const pfcp::SessionReportResponse&);

template std::vector<pfcp::IeType> pfcp_mandatory<pfcp::HeartbeatRequest>();
template std::vector<pfcp::IeType> pfcp_mandatory<pfcp::HeartbeatResponse>();
template std::vector<pfcp::IeType> pfcp_mandatory<pfcp::AssociationSetupRequest>();
template std::vector<pfcp::IeType> pfcp_mandatory<pfcp::AssociationSetupResponse>();
template std::vector<pfcp::IeType> pfcp_mandatory<pfcp::AssociationUpdateRequest>();
template std::vector<pfcp::IeType> pfcp_mandatory<pfcp::AssociationUpdateResponse>();
template std::vector<pfcp::IeType> pfcp_mandatory<pfcp::AssociationReleaseRequest>();
template std::vector<pfcp::IeType> pfcp_mandatory<pfcp::AssociationReleaseResponse>();
template std::vector<pfcp::IeType> pfcp_mandatory<pfcp::PfdManagementResponse>();
template std::vector<pfcp::IeType> pfcp_mandatory<pfcp::SessionSetDeletionResponse>();
template std::vector<pfcp::IeType> pfcp_mandatory<pfcp::SessionSetModificationResponse>();
template std::vector<pfcp::IeType> pfcp_mandatory<pfcp::SessionEstablishmentRequest>();
template std::vector<pfcp::IeType> pfcp_mandatory<pfcp::SessionEstablishmentResponse>();
template std::vector<pfcp::IeType> pfcp_mandatory<pfcp::SessionModificationRequest>();
template std::vector<pfcp::IeType> pfcp_mandatory<pfcp::SessionModificationResponse>();
template std::vector<pfcp::IeType> pfcp_mandatory<pfcp::SessionDeletionRequest>();
template std::vector<pfcp::IeType> pfcp_mandatory<pfcp::SessionDeletionResponse>();
template std::vector<pfcp::IeType> pfcp_mandatory<pfcp::SessionReportRequest>();
template std::vector<pfcp::IeType> pfcp_mandatory<pfcp::SessionReportResponse>();

}  // namespace lobo::test
