#pragma once
// What a PCF and a BSF say. Private to southbound_pcf*.cpp.

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "services/seal_nrm/southbound.hpp"

namespace lobo::seal_nrm {

/// The origin of the PCF that serves the PDU session. Refused where there is no session with the
/// address (it has no PCF), where the session is another UE's, and where the PCF is none that we
/// may speak to.
tl::expected<std::string, Refusal> read_binding(const Settings& settings,
                                                const Result<http::Response>& response,
                                                std::string_view gpsi);

/// EventsNotification and TerminationInfo (the path says which) as a NEF would tell them.
Result<CoreNews> read_app_session_news(const http::Request& request);

}  // namespace lobo::seal_nrm
