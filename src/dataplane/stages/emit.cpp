#include "dataplane/stages/emit.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/bytes.hpp"
#include "dataplane/elapsed.hpp"
#include "dataplane/rules/treatment.hpp"
#include "dataplane/set_tracker.hpp"
#include "dataplane/stages/monitor.hpp"
#include "dataplane/stages/neighbours.hpp"
#include "dataplane/stages/outer_headers.hpp"
#include "dataplane/stages/passage.hpp"
#include "dataplane/stages/path_counters.hpp"
#include "dataplane/stages/path_drop.hpp"
#include "dataplane/stages/wanted_addresses.hpp"
#include "model/pdu_set.hpp"
#include "wire/gtpu/bits.hpp"
#include "wire/gtpu/containers.hpp"
#include "wire/gtpu/flow_header.hpp"
#include "wire/gtpu/packet.hpp"
#include "wire/packet/edit.hpp"
#include "wire/packet/flow.hpp"
#include "wire/packet/parse.hpp"
#include "wire/udp_options/edit.hpp"
#include "wire/udp_options/surplus.hpp"
#include "wire/xrm/option.hpp"

namespace lobo::dataplane {
namespace {

/// The extension headers of one packet that tells more than its flow and its mark. QoS flow first,
/// since a gNB may stop at a type that it does not know.
class Chain {
 public:
  void add_session(const gtpu::DlSession& session, gtpu::Release release) {
    ByteWriter out(session_);
    gtpu::write_dl_session(out, session, release);
    chain_[count_++] = {gtpu::type_pdu_session_container, out.written()};
  }
  void add_set(std::uint8_t type, std::uint8_t qfi, const PduSetMark& mark) {
    ByteWriter out(set_);
    gtpu::write_pdu_set_information(out, qfi, mark);
    chain_[count_++] = {type, out.written()};
  }
  std::size_t bytes() const { return gtpu::encapsulation_bytes(extensions()); }
  bool write(MutableBytes message, std::uint32_t teid) const {
    return gtpu::encapsulate(message, bytes(), teid, extensions()).has_value();
  }

 private:
  std::span<const gtpu::Extension> extensions() const { return std::span(chain_).first(count_); }

  std::array<std::byte, gtpu::container_content_bytes_max> session_;
  std::array<std::byte, gtpu::container_content_bytes_max> set_;
  std::array<gtpu::Extension, 2> chain_;
  std::size_t count_ = 0;
};

constexpr std::uint32_t sequence_mask = 0xFFFFFF;

gtpu::DlSession session_of(const Passage& passage, std::optional<std::uint64_t> stamp) {
  const Treatment& rule = *passage.treatment;
  gtpu::DlSession session{.qfi = rule.qfi, .reflective_qos = rule.reflective};
  session.sending_time = stamp;
  if (rule.paging_policy != Treatment::no_paging_policy) session.paging_policy = rule.paging_policy;
  if (rule.number_pdus) {
    std::uint32_t& number = rule.qer->qfi_sequence_number;
    number = (number + 1) & sequence_mask;
    session.qfi_sequence_number = number;
  }
  if (!passage.marked) return session;
  if (rule.tell_burst_size) session.burst_size = passage.mark.burst_size;
  if (rule.tell_time_to_burst) session.time_to_next_burst = passage.mark.time_to_next_burst;
  return session;
}

/// What each PDU of the set lost on its way to the RAN. Options differ by an octet that aligns them
/// and by fields that only some PDUs carry, and PDUs of one set may not tell different sizes: what
/// the first one lost stands for all.
std::uint32_t removed_each(const Passage& passage) {
  if (passage.set == nullptr || passage.removed >= no_surplus_yet) return passage.removed;
  if (passage.set->surplus_each == no_surplus_yet)
    passage.set->surplus_each = static_cast<std::uint8_t>(passage.removed);
  return passage.set->surplus_each;
}

bool end_of_burst_for_ran(const Passage& passage) {
  return passage.mark.end_of_data_burst && passage.treatment->mark_burst_end;
}
std::optional<std::uint32_t> size_for_ran(const Passage& passage) {
  return gtpu::fixed_pdu_set_size(passage.mark.pdu_set_size, passage.mark.pdus_in_set,
                                  removed_each(passage));
}
PduSetMark mark_for_ran(const Passage& passage) {
  PduSetMark mark = passage.mark;
  mark.end_of_data_burst = end_of_burst_for_ran(passage);
  mark.pdu_set_size = size_for_ran(passage);
  return mark;
}

}  // namespace

Emitter::Emitter(const PathSettings& settings, Monitor& monitor, WantedAddresses& wanted,
                 PathCounters& counters)
    : settings_(settings), monitor_(monitor), wanted_(wanted), counters_(counters) {}

/// The tunnel's headers; `header` is GTP-U's.
template <class Header>
bool Emitter::put_in_front(Passage& passage, const Header& header) noexcept {
  const Treatment& rule = *passage.treatment;
  const std::size_t outer = headers_.bytes();
  if (!passage.packet->reframe(passage.view.ip_at, passage.view.ip_end, outer + header.bytes()))
    return false;
  const MutableBytes frame = passage.packet->bytes();
  const std::uint8_t psi = passage.marked ? passage.mark.psi.value() : std::uint8_t{0};
  return header.write(frame.subspan(outer), rule.teid) &&
         headers_.write(frame, rule.traffic_class[psi]);
}

/// Takes our option out, and with the last one the whole surplus area. Of the rest of the packet
/// only the IP length changes, with its checksum (RFC 9868 clause 9).
void Emitter::strip_options(Passage& passage) noexcept {
  packet::PacketView& view = passage.view;
  if (passage.surplus != Surplus::ours_alone) return strip_one_of_many(passage);
  const MutableBytes frame = passage.packet->bytes();
  if (!packet::set_transport_length(frame, view, view.user_end - view.transport_at)) {
    counters_.options_kept.add(1);
    return;
  }
  passage.removed = view.ip_end - view.user_end;
  view.ip_end = view.user_end;
}

PathDrop Emitter::encapsulate(Passage& passage, const Turn& turn) noexcept {
  const Treatment& rule = *passage.treatment;
  const HopAddress peer{rule.peer_high, rule.peer_low, rule.peer_version};
  if (headers_.peer() != peer)
    if (const PathDrop drop = find_way(peer, turn); drop != PathDrop::nothing) return drop;

  if (settings_.strip_options && passage.surplus != Surplus::none) strip_options(passage);
  const bool with_set = rule.mark_sets && passage.marked;
  bool written = false;
  if (rule.tells_flow_alone) {
    gtpu::FlowHeader header(rule.qfi, rule.reflective);
    if (with_set)
      header.add_set(settings_.set_container, passage.mark, end_of_burst_for_ran(passage),
                     size_for_ran(passage));
    written = put_in_front(passage, header);
  } else {
    Chain header;
    if (rule.has_qfi)
      header.add_session(session_of(passage, monitor_.stamp(passage, turn)), settings_.release);
    if (with_set) header.add_set(settings_.set_container, rule.qfi, mark_for_ran(passage));
    written = put_in_front(passage, header);
  }
  if (headers_hop_.waited_for.version != 0) [[unlikely]]
    waits_for_ = &headers_hop_.waited_for;
  return written ? PathDrop::nothing : PathDrop::no_room;
}

Treatment::To Emitter::emit(Passage& passage, const Turn& turn) noexcept {
  waits_for_ = nullptr;
  const Treatment::To to = passage.treatment->to;
  passage.drop = to == Treatment::To::n3 ? encapsulate(passage, turn) : hand_over(passage, turn);
  return passage.drop == PathDrop::nothing ? to : Treatment::To::nowhere;
}

/// Makes headers_ those of the way to `peer`, if there is one.
PathDrop Emitter::find_way(const HopAddress& peer, const Turn& turn) noexcept {
  const Side& side = turn.neighbours.n3;
  const HopAddress& own = side.own(peer.version);
  if (own.version == 0) return PathDrop::no_address;
  const auto hop = next_hop(side, PathSide::n3, peer, turn.now);
  if (!hop) return PathDrop::no_neighbour;
  headers_hop_ = *hop;
  headers_ = OuterHeaders({.from = own,
                           .to = peer,
                           .from_mac = side.mac(),
                           .to_mac = hop->mac,
                           .with_udp_checksum = !settings_.zero_udp_checksum_over_ipv6});
  return PathDrop::nothing;
}

PathDrop Emitter::hand_over(Passage& passage, const Turn& turn) noexcept {
  const packet::FlowKey& flow = passage.view.flow;
  const Side& side = turn.neighbours.n6;
  const HopAddress to{flow.destination_high, flow.destination_low, flow.ip_version};
  const auto hop = next_hop(side, PathSide::n6, to, turn.now);
  if (!hop) return PathDrop::no_neighbour;
  if (!passage.packet->reframe(passage.view.ip_at, passage.view.ip_end,
                               packet::ethernet_header_bytes))
    return PathDrop::no_room;
  write_link(passage.packet->bytes(), hop->mac, side.mac(), flow.ip_version);
  if (hop->waited_for.version != 0) [[unlikely]] {
    hop_ = *hop;
    waits_for_ = &hop_.waited_for;
  }
  return PathDrop::nothing;
}

/// Nothing where there is no route.
std::optional<Emitter::NextHop> Emitter::next_hop(const Side& side, PathSide name,
                                                  const HopAddress& to, Elapsed now) noexcept {
  const Side::Hop hop = side.hop_to(to);
  if (hop.mac) return NextHop{*hop.mac, {}};
  if (hop.via.version == 0) return std::nullopt;
  wanted_.want(name, hop.via, now);
  return NextHop{0, hop.via};
}

void Emitter::strip_one_of_many(Passage& passage) noexcept {
  packet::PacketView& view = passage.view;
  const MutableBytes frame = passage.packet->bytes().first(view.ip_end);
  const udp_options::Surplus surplus = udp_options::read_surplus(view);
  const xrm::OptionKind kind = settings_.option_kind;
  const udp_options::Option* const option =
      kind.has_exid() ? surplus.find_experiment(kind.exid()) : surplus.find(kind.kind());
  std::uint32_t end = view.ip_end;
  if (option != nullptr)
    if (const auto edited = udp_options::remove(frame, view, surplus, *option))
      end = static_cast<std::uint32_t>(*edited);
  if (end == view.ip_end) counters_.options_kept.add(1);
  passage.removed = view.ip_end - end;
  view.ip_end = end;
}

}  // namespace lobo::dataplane
