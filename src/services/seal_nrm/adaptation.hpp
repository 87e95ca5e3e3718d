#pragma once
// One adaptation of the network's resources for many UEs (TS 23.434 clause 14.3.3.3.1, T1 and T2):
// kind "adaptation".
//
//   reserving -> active          answered: all members have a result, or the answer time has passed
//       |           |  ^
//       |           |  +-- rounds: a change, or a group with other members, goes through the pages
//       v           v
//        releasing  -> (erased)  all pages have ended
//
// Its members are in pages (adaptation_page.hpp). Whatever is done with members is done in rounds:
// the pages concerned stand in `todo`, so many at a time are set to work and stand in `running`,
// and each says when it is done. One round goes on at a time; only the end does not wait for it.
//
// Hears: Tell "page" of its pages, "group" of whoever changes the directory. Tells: "assign",
// "run", "late" and "end" to pages.

#include <string_view>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "services/seal_nrm/ports.hpp"
#include "wire/resource/machine.hpp"
#include "wire/resource/record.hpp"

namespace lobo::seal_nrm {

inline constexpr std::string_view adaptation_kind = "adaptation";

class AdaptationMachine final : public resource::Machine {
 public:
  /// Both outlive the machine.
  AdaptationMachine(const Settings& settings, const UeDirectory& directory)
      : settings_(settings), directory_(directory) {}

  std::string_view kind() const override { return adaptation_kind; }
  Result<resource::Outcome> step(const resource::Record* current, const resource::Key& key,
                                 const resource::Event& event, Instant now,
                                 const resource::Lookup& lookup) const override;

 private:
  const Settings& settings_;
  const UeDirectory& directory_;
};

}  // namespace lobo::seal_nrm
