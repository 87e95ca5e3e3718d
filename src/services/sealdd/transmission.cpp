#include "services/sealdd/transmission.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "api/sdd_transmission.hpp"
#include "api/state/sealdd.hpp"
#include "api/sync_types.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/text.hpp"
#include "services/sealdd/checks.hpp"
#include "services/sealdd/connection.hpp"
#include "services/sealdd/faults.hpp"
#include "services/sealdd/kept.hpp"
#include "services/sealdd/ports.hpp"
#include "wire/json/json.hpp"
#include "wire/resource/record.hpp"

namespace lobo::sealdd {

namespace state = api::state::sealdd;
namespace tra = api::sdd_transmission;

std::string text_of(const api::sync_types::ConnInfo& at) {
  const auto where = at.ipv4_addr   ? *at.ipv4_addr
                     : at.ipv6_addr ? *at.ipv6_addr
                                    : at.uri.value_or("");
  return where + '|' + (at.port ? std::to_string(*at.port) : std::string());
}

StatusMachine::StatusMachine(const Settings& settings)
    : KeptMachine(settings, {.kind = status_kind,
                             .subject = {},
                             .path = "/sdd-trans/v1/subscriptions",
                             .create = tra::operation::create_conn_status_subsc,
                             .replace = tra::operation::update_conn_status_subsc,
                             .modify = tra::operation::modify_conn_status_subsc,
                             .clause = "23.433 9.2.2",
                             .observe = "status",
                             .expiry = {},
                             .life = {},
                             .extensions = {}}) {}

Result<void> StatusMachine::check(const std::string& text, Instant /*now*/) const {
  const auto asked = json::read<tra::ConnStatusSubsc>(text);
  if (!asked) return fail(asked.error());
  Faults faults;
  check_sink(faults, "/notifUri", asked->notif_uri, settings_);
  for (const auto& event : asked->events)
    if (!event.known()) faults.add(Errc::not_allowed, "/events", event.text + " is never told");
  return faults.verdict();
}

Result<void> StatusMachine::check_patch(const std::string& body) const {
  const auto patch = json::read<tra::ConnStatusSubscPatch>(body);
  if (!patch) return fail(patch.error());
  return {};
}

std::string StatusMachine::subject_of(const State& kept) const {
  const auto asked = json::read<tra::ConnStatusSubsc>(kept.text);
  return asked ? text_of(asked->val_server_conn_info) : std::string();
}

std::optional<std::string> status_report(const resource::Record& subscription,
                                         const state::ConnectionState& connection,
                                         tra::ConnStatusEventKnown event, Instant now) {
  const auto kept = json::read<state::KeptState>(subscription.state);
  const auto asked = kept ? json::read<tra::ConnStatusSubsc>(kept->text)
                          : Result<tra::ConnStatusSubsc>(fail(kept.error()));
  if (!asked) return std::nullopt;
  if (std::ranges::none_of(asked->events, [event](const auto& one) { return one == event; }))
    return std::nullopt;
  if (asked->val_service_id && *asked->val_service_id != connection.val_service_id)
    return std::nullopt;
  if (asked->val_tgt_ue && ue_of(*asked->val_tgt_ue) != connection.ue) return std::nullopt;
  tra::ConnStatusReport report;
  report.event = event;
  report.val_tgt_ue = connection.val_target_ue;
  if (event == tra::ConnStatusEventKnown::established) {
    report.conn_est_data.emplace();
    report.conn_est_data->com_lifetime =
        std::chrono::ceil<std::chrono::seconds>(connection.exp_time - now).count();
  }
  tra::ConnStatusNotif notif;
  notif.reports.push_back(std::move(report));
  state::ReportTold told;
  told.body = json::write(notif);
  return json::write(told);
}

std::string connection_of(const tra::TransReq& asked, std::string_view owner) {
  const auto meant =
      fmt::format("{}\n{}\n{}\n{}", owner, asked.val_server_id, asked.val_service_id.value_or(""),
                  asked.val_target_ue_id.value_or(""));
  return fmt::format("trans-{:016x}{:016x}", fnv1a(meant), fnv1a(meant, fnv1a("again")));
}

}  // namespace lobo::sealdd
