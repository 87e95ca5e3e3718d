#pragma once
// One step of a ue_watch in the making. Private to ue_watch*.cpp.

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "api/state/seal_nrm.hpp"
#include "services/seal_nrm/held.hpp"
#include "services/seal_nrm/ports.hpp"
#include "services/seal_nrm/southbound_nef.hpp"
#include "wire/resource/machine.hpp"

namespace lobo::seal_nrm {

using api::state::seal_nrm::WatchStage;
using api::state::seal_nrm::WatchState;

inline constexpr std::string_view timer_renew = "renew";
inline constexpr std::string_view timer_check = "check";
/// Kinds of resources that are found by the GPSI of their UE and want to know where it is.
inline constexpr std::array<std::string_view, 2> watch_users{"unicast", "measure_source"};

class WatchStep {
 public:
  WatchStep(const Settings& settings, const UeDirectory& directory, const resource::Key& key,
            Instant now, const resource::Lookup& lookup)
      : settings_(settings), directory_(directory), key_(key), now_(now), lookup_(lookup) {}

  Result<void> load(const resource::Record& current);
  void begin(std::string secret);

  void told(const resource::Told& told);
  void answered(const resource::NetworkAnswer& answer);
  Result<void> called_back(const resource::Callback& callback);
  void fired(std::string_view timer);
  void recovered(std::string_view call);
  resource::Outcome finish(const resource::Record* current);

 private:
  // ue_watch.cpp
  void wanted(const resource::Key& by);
  void released();
  void doubted();
  bool configured() const { return !has_nef(settings_); }
  void look_up();
  void subscribe_anew();
  void plan();
  bool to_subscribe() const;
  // ue_watch_network.cpp
  void not_watched();
  void still_in_vain(std::optional<std::uint64_t> attempts);
  void subscribe_answered(const Result<http::Response>& response);
  void subscribed(std::string id, bool reported);
  void retrieve_answered(const Result<http::Response>& response);
  void cancel_answered(const Result<http::Response>& response);
  void list_answered(const Result<http::Response>& response);
  void verify_answered(const Result<http::Response>& response);
  void audited(const api::state::seal_nrm::Audited& told);
  void put_off(int status);
  // who hears of it
  void tell(const resource::Key& to);
  void tell_all();
  void tell_all_failed(int status, std::string_view cause);
  std::vector<resource::Key> users() const;

  Held& held() { return state_.held; }

  const Settings& settings_;
  const UeDirectory& directory_;
  const resource::Key& key_;
  Instant now_;
  const resource::Lookup& lookup_;

  WatchState state_;
  Effects effects_;
  bool erased_ = false;
  std::string_view clause_;
};

}  // namespace lobo::seal_nrm
