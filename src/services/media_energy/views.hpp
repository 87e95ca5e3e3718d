#pragma once
// What resources look like from outside, and what a question for events asks.

#include <chrono>
#include <cstdint>
#include <string_view>

#include "api/media_e3.hpp"
#include "api/media_e5.hpp"
#include "api/state/media_energy.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "services/media_energy/eiaf.hpp"
#include "services/media_energy/ports.hpp"
#include "wire/http/message.hpp"

namespace lobo::media_energy {

api::media_e3::ApplicationServer server_view(std::string_view id,
                                             const api::media_e3::AsRegistration& registered,
                                             const Eiaf& eiaf, Instant now);

api::media_e5::EnergySubscription subscription_view(
    const Settings& settings, std::string_view id,
    const api::media_e5::NewEnergySubscription& asked,
    const api::state::media_energy::SubscriptionState& stored, Instant expires);

struct EventsQuery {
  std::uint64_t after = 0;
  std::chrono::seconds wait{0};
  bool stream = false;  ///< text/event-stream is what the client takes
};
/// `after` and `wait` of the query, Last-Event-ID before `after`; each fault is told by name.
Result<EventsQuery> events_query(const http::Request& request);

/// Who asks for service access information, where the query says so.
Result<Eiaf::Newcomer> newcomer(const http::Request& request);

}  // namespace lobo::media_energy
