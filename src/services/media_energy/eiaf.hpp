#pragma once
// The Energy Information AF (TR 26.942 clause 7.13): what is measured, against what was
// provisioned, becomes what a media client is told, and the state of the fleet becomes a plan.
// Lives in memory; everything that must survive is a resource, which lets it know by Observe
// (docs/adr/0010-observations.md). Reads no clock: time goes in.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/media_e3.hpp"
#include "api/media_e5.hpp"
#include "api/media_m1.hpp"
#include "api/media_m5.hpp"
#include "api/state/media_energy.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "services/media_energy/counters.hpp"
#include "services/media_energy/figures.hpp"
#include "services/media_energy/mapping.hpp"
#include "services/media_energy/policy_run.hpp"
#include "services/media_energy/ports.hpp"
#include "wire/http/growing_body.hpp"
#include "wire/http/message.hpp"
#include "wire/qoe/report.hpp"
#include "wire/resource/effect.hpp"
#include "wire/resource/record.hpp"

namespace lobo::media_energy {

/// How often thresholds are looked at, and the finest grain of any dwell or interval.
inline constexpr std::chrono::seconds tick{1};
inline constexpr std::size_t dues_max = 100'000;

class Eiaf {
 public:
  /// Both outlive it.
  Eiaf(const Settings& settings, Planner& planner);

  // ---- what happens ---------------------------------------------------------------------------

  /// What the resources let it know, also at the start for each one that is stored.
  void observed(const resource::Key& from, const resource::Observe& what, Instant now);
  /// Another source than these APIs saw a session there: content steering, CMCD, an access log.
  void saw(std::string_view session, std::string_view location, Source source, Instant now);
  void advance(Instant now);
  /// When to advance at the latest; nothing while there is nothing to look at.
  std::optional<Instant> next_deadline() const;

  struct Answer {
    resource::RequestId request{};
    http::Response response;
  };
  struct Told {
    resource::Key to;
    std::string what;
    std::string body;
  };
  /// One step of TR 26.942 clause 7.13.6 that was taken here, for log and trace.
  struct Step {
    std::string number;
    std::string about;
    std::string what;
  };
  struct Dues {
    std::vector<Answer> answers;
    std::vector<Told> told;
    std::vector<Step> steps;
    std::map<std::string, double> consumed_s;  ///< playing time that clients reported, by location
  };
  Dues take_dues();
  /// Of what was stored, nothing was done now.
  void forget_steps() { dues_.steps.clear(); }
  /// The streams of events that answers name; for the servers that send them.
  const http::GrowingBodiesPtr& growing() const { return growing_; }

  // ---- what it looks like from outside ---------------------------------------------------------

  api::media_e3::EnergyReportingConfiguration configuration(std::string_view server) const;
  /// The same of a server that says this of itself, before it is known or has changed.
  api::media_e3::EnergyReportingConfiguration configuration(
      std::string_view server, const api::media_e3::AsRegistration& registered) const;
  api::media_e3::AsReporting reporting(std::string_view server, Instant now) const;
  /// What taking these reports in would say.
  api::media_e3::AsEnergyReportReceipt receipt(const api::media_e3::AsEnergyReports& reports,
                                               Instant now) const;
  /// For whom service access information is, where it says so.
  struct Newcomer {
    std::string media_session;
    std::string policy;  ///< identifier or externalReference; empty: the first
  };
  Result<api::media_m5::ServiceAccessInformationResource> service_access(
      std::string_view session, Instant now, const Newcomer& who = {}) const;
  Instant expires(std::string_view subscription) const;
  /// Events after `after`; nothing where there is no such subscription.
  std::optional<api::media_e5::EnergyEvents> events(std::string_view subscription,
                                                    std::uint64_t after) const;
  bool exposes_to_collectors(std::string_view session) const;
  const PlanTable& plan() const { return plan_; }
  /// The plan as content steering gets it (SteeringPlan); empty before the first one.
  const std::string& published() const { return published_; }
  FleetState fleet(Instant now) const;
  const SessionMap& placements() const { return map_; }
  /// Players that are known by content steering alone.
  std::size_t steered() const { return steered_.size(); }
  std::size_t subscriptions() const { return subscriptions_.size(); }
  std::size_t servers() const { return servers_.size(); }
  std::size_t streams() const;
  /// Of the time to be played from there, the share with picture; nothing where nobody said.
  std::optional<double> qoe_score(std::string_view location, Instant now) const;
  /// QoE reports that were repeated, too old or from ahead of now: counted, and not believed.
  std::uint64_t stale_qoe() const { return stale_qoe_; }
  std::uint64_t dropped() const { return dropped_; }
  /// Whose the URL is, by the bases that are known.
  std::optional<std::string_view> location_below(std::string_view url) const;
  /// The subscription that speaks for a media session; nothing where none does.
  const std::string* subscription_of(std::string_view media_session) const;
  /// Base URLs that were not taken from servers: another location's, or too many.
  std::uint64_t refused_bases() const { return refused_bases_; }

 private:
  using Policy = api::media_m1::EnergyPolicy;
  using Reason = api::media_types::EnergyReportingReason;
  using Action = api::media_types::EnergyAction;

  struct Recipient {
    resource::Key key;
    std::string to;
    std::string profile;  ///< dataAccessProfileRef
  };
  struct Running {
    PolicyRun run;
    std::vector<Recipient> recipients;
    bool to_collectors = true;
    Instant next_periodic{};
    api::state::media_energy::ConsumedState kept{};  ///< as it was last written
    Instant keep_at{};
    std::size_t affected = 0;  ///< sessions told to move in this tick, over which a herd is spread
  };
  struct Session {
    api::state::media_energy::SessionState state;
    std::optional<api::media_m1::ContentHostingConfiguration> hosting;
    std::optional<api::media_m1::EnergyInformationExposure> exposure;
    std::map<std::string, Running, std::less<>> policies;
  };
  /// What a session was recommended, until it is given back.
  struct Adaptation {
    api::media_e5::AdaptationState state = api::media_e5::AdaptationState::none;
    Action action = Action::none;
    std::string threshold_ref;  ///< why; empty: the plan, a budget or a suspension
    bool suspension = false;
    bool budget = false;
    bool network = false;
    std::uint64_t budget_change = 0;
    std::string move_id;
    std::string target;
    Instant since{}, not_after{};
  };
  struct Poll {
    resource::RequestId request{};
    std::uint64_t after = 0;
    Instant until{};
  };
  struct Stream {
    std::string client;
    http::GrowingBodyPtr body;
    std::uint64_t after = 0;  ///< the last event that was sent
    Instant began{};
    Instant said{};  ///< anything at all
  };
  struct PlanPoll {
    resource::RequestId request{};
    std::string tag;
    Instant until{};
  };
  /// A player that tells nothing of itself: content steering told of it.
  struct Steered {
    std::string group;  ///< of the plan
    Instant seen{};
    std::map<std::string, Instant> vetoes;  ///< location, until
  };
  /// What is looked up by location, made anew after a change.
  struct AtLocation {
    std::vector<const Server*> servers;
    std::vector<std::pair<std::string_view, const Session*>> sessions;  ///< by id, ascending
    std::optional<std::int64_t> interval_s;  ///< of the most impatient policy
  };
  /// What the network said of a session's QoS.
  struct Network {
    bool broken = false;    ///< what it promised is not held
    bool beyond = false;    ///< what it measured is below the policy's floor
    Instant changed{};      ///< between degraded and not
    bool answered = false;  ///< something was done about it, or nothing can be
    std::string left;       ///< the place that the session was told to leave for it
    Instant moved{};
    bool degraded() const { return broken || beyond; }
  };
  struct Subscription {
    api::media_e5::NewEnergySubscription asked;
    Instant made{}, active{};
    double mbps = 0;
    api::media_e5::UeEnergyState ue;
    std::uint64_t next = 0;
    std::deque<api::media_e5::ClientEnergyReport> events;
    std::vector<Poll> polls;
    Adaptation adaptation;
    std::deque<Instant> moves;              ///< in the last hour
    std::map<std::string, Instant> vetoes;  ///< location, until
    Instant reported{};
    std::optional<Reason> late;  ///< a report that waits for the spacing
    Instant next_periodic{};
    bool one_shot_done = false;
    std::uint64_t moved_by_plan = 0;  ///< revision of the plan that was told
    std::uint64_t budget_told = 0;
    Instant qoe_seen{};       ///< the newest QoE report's own time
    std::string below_floor;  ///< where it played below the QoE floor, until that was acted upon
    Network network;
  };
  /// QoE at a location, as its sessions tell; older reports weigh less.
  struct Quality {
    double score = 1;
    Instant seen{};
  };

  // eiaf_quality.cpp
  void quality_told(const std::string& body, Instant now);
  void take_quality(const qoe::QoeReport& report, const qoe::ReceptionReport& of, Instant now);
  std::string session_named(std::string_view name) const;
  bool adapt_to_quality(const std::string& id, Subscription& subscription, Session& session,
                        Running& running, Instant now);

  // eiaf_network.cpp
  void network_told(const std::string& id, const std::string& body, Instant now);
  static bool network_holds_back(const Subscription& subscription, Instant now);
  bool adapt_to_network(const std::string& id, Subscription& subscription, Session& session,
                        Running& running, Instant now);

  // eiaf.cpp
  void session_changed(const std::string& id, const std::string& body, Instant now);
  void server_changed(const std::string& id, const std::string& body);
  void subscription_changed(const std::string& id, const std::string& body, Instant now);
  void reports(const std::string& server, const std::string& body, Instant now);
  void served(const api::media_e3::AsLocationEnergy& there, Instant now);
  void location_change(const std::string& id, const std::string& body, Instant now);
  void consumption(const std::string& session, const std::string& body, Instant now);
  void poll(const std::string& id, const std::string& body, Instant now);
  void changed() { stale_ = true; }
  void reindex() const;
  LocationIndex& index() const;
  api::media_e3::EnergyReportingConfiguration configured(
      std::string_view server, const api::media_e3::AsRegistration& registered,
      api::media_types::AsState desired) const;
  void claim(Server& server, const std::string& url, const std::string& location);
  const AtLocation* place(std::string_view location) const;
  void answer_polls(const std::string& id, Subscription& subscription, Instant now, bool gone);
  void step(std::string number, std::string about, std::string what);
  void tell(resource::Key to, std::string what, std::string body);
  const Running* running(const Subscription& subscription) const;
  /// Where the plan would have it, the first first; empty where it says nothing.
  std::vector<std::string> order_for(const Newcomer& who, std::string_view session_id,
                                     const Session& session) const;
  std::vector<const Server*> servers_at(std::string_view location,
                                        const Session* session = nullptr) const;
  Figures figures_of(const std::string& location, const Session& session, Instant now) const;
  /// The same of what is served there under the names of the session alone.
  Figures flow_figures(const std::string& location, const std::vector<std::string>& flows,
                       const Session& session, Instant now) const;
  std::vector<Unit> units(const Session& session, const Policy& policy, Instant now) const;
  std::string location_of(const Subscription& subscription) const;
  std::optional<std::string_view> location_of(
      const api::media_m5::ConsumptionReportingUnit& unit) const;
  std::chrono::seconds interval_at(std::string_view location) const;

  // eiaf_consumed.cpp
  void consumed_before(const std::string& id, const std::string& body);
  void keep_consumed(const std::string& session, const std::string& policy, Running& running,
                     bool at_once, Instant now);

  // eiaf_streams.cpp
  void stream(const std::string& id, const std::string& body, Instant now);
  void feed(const std::string& id, Subscription& subscription, Instant now);
  bool feed_one(const Subscription& subscription, Stream& stream, Instant now) const;
  void end_streams(const std::string& id);

  // eiaf_adapt.cpp
  void adapt(const std::string& id, Subscription& subscription, Session& session, Running& running,
             Instant now);
  bool give_back(const std::string& id, Subscription& subscription, Session& session,
                 Running& running, Instant now);
  bool adapt_to_thresholds(const std::string& id, Subscription& subscription, Session& session,
                           Running& running, Instant now);
  void adapt_to_plan(const std::string& id, Subscription& subscription, Session& session,
                     Running& running, Instant now);
  std::optional<api::media_e5::EnergyAdaptationRecommendation> feasible(
      const Subscription& subscription, const Session& session, const Running& running,
      Action action, const std::optional<api::media_m1::AdaptationParams>& params,
      Instant now) const;
  std::vector<std::string> better_locations(const Subscription& subscription,
                                            const Session& session, const Running& running,
                                            Instant now) const;
  void recommend(const std::string& id, Subscription& subscription, Session& session,
                 Running& running, api::media_e5::EnergyAdaptationRecommendation what,
                 Adaptation why, Reason reason, Instant now);
  bool may_move(const Subscription& subscription, const Policy& policy, Instant now) const;
  bool reacts_to(const Subscription& subscription, const Policy& policy,
                 const api::media_m1::EnergyThreshold& threshold) const;

  // eiaf_report.cpp
  void report(const std::string& id, Subscription& subscription, const Session& session,
              const Running& running, Reason reason,
              const std::optional<api::media_e5::EnergyAdaptationRecommendation>& what,
              Instant now);
  void report_measured(const std::string& id, Subscription& subscription, const Session& session,
                       const Running& running, Reason reason, Instant now);
  void report_periodically(const std::string& id, Subscription& subscription,
                           const Session& session, const Running& running, Instant now);
  void notify(const std::string& session_id, const Session& session, Running& running,
              Reason reason, std::string_view location, const Subscription* about, Instant now);
  api::media_e5::ClientEnergyReport describe(const Session& session, const Running& running,
                                             std::string_view session_id, std::string_view location,
                                             Reason reason, Instant now) const;
  static void withhold(api::media_e5::ClientEnergyReport& report, const Session& session);

  // eiaf_steering.cpp
  static std::string_view steered_name(std::string_view group);
  std::string base_url_of(std::string_view location) const;
  void publish(Instant now);
  void plan_poll(const std::string& body, Instant now);
  void answer_plan_polls(Instant now);
  void steered(const std::string& body, Instant now);
  void name_session(const std::string& session, const std::string& subscription);
  void forget_name(const std::string& session);

  // eiaf_plan.cpp
  void plan(Instant now);
  void desire(const PlanTable& plan);
  const PlanGroup* group_of(std::string_view session, std::string_view policy) const;
  static bool exposes(const Session& session, api::media_m1::ExposureRecipient to);
  static bool exposes(const Session& session, api::media_m1::ExposedParameter parameter);

  const Settings& settings_;
  Planner& planner_;
  std::map<std::string, Session, std::less<>> sessions_;
  std::map<std::string, Server, std::less<>> servers_;
  std::map<std::string, Subscription, std::less<>> subscriptions_;
  // Found again from sessions_ and servers_ when they have changed: a report looks here, and a
  // fleet has many more reports than changes.
  mutable LocationIndex index_;
  mutable std::map<std::string, AtLocation, std::less<>> places_;
  mutable std::map<std::string, api::media_e3::EnergyReportingConfiguration, std::less<>>
      configurations_;
  mutable bool stale_ = true;
  mutable std::uint64_t refused_bases_ = 0;
  SessionMap map_;
  std::map<std::string, Steered, std::less<>> steered_;
  std::map<std::string, std::string, std::less<>> hashes_;  ///< of sessions with a subscription
  std::map<std::string, std::string, std::less<>> subscription_of_;  ///< by media session
  std::map<std::string, std::string, std::less<>> steered_groups_;   ///< as steering names them
  std::map<std::string, std::vector<Stream>, std::less<>> streams_;  ///< by subscription
  http::GrowingBodiesPtr growing_ = std::make_shared<http::GrowingBodies>();
  std::vector<PlanPoll> plan_polls_;
  std::string published_, published_tag_;
  PlanTable plan_;
  Instant planned_{};
  Instant ticked_{};
  Instant expired_{};
  Instant began_{};  ///< the first event: before a TTL has passed nobody is moved
  std::map<std::string, Quality, std::less<>> quality_;  ///< by location of the operator
  std::uint64_t moves_ = 0;
  std::uint64_t stale_qoe_ = 0;
  std::uint64_t dropped_ = 0;
  Dues dues_;
};

}  // namespace lobo::media_energy
