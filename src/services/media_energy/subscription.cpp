#include "services/media_energy/subscription.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "api/media_e5.hpp"
#include "api/state/media_energy.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"
#include "services/media_energy/eiaf.hpp"
#include "services/media_energy/faults.hpp"
#include "services/media_energy/network.hpp"
#include "services/media_energy/ports.hpp"
#include "services/media_energy/session.hpp"
#include "services/media_energy/views.hpp"
#include "wire/http/message.hpp"
#include "wire/http/url.hpp"
#include "wire/json/json.hpp"
#include "wire/resource/effect.hpp"
#include "wire/resource/machine.hpp"
#include "wire/resource/record.hpp"

namespace lobo::media_energy {

namespace e5 = api::media_e5;
namespace state = api::state::media_energy;

namespace {

/// What it names must be there; the caller need not own it: a provisioning session is a provider's,
/// a subscription a client's.
Result<void> check(const e5::NewEnergySubscription& asked, const Settings& settings,
                   const Eiaf& eiaf, std::string_view subject, const resource::Lookup& lookup) {
  Faults faults;
  const auto found = lookup.find({std::string(session_kind), asked.provisioning_session_id});
  if (!found) return fail(found.error());
  if (!*found) {
    faults.add(Errc::not_found, "/provisioningSessionId", "there is no such session");
  } else if (const auto session = json::read<state::SessionState>((*found)->state); !session) {
    return fail(Errc::internal, "a stored session cannot be read");
  } else if (!policy_of(*session, asked.energy_policy_id)) {
    faults.add(Errc::not_found, "/energyPolicyId", "the session has no such policy");
  }
  if (asked.service_location_id && !settings.locations.contains(*asked.service_location_id))
    faults.add(Errc::not_allowed, "/serviceLocationId", "is no service location of this operator");
  // Else a second client could speak for the session, and end what it was told.
  if (const auto* holder = eiaf.subscription_of(asked.media_delivery_session_id)) {
    const auto held = lookup.find({std::string(subscription_kind), *holder});
    if (!held) return fail(held.error());
    if (*held && (*held)->owner != subject)
      faults.add(Errc::forbidden, "/mediaDeliverySessionId",
                 "another client has subscribed for this media session");
  }
  return faults.verdict();
}

/// The network's word. A broken promise is told once: it is kept, figures come again.
Result<resource::Outcome> called_back(const resource::Record& current,
                                      const resource::Callback& callback) {
  auto stored = json::read<state::SubscriptionState>(current.state);
  if (!stored) return fail(Errc::internal, "a stored subscription cannot be read");
  if (!equal_in_constant_time(callback.secret, stored->secret.value_or("")))
    return fail(Errc::not_found, "no such callback");
  const auto word = network_word(callback.http);
  if (!word) return fail(word.error());
  resource::Outcome out;
  if (*word) {
    const auto& [held, delay, loss, cause] = **word;
    auto broken = held && !*held ? std::optional(cause) : std::nullopt;
    if (held && stored->qos_broken.has_value() != broken.has_value()) {
      stored->qos_broken = std::move(broken);
      out.change = resource::Change::put;
      out.owner = current.owner;
      out.subject = current.subject;
      out.state = json::write(*stored);
      out.clause = "26.942 7.13.6 QoS degradation";
    }
    out.effects.emplace_back(resource::Observe{"network", json::write(**word)});
  }
  out.effects.emplace_back(resource::Reply{callback.request, {204, {}, {}}, false});
  return out;
}

}  // namespace

Result<resource::Outcome> SubscriptionMachine::subscribe(const resource::Record* current,
                                                         const resource::Key& key,
                                                         const resource::Command& command,
                                                         Instant now,
                                                         const resource::Lookup& lookup) const {
  auto asked = json::read<e5::NewEnergySubscription>(command.http.body);
  if (!asked) return fail(asked.error());
  state::SubscriptionState fresh{
      .text = command.http.body, .made = now, .secret = command.secret, .qos_broken = {}};
  resource::Outcome out;
  if (current != nullptr) {  // The same Idempotency-Key again.
    auto stored = json::read<state::SubscriptionState>(current->state);
    if (!stored) return fail(Errc::internal, "a stored subscription cannot be read");
    fresh = std::move(*stored);
  } else {
    if (auto fits = check(*asked, settings_, eiaf_, command.who.subject, lookup); !fits)
      return fail(std::move(fits.error()));
    if (eiaf_.subscriptions() >= subscriptions_max)
      return fail(Errc::too_many, "there are as many subscriptions as there may be",
                  {{Errc::too_many, "", "no room for one more"}});
    out.change = resource::Change::put;
    out.owner = command.who.subject;
    out.subject = every_subscription;
    out.state = json::write(fresh);
    out.clause = "26.942 7.13.6 step 8";
    out.effects.emplace_back(resource::Observe{"subscription", out.state});
  }
  http::Response answer{201,
                        {{"content-type", "application/json"},
                         {"location", settings_.api_root + settings_.prefixes.e5 +
                                          "/subscriptions/" + http::percent_encode(key.id)}},
                        json::write(subscription_view(settings_, key.id, *asked, fresh,
                                                      now + settings_.subscription_idle))};
  out.effects.emplace_back(resource::Reply{command.request, std::move(answer), true});
  return out;
}

Result<resource::Outcome> SubscriptionMachine::step(const resource::Record* current,
                                                    const resource::Key& key,
                                                    const resource::Event& event, Instant now,
                                                    const resource::Lookup& lookup) const {
  resource::Outcome out;
  if (const auto* told = std::get_if<resource::Told>(&event)) {
    if (current == nullptr || told->what != "expire") return out;
    out.change = resource::Change::erase;
    out.effects.emplace_back(resource::Observe{"subscription", {}});
    return out;
  }
  if (const auto* callback = std::get_if<resource::Callback>(&event)) {
    if (current == nullptr) return fail(Errc::not_found, "no such callback");
    return called_back(*current, *callback);
  }
  const auto* command = std::get_if<resource::Command>(&event);
  if (command == nullptr) return out;
  if (current != nullptr && current->owner != command->who.subject)
    return fail(Errc::not_found, "no such subscription");
  if (command->operation == e5::operation::subscribe_to_energy_information)
    return subscribe(current, key, *command, now, lookup);
  if (current == nullptr) return fail(Errc::not_found, "no such subscription");
  if (command->operation == e5::operation::unsubscribe_from_energy_information) {
    out.change = resource::Change::erase;
    out.effects.emplace_back(resource::Observe{"subscription", {}});
  } else if (command->operation == e5::operation::report_ue_energy_state) {
    const auto ue = json::read<e5::UeEnergyState>(command->http.body);
    if (!ue) return fail(ue.error());
    out.effects.emplace_back(resource::Observe{"ue_energy_state", command->http.body});
  } else if (command->operation == e5::operation::notify_service_location_change) {
    const auto change = json::read<e5::ServiceLocationChange>(command->http.body);
    if (!change) return fail(change.error());
    if (change->to && !settings_.locations.contains(*change->to))
      return fail(Errc::not_allowed, "no such service location",
                  {{Errc::not_allowed, "/to", "is no service location of this operator"}});
    out.effects.emplace_back(resource::Observe{"location_change", command->http.body});
  } else {  // A question that waits: whoever keeps the events answers it.
    const auto query = events_query(command->http);
    if (!query) return fail(query.error());
    if (query->stream) {
      const state::Stream stream{command->request, query->after, command->who.subject};
      out.effects.emplace_back(resource::Observe{"stream", json::write(stream)});
      return out;
    }
    state::Poll poll;
    poll.request = command->request;
    poll.after = query->after;
    poll.until = now + query->wait;
    out.effects.emplace_back(resource::Observe{"poll", json::write(poll)});
    return out;
  }
  out.effects.emplace_back(resource::Reply{command->request, {204, {}, {}}, false});
  return out;
}

}  // namespace lobo::media_energy
