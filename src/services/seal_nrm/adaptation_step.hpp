#pragma once
// One step of an adaptation in the making. Private to adaptation*.cpp, which are split by what
// happens: create, change (by the application, by the group), round (pages at work, and the end).

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/nra_adaptation.hpp"
#include "api/state/adaptation.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "services/seal_nrm/adaptation.hpp"
#include "services/seal_nrm/adaptation_checks.hpp"
#include "services/seal_nrm/adaptation_page.hpp"
#include "services/seal_nrm/adaptation_view.hpp"
#include "services/seal_nrm/held.hpp"
#include "services/seal_nrm/mm_qos.hpp"
#include "services/seal_nrm/ports.hpp"
#include "services/seal_nrm/refusal.hpp"
#include "wire/resource/machine.hpp"
#include "wire/resource/record.hpp"

namespace lobo::seal_nrm {

using api::nra_adaptation::AdaptationEventNotification;
using api::nra_adaptation::NetworkResourceAdaptation;
using api::state::adaptation::AdaptationStage;
using api::state::adaptation::AdaptationState;
using api::state::adaptation::PageState;
using api::state::adaptation::PageTold;

inline constexpr std::string_view timer_adaptation_answer = "answer";
inline constexpr std::string_view timer_adaptation_delete = "delete_answer";
inline constexpr std::string_view timer_adaptation_expire = "expire";
inline constexpr std::string_view timer_group = "group";

class AdaptationStep {
 public:
  AdaptationStep(const Settings& settings, const UeDirectory& directory, const resource::Key& key,
                 Instant now, const resource::Lookup& lookup)
      : settings_(settings), directory_(directory), key_(key), now_(now), lookup_(lookup) {}

  Result<void> load(const resource::Record& current);

  // Commands (adaptation_create, adaptation_change, adaptation_round).
  Result<void> create(const resource::Command& command);
  Result<void> create_again(const resource::Command& command);
  Result<void> modify(const resource::Command& command);
  Result<void> remove(const resource::Command& command);

  void told(const resource::Told& told);
  void fired(std::string_view timer);
  resource::Outcome finish(const resource::Record* current);

 private:
  // adaptation_create.cpp
  Result<CheckedAdaptation> check_new(const resource::Command& command);
  void answer_create();
  void accept();
  void refuse_all(const Refusal& why);
  void answered_in_part();

  // adaptation_change.cpp
  Result<CheckedAdaptationChange> check_change(const resource::Command& command);
  Result<std::vector<std::uint64_t>> assign(const std::vector<UeName>& members, bool say);
  std::vector<std::uint64_t> every_page() const;
  void answer_modify();
  void follow_group();
  Result<std::vector<PageState>> all_pages() const;

  // adaptation_round.cpp
  void begin_round(std::vector<std::uint64_t> pages, bool answered);
  void launch();
  void page_told(const resource::Key& from, const PageTold& told);
  void round_over();
  void leave(std::string_view cause);
  void erase();
  bool at_work() const { return !state_.todo.empty() || !state_.running.empty(); }

  // adaptation.cpp
  void notify(std::vector<AdaptationEventNotification> events);
  void notify(std::string_view event, std::string_view cause);
  void post(std::string body);
  void schedule_expiry();
  void tell_configuration();
  std::string uri() const {
    return state_.mm ? mm_qos_uri(settings_, key_.id) : adaptation_uri(settings_, key_.id);
  }
  /// Nothing where the pages cannot be read.
  std::optional<http::Response> representation(int status);
  std::int64_t granted() const {
    return state_.counts.confirmed + state_.counts.negotiated + state_.counts.degraded;
  }

  const Settings& settings_;
  const UeDirectory& directory_;
  const resource::Key& key_;
  Instant now_;
  const resource::Lookup& lookup_;

  AdaptationState state_;
  std::string owner_;
  Effects effects_;
  bool erased_ = false;
  std::string_view clause_;
};

}  // namespace lobo::seal_nrm
