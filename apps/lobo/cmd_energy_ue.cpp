// `lobo energy ue`: emulated UEs against a media AF.
#include "cmd_energy_ue.hpp"

#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <iostream>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include "adapters/crypto/system_rng.hpp"
#include "adapters/http/client.hpp"
#include "adapters/http/loop.hpp"
#include "api/media_e5.hpp"
#include "api_client.hpp"
#include "base/result.hpp"
#include "base/text.hpp"
#include "cli.hpp"
#include "config_section.hpp"
#include "energy/client/media_session.hpp"
#include "energy_ue/ue_config.hpp"
#include "energy_ue/ue_fleet.hpp"
#include "exit_code.hpp"
#include "model/bit_rate.hpp"
#include "output.hpp"
#include "ready.hpp"
#include "wire/http/url.hpp"

namespace lobo::app {
namespace {

using namespace std::chrono_literals;

/// Each waiting question has a connection of its own; media have a few that take turns.
constexpr std::size_t connections_besides = 64;
constexpr auto farewell = 500ms;  ///< for the last words of the sessions
constexpr auto duration_max = 24h;

Result<std::uint64_t> number(const Arguments& arguments, std::string_view name, std::uint64_t least,
                             std::uint64_t most) {
  const auto read = parse_decimal(arguments.text(name));
  if (!read || *read < least || *read > most)
    return fail(Errc::out_of_range,
                fmt::format("--{} wants a number from {} to {}", name, least, most));
  return *read;
}

Result<std::chrono::milliseconds> duration(const Arguments& arguments, std::string_view name,
                                           std::chrono::milliseconds least) {
  const auto read = parse_duration(arguments.text(name));
  if (!read || *read < least || *read > duration_max)
    return fail(Errc::out_of_range,
                fmt::format("--{} wants a time such as 30s, at most 24h", name));
  return *read;
}

Result<std::optional<energy::client::UeEnergyState>> energy_of(const Arguments& arguments) {
  if (!arguments.given("battery")) return std::optional<energy::client::UeEnergyState>{};
  const auto text = arguments.text("battery");
  double battery = -1;
  const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), battery);
  if (wrong != std::errc{} || end != text.data() + text.size() || !(battery >= 0 && battery <= 1))
    return fail(Errc::out_of_range, "--battery wants a number from 0 to 1");
  energy::client::UeEnergyState out;
  out.battery = battery;
  out.power_source = api::media_e5::PowerSource::battery;
  return std::optional(out);
}

energy::client::SessionKind kind_of(std::string_view word) {
  if (word == "uplink") return energy::client::SessionKind::uplink;
  return word == "rtc" ? energy::client::SessionKind::rtc : energy::client::SessionKind::downlink;
}

energy::client::Choice choice_of(std::string_view word) {
  if (word == "energy") return energy::client::Choice::energy;
  return word == "carbon" ? energy::client::Choice::carbon : energy::client::Choice::priority;
}

Result<EnergyUeConfig> config_of(const Arguments& arguments) {
  EnergyUeConfig out;
  out.session.api_root = arguments.text("server");
  out.session.provisioning_session = arguments.text("session");
  out.session.session = arguments.text("name");
  out.session.policy_reference = arguments.text("policy");
  out.session.kind = kind_of(arguments.text("kind"));
  out.session.bit_rate = arguments.text("rate");
  if (!out.session.bit_rate.empty() && !model::parse_bit_rate(out.session.bit_rate))
    return fail(Errc::pattern, "--rate wants a bit rate, such as '4 Mbps'");
  if (arguments.given("cell") != arguments.given("cell-ue"))
    return fail(Errc::missing, "--cell and --cell-ue go together");
  if (arguments.given("cell")) {
    out.cell_url = arguments.text("cell");
    while (out.cell_url.ends_with('/')) out.cell_url.pop_back();
    out.cell_url += "/netsim-control/v1/ues/" + http::percent_encode(arguments.text("cell-ue"));
  }
  out.session.user_consent = arguments.given("consent");
  out.choice = choice_of(arguments.text("choose"));
  out.moves = arguments.text("moves") == "polled" ? Moves::polled : Moves::pushed;
  out.segments = arguments.text("segments");
  if (!out.segments.empty() && out.session.kind != energy::client::SessionKind::downlink)
    return fail(Errc::not_allowed,
                "--segments goes with --kind downlink: others have no media here");
  const auto count = number(arguments, "count", 1, ues_max);
  const auto last = number(arguments, "last", 1, 0xFFFFFFFF);
  const auto segment = duration(arguments, "segment", 100ms);
  const auto within = duration(arguments, "start-within", 0ms);
  const auto energy = energy_of(arguments);
  for (const auto* wrong : {count ? nullptr : &count.error(), last ? nullptr : &last.error(),
                            segment ? nullptr : &segment.error(),
                            within ? nullptr : &within.error(), energy ? nullptr : &energy.error()})
    if (wrong != nullptr) return fail(*wrong);
  out.count = static_cast<std::size_t>(*count);
  out.last = static_cast<std::uint32_t>(*last);
  out.segment = *segment;
  out.start_within = *within;
  out.energy = *energy;
  return out;
}

Exit run(const Arguments& arguments) {
  constexpr std::string_view what = "the emulated UEs do not start";
  const auto config = config_of(arguments);
  if (!config) return tell(what, config.error(), "lobo energy ue --help"), Exit::usage;
  const auto how_long = duration(arguments, "for", 100ms);
  if (!how_long) return tell(what, how_long.error(), "lobo energy ue --help"), Exit::usage;

  adapters::EventLoop loop;
  const adapters::SystemClock clock;
  adapters::crypto::SystemRng rng;
  adapters::ClientConfig many;
  many.limits.connections_max = config->count + connections_besides;
  many.limits.waiting_max = many.limits.connections_max * 2;
  adapters::HttpClient af(loop, many);
  adapters::ClientConfig some;
  some.limits.connections_max = connections_besides;
  some.limits.waiting_max = config->count * 2;
  some.limits.body_bytes_max = std::size_t{64} << 20U;  // a segment
  adapters::HttpClient media(loop, some);
  UeFleet fleet(*config, {loop, clock, af, media, rng});
  if (const auto told = announce_ready({fmt::format("{} UEs", config->count)},
                                       std::string(arguments.text("ready-file")), std::cout);
      !told)
    return tell(what, told.error()), Exit::failed;
  std::optional<FleetReport> end;
  const auto finish = [&] {
    if (end) return;
    end = fleet.report();  // As it is now: the farewell is no part of it.
    fleet.stop();
    loop.after(farewell, [&] { loop.stop(); });
  };
  for (const int number : {SIGTERM, SIGINT}) loop.on_signal(number, finish);
  loop.after(*how_long, finish);
  fleet.start();
  loop.run();
  std::cout << end->json() << '\n' << std::flush;
  return end->playing == config->count ? Exit::ok : Exit::failed;
}

}  // namespace

Verb energy_ue_verb() {
  return {
      .path = "energy ue",
      .summary =
          "emulated UEs: media session handlers that listen to the media AF and move when told",
      .example =
          "  lobo energy ue --server http://127.0.0.65:7777 --session ID --count 1000 "
          "--segments chunk-stream0-%05d.m4s --last 45 --for 60s",
      .options =
          {{.name = "--server", .help = "the media AF", .required = true, .check = is_root_url},
           {.name = "--session", .help = "the provisioning session", .required = true},
           {.name = "--policy",
            .help = "external reference of the energy policy; else the first one"},
           {.name = "--name",
            .help = "of the media sessions; each gets a number",
            .fallback = "ue"},
           {.name = "--count", .help = "how many", .fallback = "1"},
           {.name = "--kind",
            .help = "media for downlink, signalling alone for the others",
            .fallback = "downlink",
            .choices = {"downlink", "uplink", "rtc"}},
           {.name = "--moves",
            .help = "by recommendations on E5, or by content steering",
            .fallback = "pushed",
            .choices = {"pushed", "polled"}},
           {.name = "--choose",
            .help = "how the application chooses where to begin",
            .fallback = "priority",
            .choices = {"priority", "energy", "carbon"}},
           {.name = "--rate", .help = "what a session needs, such as '4 Mbps'"},
           {.name = "--segments", .help = "below a base URL, with %d or %05d; absent: no media"},
           {.name = "--last",
            .help = "number of the last segment, then from 1 again",
            .fallback = "4294967295"},
           {.name = "--segment", .help = "how long one is", .fallback = "2s"},
           {.name = "--start-within", .help = "they begin spread over it", .fallback = "1s"},
           {.name = "--battery", .help = "0 to 1: told to the AF, which spares who must save"},
           {.name = "--cell",
            .help = "a simulated network that has them report quality by its QMC jobs",
            .check = is_root_url},
           {.name = "--cell-ue", .help = "which of its UEs they are"},
           {.name = "--consent",
            .help = "the user agrees to suspensions",
            .takes = Option::Takes::nothing},
           {.name = "--for", .help = "how long", .fallback = "30s"},
           {.name = "--ready-file", .help = "where to write a line once they begin"}},
      .run = run};
}

}  // namespace lobo::app
