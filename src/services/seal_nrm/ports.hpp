#pragma once
// What this service needs from outside: who a VAL UE or user is, and how it is configured.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "api/common.hpp"
#include "api/ss_nra.hpp"
#include "api/state/seal_nrm.hpp"
#include "base/text.hpp"
#include "wire/http/ssrf.hpp"

namespace lobo::seal_nrm {

/// A VAL UE or user as configuration knows it. Where it is only the core tells; where the core is a
/// PCF, which tells nobody, the configuration does.
struct DirectoryEntry {
  std::string gpsi;                     ///< "msisdn-491700000001", "extid-ue1@example.com"
  std::vector<std::string> requesters;  ///< who may ask for it; empty: everybody
  std::optional<api::state::seal_nrm::UeAddress> address{};
};

/// One of a group: a VAL UE, or a VAL user where `user` says so.
struct GroupMember {
  bool user = false;
  std::string id;
  auto operator<=>(const GroupMember&) const = default;
};

/// A VAL group as it is now. A snapshot: another one takes its place when the membership changes.
struct DirectoryGroup {
  std::vector<GroupMember> members;     ///< ascending, each once; may be none
  std::vector<std::string> requesters;  ///< who may name it; empty: everybody
  std::uint64_t revision = 0;           ///< a digest of `members`: tells two snapshots apart
};

/// Never 0, which stands for a group that does not exist.
inline std::uint64_t revision_of(const std::vector<GroupMember>& members) {
  std::uint64_t digest = fnv1a({});
  for (const auto& member : members) {
    digest = fnv1a(member.user ? "u" : "e", digest);
    digest = fnv1a(member.id, fnv1a(std::to_string(member.id.size()), digest));
  }
  return digest | 1U;
}

struct UeDirectory {
  UeDirectory() = default;
  UeDirectory(const UeDirectory&) = delete;
  UeDirectory& operator=(const UeDirectory&) = delete;
  virtual ~UeDirectory() = default;
  virtual std::optional<DirectoryEntry> ue(std::string_view val_ue_id) const = 0;
  virtual std::optional<DirectoryEntry> user(std::string_view val_user_id) const = 0;
  /// Where the UE of a GPSI is, for a core that does not tell; nothing: not configured.
  virtual std::optional<api::state::seal_nrm::UeAddress> address(std::string_view /*gpsi*/) const {
    return std::nullopt;
  }
  /// Null: no such group. A directory that knows no groups keeps this.
  virtual std::shared_ptr<const DirectoryGroup> group(std::string_view /*val_group_id*/) const {
    return nullptr;
  }
  /// Where group() is null: whether that only means that whoever knows the group cannot be asked
  /// now.
  virtual bool group_unsettled(std::string_view /*val_group_id*/) const { return false; }
};

/// Whether the core tells by SUCCESSFUL_RESOURCES_ALLOCATION that a reservation holds.
enum class AllocationEvents : std::uint8_t {
  always,
  never,
  learned,  ///< waited for once the core was seen to send one
};

/// Names of the PDU Set members changed from Release 18 to 19.
enum class MemberNames : std::uint8_t { release_18, release_19 };

enum class ModifyBy : std::uint8_t { patch, put };

/// Which door of the core we have.
enum class CoreKind : std::uint8_t {
  nef,  ///< N33: AsSessionWithQoS, MonitoringEvent
  pcf,  ///< N5: Npcf_PolicyAuthorization, with or without a BSF, with or without a NEF beside it
};

/// The NEF among the peers, as the only door or beside a PCF.
inline constexpr std::string_view nef_peer = "nef";
/// The peer that is asked where there is a BSF, and the name of a PCF that it names.
inline constexpr std::string_view bsf_peer = "bsf";
inline constexpr std::string_view pcf_peer_prefix = "pcf ";
inline std::string pcf_peer_name(std::string_view origin) {
  return std::string(pcf_peer_prefix) + std::string(origin);
}
/// AuthorizationWithRequiredQoS, feature 17 of TS 29.514 table 5.8-1: QoS references and
/// alternatives.
inline constexpr std::string_view features_of_policy_authorization = "10000";

/// How this core likes to be asked.
struct CoreTraits {
  CoreKind kind = CoreKind::nef;
  std::string peer{nef_peer};
  std::string scs_as_id = "lobodon";
  AllocationEvents allocation_events = AllocationEvents::learned;
  MemberNames names = MemberNames::release_19;
  ModifyBy modify_by = ModifyBy::patch;
  /// (media component number << 16) | flow number of the first flow, TS 29.122 clause 5.14.2.1.2;
  /// some cores want 1.
  std::int64_t flow_id_first = 65537;
  /// Features of AsSessionWithQoS and MonitoringEvent to ask for; absent: none are named.
  std::optional<std::string> supported_features;
  std::optional<std::string> dnn;  ///< where a UE has several PDU sessions: the one that counts
  std::optional<std::string> callback_base;                ///< absent: Settings::callback_base
  std::optional<std::chrono::milliseconds> call_deadline;  ///< absent: Limits::call_deadline

  // ---- of a PCF ----
  bool bsf = false;                 ///< asked for the PCF of each UE; else `peer` serves all
  std::string bsf_scheme = "http";  ///< of the PCFs that it names
  http::SinkPolicy pcfs;            ///< those that it may name
  std::optional<std::string> af_app_id;
  std::string media_type = "VIDEO";  ///< beside figures; some PCFs know AUDIO, VIDEO, CONTROL only
};

/// Bounds of time and number; the defaults suit a core on the same continent.
struct Limits {
  std::chrono::milliseconds answer_within{5000};  ///< to a create, modify or delete
  std::chrono::milliseconds call_deadline{5000};  ///< of one call to the core
  std::chrono::milliseconds retry_first{1000};
  std::chrono::milliseconds retry_max{60000};
  /// A request that we gave up may still be on its way inside the core; what is not in its list
  /// after this much longer never arrived.
  std::chrono::milliseconds settle{10000};
  /// How long an orphan is suspected at a core without a list: one that is known to tell of
  /// allocations has done so by then, of another only the end of the PDU session is heard.
  std::chrono::milliseconds suspect{std::chrono::minutes{1}};
  std::chrono::milliseconds suspect_silent{std::chrono::hours{24}};
  std::chrono::seconds duration_max{std::chrono::hours{24 * 30}};
  std::chrono::seconds watch_lifetime{std::chrono::hours{24}};
  std::size_t unicasts_per_ue_max = 64;
  std::size_t reliables_per_ue_max = 32;
  /// From the end of one audit to the next (audit.hpp); far longer than a create takes.
  std::chrono::milliseconds audit_interval{std::chrono::minutes{5}};
  std::chrono::milliseconds audit_pause{200};  ///< after each page
  std::size_t audit_page = 32;  ///< UEs in a page: looked at in one go, and in one question
  std::uint64_t rebind_attempts_max = 10;
  std::size_t adaptation_members_max = 10000;
  /// Of one adaptation: so many pages of members (adaptation_page.hpp) are at the core at a time.
  std::size_t adaptation_pages_at_work = 32;
  /// How often an adaptation looks by itself whether its group is another.
  std::chrono::milliseconds group_check{std::chrono::minutes{1}};
};

/// QoS monitoring (TS 23.434 clause 14.3.3.4).
struct MonitoringSettings {
  /// What the sessions that only measure ask for; absent: the delay budget of default traffic.
  std::optional<std::string> qos_reference;
  std::chrono::milliseconds sample_period{1000};  ///< how often the core is asked to report
  std::chrono::milliseconds silent_after{5000};   ///< accepted, and nothing came for so long
  std::chrono::milliseconds once_wait{4000};      ///< for the first samples of a one-shot request
  std::chrono::milliseconds series_step{2000};    ///< of a point that is kept for past periods
  /// T21: how long is measured where nothing says it, neither a period nor how the reporting ends.
  std::chrono::seconds default_period{std::chrono::minutes{5}};
  /// Longest reporting time and period; proposed to who wants to end the reporting on request.
  std::chrono::seconds time_max{std::chrono::hours{24 * 7}};
  std::size_t ues_max = 1000;     ///< UEs of one subscription
  std::size_t streams_max = 256;  ///< streams of one subscription
  std::size_t monitors_per_ue_max = 256;
  std::size_t profiles_max = 1000;  ///< of one client
  /// VAL stream id -> its source and target UE.
  struct Stream {
    std::string from;  ///< VAL UE id
    std::string to;
  };
  std::map<std::string, Stream, std::less<>> streams;
};

/// A PDU session as URSP chooses one (TS 24.526): by its DNN, in its slice.
struct PathRoute {
  std::string dnn;
  std::optional<api::common::Snssai> snssai;
  bool operator==(const PathRoute&) const = default;
};
/// The two PDU sessions of a reliable transmission, which the operator has laid over separate ways
/// (TS 23.501 clause 5.33.2.1).
struct ReliablePaths {
  PathRoute first;
  PathRoute second;
  bool operator==(const ReliablePaths&) const = default;
};

struct Settings {
  std::string api_root;       ///< "http://127.0.0.60:7777": of Location and notifId
  std::string callback_base;  ///< the same for the core's callbacks to us
  CoreTraits core;
  /// Beside a PCF: asked for what N5 has not, and never for a reservation.
  std::optional<CoreTraits> nef_beside;
  Limits limits;
  MonitoringSettings monitoring;
  std::optional<ReliablePaths> reliable_paths;  ///< absent: no reliable transmission
  http::SinkPolicy sinks;
  /// VAL service id -> the quality that it gets.
  std::map<std::string, api::ss_nra::UniQosRequirement, std::less<>> services;
  /// QoS references that operator and we have agreed on.
  std::set<std::string, std::less<>> qos_references;
  /// Requester -> the quality where it states none (T7, NOTE); "*" for the others.
  std::map<std::string, api::ss_nra::UniQosRequirement, std::less<>> defaults;
};

/// Whether there is a NEF: the only door, or beside a PCF. It alone tells where UEs are, measures,
/// and applies background data transfer policies one by one.
inline bool has_nef(const Settings& settings) {
  return settings.core.kind == CoreKind::nef || settings.nef_beside.has_value();
}
/// The NEF. Where there is none (any more), one by a name that no peer has: what an earlier
/// configuration left to be released there waits for it, and nothing of it ever reaches a PCF.
inline const CoreTraits& nef_of(const Settings& settings) {
  static const CoreTraits none;
  if (settings.core.kind == CoreKind::nef) return settings.core;
  return settings.nef_beside ? *settings.nef_beside : none;
}
/// By which base those call us back that `kind` of resource asks.
inline const std::string& callback_base_of(const Settings& settings, std::string_view kind) {
  const auto& asked = kind == "unicast" ? settings.core : nef_of(settings);
  return asked.callback_base ? *asked.callback_base : settings.callback_base;
}

}  // namespace lobo::seal_nrm
