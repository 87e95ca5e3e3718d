#include "services/sealdd/reliable.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "api/nra_reliable.hpp"
#include "api/ss_nra.hpp"
#include "api/state/sealdd.hpp"
#include "api/sync_types.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "services/sealdd/connection.hpp"
#include "services/sealdd/peers.hpp"
#include "services/sealdd/ports.hpp"
#include "wire/http/message.hpp"
#include "wire/http/url.hpp"
#include "wire/json/json.hpp"
#include "wire/resource/effect.hpp"
#include "wire/resource/machine.hpp"
#include "wire/resource/record.hpp"

namespace lobo::sealdd {

namespace nra = api::nra_reliable;
namespace state = api::state::sealdd;
using state::ReliableCall;

namespace {

constexpr std::string_view collection = "/ss-nra/v1/reliable-transmissions";
constexpr std::string_view again_timer = "again";
constexpr std::string_view look_timer = "look";
constexpr std::int64_t udp = 17;
constexpr int failed_dependency = 424;

std::optional<nra::AppTrafficDesc> traffic_to(
    const std::optional<api::sync_types::ConnInfo>& where) {
  if (!where || (!where->ipv4_addr && !where->ipv6_addr)) return std::nullopt;
  nra::AppTrafficDesc out;
  out.ipv4_addr = where->ipv4_addr;
  if (!out.ipv4_addr) out.ipv6_addr = where->ipv6_addr;
  out.port = where->port;
  out.protocol = udp;
  return out;
}

class ReliableStep {
 public:
  ReliableStep(const Settings& settings, const resource::Key& key, Instant now,
               state::ReliableState stored)
      : settings_(settings), key_(key), now_(now), state_(std::move(stored)) {}

  void wanted(const state::ReliableWish& wish) {
    if (wish.seq < state_.seq) return;
    if (wish.seq != state_.seq) state_.lost.reset();
    state_.seq = wish.seq;
    if (wish.text != state_.wanted) state_.refused.reset();
    state_.wanted = wish.text;
  }

  void answered(const Result<http::Response>& response) {
    const auto what = std::exchange(state_.call, std::nullopt);
    if (what == ReliableCall::reserve) reserved(response);
    if (what == ReliableCall::release) released(response);
    if (what == ReliableCall::look) looked(response);
  }

  void waited(std::string_view timer) {
    if (timer == look_timer) return look();
    if (state_.call == ReliableCall::pause) state_.call.reset();
  }

  /// Nobody knows whether NRM saw it; and whoever waits went away with the process that was to
  /// answer.
  void recovered() {
    const auto what = std::exchange(state_.call, std::nullopt);
    if (what == ReliableCall::look) look_later();
    if (what != ReliableCall::reserve) return;
    state_.doubt = true;
    if (state_.wanted && state_.told != state_.seq)
      tell(failed_dependency, "the server was restarted while NRM was asked");
  }

  resource::Outcome finish(const resource::Record* current);

 private:
  void plan();
  void reserved(const Result<http::Response>& response);
  void released(const Result<http::Response>& response);
  void look();
  void look_later();
  void looked(const Result<http::Response>& response);
  void later();
  void tell(std::optional<int> status, std::optional<std::string> cause);
  void call(ReliableCall what, http::Request request) {
    state_.call = what;
    effects_.emplace_back(resource::CallNetwork{"nrm", std::string(nrm_peer), std::move(request),
                                                settings_.call_deadline});
  }

  const Settings& settings_;
  const resource::Key& key_;
  Instant now_;
  state::ReliableState state_;
  std::vector<resource::Effect> effects_;
};

void ReliableStep::plan() {
  if (state_.call) return;
  const auto reserve = [&] {
    call(ReliableCall::reserve,
         peer_create(collection, *state_.asked,
                     key_.id + ".r" + std::to_string(state_.generation.value_or(0))));
  };
  // First it must be known what there is.
  if (state_.doubt.value_or(false) && state_.asked) return reserve();
  if (state_.id && state_.applied != state_.wanted)
    return call(
        ReliableCall::release,
        peer_request("DELETE", std::string(collection) + '/' + http::percent_encode(*state_.id)));
  if (state_.id || !state_.wanted || state_.wanted == state_.refused) return;
  state_.generation = state_.generation.value_or(0) + 1;
  state_.asked = state_.wanted;
  reserve();
}

void ReliableStep::later() {
  state_.call = ReliableCall::pause;
  const auto attempts = state_.attempts.value_or(0);
  state_.attempts = attempts + 1;
  effects_.emplace_back(resource::StartTimer{std::string(again_timer),
                                             now_ + pause_after(attempts, key_.id, settings_)});
}

void ReliableStep::reserved(const Result<http::Response>& response) {
  const auto verdict = verdict_of(response);
  auto id = verdict == Verdict::done ? id_in_location(*response) : std::nullopt;
  if (id) {
    state_.id = std::move(id);
    state_.applied = state_.asked;
    state_.doubt.reset();
    state_.attempts.reset();
    state_.cause.reset();
    state_.told.reset();
    state_.lost.reset();
    return look_later();
  }
  if (verdict == Verdict::refused || verdict == Verdict::gone) {
    state_.doubt.reset();
    state_.cause = cause_of(response, "NRM");
    auto asked = std::exchange(state_.asked, std::nullopt);
    if (state_.lost.value_or(false) && asked == state_.wanted) return later();
    state_.attempts.reset();
    state_.refused = std::move(asked);
    return;
  }
  // A 2xx that does not say what it made made something, too: asked again, it shows the same.
  if (verdict != Verdict::unsent) state_.doubt = true;
  state_.cause = cause_of(response, "NRM");
  later();
}

void ReliableStep::released(const Result<http::Response>& response) {
  const auto verdict = verdict_of(response);
  if (verdict != Verdict::done && verdict != Verdict::gone) return later();
  state_.id.reset();
  state_.applied.reset();
  state_.asked.reset();
  state_.attempts.reset();
}

/// Whether the network still holds what NRM was asked for. NRM's notification of the end would come
/// sooner; but it can be lost, and NRM would have to be able to reach this server.
void ReliableStep::look() {
  if (!state_.id) return;
  if (state_.call) return look_later();
  call(ReliableCall::look,
       peer_request("GET", std::string(collection) + '/' + http::percent_encode(*state_.id)));
}

void ReliableStep::look_later() {
  effects_.emplace_back(resource::StartTimer{std::string(look_timer), now_ + settings_.look_every});
}

void ReliableStep::looked(const Result<http::Response>& response) {
  if (!state_.id || state_.applied != state_.wanted) return;
  const auto verdict = verdict_of(response);
  std::optional<std::string> cause;
  if (verdict == Verdict::gone) {
    cause = "NRM does not hold it any more";
    state_.id.reset();
    state_.asked.reset();
  } else if (verdict == Verdict::done) {
    const auto held = json::read<nra::ReliableTransmission>(response->body);
    if (held && held->rel_state &&
        held->rel_state->control_plane == api::ss_nra::ControlPlaneStateKnown::refused)
      cause = held->rel_state->cause.value_or("the network ended it");
  }
  if (!cause) return look_later();
  state_.applied.reset();  // It is given back, then asked for anew.
  state_.lost = true;
  tell(failed_dependency, std::move(cause));
  later();
}

void ReliableStep::tell(std::optional<int> status, std::optional<std::string> cause) {
  state_.told = state_.seq;
  state::ReliableSaid said;
  said.seq = state_.seq;
  said.status = status;
  said.cause = std::move(cause);
  effects_.emplace_back(
      resource::Tell{{std::string(connection_kind), key_.id}, "reliable", json::write(said)});
}

resource::Outcome ReliableStep::finish(const resource::Record* current) {
  plan();
  if (state_.wanted && state_.told != state_.seq) {
    if (state_.id && state_.applied == state_.wanted) tell(std::nullopt, std::nullopt);
    if (state_.refused == state_.wanted) tell(failed_dependency, state_.cause);
  }
  resource::Outcome out;
  out.clause = "23.434 14.3.10.2";
  out.effects = std::move(effects_);
  if (!state_.wanted && !state_.id && !state_.call && !state_.doubt.value_or(false)) {
    out.change = current == nullptr ? resource::Change::keep : resource::Change::erase;
    return out;
  }
  out.state = json::write(state_);
  if (current != nullptr && current->state == out.state) {
    out.state.clear();
    return out;
  }
  out.change = resource::Change::put;
  return out;
}

}  // namespace

std::optional<std::string> reliable_body(const state::ConnectionState& connection) {
  const bool twice = std::ranges::any_of(
      connection.flows, [](const auto& one) { return one.second.flow_ids.size() > 1; });
  if (!twice) return std::nullopt;
  auto first = traffic_to(connection.conn_info);
  auto second = traffic_to(connection.redundant_conn_info);
  if (!first || !second || *first == *second) return std::nullopt;
  nra::ReliableTransmission body;
  body.val_tgt_ue = connection.val_target_ue;
  body.app_descs = {std::move(*first), std::move(*second)};
  return json::write(body);
}

Result<resource::Outcome> ReliableMachine::step(const resource::Record* current,
                                                const resource::Key& key,
                                                const resource::Event& event, Instant now,
                                                const resource::Lookup& /*lookup*/) const {
  state::ReliableState stored;
  if (current != nullptr) {
    auto read = json::read<state::ReliableState>(current->state);
    if (!read) return fail(Errc::internal, "a stored reliable transmission cannot be read");
    stored = std::move(*read);
  }
  ReliableStep step(settings_, key, now, std::move(stored));
  if (const auto* told = std::get_if<resource::Told>(&event); told && told->what == "want") {
    const auto wish = json::read<state::ReliableWish>(told->body);
    if (!wish) return resource::Outcome{};
    step.wanted(*wish);
  } else if (current == nullptr) {
    return resource::Outcome{};
  } else if (const auto* answer = std::get_if<resource::NetworkAnswer>(&event)) {
    step.answered(answer->response);
  } else if (const auto* fired = std::get_if<resource::TimerFired>(&event)) {
    step.waited(fired->name);
  } else if (std::holds_alternative<resource::Recovered>(event)) {
    step.recovered();
  }
  return step.finish(current);
}

}  // namespace lobo::sealdd
