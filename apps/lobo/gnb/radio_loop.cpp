#include "gnb/radio_loop.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/http/loop.hpp"
#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/rng.hpp"
#include "dataplane/elapsed.hpp"
#include "dataplane/radio/cell.hpp"
#include "dataplane/radio/conveyed.hpp"
#include "dataplane/radio/radio.hpp"
#include "dataplane/radio/rate_trace.hpp"
#include "dataplane/stages/monitor.hpp"
#include "gnb/air_side.hpp"
#include "gnb/gnb_config.hpp"
#include "gnb/n3_side.hpp"
#include "gnb/session_terms.hpp"
#include "wire/gtpu/containers.hpp"

namespace lobo::app {
namespace {

using dataplane::Elapsed;
using std::chrono::steady_clock;

/// TS 38.415 clauses 5.5.3.11 and 5.5.3.12: what the RAN says of its own delay. Milliseconds, as
/// the UPF reads it (docs/upf.md).
std::uint32_t in_result_units(Elapsed delay) {
  return static_cast<std::uint32_t>(
      std::chrono::round<std::chrono::milliseconds>(std::max(delay, Elapsed{})).count());
}

}  // namespace

RadioLoop::RadioLoop(adapters::EventLoop& loop, const Clock& clock, const GnbConfig& config,
                     dataplane::RateTrace rate, Tells tells)
    : loop_(loop),
      clock_(clock),
      tells_(std::move(tells)),
      radio_({.cell = config.cell,
              .rate = std::move(rate),
              .guarantee = config.guarantee,
              .seed = config.seed}),
      begun_(steady_clock::now()) {}

RadioLoop::~RadioLoop() {
  if (timer_) loop_.cancel(*timer_);
  for (const auto& [key, stamp] : stamps_) loop_.cancel(stamp.timer);
}

Result<std::unique_ptr<RadioLoop>> RadioLoop::open(adapters::EventLoop& loop, const Clock& clock,
                                                   Rng& rng, const GnbConfig& config,
                                                   dataplane::RateTrace rate, Tells tells) {
  std::unique_ptr<RadioLoop> made(
      new RadioLoop(loop, clock, config, std::move(rate), std::move(tells)));
  RadioLoop* const self = made.get();
  auto n3 = N3Side::open(
      loop, config.n3, config.release,
      [self](std::uint32_t ue, const dataplane::Conveyed& conveyed, Bytes packet) {
        self->take_downlink(ue, conveyed, packet);
      },
      [self] { self->pump(); });
  if (!n3) return fail(std::move(n3.error()));
  made->n3_ = std::move(*n3);
  auto air = AirSide::open(
      loop, config.air, rng,
      {.attach = [self](std::string_view name) { return self->tells_.attach(name); },
       .uplink = [self](std::uint32_t ue, Bytes packet) { self->take_uplink(ue, packet); },
       .lost = [self](std::uint32_t ue) { self->tells_.lost(ue); },
       .done = [self] { self->pump(); }});
  if (!air) return fail(std::move(air.error()));
  made->air_ = std::move(*air);
  return made;
}

bool RadioLoop::serve(std::uint32_t ue, std::uint32_t teid, const SessionTerms& terms,
                      const dataplane::RadioLink& link) {
  if (const auto before = served_.find(ue); before != served_.end() && before->second.teid != teid)
    n3_->forget(before->second.teid);
  const bool room = radio_.set_flows(ue, terms.flows, now(), fates_);
  radio_.set_link(ue, link);
  served_.insert_or_assign(ue, Served{teid, terms});
  n3_->listen_for(teid, ue);
  pump();
  return room;
}

void RadioLoop::end(std::uint32_t ue) {
  const auto at = served_.find(ue);
  if (at == served_.end()) return;
  n3_->forget(at->second.teid);
  served_.erase(at);
  radio_.remove(ue, now(), fates_);
  std::erase_if(stamps_, [&](const auto& one) {
    if (one.first.first != ue) return false;
    loop_.cancel(one.second.timer);
    return true;
  });
  pump();
}

void RadioLoop::set_rate(dataplane::RateTrace rate) {
  radio_.set_rate(std::move(rate), now(), fates_);
  pump();
}

void RadioLoop::reconfigure(const dataplane::CellConfig& config) {
  radio_.reconfigure(config, now(), fates_);
  pump();
}

// ---- packets ----------------------------------------------------------------------------------

void RadioLoop::take_downlink(std::uint32_t ue, const dataplane::Conveyed& conveyed, Bytes packet) {
  if (!served_.contains(ue)) return;
  if (conveyed.sending_time && conveyed.qfi) keep_stamp(ue, *conveyed.qfi, *conveyed.sending_time);
  radio_.downlink(ue, conveyed, packets_.put(packet), static_cast<std::uint32_t>(packet.size()),
                  now(), fates_);
  act();
}

void RadioLoop::take_uplink(std::uint32_t ue, Bytes packet) {
  const auto at = served_.find(ue);
  if (at == served_.end() || !is_whole_ip(packet)) return;
  radio_.uplink(ue, at->second.terms.uplink_qfi(packet), packets_.put(packet),
                static_cast<std::uint32_t>(packet.size()), now(), fates_);
  act();
}

std::uint64_t RadioLoop::stamp_now() const {
  return dataplane::ntp_stamp(clock_.now().time_since_epoch());
}

// The newest stamp of a flow is the one that is answered.
void RadioLoop::keep_stamp(std::uint32_t ue, std::uint8_t qfi, std::uint64_t sent) {
  const FlowKey key{ue, qfi};
  const auto [at, fresh] = stamps_.try_emplace(key);
  at->second.sent = sent;
  at->second.received = stamp_now();
  if (fresh)
    at->second.timer =
        loop_.after(stamp_wait, [this, key] { send_uplink(key.first, key.second, {}); });
}

void RadioLoop::send_uplink(std::uint32_t ue, std::uint8_t qfi, Bytes packet) {
  const auto at = served_.find(ue);
  if (at == served_.end()) return;
  gtpu::UlSession container{.qfi = qfi};
  if (const auto stamp = stamps_.find({ue, qfi}); stamp != stamps_.end()) {
    loop_.cancel(stamp->second.timer);
    container.time_stamps = std::array{stamp->second.sent, stamp->second.received, stamp_now()};
    const auto& flows = radio_.flows(ue);
    if (const auto flow = flows.find(qfi); flow != flows.end())
      container.dl_delay = in_result_units(flow->second.delay_last);
    container.ul_delay = in_result_units(radio_.link(ue).delay);
    stamps_.erase(stamp);
    ++stamps_answered_;
  }
  n3_->send(at->second.terms.upf, at->second.terms.upf_teid, container, packet);
}

// ---- time -------------------------------------------------------------------------------------

void RadioLoop::pump() {
  radio_.advance(now(), fates_);
  act();
  while (const auto notice = radio_.next_notice()) tells_.notice(*notice);
  arm();
}

void RadioLoop::act() {
  for (const auto& fate : fates_) {
    const Bytes packet = packets_.at(fate.handle);
    if (!fate.dropped && fate.downlink)
      air_->deliver(fate.ue, packet);
    else if (!fate.dropped)
      send_uplink(fate.ue, fate.qfi, packet);
    packets_.free(fate.handle);
  }
  fates_.clear();
}

void RadioLoop::arm() {
  const auto next = radio_.next_at();
  if (timer_ && next == armed_for_) return;
  if (timer_) loop_.cancel(*timer_);
  timer_.reset();
  armed_for_ = next;
  if (!next) return;
  const auto wait = std::max(*next - now(), Elapsed{});
  timer_ = loop_.after(std::chrono::ceil<std::chrono::microseconds>(wait), [this] {
    timer_.reset();
    pump();
  });
}

}  // namespace lobo::app
