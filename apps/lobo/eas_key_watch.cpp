#include "eas_key_watch.hpp"

#include <algorithm>
#include <span>

#include "eas_keys.hpp"
#include "live/leased_marks.hpp"
#include "wire/xrm/context.hpp"

namespace lobo::app {

void EasKeyWatch::look(Time now, std::span<LeasedMarks* const> users) {
  if (keys_ == nullptr) return;
  const xrm::ContextSettings* use = nullptr;
  auto news = keys_->take();
  if (news && *news && (*news)->expires > now) {
    use = &(*news)->settings;
    expires_ = (*news)->expires;
  } else if (!news && (!expires_ || *expires_ > now)) {
    if (std::ranges::any_of(users, [](const auto* user) { return user->wants_key(); }))
      keys_->renew();
    return;
  }
  if (use == nullptr) expires_.reset();
  for (auto* user : users)
    if (const auto done = user->marks().rekey(use); !done) tell_("keys: " + done.error().detail);
}

}  // namespace lobo::app
