#pragma once
// The NEF's AnalyticsExposure API (TS 29.522; api/analytics_exposure.yaml), of which DN_PERFORMANCE
// of one UE is served: what its traffic experiences now, told at once, periodically, or both.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>

#include "api/analytics_exposure.hpp"
#include "base/clock.hpp"
#include "services/core_sim/answers.hpp"
#include "services/core_sim/call.hpp"
#include "services/core_sim/network.hpp"
#include "services/core_sim/world.hpp"

namespace lobo::core_sim {

/// What an analytics subscription asks for, checked.
struct AnalyticsTerms {
  std::string destination;
  std::string notif_id;
  UeIndex ue{};
  std::optional<std::chrono::seconds> period;
  std::optional<std::uint64_t> reports_max;
  std::optional<Instant> expires;
  bool immediate = false;
  bool test_notification = false;
};

class Analytics {
 public:
  explicit Analytics(Network& network) : net_(network) {}

  Answer handle(const Call& call);
  void timer(const TimerKey& key, Instant now);
  bool owns(Number number) const { return subscriptions_.contains(number); }
  std::size_t size() const { return subscriptions_.size(); }

 private:
  struct Subscription {
    Number number{};
    std::string id;
    std::string af_id;
    std::string body;  ///< the representation, JSON
    AnalyticsTerms terms;
    std::uint64_t reports_sent = 0;
    RanCounters told;  ///< of the UE, up to the last report
    Instant told_at;
  };

  Answer fetch_all(const Call& call);
  Answer create(const Call& call);
  Answer fetch(const Call& call);
  Answer update(const Call& call);
  Answer remove(const Call& call);
  Outcome<Subscription*> found(const Call& call);
  std::string uri_of(const Subscription& subscription) const;
  void start_timers(const Subscription& subscription, Instant now);
  void erase(const Subscription& subscription);
  /// Nothing while the UE has no PDU session or its measurement fails.
  std::optional<api::analytics_exposure::AnalyticsEventNotif> measured(Subscription& of,
                                                                       Instant now);
  std::optional<api::analytics_exposure::PerfData> computed(const Ue& ue);
  static std::optional<api::analytics_exposure::PerfData> counted(Subscription& of, const Ue& ue,
                                                                  Instant now);
  /// Its packets are real ones: what a gNB says of them is all that is known.
  bool is_served(UeIndex ue) const { return net_.smf && net_.smf->is_open(ue); }

  Network& net_;
  std::map<Number, Subscription> subscriptions_;
  std::unordered_map<std::string, Number, TextHash, std::equal_to<>> by_id_;
  std::map<std::string, std::set<Number>, std::less<>> by_af_;
};

}  // namespace lobo::core_sim
