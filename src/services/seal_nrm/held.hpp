#pragma once
// What we hold at the core, and the rules by which nothing of it is ever forgotten. Shared by
// unicast (AsSessionWithQoS) and ue_watch (MonitoringEvent).
//
// The problem: a request that makes something at the core may be answered, refused, or neither; the
// process may stop at any point; the answer may name nothing usable. So a resource keeps the few
// facts of `Held`, and after each event one function asks them what is to be done next. There is no
// other way to make a call; this is what makes the invariants below hold in every state:
//
// - At most one call is under way (`call`).
// - An identifier that the core gave us stays in `current` or `old` until the core has said that it
//   is gone (2xx or 404 to its release).
// - While something may exist that we have no identifier of, `doubt` is set, and the core's list is
//   asked for it by our notification URI: at once, and when nothing was found once more after
//   `settle`, because a request that we gave up may still be on its way. A core without a list
//   cannot be asked: there it is suspected, and released at its first callback.
// - A call that failed is made again when the timer "retry" fires; the pause doubles up to
//   retry_max and has no end.

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/state/seal_nrm.hpp"
#include "base/clock.hpp"
#include "services/seal_nrm/ports.hpp"
#include "wire/resource/effect.hpp"

namespace lobo::seal_nrm {

using api::state::seal_nrm::Doubt;
using api::state::seal_nrm::Held;
using api::state::seal_nrm::UeAddress;

inline constexpr std::string_view timer_retry = "retry";
inline constexpr std::string_view timer_settle = "settle";
inline constexpr std::string_view timer_suspect = "suspect";
/// Beyond this many waiting releases nothing new is made; far more than a UE moves in practice.
inline constexpr std::size_t old_max = 64;

/// Collects what one step lets happen.
class Effects {
 public:
  void reply(std::optional<std::uint64_t>& request, http::Response response,
             bool representation = false);
  /// To the NEF, or to the peer that is named.
  void call(Held& held, const Settings& settings, std::string name, http::Request request);
  void call(Held& held, const Settings& settings, std::string name, http::Request request,
            std::string peer);
  void start(std::string_view timer, Instant due);
  void stop(std::string_view timer);
  void tell(resource::Key to, std::string what, std::string body = {});
  void add(resource::Effect effect) { list_.push_back(std::move(effect)); }
  std::vector<resource::Effect> take() { return std::move(list_); }

 private:
  std::vector<resource::Effect> list_;
};

/// A call failed: it is made again when "retry" fires.
void retry_later(Held& held, Effects& effects, const Limits& limits, std::string_view id,
                 Instant now);
/// Something new happened: what was put off is tried at once.
void retry_now(Held& held, Effects& effects);
/// One of ours may exist that we do not know.
void start_doubt(Held& held, Effects& effects);
/// The core's list named `found` of ours: the doubt ends or goes on, and what nobody here knows is
/// retired, unless it is the one that a 201 did not name. That one is returned.
std::optional<std::string> listed(Held& held, Effects& effects, const Limits& limits,
                                  const std::vector<std::string>& found, Instant now);
/// The core does not know what was to be released: it is gone, or the core had named it wrongly and
/// still holds it. One look at the list for each name given.
void missed(Held& held);
/// The first of `old` is gone.
void released(Held& held);
/// `current` no longer counts and is to be released.
void retire(Held& held);
void retire(Held& held, std::string id);
/// `name` is the one by which the core calls it: an identifier of ours may say behind '@' where it
/// is.
bool is_called(std::string_view id, std::string_view name);
bool knows(const Held& held, std::string_view name);

/// One of ours may exist at a core that has no list: nothing can be asked, so it stays suspected
/// until it calls back, or until `for_` is over.
void suspect(Held& held, Effects& effects, Instant now, std::chrono::milliseconds for_);
/// One that was suspected is known now.
void cleared(Held& held, Effects& effects);
/// Everything that was held is known to be gone, and nothing is under way.
bool empty(const Held& held);

}  // namespace lobo::seal_nrm
