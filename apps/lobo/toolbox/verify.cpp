#include "toolbox/verify.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "adapters/capture/source.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"
#include "model/pdu_set.hpp"
#include "toolbox/flow_table.hpp"
#include "toolbox/layers.hpp"
#include "toolbox/mark_reader.hpp"
#include "toolbox/progress.hpp"
#include "toolbox/reason.hpp"
#include "toolbox/set_audit.hpp"
#include "wire/capture/capture.hpp"
#include "wire/packet/flow.hpp"
#include "wire/packet/parse.hpp"
#include "wire/xrm/metadata.hpp"

namespace lobo::app {
namespace {

constexpr std::array<std::string_view, conveyances> names{
    "conveyed",   "unmarked",          "size_left_out",      "burst_left_out", "lost",
    "not_on_n6",  "container_missing", "container_uncalled", "fields_differ",  "burst_differs",
    "size_wrong", "qfi_differs",       "malformed"};

/// Who sent what to whom. A retransmission has another RTP sequence number; two equal datagrams are
/// told apart by their order.
std::uint64_t identity_of(const packet::PacketView& view) {
  constexpr std::uint64_t prime = 0x9E3779B97F4A7C15;
  std::uint64_t hash = packet::flow_hash(view.flow, 0);
  Bytes rest = view.user_data();
  for (; rest.size() >= 8; rest = rest.subspan(8)) {
    ByteReader word(rest.first(8));
    hash = (hash ^ word.be64()) * prime;
    hash ^= hash >> 29U;
  }
  for (const std::byte b : rest) hash = (hash ^ std::to_integer<std::uint64_t>(b)) * prime;
  return hash ^ (view.user_data().size() << 48U);
}

template <class Number>
std::optional<Number> known(std::optional<Number> value, Number unknown) {
  return value && *value != unknown ? value : std::nullopt;
}

/// Left out is fine; another value is not.
template <class Number>
bool contradicts(const std::optional<Number>& due, const std::optional<Number>& told) {
  return told && due != told;
}

Conveyance compare(const PduSetMark& due, const Reading& told) {
  const PduSetMark& mark = told.mark;
  if (due.end_of_pdu_set != mark.end_of_pdu_set ||
      due.end_of_data_burst != mark.end_of_data_burst || due.psi != mark.psi ||
      due.pssn != mark.pssn || due.psn != mark.psn)
    return Conveyance::fields_differ;
  if (told.session && told.set_qfi && told.session->qfi != *told.set_qfi)
    return Conveyance::qfi_differs;
  const auto gap = known(due.time_to_next_burst, xrm::ttnb_unknown);
  const auto gap_told = known(mark.time_to_next_burst, xrm::ttnb_unknown);
  const auto burst = known(due.burst_size, 0U);
  const auto burst_told = known(mark.burst_size, 0U);
  // A UPF that takes options away makes bursts shorter: only a burst out of nothing is wrong.
  if (contradicts(gap, gap_told) || (burst_told && !burst)) return Conveyance::burst_differs;
  if (known(due.pdu_set_size, 0U) && !known(mark.pdu_set_size, 0U))
    return Conveyance::size_left_out;
  if ((gap && !gap_told) || (burst && !burst_told)) return Conveyance::burst_left_out;
  return Conveyance::conveyed;
}

class Verification {
 public:
  Verification(adapters::CaptureSource& n6, adapters::CaptureSource& n3, MarkReader n6_reader,
               MarkReader n3_reader)
      : n6_(n6), n3_(n3), n6_reader_(std::move(n6_reader)), n3_reader_(std::move(n3_reader)) {}

  Verified run() {
    Progress progress("verify");
    while (const auto* item = n3_.next()) {
      progress.packet(n3_);
      if (item->kind == capture::Item::Kind::packet) conveyed(item->packet);
    }
    while (read_ahead()) continue;
    add(Conveyance::lost, ahead_.size());
    flows_.for_each([&](Flow& flow) {
      if (flow.audit) flow.audit->finish([&](const AuditedSet& set) { judged(set); });
    });
    return result_;
  }

 private:
  struct Due {
    bool marked = false;
    PduSetMark mark;
  };

  void add(Conveyance conveyance, std::uint64_t count = 1) {
    result_.counts[static_cast<std::size_t>(conveyance)] += count;
  }

  /// Takes the next datagram of N6 into the table; false at the end.
  bool read_ahead() {
    while (const auto* item = n6_.next()) {
      if (item->kind != capture::Item::Kind::packet) continue;
      take_apart(item->packet, layers_);
      if (!layers_.whole_udp() || layers_.tunnelled) continue;
      ++result_.n6_packets;
      n6_reader_.read(layers_, reading_);
      const auto identity = identity_of(layers_.inner);
      ahead_.emplace(identity, Due{reading_.holds(), reading_.mark});
      order_.push_back(identity);
      if (order_.size() > packets_ahead_max) forget_oldest();
      return true;
    }
    return false;
  }

  void forget_oldest() {
    // What was met already left the table before its turn came.
    const auto found = ahead_.find(order_.front());
    order_.pop_front();
    if (found == ahead_.end()) return;
    ahead_.erase(found);
    add(Conveyance::lost);
  }

  void conveyed(const capture::Packet& packet) {
    Layers layers;
    take_apart(packet, layers);
    if (layers.reason == Reason::gtpu_malformed) {
      ++result_.n3_packets;
      return add(Conveyance::malformed);
    }
    if (!layers.tunnelled || !layers.whole_udp()) return;
    ++result_.n3_packets;
    Reading told;
    n3_reader_.read(layers, told);
    if (told.reason == Reason::container_malformed) return add(Conveyance::malformed);
    const auto identity = identity_of(layers.inner);
    auto found = ahead_.find(identity);
    while (found == ahead_.end() && read_ahead()) found = ahead_.find(identity);
    if (found == ahead_.end()) return add(Conveyance::not_on_n6);
    const Due due = found->second;
    ahead_.erase(found);
    const bool has_container = told.set_qfi.has_value();
    if (has_container) audit(layers, told, packet);
    if (!due.marked)
      return add(has_container ? Conveyance::container_uncalled : Conveyance::unmarked);
    if (!has_container) return add(Conveyance::container_missing);
    add(compare(due.mark, told));
  }

  void audit(const Layers& layers, const Reading& told, const capture::Packet& packet) {
    Flow& flow = flows_.of(told.stream(layers));
    SetAudit* audit = flows_.audit_of(flow);
    if (!audit) return;
    // The mark as told on N3, not what the packet itself still carries.
    PduSetMark mark = told.mark;
    mark.pdus_in_set.reset();
    audit->add(
        {.mark = mark,
         .ip_bytes = layers.inner.ip_end - layers.inner.ip_at,
         .rtp_sequence = told.is_rtp ? std::optional(told.rtp.sequence_number) : std::nullopt,
         .at_ns = packet.time.count()},
        [&](const AuditedSet& set) { judged(set); });
  }

  void judged(const AuditedSet& set) {
    if (set.reason == Reason::size_wrong) add(Conveyance::size_wrong);
  }

  adapters::CaptureSource& n6_;
  adapters::CaptureSource& n3_;
  MarkReader n6_reader_;
  MarkReader n3_reader_;
  std::unordered_multimap<std::uint64_t, Due> ahead_;
  std::deque<std::uint64_t> order_;
  FlowTable flows_;
  Layers layers_;
  Reading reading_;
  Verified result_;
};

}  // namespace

std::string_view to_string(Conveyance conveyance) {
  return names[static_cast<std::size_t>(conveyance)];
}

bool Verified::all_is_well(bool loss_allowed) const {
  for (std::size_t i = 0; i < conveyances; ++i) {
    const auto one = static_cast<Conveyance>(i);
    if (one == Conveyance::lost && loss_allowed) continue;
    if (is_wrong(one) && counts[i] > 0) return false;
  }
  return true;
}

Result<Verified> verify(adapters::CaptureSource& n6, adapters::CaptureSource& n3,
                        const ReadSettings& settings) {
  auto n6_reader = MarkReader::create(settings);
  if (!n6_reader) return fail(n6_reader.error());
  // On N3 the containers are asked; an option that is still there was read on N6.
  auto without = settings;
  without.carriages_in_packet = false;
  auto n3_reader = MarkReader::create(without);
  if (!n3_reader) return fail(n3_reader.error());
  Verification verification(n6, n3, std::move(*n6_reader), std::move(*n3_reader));
  return verification.run();
}

}  // namespace lobo::app
