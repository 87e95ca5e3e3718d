#pragma once
// The sessions with all that hangs on them: their compiled rules, which are made anew for those
// that change and kept for the others; the tunnels and addresses that they claim; and when each of
// them wants to be looked at.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/few.hpp"
#include "dataplane/n4/claims.hpp"
#include "dataplane/n4/delay_watch.hpp"
#include "dataplane/n4/peers.hpp"
#include "dataplane/n4/usage_watch.hpp"
#include "dataplane/rules/rule_set.hpp"
#include "dataplane/rules/session.hpp"
#include "wire/pfcp/usage.hpp"
#include "wire/pfcp/values.hpp"

namespace lobo::dataplane::n4 {

struct SessionState {
  Session session;
  Peer* peer = nullptr;
  std::vector<UsageWatch> usage;   ///< one for each URR
  std::vector<DelayWatch> delays;  ///< one for each flow of each SRR
  /// Waiting to be told: PDRs with packets that are buffered, tunnels that their end does not know.
  Few<pfcp::PdrId, pfcp::pdrs_per_downlink_report_max> downlink;
  std::optional<Instant> downlink_at;
  Few<pfcp::FTeid, pfcp::tunnels_per_error_report_max> errors;
  /// The report that waits for its response: the next one waits for that.
  std::optional<std::uint32_t> outstanding;

  bool is_watched() const { return !usage.empty() || !delays.empty(); }

 private:
  friend class SessionTable;
  std::size_t place_ = 0;
  std::optional<Instant> due_;
};

class SessionTable {
 public:
  SessionState* find(std::uint64_t seid);
  const SessionState* find(std::uint64_t seid) const;
  std::size_t size() const { return states_.size(); }
  const Claims& claims() const { return claims_; }

  /// Its claims are nobody's, its SEID is new.
  SessionState& add(Session session, Peer& peer);
  /// Cost: the rules of this session.
  void change(SessionState& state, Session session);
  void remove(SessionState& state);

  const SessionRules& rules(const SessionState& state) const { return *compiled_[state.place_]; }
  /// All rules, once after they changed; null where they did not. Cost: a visit to each rule of
  /// each session, which for 100,000 sessions of two PDRs is some tens of milliseconds: to be asked
  /// for once after all that came together.
  std::shared_ptr<const RuleSet> take_rules();

  void set_due(SessionState& state, std::optional<Instant> at);
  /// One that is due, and is so no more.
  SessionState* take_due(Instant now);
  std::optional<Instant> next_due() const;

  /// Goes round all sessions.
  SessionState& next_in_sweep();
  std::size_t watched() const { return watched_; }
  /// To be called after what a session watches has changed.
  void count_watched(bool before, const SessionState& state);

 private:
  std::unordered_map<std::uint64_t, SessionState> sessions_;
  std::vector<SessionState*> states_;  ///< in the order of compiled_
  std::vector<std::shared_ptr<const SessionRules>> compiled_;
  Claims claims_;
  std::set<std::pair<Instant, std::uint64_t>> due_;
  std::size_t sweep_at_ = 0;
  std::size_t watched_ = 0;
  bool changed_ = false;
};

}  // namespace lobo::dataplane::n4
