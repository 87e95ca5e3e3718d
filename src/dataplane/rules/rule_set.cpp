#include "dataplane/rules/rule_set.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <map>
#include <memory>
#include <tuple>
#include <utility>
#include <vector>

#include "base/few.hpp"
#include "base/require.hpp"
#include "dataplane/rules/match_line.hpp"
#include "dataplane/rules/packet_facts.hpp"
#include "dataplane/rules/path_state.hpp"
#include "dataplane/rules/prefetch.hpp"
#include "dataplane/rules/session.hpp"
#include "dataplane/rules/treatment.hpp"
#include "dataplane/rules/usage_meter.hpp"
#include "model/address.hpp"
#include "wire/packet/flow.hpp"
#include "wire/packet/flow_filter.hpp"
#include "wire/packet/split.hpp"
#include "wire/pfcp/usage.hpp"
#include "wire/pfcp/values.hpp"

namespace lobo::dataplane {
namespace {

struct Number {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
};
Number number_of(const model::IpAddress& address) {
  const packet::FlowKey key = packet::flow_between(address, 0, address, 0);
  return {key.source_high, key.source_low};
}

bool is_host(const pfcp::UeIpAddress& address) { return address.v6_prefix_length == 128; }

// Clause 8.2.62: of an IPv6 address the prefix counts, 64 bits unless another length is given.
bool has_address(const pfcp::UeIpAddress& ue, const packet::FlowKey& flow) {
  const std::uint64_t high = ue.is_destination ? flow.destination_high : flow.source_high;
  const std::uint64_t low = ue.is_destination ? flow.destination_low : flow.source_low;
  if (flow.ip_version == 4) return ue.v4 && number_of(*ue.v4).low == low;
  if (flow.ip_version != 6 || !ue.v6) return false;
  const Number own = number_of(*ue.v6);
  return own.high == high && (!is_host(ue) || own.low == low);
}

bool holds(const SdfMatch& filter, const PacketFacts& packet, packet::Travel travel) {
  if (filter.flow && !filter.flow->matches(packet.flow, travel)) return false;
  const auto& wanted = filter.traffic_class;
  return !wanted || ((packet.traffic_class ^ wanted->value) & wanted->mask) == 0;
}

static_assert(std::max({fars_per_session_max, qers_per_session_max, urrs_per_session_max}) <=
              std::numeric_limits<std::uint8_t>::max());

template <class Map, class Id>
std::uint8_t place_of(const Map& rules, Id id) {
  const auto found = rules.find(id);
  require(found != rules.end());
  return static_cast<std::uint8_t>(std::distance(rules.begin(), found));
}

template <class Map, class Id, std::size_t most>
Few<std::uint8_t, most> places(const Map& rules, const Few<Id, most>& ids) {
  Few<std::uint8_t, most> found;
  for (const Id id : ids) require(found.add(place_of(rules, id)));
  return found;
}

template <class Id, class Value>
std::vector<Value> values(const std::map<Id, Value>& rules) {
  std::vector<Value> all;
  all.reserve(rules.size());
  for (const auto& rule : rules) all.push_back(rule.second);
  return all;
}

}  // namespace

bool Rule::matches(const PacketFacts& packet) const noexcept {
  if (packet.from != source) return false;
  if (teid && *teid != packet.teid) return false;
  if (qfis != 0 && (!packet.qfi || (qfis >> (*packet.qfi & pfcp::Qfi::mask) & 1U) == 0))
    return false;
  if (!ue_addresses.empty() && std::ranges::none_of(ue_addresses, [&](const auto& address) {
        return has_address(address, packet.flow);
      }))
    return false;
  return filters.empty() || std::ranges::any_of(filters, [&](const SdfMatch& filter) {
           return holds(filter, packet, travel);
         });
}

SessionRules::SessionRules(const Session& session, const SessionRules* before)
    : seid_(session.seid),
      fars_(values(session.fars)),
      qers_(values(session.qers)),
      urrs_(values(session.urrs)),
      revision_(before != nullptr ? before->revision_ + 1 : 1),
      buffers_given_up_(session.buffers_given_up) {
  rules_.reserve(session.pdrs.size());
  for (const auto& [id, pdr] : session.pdrs) add_rule(id, pdr, session);
  std::ranges::sort(rules_, {},
                    [](const Rule& rule) { return std::tuple(rule.precedence, rule.id); });
  for (const Rule& rule : rules_) add_keys(rule);
  split_ = before != nullptr ? before->split_ : split_of_keys();
  for (const Urr& urr : urrs_) {
    std::shared_ptr<UsageMeter> meter;
    if (before != nullptr) {
      const auto known = std::ranges::find(before->urrs_, urr.id, &Urr::id);
      if (known != before->urrs_.end())
        meter = before->meters_[static_cast<std::size_t>(known - before->urrs_.begin())];
    }
    meters_.push_back(meter ? std::move(meter) : std::make_shared<UsageMeter>());
  }
  for (const auto& [id, srr] : session.srrs)
    for (const pfcp::QosMonitoringControl& control : srr.monitored)
      for (const pfcp::Qfi qfi : control.qfis) monitored_qfis_ |= std::uint64_t{1} << qfi.value;
  keep_states(session, before);
  compile(session);
}

void SessionRules::add_rule(pfcp::PdrId id, const Pdr& pdr, const Session& session) {
  Rule& rule = rules_.emplace_back();
  rule.id = id;
  rule.source = pdr.source;
  rule.travel =
      pdr.source == pfcp::Interface::access ? packet::Travel::from_ue : packet::Travel::to_ue;
  rule.far = place_of(session.fars, pdr.far);
  rule.precedence = pdr.precedence;
  if (pdr.tunnel) rule.teid = pdr.tunnel->teid;
  for (const pfcp::Qfi qfi : pdr.qfis) rule.qfis |= std::uint64_t{1} << qfi.value;
  rule.qers = places(session.qers, pdr.qers);
  rule.urrs = places(session.urrs, pdr.urrs);
  rule.ue_addresses.assign(pdr.ue_addresses.begin(), pdr.ue_addresses.end());
  rule.filters = pdr.filters;
}

void SessionRules::add_key(const SessionKey& key) {
  if (std::ranges::find(keys_, key) == keys_.end()) keys_.push_back(key);
}

void SessionRules::add_keys(const Rule& rule) {
  using Kind = SessionKey::Kind;
  const auto& header = far(rule).outer_header;
  if (header && header->has_teid() && header->has_v4())
    add_key({Kind::peer, number_of(header->v4).low, header->teid});
  if (rule.teid) add_key({Kind::tunnel, 0, *rule.teid});
  if (rule.source == pfcp::Interface::access) return;
  for (const pfcp::UeIpAddress& address : rule.ue_addresses) {
    if (address.v4) add_key({Kind::ipv4, 0, number_of(*address.v4).low});
    if (!address.v6) continue;
    const Number number = number_of(*address.v6);
    if (is_host(address)) {
      add_key({Kind::ipv6_host, number.high, number.low});
    } else {
      add_key({Kind::ipv6_network, number.high, 0});
    }
  }
}

/// A packet of another of its addresses, or a session that has none at first, is handed to its
/// worker by the one that gets it.
std::uint32_t SessionRules::split_of_keys() const {
  for (const SessionKey& key : keys_) {
    if (key.kind == SessionKey::Kind::ipv4)
      return packet::split_of(static_cast<std::uint32_t>(key.low));
    if (key.kind == SessionKey::Kind::ipv6_network || key.kind == SessionKey::Kind::ipv6_host)
      return packet::split_of_network(key.high);
  }
  return packet::split_of_network(seid_);
}

const DropState* SessionRules::drops(pfcp::PdrId id) const {
  const auto found = std::ranges::find(rules_, id, &Rule::id);
  if (found == rules_.end()) return nullptr;
  return drop_states_[static_cast<std::size_t>(found - rules_.begin())].get();
}

UsageMeter* SessionRules::meter(pfcp::UrrId id) const {
  const auto found = std::ranges::find(urrs_, id, &Urr::id);
  if (found == urrs_.end()) return nullptr;
  return meters_[static_cast<std::size_t>(found - urrs_.begin())].get();
}

const Rule* SessionRules::match(const PacketFacts& packet) const noexcept {
  const auto found =
      std::ranges::find_if(rules_, [&](const Rule& rule) { return rule.matches(packet); });
  return found == rules_.end() ? nullptr : &*found;
}

void RuleSet::Index::reserve(std::size_t keys) {
  slots_.assign(keys == 0 ? 0 : std::bit_ceil(2 * keys), Slot{});
}

std::size_t RuleSet::Index::place(std::uint64_t high, std::uint64_t low) const noexcept {
  constexpr std::uint64_t first = 0x9E3779B97F4A7C15;
  constexpr std::uint64_t second = 0xC2B2AE3D27D4EB4F;
  return packet::detail::fold(low ^ first, high ^ second) & (slots_.size() - 1);
}

bool RuleSet::Index::add(std::uint64_t high, std::uint64_t low, std::uint32_t session) {
  for (std::size_t at = place(high, low);; at = (at + 1) & (slots_.size() - 1)) {
    Slot& slot = slots_[at];
    if (slot.session == none) {
      slot = {high, low, session};
      return true;
    }
    if (slot.high == high && slot.low == low) return slot.session == session;
  }
}

const std::uint32_t* RuleSet::Index::find(std::uint64_t high, std::uint64_t low) const noexcept {
  if (slots_.empty()) return nullptr;
  for (std::size_t at = place(high, low);; at = (at + 1) & (slots_.size() - 1)) {
    const Slot& slot = slots_[at];
    if (slot.session == none) return nullptr;
    if (slot.high == high && slot.low == low) return &slot.session;
  }
}

void RuleSet::Index::prefetch(std::uint64_t high, std::uint64_t low) const noexcept {
  if (!slots_.empty()) dataplane::prefetch(&slots_[place(high, low)]);
}

RuleSet::RuleSet(std::vector<std::shared_ptr<const SessionRules>> sessions)
    : sessions_(std::move(sessions)) {
  std::array<std::size_t, SessionKey::kinds> counts{};
  for (const auto& session : sessions_)
    for (const SessionKey& key : session->keys()) ++counts[static_cast<std::size_t>(key.kind)];
  for (std::size_t kind = 0; kind < counts.size(); ++kind) indexes_[kind].reserve(counts[kind]);
  entries_.reserve(sessions_.size());
  for (std::size_t i = 0; i < sessions_.size(); ++i) {
    const SessionRules& session = *sessions_[i];
    entries_.push_back({.session = &session,
                        .lines = session.lines().data(),
                        .treatments = session.treatments().data(),
                        .count = static_cast<std::uint32_t>(session.lines().size()),
                        .split = session.split()});
    for (const SessionKey& key : session.keys()) {
      const bool added = indexes_[static_cast<std::size_t>(key.kind)].add(
          key.high, key.low, static_cast<std::uint32_t>(i));
      // Of a peer's tunnel too the first has it; nobody is told apart by it.
      if (!added && key.kind != SessionKey::Kind::peer) ++conflicts_;
    }
  }
}

const std::uint32_t* RuleSet::session_of(const PacketFacts& packet) const noexcept {
  using Kind = SessionKey::Kind;
  if (packet.from == pfcp::Interface::access) return index(Kind::tunnel).find(0, packet.teid);
  const packet::FlowKey& flow = packet.flow;
  if (flow.ip_version == 4) return index(Kind::ipv4).find(0, flow.destination_low);
  const auto* host = index(Kind::ipv6_host).find(flow.destination_high, flow.destination_low);
  return host != nullptr ? host : index(Kind::ipv6_network).find(flow.destination_high, 0);
}

const Treatment* RuleSet::Entry::match(const PacketFacts& packet) const noexcept {
  const MatchKey key(packet);
  for (std::size_t i = 0; i < count; ++i) {
    if (!lines[i].holds(key)) continue;
    if (lines[i].sufficient() || treatments[i].rule->matches(packet)) return &treatments[i];
  }
  return nullptr;
}

void RuleSet::prefetch_index(const PacketFacts& packet) const noexcept {
  using Kind = SessionKey::Kind;
  const packet::FlowKey& flow = packet.flow;
  if (packet.from == pfcp::Interface::access) return index(Kind::tunnel).prefetch(0, packet.teid);
  if (flow.ip_version == 4) return index(Kind::ipv4).prefetch(0, flow.destination_low);
  index(Kind::ipv6_host).prefetch(flow.destination_high, flow.destination_low);
  index(Kind::ipv6_network).prefetch(flow.destination_high, 0);
}

const RuleSet::Entry* RuleSet::entry_of(const PacketFacts& packet) const noexcept {
  const std::uint32_t* at = session_of(packet);
  return at == nullptr ? nullptr : &entries_[*at];
}

std::uint64_t RuleSet::seid_of_peer(std::uint32_t peer_v4, std::uint32_t teid) const noexcept {
  const std::uint32_t* at = index(SessionKey::Kind::peer).find(peer_v4, teid);
  return at == nullptr ? 0 : sessions_[*at]->seid();
}

RuleSet::Found RuleSet::classify(const PacketFacts& packet) const noexcept {
  const Entry* entry = entry_of(packet);
  if (entry == nullptr) return {};
  const Treatment* treatment = entry->match(packet);
  return {entry->session, treatment == nullptr ? nullptr : treatment->rule};
}

}  // namespace lobo::dataplane
