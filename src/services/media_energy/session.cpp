#include "services/media_energy/session.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "api/media_m1.hpp"
#include "api/media_m5.hpp"
#include "api/media_types.hpp"
#include "api/state/media_energy.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "services/media_energy/checks.hpp"
#include "services/media_energy/faults.hpp"
#include "services/media_energy/ports.hpp"
#include "services/media_energy/quality.hpp"
#include "wire/http/media_type.hpp"
#include "wire/http/message.hpp"
#include "wire/http/url.hpp"
#include "wire/json/json.hpp"
#include "wire/resource/effect.hpp"
#include "wire/resource/machine.hpp"
#include "wire/resource/record.hpp"

namespace lobo::media_energy {

namespace m1 = api::media_m1;
namespace m5 = api::media_m5;
namespace state = api::state::media_energy;

namespace {

/// What a patch may make of a representation: as much as may be sent.
constexpr std::size_t representation_bytes_max = 65536;

enum class Verb : std::uint8_t { create, replace, modify, remove };

struct Meaning {
  Verb verb{};
  Part part{};
};

/// "ReplaceEnergyPolicy"; nothing for what is about the session itself.
std::optional<Meaning> meaning_of(std::string_view operation) {
  struct Word {
    std::string_view text;
    Verb verb;
  };
  struct Name {
    std::string_view text;
    Part part;
  };
  static constexpr Word words[] = {{"Create", Verb::create},
                                   {"Replace", Verb::replace},
                                   {"Modify", Verb::modify},
                                   {"Delete", Verb::remove}};
  static constexpr Name names[] = {{"ContentHostingConfiguration", Part::hosting},
                                   {"ConsumptionReportingConfiguration", Part::consumption},
                                   {"EnergyInformationExposure", Part::exposure},
                                   {"MetricsReportingConfiguration", Part::metrics},
                                   {"EnergyPolicy", Part::policy}};
  for (const auto& word : words) {
    if (!operation.starts_with(word.text)) continue;
    const auto rest = operation.substr(word.text.size());
    for (const auto& name : names)
      if (rest == name.text) return Meaning{word.verb, name.part};
  }
  return std::nullopt;
}

std::string_view id_member(Part part) {
  return part == Part::policy ? "energyPolicyId" : "metricsReportingConfigurationId";
}
bool in_collection(Part part) { return part == Part::policy || part == Part::metrics; }

std::vector<state::Kept>& collection(state::SessionState& session, Part part) {
  return part == Part::policy ? session.policies : session.metrics;
}
std::optional<std::string>& single(state::SessionState& session, Part part) {
  if (part == Part::hosting) return session.content_hosting;
  return part == Part::consumption ? session.consumption : session.exposure;
}

std::string named(const std::string& text, Part part, std::string_view id) {
  if (!in_collection(part)) return text;
  auto out = json::merge_patch(
      text, "{\"" + std::string(id_member(part)) + "\":" + json::quoted(id) + "}");
  return out ? *out : text;
}

template <class T>
Result<void> reads_as(const std::string& text) {
  const auto read = json::read<T>(text);
  if (!read) return fail(read.error());
  return {};
}

/// Is the text a representation of that part, and does it fit the rest of the session?
Result<void> check(const std::string& text, Part part, state::SessionState& session,
                   std::string_view id, const Settings& settings) {
  switch (part) {
    case Part::hosting: {
      const auto hosting = json::read<m1::ContentHostingConfiguration>(text);
      if (!hosting) return fail(hosting.error());
      if (auto fits = check_hosting(*hosting, settings); !fits) return fits;
      Faults faults;
      for (const auto& kept : session.policies) {
        const auto policy = json::read<m1::EnergyPolicy>(kept.text);
        if (policy && !check_policy(*policy, &*hosting, settings))
          faults.add(Errc::conflict, "/distributionConfigurations",
                     "energy policy " + kept.id + " could not be met from these locations");
      }
      return faults.verdict();
    }
    case Part::consumption: return reads_as<m1::ConsumptionReportingConfiguration>(text);
    case Part::exposure: return reads_as<m1::EnergyInformationExposure>(text);
    case Part::metrics: return reads_as<m1::MetricsReportingConfiguration>(text);
    case Part::policy: {
      const auto policy = json::read<m1::EnergyPolicy>(text);
      if (!policy) return fail(policy.error());
      const auto hosting = hosting_of(session);
      if (auto fits = check_policy(*policy, hosting ? &*hosting : nullptr, settings); !fits)
        return fits;
      if (!policy->external_reference) return {};
      Faults faults;
      for (const auto& other : session.policies) {
        if (other.id == id) continue;
        const auto read = json::read<m1::EnergyPolicy>(other.text);
        if (read && read->external_reference == policy->external_reference)
          faults.add(Errc::duplicate, "/externalReference",
                     "energy policy " + other.id + " is called so already");
      }
      return faults.verdict();
    }
  }
  std::abort();
}

class Change {
 public:
  Change(state::SessionState session, const resource::Record* current, const resource::Key& key,
         const resource::Command& command, const Settings& settings)
      : session_(std::move(session)),
        current_(current),
        key_(key),
        command_(command),
        settings_(settings) {}

  Result<resource::Outcome> make() {
    return done(made(), true, "26.942 7.13.6 step 1: provisioning session");
  }
  Result<resource::Outcome> show() const {
    resource::Outcome out;
    out.effects.emplace_back(resource::Reply{command_.request, made(), true});
    return out;
  }

  Result<resource::Outcome> part(const Meaning& meaning) {
    switch (meaning.verb) {
      case Verb::create: return create(meaning.part);
      case Verb::replace: return put(meaning.part, command_.http.body, false);
      case Verb::modify: return modify(meaning.part);
      case Verb::remove: return remove(meaning.part);
    }
    std::abort();
  }

 private:
  http::Response made() const {
    auto answer = json_answer(201, json::write(represent(session_, key_.id)));
    answer.headers.add("location", url(""));
    return answer;
  }
  std::string url(std::string_view below) const {
    return settings_.api_root + settings_.prefixes.m1 + "/provisioning-sessions/" +
           http::percent_encode(key_.id) + std::string(below);
  }
  static http::Response json_answer(int status, std::string body) {
    return {status, {{"content-type", "application/json"}}, std::move(body)};
  }
  /// The last segment of the request's path: the id in a collection.
  std::string id_of_path() const {
    const auto path = http::split_target(command_.http.target).path;
    return http::percent_decode(path.substr(path.rfind('/') + 1)).value_or("");
  }

  Result<resource::Outcome> create(Part what) {
    std::string id;
    if (in_collection(what)) {
      if (collection(session_, what).size() >= (what == Part::policy ? policies_max : metrics_max))
        return fail(Errc::too_many, "this session has as many of these as it may",
                    {{Errc::too_many, "", "has as many as it may"}});
      // Unguessable like every identifier here, and unique in the session.
      id = command_.secret.substr(0, 16);
    } else if (single(session_, what)) {
      return fail(Errc::conflict, "the session has one already; replace or change it");
    }
    if (auto fits = check(command_.http.body, what, session_, id, settings_); !fits)
      return fail(std::move(fits.error()));
    auto below = '/' + std::string(segment_of(what));
    if (in_collection(what)) {
      collection(session_, what).push_back({id, command_.http.body});
      below += '/' + http::percent_encode(id);
    } else {
      single(session_, what) = command_.http.body;
    }
    auto answer = json_answer(201, named(command_.http.body, what, id));
    answer.headers.add("location", url(below));
    return done(std::move(answer), true, clause(what));
  }

  Result<resource::Outcome> put(Part what, std::string text, bool shown) {
    const auto id = in_collection(what) ? id_of_path() : std::string();
    std::string* const kept = find(what, id);
    if (kept == nullptr) return fail(Errc::not_found, "the session has no such thing");
    if (auto fits = check(text, what, session_, id, settings_); !fits)
      return fail(std::move(fits.error()));
    *kept = std::move(text);
    return done(shown ? json_answer(200, named(*kept, what, id)) : http::Response{204, {}, {}},
                shown, clause(what));
  }

  Result<resource::Outcome> modify(Part what) {
    const auto id = in_collection(what) ? id_of_path() : std::string();
    const std::string* const kept = find(what, id);
    if (kept == nullptr) return fail(Errc::not_found, "the session has no such thing");
    const auto type = command_.http.headers.find("content-type").value_or("");
    const bool by_operations = http::is_media_type(type, "application/json-patch+json");
    if (!by_operations)
      if (const auto patch = json::read<m1::AnyEnergyPolicy>(command_.http.body); !patch)
        return fail(patch.error());
    auto merged = by_operations
                      ? json::json_patch(*kept, command_.http.body, representation_bytes_max)
                      : json::merge_patch(*kept, command_.http.body);
    if (!merged) return fail(std::move(merged.error()));
    return put(what, std::move(*merged), true);
  }

  Result<resource::Outcome> remove(Part what) {
    const auto id = in_collection(what) ? id_of_path() : std::string();
    if (find(what, id) == nullptr) return fail(Errc::not_found, "the session has no such thing");
    if (in_collection(what))
      std::erase_if(collection(session_, what), [&](const auto& one) { return one.id == id; });
    else
      single(session_, what).reset();
    return done({204, {}, {}}, false, clause(what));
  }

  std::string* find(Part what, std::string_view id) {
    if (!in_collection(what)) {
      auto& one = single(session_, what);
      return one ? &*one : nullptr;
    }
    auto& all = collection(session_, what);
    const auto found = std::ranges::find(all, id, &state::Kept::id);
    return found == all.end() ? nullptr : &found->text;
  }

  static std::string clause(Part what) {
    return "26.942 7.13.6 step 1: " + std::string(segment_of(what));
  }

  Result<resource::Outcome> done(http::Response answer, bool shown, std::string clause) {
    resource::Outcome out;
    out.change = resource::Change::put;
    out.state = json::write(session_);
    out.owner = current_ != nullptr ? current_->owner : command_.who.subject;
    out.subject = every_session;
    out.clause = std::move(clause);
    out.effects.emplace_back(resource::Observe{"session", out.state});
    out.effects.emplace_back(resource::Reply{command_.request, std::move(answer), shown});
    return out;
  }

  state::SessionState session_;
  const resource::Record* current_;
  const resource::Key& key_;
  const resource::Command& command_;
  const Settings& settings_;
};

Result<resource::Outcome> metrics_report(const resource::Command& command) {
  auto xml = metrics_report_in(command.http);
  if (!xml) return fail(std::move(xml.error()));
  resource::Outcome out;
  out.effects.emplace_back(resource::Observe{"qoe", std::move(*xml)});
  out.effects.emplace_back(resource::Reply{command.request, {204, {}, {}}, false});
  return out;
}

}  // namespace

Result<resource::Outcome> SessionMachine::step(const resource::Record* current,
                                               const resource::Key& key,
                                               const resource::Event& event, Instant /*now*/,
                                               const resource::Lookup& lookup) const {
  const auto* command = std::get_if<resource::Command>(&event);
  if (command == nullptr) return resource::Outcome{};
  if (command->operation == m1::operation::create_provisioning_session) {
    const auto given = json::read<m1::NewProvisioningSession>(command->http.body);
    if (!given) return fail(given.error());
    if (auto served = check_type(given->provisioning_session_type.text); !served)
      return fail(served.error());
    if (current == nullptr) {
      const auto count = lookup.count_by_subject(session_kind, every_session, sessions_max);
      if (!count) return fail(count.error());
      if (*count >= sessions_max)
        return fail(Errc::too_many, "there are as many provisioning sessions as there may be",
                    {{Errc::too_many, "", "no room for one more"}});
    }
    state::SessionState fresh;
    fresh.app_id = given->app_id;
    fresh.asp_id = given->asp_id;
    fresh.type = given->provisioning_session_type.text;
    if (current != nullptr) {  // The same Idempotency-Key again.
      auto stored = json::read<state::SessionState>(current->state);
      if (!stored) return fail(Errc::internal, "a stored session cannot be read");
      return Change(std::move(*stored), current, key, *command, settings_).show();
    }
    return Change(std::move(fresh), current, key, *command, settings_).make();
  }
  if (current != nullptr && command->operation == m5::operation::submit_consumption_report) {
    const auto report = json::read<m5::ConsumptionReport>(command->http.body);
    if (!report) return fail(report.error());
    resource::Outcome out;
    out.effects.emplace_back(resource::Observe{"consumption", command->http.body});
    out.effects.emplace_back(resource::Reply{command->request, {204, {}, {}}, false});
    return out;
  }
  if (current != nullptr && command->operation == m5::operation::submit_metrics_report)
    return metrics_report(*command);
  if (current == nullptr || current->owner != command->who.subject)
    return fail(Errc::not_found, "no such provisioning session");
  auto stored = json::read<state::SessionState>(current->state);
  if (!stored) return fail(Errc::internal, "a stored session cannot be read");
  if (command->operation == m1::operation::destroy_provisioning_session) {
    resource::Outcome out;
    out.change = resource::Change::erase;
    out.effects.emplace_back(resource::Observe{"session", {}});
    out.effects.emplace_back(resource::Reply{command->request, {204, {}, {}}, false});
    return out;
  }
  const auto meaning = meaning_of(command->operation);
  if (!meaning) return fail(Errc::internal, "no such operation of a session");
  return Change(std::move(*stored), current, key, *command, settings_).part(*meaning);
}

m1::ProvisioningSession represent(const state::SessionState& session, std::string_view id) {
  m1::ProvisioningSession out;
  out.provisioning_session_id = std::string(id);
  out.provisioning_session_type = api::media_types::ProvisioningSessionType(session.type);
  out.asp_id = session.asp_id;
  out.app_id = session.app_id;
  const auto ids = [](const std::vector<state::Kept>& kept) {
    std::optional<std::vector<std::string>> all;
    if (kept.empty()) return all;
    std::ranges::transform(kept, std::back_inserter(all.emplace()), &state::Kept::id);
    return all;
  };
  out.metrics_reporting_configuration_ids = ids(session.metrics);
  out.energy_policy_ids = ids(session.policies);
  return out;
}

std::string_view segment_of(Part part) {
  switch (part) {
    case Part::hosting: return "content-hosting-configuration";
    case Part::consumption: return "consumption-reporting-configuration";
    case Part::exposure: return "energy-information-exposure";
    case Part::metrics: return "metrics-reporting-configurations";
    case Part::policy: return "energy-policies";
  }
  std::abort();
}

std::optional<std::string> part_text(const state::SessionState& session, Part part,
                                     std::string_view id) {
  if (part == Part::hosting) return session.content_hosting;
  if (part == Part::consumption) return session.consumption;
  if (part == Part::exposure) return session.exposure;
  const auto& all = part == Part::policy ? session.policies : session.metrics;
  const auto found = std::ranges::find(all, id, &state::Kept::id);
  if (found == all.end()) return std::nullopt;
  return named(found->text, part, id);
}

std::optional<m1::EnergyPolicy> policy_of(const state::SessionState& session, std::string_view id) {
  const auto found = std::ranges::find(session.policies, id, &state::Kept::id);
  if (found == session.policies.end()) return std::nullopt;
  auto policy = json::read<m1::EnergyPolicy>(found->text);
  if (!policy) return std::nullopt;
  policy->energy_policy_id = found->id;
  return std::move(*policy);
}

std::optional<m1::ContentHostingConfiguration> hosting_of(const state::SessionState& session) {
  if (!session.content_hosting) return std::nullopt;
  auto hosting = json::read<m1::ContentHostingConfiguration>(*session.content_hosting);
  if (!hosting) return std::nullopt;
  return std::move(*hosting);
}

std::optional<m1::EnergyInformationExposure> exposure_of(const state::SessionState& session) {
  if (!session.exposure) return std::nullopt;
  auto exposure = json::read<m1::EnergyInformationExposure>(*session.exposure);
  if (!exposure) return std::nullopt;
  return std::move(*exposure);
}

}  // namespace lobo::media_energy
