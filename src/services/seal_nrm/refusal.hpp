#pragma once
// Why the application does not get what it asked for, as ProblemDetails (TS 29.122 clause 5.2.6).
// What the core said is passed on as it was meant, never made better than it is.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "wire/http/message.hpp"

namespace lobo::seal_nrm {

struct Refusal {
  int status = 500;
  std::string title;
  std::string cause;
  std::string detail;
  std::vector<Fault> faults{};
  std::optional<std::string>
      acceptable{};     ///< JSON of AcceptableServiceInfo: what the core would grant
  int retry_after = 0;  ///< seconds; 0: not told
};

http::Response refusal_response(const Refusal& why);

/// A 4xx or 5xx by which the core refused. `requirement` is the member that the core's complaint is
/// about where it names one of ours.
Refusal core_refusal(const http::Response& response, std::string_view requirement);
/// No usable answer came.
Refusal unreachable_refusal(const Result<http::Response>& response);
Refusal allocation_refusal(std::string_view event);
Refusal address_refusal(int status, std::string_view cause);
Refusal not_connected_refusal();
/// The address that is known of the UE is another's now.
Refusal other_ue_refusal();
/// The core made it and did not name it.
Refusal unnamed_refusal();
Refusal late_refusal();
Refusal release_late_refusal();
Refusal deleted_refusal();
Refusal interrupted_refusal();
/// `what` is for a NEF to do, and the configuration names none.
Refusal no_nef_refusal(std::string_view what);
inline constexpr std::string_view no_nef_cause = "NEF_NOT_CONFIGURED";
/// The configuration names no PDU sessions for redundant paths.
Refusal no_paths_refusal();
Refusal unsettled_refusal();
/// Whoever knows the group cannot be asked now.
Refusal group_unsettled_refusal();
http::Response unknown_ue_response(std::string_view pointer);

}  // namespace lobo::seal_nrm
