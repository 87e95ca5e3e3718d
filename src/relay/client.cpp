#include "relay/client.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "base/require.hpp"
#include "base/result.hpp"
#include "relay/measure/clock_offset.hpp"
#include "relay/measure/stream_meter.hpp"
#include "wire/sdd/control.hpp"
#include "wire/sdd/frame.hpp"
#include "wire/sdd/sequence_window.hpp"
#include "wire/sdd/types.hpp"

namespace lobo::relay {
namespace {

constexpr std::uint32_t pings_first = 8;

std::chrono::microseconds since_epoch(Instant at) { return at.time_since_epoch(); }
std::chrono::microseconds micros(std::uint64_t count) {
  constexpr std::uint64_t most = std::numeric_limits<std::int64_t>::max() / 4;
  return std::chrono::microseconds(std::min(count, most));
}

}  // namespace

Instant ClientCore::node_clock(Instant now) const {
  const auto clock = clock_.estimate();
  return clock ? now + clock->offset : now;
}

void ClientCore::on_open(std::string name, Instant now) {
  control_ = {};
  say(sdd::Hello{.name = std::move(name)});
  pings_ = 0;
  ping(now);
  stats_from_ = now;
  stats_due_ = now + stats_interval;
  due_ = std::min(ping_due_, stats_due_);
}

void ClientCore::ping(Instant now) {
  say(sdd::ClockPing{.id = pings_++,
                     .sent_us = static_cast<std::uint64_t>(since_epoch(now).count())});
  ping_due_ = now + (pings_ < pings_first ? std::chrono::milliseconds(clock_interval_first)
                                          : std::chrono::milliseconds(clock_interval));
}

void ClientCore::advance(Instant now) {
  if (!due_ || now < *due_) return;
  if (now >= ping_due_) ping(now);
  if (now >= stats_due_) tell_stats(now);
  due_ = std::min(ping_due_, stats_due_);
}

void ClientCore::tell_stats(Instant now) {
  for (auto& [part, seen] : seen_)
    if (const auto flow = flow_of_.find(part); flow != flow_of_.end())
      seen.meter.finish(windows_[flow->second]);
  const auto window = std::chrono::duration_cast<std::chrono::milliseconds>(now - stats_from_);
  const auto clock = clock_.estimate();
  for (const auto& [flow, measured] : windows_) {
    if (measured.states == 0 && measured.loss.expected == 0) continue;
    sink_.measured(flow, measured);
    say(sdd::FlowStats{
        .flow = flow,
        .window_ms = static_cast<std::uint32_t>(window.count()),
        .received = measured.states,
        .bytes = measured.bytes,
        .lost = measured.loss.lost,
        .duplicates = measured.duplicates,
        .stale = measured.too_old,
        .jitter_us = static_cast<std::uint32_t>(measured.jitter.count()),
        .clock_error_us = clock ? static_cast<std::uint32_t>(clock->error.count()) : 0,
        .delay = measured.delay.sparse(),
        .age = measured.age.sparse(),
        .gap = measured.gap.sparse()});
  }
  windows_.clear();
  stats_from_ = now;
  stats_due_ = now + stats_interval;
}

bool ClientCore::on_control(Bytes bytes, Instant now) {
  while (true) {
    const auto message = control_.next(bytes);
    if (!message) return false;
    if (!*message) return true;
    if (const auto* pong = std::get_if<sdd::ClockPong>(&**message)) {
      clock_.add(micros(pong->ping_sent_us), micros(pong->ping_received_us), micros(pong->sent_us),
                 since_epoch(now));
      continue;
    }
    if (const auto* left_out = std::get_if<sdd::LeftOut>(&**message)) {
      std::uint64_t states = 0;
      for (const auto& asset : left_out->assets) states += asset.states;
      sink_.left_out(left_out->flow, states);
      continue;
    }
    if (const auto* event = std::get_if<sdd::Event>(&**message))
      if (event->kind == sdd::EventKind::asset_gone) forget(event->alias);
    sink_.told(**message);
  }
}

void ClientCore::forget(sdd::Alias alias) {
  std::erase_if(seen_, [&](const auto& one) { return one.first.first == alias; });
  std::erase_if(flow_of_, [&](const auto& one) { return one.first.first == alias; });
}

void ClientCore::on_datagram(Bytes datagram, Instant now) {
  ByteReader in(datagram);
  while (in.left() > 0) {
    const auto frame = sdd::read_frame(in);
    if (!frame) return;
    take(*frame, now);
  }
}

void ClientCore::take(const sdd::Frame& frame, Instant now) {
  const Part part{frame.alias, frame.component};
  auto known = seen_.find(part);
  if (known == seen_.end()) {
    if (seen_.size() >= components_seen_max) return;
    known = seen_.emplace(part, Seen{}).first;
  }
  if (!windows_.contains(frame.flow) && windows_.size() >= flows_seen_max) return;
  // Where a component comes by two flows, the first one's window has its gaps.
  flow_of_.try_emplace(part, frame.flow);
  Seen& seen = known->second;
  const bool whole = frame.kind == sdd::FrameKind::state;
  // A node whose numbers are far from ours is another one.
  if (seen.window.look(frame.seq) == sdd::Arrival::too_far) {
    seen.window.clear();
    seen.meter.restart();
    seen.assembly = {};
  }
  const sdd::Arrival look = seen.window.look(frame.seq);
  const bool fresh = look == sdd::Arrival::newest || look == sdd::Arrival::late;
  if (fresh && !whole && !seen.assembly.take(frame)) return;
  Bytes payload = frame.payload;
  if (fresh && !whole) {
    whole_.clear();
    for (std::size_t i = 0; i < seen.assembly.count(); ++i) {
      const Bytes piece = seen.assembly.piece(i).payload;
      whole_.insert(whole_.end(), piece.begin(), piece.end());
    }
    payload = whole_;
  }
  const sdd::Arrival arrival = seen.window.take(frame.seq);
  // Until the clocks were compared, a difference of them says nothing.
  seen.meter.add(windows_[frame.flow], frame.seq, arrival, payload.size(),
                 clock_.estimate() ? frame.tx_time : std::nullopt, node_clock(now));
  if (arrival == sdd::Arrival::newest || arrival == sdd::Arrival::late)
    hand_over(frame, payload, now);
}

void ClientCore::hand_over(const sdd::Frame& frame, Bytes payload, Instant now) {
  Received state{.flow = frame.flow,
                 .alias = frame.alias,
                 .component = frame.component,
                 .seq = frame.seq,
                 .base = frame.base,
                 .key = frame.key,
                 .payload = payload,
                 .age = {}};
  if (frame.tx_time && clock_.estimate())
    state.age = std::chrono::microseconds(
        static_cast<std::int32_t>(node_time(node_clock(now)) - *frame.tx_time));
  sink_.received(state);
}

Result<sdd::Sequence> ClientCore::publish(sdd::FlowId flow, sdd::Alias alias,
                                          sdd::Component component, Bytes payload,
                                          std::optional<sdd::Sequence> base, Instant now) {
  if (payload.empty()) return fail(Errc::missing, "a state without octets tells nothing");
  if (payload.size() > sdd::state_bytes_max)
    return fail(Errc::too_large, "a state has at most 4,096 octets; larger ones go by streams");
  const Part part{alias, component};
  if (!next_.contains(part) && next_.size() >= components_seen_max)
    return fail(Errc::too_many, "so many components are not published");
  sdd::Frame frame{
      .key = !base,
      .flow = flow,
      .alias = alias,
      .component = component,
      .seq = next_[part]++,
      // The node stamps what comes without a time of its clock.
      .tx_time = clock_.estimate() ? std::optional(node_time(node_clock(now))) : std::nullopt,
      .base = base};
  const bool whole = payload.size() <= sdd::fragment_payload_max;
  frame.kind = whole ? sdd::FrameKind::state : sdd::FrameKind::fragment;
  for (std::size_t at = 0; at < payload.size(); at += sdd::fragment_payload_max) {
    frame.payload = payload.subspan(at, std::min(sdd::fragment_payload_max, payload.size() - at));
    frame.more = at + frame.payload.size() < payload.size();
    std::array<std::byte, sdd::datagram_bytes_max> place;
    ByteWriter out(place);
    sdd::write_frame(out, frame);
    require(out.ok());
    sink_.send_datagram(out.written());
    ++frame.fragment;
  }
  return frame.seq;
}

}  // namespace lobo::relay
