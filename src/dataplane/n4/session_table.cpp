#include "dataplane/n4/session_table.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "base/clock.hpp"
#include "base/require.hpp"
#include "dataplane/n4/peers.hpp"
#include "dataplane/rules/rule_set.hpp"
#include "dataplane/rules/session.hpp"

namespace lobo::dataplane::n4 {

SessionState* SessionTable::find(std::uint64_t seid) {
  const auto found = sessions_.find(seid);
  return found == sessions_.end() ? nullptr : &found->second;
}
const SessionState* SessionTable::find(std::uint64_t seid) const {
  const auto found = sessions_.find(seid);
  return found == sessions_.end() ? nullptr : &found->second;
}

SessionState& SessionTable::add(Session session, Peer& peer) {
  const std::uint64_t seid = session.seid;
  const auto [at, fresh] = sessions_.try_emplace(seid);
  require(fresh);
  SessionState& state = at->second;
  claims_.add(session);
  compiled_.push_back(std::make_shared<const SessionRules>(session));
  state.session = std::move(session);
  state.peer = &peer;
  state.place_ = states_.size();
  states_.push_back(&state);
  peer.sessions.insert(seid);
  changed_ = true;
  return state;
}

void SessionTable::change(SessionState& state, Session session) {
  claims_.remove(state.session);
  claims_.add(session);
  auto& compiled = compiled_[state.place_];
  compiled = std::make_shared<const SessionRules>(session, compiled.get());
  state.session = std::move(session);
  changed_ = true;
}

void SessionTable::remove(SessionState& state) {
  set_due(state, std::nullopt);
  if (state.is_watched()) --watched_;
  claims_.remove(state.session);
  const std::uint64_t seid = state.session.seid;
  state.peer->sessions.erase(seid);
  // The last one takes its place.
  const std::size_t place = state.place_;
  states_[place] = states_.back();
  states_[place]->place_ = place;
  states_.pop_back();
  std::swap(compiled_[place], compiled_.back());
  compiled_.pop_back();
  sessions_.erase(seid);
  changed_ = true;
}

std::shared_ptr<const RuleSet> SessionTable::take_rules() {
  if (!std::exchange(changed_, false)) return nullptr;
  return std::make_shared<const RuleSet>(compiled_);
}

void SessionTable::set_due(SessionState& state, std::optional<Instant> at) {
  if (at == state.due_) return;
  if (state.due_) due_.erase({*state.due_, state.session.seid});
  if (at) due_.emplace(*at, state.session.seid);
  state.due_ = at;
}

SessionState* SessionTable::take_due(Instant now) {
  if (due_.empty() || due_.begin()->first > now) return nullptr;
  SessionState& state = sessions_.at(due_.begin()->second);
  set_due(state, std::nullopt);
  return &state;
}

std::optional<Instant> SessionTable::next_due() const {
  if (due_.empty()) return std::nullopt;
  return due_.begin()->first;
}

SessionState& SessionTable::next_in_sweep() {
  require(!states_.empty());
  if (sweep_at_ >= states_.size()) sweep_at_ = 0;
  return *states_[sweep_at_++];
}

void SessionTable::count_watched(bool before, const SessionState& state) {
  if (before) --watched_;
  if (state.is_watched()) ++watched_;
}

}  // namespace lobo::dataplane::n4
