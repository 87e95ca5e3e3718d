#include "services/sealdd/storage.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "api/sdd_storage.hpp"
#include "api/state/sealdd.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "services/sealdd/answers.hpp"
#include "services/sealdd/checks.hpp"
#include "services/sealdd/faults.hpp"
#include "services/sealdd/kept.hpp"
#include "services/sealdd/ports.hpp"
#include "wire/http/message.hpp"
#include "wire/http/url.hpp"
#include "wire/json/formats.hpp"
#include "wire/json/json.hpp"
#include "wire/resource/effect.hpp"
#include "wire/resource/machine.hpp"
#include "wire/resource/record.hpp"

namespace lobo::sealdd {

namespace ds = api::sdd_storage;
namespace state = api::state::sealdd;
using ds::DataAccessRightKnown;

namespace {

constexpr std::string_view expire_timer = "expire";
constexpr std::string_view report_timer = "report";
constexpr std::chrono::seconds report_usual{60};
constexpr std::string_view clause = "23.433 9.5";

std::string merged(const std::string& text, const std::string& patch) {
  auto out = json::merge_patch(text, patch);
  return out ? *out : text;
}

std::string address(const Settings& settings, std::string_view id) {
  return settings.api_root + "/sdd-ds/v1/storages/" + http::percent_encode(id);
}

Result<ds::DataStoragePatch> terms_of(const state::StorageState& stored) {
  return json::read<ds::DataStoragePatch>(stored.text);
}

std::chrono::seconds period_of(const ds::DataMngtSubsc& subscription) {
  return subscription.rep_periodicity
             ? std::chrono::seconds(std::max<std::int64_t>(1, *subscription.rep_periodicity))
             : report_usual;
}

std::int64_t sum(const std::optional<std::map<std::string, std::int64_t, std::less<>>>& counts) {
  std::int64_t out = 0;
  if (counts)
    for (const auto& [name, count] : *counts) out += count;
  return out;
}

}  // namespace

std::string represent(const state::StorageState& stored) {
  return merged(stored.text,
                "{\"data\":" + json::quoted(json::base64_encode(stored.data.octets)) + "}");
}

Result<void> may(const resource::Record& record, const state::StorageState& stored,
                 std::string_view who, DataAccessRightKnown right) {
  if (record.owner == who) return {};
  const auto terms = terms_of(stored);
  bool named = false;
  if (terms && terms->ctrl_policies)
    for (const auto& policy : *terms->ctrl_policies) {
      // Whoever is not the owner asks as a VAL server; a name of one is what it is called by.
      const bool means = policy.entity_id ? *policy.entity_id == who
                                          : policy.entity_name == ds::EntityNameKnown::val_server;
      named = named || means;
      if (means &&
          std::ranges::any_of(policy.rights, [right](const auto& one) { return one == right; }))
        return {};
    }
  if (!named) return fail(Errc::not_found, "no such resource");
  return fail(Errc::forbidden, "the control policies of the data do not allow this");
}

Result<void> StorageMachine::check(const ds::DataStoragePatch& what, Instant now) const {
  Faults faults;
  if (what.exp_time && *what.exp_time <= now) faults.add(Errc::out_of_range, "/expTime", "is over");
  if (what.mngt_subsc)
    check_sink(faults, "/mngtSubsc/notifUri", what.mngt_subsc->notif_uri, settings_);
  return faults.verdict();
}

resource::Outcome StorageMachine::kept(const State& stored, const std::string& owner) const {
  resource::Outcome out;
  out.change = resource::Change::put;
  out.owner = owner;
  out.subject = every_storage;
  out.state = json::write(stored);
  out.clause = clause;
  if (stored.expires)
    out.effects.emplace_back(resource::StartTimer{std::string(expire_timer), *stored.expires});
  return out;
}

/// What is told by name of the entity, now and then.
void StorageMachine::count(State& stored, const resource::Record& current,
                           const resource::Command& command, bool change) {
  const std::string name(command.who.subject == current.owner ? "VAL_SERVER" : command.who.subject);
  auto& counts = change ? stored.changes : stored.accesses;
  if (!counts) counts.emplace();
  if (counts->size() < entities_counted_max || counts->contains(name)) ++(*counts)[name];
}

Result<resource::Outcome> StorageMachine::create(const resource::Record* current,
                                                 const resource::Key& key,
                                                 const resource::Command& command, Instant now,
                                                 const resource::Lookup& lookup) const {
  const auto asked = json::read<ds::DataStorageReq>(command.http.body);
  if (!asked) return fail(asked.error());
  const auto terms = json::read<ds::DataStoragePatch>(command.http.body);
  if (!terms) return fail(terms.error());
  State fresh;
  resource::Outcome out;
  const bool reservation = !asked->data;
  if (current != nullptr) {  // The same Idempotency-Key again.
    auto stored = json::read<State>(current->state);
    if (!stored) return fail(Errc::internal, "a stored state cannot be read");
    fresh = std::move(*stored);
  } else {
    if (auto fits = check(*terms, now); !fits) return fail(std::move(fits.error()));
    const auto others = lookup.count_by_subject(storage_kind, every_storage, storages_max);
    if (!others) return fail(others.error());
    if (*others >= storages_max)
      return fail(Errc::too_many, "there is as much stored as there may be",
                  {{Errc::too_many, "", "no room for one more"}});
    fresh.text = merged(command.http.body, R"({"data":null})");
    fresh.expires = terms->exp_time;
    if (reservation) {
      const auto length = asked->data_length.value_or(static_cast<std::int64_t>(stored_octets_max));
      if (length > static_cast<std::int64_t>(stored_octets_max))
        return fail(Errc::too_large, "that much cannot be stored",
                    {{Errc::too_large, "/dataLength", "at most 33554432 octets"}});
      fresh.reserved = length;
    } else {
      fresh.data = *asked->data;
      fresh.filled = true;
    }
    out = kept(fresh, command.who.subject);
    if (terms->mngt_subsc)
      out.effects.emplace_back(
          resource::StartTimer{std::string(report_timer), now + period_of(*terms->mngt_subsc)});
  }
  if (reservation) {
    ds::ReservRespData answer;
    answer.resource_addr = address(settings_, key.id) + "/octets";
    out.effects.emplace_back(
        resource::Reply{command.request, json_answer(200, json::write(answer)), false});
    return out;
  }
  auto answer = json_answer(201, represent(fresh));
  answer.headers.add("location", address(settings_, key.id));
  out.effects.emplace_back(resource::Reply{command.request, std::move(answer), true});
  return out;
}

Result<resource::Outcome> StorageMachine::change(State stored, const resource::Record& current,
                                                 const resource::Command& command,
                                                 Instant now) const {
  auto text = command.http.body;
  if (command.operation == ds::operation::modify_ind_data_storage) {
    const auto patch = json::read<ds::DataStoragePatch>(text);
    if (!patch) return fail(patch.error());
    text = merged(merged(stored.text, R"({"data":null})"), text);
    if (patch->data) stored.data = *patch->data;
  } else {
    const auto whole = json::read<ds::DataStorage>(text);
    if (!whole) return fail(whole.error());
    stored.data = whole->data;
  }
  stored.text = merged(text, R"({"data":null})");
  const auto terms = terms_of(stored);
  if (!terms) return fail(terms.error());
  if (auto fits = check(*terms, now); !fits) return fail(std::move(fits.error()));
  stored.expires = terms->exp_time;
  stored.filled = true;
  count(stored, current, command, true);
  auto out = kept(stored, current.owner);
  if (!stored.expires) out.effects.emplace_back(resource::StopTimer{std::string(expire_timer)});
  if (terms->mngt_subsc)
    out.effects.emplace_back(
        resource::StartTimer{std::string(report_timer), now + period_of(*terms->mngt_subsc)});
  out.effects.emplace_back(
      resource::Reply{command.request, json_answer(200, represent(stored)), true});
  return out;
}

Result<resource::Outcome> StorageMachine::fill(State stored, const resource::Record& current,
                                               const resource::Command& command) const {
  if (!stored.reserved)
    return fail(Errc::conflict, "no room was reserved for octets; it was stored inline");
  if (static_cast<std::int64_t>(command.http.body.size()) > *stored.reserved)
    return fail(Errc::too_large, "more than was reserved");
  stored.data.octets = command.http.body;
  stored.filled = true;
  count(stored, current, command, true);
  auto out = kept(stored, current.owner);
  out.effects.emplace_back(resource::Reply{command.request, {204, {}, {}}, false});
  return out;
}

Result<resource::Outcome> StorageMachine::step(const resource::Record* current,
                                               const resource::Key& key,
                                               const resource::Event& event, Instant now,
                                               const resource::Lookup& lookup) const {
  namespace op = ds::operation;
  const auto* command = std::get_if<resource::Command>(&event);
  if (command != nullptr && command->operation == op::create_data_storage)
    return create(current, key, *command, now, lookup);
  if (current == nullptr) {
    if (command != nullptr) return fail(Errc::not_found, "no such resource");
    return resource::Outcome{};
  }
  auto stored = json::read<State>(current->state);
  if (!stored) return fail(Errc::internal, "a stored state cannot be read");
  if (const auto* timer = std::get_if<resource::TimerFired>(&event)) {
    resource::Outcome out;
    if (timer->name == expire_timer) {
      if (stored->expires && now < *stored->expires) return out;
      out.change = resource::Change::erase;
      out.clause = clause;
      return out;
    }
    const auto terms = terms_of(*stored);
    if (!terms || !terms->mngt_subsc) return out;
    ds::DataMngtNotif notif;
    notif.events = terms->mngt_subsc->events;
    const auto wants = [&](ds::DataMngtEventKnown what) {
      return std::ranges::any_of(notif.events, [what](const auto& one) { return one == what; });
    };
    if (wants(ds::DataMngtEventKnown::data_access_statistics)) {
      notif.access_stats.emplace();
      notif.access_stats->gen_access_stats = sum(stored->accesses) + sum(stored->changes);
      if (stored->accesses && !stored->accesses->empty())
        notif.access_stats->det_access_stats = stored->accesses;
    }
    if (wants(ds::DataMngtEventKnown::data_mngt_statistics)) {
      notif.mngt_stats.emplace();
      notif.mngt_stats->gen_mngt_stats = sum(stored->changes);
      if (stored->changes && !stored->changes->empty())
        notif.mngt_stats->det_mngt_stats = stored->changes;
    }
    stored->sequence = stored->sequence.value_or(0) + 1;
    out = kept(*stored, current->owner);
    if (notif.access_stats || notif.mngt_stats)
      out.effects.emplace_back(resource::Notify{terms->mngt_subsc->notif_uri, *stored->sequence,
                                                json::write(notif), std::string(clause)});
    out.effects.emplace_back(
        resource::StartTimer{std::string(report_timer), now + period_of(*terms->mngt_subsc)});
    return out;
  }
  if (command == nullptr) return resource::Outcome{};
  const bool deletes = command->operation == op::delete_ind_data_storage;
  const bool reads =
      command->operation == op::get_ind_data_storage || command->operation == op::get_stored_octets;
  if (auto allowed = may(*current, *stored, command->who.subject,
                         deletes ? DataAccessRightKnown::delete_
                         : reads ? DataAccessRightKnown::retrieve
                                 : DataAccessRightKnown::update);
      !allowed)
    return fail(std::move(allowed.error()));
  if (deletes) {
    resource::Outcome out;
    out.change = resource::Change::erase;
    out.clause = clause;
    out.effects.emplace_back(resource::Reply{command->request, {204, {}, {}}, false});
    return out;
  }
  if (command->operation == op::put_stored_octets)
    return fill(std::move(*stored), *current, *command);
  if (!reads) return change(std::move(*stored), *current, *command, now);
  if (!stored->filled.value_or(false))
    return fail(Errc::not_found, "room was reserved, and nothing was put yet");
  const bool octets = command->operation == op::get_stored_octets;
  auto answer = json_answer(200, octets ? stored->data.octets : represent(*stored));
  if (octets) answer.headers.set("content-type", "application/octet-stream");
  resource::Outcome out;
  // Statistics are kept where somebody wants them: reading costs a write then, and none otherwise.
  const auto terms = terms_of(*stored);
  if (terms && terms->mngt_subsc) {
    count(*stored, *current, *command, false);
    out = kept(*stored, current->owner);
  }
  out.effects.emplace_back(resource::Reply{command->request, std::move(answer), !octets});
  return out;
}

// ---- deliveries -------------------------------------------------------------------------------

DeliveryMachine::DeliveryMachine(const Settings& settings)
    : KeptMachine(settings, {.kind = delivery_kind,
                             .subject = {},
                             .path = "/sdd-ds/v1/subscriptions",
                             .create = ds::operation::create_data_del_subsc,
                             .replace = ds::operation::update_ind_data_del_subsc,
                             .modify = ds::operation::modify_ind_data_del_subsc,
                             .clause = clause,
                             .observe = "delivery",
                             .expiry = "expTime",
                             .life = settings.subscription_life,
                             .extensions = {}}) {}

Result<void> DeliveryMachine::check(const std::string& text, Instant /*now*/) const {
  const auto asked = json::read<ds::DataDelSubsc>(text);
  if (!asked) return fail(asked.error());
  Faults faults;
  check_sink(faults, "/notifUri", asked->notif_uri, settings_);
  if (asked->requestor_id.empty()) faults.add(Errc::out_of_range, "/requestorId", "is empty");
  return faults.verdict();
}

Result<void> DeliveryMachine::check_patch(const std::string& body) const {
  const auto patch = json::read<ds::DataDelSubscPatch>(body);
  if (!patch) return fail(patch.error());
  return {};
}

std::string DeliveryMachine::subject_of(const State& stored) const {
  const auto asked = json::read<ds::DataDelSubsc>(stored.text);
  return asked ? asked->requestor_id : std::string();
}

Result<resource::Outcome> DeliveryRequestMachine::step(const resource::Record* /*current*/,
                                                       const resource::Key& /*key*/,
                                                       const resource::Event& event,
                                                       Instant /*now*/,
                                                       const resource::Lookup& lookup) const {
  const auto* command = std::get_if<resource::Command>(&event);
  if (command == nullptr) return resource::Outcome{};
  const auto asked = json::read<ds::DataDelReq>(command->http.body);
  if (!asked) return fail(asked.error());
  if (asked->storage_id) {
    const auto found = lookup.find({std::string(storage_kind), *asked->storage_id});
    if (!found) return fail(found.error());
    const auto stored = json::read<state::StorageState>(*found ? (*found)->state : std::string());
    if (!*found || !stored ||
        !may(**found, *stored, command->who.subject, DataAccessRightKnown::retrieve))
      return fail(Errc::not_found, "no such data",
                  {{Errc::not_found, "/storageId", "there is none that the caller may retrieve"}});
  }
  const auto keys = lookup.by_subject(delivery_kind, asked->target_id, delivery_subscribers_max);
  if (!keys) return fail(keys.error());
  if (keys->empty())
    return fail(Errc::not_found, "nobody to deliver it to",
                {{Errc::not_found, "/targetId", "has no subscription to deliveries"}});
  ds::DataDelNotif notif;
  notif.data = asked->data;
  notif.storage_id = asked->storage_id;
  state::ReportTold told;
  told.body = json::write(notif);
  resource::Outcome out;
  out.clause = clause;
  for (const auto& key : *keys)
    out.effects.emplace_back(resource::Tell{key, "report", json::write(told)});
  out.effects.emplace_back(resource::Reply{command->request, {204, {}, {}}, false});
  return out;
}

}  // namespace lobo::sealdd
