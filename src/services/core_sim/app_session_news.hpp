#pragma once
// What becomes of an application session, as the PCF tells it (TS 29.514 clauses 4.2.4 and 4.2.5).

#include <optional>
#include <string>
#include <string_view>

#include "api/policy_authorization.hpp"
#include "services/core_sim/config.hpp"
#include "services/core_sim/sessions.hpp"

namespace lobo::core_sim {

struct AppSessionNews {
  std::string to;
  std::string_view operation;  ///< as the fault plan and the journal call it
  std::string body;
};

/// Nothing where N5 has no word for it, or this PCF keeps silent.
std::optional<AppSessionNews> app_session_news(const Session& session, const Report& report,
                                               const std::string& uri, const PcfQuirks& quirks);

/// The same as it stands in an answer.
api::policy_authorization::EventsNotification events_notification(const Report& report,
                                                                  const std::string& uri);

}  // namespace lobo::core_sim
