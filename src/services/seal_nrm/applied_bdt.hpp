#pragma once
// A background data transfer policy applied to one UE: kind "applied_bdt", id that of the member of
// an adaptation for which it is. Holds one subscription of ApplyingBdtPolicy at the NEF (TS
// 29.522), by the rules of held.hpp.
//
//   applying -> applied | refused      withdrawing -> (erased)
//
// The API has no notification URI by which ours could be told from another's: after a lost answer
// the core's list is searched for the same UE and reference, and what no other resource of ours has
// a name for is taken as ours.
//
// Hears: Tell "apply" and "withdraw" of a page, "audited" of an audit. Tells the page "bdt".

#include <string_view>

#include "services/seal_nrm/ports.hpp"
#include "wire/resource/machine.hpp"

namespace lobo::seal_nrm {

inline constexpr std::string_view applied_bdt_kind = "applied_bdt";
/// Results, as api/nra_adaptation.yaml has them.
inline constexpr std::string_view bdt_pending = "PENDING";
inline constexpr std::string_view bdt_applied = "CONFIRMED";
inline constexpr std::string_view bdt_refused = "REFUSED";

class AppliedBdtMachine final : public resource::Machine {
 public:
  explicit AppliedBdtMachine(const Settings& settings) : settings_(settings) {}

  std::string_view kind() const override { return applied_bdt_kind; }
  Result<resource::Outcome> step(const resource::Record* current, const resource::Key& key,
                                 const resource::Event& event, Instant now,
                                 const resource::Lookup& lookup) const override;

 private:
  const Settings& settings_;
};

}  // namespace lobo::seal_nrm
