// `lobo eas`: an application server's marking, for an application that knows nothing of it.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <iostream>
#include <memory>
#include <optional>
#include <ratio>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "base/text.hpp"
#include "cli.hpp"
#include "cmd_pcap.hpp"
#include "commands.hpp"
#include "config.hpp"
#include "config_section.hpp"
#include "dataplane/elapsed.hpp"
#include "dataplane/marker.hpp"
#include "eas_keys.hpp"
#include "eas_relay.hpp"
#include "eas_tap.hpp"
#include "endpoint_option.hpp"
#include "exit_code.hpp"
#include "live/live_marks.hpp"
#include "live/outlet.hpp"
#include "model/address.hpp"
#include "output.hpp"
#include "ready.hpp"
#include "toolbox/mark_writer.hpp"
#include "wire/xrm/aead.hpp"
#include "wire/xrm/context.hpp"
#include "wire/xrm_keys/terms.hpp"

namespace lobo::app {
namespace {

constexpr std::uint64_t patience_ms_max = 10'000;
constexpr std::uint64_t seconds_max = 31'536'000;

Result<std::vector<EasEnds>> ends_of(const Arguments& arguments) {
  const auto ins = arguments.all("in");
  const auto tos = arguments.all("to");
  if (ins.size() != tos.size())
    return fail(Errc::missing, "each --in needs a --to, in the same order");
  if (ins.size() > eas_streams_max)
    return fail(Errc::too_many, fmt::format("at most {} pairs of --in and --to", eas_streams_max));
  std::vector<EasEnds> all;
  for (std::size_t i = 0; i < ins.size(); ++i) {
    const auto in = endpoint_option("in", ins[i]);
    if (!in) return fail(in.error());
    const auto to = endpoint_option("to", tos[i]);
    if (!to) return fail(to.error());
    if (to->port == 0) return fail(Errc::out_of_range, "--to wants a port that is not 0");
    all.push_back({in->address, in->port, to->address, to->port});
  }
  return all;
}

dataplane::LookAhead look_ahead_of(std::string_view text) {
  if (text == "none") return dataplane::LookAhead::none;
  return text == "next-frame" ? dataplane::LookAhead::next_access_unit
                              : dataplane::LookAhead::pdu_set;
}

/// What a tap is nothing without, and what means nothing with it.
Result<void> check_tap(const Arguments& arguments) {
  if (!arguments.given("tap")) {
    if (!arguments.given("in"))
      return fail(Errc::missing, "give --in and --to, or --tap and --interface");
    if (arguments.given("port"))
      return fail(Errc::not_allowed, "--port goes with --tap; else --to names the port");
    return {};
  }
  if (arguments.given("in") || arguments.given("to"))
    return fail(Errc::not_allowed,
                "--tap takes what the application sends to the UE itself: leave "
                "out --in and --to");
  for (const auto* const name : {"interface", "port"})
    if (!arguments.given(name))
      return fail(Errc::missing, fmt::format("--tap needs --{}: {}", name,
                                             std::string_view(name) == "port"
                                                 ? "the destination ports whose packets are RTP"
                                                 : "the interface towards the network"));
  if (arguments.text("send") == "socket")
    return fail(Errc::not_allowed, "--tap sends frames as they came: leave out --send socket");
  return {};
}

Result<EasSettings> settings_of(const Arguments& arguments) {
  if (auto fits = check_tap(arguments); !fits) return fail(fits.error());
  const auto writing = write_settings(arguments);
  if (!writing) return fail(writing.error());
  const auto marks = mark_settings(arguments, *writing);
  if (!marks) return fail(marks.error());
  auto ends = ends_of(arguments);
  if (!ends) return fail(ends.error());
  const auto patience = number_option(arguments, "patience", 1, patience_ms_max);
  if (!patience) return fail(patience.error());
  EasSettings settings{.streams = std::move(*ends),
                       .tap = std::string(arguments.text("tap")),
                       .interface = std::string(arguments.text("interface")),
                       .writing = *writing,
                       .live = {.marks = *marks, .patience = std::chrono::milliseconds{*patience}},
                       .by_socket = arguments.text("send") == "socket",
                       .counters = std::string(arguments.text("counters"))};
  settings.live.marks.marker.look_ahead = look_ahead_of(arguments.text("look-ahead"));
  if (settings.by_socket && writing->carry != Carry::rtp_extension)
    return fail(Errc::not_allowed,
                "--send socket carries no UDP option: give --carry rtp-he, or --send packet");
  settings.tell = [](std::string_view what) { fmt::print(stderr, "lobo: {}\n", what); };
  return settings;
}

/// What --keys-by-tls is nothing without, and what means nothing without it.
constexpr std::array tls_files{"tls-cert", "tls-key", "tls-ca", "upf-name"};

Result<std::vector<xrm::Algorithm>> algorithms_of(std::string_view text) {
  std::vector<xrm::Algorithm> all;
  for (const auto name : split(text, ',')) {
    const auto algorithm = xrm::algorithm_of(name);
    if (!algorithm || std::ranges::find(all, *algorithm) != all.end())
      return fail(Errc::pattern,
                  fmt::format("--algorithm: '{}' is none of aes-128-gcm, aes-256-gcm and "
                              "chacha20-poly1305, each once",
                              name));
    all.push_back(*algorithm);
  }
  return all;
}

/// Nothing where keys do not come by TLS. Changes `settings` to wait for them where they do.
Result<std::optional<EasKeysSettings>> keys_of(const Arguments& arguments, EasSettings& settings) {
  if (!arguments.given("keys-by-tls")) {
    for (const auto* const name : tls_files)
      if (arguments.given(name))
        return fail(Errc::not_allowed, fmt::format("--{} goes with --keys-by-tls", name));
    if (arguments.given("status"))
      return fail(Errc::not_allowed, "--status goes with --keys-by-tls");
    return std::optional<EasKeysSettings>{};
  }
  if (!settings.writing.key_file.empty())
    return fail(Errc::not_allowed, "--keys and --keys-by-tls: a key comes from one of them");
  if (settings.writing.carry != Carry::option)
    return fail(Errc::not_allowed,
                "--keys-by-tls protects the UDP option: give --carry udp-option");
  for (const auto* const name : tls_files)
    if (!arguments.given(name))
      return fail(Errc::missing, fmt::format("--keys-by-tls needs --{}", name));
  const auto at = endpoint_option("keys-by-tls", arguments.text("keys-by-tls"));
  if (!at) return fail(at.error());
  const auto life = parse_duration(arguments.text("key-life"));
  if (!life || *life < xrm::key_lifetime_min || *life > xrm::key_lifetime_max)
    return fail(Errc::out_of_range, "--key-life wants a duration from 100ms to 30d, like 1h");
  auto algorithms = algorithms_of(arguments.text("algorithm"));
  if (!algorithms) return fail(algorithms.error());
  const auto streams = std::max<std::size_t>(1, settings.streams.size());  // a tap has one SID
  if (settings.writing.sid + streams - 1 > UINT16_MAX)
    return fail(Errc::out_of_range, "--sid: the streams need a SID each, up to 65535");
  const auto tag = arguments.text("tag") == "8" ? xrm::TagLength::short_ : xrm::TagLength::full;
  settings.writing.keys_come = tag;
  EasKeysSettings keys{
      .server = {.address = model::to_text(at->address),
                 .port = at->port,
                 .files = {.certificate = std::string(arguments.text("tls-cert")),
                           .key = std::string(arguments.text("tls-key")),
                           .client_ca = std::string(arguments.text("tls-ca"))},
                 .upf = std::string(arguments.text("upf-name")),
                 .keys = {.eas = {},
                          .algorithms = std::move(*algorithms),
                          .tag = tag,
                          .bind = arguments.text("bind") == "length" ? xrm::Bind::length
                                                                     : xrm::Bind::full,
                          .senders = {xrm::SenderId{settings.writing.sid},
                                      xrm::SenderId{static_cast<std::uint16_t>(
                                          settings.writing.sid + streams - 1)}},
                          .lifetime = *life}},
      .status_address = {},
      .status_port = 0,
      .tell = settings.tell};
  if (arguments.given("status")) {
    const auto status = endpoint_option("status", arguments.text("status"));
    if (!status) return fail(status.error());
    keys.status_address = model::to_text(status->address);
    keys.status_port = status->port;
    if (!is_loopback_address(keys.status_address))
      return fail(Errc::not_allowed, "--status is for loopback only");
  }
  return std::optional(std::move(keys));
}

/// What became of one stream's packets, or of a tap's.
struct Told {
  std::string in;
  std::uint64_t datagrams = 0;
  const LiveTallies* marks = nullptr;
  OutletTallies sent;
  std::uint64_t back = 0;
  bool exhausted = false;
};

void print_told(const std::vector<Told>& all, std::string_view form) {
  Rows rows{.columns = {"in", "datagrams", "marked", "sets", "left", "over_mtu", "no_place",
                        "sets_cut", "streams", "sent", "by_kernel", "dropped", "back",
                        "waited_mean_us", "waited_max_us"},
            .rows = {}};
  const auto number = [](std::uint64_t value) { return Cell(static_cast<std::int64_t>(value)); };
  const auto microseconds = [](dataplane::Elapsed time) {
    return std::chrono::duration<double, std::micro>(time).count();
  };
  for (const auto& told : all) {
    const auto& marks = *told.marks;
    const double mean =
        marks.marked == 0 ? 0 : microseconds(marks.waited) / static_cast<double>(marks.marked);
    rows.rows.push_back({told.in, number(told.datagrams), number(marks.marked), number(marks.sets),
                         number(marks.left + marks.streams_refused), number(marks.over_mtu),
                         number(marks.no_place), number(marks.sets_cut), number(marks.streams),
                         number(told.sent.sent), number(told.sent.by_kernel),
                         number(told.sent.dropped), number(told.back), Cell(mean),
                         Cell(microseconds(marks.waited_max))});
  }
  print_rows(std::cout, rows, form);
}

/// What the numbers mean for who ran it; nothing where all went well.
void advise(const std::vector<Told>& all) {
  for (const auto& told : all) {
    if (told.marks->over_mtu > 0)
      fmt::print(stderr,
                 "lobo: {}: {} packets were sent unmarked, because with its mark a packet of their "
                 "PDU Set is longer than the interface's MTU: let the application send shorter "
                 "packets (48 bytes do for any mark)\n",
                 told.in, told.marks->over_mtu);
    if (told.exhausted)
      fmt::print(stderr,
                 "lobo: {}: the key has no counters left for this sender: take another SID "
                 "or key\n",
                 told.in);
  }
}

std::vector<Told> told_of(const EasRelay& relay) {
  std::vector<Told> all;
  for (const auto& stream : relay.streams())
    all.push_back({stream->in_text(), stream->taken(), &stream->sender().marks(),
                   stream->sender().sent(), stream->taken_back(), stream->sender().exhausted()});
  return all;
}

std::vector<Told> told_of(const EasTap& tap, const EasSettings& settings) {
  const auto& marks = tap.leased().marks().tallies();
  return {{settings.tap,
           marks.packets,
           &marks,
           {.sent = tap.tallies().out, .dropped = tap.tallies().dropped},
           tap.tallies().back,
           tap.leased().exhausted()}};
}

constexpr std::string_view nothing_marked = "no stream is marked";

/// Says that all is open, unless that was all that was asked for: then nothing.
Result<bool> begin(const Arguments& arguments, std::vector<std::string> ready,
                   const EasKeys* keys) {
  if (keys != nullptr) {
    ready.push_back(keys->channel_text());
    if (const auto url = keys->status_url(); !url.empty()) ready.push_back(url);
  }
  if (arguments.given("check")) return false;
  if (const auto told = announce_ready(ready, std::string(arguments.text("ready-file")),
                                       arguments.text("output") == "table" ? std::cout : std::cerr);
      !told)
    return fail(told.error());
  return true;
}

Exit relay_streams(const Arguments& arguments, EasSettings settings, std::chrono::seconds at_most) {
  auto relay = EasRelay::open(settings);
  if (!relay && relay.error().code == Errc::forbidden && !settings.by_socket &&
      settings.writing.carry == Carry::rtp_extension) {
    settings.tell(relay.error().detail + "; a UDP socket does it for header extensions");
    settings.by_socket = true;
    relay = EasRelay::open(settings);
  }
  if (!relay) return tell(nothing_marked, relay.error());
  std::vector<std::string> ready;
  for (const auto& stream : relay->streams()) {
    ready.push_back(stream->in_text());
    fmt::print(stderr, "{} as {}\n", stream->in_text(), stream->sender().describe());
  }
  const auto begun = begin(arguments, std::move(ready), settings.keys);
  if (!begun)
    return tell(nothing_marked, begun.error(), "choose a --ready-file that can be written"),
           Exit::failed;
  if (!*begun) return Exit::ok;
  if (auto done = relay->run(at_most); !done) return tell(nothing_marked, done.error());
  const auto all = told_of(*relay);
  print_told(all, arguments.text("output"));
  advise(all);
  return Exit::ok;
}

Exit tap_interfaces(const Arguments& arguments, const EasSettings& settings,
                    std::chrono::seconds at_most) {
  auto tap = EasTap::open({.inside = settings.tap,
                           .outside = settings.interface,
                           .writing = settings.writing,
                           .live = settings.live,
                           .counters = settings.counters,
                           .keys = settings.keys,
                           .tell = settings.tell});
  if (!tap) return tell(nothing_marked, tap.error());
  fmt::print(stderr, "{}\n", (*tap)->describe());
  const auto begun = begin(arguments, {settings.tap + " " + settings.interface}, settings.keys);
  if (!begun)
    return tell(nothing_marked, begun.error(), "choose a --ready-file that can be written"),
           Exit::failed;
  if (!*begun) return Exit::ok;
  const auto done = (*tap)->run(at_most);
  const auto all = told_of(**tap, settings);
  print_told(all, arguments.text("output"));
  advise(all);
  if (const auto lost = (*tap)->lost(); !lost.empty())
    settings.tell(
        fmt::format("frames that could not pass, by reason: {} (`aggregated`: see "
                    "docs/packet-io.md, \"What the kernel leaves undone\")",
                    lost));
  return done ? Exit::ok : tell("the tap ended", done.error());
}

Exit eas(const Arguments& arguments) {
  auto settings = settings_of(arguments);
  if (!settings) return tell(nothing_marked, settings.error(), "lobo eas --help"), Exit::usage;
  const auto seconds = number_option(arguments, "seconds", 0, seconds_max);
  if (!seconds) return tell(nothing_marked, seconds.error(), "lobo eas --help"), Exit::usage;
  auto wanted = keys_of(arguments, *settings);
  if (!wanted) return tell(nothing_marked, wanted.error(), "lobo eas --help"), Exit::usage;
  std::unique_ptr<EasKeys> keys;
  if (*wanted) {
    auto opened = EasKeys::open(std::move(**wanted));
    if (!opened)
      return tell(nothing_marked, opened.error(),
                  "`lobo pki keys DIR` makes certificates for a laboratory");
    keys = std::move(*opened);
    settings->keys = keys.get();
  }
  const std::chrono::seconds at_most{*seconds};
  return settings->tap.empty() ? relay_streams(arguments, std::move(*settings), at_most)
                               : tap_interfaces(arguments, *settings, at_most);
}

}  // namespace

std::vector<Verb> eas_verbs() {
  std::vector<Option> own{
      {.name = "--in",
       .help = "where the application sends its RTP to, ADDRESS:PORT; may be given again",
       .takes = Option::Takes::values},
      {.name = "--to",
       .help = "where it goes, ADDRESS:PORT; one for each --in",
       .takes = Option::Takes::values},
      {.name = "--tap",
       .help = "instead: the application's interface; all that passes between it and --interface "
               "goes on, the RTP to --port marked"},
      {.name = "--interface", .help = "to leave by; else as the kernel routes"},
      {.name = "--send",
       .help = "frames past the kernel, or a UDP socket, which can carry header extensions only",
       .fallback = "packet",
       .choices = {"packet", "socket"}},
      {.name = "--look-ahead",
       .help = "a packet waits for the end of its PDU Set, for the next frame, or for nothing",
       .fallback = "set",
       .choices = {"set", "next-frame", "none"}},
      {.name = "--patience",
       .help = "milliseconds after which a PDU Set without end is sent as it is",
       .fallback = "100"},
      {.name = "--counters",
       .help = "with --keys: file name for the counters used; else beside the key file"},
      {.name = "--keys-by-tls",
       .help = "the option is protected by keys that the UPF agrees on here, ADDRESS:PORT"},
      {.name = "--tls-cert", .help = "our certificate; its first DNS name is who we are"},
      {.name = "--tls-key", .help = "the certificate's key"},
      {.name = "--tls-ca", .help = "who signs the UPF's certificate"},
      {.name = "--upf-name", .help = "the DNS name in the UPF's certificate"},
      {.name = "--algorithm",
       .help = "of the keys, in order of preference",
       .fallback = "aes-128-gcm"},
      {.name = "--tag", .help = "octets of a tag", .fallback = "16", .choices = {"16", "8"}},
      {.name = "--bind",
       .help = "what of the UDP header the tag covers; length: a NAPT stands between",
       .fallback = "full",
       .choices = {"full", "length"}},
      {.name = "--key-life",
       .help = "how long a key is good; the next one comes when a good half is over",
       .fallback = "1h"},
      {.name = "--status", .help = "ADDRESS:PORT on loopback for /metrics and /status/keys"},
      {.name = "--seconds", .help = "end by itself after these; 0: at Ctrl-C", .fallback = "0"},
      {.name = "--ready-file", .help = "where to write the local addresses once it listens"},
      {.name = "--check",
       .help = "open all and find the way, and end",
       .takes = Option::Takes::nothing},
      output_option()};
  auto options = joined(joined(joined(std::move(own), stream_options()), marker_options()),
                        writing_options("udp-option", false));
  // The counters are named by a file.
  std::erase_if(options, [](const Option& option) { return option.name == "--first-counter"; });
  return {{.path = "eas",
           .summary = "mark the live RTP of an unmodified application and send it on",
           .example = "  lobo eas --in 127.0.0.1:5004 --to 10.45.0.2:5004\n"
                      "  lobo eas --in 127.0.0.1:5004 --to 10.45.0.2:5004 --carry rtp-he "
                      "--look-ahead none\n"
                      "  lobo eas --tap app0 --interface net0 --port 5004",
           .options = std::move(options),
           .run = eas}};
}

}  // namespace lobo::app
