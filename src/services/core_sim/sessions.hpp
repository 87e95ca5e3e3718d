#pragma once
// Sessions with QoS as the network sees them: reservations in a cell, guarantees kept or broken,
// events that follow. How they are asked for over HTTP is as_session_with_qos.hpp.

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

#include "base/clock.hpp"
#include "services/core_sim/measurements.hpp"
#include "services/core_sim/network.hpp"
#include "services/core_sim/session_terms.hpp"
#include "services/core_sim/smf_events.hpp"
#include "services/core_sim/smf_flow.hpp"
#include "services/core_sim/smf_rules.hpp"

namespace lobo::core_sim {

using Report = api::as_session_with_qos::UserPlaneEventReport;

enum class SessionState : std::uint8_t {
  allocating,      ///< accepted; the radio resources are not confirmed yet
  guaranteed,      ///< what was asked for is given
  not_guaranteed,  ///< less is given: an alternative, or nothing
  failed,          ///< no resources could be allocated
};
std::string_view to_string(SessionState state);

/// What is known of its packets.
enum class UserPlane : std::uint8_t {
  simulated,  ///< no UPF has to do with it: figures are computed
  requested,  ///< asked of a UPF; the session waits for its answer
  enforced,   ///< the UPF has confirmed the rules
  lost,       ///< it had, and is gone
};

/// What the gNB last said of the guarantee (TS 38.413 clause 8.2.4).
struct GuaranteeNotice {
  bool held = true;
  std::optional<std::size_t> alternative;  ///< that is given instead
  bool operator==(const GuaranteeNotice&) const = default;
};

struct Session {
  Number number{};
  std::string id;
  std::string scs_as_id;
  UeIndex ue{};
  CellIndex cell{};
  std::string body;  ///< the representation, JSON
  Terms terms;
  SessionState state = SessionState::allocating;
  std::optional<std::size_t> applied;  ///< the alternative in force
  Share held;                          ///< of `cell`
  Shortfall told;                      ///< directions that the AF knows to be short
  bool allocation_fails = false;       ///< by a planned fault
  UserPlane user_plane = UserPlane::simulated;
  std::optional<FlowSpec> asked_of_upf;  ///< unless simulated
  GuaranteeNotice notice;
  Meter meter;
  std::set<std::string, std::less<>> above;  ///< thresholds that were crossed and reported
  std::map<TimerKind, Instant> triggered;    ///< when the last triggered report went out
};

/// What admission decided on new terms.
struct Placement {
  std::optional<std::size_t> applied;
  Share held;
};

class Sessions {
 public:
  explicit Sessions(Network& network);

  // ---- asked for by an AF -------------------------------------------------------------------
  /// What `terms` would get on the UE's cell if `held` were given back; nothing where they do not
  /// fit. Changes nothing.
  std::optional<Placement> placement(CellIndex cell, const Terms& terms, const Share& held) const;
  /// `placement` came from placement() and nothing has happened since.
  Session& create(std::string_view scs_as_id, UeIndex ue, Terms terms, const Placement& placement,
                  Instant now);
  /// Whether `terms` need a placement: other figures, or another try after a failure.
  static bool needs_placement(const Session& session, const Terms& terms);
  /// Which header value tells of its packets.
  static bool is_enforced(const Session& session) {
    return session.user_plane == UserPlane::enforced;
  }
  /// `placement` is there exactly where needs_placement() says so.
  void modify(Session& session, Terms terms, const std::optional<Placement>& placement,
              Instant now);
  void remove(Session& session, Instant now);
  /// The allocation event of a session that waits for it, now instead of later.
  void allocate_now(Session& session, Instant now);
  /// What the session has carried so far.
  Report usage_report(Session& session, Instant now);

  Session* find(std::string_view scs_as_id, std::string_view id);
  Session* find(std::string_view id);
  std::size_t size() const { return sessions_.size(); }
  std::size_t count_of(std::string_view scs_as_id) const;
  std::size_t count_of(UeIndex ue) const;
  std::size_t count_in(CellIndex cell) const { return by_cell_[cell].size(); }
  /// In the order of their creation.
  void each(const std::function<void(const Session&)>& visit) const;
  void each_of(std::string_view scs_as_id, const std::function<void(const Session&)>& visit) const;
  std::string uri_of(const Session& session) const;

  // ---- done by the network ------------------------------------------------------------------
  void change_link(UeIndex ue, const Link& link, Instant now);
  void move(UeIndex ue, CellIndex cell, Instant now);
  void resize_cell(CellIndex cell, const Share& capacity, Instant now);
  /// The PDU session of the UE is gone, and its sessions with QoS with it.
  void lose_ue(UeIndex ue, Instant now);
  void terminate(Session& session, Instant now);
  void timer(const TimerKey& key, Instant now);

  // ---- told by the user plane ----------------------------------------------------------------
  /// The UE has registered, and has a UPF now: what it holds is asked of it.
  void reach_user_plane(UeIndex ue, Instant now);
  void take(const SmfEvent& event, Instant now);
  /// False where the UE has no such flow.
  bool take_notice(UeIndex ue, QfiNumber qfi, const GuaranteeNotice& notice, Instant now);
  bool owns(Number number) const { return sessions_.contains(number); }

 private:
  std::optional<Placement> fitting(CellIndex cell, const Terms& terms, const Share& held) const;
  const Quality& in_force(const Session& session) const;
  void settle(Session& session, Instant now);
  void start_timers(Session& session, Instant now);
  void rearm_usage(Session& session, Instant now);
  void finish_allocation(Session& session, Instant now);
  void allocation_done(Session& session, Instant now);
  void fail_allocation(Session& session, Instant now);
  bool has_user_plane(const Session& session) const;
  FlowSpec spec_of(const Session& session) const;
  /// It asks for no treatment, only to be told of all packets of its UE.
  static bool observes(const Session& session);
  static Observation observation_of(const Session& session);
  void ask_upf(Session& session, Instant now);
  void confirmed(Session& session, Instant now);
  void delay_told(Session& session, const DelayMeasured& measured, Instant now);
  void usage_told(Session& session, const UsageMeasured& measured, Instant now);
  /// What is known to be wrong with its link: of packets that a UPF carries only the gNB knows.
  Link link_of(const Session& session) const;
  Experience experience_of(const Session& session) const;
  void assess(Session& session, Instant now);
  void hold(Session& session, const Share& share);
  std::optional<std::size_t> best_option(const Session& session) const;
  Shortfall missing(const Session& session) const;
  void tell_shortfall(Session& session, const Shortfall& now_missing, bool applied_changed,
                      Instant now);
  void refill(CellIndex cell, Instant now);
  void erase(Session& session, Instant now);

  void check_thresholds(Session& session, Instant now);
  std::optional<Report> monitoring_report(Session& session, TimerKind kind);
  void notify(Session& session, Report report, Instant now);
  Report event_report(const Session& session, UserPlaneEventKnown event) const;
  void periodic(Session& session, TimerKind kind, Instant now);

  Network& net_;
  std::map<Number, Session> sessions_;
  std::unordered_map<std::string, Number, TextHash, std::equal_to<>> by_id_;
  std::map<std::string, std::set<Number>, std::less<>> by_af_;
  std::map<UeIndex, std::set<Number>> by_ue_;
  std::vector<std::set<Number>> by_cell_;
  std::vector<std::set<Number>> wanting_;  ///< per cell, those in state not_guaranteed
};

}  // namespace lobo::core_sim
