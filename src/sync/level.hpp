#pragma once
// The numbers of a QoS level, as numbers: bit rates and error rates are texts in JSON.

#include <optional>
#include <span>
#include <string_view>

#include "api/sync_types.hpp"

namespace lobo::sync {

using api::sync_types::SyncQos;
using api::sync_types::SyncQosLevel;

struct LevelMember {
  std::string_view name;  ///< as in JSON
  /// What its absence stands for: a guaranteed rate of nothing, else no limit at all.
  bool absent_is_zero = false;
  std::optional<double> (*value)(const SyncQosLevel&) = nullptr;
  void (*copy)(const SyncQosLevel& from, SyncQosLevel& to) = nullptr;
};

/// All but components, which is a mask.
std::span<const LevelMember> level_members();

SyncQosLevel level_of(const SyncQos& qos);
void put_level(SyncQos& qos, const SyncQosLevel& level);

/// `above` with what `step` says differently.
SyncQosLevel below(const SyncQosLevel& above, const SyncQosLevel& step);

}  // namespace lobo::sync
