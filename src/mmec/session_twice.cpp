// Flows that go twice (+D): the same states over two connections to one node, the first copy of
// each counts. What is lost on one way is there by the other, at once.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "mmec/link.hpp"
#include "mmec/ports.hpp"
#include "mmec/session.hpp"
#include "mmec/types.hpp"
#include "wire/sdd/control.hpp"
#include "wire/sdd/sequence_window.hpp"
#include "wire/sdd/token.hpp"
#include "wire/sdd/types.hpp"

namespace lobo::mmec {

Place Session::place_of(const Grant& grant, Link::Way way) const {
  Place at = grant.at;
  const auto& said = way == Link::Way::first ? settings_.through : settings_.second;
  if (!said) return at;
  at.from = said->from;
  if (said->certificate) at.certificate = said->certificate;
  if (!said->host.empty()) {
    at.host = said->host;
    at.port = said->port;
  } else if (way == Link::Way::second && settings_.through) {
    at.host = settings_.through->host;
    at.port = settings_.through->port;
  }
  return at;
}

void Session::take_second_way(Instant now) {
  second_at_.reset();
  if (!settings_.second || second_ || !is_up() || !current_->link.established) return;
  const Grant& grant = current_->link.grant();
  if (!has_copies(grant)) return;
  const auto way = current_->link.way() == Link::Way::first ? Link::Way::second : Link::Way::first;
  const auto made = network_.connect(place_of(grant, way));
  if (!made) return lose_second(now);
  second_ = std::make_unique<Slot>(*made, grant, way, network_, *this);
  second_->link.join(current_->link);
  second_->link.since = now;
}

/// It is tried again for as long as the first way is there: seldom, and never the reason for
/// anything else.
void Session::lose_second(Instant now) {
  if (second_) {
    network_.close(second_->link.number(), sdd::Cause::ok, "");
    if (second_->link.established) second_attempts_ = 0;
    second_.reset();
  }
  const auto doublings = std::min<std::uint64_t>(second_attempts_++, 8);
  const auto pause =
      std::min<std::chrono::microseconds>(pause_first * (1ULL << doublings), pause_max);
  const auto half = static_cast<std::uint64_t>(pause.count()) / 2;
  second_at_ =
      now + std::chrono::microseconds(static_cast<std::int64_t>(half + rng_.below(half + 1)));
}

bool Session::goes_on_by_the_other(Instant now) {
  if (!is_up() || !second_ || !second_->link.established || second_->loss) return false;
  const auto number = second_->link.number();
  const Grant grant = current_->link.grant();
  const Instant renew_at = current_->link.renew_at;
  network_.close(current_->link.number(), sdd::Cause::ok, "");
  current_ = std::move(second_);
  current_->link.renew_at = renew_at;
  for (auto& [part, own] : own_) {
    // What this way had of it is all that there is of it now.
    const bool here = own.second_by == number;
    own.by = number;
    own.tag_first = here ? own.second_first : 0;
    own.tag_last = here ? own.second_last : 0;
    own.was_lost = here && own.second_lost;
    own.second_by = 0;
    own.waits = own.waits || !here || own.was_lost;
  }
  for (const auto& update : wants_) current_->link.say(update);
  if (!flush_at_) flush_at_ = now;
  lose_second(now);
  // Flows that go but once were on the way that is lost.
  const bool all_here = std::ranges::all_of(grant.claims.flows, [&](const sdd::TokenFlow& flow) {
    return current_->link.carries(flow) != nullptr;
  });
  if (!all_here) second_at_ = now;
  return true;
}

Link* Session::carrier(const sdd::TokenFlow& flow) const {
  if (current_ && current_->link.carries(flow) != nullptr) return &current_->link;
  if (second_ && second_->link.established && second_->link.carries(flow) != nullptr)
    return &second_->link;
  return nullptr;
}

void Session::want_second(sdd::Update update) {
  if (!second_ || !second_->link.established) return;
  const auto& flows = second_->link.grant().claims.flows;
  const auto flow = std::ranges::find(flows, update.flow, &sdd::TokenFlow::id);
  const auto* copy = flow == flows.end() ? nullptr : second_->link.carries(*flow);
  if (copy == nullptr) return;
  update.flow = copy->id;
  second_->link.say(update);
}

bool Session::send_second(const Link& by, const sdd::TokenFlow& flow, sdd::Component component,
                          Bytes payload, std::optional<sdd::Sequence> base, sdd::Sequence seq,
                          Instant now) {
  if (!second_ || &by == &second_->link || !second_->link.established || !second_->link.writable())
    return false;
  const sdd::TokenFlow* copy = second_->link.carries(flow);
  if (copy == nullptr) return false;
  second_->link.number_from({copy->alias, component}, seq);
  if (!second_->link.publish(*copy, component, payload, base, now)) return false;
  ++counts_.states_twice;
  return true;
}

/// By a window of 1,024 numbers, for parts of flows that come twice.
bool Session::is_known_twice(const Link& link, const sdd::TokenFlow& flow, Known& known,
                             sdd::Sequence seq) const {
  if (!flow.redundant || !settings_.second) return false;
  if (!known.window || known.by < link.lineage())
    known = {link.lineage(), std::make_unique<sdd::SequenceWindow>()};
  return known.by == link.lineage() && known.window->take(seq) == sdd::Arrival::duplicate;
}

}  // namespace lobo::mmec
