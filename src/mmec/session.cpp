// From the first request to the last word: connections come and go here. session_states.cpp has
// what goes over them.
#include "mmec/session.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/rng.hpp"
#include "mmec/enabler.hpp"
#include "mmec/link.hpp"
#include "mmec/ports.hpp"
#include "mmec/types.hpp"
#include "wire/http/message.hpp"
#include "wire/http/url.hpp"
#include "wire/sdd/control.hpp"
#include "wire/sdd/token.hpp"
#include "wire/sdd/types.hpp"

namespace lobo::mmec {
namespace {

using namespace std::chrono_literals;

std::chrono::microseconds life_of(const Grant& grant) {
  return std::max<std::chrono::microseconds>(grant.claims.expires - grant.claims.issued, 1s);
}
/// When a later token is wanted. By how long it lives, not by dates: clocks differ.
Instant renewal_of(const Grant& grant, Instant now) { return now + life_of(grant) / 5 * 4; }

std::string text_of(const Place& place) {
  const bool six = place.host.find(':') != std::string::npos;
  return (six ? '[' + place.host + ']' : place.host) + ':' + std::to_string(place.port);
}

}  // namespace

Session::Session(Settings settings, Network& network, Application& application, Rng& rng)
    : settings_(std::move(settings)),
      network_(network),
      application_(application),
      rng_(rng),
      enabler_(settings_, network, rng) {}

Session::~Session() = default;

Result<void> Session::start(Instant now) {
  if (phase_ != Phase::idle) return fail(Errc::conflict, "the session has begun already");
  std::vector<Fault> faults;
  const auto complain = [&](std::string_view where, std::string_view reason) {
    faults.push_back({Errc::missing, std::string(where), std::string(reason)});
  };
  if (settings_.api_root.empty() == !settings_.grant)
    complain("/api_root", "an enabler to ask, or a token with its node: one of the two");
  if (!settings_.api_root.empty()) {
    if (!http::parse_url(settings_.api_root)) complain("/api_root", "an http or https URL");
    if (settings_.ue.empty()) complain("/ue", "who is it that joins");
    if (settings_.session.empty() && settings_.assets.empty())
      complain("/assets", "a new session needs an asset, and without one it has to be named");
  }
  if (settings_.name.size() > sdd::control_text_bytes_max) complain("/name", "at most 512 octets");
  if (settings_.session.size() > session_id_bytes_max) complain("/session", "at most 512 octets");
  if (settings_.assets.size() > wanted_max) complain("/assets", "at most 64");
  for (std::size_t i = 0; i < settings_.assets.size(); ++i)
    if (settings_.assets[i].asset.empty())
      complain("/assets/" + std::to_string(i), "an asset has a URI");
  if (settings_.through && (settings_.through->host.empty() || settings_.through->port == 0))
    complain("/through", "an address and a port");
  if (!faults.empty())
    return fail(Errc::missing, "such a session cannot be begun", std::move(faults));
  grant_ = settings_.grant;
  grant_stale_ = !grant_;
  begin(now);
  return {};
}

// ---- connections

void Session::begin(Instant now) {
  retry_at_.reset();
  if (grant_stale_ && !settings_.api_root.empty()) {
    phase_ = Phase::asking;
    return enabler_.ask();
  }
  connect(*grant_, now);
}

void Session::connect(Grant grant, Instant now) {
  phase_ = Phase::connecting;
  const Place at = place_of(grant, Link::Way::first);
  const auto made = network_.connect(at);
  if (!made) {
    refuse(0, 0, {made.error().code, text_of(at) + ": " + made.error().detail, {}});
    return retry(now);
  }
  current_ = std::make_unique<Slot>(*made, std::move(grant), Link::Way::first, network_, *this);
  current_->link.since = now;
}

void Session::move_to(Grant grant, Instant now) {
  if (moving_) drop(moving_, sdd::Cause::relocated, "another node is meant");
  const auto made = network_.connect(grant.at);
  if (!made)
    return refuse(0, 0, {made.error().code, text_of(grant.at) + ": " + made.error().detail, {}});
  application_.told({.kind = EventKind::relocating, .error = {}});
  moving_ = std::make_unique<Slot>(*made, std::move(grant), Link::Way::first, network_, *this);
  moving_->link.since = now;
}

void Session::drop(std::unique_ptr<Slot>& slot, sdd::Cause cause, std::string_view reason) {
  if (!slot) return;
  for (const auto& [part, next] : slot->link.numbers())
    for (const auto& flow : slot->link.grant().claims.flows)
      if (flow.alias == part.first) numbers_[{flow.asset, part.second}] = next;
  network_.close(slot->link.number(), cause, reason);
  slot.reset();
}

Session::Slot* Session::find(ConnectionNo connection) {
  if (current_ && current_->link.number() == connection) return current_.get();
  if (moving_ && moving_->link.number() == connection) return moving_.get();
  if (second_ && second_->link.number() == connection) return second_.get();
  return nullptr;
}

Session::Slot* Session::slot_of(const Link& link) { return find(link.number()); }

void Session::retry(Instant now) {
  phase_ = Phase::waiting;
  auto& attempts = counts_.attempts;
  if (attempts >= attempts_max)
    return end(Error{Errc::unavailable, std::to_string(attempts) + " attempts were in vain", {}});
  std::chrono::microseconds pause = spread;
  std::uint64_t least = 0;
  if (attempts > 0) {
    const auto doublings = std::min<std::uint64_t>(attempts - 1, 8);
    pause = std::min<std::chrono::microseconds>(pause_first * (1ULL << doublings), pause_max);
    least = static_cast<std::uint64_t>(pause.count()) / 2;
  }
  ++attempts;
  // A node that is not there may not be the node any more.
  if (!settings_.api_root.empty() && attempts > 2) grant_stale_ = true;
  const auto chosen = least + rng_.below(static_cast<std::uint64_t>(pause.count()) - least);
  retry_at_ = now + std::chrono::microseconds(static_cast<std::int64_t>(chosen));
}

void Session::lose(Loss loss, Instant now) {
  if (loss.then == Then::retry && goes_on_by_the_other(now)) return;
  const bool was_up = phase_ == Phase::up;
  drop(second_, sdd::Cause::ok, "");
  second_at_.reset();
  drop(current_, sdd::Cause::ok, "");
  if (was_up) {
    application_.told({.kind = EventKind::down, .error = loss.why});
    if (now - up_since_ >= steady_after) counts_.attempts = 0;
  } else if (loss.then != Then::over) {
    refuse(0, 0, loss.why);
  }
  if (loss.then == Then::over) return end(std::move(loss.why));
  // On its way to another node already: that one is waited for.
  if (moving_) {
    current_ = std::move(moving_);
    phase_ = Phase::connecting;
    return;
  }
  if (!settings_.api_root.empty()) {
    if (loss.then == Then::fresh_grant || loss.then == Then::wait_for_token) grant_stale_ = true;
  } else if (loss.then == Then::wait_for_token) {
    phase_ = Phase::waiting;
    application_.told({.kind = EventKind::token_wanted, .error = std::move(loss.why)});
    return;
  }
  retry(now);
}

void Session::end(std::optional<Error> why) {
  if (phase_ == Phase::ended) return;
  phase_ = Phase::ended;
  drop(moving_, sdd::Cause::released, "");
  drop(second_, sdd::Cause::released, "");
  drop(current_, sdd::Cause::released, "");
  retry_at_.reset();
  second_at_.reset();
  flush_at_.reset();
  confirm_by_.reset();
  leave_at_.reset();
  gone_by_.reset();
  application_.told({.kind = EventKind::ended, .error = std::move(why)});
}

void Session::opened(ConnectionNo connection, Instant now) {
  Slot* slot = find(connection);
  if (slot == nullptr || slot->link.is_open()) return;
  if (slot == current_.get())
    for (auto& [alias, asset] : assets_) asset.confirmed = false;
  if (const auto open = slot->link.open(settings_.name, settings_.poses, now); !open)
    slot->loss = Loss{open.error(), Then::retry};
  settle(now);
}

void Session::closed(ConnectionNo connection, const Closed& why, Instant now) {
  Slot* slot = find(connection);
  if (slot == nullptr) return;
  const Place at = slot->link.grant().at;
  Error error{Errc::unavailable, text_of(at) + ": " + why.detail, {}};
  auto then = Then::retry;
  if (why.cause == Closed::Cause::peer && why.code <= sdd::cause_max) {
    const auto cause = static_cast<sdd::Cause>(why.code);
    error.detail += " (" + std::string(sdd::to_string(cause)) + ')';
    if (cause == sdd::Cause::released || cause == sdd::Cause::room_closed)
      then = settings_.api_root.empty() ? Then::over : Then::fresh_grant;
    if (cause == sdd::Cause::epoch_old) then = Then::wait_for_token;
  }
  if (phase_ == Phase::leaving) {
    current_.reset();
    if (enabler_.busy()) return;
    return end({});
  }
  slot->loss = Loss{std::move(error), then};
  settle(now);
}

/// Whatever node it is, our states go on counting there, under the numbers that our flows have now;
/// the newest of each goes there as the one that it was.
void Session::carry_over() {
  std::map<OwnPart, Own> before;
  std::swap(before, own_);
  for (const auto& flow : current_->link.grant().claims.flows) {
    if (flow.alias == 0 || !sdd::publishes(flow.direction)) continue;
    for (const auto& [part, next] : numbers_)
      if (part.first == flow.asset) current_->link.number_from({flow.alias, part.second}, next);
    for (auto& [part, own] : before)
      if (own.asset == flow.asset) own_[{flow.id, part.second}] = std::move(own);
  }
}

void Session::came_up(Instant now) {
  phase_ = Phase::up;
  up_since_ = now;
  ++counts_.connections;
  released_.clear();
  grant_ = current_->link.grant();
  grant_stale_ = false;
  current_->link.renew_at = renewal_of(*grant_, now);
  std::erase_if(wants_, [&](const sdd::Update& one) {
    return std::ranges::find(grant_->claims.flows, one.flow, &sdd::TokenFlow::id) ==
           grant_->claims.flows.end();
  });
  carry_over();
  for (const auto& update : wants_) current_->link.say(update);
  for (auto& [part, own] : own_) own.waits = true;
  confirm_by_ = now + confirm_within;
  second_attempts_ = 0;
  application_.told({.kind = EventKind::up, .error = {}});
  take_second_way(now);
  flush(now);
}

void Session::settle(Instant now) {
  if (phase_ == Phase::ended) return;
  if (moving_ && moving_->loss) {
    const Error why = moving_->loss->why;
    drop(moving_, sdd::Cause::ok, "");
    refuse(0, 0, why);
  }
  if (moving_ && moving_->link.established) {
    // Both were there; the new one has our flows, and the old one is left.
    drop(second_, sdd::Cause::relocated, "moved");
    drop(current_, sdd::Cause::relocated, "moved");
    current_ = std::move(moving_);
    came_up(now);
  }
  if (second_ && (second_->loss || second_->link.stuck())) lose_second(now);
  if (current_ && !current_->loss && current_->link.stuck())
    current_->loss =
        Loss{{Errc::too_many, "the node does not read what it is told", {}}, Then::retry};
  if (current_ && current_->loss) {
    const Loss loss = *current_->loss;
    return lose(loss, now);
  }
  if (phase_ == Phase::connecting && current_ && current_->link.established) came_up(now);
}

// ---- the enabler

void Session::answered(std::uint64_t number, const Result<http::Response>& answer, Instant now) {
  if (phase_ == Phase::ended) return;
  const auto news = enabler_.answered(number, answer);
  if (phase_ == Phase::leaving) {
    if (!current_ && !enabler_.busy()) end({});
    return;
  }
  if (news) take(*news, now);
}

void Session::take(const Enabler::News& news, Instant now) {
  if (news.grant && phase_ == Phase::asking) {
    grant_ = news.grant;
    grant_stale_ = false;
    return connect(*grant_, now);
  }
  if (news.grant) return use(*news.grant, now);
  if (!news.error) return;
  if (news.over) {
    if (current_) current_->loss = Loss{*news.error, Then::over};
    return current_ ? settle(now) : end(news.error);
  }
  // What holds goes on holding, until the token ends.
  if (phase_ != Phase::asking) return refuse(0, 0, *news.error);
  if (news.for_good) return end(news.error);
  refuse(0, 0, *news.error);
  retry(now);
}

void Session::use(Grant grant, Instant now) {
  if (phase_ == Phase::ended || phase_ == Phase::leaving || phase_ == Phase::idle) return;
  if (phase_ == Phase::waiting) {
    grant_ = std::move(grant);
    grant_stale_ = false;
    counts_.attempts = 0;
    return begin(now);
  }
  if (!current_) {
    grant_ = std::move(grant);
    return;
  }
  const Grant& known = current_->link.grant();
  if (known.at.host != grant.at.host || known.at.port != grant.at.port ||
      known.claims.node != grant.claims.node) {
    if (!moving_) move_to(std::move(grant), now);
    return;
  }
  if (grant.claims.expires <= known.claims.expires) return;
  if (!current_->link.established) {  // For the next attempt, if this one fails.
    grant_ = std::move(grant);
    return;
  }
  current_->link.renewing = true;
  current_->link.renew_at = renewal_of(grant, now);
  grant_ = grant;
  if (second_ && second_->link.established) second_->link.establish(grant);
  current_->link.establish(std::move(grant));
  settle(now);
}

void Session::renew(Slot& slot, Instant now) {
  // Again, until there is one: the enabler is told of a later token a little later, too.
  slot.link.renew_at =
      now + std::max<std::chrono::microseconds>(life_of(slot.link.grant()) / 20, 1s);
  if (settings_.api_root.empty())
    return application_.told({.kind = EventKind::token_wanted, .error = {}});
  if (!enabler_.busy()) enabler_.refresh();
}

// ---- the application

void Session::path_changed(Instant now) {
  if (!current_ || phase_ == Phase::leaving) return;
  counts_.attempts = 0;
  current_->loss = Loss{{Errc::unavailable, "the path changed", {}}, Then::retry};
  settle(now);
}

void Session::leave(bool end_session, Instant now) {
  if (phase_ == Phase::ended || phase_ == Phase::leaving) return;
  const bool said = current_ && current_->link.is_open();
  phase_ = Phase::leaving;
  retry_at_.reset();
  second_at_.reset();
  drop(moving_, sdd::Cause::released, "");
  drop(second_, sdd::Cause::released, "");
  if (said) current_->link.say(sdd::Release{});
  enabler_.leave(end_session);
  if (!said) drop(current_, sdd::Cause::released, "");
  if (!current_ && !enabler_.busy()) return end({});
  if (current_) leave_at_ = now + goodbye;
  gone_by_ = now + leave_within;
}

std::vector<sdd::TokenFlow> Session::flows() const {
  if (current_) return current_->link.grant().claims.flows;
  return grant_ ? grant_->claims.flows : std::vector<sdd::TokenFlow>{};
}

// ---- time

std::optional<Instant> Session::next_due() const {
  std::optional<Instant> due;
  const auto at = [&](std::optional<Instant> when) {
    if (when && (!due || *when < *due)) due = when;
  };
  at(retry_at_);
  at(second_at_);
  at(flush_at_);
  at(confirm_by_);
  at(leave_at_);
  at(gone_by_);
  for (const Slot* slot : {current_.get(), moving_.get(), second_.get()}) {
    if (slot == nullptr || phase_ == Phase::leaving) continue;
    const Link& link = slot->link;
    if (!link.is_open()) {
      at(link.since + connect_within);
      continue;
    }
    at(link.next_due());
    at(link.established ? link.heard_last + silence_max : link.since + establish_within);
    if (link.established && slot != second_.get()) at(link.renew_at);
  }
  return due;
}

void Session::look_after(Slot& slot, Instant now) {
  Link& link = slot.link;
  if (slot.loss) return;
  const auto late = [&](std::string_view what) {
    slot.loss =
        Loss{{Errc::timeout, text_of(link.grant().at) + ": " + std::string(what), {}}, Then::retry};
  };
  if (!link.is_open()) {
    if (now >= link.since + connect_within) late("no connection");
    return;
  }
  link.advance(now);
  if (!link.established) {
    if (now >= link.since + establish_within) late("no answer to the token");
    return;
  }
  if (now >= link.heard_last + silence_max) return late("silence");
  if (&slot != second_.get() && now >= link.renew_at) renew(slot, now);
}

void Session::advance(Instant now) {
  const auto due = [&](std::optional<Instant>& at) {
    if (!at || now < *at) return false;
    at.reset();
    return true;
  };
  if (phase_ == Phase::ended) return;
  if (due(gone_by_)) return end({});
  if (due(leave_at_) && current_)
    network_.close(current_->link.number(), sdd::Cause::released, "left");
  if (phase_ == Phase::leaving) return;
  if (due(retry_at_)) begin(now);
  if (current_) look_after(*current_, now);
  if (moving_) look_after(*moving_, now);
  if (second_) look_after(*second_, now);
  if (due(second_at_)) take_second_way(now);
  if (due(confirm_by_) && phase_ == Phase::up) forget_unconfirmed();
  if (due(flush_at_)) flush(now);
  settle(now);
}

}  // namespace lobo::mmec
