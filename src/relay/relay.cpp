#include "relay/relay.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "base/require.hpp"
#include "base/result.hpp"
#include "relay/limits.hpp"
#include "relay/member.hpp"
#include "relay/ports.hpp"
#include "relay/report.hpp"
#include "relay/room.hpp"
#include "relay/slot.hpp"
#include "wire/sdd/control.hpp"
#include "wire/sdd/frame.hpp"
#include "wire/sdd/token.hpp"
#include "wire/sdd/types.hpp"

namespace lobo::relay {

Relay::Relay(std::string node, Links& links, const sdd::TokenVerifier& verifier,
             const Limits& limits)
    : node_(std::move(node)), links_(links), verifier_(verifier), limits_(limits) {}

Relay::Link* Relay::find(LinkId id) {
  const auto found = links_held_.find(id);
  return found == links_held_.end() || found->second.closing ? nullptr : &found->second;
}

void Relay::tell(LinkId id, const sdd::ControlMessage& message) {
  links_.send_control(id, sdd::write_control(message));
}

void Relay::on_open(LinkId id, Instant now) {
  if (links_held_.size() >= limits_.links_max) {
    ++counts_.links_refused;
    return links_.close(id, sdd::Cause::too_many, "the node has no place for another connection");
  }
  Link& link = links_held_[id];
  link.opened = now;
  link.idle_since = now;
  if (!house_due_) house_due_ = now + limits_.housekeeping;
}

void Relay::close(LinkId id, Link& link, sdd::Cause cause, const char* reason, Instant now) {
  end_flows(id, link, cause, now);
  link.closing = true;
  links_.close(id, cause, reason);
}

void Relay::on_closed(LinkId id, Instant now) {
  const auto found = links_held_.find(id);
  if (found == links_held_.end()) return;
  end_flows(id, found->second, sdd::Cause::released, now);
  links_held_.erase(found);
}

void Relay::on_datagram(LinkId id, Bytes datagram, Instant now) {
  Link* link = find(id);
  if (link == nullptr) return;
  ++counts_.datagrams;
  ByteReader in(datagram);
  while (in.left() > 0) {
    const auto frame = sdd::read_frame(in);
    if (!frame) {
      ++counts_.datagrams_malformed;
      return;
    }
    const auto known = link->flows.find(frame->flow);
    if (known == link->flows.end()) {
      ++counts_.flows_unknown;
      continue;
    }
    const FlowRef& to = known->second;
    to.room->publish(*to.member, *to.flow, *frame, now);
  }
}

void Relay::on_writable(LinkId id, Instant now) {
  Link* link = find(id);
  if (link == nullptr) return;
  for (Room* room : link->rooms)
    for (const auto& member : room->members())
      if (member->link == id) room->resume(*member, now);
}

void Relay::on_acked(LinkId id, std::uint64_t tag) {
  Link* link = find(id);
  // Tags are of the link's first room where it is in several; their sum is what counts.
  if (link == nullptr || link->flows.empty()) return;
  Member& member = *link->flows.begin()->second.member;
  member.datagrams.acked(tag);
  member.guard.acked(tag);
}
void Relay::on_lost(LinkId id, std::uint64_t tag) {
  Link* link = find(id);
  if (link == nullptr || link->flows.empty()) return;
  Member& member = *link->flows.begin()->second.member;
  member.datagrams.lost(tag);
  member.guard.lost(tag);
}

// ---- flows

void Relay::change(const FlowRef& flow, FlowState state, sdd::Cause cause) {
  flow.flow->state = state;
  if (changes_.size() >= limits_.closed_flows_max) {
    changes_.pop_front();
    ++changes_lost_;
  }
  changes_.push_back({flow.flow->claims.id, flow.room->name(), flow.member->ue, state, cause});
}

void Relay::end_flow(LinkId id, Link& link, sdd::FlowId flow, sdd::Cause cause, Instant now) {
  const auto found = link.flows.find(flow);
  if (found == link.flows.end()) return;
  const FlowRef ended = found->second;
  change(ended, FlowState::closed, cause);
  const auto held = holders_.find(flow);
  if (held != holders_.end() && held->second == id) holders_.erase(held);
  link.flows.erase(found);
  --flows_;
  ended.room->remove_flow(*ended.member, flow, now);
}

void Relay::end_flows(LinkId id, Link& link, sdd::Cause cause, Instant now) {
  while (!link.flows.empty()) end_flow(id, link, link.flows.begin()->first, cause, now);
  leave_empty_rooms(id, link, now);
}

void Relay::leave_empty_rooms(LinkId id, Link& link, Instant now) {
  std::erase_if(link.rooms, [&](Room* room) {
    const auto member =
        std::ranges::find_if(room->members(), [&](const auto& m) { return m->link == id; });
    require(member != room->members().end());
    if (!(*member)->flows.empty()) return false;
    room->leave(**member, now);
    return true;
  });
  if (link.flows.empty()) link.idle_since = now;
}

// ---- time

std::optional<Instant> Relay::next_due() const {
  std::optional<Instant> first = house_due_;
  for (const auto& [name, room] : rooms_)
    if (room->due() && (!first || *room->due() < *first)) first = room->due();
  return first;
}

void Relay::advance(Instant now) {
  for (const auto& [name, room] : rooms_)
    if (room->due() && *room->due() <= now) room->flush(now);
  if (house_due_ && *house_due_ <= now) keep_house(now);
}

void Relay::keep_house(Instant now) {
  for (const auto& [name, room] : rooms_) room->keep_house(now);
  std::vector<LinkId> ids;
  for (const auto& [id, link] : links_held_) ids.push_back(id);
  for (const LinkId id : ids)
    if (Link* link = find(id)) keep_link(id, *link, now);
  keep_rooms(now);
  house_due_.reset();
  if (!links_held_.empty() || !rooms_.empty()) house_due_ = now + limits_.housekeeping;
}

void Relay::keep_rooms(Instant now) {
  std::erase_if(rooms_, [&](const auto& named) {
    Room& room = *named.second;
    if (!room.empty()) {
      room.empty_since.reset();
      return false;
    }
    if (!room.empty_since) room.empty_since = now;
    if (room.owned) return false;
    return room.epoch() == 0 || now - *room.empty_since >= limits_.room_remembered;
  });
}

Room* Relay::room_for(const std::string& name) {
  const auto found = rooms_.find(name);
  if (found != rooms_.end()) return found->second.get();
  if (rooms_.size() >= limits_.rooms_max) {
    // What is only remembered makes room.
    const auto unused = std::ranges::find_if(
        rooms_, [](const auto& named) { return named.second->empty() && !named.second->owned; });
    if (unused == rooms_.end()) return nullptr;
    rooms_.erase(unused);
  }
  return rooms_.emplace(name, std::make_unique<Room>(name, limits_, links_, counts_.states))
      .first->second.get();
}

void Relay::keep_link(LinkId id, Link& link, Instant now) {
  if (!link.greeted && now - link.opened >= limits_.hello_within)
    return close(id, link, sdd::Cause::idle, "no hello came in time", now);
  if (link.flows.empty() && now - link.idle_since >= limits_.idle_after)
    return close(id, link, sdd::Cause::idle, "no flow was established for too long", now);
  if (links_.stats(id).streams_unsent > limits_.control_backlog_max)
    return close(id, link, sdd::Cause::too_slow, "what was said is not read", now);
  std::map<sdd::Cause, std::vector<sdd::FlowId>> over;
  for (auto& [flow, ref] : link.flows) {
    if (now >= ref.flow->expires)
      over[sdd::Cause::token_refused].push_back(flow);
    else if (ref.flow->ends && now >= *ref.flow->ends)
      over[ref.flow->ends_for].push_back(flow);
    const auto blocked = ref.member->blocked_since;
    if (blocked && now - *blocked >= limits_.too_slow_after)
      return close(id, link, sdd::Cause::too_slow, "what was sent is not read", now);
    const bool stalled = blocked && now - *blocked >= limits_.stalled_after;
    if (stalled != (ref.flow->state == FlowState::stalled) &&
        ref.flow->state != FlowState::draining)
      change(ref, stalled ? FlowState::stalled : FlowState::up,
             stalled ? sdd::Cause::too_slow : sdd::Cause::ok);
  }
  if (over.empty()) return;
  for (const auto& [cause, flows] : over) {
    tell(id, sdd::Release{flows, cause});
    for (const sdd::FlowId flow : flows) end_flow(id, link, flow, cause, now);
  }
  leave_empty_rooms(id, link, now);
}

void Relay::drain(const FlowRef& flow, sdd::Cause cause, std::chrono::milliseconds time,
                  Instant now) {
  // What was to end sooner does.
  if (flow.flow->ends && *flow.flow->ends <= now + time) return;
  flow.flow->ends = now + time;
  flow.flow->ends_for = cause;
  if (flow.flow->state != FlowState::draining) change(flow, FlowState::draining, cause);
}

// ---- reports and orders

Reports Relay::changes() {
  Reports made;
  made.changes.assign(changes_.begin(), changes_.end());
  made.changes_lost = std::exchange(changes_lost_, 0);
  changes_.clear();
  return made;
}

Reports Relay::report(Instant now) {
  Reports made = changes();
  for (const auto& [name, room] : rooms_) {
    room->finish_windows();
    for (const auto& member : room->members()) {
      const auto datagrams = member->datagrams.take();
      for (const auto& flow : member->flows)
        made.windows.push_back({.flow = flow->claims.id,
                                .room = name,
                                .ue = member->ue,
                                .asset = flow->claims.asset,
                                .published = std::exchange(flow->published, {}),
                                .received = std::exchange(flow->received, {}),
                                .delivered = std::exchange(flow->delivered, {}),
                                .refused = std::exchange(flow->refused, {}),
                                .path = links_.stats(member->link),
                                .datagrams = datagrams,
                                .clock_error = flow->clock_error,
                                .tier = flow->tier});
    }
  }
  (void)now;
  return made;
}

std::vector<Replica> Relay::replica(std::string_view room, sdd::Alias alias) {
  const auto found = rooms_.find(room);
  return found == rooms_.end() ? std::vector<Replica>() : found->second->replica(alias);
}

Relay::Link* Relay::holder(sdd::FlowId flow, LinkId& id) {
  const auto held = holders_.find(flow);
  if (held == holders_.end()) return nullptr;
  id = held->second;
  return find(id);
}

Result<void> Relay::take(const Order& order, Instant now) {
  return std::visit([&](const auto& one) { return follow(one, now); }, order);
}

namespace {

auto no_such_flow() { return fail(Errc::not_found, "the flow is not at this node"); }
auto no_such_room() { return fail(Errc::not_found, "the room is not at this node"); }

}  // namespace

Result<void> Relay::follow(const ReleaseFlow& order, Instant now) {
  LinkId id = 0;
  Link* link = holder(order.flow, id);
  if (link == nullptr) return no_such_flow();
  if (order.drain.count() > 0) {
    drain(link->flows.at(order.flow), order.cause, order.drain, now);
    return {};
  }
  tell(id, sdd::Release{{order.flow}, order.cause});
  end_flow(id, *link, order.flow, order.cause, now);
  leave_empty_rooms(id, *link, now);
  return {};
}

Result<void> Relay::follow(const SetTier& order, Instant) {
  LinkId id = 0;
  Link* link = holder(order.flow, id);
  if (link == nullptr) return no_such_flow();
  const FlowRef& known = link->flows.at(order.flow);
  known.flow->tier = order.tier;
  known.room->settle(*known.member);
  const auto period = known.flow->period.count();
  tell(id,
       sdd::Tier{.flow = order.flow,
                 .tier = order.tier,
                 .reason = order.reason,
                 .rate_mhz = period == 0 ? 0 : static_cast<std::uint32_t>(1'000'000'000 / period),
                 .components = known.flow->seen});
  return {};
}

Result<void> Relay::follow(const SetMask& order, Instant) {
  LinkId id = 0;
  Link* link = holder(order.flow, id);
  if (link == nullptr) return no_such_flow();
  const FlowRef& known = link->flows.at(order.flow);
  known.flow->ordered = order.components;
  known.room->settle(*known.member);
  return {};
}

Result<void> Relay::follow(const SetRate& order, Instant) {
  LinkId id = 0;
  Link* link = holder(order.flow, id);
  if (link == nullptr) return no_such_flow();
  const FlowRef& known = link->flows.at(order.flow);
  known.flow->claims.mbr_dl_bps = order.bps;
  known.room->settle(*known.member);
  return {};
}

Result<void> Relay::follow(const SetRedundancy& order, Instant) {
  LinkId id = 0;
  Link* link = holder(order.flow, id);
  if (link == nullptr) return no_such_flow();
  // The second path is a flow and a connection of its own: the client opens it with its new token.
  link->flows.at(order.flow).flow->claims.redundant = order.dual;
  return {};
}

Result<void> Relay::follow(const Relocate& order, Instant now) {
  LinkId id = 0;
  Link* link = holder(order.flow, id);
  if (link == nullptr) return no_such_flow();
  if (order.drain.count() > 0) {
    for (const auto& flow : link->flows.at(order.flow).member->flows)
      drain(link->flows.at(flow->claims.id), sdd::Cause::relocated, order.drain, now);
  } else {
    change(link->flows.at(order.flow), FlowState::draining, sdd::Cause::relocated);
  }
  tell(id, sdd::Event{.kind = sdd::EventKind::relocate,
                      .flow = order.flow,
                      .cause = sdd::Cause::relocated,
                      .address = order.address,
                      .token = order.token,
                      .certificate_hash = order.certificate_hash});
  return {};
}

void Relay::put_out(Room& room, sdd::Cause cause, std::uint64_t epochs_below, Instant now) {
  std::vector<std::pair<LinkId, sdd::FlowId>> out;
  for (const auto& member : room.members())
    for (const auto& flow : member->flows)
      if (flow->epoch < epochs_below) out.emplace_back(member->link, flow->claims.id);
  for (const auto& [id, flow] : out) {
    Link* link = find(id);
    if (link == nullptr) continue;
    tell(id, sdd::Release{{flow}, cause});
    end_flow(id, *link, flow, cause, now);
    leave_empty_rooms(id, *link, now);
  }
}

Result<void> Relay::follow(const CloseRoom& order, Instant now) {
  const auto found = rooms_.find(order.room);
  if (found == rooms_.end()) return no_such_room();
  Room& room = *found->second;
  room.owned = false;
  room.set_epoch(std::max(room.epoch(), order.epoch));
  if (order.drain.count() > 0) {
    for (const auto& member : room.members())
      if (Link* link = find(member->link))
        for (const auto& flow : member->flows)
          drain(link->flows.at(flow->claims.id), sdd::Cause::room_closed, order.drain, now);
    return {};
  }
  put_out(room, sdd::Cause::room_closed, UINT64_MAX, now);
  // With an epoch it is remembered for a while: the tokens of who owned it let nobody in.
  if (room.empty() && order.epoch == 0) rooms_.erase(found);
  return {};
}

void Relay::stop(Instant now) {
  for (const auto& [name, room] : rooms_) {
    room->owned = false;
    put_out(*room, sdd::Cause::epoch_old, UINT64_MAX, now);
  }
}

void Relay::bind(const Tenure& tenure, Instant now) {
  tenure_ = tenure;
  if (!tenure.held) return;
  std::vector<LinkId> waiting;
  for (const auto& [id, link] : links_held_)
    if (link.waiting) waiting.push_back(id);
  for (const LinkId id : waiting)
    if (Link* link = find(id)) hear(id, *link, *std::exchange(link->waiting, std::nullopt), now);
}

Result<void> Relay::follow(const FenceRoom& order, Instant now) {
  Room* room = room_for(order.room);
  if (room == nullptr) return fail(Errc::too_many, "the node has no place for another room");
  if (order.epoch < room->epoch()) return {};
  room->set_epoch(order.epoch);
  room->owned = order.owned;
  put_out(*room, sdd::Cause::epoch_old, order.epoch, now);
  if (!house_due_) house_due_ = now + limits_.housekeeping;
  return {};
}

}  // namespace lobo::relay
