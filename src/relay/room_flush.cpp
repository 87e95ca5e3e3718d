#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <vector>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "relay/bits.hpp"
#include "relay/interest.hpp"
#include "relay/limits.hpp"
#include "relay/member.hpp"
#include "relay/ports.hpp"
#include "relay/room.hpp"
#include "relay/slot.hpp"
#include "wire/sdd/control.hpp"
#include "wire/sdd/frame.hpp"
#include "wire/sdd/sequence_window.hpp"
#include "wire/sdd/stream_header.hpp"
#include "wire/sdd/types.hpp"
#include "wire/sdd/varint.hpp"

namespace lobo::relay {
namespace {

constexpr auto turn_bytes_min = static_cast<std::int64_t>(sdd::datagram_bytes_max);

std::int64_t micros(Instant at) { return at.time_since_epoch().count(); }

bool used_up(const Member& member) {
  return member.turn_left <= 0 || (member.bps > 0 && member.budget_bytes <= 0);
}

std::uint64_t path_bps(const PathStats& path, const Limits& limits) {
  if (path.congestion_window == 0 || path.smoothed_rtt < limits.path_rtt_min) return 0;
  const auto rtt = static_cast<std::uint64_t>(path.smoothed_rtt.count());
  return path.congestion_window * 8 * 1'000'000 / rtt * limits.path_share_percent / 100;
}

}  // namespace

/// Frames of one member's turn into datagrams.
class Room::Packer {
 public:
  Packer(Links& links, Member& member)
      : links_(links),
        member_(member),
        most_(std::min(
            {sdd::datagram_bytes_max, links.datagram_max(member.link), member.datagram_max})) {}

  /// False where no datagram of this path takes the frame. A state that is sent again goes without
  /// its time: how long it lay here says nothing of the path.
  bool add(const Block& block, const Flow& flow, Sent sent) {
    const std::size_t left_out = sent == Sent::again ? sizeof(sdd::NodeTime) : 0;
    const std::size_t size = 1 + sdd::varint_bytes(flow.claims.id) + block.rest.size() - left_out;
    if (size > most_) return false;
    if (used_ + size > most_) send();
    unsigned first = block.first;
    if (member_.second_path && flow.claims.redundant) first |= sdd::frame_dup_path_flag;
    if (left_out > 0) first &= ~sdd::frame_time_flag;
    ByteWriter out(MutableBytes(place_).subspan(used_));
    out.u8(static_cast<std::uint8_t>(first));
    sdd::write_varint(out, flow.claims.id);
    std::byte* at = place_.data() + used_ + out.position();
    const std::size_t head = left_out > 0 ? sdd::frame_time_at : block.rest.size();
    std::memcpy(at, block.rest.data(), head);
    if (left_out > 0)
      std::memcpy(at + head, block.rest.data() + head + left_out,
                  block.rest.size() - head - left_out);
    used_ += size;
    member_.budget_bytes -= static_cast<std::int64_t>(size);
    member_.turn_left -= static_cast<std::int64_t>(size);
    return true;
  }
  void send() {
    if (used_ == 0) return;
    links_.send_datagram(member_.link, Bytes(place_).first(used_), member_.next_tag++);
    member_.guard.sent(used_);
    used_ = 0;
  }

 private:
  Links& links_;
  Member& member_;
  std::size_t most_;
  std::size_t used_ = 0;
  std::array<std::byte, sdd::datagram_bytes_max> place_;
};

void Room::refill(Member& member, Instant now) const {
  if (member.bps == 0) return;
  const auto burst = std::max<std::int64_t>(
      static_cast<std::int64_t>(member.bps / 8 / 1000) * limits_.burst.count(),
      static_cast<std::int64_t>(limits_.burst_bytes_min));
  // More than a second fills it anyway.
  const auto passed = std::clamp<std::int64_t>((now - member.budget_at).count(), 0, 1'000'000);
  member.budget_bytes = std::min(
      member.budget_bytes + static_cast<std::int64_t>(member.bps / 8) * passed / 1'000'000, burst);
  member.budget_at = now;
}

void Room::limit_rate(Member& member) {
  std::uint64_t granted = 0;
  bool unlimited = member.flows.empty();
  for (const auto& flow : member.flows) {
    if (!sdd::receives(flow->claims.direction)) continue;
    unlimited = unlimited || flow->claims.mbr_dl_bps == 0;
    granted += flow->claims.mbr_dl_bps;
  }
  std::uint64_t least = unlimited ? 0 : granted;
  for (const std::uint64_t bps :
       {member.bps_wished, member.bps_guarded, path_bps(links_.stats(member.link), limits_)})
    if (bps > 0) least = least == 0 ? bps : std::min(least, bps);
  member.bps = least;
}

void Room::send_state(const State& state, Flow& flow, Progress& progress, Packer& packer,
                      Sent how) {
  bool sent = true;
  for (std::size_t i = 0; i < state.blocks(); ++i)
    sent = packer.add(state.block(i), flow, how) && sent;
  if (!sent) {
    ++flow.delivered.dropped;
    return;
  }
  ++flow.delivered.states;
  flow.delivered.bytes += state.bytes();
  note_sent(state, flow, progress);
}

/// What lies between what it was sent last and this is missing there, whoever left it out; of that,
/// what has an order was left out here.
void Room::note_sent(const State& state, Flow& flow, Progress& progress) {
  const auto ahead = progress.sent ? sdd::distance(state.seq(), *progress.sent) : 1;
  const auto later = progress.sent ? static_cast<std::int32_t>(state.order() - progress.order) : 1;
  // Beyond that the receiver takes the numbers for another publisher's, and misses none.
  if (ahead > 1 && ahead <= sdd::sequence_jump_max) {
    flow.skipped += static_cast<std::uint64_t>(ahead) - 1;
    if (later > 1)
      flow.left_out[progress.alias] += static_cast<std::uint32_t>(std::min(ahead, later)) - 1;
  }
  if (ahead > 0) progress.sent = state.seq();
  if (later > 0) progress.order = state.order();
}

Room::Served Room::serve_slot(Member& member, std::size_t number, Packer& packer, Instant now) {
  const Slot& slot = *slots_[number];
  Progress& progress = member.progress[number];
  Flow& flow = *member.flows[progress.flow];
  const bool again = member.again.has(number);
  if (slot.author == member.ue_number || slot.newest.empty()) return Served::done;
  const std::int64_t at = micros(now);
  if (!again && at < progress.due_us) return Served::later;
  if (used_up(member)) return Served::no_budget;
  const State& newest = slot.newest;
  // What had to wait for its turn makes way for the next one, which goes at once, and so do those
  // after it. Sent at its turn it would be as late as it is now each time again: a delay that
  // stands, of up to a period, where the publisher is as fast as the tier.
  const std::int64_t period = flow.period.count();
  if (!again && micros(newest.received()) < progress.due_us && at < progress.due_us + period &&
      now - newest.received() <= flow.ttl)
    return Served::later;
  if (!again && now - newest.received() > flow.ttl) {
    ++flow.delivered.expired;
    return Served::done;
  }
  const std::int64_t repeat = std::chrono::microseconds(limits_.repeat).count();
  if (newest.base() &&
      (!progress.has_key || progress.key != *newest.base() || at - progress.key_us >= repeat)) {
    send_state(slot.key, flow, progress, packer, Sent::again);
    progress.has_key = true;
    progress.key = *newest.base();
    progress.key_us = at;
  }
  send_state(newest, flow, progress, packer, again ? Sent::again : Sent::first);
  if (again) ++flow.delivered.repeated;
  if (!newest.base()) {
    progress.has_key = true;
    progress.key = newest.seq();
    progress.key_us = at;
  }
  progress.heard_us = at;
  // The mean is the tier's rate; who was silent for a while does not make up for it.
  if (period > 0) progress.due_us = std::max(progress.due_us + period, at + period / 2);
  return Served::done;
}

void Room::serve_in_order(Member& member, Packer& packer, Instant now) {
  for (std::size_t w = 0; w < member.dirty.words(); ++w) {
    bool enough = true;
    Bits::each(member.dirty.word(w), w, [&](std::size_t number) {
      if (!enough) return;
      const Served served = serve_slot(member, number, packer, now);
      enough = served != Served::no_budget;
      if (served != Served::done) return;
      member.dirty.remove(number);
      member.again.remove(number);
    });
    if (enough) continue;
    member.scarce = true;
    return;
  }
}

/// Priority times age, the most urgent first: where not all can go, the old and the important do.
void Room::serve_urgent(Member& member, Packer& packer, Instant now) {
  urgent_.clear();
  for (std::size_t w = 0; w < member.dirty.words(); ++w)
    Bits::each(member.dirty.word(w), w, [&](std::size_t number) {
      const Progress& progress = member.progress[number];
      const auto age = static_cast<std::uint64_t>(
          std::clamp<std::int64_t>(micros(now) - progress.heard_us, 0, 3'600'000'000));
      urgent_.emplace_back(age * (1U + progress.priority), static_cast<std::uint32_t>(number));
    });
  std::ranges::sort(urgent_, std::ranges::greater{});
  member.scarce = false;
  for (const auto& [urgency, number] : urgent_) {
    const Served served = serve_slot(member, number, packer, now);
    if (served == Served::no_budget) {
      member.scarce = true;
      return;
    }
    if (served != Served::done) continue;
    member.dirty.remove(number);
    member.again.remove(number);
  }
}

void Room::serve_lossy(Member& member, Packer& packer, Instant now) {
  while (!member.lossy.empty()) {
    if (used_up(member)) return;
    const LossyState next = member.lossy.front();
    member.lossy.pop_front();
    Flow& flow = *member.flows[next.flow];
    if (now - next.state->received() > flow.ttl) {
      ++flow.delivered.expired;
      continue;
    }
    send_state(*next.state, flow, member.progress[next.slot], packer, Sent::first);
  }
}

bool Room::send_message(Member& member, const StreamMessage& message) {
  std::array<std::byte, sdd::stream_header_bytes_max + 8> place;
  ByteWriter head(place);
  const bool ordered = message.header.reliability == sdd::FlowClass::ordered;
  const auto same = [&](const OrderedStream& o) {
    return o.alias == message.header.alias && o.component == message.header.component;
  };
  const auto held = ordered ? std::ranges::find_if(member.ordered, same) : member.ordered.end();
  std::optional<StreamNo> stream;
  if (held != member.ordered.end()) {
    stream = held->stream;
  } else {
    if (ordered && member.ordered.size() >= limits_.slots_of_room_max) return false;
    const auto opened = links_.open_stream(member.link);
    if (!opened) return false;
    stream = *opened;
    sdd::write_stream_header(head, message.header);
    if (ordered)
      member.ordered.push_back({message.header.alias, message.header.component, *opened});
    else if (message.deadline)
      member.open.push_back({*opened, *message.deadline});
  }
  if (ordered) sdd::write_varint(head, message.payload->size());
  links_.write_stream(member.link, *stream, head.written(), false);
  links_.write_stream(member.link, *stream, *message.payload, !ordered);
  Delivered& delivered = member.flows[message.flow]->delivered;
  ++delivered.states;
  delivered.bytes += message.payload->size();
  return true;
}

void Room::serve_messages(Member& member, Instant now) {
  std::erase_if(member.open, [&](const OpenStream& open) {
    if (now < open.until) return false;
    links_.reset_stream(member.link, open.stream);
    return true;
  });
  while (!member.messages.empty()) {
    const StreamMessage& next = member.messages.front();
    const bool late = next.deadline && now >= *next.deadline;
    if (late) ++member.flows[next.flow]->delivered.expired;
    if (!late) {
      if (!links_.writable(member.link) || member.open.size() >= limits_.streams_out_max) return;
      if (!send_message(member, next)) return;
    }
    member.message_bytes -= cost(next);
    member.messages.pop_front();
  }
}

/// Nothing is queued behind what has not left: the newest waits here, and older ones never go.
void Room::hold(Member& member, Instant now) {
  if (!member.blocked_since) {
    member.blocked_since = now;
    member.turn_bytes = std::max(member.turn_bytes / 2, turn_bytes_min);
  }
  std::erase_if(member.lossy, [&](const LossyState& waiting) {
    Flow& flow = *member.flows[waiting.flow];
    if (now - waiting.state->received() <= flow.ttl) return false;
    ++flow.delivered.expired;
    return true;
  });
}

void Room::serve(Member& member, Instant now) {
  if (!member.owed()) return;
  if (!links_.writable(member.link)) return hold(member, now);
  if (!member.blocked_since)
    member.turn_bytes = std::min(member.turn_bytes + turn_bytes_min, limits_.turn_bytes_max);
  member.blocked_since.reset();
  member.turn_left = member.turn_bytes;
  refill(member, now);
  Packer packer(links_, member);
  serve_lossy(member, packer, now);
  if (member.scarce)
    serve_urgent(member, packer, now);
  else
    serve_in_order(member, packer, now);
  packer.send();
  serve_messages(member, now);
}

void Room::resume(Member& member, Instant now) {
  if (member.blocked_since) serve(member, now);
}

void Room::flush(Instant now) {
  due_.reset();
  for (const auto& member : members_) {
    for (std::size_t w = 0; w < changed_.words(); ++w) {
      const std::uint64_t fresh = changed_.word(w) & member->wanted.word(w);
      std::uint64_t& dirty = member->dirty.word(w);
      if (const std::uint64_t replaced = fresh & dirty & ~member->again.word(w); replaced != 0)
        Bits::each(replaced, w, [&](std::size_t number) {
          ++member->flows[member->progress[number].flow]->delivered.conflated;
        });
      dirty |= fresh;
    }
  }
  changed_.clear();
  bool owed = false;
  for (std::size_t i = 0; i < members_.size(); ++i) {
    Member& member = *members_[(first_served_ + i) % members_.size()];
    serve(member, now);
    owed = owed || member.owed();
  }
  if (!members_.empty()) first_served_ = (first_served_ + 1) % members_.size();
  if (owed) wake(now);
}

std::optional<sdd::Position> Room::standpoint(const Member& member) const {
  for (const auto& flow : member.flows)
    if (flow->asset != no_asset && assets_[flow->asset].at) return assets_[flow->asset].at;
  return member.position;
}

void Room::map_assets() {
  std::vector<Placed> points;
  for (std::size_t i = 0; i < assets_.size(); ++i)
    if (assets_[i].here && assets_[i].at)
      points.push_back({static_cast<std::uint32_t>(i), *assets_[i].at});
  grid_.build(points);
}

void Room::choose_nearest(Member& member) {
  if (member.nearest == 0) return;
  const auto from = standpoint(member);
  if (!from) return;
  // It is near to itself: so many more.
  std::size_t placed = 0;
  for (const auto& flow : member.flows)
    placed += flow->asset != no_asset && assets_[flow->asset].at ? 1U : 0U;
  grid_.nearest(*from, member.nearest + placed, found_);
  std::erase_if(found_, [&](std::uint32_t asset) {
    return std::ranges::any_of(member.flows, [&](const auto& f) { return f->asset == asset; });
  });
  std::ranges::sort(found_);
  if (found_ == member.chosen) return;
  member.chosen = found_;
  retarget(member);
}

void Room::choose_nearest(std::size_t slice, std::size_t slices) {
  const auto wants = [](const auto& member) { return member->nearest > 0; };
  if (std::ranges::none_of(members_, wants)) return;
  if (slice == 0) map_assets();
  for (std::size_t i = slice; i < members_.size(); i += slices) choose_nearest(*members_[i]);
}

void Room::look_from(Member& member, std::uint32_t nearest) {
  member.nearest = nearest;
  member.chosen.clear();
  map_assets();
  choose_nearest(member);
}

void Room::keep_house(Instant now) {
  for (std::size_t i = 0; i < assets_.size(); ++i)
    if (assets_[i].here && assets_[i].left && now - *assets_[i].left >= limits_.forget_after)
      forget(i);
  // Each slot comes once in `repeat`, and goes to those who have heard nothing of it since.
  const auto slices =
      static_cast<std::size_t>(std::max<std::int64_t>(limits_.repeat / limits_.housekeeping, 1));
  // Its turn may have come a little late then: without the allowance every second round would pass
  // it by.
  const std::int64_t silent =
      std::chrono::microseconds(limits_.repeat - limits_.housekeeping).count();
  slice_ = (slice_ + 1) % slices;
  for (const auto& member : members_) {
    for (std::size_t n = slice_; n < slots_.size(); n += slices) {
      const Slot& slot = *slots_[n];
      if (slot.lossy || slot.newest.empty() || !member->wanted.has(n)) continue;
      if (micros(now) - member->progress[n].heard_us < silent || slot.author == member->ue_number)
        continue;
      member->dirty.add(n);
      member->again.add(n);
    }
    member->bps_guarded = member->guard.look(now);
    limit_rate(*member);
    if (!member->open.empty()) serve_messages(*member, now);
    if (member->owed()) wake(now);
  }
  constexpr std::size_t choice_slices = 4;
  choose_nearest(slice_ % choice_slices, choice_slices);
}

}  // namespace lobo::relay
