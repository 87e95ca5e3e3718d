// `lobo ue`: a UE of `lobo gnb`, for unmodified programs in its network namespace.
#include <fmt/format.h>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/http/loop.hpp"
#include "adapters/udp/socket.hpp"
#include "base/result.hpp"
#include "base/text.hpp"
#include "cli.hpp"
#include "cmd_pcap.hpp"
#include "commands.hpp"
#include "exit_code.hpp"
#include "model/address.hpp"
#include "output.hpp"
#include "ready.hpp"
#include "ue_link.hpp"
#include "wire/air/message.hpp"

namespace lobo::app {
namespace {

constexpr std::string_view what = "the UE does not start";
constexpr std::uint64_t seconds_max = 31'536'000;
constexpr std::uint64_t port_max = 65535;
constexpr std::uint64_t mtu_min = 576;
constexpr std::uint64_t mtu_max = 9000;

/// "10.100.9.1", "10.100.9.1:2153", "[fd00::1]:2153".
std::optional<adapters::UdpEndpoint> endpoint_of(std::string_view text) {
  if (const auto bare = model::parse_ip_address(text))
    return adapters::UdpEndpoint{*bare, air::udp_port};
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  auto host = text.substr(0, colon);
  const bool bracketed = host.starts_with('[') && host.ends_with(']');
  if (bracketed) host = host.substr(1, host.size() - 2);
  const auto address = model::parse_ip_address(host);
  const auto port = parse_decimal(text.substr(colon + 1));
  if (!address || bracketed != (address->index() == 1) || !port || *port == 0 || *port > port_max)
    return std::nullopt;
  return adapters::UdpEndpoint{*address, static_cast<std::uint16_t>(*port)};
}

Result<UeSettings> settings_of(const Arguments& arguments) {
  const auto gnb = endpoint_of(arguments.text("gnb"));
  if (!gnb)
    return fail(Errc::pattern,
                fmt::format("--gnb wants ADDRESS or ADDRESS:PORT, like 10.100.9.1:2153, not '{}'",
                            arguments.text("gnb")));
  UeSettings settings{.gnb = *gnb,
                      .name = std::string(arguments.text("name")),
                      .tun = std::string(arguments.text("tun")),
                      .mtu = std::nullopt,
                      .route = !arguments.given("no-route")};
  if (settings.name.empty() || settings.name.size() > air::name_bytes_max)
    return fail(Errc::out_of_range,
                fmt::format("--name wants 1 to {} octets", air::name_bytes_max));
  if (settings.tun.empty()) settings.tun = settings.name;
  if (arguments.given("mtu")) {
    const auto mtu = number_option(arguments, "mtu", mtu_min, mtu_max);
    if (!mtu) return fail(mtu.error());
    settings.mtu = static_cast<std::uint16_t>(*mtu);
  }
  return settings;
}

Rows rows_of(const UeSettings& settings, const UeLink& link) {
  const auto& counters = link.counters();
  const auto number = [](std::uint64_t value) { return Cell(static_cast<std::int64_t>(value)); };
  return {.columns = {"ue", "tun", "address", "down", "down_octets", "up", "up_octets", "missed",
                      "attached", "dropped", "malformed"},
          .rows = {{settings.name, settings.tun, link.address(), number(counters.down),
                    number(counters.down_octets), number(counters.up), number(counters.up_octets),
                    number(counters.missed), number(counters.attached), number(counters.dropped),
                    number(counters.malformed)}}};
}

std::string_view advice_for(Errc code) {
  if (code == Errc::forbidden)
    return "run it as root, give it the capability (setcap cap_net_admin+ep), or start it in a "
           "namespace of its own: unshare -Urn";
  return {};
}

Exit ue(const Arguments& arguments) {
  const auto settings = settings_of(arguments);
  if (!settings) return tell(what, settings.error(), "lobo ue --help"), Exit::usage;
  const auto seconds = number_option(arguments, "seconds", 0, seconds_max);
  if (!seconds) return tell(what, seconds.error(), "lobo ue --help"), Exit::usage;
  adapters::EventLoop loop;
  std::optional<Error> trouble;
  const auto stop_for = [&](Error error) {
    trouble = std::move(error);
    loop.stop();
  };
  const std::string ready_file(arguments.text("ready-file"));
  const auto opened = UeLink::open(
      loop, *settings,
      {.addressed =
           [&](const std::string& address) {
             const auto told = announce_ready({settings->tun, address}, ready_file, std::cout);
             if (!told) stop_for(told.error());
           },
       .say = [](std::string_view text) { fmt::print(stderr, "lobo: {}\n", text); },
       .trouble = stop_for});
  if (!opened) return tell(what, opened.error(), advice_for(opened.error().code)), Exit::failed;
  if (arguments.given("check")) return Exit::ok;
  for (const int number : {SIGTERM, SIGINT}) loop.on_signal(number, [&loop] { loop.stop(); });
  if (*seconds > 0) loop.after(std::chrono::seconds{*seconds}, [&loop] { loop.stop(); });
  (*opened)->start();
  loop.run();
  if (trouble) return tell("the UE ended", *trouble, advice_for(trouble->code)), Exit::failed;
  print_rows(std::cout, rows_of(*settings, **opened), arguments.text("output"));
  return Exit::ok;
}

}  // namespace

std::vector<Verb> ue_verbs() {
  return {{.path = "ue",
           .summary =
               "run a UE of `lobo gnb`: a TUN device by which unmodified programs use the network",
           .example = "  lobo ue --gnb 10.100.9.1:2153 --name ue1\n"
                      "  lobo ue --gnb 10.100.9.1 --name ue1 --tun tun7 --no-route",
           .options = {{.name = "--gnb",
                        .help = "the gNB's end of the air, ADDRESS or ADDRESS:PORT",
                        .required = true},
                       {.name = "--name", .help = "of the UE at the network", .required = true},
                       {.name = "--tun", .help = "name of the TUN device; else that of the UE"},
                       {.name = "--mtu", .help = "of the device; else what the gNB says"},
                       {.name = "--no-route",
                        .help = "no default route through the device",
                        .takes = Option::Takes::nothing},
                       {.name = "--seconds",
                        .help = "end by itself after these; 0: at Ctrl-C",
                        .fallback = "0"},
                       {.name = "--ready-file",
                        .help = "where to write device and address once it has one"},
                       {.name = "--check",
                        .help = "make the device, and end",
                        .takes = Option::Takes::nothing},
                       output_option()},
           .run = ue}};
}

}  // namespace lobo::app
