#include "services/metaverse/policy.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "api/mm_pol.hpp"
#include "api/state/metaverse.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "services/metaverse/ports.hpp"
#include "services/metaverse/session.hpp"
#include "services/metaverse/views.hpp"
#include "sync/policy.hpp"
#include "wire/http/message.hpp"
#include "wire/json/json.hpp"
#include "wire/resource/effect.hpp"
#include "wire/resource/machine.hpp"
#include "wire/resource/record.hpp"

namespace lobo::metaverse {

namespace op = api::mm_pol::operation;
using api::state::metaverse::PolicyState;
using resource::Outcome;

namespace {

Result<void> tell_sessions(Outcome& out, const resource::Lookup& lookup) {
  const auto sessions = lookup.by_subject(session_kind, every_session, sessions_max);
  if (!sessions) return fail(sessions.error());
  for (const auto& key : *sessions)
    out.effects.emplace_back(resource::Tell{key, "policy_changed", {}});
  return {};
}

Result<Outcome> put(PolicyState state, const resource::Key& key, const resource::Command& command,
                    const Settings& settings, const resource::Lookup& lookup, bool made) {
  const auto said = json::read<api::mm_pol::SyncPolicyReq>(state.text);
  if (!said) return fail(said.error());
  if (auto fits = sync::check_policy(*said); !fits) return fail(std::move(fits.error()));
  state.version = state.version.value_or(0) + 1;
  Outcome out;
  out.change = resource::Change::put;
  out.owner = command.who.subject;
  out.subject = every_policy;
  out.state = json::write(state);
  out.clause = "23.700-21 7.y.1 precondition 0";
  const auto view = policy_view(state, key.id, settings);
  if (!view) return fail(view.error());
  http::Response answer{
      made ? 201 : 200, {{"content-type", "application/json"}}, json::write(*view)};
  if (made) answer.headers.add("location", policy_uri(settings, key.id));
  // The book first: the sessions that are told look into it.
  out.effects.emplace_back(resource::Observe{"policy", out.state});
  out.effects.emplace_back(resource::Reply{command.request, std::move(answer), true});
  if (auto told = tell_sessions(out, lookup); !told) return fail(told.error());
  return out;
}

Result<Outcome> create(const resource::Key& key, const resource::Command& command,
                       const Settings& settings, const resource::Lookup& lookup) {
  const auto others = lookup.count_by_subject(policy_kind, every_policy, policies_max);
  if (!others) return fail(others.error());
  if (*others >= policies_max)
    return fail(Errc::too_many, "there are as many policies as there may be");
  return put({.text = command.http.body, .owner = command.who.subject, .version = {}}, key, command,
             settings, lookup, true);
}

}  // namespace

Result<Outcome> PolicyMachine::step(const resource::Record* current, const resource::Key& key,
                                    const resource::Event& event, Instant /*now*/,
                                    const resource::Lookup& lookup) const {
  const auto* command = std::get_if<resource::Command>(&event);
  if (command == nullptr) return Outcome{};
  const bool creates = command->operation == op::create_sync_policy;
  if (current == nullptr)
    return creates ? create(key, *command, settings_, lookup)
                   : Result<Outcome>(fail(Errc::not_found, "no such policy"));
  auto state = json::read<PolicyState>(current->state);
  if (!state) return fail(Errc::internal, "a stored policy cannot be read");
  if (creates) {
    const auto view = policy_view(*state, key.id, settings_);
    if (!view) return fail(view.error());
    Outcome out;
    http::Response answer{200, {{"content-type", "application/json"}}, json::write(*view)};
    answer.headers.add("location", policy_uri(settings_, key.id));
    out.effects.emplace_back(resource::Reply{command->request, std::move(answer), true});
    return out;
  }
  if (command->operation == op::delete_sync_policy) {
    Outcome out;
    out.change = resource::Change::erase;
    out.clause = "23.700-21 7.y.1 precondition 0";
    out.effects.emplace_back(resource::Observe{"policy", {}});
    out.effects.emplace_back(resource::Reply{command->request, {204, {}, {}}, false});
    if (auto told = tell_sessions(out, lookup); !told) return fail(told.error());
    return out;
  }
  if (command->operation == op::modify_sync_policy) {
    auto merged = json::merge_patch(state->text, command->http.body);
    if (!merged) return fail(merged.error());
    state->text = std::move(*merged);
  } else {
    state->text = command->http.body;
  }
  return put(std::move(*state), key, *command, settings_, lookup, false);
}

}  // namespace lobo::metaverse
