#include "services/sealdd/node.hpp"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "api/sdd_relay.hpp"
#include "api/state/sealdd.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "services/sealdd/answers.hpp"
#include "services/sealdd/faults.hpp"
#include "services/sealdd/nodes.hpp"
#include "services/sealdd/ports.hpp"
#include "services/sealdd/queries.hpp"
#include "wire/http/url.hpp"
#include "wire/json/json.hpp"
#include "wire/resource/effect.hpp"
#include "wire/resource/machine.hpp"
#include "wire/resource/record.hpp"

namespace lobo::sealdd {

namespace rly = api::sdd_relay;
namespace state = api::state::sealdd;

namespace {

Result<void> check(const resource::Key& key, const rly::RelayRegistration& said) {
  Faults faults;
  if (key.id.size() > 64) faults.add(Errc::out_of_range, "path:nodeId", "has more than 64 octets");
  if (!said.conn_info.port)
    faults.add(Errc::missing, "/connInfo/port", "clients need the port as well");
  if (said.redundant_conn_info && !said.redundant_conn_info->port)
    faults.add(Errc::missing, "/redundantConnInfo/port", "clients need the port as well");
  return faults.verdict();
}

/// Buckets and counts go together, ascending.
bool is_sound(const std::optional<rly::Histogram>& histogram) {
  if (!histogram) return true;
  return histogram->buckets.size() == histogram->counts.size() &&
         std::ranges::adjacent_find(histogram->buckets, std::greater_equal<>()) ==
             histogram->buckets.end();
}

Result<void> check(const rly::RelayReport& report) {
  Faults faults;
  if (!report.windows) return {};
  for (std::size_t i = 0; i < report.windows->size(); ++i) {
    const auto& window = (*report.windows)[i];
    for (const auto& [name, histogram] :
         {std::pair{"delay", &window.delay}, std::pair{"jitter", &window.jitter},
          std::pair{"age", &window.age}, std::pair{"rtt", &window.rtt}})
      if (!is_sound(*histogram))
        faults.add(Errc::malformed, "/windows/" + std::to_string(i) + '/' + name,
                   "each bucket once, ascending, with one count");
  }
  return faults.verdict();
}

}  // namespace

Result<resource::Outcome> NodeMachine::put(const resource::Record* current,
                                           const resource::Key& key,
                                           const resource::Command& command, Instant now,
                                           const resource::Lookup& lookup) const {
  const auto said = json::read<rly::RelayRegistration>(command.http.body);
  if (!said) return fail(said.error());
  if (auto fits = check(key, *said); !fits) return fail(std::move(fits.error()));
  state::NodeState kept;
  bool changed = current == nullptr;
  if (current != nullptr) {
    auto stored = json::read<state::NodeState>(current->state);
    if (!stored) return fail(Errc::internal, "a stored node cannot be read");
    kept = std::move(*stored);
    auto before = json::read<rly::RelayRegistration>(kept.text);
    auto after = *said;
    for (auto* one : {before ? &*before : nullptr, &after}) {
      if (one == nullptr) continue;
      one->epoch_seen.reset();  // What changes each time says nothing of the node itself.
      one->orders_seen.reset();
    }
    changed = !before || *before != after;
    // Whoever was away for longer than its lease, or began anew, begins a new epoch.
    if (!nodes_.alive(key.id) || !before || before->boot_id != said->boot_id) {
      ++kept.epoch;
      changed = true;
    }
  } else {
    const auto others = lookup.count_by_subject(node_kind, every_node, nodes_max);
    if (!others) return fail(others.error());
    if (*others >= nodes_max)
      return fail(Errc::too_many, "there are as many relay nodes as there may be",
                  {{Errc::too_many, "", "no room for one more"}});
    kept.epoch = 1;
  }
  resource::Outcome out;
  if (changed) {
    kept.text = command.http.body;
    out.change = resource::Change::put;
    out.owner = command.who.subject;
    out.subject = every_node;
    out.state = json::write(kept);
    out.clause = "relay node registered";
    out.effects.emplace_back(resource::Observe{"node", out.state});
  }
  out.effects.emplace_back(resource::Observe{"renewed", command.http.body});
  // What it observes is in the answer only if the hub has heard it, which is when the effects are
  // performed: the view is made of what was before, and of what this registration decides.
  auto view = nodes_.view(key.id, now);
  view.epoch = kept.epoch;
  view.alive = true;
  view.conn_info = said->conn_info;
  view.capacity = said->capacity;
  view.lease_until = now + settings_.lease;
  if (current != nullptr && !nodes_.alive(key.id)) view.rooms.clear();
  auto answer = json_answer(current == nullptr ? 201 : 200, json::write(view));
  if (current == nullptr)
    answer.headers.add("location", settings_.api_root + std::string(relay_root) + "/nodes/" +
                                       http::percent_encode(key.id));
  out.effects.emplace_back(resource::Reply{command.request, std::move(answer), false});
  return out;
}

Result<resource::Outcome> NodeMachine::report(const resource::Key& key,
                                              const resource::Command& command, Instant now) const {
  const auto said = json::read<rly::RelayReport>(command.http.body);
  if (!said) return fail(said.error());
  if (auto fits = check(*said); !fits) return fail(std::move(fits.error()));
  resource::Outcome out;
  if (!nodes_.current(key.id, said->epoch)) {
    out.effects.emplace_back(
        resource::Reply{command.request,
                        refusal(409, "Conflict with the present state", "STALE_EPOCH",
                                "this epoch is over: register again and begin anew"),
                        false});
    return out;
  }
  out.effects.emplace_back(resource::Observe{"report", command.http.body});
  out.effects.emplace_back(resource::Reply{
      command.request,
      json_answer(200, json::write(nodes_.orders(key.id, said->orders_seen.value_or(0), now))),
      false});
  return out;
}

Result<resource::Outcome> NodeMachine::poll(const resource::Command& command, Instant now) const {
  const auto query = orders_query(command.http);
  if (!query) return fail(query.error());
  state::OrdersQuestion question;
  question.request = command.request;
  question.after = query->after;
  question.until = now + query->wait;
  resource::Outcome out;
  out.effects.emplace_back(resource::Observe{"poll", json::write(question)});
  return out;
}

Result<resource::Outcome> NodeMachine::step(const resource::Record* current,
                                            const resource::Key& key, const resource::Event& event,
                                            Instant now, const resource::Lookup& lookup) const {
  resource::Outcome out;
  if (const auto* told = std::get_if<resource::Told>(&event)) {
    if (current == nullptr || told->what != "lapsed") return out;
    const auto lapse = json::read<state::NodeLapse>(told->body);
    auto stored = json::read<state::NodeState>(current->state);
    if (!stored) return fail(Errc::internal, "a stored node cannot be read");
    if (!lapse || lapse->epoch != stored->epoch) return out;  // It has come back since.
    ++stored->epoch;
    out.change = resource::Change::put;
    out.owner = current->owner;
    out.subject = every_node;
    out.state = json::write(*stored);
    out.clause = "relay node lost";
    out.effects.emplace_back(resource::Observe{"fenced", out.state});
    return out;
  }
  const auto* command = std::get_if<resource::Command>(&event);
  if (command == nullptr) return out;
  if (current != nullptr && current->owner != command->who.subject)
    return fail(Errc::not_found, "no such relay node");
  if (command->operation == rly::operation::register_relay_node)
    return put(current, key, *command, now, lookup);
  if (current == nullptr) return fail(Errc::not_found, "no such relay node");
  if (command->operation == rly::operation::submit_relay_report) return report(key, *command, now);
  if (command->operation == rly::operation::list_relay_orders) return poll(*command, now);
  out.change = resource::Change::erase;
  out.clause = "relay node deregistered";
  out.effects.emplace_back(resource::Observe{"node", {}});
  out.effects.emplace_back(resource::Reply{command->request, {204, {}, {}}, false});
  return out;
}

}  // namespace lobo::sealdd
