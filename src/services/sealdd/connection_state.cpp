// The newest state of an asset that a flow of the connection carries: a question for the node of
// its room, which the hub asks and answers.

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "api/state/sealdd.hpp"
#include "base/result.hpp"
#include "base/text.hpp"
#include "services/sealdd/connection.hpp"
#include "services/sealdd/ports.hpp"
#include "services/sealdd/queries.hpp"
#include "wire/http/url.hpp"
#include "wire/json/json.hpp"
#include "wire/resource/effect.hpp"
#include "wire/resource/machine.hpp"

namespace lobo::sealdd {

Result<resource::Outcome> ConnectionMachine::ask_state(const State& state,
                                                       const resource::Command& command) {
  const auto asset = asset_query(command.http);
  if (!asset) return fail(asset.error());
  // /sdd-trans/v1/flows/{flowId}/state
  const auto parts = split(http::split_target(command.http.target).path, '/');
  const auto number = parts.size() < 2 ? std::nullopt : parse_decimal(parts[parts.size() - 2]);
  const auto id = static_cast<std::int64_t>(number.value_or(0));  // No flow is called 0.
  const auto flow = std::ranges::find_if(state.flows, [&](const auto& one) {
    return std::ranges::find(one.second.flow_ids, id) != one.second.flow_ids.end();
  });
  if (flow == state.flows.end()) return fail(Errc::not_found, "no such flow");
  const bool of_all = flow->first == every_asset;
  if (of_all && asset->empty())
    return fail(Errc::missing, "this flow carries all assets of its room",
                {{Errc::missing, "query:asset-id", "say which one"}});
  if (!of_all && !asset->empty() && *asset != flow->first)
    return fail(Errc::not_allowed, "this flow carries another asset",
                {{Errc::not_allowed, "query:asset-id", "is not the flow's"}});
  if (!state.node_id)
    return fail(Errc::unavailable, "no relay node carries the room now; ask again");
  api::state::sealdd::StateQuestion question;
  question.request = command.request;
  question.flow_id = id;
  question.asset_id = of_all ? *asset : flow->first;
  question.room = state.room;
  question.node_id = *state.node_id;
  question.alias = flow->second.alias;
  resource::Outcome out;
  out.effects.emplace_back(resource::Observe{"state_question", json::write(question)});
  return out;
}

}  // namespace lobo::sealdd
