#include "services/media_energy/network.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/as_session_with_qos.hpp"
#include "api/media_e5.hpp"
#include "api/policy_authorization.hpp"
#include "api/ss_nra.hpp"
#include "api/ss_nrm.hpp"
#include "api/state/media_energy.hpp"
#include "base/result.hpp"
#include "services/media_energy/ports.hpp"
#include "wire/http/message.hpp"
#include "wire/http/url.hpp"
#include "wire/json/json.hpp"

namespace lobo::media_energy {

namespace pcf = api::policy_authorization;
namespace nef = api::as_session_with_qos;
namespace nra = api::ss_nra;
namespace nrm = api::ss_nrm;
using Word = api::state::media_energy::NetworkWord;

namespace {

/// avgPlr is in tenths of a percent (TS 29.549 clause 7.4.2.6.3.2).
constexpr double loss_units = 1000;

Word broken(std::string_view why) { return {.held = false, .cause = std::string(why)}; }
Word held(std::string_view why) { return {.held = true, .cause = std::string(why)}; }

/// The longer of both ways, else half of there and back; milliseconds.
std::optional<double> one_way(std::optional<std::int64_t> down, std::optional<std::int64_t> up,
                              std::optional<std::int64_t> both) {
  if (down || up) return static_cast<double>(std::max(down.value_or(0), up.value_or(0)));
  if (both) return static_cast<double>(*both) / 2;
  return std::nullopt;
}

std::optional<Word> word_of(const nrm::MonitoringReport& report) {
  if (!report.meas_data) return std::nullopt;
  const auto& data = *report.meas_data;
  Word out{.cause = "MONITORING"};
  out.delay_ms = one_way(data.dl_delay, data.ul_delay, data.rt_delay);
  if (data.avg_plr) out.loss_ratio = static_cast<double>(*data.avg_plr) / loss_units;
  if (!out.delay_ms && !out.loss_ratio) return std::nullopt;
  return out;
}

/// Of several events the last one holds. The end of a promise ends what was said of it.
std::optional<Word> word_of(const nra::UserPlaneNotification& notification) {
  std::optional<Word> out;
  for (const auto& one : notification.event_notifs) {
    using Event = nra::NrmEventKnown;
    if (one.event == Event::qos_not_guaranteed) out = broken(one.event.text);
    if (one.event == Event::qos_guaranteed || one.event == Event::qos_terminated)
      out = held(one.event.text);
  }
  return out;
}

std::optional<std::int64_t> longest(const std::optional<std::vector<std::int64_t>>& delays) {
  if (!delays || delays->empty()) return std::nullopt;
  return *std::ranges::max_element(*delays);
}

/// The worst of the packets that were looked at. A PCF's report has the same members.
template <class Report>
std::optional<Word> measured(const std::optional<std::vector<Report>>& reports) {
  std::optional<Word> out;
  for (const auto& one : reports.value_or(std::vector<Report>{})) {
    const auto delay =
        one_way(longest(one.dl_delays), longest(one.ul_delays), longest(one.rt_delays));
    if (!delay) continue;
    if (!out) out = Word{.cause = "QOS_MONITORING"};
    out->delay_ms = std::max(out->delay_ms.value_or(0), *delay);
  }
  return out;
}

std::optional<Word> word_of(const nef::UserPlaneNotificationData& notification) {
  std::optional<Word> out;
  for (const auto& one : notification.event_reports) {
    using Event = nef::UserPlaneEventKnown;
    if (one.event == Event::qos_not_guaranteed || one.event == Event::qos_not_guaranteed_dl ||
        one.event == Event::qos_not_guaranteed_ul || one.event == Event::loss_of_bearer ||
        one.event == Event::failed_resources_allocation)
      out = broken(one.event.text);
    if (one.event == Event::qos_guaranteed || one.event == Event::recovery_of_bearer ||
        one.event == Event::successful_resources_allocation ||
        one.event == Event::session_termination || one.event == Event::release_of_bearer)
      out = held(one.event.text);
    if (one.event == Event::qos_monitoring)
      if (auto word = measured(one.qos_mon_reports)) out = std::move(word);
  }
  return out;
}

std::optional<Word> word_of(const pcf::EventsNotification& notification) {
  std::optional<Word> out;
  for (const auto& one : notification.ev_notifs) {
    using Event = pcf::AfEventKnown;
    if (one.event == Event::failed_resources_allocation) out = broken(one.event.text);
    if (one.event == Event::successful_resources_allocation) out = held(one.event.text);
    if (one.event == Event::qos_monitoring)
      if (auto word = measured(notification.qos_mon_reports)) out = std::move(word);
    if (one.event != Event::qos_notif || !notification.qnc_reports) continue;
    // Of several flows, one that is not served as promised is enough.
    const auto& reports = *notification.qnc_reports;
    const bool lost = std::ranges::any_of(reports, [](const auto& report) {
      return report.notif_type == pcf::QosNotifTypeKnown::not_guaranteed;
    });
    out = lost ? broken("QOS_NOTIF NOT_GUARANTEED") : held("QOS_NOTIF GUARANTEED");
  }
  return out;
}

template <class Notification>
Result<std::optional<Word>> read_as(const std::string& body) {
  const auto read = json::read<Notification>(body);
  if (!read) return fail(read.error());
  return word_of(*read);
}

}  // namespace

Result<std::optional<Word>> network_word(const http::Request& notification) {
  const auto path = http::split_target(notification.target).path;
  if (path.ends_with("/monitoring")) return read_as<nrm::MonitoringReport>(notification.body);
  if (path.ends_with("/resource")) return read_as<nra::UserPlaneNotification>(notification.body);
  if (path.ends_with("/user-plane"))
    return read_as<nef::UserPlaneNotificationData>(notification.body);
  if (path.ends_with("/app-session/notify"))
    return read_as<pcf::EventsNotification>(notification.body);
  return fail(Errc::not_found, "no such callback");
}

api::media_e5::NetworkNotificationUris network_uris(const Settings& settings, std::string_view id,
                                                    std::string_view secret) {
  const auto base = settings.api_root + settings.prefixes.network + "/sessions/" +
                    http::percent_encode(id) + '/' + http::percent_encode(secret);
  return {.monitoring = base + "/monitoring",
          .resource = base + "/resource",
          .user_plane = base + "/user-plane",
          .app_session = base + "/app-session"};
}

}  // namespace lobo::media_energy
