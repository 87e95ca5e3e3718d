#pragma once
// Some of the members of one adaptation: kind "adaptation_page", id "{adaptation}.{number}".
//
// The problem: an adaptation of thousands of UEs hears of each of them. Were they all in its own
// state, each answer would rewrite all of them: n^2 bytes. So the members are cut into pages of
// page_members_max; an answer rewrites one page, and the adaptation hears of a page once it is
// done, and of news. Which pages work at a time is the adaptation's business, and is the bound of
// what is under way at the core.
//
// Each member is a unicast resource of its own (unicast_member.cpp), owned by nobody outside.
//
// Hears: Tell "assign", "run", "late" and "end" of its adaptation, "member" of its unicast
// resources, "bdt" of their background data transfer policies (applied_bdt.hpp).
// Tells: "reserve", "change" and "release" to unicast resources, "apply" and "withdraw" to
// applied_bdt, "page" to the adaptation.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "api/common.hpp"
#include "api/nra_adaptation.hpp"
#include "api/state/adaptation.hpp"
#include "services/seal_nrm/ports.hpp"
#include "wire/resource/machine.hpp"

namespace lobo::seal_nrm {

inline constexpr std::string_view page_kind = "adaptation_page";
inline constexpr std::size_t page_members_max = 8;

class AdaptationPageMachine final : public resource::Machine {
 public:
  /// Both outlive the machine.
  AdaptationPageMachine(const Settings& settings, const UeDirectory& directory)
      : settings_(settings), directory_(directory) {}

  std::string_view kind() const override { return page_kind; }
  Result<resource::Outcome> step(const resource::Record* current, const resource::Key& key,
                                 const resource::Event& event, Instant now,
                                 const resource::Lookup& lookup) const override;

 private:
  const Settings& settings_;
  const UeDirectory& directory_;
};

resource::Key page_key(std::string_view adaptation, std::uint64_t number);
api::common::ValTargetUe target_of(const api::state::adaptation::PageMember& member);
api::nra_adaptation::AdaptationUeResult result_of(const api::state::adaptation::PageMember& member);

}  // namespace lobo::seal_nrm
