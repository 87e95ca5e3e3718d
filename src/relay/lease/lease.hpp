#pragma once
// A relay node at SEALDD's server (api/sdd_relay.yaml): registers, keeps its lease, tells what
// became of its flows and what was measured, and does what it is ordered. Answers and time come in,
// questions come out; whoever has a socket sends them.
//
// The problem: two nodes must never carry one room. So the lease is reckoned from when it was asked
// for, not from when the answer came; when it is over, or the server names another epoch, the node
// puts everybody out before it asks for a new one, and lets nobody in until it has it.
//
// Costs: a change of a flow is told in a report of its own, unless one is under way; then it waits
// for that one's answer. A report that nobody answered is sent again as it was.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/sdd_relay.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "relay/lease/windows.hpp"
#include "relay/report.hpp"
#include "relay/slot.hpp"
#include "wire/http/message.hpp"
#include "wire/sdd/types.hpp"

namespace lobo::relay {

inline constexpr std::chrono::milliseconds lease_window{500};
inline constexpr std::chrono::milliseconds lease_retry_first{50};
inline constexpr std::chrono::milliseconds lease_retry_most{2000};
/// Between two questions for orders that were both answered at once with nothing.
inline constexpr std::chrono::milliseconds orders_pause{50};
inline constexpr std::int64_t lease_renewals = 3;           ///< in the time of one lease
inline constexpr std::size_t flow_changes_max = 65'536;     ///< that wait to be told: one of a flow
inline constexpr std::size_t report_flows_max = 4096;       ///< as the API has it
inline constexpr std::size_t standing_orders_max = 65'536;  ///< flows
inline constexpr std::size_t states_asked_max = 256;        ///< that wait for a report
inline constexpr std::size_t report_states_max = 64;        ///< as the API has it
inline constexpr std::size_t report_state_octets_max = std::size_t{1} << 17U;  ///< before base64

struct LeaseSettings {
  std::string node;
  /// Where clients go and what it can carry; the identity of this beginning is filled in here.
  api::sdd_relay::RelayRegistration said;
  std::chrono::milliseconds deadline{2000};   ///< of an answer
  std::chrono::milliseconds poll_wait{5000};  ///< of a question for orders, which the server holds
};

/// The node as the lease needs it.
struct Carried {
  Carried() = default;
  Carried(const Carried&) = delete;
  Carried& operator=(const Carried&) = delete;
  virtual ~Carried() = default;

  virtual Result<void> take(const Order& order) = 0;
  virtual Reports report() = 0;
  virtual Reports changes() = 0;
  /// The newest state of an asset; nothing where it is not here.
  virtual std::vector<Replica> replica(std::string_view room, sdd::Alias alias) = 0;
  /// Of whom tokens are believed from now on.
  virtual Result<void> trust(const std::vector<api::sdd_relay::TokenKey>& keys) = 0;
  virtual void bind(const Tenure& tenure) = 0;
  virtual void stop() = 0;
};

struct LeaseCounts {
  std::uint64_t registrations = 0;
  std::uint64_t reports = 0;
  std::uint64_t reports_refused = 0;  ///< for what they say; not sent again
  std::uint64_t orders = 0;
  std::uint64_t orders_late = 0;  ///< for a flow or room that is not here
  std::uint64_t failures = 0;     ///< questions without an answer that helps
  std::uint64_t leases_lost = 0;
  std::uint64_t changes_lost = 0;
  std::uint64_t standing_lost = 0;
};

class Lease {
 public:
  enum class Asking : std::uint8_t { registration, report, orders, farewell };
  struct Question {
    Asking what{};
    std::string method;
    std::string target;
    std::string body;
    std::chrono::milliseconds deadline{};
    std::uint64_t term = 0;  ///< answers of one that is over mean nothing
    Instant asked{};
  };

  /// `carried` outlives it. `name_beginning` gives another text at each call.
  Lease(LeaseSettings settings, Carried& carried, std::function<std::string()> name_beginning);

  /// What is to be asked now; at most one of each kind is under way.
  std::vector<Question> ask(Instant now);
  void answered(const Question& question, const Result<http::Response>& response, Instant now);
  /// When ask() may have something to say again, changes of flows aside.
  Instant next_due(Instant now) const;
  /// Before the node ends in good order: its rooms are not to wait for the lease.
  Question farewell(Instant now);

  bool held() const { return held_; }
  std::int64_t epoch() const { return epoch_; }
  Instant lease_until() const { return until_; }
  const LeaseCounts& counts() const { return counts_; }
  std::uint64_t windows_lost() const { return windows_.lost(); }
  std::size_t windows_waiting() const { return windows_.size(); }
  /// Why the last question did not get what it asked for; empty: it did.
  const std::string& trouble() const { return trouble_; }

 private:
  struct Standing {
    std::optional<std::uint8_t> tier;
    sdd::TierReason reason = sdd::TierReason::ordered;  ///< of the tier
    std::optional<sdd::ComponentMask> components;
    std::optional<std::uint64_t> bps;
    std::optional<bool> dual;
  };
  struct Retry {
    Instant at{};
    std::chrono::milliseconds pause = lease_retry_first;
    void failed(Instant now);
    void done(Instant next) { *this = {.at = next}; }
  };

  void collect(Instant now);
  void note(const FlowChange& change);
  void begin_anew(Instant now);
  Question question(Asking what, std::string method, std::string path, std::string body,
                    Instant now) const;
  std::chrono::milliseconds deadline() const;
  std::optional<Question> registration(Instant now);
  std::optional<Question> report(Instant now);
  void registered(const Question& question, const http::Response& response, Instant now);
  void reported(const Question& question, const http::Response& response, Instant now);
  void ordered(const Question& question, const http::Response& response, Instant now);
  void adopt(const api::sdd_relay::RelayNode& node, const Question& question, Instant now);
  bool hear(const api::sdd_relay::RelayOrders& told, const Question& question, Instant now);
  void failed(const Question& question, std::string why, Instant now);
  Retry& retry_of(Asking what);

  // ---- orders.cpp
  void obey(const api::sdd_relay::RelayOrder& order);
  void keep_standing(const api::sdd_relay::RelayOrder& order, sdd::FlowId flow);
  void apply(sdd::FlowId flow, const Standing& standing);
  void carry_out(const Order& order);
  void ask_state(const api::sdd_relay::RelayOrder& order);
  std::vector<api::sdd_relay::RelayState> states(Instant now);
  void release(const api::sdd_relay::RelayOrder& order, sdd::FlowId flow);

  LeaseSettings settings_;
  Carried& carried_;
  std::function<std::string()> name_beginning_;
  std::string beginning_;

  bool held_ = false;
  std::int64_t epoch_ = 0;
  Instant until_{};
  std::chrono::milliseconds length_{};  ///< of a lease, as the server told last
  std::uint64_t term_ = 1;
  Retry registration_, report_, orders_;
  bool registering_ = false;
  bool reporting_ = false;
  bool asking_ = false;
  std::string unanswered_;  ///< the body of a report that is to be sent again

  std::int64_t sequence_ = 0;
  std::int64_t seen_ = 0;       ///< orders
  std::int64_t seen_sent_ = 0;  ///< those that the report under way names
  std::int64_t seen_told_ = 0;  ///< those that the server knows we saw
  Instant window_from_{};
  WindowsWaiting windows_;
  bool windows_due_ = false;
  std::map<sdd::FlowId, api::sdd_relay::RelayFlowState> changes_;
  std::map<sdd::FlowId, Standing> standing_;
  struct StateAsked {
    std::int64_t order = 0;
    std::string room;
    sdd::Alias alias = 0;
  };
  std::deque<StateAsked> states_asked_;
  LeaseCounts counts_;
  std::string trouble_;
};

}  // namespace lobo::relay
