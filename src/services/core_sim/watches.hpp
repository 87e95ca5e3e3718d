#pragma once
// Monitoring subscriptions as the network sees them: whom they watch for what, how many reports are
// left, and the reports that follow from what happens to a UE.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "api/monitoring_event.hpp"
#include "base/clock.hpp"
#include "services/core_sim/network.hpp"

namespace lobo::core_sim {

using MonitoringReport = api::monitoring_event::MonitoringEventReport;
using MonitoringTypeKnown = api::monitoring_event::MonitoringTypeKnown;

/// What a monitoring subscription asks for, checked.
struct WatchTerms {
  std::string destination;
  MonitoringTypeKnown type{};
  std::string reachability = "DATA";
  std::optional<std::uint64_t> reports_max;
  std::optional<Instant> expires;
  std::optional<std::chrono::seconds> period;
  bool immediate = false;
  bool test_notification = false;
};

struct Watch {
  Number number{};
  std::string id;
  std::string scs_as_id;
  UeIndex ue{};
  std::string body;  ///< the representation, JSON
  WatchTerms terms;
  std::uint64_t reports_sent = 0;
};

class Watches {
 public:
  explicit Watches(Network& network) : net_(network) {}

  Watch& create(std::string_view scs_as_id, UeIndex ue, WatchTerms terms, Instant now);
  void modify(Watch& watch, WatchTerms terms, Instant now);
  void remove(Watch& watch);

  Watch* find(std::string_view scs_as_id, std::string_view id);
  std::size_t size() const { return watches_.size(); }
  std::size_t count_of(std::string_view scs_as_id) const;
  void each_of(std::string_view scs_as_id, const std::function<void(const Watch&)>& visit) const;
  std::string uri_of(const Watch& watch) const;
  bool owns(Number number) const { return watches_.contains(number); }

  /// How things are with the UE now; nothing where that type has nothing to say.
  std::optional<MonitoringReport> present(UeIndex ue, const WatchTerms& terms, Instant now) const;
  /// A report inside an answer counts like one that was sent.
  void count_report(Watch& watch);

  // ---- done by the network ------------------------------------------------------------------
  void attached(UeIndex ue, Instant now);
  void detached(UeIndex ue, Instant now);
  /// `before` still has the old addresses.
  void readdressed(UeIndex ue, const UeConfig& before, Instant now);
  void moved(UeIndex ue, Instant now);
  void timer(const TimerKey& key, Instant now);

 private:
  MonitoringReport report_of(UeIndex ue, MonitoringTypeKnown type, Instant now) const;
  MonitoringReport connection(UeIndex ue, const UeConfig& addresses, bool created,
                              Instant now) const;
  void tell(UeIndex ue, MonitoringTypeKnown type,
            const std::function<std::vector<MonitoringReport>(const Watch&)>& reports, Instant now);
  void send(Watch& watch, std::vector<MonitoringReport> reports, Instant now);
  void start_timers(const Watch& watch, Instant now);

  Network& net_;
  std::map<Number, Watch> watches_;
  std::unordered_map<std::string, Number, TextHash, std::equal_to<>> by_id_;
  std::map<std::string, std::set<Number>, std::less<>> by_af_;
  std::map<UeIndex, std::set<Number>> by_ue_;
};

}  // namespace lobo::core_sim
