#pragma once
// What an AsSessionWithQoS subscription asks of the network, after all its members were checked
// against each other and against what the network knows.

#include <chrono>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "api/as_session_with_qos.hpp"
#include "services/core_sim/answers.hpp"
#include "services/core_sim/config.hpp"
#include "services/core_sim/smf_flow.hpp"
#include "services/core_sim/world.hpp"

namespace lobo::core_sim {

using Subscription = api::as_session_with_qos::AsSessionWithQoSSubscription;
using UserPlaneEventKnown = api::as_session_with_qos::UserPlaneEventKnown;

/// By which API a session was asked for, and so how it is named and told of.
enum class Surface : std::uint8_t {
  nef,  ///< AsSessionWithQoS
  pcf,  ///< Npcf_PolicyAuthorization
};

struct Alternative {
  std::string name;  ///< QoS reference, or altQosParamSetRef
  Quality quality;
  bool operator==(const Alternative&) const = default;
};

/// qosMonInfo, qosMonDatRate or pdvMon.
struct MonitoringTerms {
  bool dl = false;
  bool ul = false;
  bool round_trip = false;
  std::optional<std::chrono::seconds> period;  ///< with PERIODIC
  bool on_threshold = false;                   ///< EVENT_TRIGGERED
  std::optional<std::uint64_t> threshold_dl;   ///< ms, or bit/s for rates
  std::optional<std::uint64_t> threshold_ul;
  std::optional<std::uint64_t> threshold_round_trip;
  std::chrono::seconds wait{0};  ///< between two triggered reports
  bool operator==(const MonitoringTerms&) const = default;
};

struct UsageTerms {
  std::optional<std::chrono::seconds> duration;
  std::optional<std::uint64_t> total_bytes;
  std::optional<std::uint64_t> dl_bytes;
  std::optional<std::uint64_t> ul_bytes;
};

struct Terms {
  Surface surface = Surface::nef;
  std::string destination;  ///< absolute http(s) URI
  std::string end_told_to;  ///< the PCF tells the end of a session at another URI than events
  std::vector<std::int64_t> flow_ids;
  std::set<UserPlaneEventKnown> events;
  std::string qos_reference;  ///< empty where the quality was given by figures
  Quality wanted;
  std::vector<Alternative> alternatives;  ///< best first
  Treatment treatment;
  std::optional<MonitoringTerms> delay;
  std::optional<MonitoringTerms> rate;
  std::optional<MonitoringTerms> jitter;
  std::optional<UsageTerms> usage;
  std::optional<std::chrono::seconds> lifetime;
  bool test_notification = false;

  bool same_quality(const Terms& other) const {
    return wanted == other.wanted && alternatives == other.alternatives;
  }
  /// All that a UPF has to know of it.
  bool same_for_upf(const Terms& other) const {
    return same_quality(other) && treatment == other.treatment && delay == other.delay &&
           rate == other.rate;
  }
  bool wants(UserPlaneEventKnown event) const { return events.contains(event); }
};

/// Which UE a subscription is about. 400 where it names none or several, 404 where the network
/// does not know it, `no_session_status` where it has no PDU session.
Outcome<UeIndex> ue_of(const Subscription& subscription, const World& world, int no_session_status);

/// Every rule between members that the schema cannot say, all violations at once; 403 for a QoS
/// reference that the operator does not have.
Outcome<Terms> terms_of(const Subscription& subscription, const World& world);

/// An http(s) URI that a callback can be sent to.
bool is_callback_uri(std::string_view uri);

}  // namespace lobo::core_sim
