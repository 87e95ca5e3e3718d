#include "dataplane/stages/pipeline.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

#include "dataplane/elapsed.hpp"
#include "dataplane/rules/treatment.hpp"
#include "dataplane/rules/worker_event.hpp"
#include "dataplane/stages/buffer.hpp"
#include "dataplane/stages/classify.hpp"
#include "dataplane/stages/neighbours.hpp"
#include "dataplane/stages/parse.hpp"
#include "dataplane/stages/passage.hpp"
#include "dataplane/stages/path_counters.hpp"
#include "dataplane/stages/path_drop.hpp"
#include "dataplane/stages/track.hpp"
#include "dataplane/stages/waiting_room.hpp"
#include "dataplane/stages/wanted_addresses.hpp"
#include "wire/packet_io/batch.hpp"
#include "wire/xrm/receiver.hpp"

namespace lobo::dataplane {

Pipeline::Pipeline(const PathSettings& settings, xrm::Receiver& receiver, WorkerEvents& events)
    : settings_(settings),
      signalling_(settings_, events, counters_),
      opener_(settings_, receiver, counters_),
      policer_(settings_, events, counters_),
      monitor_(settings_, events, counters_),
      emitter_(settings_, monitor_, wanted_, counters_) {}

std::span<Passage> Pipeline::begin(packet_io::Batch& batch, Outgoing& out) noexcept {
  out.clear();
  const std::span<Passage> passages = std::span(passages_).first(batch.size());
  for (std::size_t i = 0; i < passages.size(); ++i) passages[i].begin(batch[i]);
  emitter_.begin();
  return passages;
}

/// What was handed on is counted by who takes it.
void Pipeline::end(const packet_io::Batch& batch, const Sent& sent,
                   PathCounters::Direction& counters) noexcept {
  std::uint64_t octets = 0;
  for (std::size_t i = 0; i < batch.size(); ++i) octets += passages_[i].frame_octets;
  counters.received.add(batch.size() - sent.handed_packets, octets - sent.handed_octets);
  counters.sent.add(sent.packets, sent.octets);
}

void Pipeline::downlink(packet_io::Batch& batch, const Turn& turn, Outgoing& out) noexcept {
  Sent sent;
  pass_downlink(batch, turn, sent, out);
  end(batch, sent, counters_.downlink);
}

/// They were counted as received when they came.
bool Pipeline::resume(const Turn& turn, Outgoing& out) noexcept {
  resumed_.clear();
  const Buffer::Dropped dropped = buffer_.take(turn, resumed_);
  PathCounters::Direction& counters = counters_.downlink;
  counters.dropped[PathDrop::rule_buffers].add(dropped.packets, dropped.octets);
  counters.buffered.set(counters.buffered.value() - dropped.packets - resumed_.size());
  if (resumed_.empty()) return false;
  Sent sent;
  pass_downlink(resumed_, turn, sent, out);
  counters.sent.add(sent.packets, sent.octets);
  return true;
}

void Pipeline::pass_downlink(packet_io::Batch& batch, const Turn& turn, Sent& sent,
                             Outgoing& out) noexcept {
  const std::span<Passage> passages = begin(batch, out);
  parse_n6(passages, turn, counters_);
  classify_downlink(passages, turn);
  opener_.open(passages);
  for (Passage& passage : passages) {
    if (passage.goes_on()) {
      passage.set = track(passage, turn.now);
      policer_.police(passage, passage.set, turn);
    }
    leave(passage, turn, counters_.downlink, sent, out);
  }
}

void Pipeline::uplink(packet_io::Batch& batch, const Turn& turn, Outgoing& out) noexcept {
  const std::span<Passage> passages = begin(batch, out);
  parse_n3(passages, turn, signalling_, counters_);
  classify_uplink(passages, turn, signalling_);
  Sent sent;
  for (Passage& passage : passages) {
    if (passage.entry != nullptr) monitor_.take_report(passage, turn);
    if (passage.goes_on()) policer_.police(passage, nullptr, turn);
    leave(passage, turn, counters_.uplink, sent, out);
  }
  end(batch, sent, counters_.uplink);
}

/// Whether it found room there.
bool Pipeline::wait(const Passage& passage, const Turn& turn, Treatment::To to,
                    PathCounters::Direction& counters) noexcept {
  const bool waits = waiting_.put({.side = to == Treatment::To::n3 ? PathSide::n3 : PathSide::n6,
                                   .hop = *emitter_.waits_for(),
                                   .downlink = &counters == &counters_.downlink,
                                   .frame_octets = passage.frame_octets,
                                   .packet = *passage.packet},
                                  turn.now);
  if (waits) counters.waiting.add(1);
  return waits;
}

void Pipeline::release(const Neighbours& neighbours, Elapsed now, Outgoing& out) noexcept {
  out.clear();
  while (out.n3.size() + out.n6.size() < packet_io::batch_packets_max) {
    const auto left = waiting_.take(neighbours, now);
    if (!left) return;
    const WaitingRoom::Kept& kept = left->kept;
    PathCounters::Direction& counters = kept.downlink ? counters_.downlink : counters_.uplink;
    counters.waiting.set(counters.waiting.value() - 1);
    if (left->reached) {
      (kept.side == PathSide::n3 ? out.n3 : out.n6).push(kept.packet);
      counters.sent.add(1, kept.packet.size());
    } else {
      counters.dropped[PathDrop::no_neighbour].add(1, kept.frame_octets);
    }
  }
}

/// Each packet is counted here once: as sent, as dropped, as a signal or as one that
/// waits.
void Pipeline::leave(Passage& passage, const Turn& turn, PathCounters::Direction& counters,
                     Sent& sent, Outgoing& out) noexcept {
  if (passage.handed_on) [[unlikely]] {
    out.to[out.others.size()] = passage.handed_to;
    out.others.push(*passage.packet);
    ++sent.handed_packets;
    sent.handed_octets += passage.frame_octets;
    return;
  }
  Treatment::To to = Treatment::To::nowhere;
  if (passage.goes_on()) {
    to = emitter_.emit(passage, turn);
    if (to != Treatment::To::nowhere && emitter_.waits_for() != nullptr) [[unlikely]] {
      if (wait(passage, turn, to, counters)) return;
      passage.drop = PathDrop::no_neighbour;
      to = Treatment::To::nowhere;
    }
  }
  if (to == Treatment::To::n3) out.n3.push(*passage.packet);
  if (to == Treatment::To::n6) out.n6.push(*passage.packet);
  if (passage.answered) out.n3.push(*passage.packet);
  if (passage.drop != PathDrop::nothing) {
    const bool waits = passage.drop == PathDrop::rule_buffers && &counters == &counters_.downlink;
    if (waits && buffer_.put(passage, turn)) return counters.buffered.add(1);
    counters.dropped[passage.drop].add(1, passage.frame_octets);
    if (passage.treatment == nullptr) return;
    passage.treatment->drops->packets.add(1);
    passage.treatment->drops->octets.add(passage.octets);
  } else if (passage.signal != Signal::none) {
    counters_.signals_seen[passage.signal].add(1);
  } else {
    ++sent.packets;
    sent.octets += passage.packet->size();
  }
}

}  // namespace lobo::dataplane
