#pragma once
// One step of a measure_source in the making. Private to measure_source*.cpp.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "api/state/nrm_monitor.hpp"
#include "api/state/seal_nrm.hpp"
#include "services/seal_nrm/held.hpp"
#include "services/seal_nrm/ports.hpp"
#include "services/seal_nrm/southbound_measure.hpp"
#include "wire/resource/machine.hpp"

namespace lobo::seal_nrm {

using api::state::nrm_monitor::MeasureSourceState;
using api::state::nrm_monitor::SourceStage;

inline constexpr std::string_view timer_again = "again";
inline constexpr std::string_view timer_lost = "lost";

class SourceStep {
 public:
  SourceStep(const Settings& settings, const resource::Key& key, Instant now)
      : settings_(settings), key_(key), now_(now) {}

  Result<void> load(const resource::Record& current);
  void begin(SourceKind kind, std::string gpsi, std::string secret, std::string_view by);

  void told(const resource::Told& told);
  void answered(const resource::NetworkAnswer& answer);
  Result<void> called_back(const resource::Callback& callback);
  void fired(std::string_view timer);
  void recovered(std::string_view call);
  resource::Outcome finish(const resource::Record* current);

 private:
  // measure_source.cpp
  void wanted(std::string_view by);
  void released(std::string_view by);
  void moved(const api::state::seal_nrm::AddressTold& told);
  void ask_where();
  void locate();
  void look_later();
  void plan();
  std::string_view path_kind() const;
  // measure_source_network.cpp
  void subscribe_answered(const Result<http::Response>& response);
  void subscribed(std::string id);
  void cancel_answered(const Result<http::Response>& response);
  void list_answered(const Result<http::Response>& response);
  void verify_answered(const Result<http::Response>& response);
  void refused(std::string cause);
  void still_in_vain(std::optional<std::uint64_t> attempts);

  Held& held() { return state_.held; }

  const Settings& settings_;
  const resource::Key& key_;
  Instant now_;

  MeasureSourceState state_;
  MeasureSourceState before_;
  bool fresh_ = true;
  Effects effects_;
  bool erased_ = false;
  std::string_view clause_;
};

}  // namespace lobo::seal_nrm
