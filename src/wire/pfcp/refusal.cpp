#include "wire/pfcp/refusal.hpp"

#include <string_view>

namespace lobo::pfcp {

std::string_view to_string(Cause cause) {
  switch (cause) {
    case Cause::request_accepted: return "request_accepted";
    case Cause::more_usage_report_to_send: return "more_usage_report_to_send";
    case Cause::request_partially_accepted: return "request_partially_accepted";
    case Cause::request_rejected: return "request_rejected";
    case Cause::session_context_not_found: return "session_context_not_found";
    case Cause::mandatory_ie_missing: return "mandatory_ie_missing";
    case Cause::conditional_ie_missing: return "conditional_ie_missing";
    case Cause::invalid_length: return "invalid_length";
    case Cause::mandatory_ie_incorrect: return "mandatory_ie_incorrect";
    case Cause::invalid_forwarding_policy: return "invalid_forwarding_policy";
    case Cause::invalid_f_teid_allocation_option: return "invalid_f_teid_allocation_option";
    case Cause::no_established_association: return "no_established_association";
    case Cause::rule_creation_modification_failure: return "rule_creation_modification_failure";
    case Cause::entity_in_congestion: return "entity_in_congestion";
    case Cause::no_resources_available: return "no_resources_available";
    case Cause::service_not_supported: return "service_not_supported";
    case Cause::system_failure: return "system_failure";
    case Cause::redirection_requested: return "redirection_requested";
    case Cause::all_dynamic_addresses_occupied: return "all_dynamic_addresses_occupied";
  }
  return "unknown";
}

}  // namespace lobo::pfcp
