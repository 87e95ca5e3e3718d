// `lobo impair`: a bad network for one server, in user space.
#include <fmt/format.h>
#include <signal.h>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <variant>
#include <vector>

#include "adapters/http/loop.hpp"
#include "adapters/http/server.hpp"
#include "adapters/impair/mirror.hpp"
#include "adapters/impair/proxy.hpp"
#include "adapters/udp/socket.hpp"
#include "base/result.hpp"
#include "base/text.hpp"
#include "cli.hpp"
#include "cmd_pcap.hpp"
#include "commands.hpp"
#include "endpoint_option.hpp"
#include "exit_code.hpp"
#include "impair_lines.hpp"
#include "model/address.hpp"
#include "output.hpp"
#include "ready.hpp"
#include "wire/impair/line.hpp"

namespace lobo::app {
namespace {

constexpr std::string_view what = "the bad network does not start";
constexpr std::uint64_t seconds_max = 31'536'000;

std::vector<Cell> row_of(std::string_view direction, const impair::Statistics& told) {
  const auto number = [](std::uint64_t value) { return Cell(static_cast<std::int64_t>(value)); };
  const auto ms = [](std::chrono::microseconds time) {
    return Cell(static_cast<double>(time.count()) / 1000);
  };
  const auto mean = told.delivered == 0
                        ? std::chrono::microseconds{0}
                        : told.delay_sum / static_cast<std::int64_t>(told.delivered);
  return {std::string(direction),    number(told.taken),
          number(told.lost),         number(told.dropped),
          number(told.reordered),    number(told.delivered),
          number(told.octets_taken), number(told.octets_delivered),
          ms(told.delay_min),        ms(mean),
          ms(told.delay_max)};
}

using Opened = Result<std::unique_ptr<adapters::impair::Proxy>>;

Opened open(adapters::EventLoop& loop, const Arguments& arguments, const adapters::UdpEndpoint& to,
            const ImpairLines& lines, std::uint64_t seed) {
  if (const auto own = arguments.text("mirror"); !own.empty()) {
    const auto address = model::parse_ip_address(own);
    const auto* four = address ? std::get_if<model::Ipv4Address>(&*address) : nullptr;
    const auto* peer = std::get_if<model::Ipv4Address>(&to.address);
    if (four == nullptr || peer == nullptr)
      return fail(Errc::pattern, "--mirror and --to want IPv4 addresses");
    return adapters::impair::open_mirror(loop, {.own = *four,
                                                .peer = *peer,
                                                .port = to.port,
                                                .up = lines.up,
                                                .down = lines.down,
                                                .seed = seed});
  }
  const auto at = endpoint_option("listen", arguments.text("listen"));
  if (!at) return fail(at.error());
  return adapters::impair::open_proxy(
      loop, {.at = *at, .to = to, .up = lines.up, .down = lines.down, .seed = seed});
}

Exit run_impair(const Arguments& arguments) {
  constexpr std::string_view advice = "lobo impair --help";
  const auto to = endpoint_option("to", arguments.text("to"));
  if (!to) return tell(what, to.error(), advice), Exit::usage;
  const ImpairText text = [&](std::string_view name) { return std::string(arguments.text(name)); };
  const auto lines = impair_lines(text);
  if (!lines) return tell(what, lines.error(), advice), Exit::usage;
  const auto seed = parse_decimal(arguments.text("seed"));
  if (!seed)
    return tell(what, {Errc::out_of_range, "--seed wants a whole number", {}}, advice), Exit::usage;
  const auto seconds = number_option(arguments, "seconds", 0, seconds_max);
  if (!seconds) return tell(what, seconds.error(), advice), Exit::usage;

  adapters::EventLoop loop;
  const auto proxy = open(loop, arguments, *to, *lines, *seed);
  if (!proxy)
    return tell(what, proxy.error()),
           proxy.error().code == Errc::pattern ? Exit::usage : Exit::failed;
  // Before anybody is told that it is there, and may end it.
  for (const int number : {SIGTERM, SIGINT}) loop.on_signal(number, [&loop] { loop.stop(); });
  loop.on_signal(SIGUSR1, [&proxy] { std::ignore = (*proxy)->rebind(); });
  ImpairControl control(**proxy, text);
  std::optional<adapters::HttpServer> door;
  std::string control_address;
  if (!arguments.text("control").empty()) {
    const auto where = endpoint_option("control", arguments.text("control"));
    if (!where) return tell(what, where.error(), advice), Exit::usage;
    control_address = model::to_text(where->address);
    door.emplace(loop,
                 adapters::ServerConfig{
                     .address = control_address, .port = where->port, .tls = {}, .limits = {}},
                 control);
    if (const auto listening = door->listen(); !listening)
      return tell(what, listening.error()), Exit::failed;
  }
  const auto own = (*proxy)->local();
  const bool six = own.address.index() == 1;
  const auto url =
      fmt::format("{}://{}{}{}:{}", arguments.text("mirror").empty() ? "udp" : "ip", six ? "[" : "",
                  model::to_text(own.address), six ? "]" : "", own.port);
  std::vector<std::string> urls{url};
  if (door) urls.push_back(url_of(control_address, door->port(), false));
  if (const auto told = announce_ready(urls, std::string(arguments.text("ready-file")), std::cout);
      !told)
    return tell(what, told.error()), Exit::failed;
  if (*seconds > 0) loop.after(std::chrono::seconds{*seconds}, [&loop] { loop.stop(); });
  loop.run();
  Rows rows{
      .columns = {"direction", "taken", "lost", "dropped", "reordered", "delivered", "octetsTaken",
                  "octetsDelivered", "delayMsMin", "delayMsMean", "delayMsMax"},
      .rows = {row_of("up", (*proxy)->up()), row_of("down", (*proxy)->down())}};
  print_rows(std::cout, rows, arguments.text("output"));
  return Exit::ok;
}

}  // namespace

std::vector<Verb> impair_verbs() {
  return {
      {.path = "impair",
       .summary = "a bad network in front of a server: loss, delay, jitter, reordering, rate",
       .example =
           "  lobo impair --to 127.0.0.68:4433 --loss 5 --delay 20 --jitter 5\n"
           "  lobo impair --to 127.0.0.68:4433 --rate 4000/20000 --loss 0/2 --seed 7\n"
           "  lobo impair --to 127.0.0.68:4433 --control 127.0.0.1:8061\n"
           "  curl -X PUT http://127.0.0.1:8061/line -d '{\"loss\": 5, \"delay\": 40}'\n"
           "  lobo impair --mirror 10.77.0.1 --to 10.77.0.2:8080 --loss 5 --delay 10\n"
           "The last is for any protocol, and wants CAP_NET_ADMIN: a client that connects to\n"
           "10.77.0.2:8080 reaches the server on 10.77.0.1:8080 of this machine.\n"
           "SIGUSR1 makes every client come from another port, as a NAT does that forgot it.",
       .options = {{.name = "--to", .help = "the server, ADDRESS:PORT", .required = true},
                   {.name = "--listen",
                    .help = "where clients send to; port 0: any",
                    .fallback = "127.0.0.1:0"},
                   {.name = "--mirror",
                    .help = "address of a TUN device whose peer is --to; for TCP, too"},
                   {.name = "--loss", .help = "percent that is lost, or UP/DOWN", .fallback = "0"},
                   {.name = "--loss-run",
                    .help = "how many are lost at a stretch, on average",
                    .fallback = "1"},
                   {.name = "--delay", .help = "milliseconds one way, or UP/DOWN", .fallback = "0"},
                   {.name = "--jitter",
                    .help = "milliseconds that a delay is longer or shorter at most",
                    .fallback = "0"},
                   {.name = "--reorder", .help = "percent that does not wait", .fallback = "0"},
                   {.name = "--rate", .help = "kbit/s; 0: no bound", .fallback = "0"},
                   {.name = "--queue",
                    .help = "milliseconds that a datagram waits for its turn at most",
                    .fallback = "100"},
                   {.name = "--seed", .help = "one seed, one history", .fallback = "1"},
                   {.name = "--seconds",
                    .help = "end by itself after these; 0: at Ctrl-C",
                    .fallback = "0"},
                   {.name = "--control",
                    .help = "where to listen for changes by HTTP (PUT /line); none without it"},
                   {.name = "--ready-file", .help = "where to write its address"},
                   output_option()},
       .run = run_impair}};
}

}  // namespace lobo::app
