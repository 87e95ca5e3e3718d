#include "services/seal_nrm/unicast.hpp"

#include <utility>
#include <variant>

#include "api/state/seal_nrm.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "services/seal_nrm/representation.hpp"
#include "services/seal_nrm/unicast_step.hpp"
#include "wire/http/message.hpp"
#include "wire/http/url.hpp"
#include "wire/json/json.hpp"
#include "wire/resource/machine.hpp"
#include "wire/resource/record.hpp"

namespace lobo::seal_nrm {

using resource::Outcome;

Result<Outcome> UnicastMachine::step(const resource::Record* current, const resource::Key& key,
                                     const resource::Event& event, Instant now,
                                     const resource::Lookup& lookup) const {
  UnicastStep step(settings_, directory_, key, now, lookup);
  if (current != nullptr)
    if (auto loaded = step.load(*current); !loaded) return fail(std::move(loaded.error()));

  Result<void> done;
  if (const auto* command = std::get_if<resource::Command>(&event)) {
    const bool creates = command->operation == "CreateUnicastSubscription";
    if (current == nullptr && !creates)
      return fail(Errc::not_found, "no such unicast subscription");
    if (creates)
      done = current == nullptr ? step.create(*command) : step.create_again(*command);
    else if (command->operation == "ModifyUnicastSubscription")
      done = step.modify(*command);
    else if (command->operation == "DeleteUnicastSubscription")
      done = step.remove(*command);
    else
      return fail(Errc::internal, "no operation of a unicast subscription: " + command->operation);
  } else if (const auto* callback = std::get_if<resource::Callback>(&event)) {
    if (current == nullptr) return fail(Errc::not_found, "no such callback");
    done = step.called_back(*callback);
  } else if (const auto* ordered = std::get_if<resource::Told>(&event);
             current == nullptr && ordered != nullptr && ordered->what == "reserve") {
    step.join(*ordered);
  } else if (current == nullptr) {
    return Outcome{};  // An echo of a resource that is gone.
  } else if (const auto* answer = std::get_if<resource::NetworkAnswer>(&event)) {
    step.answered(*answer);
  } else if (const auto* fired = std::get_if<resource::TimerFired>(&event)) {
    step.fired(fired->name);
  } else if (const auto* told = std::get_if<resource::Told>(&event)) {
    step.told(*told);
  } else if (const auto* recovered = std::get_if<resource::Recovered>(&event)) {
    step.recovered(recovered->call);
  }
  if (!done) return fail(std::move(done.error()));
  return step.finish(current);
}

Result<void> UnicastStep::load(const resource::Record& current) {
  auto state = json::read<UnicastState>(current.state);
  if (!state)
    return fail(Errc::internal, "stored unicast state cannot be read: " + state.error().detail);
  state_ = std::move(*state);
  owner_ = current.owner;
  shown_before_ = truth(state_, settings_);
  if (state_.member) told_before_ = report();
  return {};
}

void UnicastStep::told(const resource::Told& told) {
  if (told.what == "address") {
    if (const auto news = json::read<api::state::seal_nrm::AddressTold>(told.body))
      address_known(*news);
  } else if (told.what == "audited") {
    if (const auto news = json::read<api::state::seal_nrm::Audited>(told.body)) audited(*news);
  } else if (state_.member && told.what == "change") {
    change_ordered(told.body);
  } else if (state_.member && told.what == "release") {
    return dismissed();
  } else if (told.what == "notif_uri_moved") {
    // 308 of the application: the new target holds from now on (TS 29.122 clause 5.2.10).
    const auto url = http::parse_url(told.body);
    if (url && settings_.sinks.check(*url)) state_.doc.notif_uri = told.body;
  }
  plan();
}

Outcome UnicastStep::finish(const resource::Record* current) {
  Outcome out;
  out.clause = std::move(clause_);
  if (state_.member) tell_page();
  out.effects = effects_.take();
  if (erased_) {
    out.change = current == nullptr ? resource::Change::keep : resource::Change::erase;
    return out;
  }
  stamp();
  out.state = json::write(state_);
  // What changed nothing writes nothing: not even a new version.
  if (current != nullptr && current->state == out.state) {
    out.state.clear();
    return out;
  }
  out.change = resource::Change::put;
  out.owner = owner_;
  out.subject = state_.gpsi;
  return out;
}

std::string UnicastStep::uri() const { return unicast_uri(settings_, key_.id); }

/// When what is shown of the resource changed last.
void UnicastStep::stamp() {
  auto shown = truth(state_, settings_);
  shown.updated_at = shown_before_.updated_at;
  if (shown == shown_before_) return;
  state_.changed_at = shown.updated_at = now_;
  shown_before_ = std::move(shown);
}

http::Response UnicastStep::representation(int status) {
  stamp();
  http::Response response{
      status, {{"content-type", "application/json"}}, json::write(represent(state_, settings_))};
  if (status == 201) response.headers.add("location", uri());
  return response;
}

}  // namespace lobo::seal_nrm
