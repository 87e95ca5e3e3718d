#include "dataplane/importance.hpp"

#include <algorithm>
#include <cstdint>
#include <span>

#include "model/pdu_set.hpp"
#include "wire/rtp/nal_unit.hpp"

namespace lobo::dataplane {
namespace {

/// The less important of two; what is unknown says nothing against the other.
Psi less_important(Psi a, Psi b) {
  if (!a.known() || !b.known()) return a;
  return a.value() >= b.value() ? a : b;
}

}  // namespace

void SetImportance::add(const rtp::NalDescription& unit) {
  parameter_set_ = parameter_set_ || unit.parameter_set;
  temporal_id_ = std::max(temporal_id_, unit.temporal_id);
  if (!unit.slice_data) return;
  slices_ = true;
  random_access_ = random_access_ || unit.random_access;
  reference_ = reference_ || unit.reference;
  intra_ = intra_ || unit.slice == rtp::SliceKind::intra;
  predicted_ = predicted_ || unit.slice == rtp::SliceKind::predicted;
  bipredicted_ = bipredicted_ || unit.slice == rtp::SliceKind::bipredicted;
}

Psi SetImportance::psi(const ImportanceRule& rule) const {
  // Without parameter sets nothing behind them decodes.
  if (parameter_set_ || random_access_) return rule.intra;
  if (!slices_) return Psi{};
  if (!reference_) return rule.non_reference;
  // A picture is what its most dependent slice is: with intra refresh I slices stand in P pictures.
  Psi by_kind;
  if (bipredicted_) {
    by_kind = rule.reference_bipredicted;
  } else if (predicted_) {
    by_kind = rule.predicted;
  } else if (intra_) {
    return rule.intra;
  }
  return less_important(by_kind, rule.temporal_layer[temporal_id_ % temporal_layers_max]);
}

PayloadRule rule_for(std::uint8_t payload_type, std::span<const PayloadRule> rules) {
  const auto found = std::ranges::find(rules, payload_type, &PayloadRule::payload_type);
  return found == rules.end() ? PayloadRule{.payload_type = payload_type} : *found;
}

}  // namespace lobo::dataplane
