// The newest state of an asset that ends at the enabler (termination MMEL): SEALDD has the replica,
// in the relay that carries the room, and is asked whenever somebody wants to read it. Nothing of
// that is kept: whoever waits is named by the call.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/mm_das.hpp"
#include "api/sdd_connections.hpp"
#include "api/sync_types.hpp"
#include "base/result.hpp"
#include "base/text.hpp"
#include "services/metaverse/ports.hpp"
#include "services/metaverse/session_step.hpp"
#include "services/metaverse/southbound_sealdd.hpp"
#include "wire/http/media_type.hpp"
#include "wire/http/message.hpp"
#include "wire/http/problem.hpp"
#include "wire/http/url.hpp"
#include "wire/json/json.hpp"
#include "wire/resource/effect.hpp"
#include "wire/resource/machine.hpp"

namespace lobo::metaverse {

namespace sdd = api::sdd_connections;

namespace {

constexpr std::string_view call_prefix = "state:";
constexpr std::string_view octets_type = "application/octet-stream";
constexpr std::uint64_t component_max = 31;
constexpr double us_per_ms = 1000;

/// Whoever waits: "state:REQUEST:COMPONENT:FORM", a component of its own or "-", json or octets.
struct Reader {
  std::uint64_t request = 0;
  std::optional<std::uint64_t> component;
  bool octets = false;
};
std::string call_of(const Reader& reader) {
  return std::string(call_prefix) + std::to_string(reader.request) + ':' +
         (reader.component ? std::to_string(*reader.component) : "-") +
         (reader.octets ? ":octets" : ":json");
}
std::optional<Reader> reader_of(std::string_view call) {
  if (!call.starts_with(call_prefix)) return std::nullopt;
  const auto parts = split(call.substr(call_prefix.size()), ':');
  const auto request = parts.size() == 3 ? parse_decimal(parts[0]) : std::nullopt;
  if (!request) return std::nullopt;
  return Reader{*request, parse_decimal(parts[1]), parts[2] == "octets"};
}

Result<std::optional<std::uint64_t>> component_in(const http::Request& request) {
  const auto query = http::parse_query(http::split_target(request.target).query);
  if (!query) return fail(query.error());
  for (const auto& [name, value] : *query) {
    if (name != "component") continue;
    const auto component = parse_decimal(value);
    if (component && *component <= component_max) return component;
    return fail(Errc::out_of_range, "there is no such component",
                {{Errc::out_of_range, "query:component", "a number from 0 to 31"}});
  }
  return std::optional<std::uint64_t>{};
}

http::Response problem(Errc code, std::string why) {
  return http::problem(Error{code, std::move(why), {}});
}

http::Response octets_of(const std::vector<sdd::SddReplicaComponent>& components) {
  if (components.size() > 1)
    return http::problem(Error{Errc::missing,
                               "the state has several components",
                               {{Errc::missing, "query:component", "say which one"}}});
  const auto& one = components.front();
  if (one.delta)
    return problem(Errc::not_acceptable, "the newest state is a delta on its key: ask for JSON");
  return {200,
          {{"content-type", std::string(octets_type)},
           {"x-lobo-seq", std::to_string(one.seq)},
           {"x-lobo-age-ms", std::to_string(one.age_us / static_cast<std::int64_t>(us_per_ms))}},
          one.state.octets};
}

http::Response shown(sdd::SddReplica replica, const Reader& reader) {
  if (reader.component)
    std::erase_if(replica.components, [&](const auto& one) {
      return static_cast<std::uint64_t>(one.component) != *reader.component;
    });
  if (replica.components.empty())
    return problem(Errc::not_found, "no state of it was published, or the relay began anew");
  if (reader.octets) return octets_of(replica.components);
  api::mm_das::SyncState out;
  out.asset_id = replica.asset_id;
  for (auto& one : replica.components)
    out.components.push_back({.component = one.component,
                              .seq = one.seq,
                              .age_ms = static_cast<double>(one.age_us) / us_per_ms,
                              .state = std::move(one.state),
                              .delta = std::move(one.delta)});
  return {200, {{"content-type", "application/json"}}, json::write(out)};
}

}  // namespace

Result<void> SessionStep::ask_state(const resource::Command& command) {
  if (state_.shadow.value_or(false))
    return fail(Errc::conflict, "SEALDD keeps the flows of this session: ask there");
  auto component = component_in(command.http);
  if (!component) return fail(component.error());
  const auto path = http::split_target(command.http.target).path;
  const auto id = http::percent_decode(path.substr(path.rfind('/') + 1));
  bool known = false;
  bool ends_here = false;
  for (const auto& asset : state_.assets) {
    if (!id || asset.resolved.asset_id != *id) continue;
    known = true;
    const auto* asked = asked_of(asset);
    if (asked == nullptr || asked->server_ep.termination != api::sync_types::Termination::mmel)
      continue;
    ends_here = true;
    if (!asset.flow_ids || asset.flow_ids->empty()) continue;
    // The replica is the room's: any flow of the asset leads to it.
    const auto accept = command.http.headers.find("accept");
    const bool octets = accept && http::accepts(*accept, octets_type) &&
                        !http::accepts(*accept, "application/json");
    effects_.emplace_back(resource::CallNetwork{
        call_of({command.request, *component, octets}), std::string(sealdd_peer),
        state_request(asset.flow_ids->front(), *id), settings_.limits.call_deadline});
    return {};
  }
  if (!known) return fail(Errc::not_found, "the session has no such asset");
  if (!ends_here)
    return fail(Errc::conflict, "the asset's states end at the VAL server (termination VAL)");
  return fail(Errc::not_found, "the asset has no flow now");
}

bool SessionStep::state_answered(const resource::NetworkAnswer& answer) {
  const auto reader = reader_of(answer.name);
  if (!reader) return false;
  const auto& response = answer.response;
  if (!response || response->status == 504) {
    reply(reader->request, problem(Errc::timeout, "SEALDD did not answer in time"));
  } else if (response->status == 404) {
    reply(reader->request, problem(Errc::not_found, "SEALDD has no state of it"));
  } else if (auto replica = json::read<sdd::SddReplica>(response->body);
             response->status == 200 && replica) {
    reply(reader->request, shown(std::move(*replica), *reader));
  } else {
    reply(reader->request, problem(Errc::unavailable, "SEALDD cannot tell the state now"));
  }
  return true;
}

}  // namespace lobo::metaverse
