#pragma once
// What relay nodes measured, by asset and UE: the last half minute of each flow for questions, and
// for each subscription what has come since its last report. Lives in memory and is lost with the
// process; a node sends windows, not totals, so that it begins anew without an error.
//
// Costs: a window is added once to its flow, and once for each subscription and granularity that
// wants it.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "api/sdd_relay.hpp"
#include "api/sdd_tqm.hpp"
#include "api/state/sealdd.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "services/sealdd/aggregate.hpp"
#include "services/sealdd/ports.hpp"
#include "wire/resource/effect.hpp"

namespace lobo::sealdd {

inline constexpr std::size_t windows_kept_max = 64;  ///< of one flow
inline constexpr std::size_t windows_all_max =
    200'000;                                          ///< of all; then the oldest flows lose theirs
inline constexpr std::size_t units_max = 1000;        ///< of one requirement
inline constexpr std::size_t reports_told_max = 256;  ///< in one notification
inline constexpr std::chrono::seconds tick{1};
inline constexpr int criterion_leave_percent = 90;  ///< of the limit
inline constexpr int criterion_hold_ticks = 2;

/// Whom a window is about.
struct Measured {
  std::string connection;
  std::string room;
  std::string ue;
  std::string asset;
  bool operator==(const Measured&) const = default;
};

/// Whose reports are wanted.
struct Whom {
  std::set<std::string, std::less<>> assets;
  std::set<std::string, std::less<>> ues;  ///< empty: of anybody
  std::string room;                        ///< empty: of any
  bool wants(const Measured& one) const;
};

/// Outside, inside or between the two limits of a criterion.
enum class Standing : std::uint8_t { good, between, bad };
Standing standing(const api::sdd_tqm::TransQualMeasCriteria& criteria, const Aggregate& of);

/// Enters at the limit, leaves at 90 % of it, and stays for two ticks at least.
class Latch {
 public:
  /// True where it has just been entered or left.
  bool turn(Standing now);
  bool entered() const { return entered_; }

 private:
  bool entered_ = false;
  int held_ = 0;
};

class Measures {
 public:
  explicit Measures(const Settings& settings) : settings_(settings) {}

  void connection_changed(const std::string& id, const api::state::sealdd::ConnectionState& state);
  void connection_gone(const std::string& id);
  void subscribed(const std::string& id, const api::state::sealdd::KeptState& state, Instant now);
  void unsubscribed(const std::string& id) { subscriptions_.erase(id); }
  /// Windows of a node; those of flows that nobody has are left out.
  void reported(const api::sdd_relay::RelayReport& report);
  /// True where a second has passed since the last time.
  bool advance(Instant now);
  Instant next_deadline(Instant now) const;
  std::vector<resource::Tell> take_told();

  /// Of the last half minute, one report for each UE.
  std::vector<api::sdd_tqm::TransQualMeasReport> history(const Whom& whom, bool extended,
                                                         Instant now) const;
  /// What has come for each connection and asset since the last time: for policies.
  struct Second {
    Measured of;
    Aggregate what;
  };
  std::vector<Second> take_seconds();
  std::size_t windows() const { return windows_; }

 private:
  struct Asset {
    std::int64_t alias = 0;
    std::string name;
  };
  struct Flow {
    Measured of;  ///< without the asset
    std::vector<Asset> assets;
    std::deque<api::sdd_relay::RelayWindow> windows;
  };
  struct Unit {
    Aggregate since;   ///< the last report
    Aggregate second;  ///< the last tick
    Latch latch;
    std::set<std::string, std::less<>> ues, assets;
  };
  struct Requirement {
    api::sdd_tqm::TransQualMeasReq spec;
    std::map<std::string, Unit, std::less<>> units;
    Instant due{};
    bool done = false;
  };
  struct Subscription {
    api::sdd_tqm::TransQualMeasSubsc asked;
    Whom whom;
    bool extended = false;
    std::map<std::string, Requirement, std::less<>> reqs;
  };

  void count(Subscription& subscription, const Measured& of,
             const api::sdd_relay::RelayWindow& window);
  void look(const std::string& id, Subscription& subscription, Instant now);
  void report(const Subscription& subscription, const std::string& key, const Unit& unit,
              const Aggregate& what, std::optional<api::sdd_tqm::CriteriaState> criteria,
              Instant now, std::vector<api::sdd_tqm::TransQualMeasReport>& out) const;
  static bool is_active(const Subscription& subscription, const Requirement& req, Instant now);
  std::string asset_of(const Flow& flow, std::optional<std::int64_t> alias) const;

  const Settings& settings_;
  std::map<std::int64_t, Flow> flows_;
  std::map<std::string, std::vector<std::int64_t>, std::less<>> flows_of_;  ///< by connection
  std::map<std::pair<std::string, std::int64_t>, std::string> names_;       ///< by room and alias
  std::map<std::string, Subscription, std::less<>> subscriptions_;
  std::map<std::pair<std::string, std::string>, Second> seconds_;  ///< by connection and asset
  std::vector<resource::Tell> told_;
  std::size_t windows_ = 0;
  Instant ticked_{};
};

/// How reports are to be made where a requirement does not say.
api::sdd_tqm::NotificationMethodKnown method_of(const api::sdd_tqm::TransQualMeasReq& req);

}  // namespace lobo::sealdd
