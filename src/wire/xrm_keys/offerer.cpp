#include "wire/xrm_keys/offerer.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "wire/xrm/aead.hpp"
#include "wire/xrm/context.hpp"
#include "wire/xrm_keys/acceptor.hpp"
#include "wire/xrm_keys/failure.hpp"
#include "wire/xrm_keys/message.hpp"
#include "wire/xrm_keys/terms.hpp"

namespace lobo::xrm {
namespace {

std::size_t index(KeyId id) { return static_cast<std::size_t>(id); }

bool has(const std::vector<KeyId>& ids, KeyId id) {
  return std::ranges::find(ids, id) != ids.end();
}

}  // namespace

ChannelTime KeyOfferer::deadline() const {
  ChannelTime next = answer_by_;
  if (current_) next = std::min(next, current_->expires);
  // Where no KeyID is left the UPF makes another connection; no time brings one.
  if (hello_ && !pending_ && next_key_id()) next = std::min(next, rollover_);
  return next;
}

void KeyOfferer::expire(ChannelTime now, Effects& effects) {
  if (!current_ || current_->expires > now) return;
  current_.reset();
  rollover_ = ChannelTime::min();
  effects.emplace_back(Drop{});
}

KeyOfferer::Effects KeyOfferer::tick(ChannelTime now) {
  Effects effects;
  expire(now, effects);
  if (connected_ && answer_by_ <= now)
    refuse(KeyFailure::silent, effects);
  else
    offer_if_due(now, effects);
  return effects;
}

KeyOfferer::Effects KeyOfferer::connected(ChannelTime now) {
  Effects effects;
  forget_connection();
  connected_ = true;
  answer_by_ = now + answer_patience;
  effects.emplace_back(Send{Welcome{config_.eas}});
  return effects;
}

KeyOfferer::Effects KeyOfferer::received(const KeyMessage& message, ChannelTime now) {
  Effects effects;
  if (!connected_) return effects;
  expire(now, effects);
  if (const auto* hello = std::get_if<Hello>(&message); hello && !hello_) {
    take(*hello, now, effects);
  } else if (const auto* accept = std::get_if<ContextAccept>(&message);
             accept && pending_ && accept->key_id == pending_->key_id) {
    take(*accept, now, effects);
  } else if (std::holds_alternative<Ping>(message) && hello_) {
    effects.emplace_back(Send{Pong{}});
  } else if (const auto* no = std::get_if<Refuse>(&message)) {
    effects.emplace_back(Close{});
    effects.emplace_back(Ended{{no->reason, true}});
    forget_connection();
  } else {
    refuse(KeyFailure::message_unexpected, effects);
  }
  return effects;
}

void KeyOfferer::take(const Hello& hello, ChannelTime now, Effects& effects) {
  const auto common = std::ranges::find_if(config_.algorithms, [&](Algorithm one) {
    return std::ranges::find(hello.algorithms, one) != hello.algorithms.end();
  });
  if (common == config_.algorithms.end()) return refuse(KeyFailure::algorithm_not_common, effects);
  if (hello.lifetime_max < key_lifetime_min)
    return refuse(KeyFailure::lifetime_not_allowed, effects);
  if (hello.key_ids.size() < key_ids_min) return refuse(KeyFailure::key_id_not_allowed, effects);
  hello_ = hello;
  algorithm_ = *common;
  answer_by_ = ChannelTime::max();
  std::erase_if(known_, [&](const Known& one) { return !has(hello.live, one.id); });
  unknown_.clear();
  for (const KeyId id : hello.live)
    if (std::ranges::find(known_, id, &Known::id) == known_.end()) unknown_.push_back(id);
  const bool goes_on =
      current_ && std::ranges::find(known_, current_->terms.key_id, &Known::id) != known_.end();
  if (!goes_on) rollover_ = ChannelTime::min();
  offer_if_due(now, effects);
}

std::optional<KeyId> KeyOfferer::next_key_id() const {
  const auto first = index(hello_->key_ids.first);
  const auto count = hello_->key_ids.size();
  const auto begin =
      last_id_ && hello_->key_ids.contains(*last_id_) ? index(*last_id_) + 1 - first : 0;
  for (std::size_t i = 0; i < count; ++i) {
    const auto id = KeyId{static_cast<std::uint8_t>(first + (begin + i) % count)};
    const bool free = !given_[index(id)] && !has(unknown_, id) &&
                      std::ranges::find(known_, id, &Known::id) == known_.end();
    if (free) return id;
  }
  return std::nullopt;
}

void KeyOfferer::offer_if_due(ChannelTime now, Effects& effects) {
  if (!hello_ || pending_ || rollover_ > now) return;
  std::erase_if(known_, [&](const Known& one) { return one.gone <= now; });
  const auto id = next_key_id();
  if (!id) return;
  ContextOffer offer{.terms = {.key_id = *id,
                               .algorithm = algorithm_,
                               .tag = config_.tag,
                               .bind = config_.bind,
                               .senders = config_.senders,
                               .lifetime = std::min(config_.lifetime, hello_->lifetime_max)},
                     .replaces = unknown_};
  // Asked for before its time: the key before the present one still lives there.
  while (known_.size() >= keys_live_max) {
    offer.replaces.push_back(known_.front().id);
    known_.erase(known_.begin());
  }
  unknown_.clear();
  given_.set(index(*id));
  last_id_ = id;
  pending_ = offer.terms;
  offered_ = now;
  answer_by_ = now + answer_patience;
  effects.emplace_back(Send{std::move(offer)});
}

void KeyOfferer::take(const ContextAccept&, ChannelTime now, Effects& effects) {
  const KeyTerms terms = *pending_;
  pending_.reset();
  answer_by_ = ChannelTime::max();
  known_.push_back({terms.key_id, now + terms.lifetime + ChannelTime{terms.lifetime} / 16});
  rollover_ = now + rollover_after(terms.lifetime);
  current_ = Use{terms, offered_ + terms.lifetime};
  effects.emplace_back(*current_);
}

KeyOfferer::Effects KeyOfferer::renew(ChannelTime now) {
  Effects effects;
  rollover_ = std::min(rollover_, now);
  offer_if_due(now, effects);
  return effects;
}

KeyOfferer::Effects KeyOfferer::malformed(KeyFailure failure, ChannelTime) {
  Effects effects;
  if (connected_) refuse(failure, effects);
  return effects;
}

void KeyOfferer::refuse(KeyFailure failure, Effects& effects) {
  effects.emplace_back(Send{Refuse{failure}});
  effects.emplace_back(Close{});
  effects.emplace_back(Ended{{failure, false}});
  forget_connection();
}

KeyOfferer::Effects KeyOfferer::closed(KeyCause cause, ChannelTime now) {
  Effects effects;
  expire(now, effects);
  if (!connected_) return effects;
  // After its last KeyID a connection is closed to make room for another: nothing is wrong.
  const bool spent = hello_ && !pending_ && given_.count() == hello_->key_ids.size();
  forget_connection();
  if (!spent) effects.emplace_back(Ended{cause});
  return effects;
}

void KeyOfferer::forget_connection() {
  connected_ = false;
  hello_.reset();
  given_.reset();
  unknown_.clear();
  pending_.reset();
  answer_by_ = ChannelTime::max();
}

}  // namespace lobo::xrm
