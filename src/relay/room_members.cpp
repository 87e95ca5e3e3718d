#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "relay/limits.hpp"
#include "relay/member.hpp"
#include "relay/ports.hpp"
#include "relay/report.hpp"
#include "relay/room.hpp"
#include "relay/slot.hpp"
#include "wire/sdd/control.hpp"
#include "wire/sdd/token.hpp"
#include "wire/sdd/types.hpp"

namespace lobo::relay {

Room::Room(std::string name, const Limits& limits, Links& links, Refused& refused)
    : name_(std::move(name)), limits_(limits), links_(links), refused_(refused) {}

Member& Room::join(LinkId link, std::string ue) {
  auto member = std::make_unique<Member>();
  member->link = link;
  const auto same = std::ranges::find_if(members_, [&](const auto& m) { return m->ue == ue; });
  member->ue_number = same != members_.end() ? (*same)->ue_number : ++last_ue_number_;
  member->second_path = same != members_.end();
  member->ue = std::move(ue);
  member->turn_bytes = limits_.turn_bytes_max;
  grow(*member);
  members_.push_back(std::move(member));
  return *members_.back();
}

void Room::leave(Member& member, Instant now) {
  for (const auto& flow : member.flows) unpublish(*flow, now);
  std::erase_if(members_, [&](const auto& m) { return m.get() == &member; });
}

void Room::grow(Member& member) {
  member.wanted.grow(slots_.size());
  member.dirty.grow(slots_.size());
  member.again.grow(slots_.size());
  if (member.progress.size() < slots_.size()) member.progress.resize(slots_.size());
}

Asset* Room::asset_of(sdd::Alias alias) {
  const auto found =
      std::ranges::find_if(assets_, [&](const Asset& a) { return a.here && a.alias == alias; });
  return found == assets_.end() ? nullptr : &*found;
}

std::optional<std::size_t> Room::asset_for(const Flow& flow, Instant) {
  if (Asset* known = asset_of(flow.claims.alias)) {
    known->left.reset();
    return static_cast<std::size_t>(known - assets_.data());
  }
  const auto place = std::ranges::find_if(assets_, [](const Asset& a) { return !a.here; });
  const auto at = static_cast<std::size_t>(place - assets_.begin());
  if (place == assets_.end()) {
    if (assets_.size() >= limits_.assets_of_room_max) return std::nullopt;
    assets_.emplace_back();
  }
  Asset& asset = assets_[at];
  asset = {};
  asset.alias = flow.claims.alias;
  asset.name = flow.claims.asset;
  asset.here = true;
  return at;
}

Flow* Room::add_flow(Member& member, Flow flow, Instant now) {
  const bool publishing = sdd::publishes(flow.claims.direction);
  bool fresh = false;
  if (publishing) {
    fresh = asset_of(flow.claims.alias) == nullptr;
    const auto at = asset_for(flow, now);
    if (!at) return nullptr;
    Asset& asset = assets_[*at];
    flow.asset = *at;
    const bool by_same_ue = std::ranges::any_of(members_, [&](const auto& other) {
      return other->ue_number == member.ue_number &&
             std::ranges::any_of(other->flows, [&](const auto& f) { return f->asset == *at; });
    });
    // A second path goes on with the first one's numbers; who comes anew begins anew.
    if (!by_same_ue)
      for (const std::uint32_t slot : asset.slots) slots_[slot]->anchor_anew();
    ++asset.publishers;
    if (asset.ue.empty() || !by_same_ue) {
      asset.ue = member.ue;
      asset.ue_number = member.ue_number;
    }
  }
  member.flows.push_back(std::make_unique<Flow>(std::move(flow)));
  Flow& added = *member.flows.back();
  settle(member);
  if (fresh) announce(assets_[added.asset], true, nullptr);
  // A late joiner learns who is here, and has the newest states with the next turn.
  if (sdd::receives(added.claims.direction))
    for (const Asset& asset : assets_) {
      std::size_t place = 0;
      if (asset.here && !(fresh && asset.alias == added.claims.alias) &&
          view(member, asset, place) == &added)
        announce(asset, true, &member);
    }
  limit_rate(member);
  if (member.owed()) wake(now);
  return &added;
}

void Room::unpublish(Flow& flow, Instant now) {
  if (flow.asset == no_asset) return;
  Asset& asset = assets_[flow.asset];
  if (--asset.publishers == 0) asset.left = now;
  flow.asset = no_asset;
}

void Room::remove_flow(Member& member, sdd::FlowId id, Instant now) {
  const auto found =
      std::ranges::find_if(member.flows, [&](const auto& f) { return f->claims.id == id; });
  if (found == member.flows.end()) return;
  unpublish(**found, now);
  const auto place = static_cast<std::size_t>(found - member.flows.begin());
  std::erase_if(member.lossy, [&](const LossyState& l) { return l.flow == place; });
  for (auto& waiting : member.lossy)
    if (waiting.flow > place) --waiting.flow;
  std::erase_if(member.messages, [&](const StreamMessage& m) {
    if (m.flow != place) return false;
    member.message_bytes -= cost(m);
    return true;
  });
  for (auto& waiting : member.messages)
    if (waiting.flow > place) --waiting.flow;
  member.flows.erase(found);
  settle(member);
}

void Room::settle(Member& member) {
  for (const auto& flow : member.flows) {
    const auto& own = flow->claims.ladder;
    const auto step = [&]() -> sdd::TokenStep {
      if (!own.empty()) return own[std::min<std::size_t>(flow->tier, own.size() - 1)];
      return limits_.ladder[std::min<std::size_t>(flow->tier, limits_.ladder.size() - 1)];
    }();
    flow->seen = flow->claims.components & flow->ordered & flow->wished;
    // The best step takes nothing away of what is published: components, and how often.
    const bool best = flow->tier == 0 && own.empty();
    if (!best) flow->seen &= step.components;
    std::uint32_t rate = best ? 0 : step.rate_mhz;
    if (flow->rate_wished_mhz > 0)
      rate = rate == 0 ? flow->rate_wished_mhz : std::min(rate, flow->rate_wished_mhz);
    const auto lives = flow->claims.ttl.count() > 0 ? flow->claims.ttl : limits_.ttl_usual;
    flow->ttl = std::max<std::chrono::microseconds>(lives, 2 * limits_.window);
    flow->period = std::chrono::microseconds(rate == 0 ? 0 : 1'000'000'000 / rate);
  }
  retarget(member);
  limit_rate(member);
}

/// The flow through which a member sees an asset: that which names it, or one of the whole room.
const Flow* Room::view(const Member& member, const Asset& asset, std::size_t& place) const {
  const Flow* found = nullptr;
  for (std::size_t i = 0; i < member.flows.size(); ++i) {
    const Flow& flow = *member.flows[i];
    if (!sdd::receives(flow.claims.direction)) continue;
    const bool named = flow.claims.alias == asset.alias;
    const bool whole_room = flow.claims.alias == 0 || flow.claims.direction == sdd::Direction::bidi;
    if (!named && (!whole_room || found != nullptr)) continue;
    found = &flow;
    place = i;
    if (named) break;
  }
  return found;
}

void Room::retarget(Member& member, std::size_t number) {
  const Slot& slot = *slots_[number];
  const Asset& asset = assets_[slot.asset];
  std::size_t place = 0;
  const Flow* flow = slot.used && asset.here ? view(member, asset, place) : nullptr;
  bool wanted = flow != nullptr && sdd::allows(flow->seen, slot.component);
  std::uint8_t priority = flow != nullptr ? flow->claims.priority : std::uint8_t{0};
  if (wanted) {
    const auto wish = member.wishes.find(asset.alias);
    if (wish != member.wishes.end()) {
      priority = wish->second;
      wanted = priority > 0;
    } else if (member.nearest > 0) {
      wanted = std::ranges::binary_search(member.chosen, static_cast<std::uint32_t>(slot.asset));
    }
  }
  Progress& progress = member.progress[number];
  progress.flow = static_cast<std::uint16_t>(place);
  progress.alias = asset.alias;
  progress.priority = priority;
  if (!wanted) {
    member.wanted.remove(number);
    member.dirty.remove(number);
    member.again.remove(number);
    return;
  }
  if (member.wanted.has(number)) return;
  // New to it: the newest state however old, and nothing that it may have had before.
  progress.has_key = false;
  progress.due_us = 0;
  member.wanted.add(number);
  if (slot.newest.empty() || slot.lossy) return;
  member.dirty.add(number);
  member.again.add(number);
}

void Room::retarget(Member& member) {
  for (std::size_t i = 0; i < slots_.size(); ++i) retarget(member, i);
}

void Room::repeat(Member& member, sdd::Alias alias, sdd::ComponentMask components, Instant now) {
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    const Slot& slot = *slots_[i];
    if (!member.wanted.has(i) || slot.newest.empty() || slot.lossy) continue;
    if (alias != 0 && assets_[slot.asset].alias != alias) continue;
    if (!sdd::allows(components, slot.component)) continue;
    member.progress[i].has_key = false;
    member.dirty.add(i);
    member.again.add(i);
  }
  wake(now);
}

void Room::place(Member& member, const sdd::Position& at) {
  member.position = at;
  for (const auto& flow : member.flows)
    if (flow->asset != no_asset && !flow->pose) assets_[flow->asset].at = at;
}

std::vector<Replica> Room::replica(sdd::Alias alias) {
  std::vector<Replica> made;
  const Asset* asset = asset_of(alias);
  if (asset == nullptr) return made;
  for (const std::uint32_t at : asset->slots) {
    const Slot& slot = *slots_[at];
    if (slot.newest.empty() || slot.lossy) continue;
    const bool delta = slot.newest.base().has_value();
    Replica one{.component = slot.component,
                .seq = slot.newest.seq(),
                .state = (delta ? slot.key : slot.newest).payload(),
                .delta = {},
                .received = slot.newest.received()};
    if (delta) one.delta = slot.newest.payload();
    made.push_back(std::move(one));
  }
  std::ranges::sort(made, {}, &Replica::component);
  return made;
}

void Room::announce(const Asset& asset, bool here, const Member* only) {
  const auto bytes = sdd::write_control(
      sdd::Event{.kind = here ? sdd::EventKind::asset_here : sdd::EventKind::asset_gone,
                 .alias = asset.alias,
                 .asset = asset.name,
                 .ue = asset.ue});
  for (const auto& member : members_) {
    std::size_t place = 0;
    if (only != nullptr && member.get() != only) continue;
    if (member->ue_number == asset.ue_number || view(*member, asset, place) == nullptr) continue;
    links_.send_control(member->link, bytes);
  }
}

void Room::forget(std::size_t number) {
  Asset& asset = assets_[number];
  announce(asset, false, nullptr);
  asset.here = false;
  for (const std::uint32_t at : asset.slots) {
    *slots_[at] = Slot();
    for (const auto& member : members_) retarget(*member, at);
    changed_.remove(at);
    free_slots_.push_back(at);
  }
  asset.slots.clear();
}

}  // namespace lobo::relay
