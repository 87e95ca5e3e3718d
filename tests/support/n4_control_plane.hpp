#pragma once
// A control plane for tests of the UPF's side of N4: it makes requests as bytes and reads what
// comes back. No socket and no clock.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <variant>
#include <vector>

#include "base/bytes.hpp"
#include "base/require.hpp"
#include "dataplane/n4/types.hpp"
#include "model/address.hpp"
#include "wire/pfcp/header.hpp"
#include "wire/pfcp/messages.hpp"
#include "wire/pfcp/refusal.hpp"
#include "wire/pfcp/rules.hpp"
#include "wire/pfcp/usage.hpp"
#include "wire/pfcp/values.hpp"

namespace lobo::test {

/// The rules of a request, kept while it is used.
struct N4Rules {
  std::vector<pfcp::CreatePdr> pdrs;
  std::vector<pfcp::CreateFar> fars;
  std::vector<pfcp::CreateQer> qers;
  std::vector<pfcp::CreateUrr> urrs;
  std::vector<pfcp::Srr> srrs;
  std::vector<pfcp::UpdatePdr> update_pdrs;
  std::vector<pfcp::UpdateFar> update_fars;
  std::vector<pfcp::UpdateQer> update_qers;
  std::vector<pfcp::UpdateUrr> update_urrs;
  std::vector<pfcp::Srr> update_srrs;
  std::vector<pfcp::RemovePdr> remove_pdrs;
  std::vector<pfcp::RemoveFar> remove_fars;
  std::vector<pfcp::RemoveQer> remove_qers;
  std::vector<pfcp::RemoveUrr> remove_urrs;
  std::vector<pfcp::RemoveSrr> remove_srrs;
  std::vector<pfcp::QueryUrr> queries;
  std::optional<pfcp::Bar> bar;
  std::optional<pfcp::FSeid> moved_to;
  std::optional<pfcp::ModificationFlags> flags;

  template <class Request>
  void create_in(Request& request) const {
    request.create_pdrs = std::span(pdrs);
    request.create_fars = std::span(fars);
    request.create_qers = std::span(qers);
    request.create_urrs = std::span(urrs);
    request.create_srrs = std::span(srrs);
    request.create_bar = bar;
  }
  pfcp::SessionEstablishmentRequest establishment(const pfcp::NodeId& node,
                                                  const pfcp::FSeid& control) const {
    pfcp::SessionEstablishmentRequest request{.node = node, .cp_f_seid = control};
    create_in(request);
    return request;
  }
  pfcp::SessionModificationRequest modification() const {
    pfcp::SessionModificationRequest request;
    create_in(request);
    request.cp_f_seid = moved_to;
    request.update_pdrs = std::span(update_pdrs);
    request.update_fars = std::span(update_fars);
    request.update_qers = std::span(update_qers);
    request.update_urrs = std::span(update_urrs);
    request.update_srrs = std::span(update_srrs);
    request.remove_pdrs = std::span(remove_pdrs);
    request.remove_fars = std::span(remove_fars);
    request.remove_qers = std::span(remove_qers);
    request.remove_urrs = std::span(remove_urrs);
    request.remove_srrs = std::span(remove_srrs);
    request.query_urrs = std::span(queries);
    request.flags = flags;
    return request;
  }
};

inline model::Ipv4Address ue_v4(std::uint32_t number) {
  return {{10, static_cast<std::uint8_t>(number >> 16U & 0xFFU),
           static_cast<std::uint8_t>(number >> 8U & 0xFFU),
           static_cast<std::uint8_t>(number & 0xFFU)}};
}

inline pfcp::CreatePdr uplink_pdr(std::uint16_t id, std::uint32_t far) {
  pfcp::CreatePdr pdr{.id = {id}, .precedence = {100}};
  pdr.pdi.source_interface = pfcp::Interface::access;
  pdr.pdi.local_f_teid = pfcp::FTeidChoice{.v4 = true};
  pdr.outer_header_removal = pfcp::OuterHeaderRemoval{};
  pdr.far = pfcp::FarId{far};
  return pdr;
}
inline pfcp::CreatePdr downlink_pdr(std::uint16_t id, std::uint32_t far, std::uint32_t ue) {
  pfcp::CreatePdr pdr{.id = {id}, .precedence = {100}};
  pdr.pdi.source_interface = pfcp::Interface::core;
  require(pdr.pdi.ue_addresses.add({.v4 = ue_v4(ue), .is_destination = true}));
  pdr.far = pfcp::FarId{far};
  return pdr;
}
inline pfcp::CreateFar forward_to(std::uint32_t id, pfcp::Interface destination) {
  return {
      .id = {id},
      .apply_action = {pfcp::Action::forw},
      .forwarding_parameters = pfcp::ForwardingParameters{.destination_interface = destination}};
}
inline pfcp::OuterHeaderCreation to_gnb(std::uint32_t teid, std::string_view address) {
  return {.description = {pfcp::OuterHeader::gtpu_udp_ipv4},
          .teid = teid,
          .v4 = *model::Ipv4Address::parse(address)};
}
/// PDR 1 and FAR 1 up, PDR 2 and FAR 2 down to a gNB; `ue` makes the UE's address and the gNB's
/// TEID.
inline N4Rules two_ways(std::uint32_t ue) {
  N4Rules rules;
  rules.pdrs = {uplink_pdr(1, 1), downlink_pdr(2, 2, ue)};
  rules.fars = {forward_to(1, pfcp::Interface::core), forward_to(2, pfcp::Interface::access)};
  rules.fars[1].forwarding_parameters->outer_header_creation = to_gnb(ue + 1, "192.0.2.7");
  return rules;
}

class ControlPlane {
 public:
  explicit ControlPlane(std::string_view address = "192.0.2.1",
                        std::uint32_t recovered = 0xE0000000)
      : at_{*model::Ipv4Address::parse(address), pfcp::udp_port}, recovered_{recovered} {}

  const dataplane::n4::Endpoint& at() const { return at_; }
  model::Ipv4Address address() const { return std::get<model::Ipv4Address>(at_.address); }
  pfcp::NodeId node() const { return address(); }
  pfcp::FSeid f_seid(std::uint64_t seid) const { return {.seid = seid, .v4 = address()}; }
  pfcp::NtpSeconds recovered() const { return recovered_; }
  /// It forgets all, counts from the beginning and has a later time stamp.
  void restart() {
    ++recovered_.value;
    last_ = 0;
  }
  std::uint32_t last_number() const { return last_; }

  /// Bytes with a new sequence number.
  template <class Message>
  std::vector<std::byte> request(const Message& message, std::uint64_t seid = 0) {
    return bytes({.seid = seid, .sequence_number = ++last_}, message);
  }
  template <class Message>
  static std::vector<std::byte> bytes(const pfcp::Envelope& envelope, const Message& message) {
    std::vector<std::byte> room(pfcp::message_bytes_max);
    room.resize(pfcp::write_message(room, envelope, message));
    require(!room.empty());
    return room;
  }
  std::vector<std::byte> association() {
    return request(pfcp::AssociationSetupRequest{
        .node = node(), .recovery_time_stamp = recovered_, .cp_features = pfcp::CpFeatures{}});
  }
  std::vector<std::byte> establishment(const N4Rules& rules, std::uint64_t seid) {
    return request(rules.establishment(node(), f_seid(seid)));
  }

 private:
  dataplane::n4::Endpoint at_;
  pfcp::NtpSeconds recovered_;
  std::uint32_t last_ = 0;
};

/// A message that came, and what it says; the bytes are kept as long.
template <class Message>
struct Came {
  dataplane::n4::MessageBytes bytes;
  pfcp::Envelope envelope;
  Message message;
};
/// Nothing where it is another message, or none.
template <class Message>
std::optional<Came<Message>> read_as(const dataplane::n4::MessageBytes& bytes) {
  const pfcp::MessageView view = pfcp::parse_message(*bytes);
  if (!view.ok() || view.type != Message::type) return std::nullopt;
  pfcp::Remarks remarks;
  auto message = pfcp::read_message<Message>(view, remarks);
  if (!message || remarks != pfcp::Remarks{}) return std::nullopt;
  return Came<Message>{bytes, view.envelope, *message};
}

}  // namespace lobo::test
