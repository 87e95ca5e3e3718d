// Random histories: what the agent holds is what a plain model says, whatever happened; and over a
// channel that loses, repeats and reorders each request is done once.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/rng.hpp"
#include "dataplane/n4/agent.hpp"
#include "dataplane/n4/config.hpp"
#include "dataplane/n4/types.hpp"
#include "dataplane/n4/usage_watch.hpp"
#include "dataplane/rules/session.hpp"
#include "dataplane/rules/usage_meter.hpp"
#include "dataplane/rules/worker_event.hpp"
#include "support/n4_control_plane.hpp"
#include "support/n4_scene.hpp"
#include "wire/packet/flow_filter.hpp"
#include "wire/pfcp/header.hpp"
#include "wire/pfcp/messages.hpp"
#include "wire/pfcp/refusal.hpp"
#include "wire/pfcp/rules.hpp"
#include "wire/pfcp/usage.hpp"
#include "wire/pfcp/values.hpp"

namespace lobo::dataplane::n4 {
namespace {

using namespace std::chrono_literals;
using pfcp::Cause;
using test::ControlPlane;
using test::N4Rules;
using test::N4Scene;

// What a plain reader of the requests would keep: sessions by SEID, each with its address.
struct Model {
  struct Kept {
    std::size_t control = 0;
    std::uint32_t ue = 0;
    std::size_t tunnels = 0;
  };
  std::map<std::uint64_t, Kept> sessions;
  std::set<std::size_t> associated;

  bool is_claimed(std::uint32_t ue, std::uint64_t but = 0) const {
    return std::ranges::any_of(
        sessions, [&](const auto& one) { return one.first != but && one.second.ue == ue; });
  }
  void drop_of(std::size_t control) {
    std::erase_if(sessions, [&](const auto& one) { return one.second.control == control; });
  }
  std::size_t tunnels() const {
    std::size_t all = 0;
    for (const auto& [seid, one] : sessions) all += one.tunnels;
    return all;
  }
};

class History {
 public:
  explicit History(std::uint64_t seed) : rng_(seed) {}

  void step() {
    const auto control = rng_.below(controls_.size());
    switch (rng_.below(12)) {
      case 0: return associate(control);
      case 1: return rng_.below(6) == 0 ? release(control) : associate_first(control);
      case 2: return rng_.below(6) == 0 ? restart(control) : associate_first(control);
      case 3:
      case 4:
      case 5:
      case 6: return establish(control);
      case 7:
      case 8:
      case 9: return modify(control);
      case 10: return remove(control);
      default: return repeat();
    }
  }
  void check() {
    RC_ASSERT(scene_.agent.sessions() == model_.sessions.size());
    RC_ASSERT(scene_.agent.associations() == model_.associated.size());
    RC_ASSERT(scene_.agent.own_tunnels() == model_.tunnels());
    RC_ASSERT(scene_.pdr_to(0) == 0);
    std::set<std::uint32_t> tunnels;
    for (const auto& [seid, kept] : model_.sessions) {
      const Session* session = scene_.agent.session(seid);
      RC_ASSERT(session != nullptr);
      for (const auto& [id, pdr] : session->pdrs)
        if (pdr.tunnel) RC_ASSERT(tunnels.insert(pdr.tunnel->teid).second);
      RC_ASSERT(scene_.pdr_to(kept.ue) == 2);
    }
    RC_ASSERT(scene_.published->conflicts() == 0U);
    RC_ASSERT(scene_.published->sessions() == model_.sessions.size());
  }

 private:
  void associate(std::size_t control) {
    keep(control, controls_[control].association());
    const auto came = scene_.ask<pfcp::AssociationSetupResponse>(controls_[control], last_);
    RC_ASSERT(came && came->message.cause == Cause::request_accepted);
    model_.drop_of(control);
    model_.associated.insert(control);
  }
  void associate_first(std::size_t control) {
    if (!model_.associated.contains(control)) associate(control);
  }
  // A control plane that restarted and sends the bytes of before, unassociated, cannot be told from
  // a network that repeats them: it does not do so here.
  void release(std::size_t control) {
    if (!model_.associated.contains(control)) return;
    auto& one = controls_[control];
    keep(control, one.request(pfcp::AssociationReleaseRequest{one.node()}));
    const auto came = scene_.ask<pfcp::AssociationReleaseResponse>(one, last_);
    RC_ASSERT(came.has_value());
    RC_ASSERT(came->message.cause == Cause::request_accepted);
    model_.associated.erase(control);
    model_.drop_of(control);
  }
  void restart(std::size_t control) {
    auto& one = controls_[control];
    one.restart();
    scene_.send(one.at(), one.request(pfcp::HeartbeatRequest{one.recovered()}));
    model_.associated.erase(control);
    model_.drop_of(control);
  }
  void establish(std::size_t control) {
    const auto ue = static_cast<std::uint32_t>(1 + rng_.below(30));
    auto& one = controls_[control];
    auto rules = test::two_ways(ue);
    const bool broken = rng_.below(8) == 0;
    if (broken) rules.pdrs[1].far = pfcp::FarId{99};
    keep(control, one.establishment(rules, ++control_seids_));
    const auto came = scene_.ask<pfcp::SessionEstablishmentResponse>(one, last_);
    RC_ASSERT(came.has_value());
    const bool right = model_.associated.contains(control) && !broken && !model_.is_claimed(ue);
    RC_ASSERT(pfcp::is_accepted(came->message.cause) == right);
    if (!right) return;
    const auto seid = came->message.up_f_seid->seid;
    RC_ASSERT(model_.sessions.emplace(seid, Model::Kept{control, ue, 1}).second);
  }
  std::optional<std::uint64_t> some_session() {
    if (model_.sessions.empty()) return std::nullopt;
    const auto at = static_cast<std::ptrdiff_t>(rng_.below(model_.sessions.size()));
    return std::next(model_.sessions.begin(), at)->first;
  }
  void modify(std::size_t control) {
    const auto seid = some_session();
    if (!seid) return;
    Model::Kept& kept = model_.sessions.at(*seid);
    N4Rules change;
    const auto ue = static_cast<std::uint32_t>(1 + rng_.below(30));
    const bool moves = rng_.below(2) == 0;
    if (moves) change.update_pdrs = {{.id = {2}, .pdi = test::downlink_pdr(2, 2, ue).pdi}};
    const auto id = static_cast<std::uint16_t>(3 + rng_.below(4));
    const bool has = scene_.agent.session(*seid)->pdrs.contains({id});
    const bool adds = rng_.below(2) == 0;
    if (adds) change.pdrs = {test::uplink_pdr(id, 1)};
    const bool takes = !adds && rng_.below(2) == 0;
    if (takes) change.remove_pdrs = {{{id}}};
    auto& one = controls_[control];
    keep(control, one.request(change.modification(), *seid));
    const auto came = scene_.ask<pfcp::SessionModificationResponse>(one, last_);
    RC_ASSERT(came.has_value());
    const bool right = control == kept.control && !(moves && model_.is_claimed(ue, *seid)) &&
                       !(adds && has) && !(takes && !has);
    RC_ASSERT(pfcp::is_accepted(came->message.cause) == right);
    if (!right) return;
    if (moves) kept.ue = ue;
    if (adds) ++kept.tunnels;
    if (takes) --kept.tunnels;
  }
  void remove(std::size_t control) {
    const auto seid = some_session();
    if (!seid) return;
    auto& one = controls_[control];
    keep(control, one.request(pfcp::SessionDeletionRequest{}, *seid));
    const auto came = scene_.ask<pfcp::SessionDeletionResponse>(one, last_);
    RC_ASSERT(came.has_value());
    const bool right = model_.sessions.at(*seid).control == control;
    RC_ASSERT(pfcp::is_accepted(came->message.cause) == right);
    if (right) model_.sessions.erase(*seid);
  }
  // What came last comes again: the network repeats.
  void repeat() {
    if (!last_.empty()) scene_.send(controls_[last_control_].at(), last_);
  }
  void keep(std::size_t control, std::vector<std::byte> bytes) {
    last_control_ = control;
    last_ = std::move(bytes);
  }

  SeededRng rng_;
  N4Scene scene_;
  std::vector<ControlPlane> controls_{ControlPlane("192.0.2.1"), ControlPlane("192.0.2.2"),
                                      ControlPlane("192.0.2.3")};
  Model model_;
  std::uint64_t control_seids_ = 0;
  std::size_t last_control_ = 0;
  std::vector<std::byte> last_;
};

RC_GTEST_PROP(n4_history, the_agent_holds_what_a_plain_model_says, ()) {
  History history(*rc::gen::arbitrary<std::uint64_t>());
  for (int i = 0; i < 60; ++i) {
    history.step();
    history.check();
  }
}

RC_GTEST_PROP(n4_history, reports_add_up_to_what_was_counted, ()) {
  SeededRng rng(*rc::gen::arbitrary<std::uint64_t>());
  using pfcp::ReportingTrigger;
  pfcp::CreateUrr urr{
      .id = {1},
      .method = {pfcp::Measurement::volume, pfcp::Measurement::duration},
      .triggers = {ReportingTrigger::volume_threshold, ReportingTrigger::time_threshold,
                   ReportingTrigger::periodic, ReportingTrigger::volume_quota},
      .period = pfcp::Seconds32{static_cast<std::uint32_t>(1 + rng.below(60))},
      .volume_threshold = pfcp::Volume{.total = pfcp::OctetCount{1 + rng.below(5000)}},
      .volume_quota = pfcp::Volume{.uplink = pfcp::OctetCount{rng.below(9000)}},
      .time_threshold = pfcp::Seconds32{static_cast<std::uint32_t>(1 + rng.below(60))},
      .information = pfcp::MeasurementInformation{pfcp::MeasurementDetail::number_of_packets}};
  if (rng.below(2) == 0) urr.inactivity_detection_time = pfcp::Seconds32{5};
  Instant now{24h};
  const auto meter = std::make_shared<UsageMeter>();
  UsageWatch watch(urr, meter, now);
  std::uint64_t octets = 0;
  std::uint64_t packets = 0;
  std::vector<pfcp::UsageReport> reports;
  for (int i = 0; i < 300; ++i) {
    const auto step = std::chrono::microseconds(rng.below(2'000'000));
    const Instant then = now + step;
    // Time comes where it is wanted, at most ever so often: a look always moves the next one on.
    for (int looks = 0; watch.next_look() && *watch.next_look() <= then; ++looks) {
      RC_ASSERT(looks < 100);
      now = std::max(now, *watch.next_look());
      watch.look(now);
      if (watch.is_due()) watch.report(std::nullopt, now, reports);
    }
    now = then;
    const auto size = static_cast<std::uint32_t>(1 + rng.below(1500));
    octets += size;
    ++packets;
    const auto ns =
        static_cast<std::uint64_t>(std::chrono::nanoseconds(now.time_since_epoch()).count());
    const auto way = rng.below(2) == 0 ? packet::Travel::from_ue : packet::Travel::to_ue;
    if (!meter->count(way, size, ns)) continue;
    watch.look(now);
    if (watch.is_due() && rng.below(4) != 0) watch.report(std::nullopt, now, reports);
  }
  watch.report(pfcp::UsageReportTrigger::termination, now, reports);
  std::uint64_t told_octets = 0;
  std::uint64_t told_packets = 0;
  std::uint32_t number = 0;
  std::optional<pfcp::NtpSeconds> end;
  for (const auto& report : reports) {
    RC_ASSERT(report.sequence_number.value == number++);
    RC_ASSERT(!end || report.start_time == end);
    end = report.end_time;
    told_octets += report.volume->octets.total->count;
    told_packets += report.volume->total_packets->count;
    RC_ASSERT(report.duration->count() <= report.end_time->value - report.start_time->value + 1);
  }
  RC_ASSERT(told_octets == octets);
  RC_ASSERT(told_packets == packets);
}

// ---- a bad channel -----------------------------------------------------------------------------

// Carries datagrams both ways, late, twice, in another order, or not at all.
class BadChannel {
 public:
  BadChannel(SeededRng& rng, unsigned lost_percent) : rng_(rng), lost_percent_(lost_percent) {}

  void put(bool to_agent, const std::vector<std::byte>& bytes, Instant now) {
    const int copies = rng_.below(100) < 20 ? 2 : 1;
    for (int i = 0; i < copies; ++i) {
      if (rng_.below(100) < lost_percent_) continue;
      const auto delay = std::chrono::milliseconds(1 + rng_.below(rng_.below(10) == 0 ? 3000 : 50));
      under_way_.emplace(now + delay, std::pair(to_agent, bytes));
    }
  }
  std::optional<Instant> next() const {
    if (under_way_.empty()) return std::nullopt;
    return under_way_.begin()->first;
  }
  std::optional<std::pair<bool, std::vector<std::byte>>> take(Instant now) {
    if (under_way_.empty() || under_way_.begin()->first > now) return std::nullopt;
    auto first = std::move(under_way_.begin()->second);
    under_way_.erase(under_way_.begin());
    return first;
  }

 private:
  SeededRng& rng_;
  unsigned lost_percent_;
  std::multimap<Instant, std::pair<bool, std::vector<std::byte>>> under_way_;
};

// One session's life, request by request, each sent until it is answered. Each modification makes a
// rule, so that one that is done twice is refused.
struct Life {
  static constexpr unsigned steps = 6;
  std::uint64_t own_seid = 0;
  std::uint64_t seid = 0;
  unsigned done = 0;
  std::uint32_t number = 0;
  std::vector<std::byte> bytes;
  Instant again;
  std::uint64_t told_octets = 0;
};

class Lives {
 public:
  Lives(std::uint64_t seed, unsigned lost_percent)
      : rng_(seed), channel_(rng_, lost_percent), scene_(config()) {
    scene_.associate(smf_);
    for (std::uint64_t i = 1; i <= 8; ++i) {
      lives_.push_back({.own_seid = i});
      ask(lives_.back());
    }
  }
  static N4Config config() {
    auto config = test::n4_config();
    config.retransmit_after = 500ms;
    config.retransmissions = 40;
    return config;
  }
  void run() {
    constexpr int turns_max = 100'000;
    for (int turn = 0; turn < turns_max && !is_over(); ++turn) {
      scene_.now = std::max(scene_.now, next());
      while (auto come = channel_.take(scene_.now))
        come->first ? to_agent(come->second) : to_control(come->second);
      for (Life& life : lives_)
        if (life.done < Life::steps && life.again <= scene_.now) again(life);
      scene_.agent.advance(scene_.now);
      from_agent();
    }
  }
  bool is_over() const {
    return std::ranges::all_of(lives_, [](const Life& life) { return life.done == Life::steps; }) &&
           scene_.agent.transactions() == 0 && !channel_.next();
  }
  void check() {
    RC_ASSERT(is_over());
    RC_ASSERT(refused_ == 0);
    RC_ASSERT(scene_.agent.sessions() == 0U);
    RC_ASSERT(scene_.agent.own_tunnels() == 0U);
    RC_ASSERT(scene_.agent.counters().refused == 0U);
    for (const Life& life : lives_) RC_ASSERT(life.told_octets == counted_[life.own_seid]);
  }

 private:
  Instant next() const {
    Instant soonest = scene_.now + 1s;
    if (const auto at = channel_.next()) soonest = std::min(soonest, *at);
    if (const auto at = scene_.agent.next_call()) soonest = std::min(soonest, *at);
    for (const Life& life : lives_)
      if (life.done < Life::steps) soonest = std::min(soonest, life.again);
    return soonest;
  }
  void ask(Life& life) {
    const auto ue = static_cast<std::uint32_t>(life.own_seid);
    if (life.done == 0) {
      auto rules = test::two_ways(ue);
      rules.urrs = {{.id = {1},
                     .method = {pfcp::Measurement::volume},
                     .triggers = {pfcp::ReportingTrigger::volume_threshold},
                     .volume_threshold = pfcp::Volume{.total = pfcp::OctetCount{1000}}}};
      RC_ASSERT(rules.pdrs[1].urrs.add({1}));
      life.bytes = smf_.establishment(rules, life.own_seid);
    } else if (life.done + 1 < Life::steps) {
      N4Rules change;
      change.pdrs = {test::uplink_pdr(static_cast<std::uint16_t>(10 + life.done), 1)};
      life.bytes = smf_.request(change.modification(), life.seid);
    } else {
      life.bytes = smf_.request(pfcp::SessionDeletionRequest{}, life.seid);
    }
    life.number = smf_.last_number();
    again(life);
  }
  void again(Life& life) {
    life.again = scene_.now + 400ms;
    channel_.put(true, life.bytes, scene_.now);
  }
  void to_agent(const std::vector<std::byte>& bytes) {
    scene_.agent.receive(smf_.at(), bytes, scene_.now);
    traffic();
    from_agent();
  }
  // A packet for each session that is there, counted as the worker would.
  void traffic() {
    for (Life& life : lives_) {
      if (life.seid == 0 || scene_.agent.session(life.seid) == nullptr) continue;
      const auto ue = static_cast<std::uint32_t>(life.own_seid);
      auto& meter = scene_.meter(life.seid, ue, 1);
      const auto size = static_cast<std::uint32_t>(1 + rng_.below(900));
      counted_[life.own_seid] += size;
      if (meter.count(packet::Travel::to_ue, size, scene_.now_ns()))
        scene_.agent.handle({.kind = WorkerEvent::Kind::usage, .seid = life.seid, .id = 1},
                            scene_.now);
    }
  }
  void from_agent() {
    for (const auto& sent : scene_.agent.take_datagrams())
      channel_.put(false, *sent.bytes, scene_.now);
  }
  template <class Reports>
  void add(Life& life, const Reports& reports) {
    for (const pfcp::UsageReport& report : reports)
      life.told_octets += report.volume->octets.total->count;
  }
  void to_control(const std::vector<std::byte>& bytes) {
    const auto shared = std::make_shared<const std::vector<std::byte>>(bytes);
    if (const auto report = test::read_as<pfcp::SessionReportRequest>(shared)) return hear(*report);
    if (const auto beat = test::read_as<pfcp::HeartbeatRequest>(shared)) {
      channel_.put(true,
                   ControlPlane::bytes({.sequence_number = beat->envelope.sequence_number},
                                       pfcp::HeartbeatResponse{smf_.recovered()}),
                   scene_.now);
      return;
    }
    const auto number = pfcp::parse_message(bytes).envelope.sequence_number;
    const auto life = std::ranges::find_if(
        lives_, [&](const Life& one) { return one.done < Life::steps && one.number == number; });
    if (life == lives_.end()) return;  // an answer that came before
    Cause cause = Cause::request_rejected;
    if (const auto made = test::read_as<pfcp::SessionEstablishmentResponse>(shared)) {
      cause = made->message.cause;
      if (made->message.up_f_seid) life->seid = made->message.up_f_seid->seid;
    } else if (const auto changed = test::read_as<pfcp::SessionModificationResponse>(shared)) {
      cause = changed->message.cause;
      add(*life, changed->message.usage_reports);
    } else if (const auto gone = test::read_as<pfcp::SessionDeletionResponse>(shared)) {
      cause = gone->message.cause;
      add(*life, gone->message.usage_reports);
    }
    refused_ += pfcp::is_accepted(cause) ? 0 : 1;
    if (++life->done < Life::steps) ask(*life);
  }
  // A report that comes again is answered again, and counted once.
  void hear(const test::Came<pfcp::SessionReportRequest>& report) {
    const auto life = std::ranges::find(lives_, report.envelope.seid,
                                        [](const Life& one) { return one.own_seid; });
    RC_ASSERT(life != lives_.end());
    if (heard_.insert(report.envelope.sequence_number).second)
      add(*life, report.message.usage_reports);
    channel_.put(true,
                 ControlPlane::bytes(
                     {.seid = life->seid, .sequence_number = report.envelope.sequence_number},
                     pfcp::SessionReportResponse{}),
                 scene_.now);
  }

  SeededRng rng_;
  BadChannel channel_;
  N4Scene scene_;
  ControlPlane smf_;
  std::vector<Life> lives_;
  std::map<std::uint64_t, std::uint64_t> counted_;
  std::set<std::uint32_t> heard_;
  int refused_ = 0;
};

RC_GTEST_PROP(n4_history, over_a_bad_channel_each_request_is_done_once, ()) {
  Lives lives(*rc::gen::arbitrary<std::uint64_t>(), 25);
  lives.run();
  lives.check();
}

}  // namespace
}  // namespace lobo::dataplane::n4
