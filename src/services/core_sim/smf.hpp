#pragma once
// The session management function of the simulated core, as far as a UPF notices it: one PFCP
// session for each UE that has registered at a gNB, with a default flow and one dedicated flow for
// each session with QoS (TS 23.502 clauses 4.3.2, 4.3.3; TS 29.244 clauses 6.3, 7.5).
//
// What is wanted and what the UPF has confirmed stand side by side, and one request at a time makes
// the one the other: a flow, a tunnel or a whole session after each answer. So a refusal always
// means one thing, and what was lost with a UPF is asked for again by the same rule.

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "services/core_sim/smf_config.hpp"
#include "services/core_sim/smf_events.hpp"
#include "services/core_sim/smf_flow.hpp"
#include "services/core_sim/smf_n4.hpp"
#include "services/core_sim/smf_rules.hpp"
#include "wire/pfcp/header.hpp"
#include "wire/pfcp/messages.hpp"
#include "wire/pfcp/usage.hpp"
#include "wire/pfcp/values.hpp"

namespace lobo::core_sim {

/// To all UPFs together; sessions that have more to ask wait for their turn.
inline constexpr std::size_t n4_requests_under_way_max = 1'000;
/// A UPF that forgets a session which it has just accepted is not asked for ever.
inline constexpr unsigned establishments_in_a_row_max = 3;

struct PduFlow {
  QfiNumber qfi = 0;
  std::optional<FlowSpec> wanted;     ///< nothing: it is to go
  std::optional<FlowSpec> installed;  ///< as the UPF has confirmed it
  bool lost = false;                  ///< it stood as wanted, and nobody waits for an answer
};

/// Somebody who is told of all packets of a UE, and has no flow of its own.
struct Observer {
  Observation wanted;
  bool confirmed = false;
  bool lost = false;  ///< it was, and nobody waits for an answer
};

struct PduSession {
  enum class Phase : std::uint8_t {
    absent,       ///< the UPF has nothing of it
    established,  ///< it has
    refused,      ///< it does not want to
  };
  UpfIndex upf = 0;
  std::uint64_t seid = 0;     ///< ours; another one after each establishment
  std::uint64_t up_seid = 0;  ///< the UPF's
  Phase phase = Phase::absent;
  bool wanted = true;  ///< the UE is registered
  PduSessionFacts facts;
  GnbTunnel gnb_installed;
  std::optional<pfcp::FTeid> tunnel;  ///< the UPF's end
  std::map<Number, PduFlow> flows;
  std::map<Number, Observer> observers;
  SessionWatch watched;       ///< as the UPF has confirmed it
  std::string_view cause;     ///< of a refusal
  std::uint64_t version = 1;  ///< higher after each change that a gNB has to know
  unsigned establishments = 0;
  bool renew = false;  ///< what the UPF has of it is not what it should be: it is made anew
};
std::string_view to_string(PduSession::Phase phase);
/// What its observers want, of the flows that the UPF has.
SessionWatch watch_of(const PduSession& session);

class Smf final : public N4User {
 public:
  /// Numbers that go on where another SMF ended: its late answers meet nothing of this one.
  struct Numbers {
    std::uint32_t sequence = 0;
    std::uint64_t seid = 0;
  };
  /// `config` passed check() and outlives the SMF.
  Smf(const SmfConfig& config, Numbers numbers);
  Numbers numbers() const { return {n4_.next_sequence_number(), last_seid_}; }

  // ---- the world ----------------------------------------------------------------------------
  void receive(const N4Endpoint& from, Bytes datagram, Instant now) {
    n4_.receive(from, datagram, now);
  }
  void tick(Instant now) { n4_.tick(now); }
  std::optional<Instant> next_due() const { return n4_.next_due(); }
  std::vector<N4Datagram> take_datagrams() { return n4_.take_datagrams(); }
  std::vector<SmfEvent> take_events() { return std::exchange(events_, {}); }

  // ---- registrations, from the RAN ----------------------------------------------------------
  /// False where no UPF leads to the DNN. A UE that is there already moves to the tunnel of
  /// `facts`; its addresses stay.
  bool open(UeIndex ue, PduSessionFacts facts, Instant now);
  void close(UeIndex ue, Instant now);
  /// Registered, whether the UPF has confirmed it or not.
  bool is_open(UeIndex ue) const;
  /// Null where the UE is not registered.
  const PduSession* session(UeIndex ue) const;
  /// Sessions at UPFs, those that are being released among them.
  std::size_t size() const { return sessions_.size(); }
  bool is_gone(UeIndex ue) const { return !sessions_.contains(ue); }
  /// What the gNB has to know of a UE has changed elsewhere.
  void touch(UeIndex ue);

  // ---- flows, from sessions with QoS --------------------------------------------------------
  /// Each call is followed by one FlowConfirmed or FlowRefused, unless another one or drop_flow()
  /// comes before it. The UE is open.
  void set_flow(UeIndex ue, Number flow, FlowSpec spec, Instant now);
  void drop_flow(UeIndex ue, Number flow, Instant now);
  /// The same of all packets of the UE: no flow is made, and drop_flow() ends it.
  void observe(UeIndex ue, Number observer, const Observation& wanted, Instant now);
  std::optional<Number> flow_of(UeIndex ue, QfiNumber qfi) const;

  const N4& n4() const { return n4_; }
  std::uint64_t error_indications() const { return error_indications_; }

 private:
  enum class Step : std::uint8_t { establish, move, add, change, remove, watch, release };
  /// What was asked for in a request.
  struct Asked {
    UeIndex ue{};
    Step step{};
    Number flow{};
    std::optional<FlowSpec> spec;
    GnbTunnel gnb;
    SessionWatch watch;
  };

  void upf_up(UpfIndex upf, Instant now) override;
  void upf_down(UpfIndex upf, Instant now) override;
  void answered(std::uint32_t request, const pfcp::MessageView& response, Instant now) override;
  ReportAnswer reported(UpfIndex upf, const pfcp::MessageView& report, Instant now) override;

  void drive(UeIndex ue, Instant now);
  bool is_asked(UeIndex ue, Number flow) const;
  std::optional<Asked> next_step(UeIndex ue, PduSession& session);
  void ask(PduSession& session, Asked what, Instant now);
  void establish_answered(PduSession& session, const Asked& what,
                          const pfcp::MessageView& response);
  void modify_answered(PduSession& session, const Asked& what, const pfcp::MessageView& response);
  void flow_refused(UeIndex ue, PduSession& session, Number flow, std::string_view cause);
  void confirm_observers(UeIndex ue, PduSession& session);
  void refuse_observers(UeIndex ue, PduSession& session, std::string_view cause);
  void lose_observers(UeIndex ue, PduSession& session);
  void watch_answered(UeIndex ue, PduSession& session, const SessionWatch& asked,
                      std::string_view refusal);
  void forget_at_upf(UeIndex ue, PduSession& session, bool lost_for_good);
  void refuse_session(UeIndex ue, PduSession& session, std::string_view cause);
  void take_usage(UeIndex ue, const PduSession& session, const pfcp::UsageReport& report);
  void take_delay(UeIndex ue, const PduSession& session, const pfcp::SessionReport& report);
  void take_session_delay(UeIndex ue, const PduSession& session, const pfcp::SessionReport& report);
  pfcp::FSeid own_seid(const PduSession& session) const;
  pfcp::NodeId node() const;

  const SmfConfig& config_;
  N4 n4_;
  std::map<UeIndex, PduSession> sessions_;
  std::map<std::uint64_t, UeIndex> by_seid_;
  std::map<std::uint32_t, Asked> asked_;   ///< by request
  std::map<UeIndex, std::uint32_t> busy_;  ///< the request that is under way for a UE
  std::set<UeIndex> waiting_;              ///< for n4_requests_under_way_max
  std::vector<SmfEvent> events_;
  std::uint64_t last_seid_;
  std::uint64_t error_indications_ = 0;
};

}  // namespace lobo::core_sim
