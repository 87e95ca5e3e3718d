// What the application is told: UserPlaneNotification to its notifUri, in order, without holes.

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "api/ss_nra.hpp"
#include "services/seal_nrm/features.hpp"
#include "services/seal_nrm/unicast_step.hpp"
#include "wire/json/json.hpp"
#include "wire/resource/effect.hpp"

namespace lobo::seal_nrm {

using api::ss_nra::NrmEventNotification;
using api::ss_nra::UserPlaneNotification;

void UnicastStep::notify(std::string_view event, std::string_view cause,
                         const std::optional<std::string>& applied) {
  if (state_.member) {
    events_.push_back(
        {.event = std::string(event), .cause = std::string(cause), .applied = applied});
    return;
  }
  // Who did not negotiate these events could not parse them; the loss is counted and shown instead.
  if (!negotiated(state_.doc.supp_feat, Feature::qos_events)) {
    if (event != "QOS_GUARANTEED" && cause != "EXPIRED")
      state_.losses_untold = state_.losses_untold.value_or(0) + 1;
    return;
  }
  NrmEventNotification news;
  news.event = decltype(news.event)(std::string(event));
  news.ts = now_;
  news.seq = state_.sequence.value_or(0) + 1;
  news.uni_sub_id = key_.id;
  news.cause = std::string(cause);
  news.applied_qos_ref = applied;
  UserPlaneNotification body;
  body.notif_id = uri();
  body.event_notifs.push_back(std::move(news));
  post(json::write(body));
}

/// TS 29.122 clause 5.2.5.3: to try out whether notifications arrive.
void UnicastStep::notify_test() { post("{\"subscription\":" + json::quoted(uri()) + "}"); }

void UnicastStep::post(std::string body) {
  state_.sequence = state_.sequence.value_or(0) + 1;
  effects_.add(
      resource::Notify{state_.doc.notif_uri, *state_.sequence, std::move(body), "14.3.3.3.2"});
}

}  // namespace lobo::seal_nrm
