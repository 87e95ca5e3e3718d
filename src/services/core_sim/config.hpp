#pragma once
// What the simulated network consists of. Read once at the start; `reset` returns to it.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/quantity.hpp"
#include "base/result.hpp"
#include "services/core_sim/smf_config.hpp"

namespace lobo::core_sim {

/// What a flow needs, or what an alternative would give it.
struct Quality {
  BitsPerSecond gbr_dl;  ///< 0: no guaranteed rate
  BitsPerSecond gbr_ul;
  std::optional<std::chrono::milliseconds> delay_budget;  ///< one way, TS 23.501 clause 5.7.3.4
  std::optional<std::uint32_t> loss_ppm_max;              ///< packet error rate, parts per million
  bool operator==(const Quality&) const = default;
};

/// A QoS reference: a name that operator and application agreed on, and what stands behind it.
struct QosProfile {
  std::string name;
  unsigned five_qi = 9;
  Quality quality;
  std::optional<BitsPerSecond> mbr_dl = {};  ///< none: what is guaranteed
  std::optional<BitsPerSecond> mbr_ul = {};
};

struct SnssaiConfig {
  unsigned sst = 1;
  std::string sd;  ///< six hexadecimal digits, or empty
};

struct UeConfig {
  std::string name;         ///< "ue1": how the control API calls it
  std::string external_id;  ///< "ue1@lobodon.example"; empty: none
  std::string msisdn;       ///< digits; empty: none
  std::string ipv4;         ///< empty: none
  std::string ipv6;         ///< empty: none
  std::string mac;          ///< "AA-BB-CC-DD-EE-FF"; empty: none
  std::string ip_domain;    ///< empty: none
  std::string dnn = "internet";
  SnssaiConfig snssai;
  std::string cell;
  bool attached = true;  ///< has its PDU session from the start
};

/// What a cell takes: `idle_w` without load, `max_w` when all its downlink is promised, between the
/// two in proportion.
struct PowerModel {
  double idle_w = 0;
  double max_w = 0;
  bool operator==(const PowerModel&) const = default;
};

struct CellConfig {
  std::string name;
  BitsPerSecond capacity_dl{1'000'000'000};  ///< for guaranteed rates, all UEs together
  BitsPerSecond capacity_ul{500'000'000};
  std::chrono::milliseconds delay_dl{8};  ///< one way, without degradation
  std::chrono::milliseconds delay_ul{12};
  bool eutra = false;                    ///< LTE, whose containers of QoE are smaller
  std::optional<PowerModel> power = {};  ///< none: nothing is said of its energy
};

/// A VAL group, as its group management server knows it.
struct GroupConfig {
  std::string id;
  std::vector<std::string> val_ues;  ///< names of the VAL layer: the network does not know them
  std::vector<std::string> val_users;
};

/// An application function (SCS/AS) that may use the NEF.
struct AfConfig {
  std::string scs_as_id;
};

/// A client of the token endpoint.
struct OAuthClient {
  std::string id;
  std::string secret;
  std::vector<std::string> scs_as_ids;  ///< in whose name it may ask
};

/// What some PCFs do otherwise than TS 29.514 says, seen on real ones.
struct PcfQuirks {
  bool patch_replaces = false;       ///< a media component of a PATCH replaces, it does not merge
  bool no_get = false;               ///< GET of a session: 405
  bool no_events_resource = false;   ///< PUT of an events-subscription: 400
  bool silent = false;               ///< takes subscriptions to events, and never sends one
  bool media_type_needed = false;    ///< 400 without qosReference and a media type that it knows
  bool plain_404_on_create = false;  ///< no PDU session: 404 without a cause
};

/// Bounds of every table. What is beyond is refused, never forgotten silently.
struct Limits {
  std::size_t sessions_per_af_max = 200'000;
  std::size_t watches_per_af_max = 200'000;
  std::size_t journal_entries_max = 20'000;
  std::size_t callbacks_pending_max = 200'000;
  std::size_t tokens_max = 1'000;
  std::size_t bdt_policies_max = 200'000;
  std::size_t service_parameters_max = 200'000;
  std::size_t groups_max = 10'000;
  std::size_t group_members_max = 100'000;
};

/// No link or cell has more; sums of a few such rates stay within 64 bits.
inline constexpr BitsPerSecond bit_rate_max{1'000'000'000'000'000};

inline constexpr std::size_t ues_max = 100'000;
inline constexpr std::size_t cells_max = 10'000;
inline constexpr std::size_t faults_max = 256;
inline constexpr std::size_t flows_per_session_max = 64;
inline constexpr std::size_t alternatives_per_session_max = 16;
inline constexpr std::size_t offered_references_max = 8;
inline constexpr std::size_t journal_body_bytes_max = 4096;
inline constexpr std::size_t journal_page_max = 1'000;
inline constexpr unsigned callback_hops_max = 3;

struct CoreConfig {
  std::string api_root = "http://127.0.0.60:7777";  ///< scheme and authority of every link we give

  std::vector<UeConfig> ues;
  std::vector<CellConfig> cells;
  std::vector<QosProfile> qos;
  std::vector<AfConfig> afs;
  std::vector<OAuthClient> clients;
  /// Background data transfer policies that were agreed on, by their reference.
  std::vector<std::string> bdt_references;
  std::vector<GroupConfig> groups;

  bool tokens_required = false;
  std::chrono::seconds token_lifetime{3600};

  /// From the acceptance of a session to SUCCESSFUL_ or FAILED_RESOURCES_ALLOCATION.
  std::chrono::milliseconds allocation_delay{20};
  /// The allocation event leaves before the 201 does, which then waits for `early_event_lead`.
  bool early_allocation_event = false;
  std::chrono::milliseconds early_event_lead{50};
  /// Where the first choice does not fit, take the first alternative that does, and say which.
  bool admit_alternatives = true;
  /// Capacity is looked at only when resources are allocated: 201 first, the failure as an event.
  bool admit_at_allocation = false;
  /// Answer where the UE has no PDU session: 500 as a PCF by the book, 404 as some do.
  int no_session_status = 500;
  /// Events (QOS_MONITORING, USAGE_REPORT, DN_PERFORMANCE …) that are accepted and never sent.
  std::set<std::string, std::less<>> mute_events;
  /// Added to every answer of the NEF.
  std::chrono::milliseconds response_delay{0};

  PcfQuirks pcf;
  /// The PCF that the BSF names; empty: `api_root`.
  std::string bsf_names;

  /// A callback that gets no answer, 429 or 5xx is repeated, the pause doubling each time.
  unsigned callback_attempts_max = 6;
  std::chrono::milliseconds callback_retry_first{200};

  /// Feature bits that the NEF has; an answer carries those of them that the request named.
  std::string supported_features = "ffffffffffff";

  Limits limits;

  /// Of the measurements of cells (TS 28.552), where some cell has a power model.
  std::chrono::seconds granularity_period{60};

  /// With a UPF that it programs; nothing: the user plane is simulated.
  std::optional<SmfConfig> smf;
};

/// Everything that is wrong with a configuration: names that repeat or do not exist, bad addresses,
/// more than the tables hold. `where` is a path such as "ues/3/cell".
Result<void> check(const CoreConfig& config);

}  // namespace lobo::core_sim
