#pragma once
// The rules of all sessions as the packet path reads them: immutable, made anew by the control
// plane and published as a whole. Looking up allocates nothing and changes nothing.
//
//   RuleSet   which session: by tunnel for what comes from the RAN, by the UE's address for the
//   rest SessionRules   which of its PDRs: the first by precedence that matches (TS 29.244
//   clause 5.2.1)

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/few.hpp"
#include "dataplane/rules/match_line.hpp"
#include "dataplane/rules/packet_facts.hpp"
#include "dataplane/rules/path_state.hpp"
#include "dataplane/rules/session.hpp"
#include "dataplane/rules/treatment.hpp"
#include "dataplane/rules/usage_meter.hpp"
#include "dataplane/set_tracker.hpp"
#include "wire/packet/flow_filter.hpp"
#include "wire/pfcp/rules.hpp"
#include "wire/pfcp/values.hpp"

namespace lobo::dataplane {

/// What a PDR asks of a packet, and the places of its other rules within the session. The rest of
/// the PDR is in the treatment, so that a session costs no second copy of it.
struct Rule {
  pfcp::PdrId id;
  pfcp::Interface source = pfcp::Interface::access;
  packet::Travel travel = packet::Travel::to_ue;
  std::uint8_t far = 0;
  std::uint32_t precedence = 0;
  std::optional<std::uint32_t> teid;
  std::uint64_t qfis = 0;  ///< bit N: QFI N; 0: any
  Few<std::uint8_t, pfcp::qers_per_pdr_max> qers;
  Few<std::uint8_t, pfcp::urrs_per_pdr_max> urrs;
  std::vector<pfcp::UeIpAddress> ue_addresses;  ///< none: any
  std::vector<SdfMatch> filters;                ///< any of them; none: all

  bool matches(const PacketFacts& packet) const noexcept;
};

/// What a session is found by.
struct SessionKey {
  enum class Kind : std::uint8_t {
    tunnel,
    ipv4,
    ipv6_network,  ///< of 64 bits
    ipv6_host,
    peer,  ///< a tunnel of another that the session sends into, over IPv4
  };
  static constexpr std::size_t kinds = 5;
  Kind kind{};
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  bool operator==(const SessionKey&) const = default;
};

class SessionRules {
 public:
  /// Every reference of the session holds, as apply.hpp leaves it. What was counted under a URR
  /// goes on in the rules that replace `before`, as long as the URR is there; so do the tokens of a
  /// QER, the PDU Sets of a PDR and the times of monitoring.
  explicit SessionRules(const Session& session, const SessionRules* before = nullptr);
  SessionRules(const SessionRules&) = delete;
  SessionRules& operator=(const SessionRules&) = delete;

  std::uint64_t seid() const { return seid_; }
  /// Its worker is the rest of a division by how many there are. Of the UE's address that it had
  /// first, and the same as long as it lives: what packets change has one thread that writes it.
  std::uint32_t split() const { return split_; }
  /// One more than that of the rules which these replace.
  std::uint64_t revision() const { return revision_; }
  std::uint32_t buffers_given_up() const { return buffers_given_up_; }
  /// By precedence, then by identifier.
  std::span<const Rule> rules() const { return rules_; }
  const Far& far(const Rule& rule) const { return fars_[rule.far]; }
  std::span<const Qer> qers() const { return qers_; }
  std::span<const Urr> urrs() const { return urrs_; }
  /// In the order of urrs(). They change while packets pass, as does what path_state.hpp has.
  std::span<const std::shared_ptr<UsageMeter>> meters() const { return meters_; }
  /// Each once, however many rules have it.
  std::span<const SessionKey> keys() const { return keys_; }
  /// Bit N: the delay of QFI N is to be measured (of every SRR).
  std::uint64_t monitored_qfis() const { return monitored_qfis_; }
  /// What was lost of the packets of a PDR. Null where there is no such PDR.
  const DropState* drops(pfcp::PdrId id) const;
  /// Null where there is no such URR.
  UsageMeter* meter(pfcp::UrrId id) const;

  /// Cost: a comparison a rule until one matches; at most pdrs_per_session_max.
  const Rule* match(const PacketFacts& packet) const noexcept;

  /// What the packet path reads, in the order of rules().
  std::span<const MatchLine> lines() const { return lines_; }
  std::span<const Treatment> treatments() const { return treatments_; }

 private:
  void add_rule(pfcp::PdrId id, const Pdr& pdr, const Session& session);
  void add_key(const SessionKey& key);
  void add_keys(const Rule& rule);
  std::uint32_t split_of_keys() const;
  void keep_states(const Session& session, const SessionRules* before);
  void compile(const Session& session);
  Treatment treatment_of(std::size_t place, const Session& session);
  void take_policers(const Rule& rule, Treatment& treatment);
  SetPolicing set_policing_of(const Rule& rule, std::size_t qer) const;
  bool guaranteed(const Rule& rule) const;
  std::size_t rules_naming(std::size_t qer, packet::Travel travel) const;
  bool is_aggregate(std::size_t qer, packet::Travel travel) const;

  std::uint64_t seid_;
  std::vector<Rule> rules_;
  std::vector<Far> fars_;
  std::vector<Qer> qers_;
  std::vector<Urr> urrs_;
  std::vector<std::shared_ptr<UsageMeter>> meters_;
  std::vector<SessionKey> keys_;
  std::uint64_t monitored_qfis_ = 0;
  std::uint32_t split_ = 0;
  std::uint64_t revision_ = 1;
  std::uint32_t buffers_given_up_ = 0;

  // In the order of qers(), of rules(), of rules(), of rules().
  std::vector<std::shared_ptr<QerState>> qer_states_;
  std::vector<std::shared_ptr<ShareState>> share_states_;
  std::vector<std::shared_ptr<SetTracker>> trackers_;
  std::vector<std::shared_ptr<DropState>> drop_states_;
  std::shared_ptr<MonitorState> monitor_state_;  ///< null where nothing is monitored
  /// In the order of rules(): that downlink data came was told. Begins anew with new rules.
  std::unique_ptr<bool[]> told_;

  std::vector<MatchLine> lines_;
  std::vector<Treatment> treatments_;
  std::vector<PolicerUse> policers_;  ///< those of a rule in a row
  std::vector<MeterUse> meter_uses_;  ///< likewise
  std::vector<std::unique_ptr<SetPolicing>> set_policings_;
};

class RuleSet {
 public:
  struct Found {
    const SessionRules* session = nullptr;
    const Rule* rule = nullptr;
  };
  /// A session as the packet path reads it: the rest of it is not touched for a packet.
  struct Entry {
    const SessionRules* session = nullptr;
    const MatchLine* lines = nullptr;
    const Treatment* treatments = nullptr;
    std::uint32_t count = 0;
    std::uint32_t split = 0;  ///< SessionRules::split

    /// Null where none of its rules matches.
    const Treatment* match(const PacketFacts& packet) const noexcept;
  };

  RuleSet() = default;
  explicit RuleSet(std::vector<std::shared_ptr<const SessionRules>> sessions);

  /// Nothing, or a session alone where none of its rules matches.
  Found classify(const PacketFacts& packet) const noexcept;

  // The same in steps, so that the cache lines of a batch are on their way before one is needed.
  void prefetch_index(const PacketFacts& packet) const noexcept;
  /// Null where nobody has the tunnel, or the address.
  const Entry* entry_of(const PacketFacts& packet) const noexcept;

  /// The session that sends into this tunnel of a peer; 0 in `seid` stands for nobody.
  std::uint64_t seid_of_peer(std::uint32_t peer_v4, std::uint32_t teid) const noexcept;

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
    void prefetch(std::uint64_t high, std::uint64_t low) const noexcept;

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

  const Index& index(SessionKey::Kind kind) const {
    return indexes_[static_cast<std::size_t>(kind)];
  }
  const std::uint32_t* session_of(const PacketFacts& packet) const noexcept;

  std::vector<std::shared_ptr<const SessionRules>> sessions_;
  std::vector<Entry> entries_;  ///< in the order of sessions_
  std::array<Index, SessionKey::kinds> indexes_;
  std::size_t conflicts_ = 0;
};

}  // namespace lobo::dataplane
