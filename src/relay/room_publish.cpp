#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "relay/member.hpp"
#include "relay/ports.hpp"
#include "relay/report.hpp"
#include "relay/room.hpp"
#include "relay/slot.hpp"
#include "wire/sdd/frame.hpp"
#include "wire/sdd/pose.hpp"
#include "wire/sdd/stream_header.hpp"
#include "wire/sdd/types.hpp"

namespace lobo::relay {

void Room::wake(Instant now) {
  if (!due_) due_ = now + limits_.window;
}

Slot* Room::slot_for(Asset& asset, std::size_t number, sdd::Component component, bool lossy) {
  for (const std::uint32_t at : asset.slots)
    if (slots_[at]->component == component) return slots_[at].get();
  if (asset.slots.size() >= limits_.components_of_asset_max) return nullptr;
  std::uint32_t at = 0;
  if (!free_slots_.empty()) {
    at = free_slots_.back();
    free_slots_.pop_back();
  } else {
    if (slots_.size() >= limits_.slots_of_room_max) return nullptr;
    at = static_cast<std::uint32_t>(slots_.size());
    slots_.push_back(std::make_unique<Slot>());
    changed_.grow(slots_.size());
    for (const auto& member : members_) grow(*member);
  }
  Slot& slot = *slots_[at];
  slot.asset = number;
  slot.component = component;
  slot.used = true;
  slot.lossy = lossy;
  asset.slots.push_back(at);
  for (const auto& member : members_) {
    // Nothing of the component whose place this was.
    member->progress[at] = {};
    retarget(*member, at);
  }
  return &slot;
}

void Room::refuse(Flow& flow, std::uint64_t Refused::* what) {
  ++(flow.refused.*what);
  ++(refused_.*what);
}

void Room::publish(Member& member, Flow& flow, const sdd::Frame& frame, Instant now) {
  if (flow.asset == no_asset || frame.alias != flow.claims.alias ||
      !sdd::by_datagram(flow.claims.reliability)) {
    refuse(flow, &Refused::other_asset);
    return;
  }
  if (!sdd::allows(flow.may_publish(), frame.component)) {
    refuse(flow, &Refused::masked);
    return;
  }
  if (frame.payload.size() > sdd::fragment_payload_max) {
    refuse(flow, &Refused::too_large);
    return;
  }
  Asset& asset = assets_[flow.asset];
  const bool lossy = flow.claims.reliability == sdd::FlowClass::lossy;
  Slot* slot = slot_for(asset, flow.asset, frame.component, lossy);
  if (slot == nullptr) {
    refuse(flow, &Refused::too_many);
    return;
  }
  const Taken taken = slot->publish(member.ue_number, frame, flow.published, now);
  if (taken == Taken::base_unknown) refuse(flow, &Refused::base_unknown);
  if (taken == Taken::too_far) refuse(flow, &Refused::too_far);
  if (taken != Taken::stored && taken != Taken::queued) return;
  if (flow.pose && frame.component == sdd::pose::component_root)
    if (const auto at = sdd::pose::root_position(frame.payload)) asset.at = *at;
  const auto found =
      std::ranges::find_if(asset.slots, [&](std::uint32_t at) { return slots_[at].get() == slot; });
  if (taken == Taken::queued)
    queue_lossy(*found, member);
  else
    changed_.add(*found);
  wake(now);
}

void Room::queue_lossy(std::size_t number, const Member& from) {
  const auto state = std::make_shared<const State>(slots_[number]->newest);
  for (const auto& member : members_) {
    if (member->ue_number == from.ue_number || !member->wanted.has(number)) continue;
    const std::uint16_t flow = member->progress[number].flow;
    if (member->lossy.size() >= limits_.lossy_queue_max) {
      ++member->flows[member->lossy.front().flow]->delivered.dropped;
      member->lossy.pop_front();
    }
    member->lossy.push_back({state, flow, static_cast<std::uint32_t>(number)});
  }
}

void Room::publish(Member& member, Flow& flow, const sdd::StreamHeader& header, Bytes payload,
                   Instant now, std::vector<LinkId>& too_slow) {
  if (flow.asset == no_asset || header.alias != flow.claims.alias ||
      header.reliability != flow.claims.reliability) {
    refuse(flow, &Refused::other_asset);
    return;
  }
  if (!sdd::allows(flow.may_publish(), header.component)) {
    refuse(flow, &Refused::masked);
    return;
  }
  ++flow.published.states;
  flow.published.bytes += payload.size();
  const Asset& asset = assets_[flow.asset];
  const auto shared =
      std::make_shared<const std::vector<std::byte>>(payload.begin(), payload.end());
  for (const auto& other : members_) {
    std::size_t place = 0;
    if (other->ue_number == member.ue_number) continue;
    const Flow* seen = view(*other, asset, place);
    if (seen == nullptr || !sdd::allows(seen->seen, header.component)) continue;
    StreamMessage message{.payload = shared, .header = header, .deadline = {}, .flow = place};
    message.header.flow = seen->claims.id;
    if (header.reliability == sdd::FlowClass::deadline) {
      const auto within = header.deadline.count() > 0 ? header.deadline
                                                      : std::chrono::milliseconds(flow.claims.ttl);
      message.header.deadline = within;
      message.deadline = now + within;
    }
    queue_message(*other, std::move(message), now, too_slow);
  }
  wake(now);
}

void Room::finish_windows() {
  for (const auto& member : members_)
    for (const auto& flow : member->flows) {
      if (flow->asset == no_asset) continue;
      for (const std::uint32_t at : assets_[flow->asset].slots)
        if (slots_[at]->author == member->ue_number) slots_[at]->meter.finish(flow->published);
    }
}

void Room::queue_message(Member& member, StreamMessage message, Instant now,
                         std::vector<LinkId>& too_slow) {
  const std::size_t bytes = cost(message);
  if (member.message_bytes + bytes > limits_.stream_queue_bytes_max) {
    // What may be lost is; who lacks what may not be lost would be told something false from here.
    ++member.flows[message.flow]->delivered.dropped;
    if (message.header.reliability != sdd::FlowClass::deadline) too_slow.push_back(member.link);
    return;
  }
  member.message_bytes += bytes;
  // R2 goes before R3 and R4: it has no time to lose.
  const bool urgent = message.header.reliability == sdd::FlowClass::deadline;
  const auto place =
      urgent ? std::ranges::find_if(member.messages,
                                    [](const StreamMessage& waiting) { return !waiting.deadline; })
             : member.messages.end();
  member.messages.insert(place, std::move(message));
  if (!member.blocked_since) serve_messages(member, now);
}

}  // namespace lobo::relay
