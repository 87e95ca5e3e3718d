#include "services/sealdd/kept.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "api/state/sealdd.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "model/date_time.hpp"
#include "model/supported_features.hpp"
#include "services/sealdd/answers.hpp"
#include "services/sealdd/ports.hpp"
#include "wire/http/url.hpp"
#include "wire/json/json.hpp"
#include "wire/json/value.hpp"
#include "wire/resource/effect.hpp"
#include "wire/resource/machine.hpp"
#include "wire/resource/record.hpp"

namespace lobo::sealdd {

namespace state = api::state::sealdd;

namespace {

constexpr std::string_view expire_timer = "expire";

std::optional<std::string> member(const std::string& text, std::string_view name) {
  const auto body = json::parse(text);
  if (!body) return std::nullopt;
  const auto* found = body->find(name);
  const auto* value = found == nullptr ? nullptr : found->text();
  return value == nullptr ? std::nullopt : std::optional(*value);
}

std::string merged(const std::string& text, const std::string& patch) {
  auto out = json::merge_patch(text, patch);
  return out ? *out : text;
}

}  // namespace

std::string shared_features(bool extended) {
  const model::SupportedFeatures none;
  return (extended ? none.with(extension_feature) : none).text();
}

bool is_extended(const std::string& text) {
  const auto given = member(text, "suppFeat");
  const auto features = given ? model::SupportedFeatures::parse(*given) : std::nullopt;
  return features && features->has(extension_feature);
}

std::string notif_uri_of(const std::string& text) { return member(text, "notifUri").value_or(""); }

/// Without what was not negotiated, and with the features that both sides have.
std::string KeptMachine::admitted(const std::string& text) const {
  auto out = text;
  if (!is_extended(text))
    for (const auto name : terms_.extensions)
      out = merged(out, "{" + json::quoted(name) + ":null}");
  if (!terms_.expiry.empty())  // Read-only: ours.
    out = merged(out, "{" + json::quoted(terms_.expiry) + ":null}");
  if (member(text, "suppFeat"))
    out = merged(out, "{\"suppFeat\":" + json::quoted(shared_features(is_extended(text))) + "}");
  return out;
}

std::string KeptMachine::subject_of(const State& /*state*/) const {
  return std::string(terms_.subject);
}

std::string KeptMachine::more(const State& /*state*/) const { return {}; }

std::string KeptMachine::represent(const State& kept) const {
  auto out = kept.text;
  if (!terms_.expiry.empty() && kept.expires)
    out = merged(out, "{" + json::quoted(terms_.expiry) + ":" +
                          json::quoted(model::format_date_time(*kept.expires)) + "}");
  const auto besides = more(kept);
  return besides.empty() ? out : merged(out, besides);
}

resource::Outcome KeptMachine::kept(const State& now_kept, const std::string& owner) const {
  resource::Outcome out;
  out.change = resource::Change::put;
  out.owner = owner;
  out.subject = subject_of(now_kept);
  out.state = json::write(now_kept);
  out.clause = terms_.clause;
  out.effects.emplace_back(resource::Observe{std::string(terms_.observe), out.state});
  return out;
}

Result<resource::Outcome> KeptMachine::create(const resource::Record* current,
                                              const resource::Key& key,
                                              const resource::Command& command, Instant now,
                                              const resource::Lookup& lookup) const {
  State fresh;
  resource::Outcome out;
  if (current != nullptr) {  // The same Idempotency-Key again.
    auto stored = json::read<State>(current->state);
    if (!stored) return fail(Errc::internal, "a stored state cannot be read");
    fresh = std::move(*stored);
  } else {
    fresh.text = admitted(command.http.body);
    if (auto fits = check(fresh.text, now); !fits) return fail(std::move(fits.error()));
    const auto others = lookup.count_by_subject(terms_.kind, subject_of(fresh), kept_max);
    if (!others) return fail(others.error());
    if (*others >= kept_max)
      return fail(Errc::too_many, "there are as many of these as there may be",
                  {{Errc::too_many, "", "no room for one more"}});
    fresh.made = now;
    if (!terms_.expiry.empty()) fresh.expires = now + terms_.life;
    out = kept(fresh, command.who.subject);
    if (fresh.expires)
      out.effects.emplace_back(resource::StartTimer{std::string(expire_timer), *fresh.expires});
  }
  auto answer = json_answer(201, represent(fresh));
  answer.headers.add("location", settings_.api_root + std::string(terms_.path) + '/' +
                                     http::percent_encode(key.id));
  out.effects.emplace_back(resource::Reply{command.request, std::move(answer), true});
  return out;
}

Result<resource::Outcome> KeptMachine::change(State stored, const resource::Record& current,
                                              const resource::Command& command, Instant now) const {
  std::string text = command.http.body;
  if (command.operation == terms_.modify) {
    if (auto fits = check_patch(text); !fits) return fail(std::move(fits.error()));
    auto patched = json::merge_patch(stored.text, text);
    if (!patched) return fail(std::move(patched.error()));
    text = std::move(*patched);
  }
  text = admitted(text);
  if (auto fits = check(text, now); !fits) return fail(std::move(fits.error()));
  stored.text = std::move(text);
  stored.done.reset();
  if (stored.expires) stored.expires = now + terms_.life;
  auto out = kept(stored, current.owner);
  if (stored.expires)
    out.effects.emplace_back(resource::StartTimer{std::string(expire_timer), *stored.expires});
  out.effects.emplace_back(
      resource::Reply{command.request, json_answer(200, represent(stored)), true});
  return out;
}

/// "report": a notification, numbered here.
Result<resource::Outcome> KeptMachine::told(State stored, const resource::Record& current,
                                            const resource::Told& what) const {
  if (what.what == "notif_uri_moved") {  // A sink that answered 308.
    stored.text = merged(stored.text, "{\"notifUri\":" + json::quoted(what.body) + "}");
    return kept(stored, current.owner);
  }
  if (what.what != "report") return resource::Outcome{};
  const auto report = json::read<state::ReportTold>(what.body);
  if (!report) return resource::Outcome{};
  ++stored.sequence;
  auto body = report->body;
  if (is_extended(stored.text))
    body = merged(body, "{\"subscriptionId\":" + json::quoted(current.key.id) +
                            ",\"seq\":" + std::to_string(stored.sequence) + "}");
  if (report->done && !report->done->empty()) {
    if (!stored.done) stored.done.emplace();
    stored.done->insert(stored.done->end(), report->done->begin(), report->done->end());
  }
  resource::Outcome out;
  out.change = resource::Change::put;
  out.owner = current.owner;
  out.subject = subject_of(stored);
  out.state = json::write(stored);
  out.clause = terms_.clause;
  out.effects.emplace_back(resource::Notify{notif_uri_of(stored.text), stored.sequence,
                                            std::move(body), std::string(terms_.clause)});
  return out;
}

Result<resource::Outcome> KeptMachine::step(const resource::Record* current,
                                            const resource::Key& key, const resource::Event& event,
                                            Instant now, const resource::Lookup& lookup) const {
  const auto* command = std::get_if<resource::Command>(&event);
  if (command != nullptr && command->operation == terms_.create)
    return create(current, key, *command, now, lookup);
  if (current == nullptr) {
    if (command != nullptr) return fail(Errc::not_found, "no such resource");
    return resource::Outcome{};
  }
  auto stored = json::read<State>(current->state);
  if (!stored) return fail(Errc::internal, "a stored state cannot be read");
  if (const auto* message = std::get_if<resource::Told>(&event))
    return told(std::move(*stored), *current, *message);
  const auto* timer = std::get_if<resource::TimerFired>(&event);
  if (command == nullptr && timer == nullptr) return resource::Outcome{};
  if (command != nullptr && current->owner != command->who.subject)
    return fail(Errc::not_found, "no such resource");
  if (command != nullptr &&
      (command->operation == terms_.replace || command->operation == terms_.modify))
    return change(std::move(*stored), *current, *command, now);
  if (timer != nullptr && stored->expires && now < *stored->expires) return resource::Outcome{};
  resource::Outcome out;
  out.change = resource::Change::erase;
  out.clause = terms_.clause;
  out.effects.emplace_back(resource::Observe{std::string(terms_.observe), {}});
  if (command != nullptr)
    out.effects.emplace_back(resource::Reply{command->request, {204, {}, {}}, false});
  return out;
}

}  // namespace lobo::sealdd
