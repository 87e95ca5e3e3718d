#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "relay/measure/histogram.hpp"
#include "relay/measure/stream_meter.hpp"
#include "relay/member.hpp"
#include "relay/ports.hpp"
#include "relay/relay.hpp"
#include "relay/report.hpp"
#include "relay/room.hpp"
#include "wire/sdd/control.hpp"
#include "wire/sdd/frame.hpp"
#include "wire/sdd/token.hpp"
#include "wire/sdd/types.hpp"

namespace lobo::relay {

void Relay::on_control(LinkId id, Bytes bytes, Instant now) {
  Link* link = find(id);
  while (link != nullptr) {
    const auto message = link->control.next(bytes);
    if (!message)
      return close(id, *link, sdd::Cause::protocol, "the control stream cannot be read", now);
    if (!*message) return;
    const bool greets = std::holds_alternative<sdd::Hello>(**message);
    if (greets == link->greeted)
      return close(id, *link, sdd::Cause::protocol, "the first message, and no other, is a hello",
                   now);
    std::visit([&](const auto& one) { hear(id, *link, one, now); }, **message);
    link = find(id);
  }
}

/// What a node says and no client.
template <class Other>
void Relay::hear(LinkId id, Link& link, const Other&, Instant now) {
  close(id, link, sdd::Cause::protocol, "this is for a node to say", now);
}

void Relay::hear(LinkId id, Link& link, const sdd::Hello& hello, Instant now) {
  if (hello.version != sdd::protocol_version)
    return close(id, link, sdd::Cause::protocol, "this version is not spoken here", now);
  link.greeted = true;
  link.datagram_max = hello.datagram_max;
  tell(id, sdd::Hello{.version = sdd::protocol_version,
                      .role = sdd::Role::relay,
                      .name = node_,
                      .datagram_max = static_cast<std::uint32_t>(sdd::datagram_bytes_max)});
}

void Relay::hear(LinkId id, Link&, const sdd::ClockPing& ping, Instant now) {
  const auto at = static_cast<std::uint64_t>(now.time_since_epoch().count());
  tell(id, sdd::ClockPong{ping.id, ping.sent_us, at, at});
}

// ---- flows are let in

sdd::Cause Relay::admit(const Link& link, const sdd::FlowToken& token) const {
  if (!node_.empty() && token.node != node_) return sdd::Cause::token_other_node;
  if (!link.ue.empty() && link.ue != token.ue) return sdd::Cause::token_other_ue;
  const auto room = rooms_.find(token.room);
  if (room != rooms_.end() && token.epoch < room->second->epoch()) return sdd::Cause::epoch_old;
  // Who owned the room before this lease has lost it, unless the lease names it.
  if (tenure_ && (room == rooms_.end() || !room->second->owned) && token.issued < tenure_->since)
    return sdd::Cause::epoch_old;
  return sdd::Cause::ok;
}

Member* Relay::member_for(LinkId id, Link& link, Room& room, const std::string& ue) {
  const auto here =
      std::ranges::find_if(room.members(), [&](const auto& member) { return member->link == id; });
  if (here != room.members().end()) return here->get();
  if (link.rooms.size() >= limits_.rooms_of_link_max) return nullptr;
  link.rooms.push_back(&room);
  Member& joined = room.join(id, ue);
  joined.datagram_max = link.datagram_max;
  return &joined;
}

void Relay::renew(FlowRef& known, const sdd::FlowToken& token, const sdd::TokenFlow& claims) {
  Flow& flow = *known.flow;
  flow.expires = std::max(flow.expires, token.expires);
  flow.epoch = std::max(flow.epoch, token.epoch);
  // What it publishes and how stays; what it may is what the later token says.
  const bool later = token.expires >= flow.expires;
  if (!later) return;
  const sdd::TokenFlow before = std::exchange(flow.claims, claims);
  flow.claims.alias = before.alias;
  flow.claims.asset = before.asset;
  flow.claims.direction = before.direction;
  flow.claims.reliability = before.reliability;
  if (before.tier != claims.tier) flow.tier = claims.tier;
  known.room->settle(*known.member);
}

sdd::EstablishedFlow Relay::let_in(LinkId id, Link& link, Room& room, const sdd::FlowToken& token,
                                   const sdd::TokenFlow& claims, bool pose, Instant now) {
  sdd::EstablishedFlow told{claims.id, claims.alias, sdd::Cause::ok, claims.tier};
  const auto refuse = [&](sdd::Cause cause) {
    told.cause = cause;
    return told;
  };
  if (const auto known = link.flows.find(claims.id); known != link.flows.end()) {
    renew(known->second, token, claims);
    told.tier = known->second.flow->tier;
    return told;
  }
  if (link.flows.size() >= limits_.flows_of_link_max) return refuse(sdd::Cause::too_many);
  Member* member = member_for(id, link, room, token.ue);
  if (member == nullptr) return refuse(sdd::Cause::too_many);
  // The UE came back before its old connection was found dead: the new one has the flow.
  LinkId before = 0;
  if (Link* old = holder(claims.id, before)) {
    tell(before, sdd::Release{{claims.id}, sdd::Cause::relocated});
    end_flow(before, *old, claims.id, sdd::Cause::relocated, now);
    leave_empty_rooms(before, *old, now);
  }
  Flow flow{.claims = claims, .expires = token.expires, .epoch = token.epoch, .pose = pose};
  flow.tier = claims.tier;
  Flow* added = room.add_flow(*member, std::move(flow), now);
  if (added == nullptr) return refuse(sdd::Cause::too_many);
  const auto place = link.flows.emplace(claims.id, FlowRef{&room, member, added}).first;
  holders_[claims.id] = id;
  ++flows_;
  change(place->second, FlowState::up, sdd::Cause::ok);
  return told;
}

void Relay::hear(LinkId id, Link& link, const sdd::Establish& establish, Instant now) {
  sdd::EstablishRsp answer{.request = establish.request, .cause = {}, .reason = {}, .flows = {}};
  const auto refuse = [&](sdd::Cause cause, std::string reason) {
    ++counts_.tokens_refused;
    answer.cause = cause;
    answer.reason = std::move(reason);
    tell(id, answer);
  };
  if (tenure_ && !tenure_->held) {
    if (link.waiting) return refuse(sdd::Cause::too_many, "one token waits for a lease already");
    link.waiting = establish;
    return;
  }
  const auto token = sdd::open_token(establish.token, verifier_, now);
  if (!token)
    return refuse(token.error().code == Errc::unauthenticated ? sdd::Cause::token_refused
                                                              : sdd::Cause::token_malformed,
                  token.error().detail);
  if (const auto cause = admit(link, *token); cause != sdd::Cause::ok)
    return refuse(cause, std::string(sdd::to_string(cause)));
  Room* room = room_for(token->room);
  if (room == nullptr) return refuse(sdd::Cause::too_many, "the node has no place for a room");
  // The first who comes with a later epoch says that there is one.
  room->set_epoch(std::max(room->epoch(), token->epoch));
  link.ue = token->ue;
  const auto asked = [&](sdd::FlowId flow) {
    return establish.flows.empty() ||
           std::ranges::find(establish.flows, flow) != establish.flows.end();
  };
  for (const sdd::TokenFlow& claims : token->flows) {
    if (!asked(claims.id)) continue;
    const bool pose =
        std::ranges::find(establish.pose_flows, claims.id) != establish.pose_flows.end();
    answer.flows.push_back(let_in(id, link, *room, *token, claims, pose, now));
  }
  for (const sdd::FlowId flow : establish.flows) {
    if (answer.flows.size() >= sdd::control_list_max) break;
    if (std::ranges::find(token->flows, flow, &sdd::TokenFlow::id) == token->flows.end())
      answer.flows.push_back({flow, 0, sdd::Cause::flow_unknown, 0});
  }
  tell(id, answer);
  leave_empty_rooms(id, link, now);
  if (!house_due_) house_due_ = now + limits_.housekeeping;
}

// ---- what a client wants and says

void Relay::hear(LinkId id, Link& link, const sdd::Update& update, Instant) {
  const auto known = link.flows.find(update.flow);
  if (known == link.flows.end())
    return tell(id, sdd::Event{.kind = sdd::EventKind::refused,
                               .flow = update.flow,
                               .cause = sdd::Cause::flow_unknown});
  const auto& [room, member, flow] = known->second;
  if (update.components) flow->wished = *update.components;
  if (update.rate_mhz) flow->rate_wished_mhz = *update.rate_mhz;
  if (update.wishes) {
    member->wishes.clear();
    for (const sdd::Wish& wish : *update.wishes) member->wishes[wish.alias] = wish.priority;
  }
  if (update.bps_max) member->bps_wished = *update.bps_max;
  if (update.position) room->place(*member, *update.position);
  if (update.nearest)
    room->look_from(*member, static_cast<std::uint32_t>(std::min<std::size_t>(
                                 *update.nearest, limits_.assets_of_room_max)));
  room->settle(*member);
}

void Relay::hear(LinkId id, Link& link, const sdd::Release& release, Instant now) {
  if (release.flows.empty()) return end_flows(id, link, sdd::Cause::released, now);
  for (const sdd::FlowId flow : release.flows) end_flow(id, link, flow, sdd::Cause::released, now);
  leave_empty_rooms(id, link, now);
}

void Relay::hear(LinkId id, Link& link, const sdd::FlowStats& stats, Instant) {
  const auto known = link.flows.find(stats.flow);
  if (known == link.flows.end()) return;
  Flow& flow = *known->second.flow;
  // What is missing there is what was lost on the way and what was never sent.
  const std::uint64_t unsent = std::min(flow.skipped_before + flow.skipped, stats.lost);
  const std::uint64_t lost = stats.lost - unsent;
  flow.skipped_before = std::min(flow.skipped_before + flow.skipped - unsent, flow.skipped);
  flow.skipped = 0;
  Window told;
  told.states = stats.received;
  told.bytes = stats.bytes;
  told.loss = {stats.received + lost, lost};
  told.duplicates = stats.duplicates;
  told.too_old = stats.stale;
  told.jitter = std::chrono::microseconds(stats.jitter_us);
  // Pairs that cannot be are no reason to throw the counts away.
  told.delay = Histogram::from_sparse(stats.delay).value_or(Histogram());
  told.age = Histogram::from_sparse(stats.age).value_or(Histogram());
  told.gap = Histogram::from_sparse(stats.gap).value_or(Histogram());
  flow.received.merge(told);
  flow.clock_error = std::chrono::microseconds(stats.clock_error_us);
  if (stats.lost > 0 || !flow.left_out.empty()) tell_left_out(id, flow);
}

/// Where there is nothing to say, that is said: what it misses was lost then.
void Relay::tell_left_out(LinkId id, Flow& flow) {
  sdd::LeftOut answer{.flow = flow.claims.id, .assets = {}};
  for (const auto& [alias, states] : flow.left_out) {
    if (answer.assets.size() == sdd::control_list_max) {
      tell(id, answer);
      answer.assets.clear();
    }
    answer.assets.push_back({alias, states});
  }
  flow.left_out.clear();
  tell(id, answer);
}

void Relay::hear(LinkId, Link& link, const sdd::StateRequest& request, Instant now) {
  const auto known = link.flows.find(request.flow);
  if (known == link.flows.end()) return;
  known->second.room->repeat(*known->second.member, request.alias, request.components, now);
}

}  // namespace lobo::relay
