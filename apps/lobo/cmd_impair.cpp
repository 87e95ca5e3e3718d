// `lobo impair`: a bad network for one server, in user space.
#include <fmt/format.h>

#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "adapters/http/loop.hpp"
#include "adapters/impair/proxy.hpp"
#include "adapters/udp/socket.hpp"
#include "base/result.hpp"
#include "base/text.hpp"
#include "cli.hpp"
#include "cmd_pcap.hpp"
#include "commands.hpp"
#include "endpoint_option.hpp"
#include "exit_code.hpp"
#include "model/address.hpp"
#include "output.hpp"
#include "ready.hpp"
#include "wire/impair/line.hpp"

namespace lobo::app {
namespace {

constexpr std::string_view what = "the bad network does not start";
constexpr double percent_max = 100;
constexpr double ms_max = 60'000;
constexpr double kbit_max = 100'000'000;
constexpr double run_max = 1000;
constexpr std::uint64_t seconds_max = 31'536'000;

/// "5" for both directions, "5/1" for up and down.
Result<std::array<double, 2>> both_ways(const Arguments& arguments, std::string_view name,
                                        double most) {
  const auto text = arguments.text(name);
  const auto slash = text.find('/');
  const std::array parts{text.substr(0, slash),
                         slash == std::string_view::npos ? text : text.substr(slash + 1)};
  std::array<double, 2> out{};
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const char* end = parts[i].data() + parts[i].size();
    const auto read = std::from_chars(parts[i].data(), end, out[i]);
    if (read.ec != std::errc{} || read.ptr != end || !std::isfinite(out[i]) || out[i] < 0 ||
        out[i] > most)
      return fail(
          Errc::out_of_range,
          fmt::format("--{} wants a number from 0 to {}, or UP/DOWN, not '{}'", name, most, text));
  }
  return out;
}

struct Both {
  impair::Settings up;
  impair::Settings down;
};

Result<Both> lines_of(const Arguments& arguments) {
  const auto loss = both_ways(arguments, "loss", percent_max);
  const auto run = both_ways(arguments, "loss-run", run_max);
  const auto delay = both_ways(arguments, "delay", ms_max);
  const auto jitter = both_ways(arguments, "jitter", ms_max);
  const auto reorder = both_ways(arguments, "reorder", percent_max);
  const auto rate = both_ways(arguments, "rate", kbit_max);
  const auto queue = both_ways(arguments, "queue", ms_max);
  for (const auto* each : {&loss, &run, &delay, &jitter, &reorder, &rate, &queue})
    if (!*each) return fail(each->error());
  const auto micros = [](double ms) { return std::chrono::microseconds{std::llround(ms * 1000)}; };
  const auto share = [](double percent) {
    return impair::PerMillion{static_cast<std::uint32_t>(std::lround(percent * 10'000))};
  };
  const auto line = [&](std::size_t i) {
    return impair::Settings{.loss = share((*loss)[i]),
                            .loss_run = static_cast<std::uint32_t>(std::lround((*run)[i])),
                            .delay = micros((*delay)[i]),
                            .jitter = micros((*jitter)[i]),
                            .reorder = share((*reorder)[i]),
                            .rate = {static_cast<std::uint64_t>(std::llround((*rate)[i] * 1000))},
                            .queue_max = micros((*queue)[i])};
  };
  return Both{line(0), line(1)};
}

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

Exit run_impair(const Arguments& arguments) {
  constexpr std::string_view advice = "lobo impair --help";
  const auto at = endpoint_option("listen", arguments.text("listen"));
  if (!at) return tell(what, at.error(), advice), Exit::usage;
  const auto to = endpoint_option("to", arguments.text("to"));
  if (!to) return tell(what, to.error(), advice), Exit::usage;
  const auto lines = lines_of(arguments);
  if (!lines) return tell(what, lines.error(), advice), Exit::usage;
  const auto seed = parse_decimal(arguments.text("seed"));
  if (!seed)
    return tell(what, {Errc::out_of_range, "--seed wants a whole number", {}}, advice), Exit::usage;
  const auto seconds = number_option(arguments, "seconds", 0, seconds_max);
  if (!seconds) return tell(what, seconds.error(), advice), Exit::usage;

  adapters::EventLoop loop;
  const auto proxy = adapters::impair::open_proxy(
      loop, {.at = *at, .to = *to, .up = lines->up, .down = lines->down, .seed = *seed});
  if (!proxy) return tell(what, proxy.error()), Exit::failed;
  // Before anybody is told that it is there, and may end it.
  for (const int number : {SIGTERM, SIGINT}) loop.on_signal(number, [&loop] { loop.stop(); });
  loop.on_signal(SIGUSR1, [&proxy] { (*proxy)->rebind(); });
  const auto own = (*proxy)->local();
  const bool six = own.address.index() == 1;
  const auto url = fmt::format("udp://{}{}{}:{}", six ? "[" : "", model::to_text(own.address),
                               six ? "]" : "", own.port);
  if (const auto told = announce_ready({url}, std::string(arguments.text("ready-file")), std::cout);
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
       .summary = "a bad network in front of a UDP server: loss, delay, jitter, reordering, rate",
       .example =
           "  lobo impair --to 127.0.0.68:4433 --loss 5 --delay 20 --jitter 5\n"
           "  lobo impair --to 127.0.0.68:4433 --rate 4000/20000 --loss 0/2 --seed 7\n"
           "SIGUSR1 makes every client come from another port, as a NAT does that forgot it.",
       .options = {{.name = "--to", .help = "the server, ADDRESS:PORT", .required = true},
                   {.name = "--listen",
                    .help = "where clients send to; port 0: any",
                    .fallback = "127.0.0.1:0"},
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
                   {.name = "--ready-file", .help = "where to write its address"},
                   output_option()},
       .run = run_impair}};
}

}  // namespace lobo::app
