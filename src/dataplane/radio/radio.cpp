#include "dataplane/radio/radio.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>

#include "base/quantity.hpp"
#include "base/require.hpp"
#include "dataplane/elapsed.hpp"
#include "dataplane/radio/cell.hpp"
#include "dataplane/radio/conveyed.hpp"
#include "dataplane/radio/guarantee.hpp"
#include "dataplane/radio/rate_trace.hpp"

namespace lobo::dataplane {
namespace {

constexpr std::uint32_t ppm = 1'000'000;
/// Told and not taken; who does not take them loses the oldest.
constexpr std::size_t notices_max = 1024;

BearerTerms terms_of(const RadioFlow& flow) {
  return {.guaranteed = flow.promise.guaranteed,
          .delay_budget = flow.promise.set_delay_budget.value_or(Elapsed{}),
          .whole_sets = flow.whole_sets};
}

}  // namespace

Radio::Radio(const RadioConfig& config)
    : config_(config), rng_(config.seed), cell_(config.cell, config.rate), ues_(radio_ues_max) {}

// ---- UEs and their flows ----------------------------------------------------------------------

bool Radio::open_bearer(std::uint32_t ue, Flow& flow, const RadioFlow& wanted, Elapsed now,
                        RadioFates& out) {
  const BearerTerms terms = terms_of(wanted);
  if (!flow.bearer) {
    flow.bearer = cell_.open(ue, terms);
    flow.watch = GuaranteeWatch(config_.guarantee);  // another promise than the one before
  } else if (flow.terms != terms) {
    cell_.change(*flow.bearer, terms, now, fates_);
    follow(now, out);
  }
  flow.terms = terms;
  flow.watch.promise(wanted.promise);
  flow.ledger.set_delay_budget(terms.delay_budget);
  flow.active = flow.bearer.has_value();
  return flow.active;
}

bool Radio::set_flows(std::uint32_t number, std::span<const RadioFlow> flows, Elapsed now,
                      RadioFates& out) {
  require(!flows.empty());
  advance(now, out);
  Ue& ue = ues_.at(number);
  for (auto& [qfi, flow] : ue.flows) {
    const bool stays = std::ranges::find(flows, qfi, &RadioFlow::qfi) != flows.end();
    if (stays || !flow.bearer) continue;
    cell_.close(*std::exchange(flow.bearer, std::nullopt), now, fates_);
    follow(now, out);
    flow.active = false;
    flow.watch.promise({});
  }
  bool room = true;
  for (const RadioFlow& wanted : flows) {
    require(wanted.qfi < radio_qfis);
    Flow& flow = ue.flows.try_emplace(wanted.qfi, config_.guarantee).first->second;
    room = open_bearer(number, flow, wanted, now, out) && room;
  }
  ue.default_qfi = flows.front().qfi;
  ue.present = ue.flows.at(ue.default_qfi).active;
  set_link(number, ue.link);
  return room;
}

void Radio::set_link(std::uint32_t number, const RadioLink& link) {
  ues_.at(number).link = link;
  cell_.limit(number, link.rate_dl);
}

void Radio::remove(std::uint32_t number, Elapsed now, RadioFates& out) {
  advance(now, out);
  Ue& ue = ues_.at(number);
  ue.present = false;
  for (auto& [qfi, flow] : ue.flows) {
    if (!flow.bearer) continue;
    cell_.close(*std::exchange(flow.bearer, std::nullopt), now, fates_);
    follow(now, out);
    flow.active = false;
    flow.watch.promise({});
  }
  cell_.limit(number, {});
}

void Radio::set_rate(RateTrace rate, Elapsed now, RadioFates& out) {
  advance(now, out);
  cell_.set_rate(std::move(rate), now, fates_);
  follow(now, out);
}

void Radio::reconfigure(const CellConfig& config, Elapsed now, RadioFates& out) {
  advance(now, out);
  cell_.reconfigure(config, now, fates_);
  follow(now, out);
}

// ---- packets ----------------------------------------------------------------------------------

std::optional<std::uint32_t> Radio::take_slot(const Packet& packet) {
  if (free_.empty()) {
    if (packets_.size() == radio_packets_max) return std::nullopt;
    packets_.push_back(packet);
    return static_cast<std::uint32_t>(packets_.size() - 1);
  }
  const std::uint32_t slot = free_.back();
  free_.pop_back();
  packets_[slot] = packet;
  return slot;
}

void Radio::downlink(std::uint32_t number, const Conveyed& conveyed, std::uint64_t handle,
                     std::uint32_t octets, Elapsed now, RadioFates& out) {
  advance(now, out);
  Ue& ue = ues_.at(number);
  if (!ue.present) {
    out.push_back({handle, number, true, ue.default_qfi, RadioDrop::no_room});
    return;
  }
  std::uint8_t qfi = conveyed.qfi.value_or(ue.default_qfi);
  const auto known = ue.flows.find(qfi);
  const bool strange = known == ue.flows.end() || !known->second.active;
  if (strange) qfi = ue.default_qfi;
  Flow& flow = ue.flows.at(qfi);
  ++flow.tallies.received;
  flow.tallies.received_octets += octets;
  for (std::size_t i = 0; i < oddities_count; ++i)
    if ((conveyed.odd >> i & 1U) != 0) flow.ledger.oddities().add(static_cast<Oddity>(i));
  if (strange) flow.ledger.oddities().add(Oddity::qfi_unknown);
  flow.watch.offered(octets);
  Packet packet{.handle = handle,
                .octets = octets,
                .ue = number,
                .qfi = qfi,
                .downlink = true,
                .came = now,
                .ticket = std::nullopt};
  if (conveyed.mark) packet.ticket = flow.ledger.arrive(*conveyed.mark, octets, now);
  const auto slot = take_slot(packet);
  if (!slot) {
    settle(flow, packet, RadioDrop::no_room, now);
    out.push_back({handle, number, true, qfi, RadioDrop::no_room});
    return;
  }
  cell_.arrive(*flow.bearer, conveyed.mark ? &*conveyed.mark : nullptr, *slot, octets, now, fates_);
  flow.tallies.queue_octets_max =
      std::max(flow.tallies.queue_octets_max, cell_.queued_octets(*flow.bearer));
  follow(now, out);
  // What an idle cell takes begins to be sent at once.
  advance(now, out);
}

void Radio::uplink(std::uint32_t number, std::uint8_t qfi, std::uint64_t handle,
                   std::uint32_t octets, Elapsed now, RadioFates& out) {
  advance(now, out);
  Ue& ue = ues_.at(number);
  Flow& flow = ue.flows.at(qfi);
  ++flow.tallies.uplink;
  flow.tallies.uplink_octets += octets;
  const bool lost = lost_by_chance(ue.link);
  const auto slot = lost ? std::nullopt
                         : take_slot({.handle = handle,
                                      .octets = octets,
                                      .ue = number,
                                      .qfi = qfi,
                                      .downlink = false,
                                      .came = now,
                                      .ticket = std::nullopt});
  if (!slot) {
    ++flow.tallies.uplink_lost;
    out.push_back({handle, number, false, qfi, lost ? RadioDrop::radio : RadioDrop::no_room});
    return;
  }
  under_way_.push({now + ue.link.delay, order_++, *slot});
  arrive_due(now, out);
}

bool Radio::lost_by_chance(const RadioLink& link) {
  return link.loss_ppm > 0 && rng_.below(ppm) < link.loss_ppm;
}

/// Takes what the cell has told.
void Radio::follow(Elapsed now, RadioFates& out) {
  for (const CellFate& fate : fates_) {
    if (fate.dropped)
      finish(fate.handle, fate.dropped, now, out);
    else
      leave(fate.handle, fate.at);
  }
  fates_.clear();
}

void Radio::leave(std::uint32_t slot, Elapsed at) {
  under_way_.push({at + ues_[packets_[slot].ue].link.delay, order_++, slot});
}

void Radio::finish(std::uint32_t slot, std::optional<RadioDrop> dropped, Elapsed at,
                   RadioFates& out) {
  const Packet& packet = packets_[slot];
  if (packet.downlink) settle(flow_of(packet), packet, dropped, at);
  out.push_back({packet.handle, packet.ue, packet.downlink, packet.qfi, dropped});
  free_.push_back(slot);
}

void Radio::settle(Flow& flow, const Packet& packet, std::optional<RadioDrop> dropped, Elapsed at) {
  const Elapsed delay = at - packet.came;
  if (dropped) {
    ++flow.tallies.dropped[static_cast<std::size_t>(*dropped)];
  } else {
    ++flow.tallies.delivered;
    flow.tallies.delivered_octets += packet.octets;
    flow.tallies.delay_sum += delay;
    flow.delay_last = delay;
    flow.tallies.delay_max = std::max(flow.tallies.delay_max, delay);
  }
  flow.watch.settled(packet.octets, !dropped, delay);
  if (!packet.ticket) return;
  if (const auto verdict = flow.ledger.settle(*packet.ticket, !dropped, at))
    flow.watch.judged(verdict->whole, verdict->late);
}

// ---- time -------------------------------------------------------------------------------------

void Radio::advance(Elapsed now, RadioFates& out) {
  watch(now);
  cell_.advance(now, fates_);
  follow(now, out);
  arrive_due(now, out);
}

void Radio::arrive_due(Elapsed now, RadioFates& out) {
  while (!under_way_.empty() && under_way_.top().at <= now) {
    const Due due = under_way_.top();
    under_way_.pop();
    const Packet& packet = packets_[due.packet];
    const bool lost = packet.downlink && lost_by_chance(ues_[packet.ue].link);
    finish(due.packet, lost ? std::optional(RadioDrop::radio) : std::nullopt, due.at, out);
  }
}

// All watches move on together; a window that is looked at late is a little longer.
void Radio::watch(Elapsed now) {
  if (now < watch_at_) return;
  watch_at_ = now + config_.guarantee.window / static_cast<std::int64_t>(GuaranteeWatch::slices);
  for (std::uint32_t number = 0; number < ues_.size(); ++number)
    for (auto& [qfi, flow] : ues_[number].flows) {
      flow.ledger.expire(now);
      const auto news = flow.watch.advance(now);
      if (!news) continue;
      ++flow.tallies.notices;
      if (notices_.size() == notices_max) notices_.erase(notices_.begin());
      notices_.push_back({number, qfi, *news});
    }
}

std::optional<Elapsed> Radio::next_at() const {
  std::optional<Elapsed> next = cell_.next_at();
  const auto sooner = [&next](Elapsed at) { next = next ? std::min(*next, at) : at; };
  if (!under_way_.empty()) sooner(under_way_.top().at);
  const bool anybody = std::ranges::any_of(ues_, [](const Ue& ue) { return !ue.flows.empty(); });
  if (anybody) sooner(watch_at_);
  return next;
}

std::optional<RadioNotice> Radio::next_notice() {
  if (notices_.empty()) return std::nullopt;
  const RadioNotice first = notices_.front();
  notices_.erase(notices_.begin());
  return first;
}

}  // namespace lobo::dataplane
