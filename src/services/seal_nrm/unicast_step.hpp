#pragma once
// One step of a unicast resource in the making. Private to unicast*.cpp, which are split by what
// happens: create, network (answers), callbacks, modify, release; plan() is the one place that
// decides what is asked of the core next.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/as_session_with_qos.hpp"
#include "api/ss_nra.hpp"
#include "api/state/adaptation.hpp"
#include "api/state/seal_nrm.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "services/seal_nrm/held.hpp"
#include "services/seal_nrm/ports.hpp"
#include "services/seal_nrm/southbound.hpp"
#include "services/seal_nrm/southbound_pcf.hpp"
#include "wire/resource/machine.hpp"
#include "wire/resource/record.hpp"

namespace lobo::seal_nrm {

using api::ss_nra::UnicastSubscription;
using api::state::seal_nrm::UnicastStage;
using api::state::seal_nrm::UnicastState;

inline constexpr std::string_view timer_create = "create_answer";
inline constexpr std::string_view timer_modify = "modify_answer";
inline constexpr std::string_view timer_delete = "delete_answer";
inline constexpr std::string_view timer_allocate = "allocate";
inline constexpr std::string_view timer_expire = "expire";
inline constexpr std::size_t early_events_max = 16;
inline constexpr std::size_t delete_requests_max = 8;
/// Of the network, for one order: what it offered to one member another may have taken by then.
inline constexpr std::uint64_t offers_taken_max = 3;

class UnicastStep {
 public:
  UnicastStep(const Settings& settings, const UeDirectory& directory, const resource::Key& key,
              Instant now, const resource::Lookup& lookup)
      : settings_(settings), directory_(directory), key_(key), now_(now), lookup_(lookup) {}

  Result<void> load(const resource::Record& current);

  // Commands (unicast_create, unicast_modify, unicast_release).
  Result<void> create(const resource::Command& command);
  Result<void> create_again(const resource::Command& command);
  Result<void> modify(const resource::Command& command);
  Result<void> remove(const resource::Command& command);

  /// Ordered by a page (unicast_member).
  void join(const resource::Told& told);

  // What the core says.
  void answered(const resource::NetworkAnswer& answer);
  void recovered(std::string_view call);
  Result<void> called_back(const resource::Callback& callback);

  // Time, and other resources.
  void fired(std::string_view timer);
  void told(const resource::Told& told);

  resource::Outcome finish(const resource::Record* current);

 private:
  // unicast_create.cpp
  void address_known(const api::state::seal_nrm::AddressTold& told);
  void reserve();
  void reserved(std::string id);
  void confirm();
  void refuse_create(const Refusal& why);
  bool waits_for_allocation() const;

  // unicast_network.cpp
  void reserve_answered(const Result<http::Response>& response);
  void release_answered(const Result<http::Response>& response);
  void list_answered(const Result<http::Response>& response);
  void verify_answered(const Result<http::Response>& response);
  void rebind_failed(const Refusal& why, bool final);
  void located(const Result<http::Response>& response);
  void doubt();
  void found_orphan(std::string_view name,
                    std::optional<api::as_session_with_qos::UserPlaneEventKnown> event);
  void orphans_among_early(const std::optional<std::string>& named);
  void audited(const api::state::seal_nrm::Audited& told);
  void lost();

  // unicast_callbacks.cpp
  void packets_are(bool enforced);
  void learn(std::optional<api::as_session_with_qos::UserPlaneEventKnown> event);
  void apply(const api::as_session_with_qos::UserPlaneEventReport& report);
  void allocation_succeeded(const std::optional<std::string>& applied);
  void allocation_failed();
  void degraded(std::string_view cause, const std::optional<std::string>& applied);
  void guaranteed(std::string_view cause);
  void terminate(std::string_view cause);
  void replay_early();

  // unicast_modify.cpp
  void ask_for_pending();
  void modify_answered(const Result<http::Response>& response);
  void get_answered(const Result<http::Response>& response);
  void adopt_pending();
  void reject_pending(const Refusal& why);
  void schedule_expiry();

  // unicast_release.cpp
  void leave(std::string_view cause);
  void plan();
  void look();
  void erase();

  // unicast_member.cpp
  void begin();
  void change_ordered(std::string_view body);
  void dismissed();
  void take_up_queued();
  bool take_offer(const Refusal& why, UniQosRequirement& wanted);
  void park(std::string_view cause);
  api::state::adaptation::MemberTold report() const;
  void tell_page();

  // unicast_notify.cpp
  void notify(std::string_view event, std::string_view cause,
              const std::optional<std::string>& applied = {});
  void notify_test();
  void post(std::string body);

  bool creating() const;
  bool live() const {
    return state_.stage == UnicastStage::confirmed || state_.stage == UnicastStage::degraded;
  }
  std::string uri() const;
  http::Response representation(int status);
  void stamp();
  Held& held() { return state_.held; }
  const Southbound& core() const { return southbound(settings_); }
  /// The function that holds `id`.
  std::string peer_of(std::string_view id) const { return core().peer(settings_, origin_of(id)); }
  /// The one that the last create was sent to.
  std::string peer() const { return core().peer(settings_, state_.reserved_by); }
  api::state::seal_nrm::PeerState peer_state() const;
  void ask(std::string name, http::Request request, std::string peer);

  const Settings& settings_;
  const UeDirectory& directory_;
  const resource::Key& key_;
  Instant now_;
  const resource::Lookup& lookup_;

  UnicastState state_;
  api::ss_nra::UniQosState shown_before_;
  std::optional<api::state::adaptation::MemberTold> told_before_;
  std::vector<api::state::adaptation::MemberEvent> events_;  ///< of this step, of a member
  std::string owner_;
  Effects effects_;
  bool erased_ = false;
  std::string clause_;
};

}  // namespace lobo::seal_nrm
