#include "agent/agent.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/agent_config.hpp"
#include "agent/messages.hpp"
#include "api/common.hpp"
#include "api/media_e3.hpp"
#include "api/media_types.hpp"
#include "base/require.hpp"
#include "base/result.hpp"
#include "base/rng.hpp"
#include "energy/meter/access_log.hpp"
#include "energy/meter/cpu_time.hpp"
#include "energy/meter/duty.hpp"
#include "energy/meter/ledger.hpp"
#include "energy/meter/media_sessions.hpp"
#include "energy/meter/power_model.hpp"
#include "energy/meter/trigger.hpp"
#include "energy/meter/zones.hpp"
#include "energy/problem.hpp"
#include "runtime/ports.hpp"
#include "wire/http/message.hpp"
#include "wire/http/url.hpp"
#include "wire/json/json.hpp"

namespace lobo::app {
namespace {

namespace meter = energy::meter;
using runtime::Level;

constexpr std::string_view reports_path = "/x-e3/v1/as-energy-reports";
constexpr std::string_view servers_path = "/x-e3/v1/application-servers/";

/// What the AF says of it, by the first member that it blames.
std::string refusal_of(const Result<http::Response>& answer) {
  std::string out = "the AF did not take the registration";
  const auto told = answer ? json::read<api::common::ProblemDetails>(answer->body)
                           : tl::unexpected<Error>(answer.error());
  if (!told) return out;
  if (told->invalid_params && !told->invalid_params->empty()) {
    const auto& blamed = told->invalid_params->front();
    return out + ": " + blamed.param + ' ' + blamed.reason.value_or("");
  }
  return out + (told->detail ? ": " + *told->detail : "");
}

std::vector<double> reserved_shares(const AgentConfig& config) {
  std::vector<double> shares;
  for (const auto& location : config.locations) shares.push_back(location.reserved);
  return shares;
}

meter::LocationMap map_of(const AgentConfig& config) {
  meter::LocationMap map;
  for (std::size_t i = 0; i < config.locations.size(); ++i)
    for (const auto& url : config.locations[i].base_urls)
      if (const auto parsed = http::parse_url(url))
        map.add({parsed->host, parsed->port, std::string(http::split_target(parsed->target).path)},
                i);
  return map;
}

/// Whether the same request may succeed later.
bool passes(int status) {
  return status >= 500 || status == 408 || status == 429 || status == 401 || status == 403;
}

}  // namespace

EnergyAgent::EnergyAgent(AgentConfig config, AgentWorld world, Ports ports)
    : config_(std::move(config)),
      world_(std::move(world)),
      ports_(ports),
      scheduler_(ports.scheduler),
      meter_(config_.host),
      map_(map_of(config_)),
      ledger_(reserved_shares(config_)),
      duty_(config_.duty),
      boot_id_(random_id(ports.rng)),
      sampling_(config_.sampling),
      reporting_(config_.reporting) {
  const auto root = http::parse_url(config_.af_uri);
  require(root.has_value());  // the configuration was checked
  origin_scheme_ = root->scheme;
  origin_authority_ = root->authority();
  path_prefix_ = root->target;
  while (path_prefix_.ends_with('/')) path_prefix_.pop_back();
}

void EnergyAgent::start() {
  reported_at_ = world_.monotonic();
  sample();
  flush();
}

// ---- measuring --------------------------------------------------------------------------------

void EnergyAgent::sample() {
  scheduler_.after(sampling_, [this] { sample(); });
  std::optional<meter::CpuTimes> times;
  if (const auto text = world_.proc_stat()) times = meter::parse_proc_stat(*text);
  auto traffic = ledger_.traffic();
  read_traffic(traffic);
  counters_.lines_unreadable += traffic.lines_unreadable;
  const bool asleep = duty_.state() == energy::LocationState::standby;
  if (const auto host = meter_.sample(world_.monotonic(), world_.zones(), times, asleep)) {
    ++counters_.samples;
    if (host->method == meter::Method::measured_rapl) ++counters_.samples_measured;
    if (host->gap != last_gap_) {
      ports_.log.event(
          host->gap == meter::Gap::none ? Level::info : Level::warn, "energy_counters",
          {{"state", meter::to_string(host->gap)}, {"method", meter::to_string(host->method)}});
      last_gap_ = host->gap;
    }
    power_w_ = host->energy_j / host->seconds;
    ledger_.add(*host, traffic);
    std::uint64_t bytes = traffic.other.bytes_tx;
    for (const auto& use : traffic.of) bytes += use.bytes_tx;
    const meter::Figures now{.power_w = power_w_,
                             .cpu_load = host->utilisation,
                             .throughput_mbps = static_cast<double>(bytes) * 8e-6 / host->seconds};
    for (auto& trigger : triggers_) {
      const auto change = trigger.look(world_.monotonic(), now);
      if (change == meter::Trigger::Change::none) continue;
      wanted_ = change == meter::Trigger::Change::crossed ? meter::Reason::threshold_crossed
                                                          : meter::Reason::threshold_cleared;
    }
  }
  do_duty();
  const auto since = world_.monotonic() - reported_at_;
  if (!reported_)
    report(meter::Reason::initial);
  else if (wanted_ && since >= spacing_)
    report(*wanted_);
  else if (since >= reporting_)
    report(meter::Reason::periodic);
}

void EnergyAgent::read_traffic(meter::Traffic& traffic) {
  world_.log(
      [&](std::string_view piece) {
        lines_.feed(piece, [&](std::string_view line) {
          const auto served = traffic.count(map_, line);
          if (!served) return;
          if (auto session = meter::session_of(served->entry, config_.session_query))
            sessions_.saw(std::move(*session), served->location, world_.monotonic());
        });
      },
      [&] { lines_.restart(); });
}

/// A file that cannot be read says nothing, and is counted: what was configured holds.
void EnergyAgent::read_supply(meter::Report& report) {
  if (config_.supply.file.empty()) return;
  const auto text = world_.supply();
  const auto read = text ? parse_supply(*text) : std::nullopt;
  if (!read) {
    ++counters_.supplies_unreadable;
    return;
  }
  report.carbon_g_per_kwh = read->carbon_g_per_kwh;
  report.renewable_ratio = read->renewable_ratio;
}

void EnergyAgent::report(meter::Reason reason) {
  auto report = ledger_.take(ports_.clock.now(), reason, duty_.state());
  if (!report) return;
  reported_ = true;
  reported_at_ = world_.monotonic();
  wanted_.reset();
  told_state_ = duty_.state();
  report->requests_active = requests_active_;
  report->revision = revision_;
  read_supply(*report);
  report->sessions = sessions_.take(config_.locations.size(), world_.monotonic());
  report->validity_s = validity_s_;
  outbox_.push(std::move(*report));
  flush();
}

// ---- standing by ------------------------------------------------------------------------------

void EnergyAgent::do_duty() {
  const auto before = duty_.state();
  if (const auto order = duty_.step(world_.monotonic(), requests_active_)) obey(*order);
  if (duty_.state() != before || duty_.state() != told_state_)
    wanted_ = meter::Reason::location_state_changed;
  if (duty_.state() == energy::LocationState::draining)
    ask_status();
  else
    requests_active_.reset();
}

void EnergyAgent::obey(meter::Order order) {
  const auto words = [&]() -> const std::vector<std::string>& {
    switch (order) {
      case meter::Order::drain: return config_.commands.drain;
      case meter::Order::standby: return config_.commands.standby;
      case meter::Order::wake: return config_.commands.wake;
    }
    std::abort();
  }();
  ports_.log.event(Level::info, "command_runs", {{"order", meter::to_string(order)}});
  world_.run(words, [this, order, alive = std::weak_ptr<bool>(alive_)](bool done, std::string why) {
    if (!alive.lock()) return;
    if (!done) ++counters_.commands_failed;
    duty_.ended(world_.monotonic(), done);
    ports_.log.event(done ? Level::info : Level::error, "command_ended",
                     {{"order", meter::to_string(order)},
                      {"state", energy::to_string(duty_.state())},
                      {"why", why}});
    if (duty_.state() == told_state_) return;
    // Nobody has to wait for the next interval to learn that a server serves again.
    wanted_ = meter::Reason::location_state_changed;
    if (world_.monotonic() - reported_at_ >= spacing_) report(*wanted_);
  });
}

void EnergyAgent::ask_status() {
  if (config_.status_url.empty() || std::exchange(asking_status_, true)) return;
  const auto url = http::parse_url(config_.status_url);
  require(url.has_value());  // the configuration was checked
  http::Request request;
  request.method = "GET";
  request.scheme = url->scheme;
  request.authority = url->authority();
  request.target = url->target;
  ports_.http.send(std::move(request), config_.deadline,
                   [this, alive = std::weak_ptr<bool>(alive_)](Result<http::Response> got) {
                     if (!alive.lock()) return;
                     asking_status_ = false;
                     requests_active_.reset();
                     if (got && got->status == 200)
                       requests_active_ = meter::parse_stub_status(got->body);
                   });
}

// ---- reporting --------------------------------------------------------------------------------

void EnergyAgent::send_with(bool renew, std::string method, std::string target, std::string body,
                            Done done) {
  http::Request request;
  request.method = std::move(method);
  request.scheme = origin_scheme_;
  request.authority = origin_authority_;
  request.target = path_prefix_ + target;
  request.headers.add("accept", "application/json");
  request.headers.add("content-type", "application/json");
  request.body = std::move(body);
  const auto guarded = [alive = std::weak_ptr<bool>(alive_),
                        done = std::move(done)](Result<http::Response> got) {
    if (alive.lock()) done(std::move(got));
  };
  if (ports_.tokens == nullptr)
    return ports_.http.send(std::move(request), config_.deadline, guarded);
  ports_.tokens->authorization(
      renew, [this, alive = std::weak_ptr<bool>(alive_), request = std::move(request),
              guarded](const Result<std::string>& value) mutable {
        if (!alive.lock()) return;
        if (!value) return guarded(fail(value.error()));
        request.headers.set("authorization", *value);
        ports_.http.send(std::move(request), config_.deadline, guarded);
      });
}

void EnergyAgent::send(std::string method, std::string target, std::string body, Done done) {
  // A token may have been withdrawn before its time: once with a new one.
  auto first = [this, method, target, body, done](Result<http::Response> got) mutable {
    if (ports_.tokens == nullptr || !got || got->status != 401) return done(std::move(got));
    send_with(true, std::move(method), std::move(target), std::move(body), std::move(done));
  };
  send_with(false, std::move(method), std::move(target), std::move(body), std::move(first));
}

void EnergyAgent::flush() {
  if (sending_ || waiting_) return;
  if (!registered_) return send_registration();
  if (outbox_.waiting() > 0) send_reports();
}

void EnergyAgent::later() {
  ++counters_.send_failures;
  waiting_ = true;
  scheduler_.after(pause_, [this] {
    waiting_ = false;
    flush();
  });
  pause_ = std::min(pause_ * 2, retry_most);
}

void EnergyAgent::send_registration() {
  sending_ = true;
  send("PUT", std::string(servers_path) + http::percent_encode(config_.as_instance_id),
       json::write(registration_of(config_, meter_.idle_w())),
       [this](const Result<http::Response>& got) { registered(got); });
}

void EnergyAgent::registered(const Result<http::Response>& response) {
  sending_ = false;
  const bool good = response && (response->status == 200 || response->status == 201);
  const auto server =
      good ? json::read<api::media_e3::ApplicationServer>(response->body)
           : Result<api::media_e3::ApplicationServer>(fail(Errc::refused, refusal_of(response)));
  if (!server) {
    ports_.log.event(Level::warn, "not_registered",
                     {{"clause", "TR 26.942 7.13.6 step 3"},
                      {"status", response ? response->status : 0},
                      {"reason", response ? server.error().detail : response.error().detail}});
    return later();
  }
  registered_ = true;
  pause_ = retry_first;
  ports_.log.event(Level::info, "registered",
                   {{"clause", "TR 26.942 7.13.6 step 3"}, {"as", config_.as_instance_id}});
  apply(server->configuration);
  flush();
}

void EnergyAgent::send_reports() {
  const auto batch = outbox_.batch();
  api::media_e3::AsEnergyReports reports;
  for (const auto& report : batch) reports.reports.push_back(message_of(config_, report, boot_id_));
  sending_ = true;
  send("POST", std::string(reports_path), json::write(reports),
       [this, count = batch.size()](const Result<http::Response>& got) { receipt(count, got); });
}

void EnergyAgent::receipt(std::size_t count, const Result<http::Response>& response) {
  sending_ = false;
  if (response && response->status == 404) {
    // It forgot us, or we are somebody else's: say again who we are.
    registered_ = false;
    outbox_.failed(count);
    return later();
  }
  if (!response || passes(response->status) || response->status < 200) {
    outbox_.failed(count);
    ports_.log.event(Level::warn, "reports_not_taken",
                     {{"waiting", static_cast<std::int64_t>(outbox_.waiting())},
                      {"status", response ? response->status : 0},
                      {"reason", response ? std::string_view("") : response.error().detail}});
    return later();
  }
  outbox_.taken(count);
  pause_ = retry_first;
  if (response->status >= 300) {
    counters_.reports_refused += count;
    ports_.log.event(Level::error, "reports_refused",
                     {{"status", response->status}, {"answer", response->body.substr(0, 500)}});
  } else {
    counters_.reports_taken += count;
    const auto read = json::read<api::media_e3::AsEnergyReportReceipt>(response->body);
    if (read && read->configuration) apply(*read->configuration);
  }
  flush();
}

void EnergyAgent::apply(const api::media_e3::EnergyReportingConfiguration& configuration) {
  duty_.want(configuration.desired_state != api::media_types::AsState::standby);
  if (configuration.revision == revision_) return;
  revision_ = configuration.revision;
  sampling_ = std::chrono::seconds{configuration.sampling_period};
  reporting_ = std::chrono::seconds{configuration.reporting_interval};
  spacing_ = std::chrono::seconds{configuration.min_report_spacing};
  validity_s_ = configuration.report_validity_time;
  ledger_.tell_apart(flows_of(config_, configuration));
  auto settings = triggers_of(configuration);
  if (settings.size() > agent_triggers_max) settings.resize(agent_triggers_max);
  // A threshold that stays what it was keeps what it knows.
  std::vector<meter::Trigger> triggers;
  for (auto& one : settings) {
    const auto kept = std::ranges::find(triggers_, one, &meter::Trigger::settings);
    triggers.push_back(kept == triggers_.end() ? meter::Trigger(std::move(one)) : *kept);
  }
  triggers_ = std::move(triggers);
  ports_.log.event(Level::info, "configured",
                   {{"revision", revision_},
                    {"reporting_s", configuration.reporting_interval},
                    {"sampling_s", configuration.sampling_period}});
}

}  // namespace lobo::app
