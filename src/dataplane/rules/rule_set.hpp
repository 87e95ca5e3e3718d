#pragma once
// The rules of all sessions as the packet path reads them: immutable, made anew by the control
// plane and published as a whole. Looking up allocates nothing and changes nothing.
//
//   RuleSet   which session: by tunnel for what comes from the RAN, by the UE's address for the
//   rest SessionRules   which of its PDRs: the first by precedence that matches (TS 29.244
//   clause 5.2.1)

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/few.hpp"
#include "dataplane/rules/session.hpp"
#include "dataplane/rules/usage_meter.hpp"
#include "wire/packet/flow.hpp"
#include "wire/packet/flow_filter.hpp"
#include "wire/pfcp/rules.hpp"
#include "wire/pfcp/values.hpp"

namespace lobo::dataplane {

/// What a packet is told apart by.
struct PacketFacts {
  pfcp::Interface from = pfcp::Interface::core;
  packet::FlowKey flow;  ///< of the user's packet, inside a tunnel that of the inner one
  std::uint8_t traffic_class = 0;
  std::uint32_t teid = 0;           ///< from Interface::access
  std::optional<std::uint8_t> qfi;  ///< of its PDU Session Container, where it has one
};

/// A PDR with the places of its other rules within the session.
struct Rule {
  pfcp::PdrId id;
  Pdr detection;
  packet::Travel travel = packet::Travel::to_ue;
  std::uint64_t qfis = 0;  ///< bit N: QFI N; 0: any
  std::size_t far = 0;
  Few<std::size_t, pfcp::qers_per_pdr_max> qers;
  Few<std::size_t, pfcp::urrs_per_pdr_max> urrs;

  bool matches(const PacketFacts& packet) const noexcept;
};

class SessionRules {
 public:
  /// Every reference of the session holds, as apply.hpp leaves it. What was counted under a URR
  /// goes on in the rules that replace `before`, as long as the URR is there.
  explicit SessionRules(const Session& session, const SessionRules* before = nullptr);

  std::uint64_t seid() const { return seid_; }
  /// By precedence, then by identifier.
  std::span<const Rule> rules() const { return rules_; }
  const Far& far(const Rule& rule) const { return fars_[rule.far]; }
  std::span<const Qer> qers() const { return qers_; }
  std::span<const Urr> urrs() const { return urrs_; }
  /// In the order of urrs(). The one thing here that changes while packets pass.
  std::span<const std::shared_ptr<UsageMeter>> meters() const { return meters_; }
  /// Null where there is no such URR.
  UsageMeter* meter(pfcp::UrrId id) const;

  /// Cost: a comparison a rule until one matches; at most pdrs_per_session_max.
  const Rule* match(const PacketFacts& packet) const noexcept;

 private:
  std::uint64_t seid_;
  std::vector<Rule> rules_;
  std::vector<Far> fars_;
  std::vector<Qer> qers_;
  std::vector<Urr> urrs_;
  std::vector<std::shared_ptr<UsageMeter>> meters_;
};

class RuleSet {
 public:
  struct Found {
    const SessionRules* session = nullptr;
    const Rule* rule = nullptr;
  };

  RuleSet() = default;
  explicit RuleSet(std::vector<std::shared_ptr<const SessionRules>> sessions);

  /// Nothing, or a session alone where none of its rules matches.
  Found classify(const PacketFacts& packet) const noexcept;

  std::size_t sessions() const { return sessions_.size(); }
  /// Tunnels and addresses that two sessions claim: the first of them has it.
  std::size_t conflicts() const { return conflicts_; }

 private:
  /// Numbers of 128 bits to sessions, at most half full, so that a search ends after few steps. The
  /// keys are tunnels that we chose and addresses that the core gave: nobody else picks collisions.
  class Index {
   public:
    void reserve(std::size_t keys);
    /// False where the key is there already, and belongs to another session.
    bool add(std::uint64_t high, std::uint64_t low, std::uint32_t session);
    const std::uint32_t* find(std::uint64_t high, std::uint64_t low) const noexcept;

   private:
    struct Slot {
      std::uint64_t high = 0;
      std::uint64_t low = 0;
      std::uint32_t session = none;
    };
    static constexpr std::uint32_t none = 0xFFFFFFFF;
    std::size_t place(std::uint64_t high, std::uint64_t low) const noexcept;

    std::vector<Slot> slots_;  ///< none, or a power of two of them
  };

  void add_keys(const Rule& rule, std::uint32_t session);
  void claim(Index& index, std::uint64_t high, std::uint64_t low, std::uint32_t session);
  const std::uint32_t* session_of(const PacketFacts& packet) const noexcept;

  std::vector<std::shared_ptr<const SessionRules>> sessions_;
  Index tunnels_;
  Index ipv4_;
  Index ipv6_networks_;  ///< of 64 bits
  Index ipv6_hosts_;
  std::size_t conflicts_ = 0;
};

}  // namespace lobo::dataplane
