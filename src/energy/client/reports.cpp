// Metrics and consumption reports of a media session handler (TS 26.512 clause 11): when they are
// due, the player is asked how it is, and what it says goes to the AF.

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/media_m5.hpp"
#include "api/net_control.hpp"
#include "base/clock.hpp"
#include "base/rng.hpp"
#include "energy/client/media_session.hpp"
#include "wire/http/url.hpp"
#include "wire/json/json.hpp"
#include "wire/qoe/container.hpp"
#include "wire/qoe/report.hpp"

namespace lobo::energy::client {

namespace m5 = api::media_m5;
using std::chrono::milliseconds;

namespace {

constexpr std::chrono::milliseconds report_patience{10'000};
constexpr std::string_view known_scheme = "urn:3GPP:ns:PSS:DASH:QM10";
constexpr double bits_per_mbit = 1e6;
constexpr std::uint64_t sample_steps = 10'000;
constexpr double steps_per_percent = 100;
constexpr std::size_t uuid_digits = 32;

/// Of so many sessions in a hundred. Nothing is drawn where all of them report.
bool drawn(double percentage, Rng& rng) {
  return percentage >= 100 ||
         static_cast<double>(rng.next() % sample_steps) < percentage * steps_per_percent;
}

std::string below(std::string server, std::string_view path) {
  while (server.ends_with('/')) server.pop_back();
  return server + std::string(path);
}

/// recordingSessionId is hexadecimal digits: a UUID goes without its hyphens.
std::string digits_of(const std::string& name) {
  std::string out;
  std::ranges::remove_copy(name, std::back_inserter(out), '-');
  const bool hex = std::ranges::all_of(out, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
  });
  return hex && out.size() == uuid_digits ? out : name;
}

}  // namespace

void MediaSession::follow_reporting(const m5::ServiceAccessInformationResource& access) {
  const auto& session = settings_.provisioning_session;
  const auto follow = [&](Reporting one, double percentage) {
    if (one.interval <= std::chrono::seconds{0}) one.interval = report_usual;
    if (reportings_.size() < reportings_max && drawn(percentage, rng_))
      reportings_.push_back(std::move(one));
  };
  for (const auto& one : access.client_metrics_reporting_configurations.value_or(
           std::vector<m5::ClientMetricsReporting>{})) {
    if (one.scheme != known_scheme || !one.metrics_reporting_configuration_id) continue;
    Reporting made;
    made.url = below(one.server_addresses.front(),
                     "/metrics-reporting/" + http::percent_encode(session) + '/' +
                         http::percent_encode(*one.metrics_reporting_configuration_id));
    made.interval = std::chrono::seconds{one.reporting_interval.value_or(0)};
    made.metrics = one.metrics;
    follow(std::move(made), one.sample_percentage);
  }
  if (const auto& one = access.client_consumption_reporting_configuration) {
    Reporting made;
    made.url = below(one->server_addresses.front(),
                     "/consumption-reporting/" + http::percent_encode(session));
    made.consumption = true;
    made.interval = std::chrono::seconds{one->reporting_interval.value_or(0)};
    follow(std::move(made), one->sample_percentage);
  }
}

void MediaSession::measure(const std::vector<CellMeasurement>& wanted, Instant now) {
  if (phase_ == Phase::ended) return;
  std::erase_if(reportings_, [&](const Reporting& one) {
    return one.cell && std::ranges::find(wanted, *one.cell) == wanted.end();
  });
  for (const auto& one : wanted) {
    const auto same = [&](const Reporting& other) { return other.cell == one; };
    const auto measured = std::ranges::count_if(
        reportings_, [](const Reporting& other) { return other.cell.has_value(); });
    if (static_cast<std::size_t>(measured) >= measurements_max ||
        std::ranges::any_of(reportings_, same))
      continue;
    Reporting made;
    made.url = one.url;
    made.cell = one;
    made.interval = std::max(one.interval, std::chrono::seconds{1});
    made.metrics = one.metrics;
    if (playing()) {
      made.since = now;
      if (metrics_) made.stalled = metrics_->stalled;
    }
    reportings_.push_back(std::move(made));
    step("10b", "configured by the cell");
  }
}

bool MediaSession::playing() const {
  return phase_ == Phase::subscribing || phase_ == Phase::listening ||
         phase_ == Phase::without_energy;
}

void MediaSession::begin_reporting(Instant now) {
  for (auto& one : reportings_) one.since = now;
}

bool MediaSession::reports_due(Instant now) {
  bool any = false;
  for (auto& one : reportings_) {
    if (one.since == Instant{} || one.due || now < one.since + one.interval) continue;
    one.due = true;
    any = true;
  }
  if (any) reported_ = now;
  return any;
}

void MediaSession::send_reports() {
  for (auto& one : reportings_) {
    if (!std::exchange(one.due, false)) continue;
    if (one.consumption)
      send_consumption(one);
    else
      send_metrics(one, *metrics_);
    one.since = reported_;
  }
}

void MediaSession::send_metrics(Reporting& reporting, const QoeMetrics& metrics) {
  const auto wants = [&](std::string_view name) {
    return reporting.metrics.empty() ||
           std::ranges::find(reporting.metrics, name) != reporting.metrics.end();
  };
  const auto time = std::chrono::duration_cast<milliseconds>(reported_ - reporting.since);
  const auto stalled = std::clamp(metrics.stalled - reporting.stalled, milliseconds{},
                                  std::min(time, qoe::figure_max));
  qoe::QoeReport one;
  one.recording_session = digits_of(settings_.session);
  one.time = reported_;
  one.period = std::max(std::chrono::seconds{1}, std::chrono::floor<std::chrono::seconds>(time));
  one.service_location = metrics.location;
  if (wants("AvgThroughput") && metrics.throughput_mbps > 0)
    one.throughput_bps = static_cast<std::uint64_t>(metrics.throughput_mbps * bits_per_mbit);
  if (wants("InitialPlayoutDelay") && reporting.first)
    one.startup = std::min(metrics.startup, qoe::figure_max);
  if (wants("BufferLevel")) one.buffer = std::min(metrics.buffer, qoe::figure_max);
  if (wants("PlayList")) {
    one.played = std::min(time - stalled, qoe::figure_max);
    one.stalled = stalled;
  }
  const bool first = std::exchange(reporting.first, false);
  reporting.stalled = metrics.stalled;
  qoe::ReceptionReport out;
  out.client_id = settings_.session;
  if (entry_point_ < entry_points_.size()) out.content_uri = entry_points_[entry_point_].locator;
  out.reports.push_back(std::move(one));
  auto xml = qoe::write_report(out);
  if (!reporting.cell) {
    call(Purpose::metrics, "POST", reporting.url, std::move(xml), report_patience);
    step("31a", "QoE report");
    return;
  }
  auto container = qoe::make_container(xml);
  if (!container) {
    ++refused_;
    return;
  }
  api::net_control::AppLayerReport carried;
  carried.meas_config_app_layer_id = reporting.cell->id;
  carried.container.octets = std::move(*container);
  call(Purpose::measurement, "POST", reporting.url, json::write(carried), report_patience);
  step(first ? "10d" : "31a", "QoE report to the cell");
}

void MediaSession::send_consumption(const Reporting& reporting) {
  m5::ConsumptionReport out;
  out.reporting_client_id = settings_.session;
  m5::ConsumptionReportingUnit unit;
  if (entry_point_ < entry_points_.size()) {
    const auto& point = entry_points_[entry_point_];
    out.media_player_entry = point.locator;
    unit.media_consumed = point.locator;
    for (const auto& one : point.locations)
      if (one.service_location_id == location_) unit.media_consumed = one.base_url;
  }
  unit.start_time = reporting.since;
  unit.duration = std::chrono::floor<std::chrono::seconds>(reported_ - reporting.since).count();
  out.consumption_reporting_units.push_back(std::move(unit));
  call(Purpose::consumption, "POST", reporting.url, json::write(out), report_patience);
}

}  // namespace lobo::energy::client
