#include "wire/xrm_keys/acceptor.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <optional>
#include <variant>
#include <vector>

#include "wire/xrm/context.hpp"
#include "wire/xrm_keys/failure.hpp"
#include "wire/xrm_keys/message.hpp"
#include "wire/xrm_keys/terms.hpp"

namespace lobo::xrm {
namespace {

std::size_t index(KeyId id) { return static_cast<std::size_t>(id); }

ChannelTime pause_after(unsigned failures) {
  constexpr unsigned doublings_max = 6;  // redial_first << 6 is beyond redial_max
  static_assert(redial_first * (1U << doublings_max) >= redial_max);
  const auto pause = redial_first * (1U << std::min(failures, doublings_max));
  return std::min<ChannelTime>(pause, redial_max);
}

bool overlap(const SenderRange& a, const SenderRange& b) {
  return a.first <= b.last && b.first <= a.last;
}

}  // namespace

ChannelTime KeyAcceptor::deadline() const {
  ChannelTime next = std::min(answer_by_, ping_at_);
  if (phase_ == Phase::waiting) next = std::min(next, dial_at_);
  for (const Live& one : live_) next = std::min(next, one.expires);
  return next;
}

void KeyAcceptor::expire(ChannelTime now, Effects& effects) {
  for (const Live& one : live_)
    if (one.expires <= now) effects.emplace_back(Remove{one.terms.key_id, true});
  std::erase_if(live_, [&](const Live& one) { return one.expires <= now; });
}

KeyAcceptor::Effects KeyAcceptor::tick(ChannelTime now) {
  Effects effects;
  expire(now, effects);
  if (phase_ == Phase::waiting) {
    if (dial_at_ > now) return effects;
    phase_ = Phase::dialling;
    effects.emplace_back(Dial{});
    return effects;
  }
  if (answer_by_ <= now) {
    refuse(KeyFailure::silent, now, effects);
  } else if (ping_at_ <= now) {
    ping_at_ = now + ping_every;
    if (answer_by_ == ChannelTime::max()) answer_by_ = now + answer_patience;
    effects.emplace_back(Send{Ping{}});
  }
  return effects;
}

KeyAcceptor::Effects KeyAcceptor::connected(ChannelTime now) {
  phase_ = Phase::greeting;
  given_.reset();
  installing_.reset();
  answer_by_ = now + answer_patience;
  return {};
}

KeyAcceptor::Effects KeyAcceptor::received(const KeyMessage& message, ChannelTime now) {
  Effects effects;
  expire(now, effects);
  if (phase_ != Phase::greeting && phase_ != Phase::open) return effects;
  if (const auto* welcome = std::get_if<Welcome>(&message); welcome && phase_ == Phase::greeting) {
    take(*welcome, now, effects);
  } else if (const auto* offer = std::get_if<ContextOffer>(&message);
             offer && phase_ == Phase::open && !installing_) {
    take(*offer, now, effects);
  } else if (std::holds_alternative<Pong>(message) && phase_ == Phase::open) {
    answer_by_ = ChannelTime::max();
    failures_ = 0;
  } else if (const auto* no = std::get_if<Refuse>(&message)) {
    effects.emplace_back(Close{});
    end({no->reason, true}, now, effects);
  } else {
    refuse(KeyFailure::message_unexpected, now, effects);
  }
  return effects;
}

void KeyAcceptor::take(const Welcome& welcome, ChannelTime now, Effects& effects) {
  if (welcome.eas != config_.eas) return refuse(KeyFailure::name_not_expected, now, effects);
  phase_ = Phase::open;
  answer_by_ = ChannelTime::max();
  ping_at_ = now + ping_every;
  effects.emplace_back(Send{hello()});
}

Hello KeyAcceptor::hello() const {
  Hello hello{.algorithms = config_.algorithms,
              .key_ids = config_.key_ids,
              .lifetime_max = config_.lifetime_max,
              .live = {}};
  for (const Live& one : live_) hello.live.push_back(one.terms.key_id);
  return hello;
}

std::optional<KeyFailure> KeyAcceptor::refusal_of(const SenderRange& senders) const {
  if (config_.senders.first <= senders.first && senders.last <= config_.senders.last)
    return std::nullopt;
  const bool anothers = std::ranges::any_of(
      config_.of_others, [&](const SenderRange& other) { return overlap(other, senders); });
  return anothers ? KeyFailure::senders_of_another : KeyFailure::senders_not_allowed;
}

std::optional<KeyFailure> KeyAcceptor::refusal_of(const ContextOffer& offer) const {
  const KeyTerms& terms = offer.terms;
  if (!config_.key_ids.contains(terms.key_id)) return KeyFailure::key_id_not_allowed;
  const bool is_live =
      std::ranges::any_of(live_, [&](const Live& one) { return one.terms.key_id == terms.key_id; });
  if (is_live || given_[index(terms.key_id)]) return KeyFailure::key_id_used;
  if (std::ranges::find(config_.algorithms, terms.algorithm) == config_.algorithms.end())
    return KeyFailure::algorithm_not_common;
  if (terms.tag == TagLength::short_ && !config_.short_tags) return KeyFailure::tag_not_allowed;
  if (terms.bind == Bind::length && !config_.bind_length) return KeyFailure::bind_not_allowed;
  if (terms.lifetime < key_lifetime_min || terms.lifetime > config_.lifetime_max)
    return KeyFailure::lifetime_not_allowed;
  if (const auto refused = refusal_of(terms.senders)) return refused;
  const auto stays = std::ranges::count_if(live_, [&](const Live& one) {
    return std::ranges::find(offer.replaces, one.terms.key_id) == offer.replaces.end();
  });
  if (static_cast<std::size_t>(stays) >= keys_live_max) return KeyFailure::too_many_keys;
  return std::nullopt;
}

void KeyAcceptor::take(const ContextOffer& offer, ChannelTime now, Effects& effects) {
  if (const auto refused = refusal_of(offer)) return refuse(*refused, now, effects);
  for (const KeyId id : offer.replaces)
    if (std::erase_if(live_, [&](const Live& one) { return one.terms.key_id == id; }) > 0)
      effects.emplace_back(Remove{id, false});
  given_.set(index(offer.terms.key_id));
  installing_ = offer.terms;
  effects.emplace_back(Install{offer.terms});
}

KeyAcceptor::Effects KeyAcceptor::installed(bool done, ChannelTime now) {
  Effects effects;
  if (!installing_) return effects;
  const KeyTerms terms = *installing_;
  installing_.reset();
  if (!done) {
    refuse(KeyFailure::not_installed, now, effects);
    return effects;
  }
  live_.push_back({terms, now + terms.lifetime});
  failures_ = 0;
  effects.emplace_back(Send{ContextAccept{terms.key_id}});
  effects.emplace_back(Accepted{terms});
  if (given_.count() < config_.key_ids.size()) return effects;
  // All KeyIDs were given on this connection. Another one makes other keys of them, and forgets
  // what the keys of this one were made of. The keys that live are not touched.
  effects.emplace_back(Close{});
  phase_ = Phase::waiting;
  dial_at_ = now;
  answer_by_ = ping_at_ = ChannelTime::max();
  return effects;
}

KeyAcceptor::Effects KeyAcceptor::malformed(KeyFailure failure, ChannelTime now) {
  Effects effects;
  if (phase_ == Phase::greeting || phase_ == Phase::open) refuse(failure, now, effects);
  return effects;
}

void KeyAcceptor::refuse(KeyFailure failure, ChannelTime now, Effects& effects) {
  effects.emplace_back(Send{Refuse{failure}});
  effects.emplace_back(Close{});
  end({failure, false}, now, effects);
}

KeyAcceptor::Effects KeyAcceptor::closed(KeyCause cause, ChannelTime now) {
  Effects effects;
  expire(now, effects);
  if (phase_ != Phase::waiting) end(cause, now, effects);
  return effects;
}

void KeyAcceptor::end(KeyCause cause, ChannelTime now, Effects& effects) {
  const ChannelTime pause = pause_after(failures_);
  ++failures_;
  phase_ = Phase::waiting;
  installing_.reset();
  dial_at_ = now + pause;
  answer_by_ = ping_at_ = ChannelTime::max();
  effects.emplace_back(Ended{cause, pause});
}

}  // namespace lobo::xrm
