#pragma once
// The control plane as one object: state machines, routes, runner, notifier, joined over ports.
// What it is joined to (SQLite and sockets, or virtual ones) is the caller's.

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/state/seal_nrm.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/rng.hpp"
#include "graph/auditor.hpp"
#include "graph/group_keeper.hpp"
#include "graph/monitoring.hpp"
#include "runtime/effect_runner.hpp"
#include "runtime/network_peer.hpp"
#include "runtime/notifier.hpp"
#include "runtime/ports.hpp"
#include "runtime/router.hpp"
#include "runtime/scoped_scheduler.hpp"
#include "services/seal_nrm/monitor_hub.hpp"
#include "services/seal_nrm/ports.hpp"
#include "services/seal_nrm/series.hpp"

namespace lobo::app {

/// UeDirectory from configuration: replaced as a whole when the configuration is read again. Groups
/// that it does not have may be known to a group management server.
class ConfiguredUes final : public seal_nrm::UeDirectory {
 public:
  using Entries = std::map<std::string, seal_nrm::DirectoryEntry, std::less<>>;
  using Groups =
      std::map<std::string, std::shared_ptr<const seal_nrm::DirectoryGroup>, std::less<>>;
  void replace(Entries ues, Entries users, Groups groups = {}) {
    ues_ = std::move(ues);
    users_ = std::move(users);
    groups_ = std::move(groups);
    addresses_.clear();
    for (const auto* entries : {&ues_, &users_})
      for (const auto& [id, entry] : *entries)
        if (entry.address) addresses_.insert_or_assign(entry.gpsi, *entry.address);
  }
  std::optional<seal_nrm::DirectoryEntry> ue(std::string_view val_ue_id) const override {
    return find(ues_, val_ue_id);
  }
  std::optional<seal_nrm::DirectoryEntry> user(std::string_view val_user_id) const override {
    return find(users_, val_user_id);
  }
  std::optional<api::state::seal_nrm::UeAddress> address(std::string_view gpsi) const override {
    const auto found = addresses_.find(gpsi);
    return found == addresses_.end() ? std::nullopt : std::optional(found->second);
  }
  std::shared_ptr<const seal_nrm::DirectoryGroup> group(
      std::string_view val_group_id) const override {
    const auto found = groups_.find(val_group_id);
    if (found != groups_.end()) return found->second;
    return others_ != nullptr ? others_->group(val_group_id) : nullptr;
  }
  bool group_unsettled(std::string_view val_group_id) const override {
    return !groups_.contains(val_group_id) && others_ != nullptr &&
           others_->unsettled(val_group_id);
  }
  /// The configured ones.
  const Groups& groups() const { return groups_; }
  /// Where groups are that are not configured; outlives this.
  void look_further(const GroupKeeper& others) { others_ = &others; }

 private:
  static std::optional<seal_nrm::DirectoryEntry> find(const Entries& entries, std::string_view id) {
    const auto found = entries.find(id);
    return found == entries.end() ? std::nullopt : std::optional(found->second);
  }
  Entries ues_;
  Entries users_;
  Groups groups_;
  const GroupKeeper* others_ = nullptr;
  std::map<std::string, api::state::seal_nrm::UeAddress, std::less<>> addresses_;  ///< by GPSI
};

/// Of one group, told at once that its members are others; the rest looks by itself (group_check).
inline constexpr std::size_t adaptations_told_max = 10000;

class ControlPlane {
 public:
  struct Ports {
    runtime::Store& store;
    runtime::Scheduler& scheduler;
    const Clock& clock;
    Rng& secrets;  ///< unguessable in production
    Rng& jitter;
    runtime::HttpClient& network;
    runtime::HttpClient& sinks;          ///< checks the address of every sink
    runtime::TokenProvider* nef_tokens;  ///< may be null
    runtime::Authenticator& authenticator;
    runtime::Log& log;
    runtime::Metrics& metrics;
    seal_nrm::monitor::Series* series = nullptr;  ///< null: no past periods of monitoring
    runtime::HttpClient* nef_beside = nullptr;    ///< null: as `network`, and its tokens
    runtime::TokenProvider* nef_beside_tokens = nullptr;
    runtime::HttpClient* group_server = nullptr;  ///< null: as `network`, without tokens
    runtime::TokenProvider* group_tokens = nullptr;
  };
  struct Config {
    seal_nrm::Settings nrm;
    runtime::PeerConfig nef;  ///< or the PCF, where one serves all; no authority: there is none
    std::optional<runtime::PeerConfig> bsf{};
    std::optional<runtime::PeerConfig> nef_beside{};  ///< the NEF beside a PCF
    struct Groups {
      runtime::PeerConfig at;
      GroupServer server;
    };
    std::optional<Groups> groups{};  ///< the group management server
    runtime::RouterLimits router;
    runtime::NotifierLimits notifier;
  };

  ControlPlane(Config config, Ports ports);
  ~ControlPlane();
  ControlPlane(const ControlPlane&) = delete;
  ControlPlane& operator=(const ControlPlane&) = delete;

  /// Takes up what the previous run left. Before the first request.
  Result<void> start();

  /// Who VAL UEs and users are; may be replaced at any time.
  ConfiguredUes& ues() { return ues_; }
  /// Groups may have other members than `before`: their adaptations look at once.
  void groups_changed(const ConfiguredUes::Groups& before);
  /// How the group management server is asked from now on; it stays where it is.
  void change_groups(GroupServer server) {
    if (keeper_) keeper_->change(std::move(server));
  }
  runtime::Router& router() { return router_; }
  /// The configured addresses of UEs may have changed: whoever follows one looks again.
  void readdress();
  /// Services, sinks and limits from now on; machines and routes look at them at each decision.
  void change(seal_nrm::Settings nrm) { config_.nrm = std::move(nrm); }
  const seal_nrm::Settings& settings() const { return config_.nrm; }
  const seal_nrm::MonitorHub& hub() const { return hub_; }
  /// After ues() were replaced: whoever follows a group looks again.
  void directory_changed() { monitoring_.directory_changed(); }
  runtime::Notifier& notifier() { return notifier_; }
  bool idle() const { return runner_.idle() && notifier_.pending() == 0; }

 private:
  void group_changed(std::string_view id);

  Config config_;
  ConfiguredUes ues_;
  seal_nrm::MonitorHub hub_;
  std::vector<std::unique_ptr<resource::Machine>> machines_;
  runtime::ScopedScheduler scheduler_;  ///< before all that put work off: it outlives them
  runtime::Replies replies_;
  runtime::Calls calls_;
  runtime::Notifier notifier_;
  runtime::EffectRunner runner_;
  runtime::Router router_;
  Auditor auditor_;
  Monitoring monitoring_;
  std::optional<GroupKeeper> keeper_;
};

}  // namespace lobo::app
