#pragma once
// One recipient of one policy's reports (parameter 8, M8): kind "media_recipient". Made by its
// first report, so that each has a sequence of its own and a queue of its own: one that does not
// answer holds up nobody else.

#include <string_view>

#include "wire/resource/machine.hpp"

namespace lobo::media_energy {

inline constexpr std::string_view recipient_kind = "media_recipient";

class RecipientMachine final : public resource::Machine {
 public:
  std::string_view kind() const override { return recipient_kind; }
  /// Told "report" (RecipientReport) and "end".
  Result<resource::Outcome> step(const resource::Record* current, const resource::Key& key,
                                 const resource::Event& event, Instant now,
                                 const resource::Lookup& lookup) const override;
};

}  // namespace lobo::media_energy
