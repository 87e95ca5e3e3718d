// `energy_agent:` and `energy_steering:`.

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "adapters/power/command.hpp"
#include "agent/agent_config.hpp"
#include "base/quantity.hpp"
#include "base/result.hpp"
#include "config.hpp"
#include "config_read.hpp"
#include "config_section.hpp"
#include "energy/meter/access_log.hpp"
#include "energy/meter/power_model.hpp"
#include "energy/steering/plan_file.hpp"
#include "energy/steering/plan_table.hpp"
#include "steering/steer_config.hpp"
#include "wire/http/url.hpp"

namespace lobo::app {
namespace {

using namespace std::chrono_literals;
namespace meter = energy::meter;

constexpr std::size_t instance_id_bytes_max = 128;
constexpr std::uint64_t vcpus_max = 4096;

std::optional<double> parse_number(std::string_view text) {
  double value = 0;
  const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (wrong != std::errc{} || end != text.data() + text.size() || !std::isfinite(value))
    return std::nullopt;
  return value;
}

void read_af(Section& section, EnergyAgentConfig& out) {
  section.require("uri");
  if (section.text("uri", out.agent.af_uri)) check_uri(section, "uri", out.agent.af_uri);
  section.duration("deadline", 100ms, 60s, out.agent.deadline);
  section.section("tls", [&](Section& tls) { read_client_tls(tls, out.tls); });
  section.section("oauth2", [&](Section& oauth2) { read_oauth2(oauth2, out.oauth2.emplace()); });
}

void read_steering_af(Section& section, SteeringAfConfig& out) {
  section.require("uri");
  if (section.text("uri", out.uri)) check_uri(section, "uri", out.uri);
  section.duration("deadline", 100ms, 60s, out.deadline);
  section.duration("patience", 1s, 1h, out.patience);
  section.section("tls", [&](Section& tls) { read_client_tls(tls, out.tls); });
  section.section("oauth2", [&](Section& oauth2) { read_oauth2(oauth2, out.oauth2.emplace()); });
}

void read_locations(Section& section, AgentConfig& out) {
  std::set<std::string> ids;
  section.each("locations", [&](Section& location) {
    AgentLocation read;
    for (const auto key : {"id", "base_urls"}) location.require(key);
    if (location.text("id", read.id) && !energy::steering::is_location_id(read.id))
      location.complain("id", Errc::pattern, "letters, digits, '-', '_' and '.', at most 64");
    if (!ids.insert(read.id).second)
      location.complain("id", Errc::duplicate, fmt::format("{} is there already", read.id));
    location.texts("base_urls", read.base_urls);
    if (read.base_urls.size() > meter::reaches_max)
      location.complain("base_urls", Errc::too_many,
                        fmt::format("at most {} URLs", meter::reaches_max));
    for (const auto& url : read.base_urls)
      if (!http::parse_url(url))
        location.complain("base_urls", Errc::pattern,
                          fmt::format("'{}' is no absolute http or https URL", url));
    location.number("reserved", 0, 1e6, read.reserved);
    out.locations.push_back(std::move(read));
  });
  if (out.locations.size() > meter::locations_of_host_max)
    section.complain("locations", Errc::too_many,
                     fmt::format("at most {} locations", meter::locations_of_host_max));
}

/// The ladder, from the best figure that is given: a curve, two points of a line, a table.
void read_model(Section& section, meter::PowerModel& out) {
  std::vector<std::string> words;
  double idle = 0;
  double max = 0;
  std::string family = "average";
  std::uint64_t vcpus = std::max(1U, std::thread::hardware_concurrency());
  const bool curve = section.texts("curve", words);
  const bool has_max = section.number("max_w", 0, meter::watts_max, max);
  const bool has_idle = section.number("idle_w", 0, meter::watts_max, idle);
  const bool named = section.text("family", family);
  section.integer("vcpus", 1, vcpus_max, vcpus);
  const auto known = meter::vcpu_watts(family);
  if (named && !known)
    section.complain("family", Errc::not_allowed,
                     fmt::format("'{}' is none of: {}", family, meter::vcpu_families()));
  if (has_max != has_idle && !curve)
    section.complain(has_max ? "max_w" : "idle_w", Errc::missing, "idle_w and max_w go together");
  if (curve) {
    out = {.watts = {},
           .method = meter::Method::model_cpu,
           .rel_uncertainty = meter::curve_uncertainty};
    for (const auto& word : words) {
      if (const auto watts = parse_number(word))
        out.watts.push_back(*watts);
      else
        section.complain("curve", Errc::wrong_type, fmt::format("'{}' is no number", word));
    }
  } else if (has_max && has_idle) {
    out = {.watts = {idle, max},
           .method = meter::Method::model_cpu,
           .rel_uncertainty = meter::line_uncertainty};
    section.number("exponent", 1, 2, out.exponent);
  } else if (known) {
    out = meter::table_model(*known, static_cast<unsigned>(vcpus));
  }
  section.number("uncertainty", 0, 1, out.rel_uncertainty);
  if (const auto good = meter::check(out); !good)
    section.complain(curve ? "curve" : "max_w", good.error().code, good.error().detail);
}

void read_host(Section& section, AgentConfig& out) {
  auto& host = out.host;
  section.require("capacity");
  BitsPerSecond capacity{};
  if (section.bit_rate("capacity", capacity)) {
    if (capacity.count == 0) section.complain("capacity", Errc::out_of_range, "must be above 0");
    out.capacity_mbps = static_cast<double>(capacity.count) / 1e6;
  }
  section.section("model", [&](Section& model) { read_model(model, host.model); });
  double number = 0;
  section.number("rest_w", 0, meter::watts_max, host.rest_w);
  if (section.number("idle_w", 0, meter::watts_max, number)) host.idle_w = number;
  if (section.number("standby_w", 0, meter::watts_max, number)) host.standby_w = number;
  if (section.number("measured_uncertainty", 0, 1, number)) host.measured_uncertainty = number;
  section.number("zone_max_w", 1, 1e5, host.zone_w_max);
  section.number("pue", 1, 10, host.pue);
  section.text("sys", out.sys_root);
  section.text("proc", out.proc_root);
}

void read_commands(Section& section, AgentConfig& out) {
  for (auto& [key, words] :
       {std::pair<std::string_view, std::vector<std::string>*>{"drain", &out.commands.drain},
        {"standby", &out.commands.standby},
        {"wake", &out.commands.wake}}) {
    section.texts(key, *words);
    if (words->size() > adapters::power::command_words_max)
      section.complain(key, Errc::too_many,
                       fmt::format("at most {} words", adapters::power::command_words_max));
  }
  section.duration("limit", 100ms, 1h, out.commands.limit);
  std::chrono::milliseconds time = out.duty.drain_deadline;
  section.duration("drain_deadline", 0ms, 24h, time);
  out.duty.drain_deadline = std::chrono::floor<std::chrono::seconds>(time);
  time = out.duty.retry_pause;
  section.duration("retry_pause", 1s, 24h, time);
  out.duty.retry_pause = std::chrono::floor<std::chrono::seconds>(time);
  out.duty.has_drain = !out.commands.drain.empty();
  out.duty.has_standby = !out.commands.standby.empty();
  out.duty.has_wake = !out.commands.wake.empty();
  if (out.duty.has_standby != out.duty.has_wake)
    section.complain(out.duty.has_standby ? "standby" : "wake", Errc::missing,
                     "standby and wake go together: what cannot be woken is not put to sleep");
}

void read_supply(Section& section, AgentSupply& out) {
  double number = 0;
  if (section.number("carbon_g_per_kwh", 0, 5000, number)) out.carbon_g_per_kwh = number;
  if (section.number("renewable_ratio", 0, 1, number)) out.renewable_ratio = number;
  section.text("zone", out.zone);
  section.text("file", out.file);
}

}  // namespace

void read_energy_agent(Section& section, EnergyAgentConfig& out) {
  auto& agent = out.agent;
  for (const auto key : {"as_instance_id", "af", "locations", "host"}) section.require(key);
  if (section.text("as_instance_id", agent.as_instance_id) &&
      agent.as_instance_id.size() > instance_id_bytes_max)
    section.complain("as_instance_id", Errc::out_of_range, "at most 128 characters");
  section.section("af", [&](Section& af) { read_af(af, out); });
  read_locations(section, agent);
  // Where nothing is said of power, the table of an average server is better than nothing.
  agent.host.model = meter::table_model(*meter::vcpu_watts("average"),
                                        std::max(1U, std::thread::hardware_concurrency()));
  section.section("host", [&](Section& host) { read_host(host, agent); });
  section.text("access_log", agent.access_log);
  section.text("session_query", agent.session_query);
  if (section.text("status_url", agent.status_url) && !http::parse_url(agent.status_url))
    section.complain("status_url", Errc::pattern, "an absolute http or https URL is wanted");
  section.duration("sampling", 100ms, 1h, agent.sampling);
  section.duration("reporting", 1s, 24h, agent.reporting);
  section.section("commands", [&](Section& commands) { read_commands(commands, agent); });
  section.section("supply", [&](Section& supply) { read_supply(supply, agent.supply); });
}

void read_energy_steering(Section& section, EnergySteeringConfig& out) {
  auto& steer = out.steer;
  section.require("server");
  read_servers(section, "server", out.servers, true);
  section.text("plan", steer.plan);
  section.section("af", [&](Section& af) { read_steering_af(af, out.af.emplace()); });
  if (!out.af) section.require("plan");
  section.text("keys", steer.keys);
  if (section.text("path", steer.path) &&
      (!steer.path.starts_with('/') || steer.path.find_first_of("?#% \"") != std::string::npos))
    section.complain("path", Errc::pattern, "a path such as /steer is wanted");
  section.number("requests_per_second", 1, 1e9, steer.requests_per_second);
  std::chrono::milliseconds time = steer.settings.demoted_for;
  section.duration("demoted_for", 0ms, 24h, time);
  steer.settings.demoted_for = std::chrono::floor<std::chrono::seconds>(time);
  time = steer.settings.token_life;
  // Much more than any TTL, so that a session in use never gets there.
  section.duration("token_life", 2 * energy::steering::ttl_most, 24h * 365, time);
  steer.settings.token_life = std::chrono::floor<std::chrono::seconds>(time);
}

}  // namespace lobo::app
