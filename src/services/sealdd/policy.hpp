#pragma once
// Policy configurations (TS 29.548 SDD_PolicyConfiguration, TS 23.433 clauses 9.8 and 9.9), and the
// part in memory that holds them against what is measured and acts on connections.
//
// Quality: bad for some seconds in a row means the next action of qualGuarSets in the order in
// which they stand; bad again after it, the one behind it. Good for some seconds takes a second
// path back where qualOptimSets says so. Bandwidth: the limit of a VAL server is shared among its
// UEs by what they use (REALLOCATE) or evenly (NOT_REALLOCATE).

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "api/sdd_policy.hpp"
#include "api/state/sealdd.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "services/sealdd/kept.hpp"
#include "services/sealdd/measures.hpp"
#include "services/sealdd/ports.hpp"
#include "wire/resource/effect.hpp"

namespace lobo::sealdd {

inline constexpr std::string_view policy_kind = "sdd_policy";
inline constexpr std::string_view every_policy = "sdd_policy";
inline constexpr std::size_t policy_assets_max = 256;
inline constexpr std::size_t actions_shown_max = 64;

// Of ActionTold.
inline constexpr std::string_view act_redundant = "redundant";
inline constexpr std::string_view act_single = "single";
inline constexpr std::string_view act_backup = "backup";
inline constexpr std::string_view act_again = "reestablish";
inline constexpr std::string_view act_rate = "rate";

class PolicyMachine final : public KeptMachine {
 public:
  explicit PolicyMachine(const Settings& settings);

 protected:
  Result<void> check(const std::string& text, Instant now) const override;
  Result<void> check_patch(const std::string& body) const override;
  std::string more(const State& state) const override;
  /// "acted": what was done last is shown.
  Result<resource::Outcome> told(State state, const resource::Record& current,
                                 const resource::Told& what) const override;
};

/// One UE that shares the limit of its VAL server. Bits per second.
struct Share {
  std::string connection;
  std::int64_t least = 0;
  std::int64_t most = 0;  ///< 0: not limited
  std::int64_t wants = 0;
};
/// Each at least its minimum and at most its maximum; what is left goes by `wants` (by nothing:
/// evenly). In the order of `shares`. Their sum is at most `total`, unless the minima are above it:
/// then everybody has the same part of his.
std::vector<std::int64_t> shared_out(std::int64_t total, const std::vector<Share>& shares,
                                     bool by_use);

class Policies {
 public:
  explicit Policies(const Settings& settings) : settings_(settings) {}

  void configured(const std::string& id, const api::state::sealdd::KeptState& state);
  void ended(const std::string& id) { policies_.erase(id); }
  /// All that policies_of() has named for it.
  void ended_of_session(const std::string& id);
  void connection_changed(const std::string& id, const api::state::sealdd::ConnectionState& state);
  void connection_gone(const std::string& id) { connections_.erase(id); }

  /// What was measured in the last second, and what follows from it.
  void look(const std::vector<Measures::Second>& seconds, Instant now);

  struct Dues {
    std::vector<resource::Tell> told;
    std::vector<std::string> rooms;  ///< that are to be carried by another node
  };
  Dues take_dues();
  bool idle() const { return policies_.empty(); }

 private:
  struct Watched {
    int bad = 0;
    int good = 0;
    std::size_t next = 0;  ///< action of qualGuarSets
  };
  struct Policy {
    api::sdd_policy::PolicyConfig what;
    std::set<std::string, std::less<>> assets;
    std::map<std::string, Watched, std::less<>> watched;  ///< by connection
  };
  struct Connection {
    std::string room, ue, val_server;
    bool redundant = false;
    std::set<std::string, std::less<>> assets;
    std::int64_t total_dl = 0, total_ul = 0;
    Share dl, ul;
    std::optional<std::int64_t> rate_dl, rate_ul;
    std::int64_t used_dl = 0, used_ul = 0;
  };

  void guard(const std::string& id, Policy& policy, const std::string& connection_id,
             const Connection& connection, Standing is, Instant now);
  void share(const Policy& policy);
  void share(const Policy& policy, bool downlink, bool by_use);
  void act(const std::string& policy, const std::string& connection, std::string_view action,
           std::string_view name, const std::set<std::string, std::less<>>& assets, Instant now);

  const Settings& settings_;
  std::map<std::string, Policy, std::less<>> policies_;
  std::map<std::string, Connection, std::less<>> connections_;
  Dues dues_;
};

}  // namespace lobo::sealdd
