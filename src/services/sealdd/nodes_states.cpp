// The newest state of an asset: asked of the node that carries its room, told in its next report.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/sdd_connections.hpp"
#include "api/sdd_relay.hpp"
#include "api/state/sealdd.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "services/sealdd/nodes.hpp"
#include "services/sealdd/ports.hpp"
#include "wire/http/message.hpp"
#include "wire/http/problem.hpp"
#include "wire/json/json.hpp"

namespace lobo::sealdd {

namespace rly = api::sdd_relay;
namespace state = api::state::sealdd;

std::optional<std::int64_t> Nodes::alias_in(std::string_view room, std::string_view asset) const {
  const auto where = rooms_.find(room);
  if (where == rooms_.end()) return std::nullopt;
  const auto found = where->second.aliases.find(asset);
  return found == where->second.aliases.end() ? std::nullopt : std::optional(found->second);
}

void Nodes::state_asked(const state::StateQuestion& question, Instant now) {
  const auto refuse = [&](Errc code, std::string why) {
    dues_.answers.push_back({question.request, http::problem(Error{code, std::move(why), {}})});
  };
  // A flow of all assets has no alias of its own: that of the asset, where somebody publishes it.
  const auto alias = question.alias > 0 ? std::optional(question.alias)
                                        : alias_in(question.room, question.asset_id);
  if (!alias) return refuse(Errc::not_found, "the room has no such asset");
  if (!alive(question.node_id))
    return refuse(Errc::unavailable, "no relay node carries the room now; ask again");
  const auto waiting = std::ranges::count_if(states_asked_, [&](const auto& one) {
    return one.second.question.node_id == question.node_id;
  });
  if (static_cast<std::size_t>(waiting) >= state_questions_max)
    return refuse(Errc::too_many, "too many questions wait for the node of this room");
  Order tell;
  tell.kind = rly::OrderKind::tell_state;
  tell.room = question.room;
  tell.alias = alias;
  // First: the order may be what the node is lost by.
  states_asked_.insert_or_assign(last_order_ + 1, StateWait{question, now + state_patience});
  order(question.node_id, {std::move(tell)}, now);
}

void Nodes::states_told(const std::string& id, const std::vector<rly::RelayState>& states) {
  for (const auto& told : states) {
    const auto found = states_asked_.find(told.order);
    if (found == states_asked_.end() || found->second.question.node_id != id) continue;
    const auto& question = found->second.question;
    api::sdd_connections::SddReplica replica;
    replica.flow_id = question.flow_id;
    replica.asset_id = question.asset_id;
    replica.room = question.room;
    replica.node_id = id;
    replica.components = told.components;
    dues_.answers.push_back(
        {question.request,
         http::Response{200, {{"content-type", "application/json"}}, json::write(replica)}});
    states_asked_.erase(found);
  }
}

/// A node that is lost answers nothing; one that is there had its time.
void Nodes::refuse_states(Instant now) {
  std::erase_if(states_asked_, [&](const auto& one) {
    const auto& [question, until] = one.second;
    const bool lost = !alive(question.node_id);
    if (!lost && now < until) return false;
    dues_.answers.push_back(
        {question.request,
         http::problem(lost ? Error{Errc::unavailable, "the relay node of the room is lost", {}}
                            : Error{Errc::timeout, "the relay node did not tell in time", {}})});
    return true;
  });
}

}  // namespace lobo::sealdd
