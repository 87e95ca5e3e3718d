#include "services/media_energy/views.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/media_e3.hpp"
#include "api/media_e5.hpp"
#include "api/state/media_energy.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/text.hpp"
#include "services/media_energy/eiaf.hpp"
#include "services/media_energy/network.hpp"
#include "services/media_energy/ports.hpp"
#include "services/media_energy/subscription.hpp"
#include "wire/http/media_type.hpp"
#include "wire/http/message.hpp"
#include "wire/http/url.hpp"

namespace lobo::media_energy {

api::media_e3::ApplicationServer server_view(std::string_view id,
                                             const api::media_e3::AsRegistration& registered,
                                             const Eiaf& eiaf, Instant now) {
  api::media_e3::ApplicationServer out;
  out.as_instance_id = std::string(id);
  out.service_locations = registered.service_locations;
  out.host = registered.host;
  out.can_stand_by = registered.can_stand_by;
  out.configuration = eiaf.configuration(id, registered);
  out.reporting = eiaf.reporting(id, now);
  return out;
}

api::media_e5::EnergySubscription subscription_view(
    const Settings& settings, std::string_view id,
    const api::media_e5::NewEnergySubscription& asked,
    const api::state::media_energy::SubscriptionState& stored, Instant expires) {
  api::media_e5::EnergySubscription out;
  out.subscription_id = std::string(id);
  out.provisioning_session_id = asked.provisioning_session_id;
  out.energy_policy_id = asked.energy_policy_id;
  out.media_delivery_session_id = asked.media_delivery_session_id;
  out.session_kind = asked.session_kind;
  out.bit_rate = asked.bit_rate;
  out.component_types = asked.component_types;
  out.codecs = asked.codecs;
  out.user_consent = asked.user_consent;
  if (stored.secret) out.network_notification_uris = network_uris(settings, id, *stored.secret);
  out.expires = expires;
  return out;
}

Result<Eiaf::Newcomer> newcomer(const http::Request& request) {
  constexpr std::size_t name_bytes_max = 128;  // of mediaDeliverySessionId
  const auto query = http::parse_query(http::split_target(request.target).query);
  if (!query) return fail(query.error());
  Eiaf::Newcomer out;
  for (const auto& [name, value] : *query) {
    auto* const member = name == "media-delivery-session-id" ? &out.media_session
                         : name == "energy-policy"           ? &out.policy
                                                             : nullptr;
    if (member == nullptr) continue;
    if (value.empty() || value.size() > name_bytes_max)
      return fail(Errc::out_of_range, "1 to 128 characters are wanted",
                  {{Errc::out_of_range, "query:" + name, "1 to 128 characters are wanted"}});
    *member = value;
  }
  return out;
}

Result<EventsQuery> events_query(const http::Request& request) {
  const auto query = http::parse_query(http::split_target(request.target).query);
  if (!query) return fail(query.error());
  EventsQuery out;
  std::vector<Fault> faults;
  for (const auto& [name, value] : *query) {
    const auto number = parse_decimal(value);
    if (name == "after") {
      if (number)
        out.after = *number;
      else
        faults.push_back({Errc::out_of_range, "query:after", "must be a whole number"});
    } else if (name == "wait") {
      if (number && *number <= static_cast<std::uint64_t>(poll_wait_max_s))
        out.wait = std::chrono::seconds{*number};
      else
        faults.push_back({Errc::out_of_range, "query:wait", "must be a number from 0 to 10"});
    }
  }
  const auto accept = request.headers.find("accept");
  out.stream = accept && !http::accepts(*accept, "application/json") &&
               http::accepts(*accept, "text/event-stream");
  if (const auto last = request.headers.find("last-event-id"); last && out.stream) {
    const auto number = parse_decimal(*last);
    if (number)
      out.after = *number;
    else
      faults.push_back({Errc::out_of_range, "header:last-event-id", "must be a whole number"});
  }
  if (faults.empty()) return out;
  const Errc code = faults.front().code;
  return fail(code, "the query is not as the API wants it", std::move(faults));
}

}  // namespace lobo::media_energy
