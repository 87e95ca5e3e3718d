#pragma once
// Why a request is not done, in the words of its response: the Cause, and the information element
// that is to blame (TS 29.244 clauses 7.6, 8.2.1, 8.2.22).

#include <cstdint>
#include <optional>
#include <string_view>

#include "wire/pfcp/ie.hpp"

namespace lobo::pfcp {

/// Table 8.2.1-1. Below 64 a request was accepted.
enum class Cause : std::uint8_t {
  request_accepted = 1,
  more_usage_report_to_send = 2,
  request_partially_accepted = 3,
  request_rejected = 64,
  session_context_not_found = 65,
  mandatory_ie_missing = 66,
  conditional_ie_missing = 67,
  invalid_length = 68,
  mandatory_ie_incorrect = 69,
  invalid_forwarding_policy = 70,
  invalid_f_teid_allocation_option = 71,
  no_established_association = 72,
  rule_creation_modification_failure = 73,
  entity_in_congestion = 74,
  no_resources_available = 75,
  service_not_supported = 76,
  system_failure = 77,
  redirection_requested = 78,
  all_dynamic_addresses_occupied = 79,
};
std::string_view to_string(Cause cause);
constexpr bool is_accepted(Cause cause) { return static_cast<std::uint8_t>(cause) < 64; }

struct Refusal {
  Cause cause = Cause::request_rejected;
  std::optional<IeType> offending;  ///< the innermost one: what the Offending IE tells
  std::optional<IeType> within;     ///< the group that it stands in, or should
  bool operator==(const Refusal&) const = default;
};

/// What a reader passed over. Counted and not refused: later releases add, and nobody has all.
struct Remarks {
  std::uint16_t unknown = 0;    ///< types without a reader, vendors' among them
  std::uint16_t unserved = 0;   ///< see is_unserved()
  std::uint16_t repeated = 0;   ///< later ones of a type that stands once: the first holds
  std::uint16_t malformed = 0;  ///< optional ones whose value is none: taken as absent
  std::optional<IeType> first_unserved;
  bool operator==(const Remarks&) const = default;
};

}  // namespace lobo::pfcp
