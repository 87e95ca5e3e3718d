#include "services/seal_nrm/held.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/text.hpp"
#include "services/seal_nrm/ports.hpp"
#include "wire/http/message.hpp"
#include "wire/resource/effect.hpp"
#include "wire/resource/record.hpp"

namespace lobo::seal_nrm {

void Effects::reply(std::optional<std::uint64_t>& request, http::Response response,
                    bool representation) {
  if (!request) return;
  list_.emplace_back(resource::Reply{*request, std::move(response), representation});
  request.reset();  // Nobody is answered twice.
}

void Effects::call(Held& held, const Settings& settings, std::string name, http::Request request) {
  const auto& nef = nef_of(settings);
  held.call = name;
  list_.emplace_back(
      resource::CallNetwork{std::move(name), nef.peer, std::move(request),
                            nef.call_deadline.value_or(settings.limits.call_deadline)});
}
void Effects::call(Held& held, const Settings& settings, std::string name, http::Request request,
                   std::string peer) {
  held.call = name;
  list_.emplace_back(resource::CallNetwork{std::move(name), std::move(peer), std::move(request),
                                           settings.limits.call_deadline});
}

void Effects::start(std::string_view timer, Instant due) {
  list_.emplace_back(resource::StartTimer{std::string(timer), due});
}
void Effects::stop(std::string_view timer) {
  list_.emplace_back(resource::StopTimer{std::string(timer)});
}
void Effects::tell(resource::Key to, std::string what, std::string body) {
  list_.emplace_back(resource::Tell{std::move(to), std::move(what), std::move(body)});
}

void retry_later(Held& held, Effects& effects, const Limits& limits, std::string_view id,
                 Instant now) {
  const auto attempts = held.attempts.value_or(0);
  auto pause = limits.retry_first;
  for (std::uint64_t i = 0; i < attempts && pause < limits.retry_max; ++i) pause *= 2;
  pause = std::min(pause, limits.retry_max);
  // Spread by a quarter, so that a thousand resources that failed together do not come back
  // together. From the identifier: the same history gives the same times.
  const auto spread = static_cast<std::int64_t>(fnv1a(id) % 256);
  pause -= std::chrono::milliseconds(pause.count() / 4 * spread / 256);
  held.attempts = attempts + 1;
  held.waiting = true;
  effects.start(timer_retry, now + pause);
}

void retry_now(Held& held, Effects& effects) {
  if (!held.waiting) return;
  held.waiting.reset();
  effects.stop(timer_retry);
}

void start_doubt(Held& held, Effects& effects) {
  if (held.doubt == Doubt::settling) effects.stop(timer_settle);
  held.doubt = Doubt::now;
}

std::optional<std::string> listed(Held& held, Effects& effects, const Limits& limits,
                                  const std::vector<std::string>& found, Instant now) {
  held.attempts.reset();
  std::vector<std::string> unknown;
  for (const auto& id : found)
    if (!knows(held, id)) unknown.push_back(id);
  // At most one request is ever in doubt, so finding what it made ends the doubt.
  if (!unknown.empty() || held.doubt != Doubt::now) {
    held.doubt.reset();
  } else {
    held.doubt = Doubt::settling;
    effects.start(timer_settle, now + limits.settle);
  }
  if (held.unnamed && unknown.size() == 1) return std::move(unknown.front());
  // Whatever bears our notification URI and is not the one that counts is ours to release.
  for (auto& id : unknown) retire(held, std::move(id));
  if (!unknown.empty() || !held.doubt) held.unnamed.reset();
  return std::nullopt;
}

void released(Held& held) {
  if (held.old && !held.old->empty()) held.old->erase(held.old->begin());
  if (held.old && held.old->empty()) held.old.reset();
  held.attempts.reset();
}

void missed(Held& held) {
  released(held);
  // Once only: a core that lists what it says it does not have would be asked for ever.
  if (held.missed.value_or(false) || held.doubt) return;
  held.missed = true;
  held.doubt = Doubt::again;
}

void retire(Held& held) {
  if (held.current) retire(held, std::move(*held.current));
  held.current.reset();
}

void retire(Held& held, std::string id) {
  if (!held.old) held.old.emplace();
  if (std::ranges::find(*held.old, id) == held.old->end()) held.old->push_back(std::move(id));
}

bool is_called(std::string_view id, std::string_view name) {
  return id == name || (id.size() > name.size() && id.starts_with(name) && id[name.size()] == '@');
}

bool knows(const Held& held, std::string_view name) {
  if (held.current && is_called(*held.current, name)) return true;
  return held.old &&
         std::ranges::any_of(*held.old, [&](const std::string& id) { return is_called(id, name); });
}

void suspect(Held& held, Effects& effects, Instant now, std::chrono::milliseconds for_) {
  held.doubt = Doubt::suspected;
  held.suspects = held.suspects.value_or(0) + 1;
  effects.start(timer_suspect, now + for_);
}

void cleared(Held& held, Effects& effects) {
  if (held.doubt != Doubt::suspected) return;
  held.suspects = held.suspects.value_or(1) - 1;
  if (*held.suspects > 0) return;
  held.suspects.reset();
  held.doubt.reset();
  effects.stop(timer_suspect);
}

bool empty(const Held& held) {
  return !held.call && !held.current && !held.doubt && (!held.old || held.old->empty());
}

}  // namespace lobo::seal_nrm
