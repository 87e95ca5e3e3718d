// `lobo pcap convert`, `verify`, `squeeze` and `diff`: one capture made into another, or held
// against another.
#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <iostream>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "adapters/capture/source.hpp"
#include "base/quantity.hpp"
#include "base/result.hpp"
#include "cli.hpp"
#include "cmd_pcap.hpp"
#include "dataplane/drop_reason.hpp"
#include "dataplane/set_queue.hpp"
#include "exit_code.hpp"
#include "output.hpp"
#include "toolbox/convert.hpp"
#include "toolbox/diff.hpp"
#include "toolbox/mark_writer.hpp"
#include "toolbox/squeeze.hpp"
#include "toolbox/verify.hpp"
#include "wire/capture/capture.hpp"
#include "wire/gtpu/packet.hpp"
#include "wire/rtp/nal_unit.hpp"

namespace lobo::app {
namespace {

constexpr std::uint64_t qfi_max = 63;
constexpr std::uint64_t milliseconds_max = 60000;
constexpr double rate_number_max = 1e8;

std::int64_t cell(std::uint64_t value) { return static_cast<std::int64_t>(value); }

double percent(std::uint64_t part, std::uint64_t whole) {
  constexpr double hundred = 100;
  if (whole == 0) return 0;
  const double share = hundred * static_cast<double>(part) / static_cast<double>(whole);
  constexpr double tenths = 10;
  return static_cast<double>(std::lround(share * tenths)) / tenths;
}

Exit one_input(std::string_view what) {
  return tell(what, {Errc::conflict, "standard input cannot be both captures"}), Exit::usage;
}

Result<ConvertSettings> convert_settings(const Arguments& arguments) {
  ConvertSettings settings;
  auto read = read_settings(arguments);
  if (!read) return fail(read.error());
  settings.read = std::move(*read);
  auto write = write_settings(arguments);
  if (!write) return fail(write.error());
  settings.write = std::move(*write);
  settings.write.key_file = std::string(arguments.text("write-keys"));
  const auto to = arguments.text("to");
  settings.to_n3 = to == "n3";
  settings.write.carry = to == "rtp-he"       ? Carry::rtp_extension
                         : to == "udp-option" ? Carry::option
                                              : Carry::none;
  if (!settings.write.key_file.empty() && settings.write.carry != Carry::option)
    return fail(Errc::not_allowed, "--write-keys protects the UDP option: give --to udp-option");
  const auto teid = number_option(arguments, "teid", 0, 0xFFFFFFFF);
  if (!teid) return fail(teid.error());
  settings.tunnel.teid = static_cast<std::uint32_t>(*teid);
  const auto qfi = number_option(arguments, "qfi", 0, qfi_max);
  if (!qfi) return fail(qfi.error());
  settings.tunnel.qfi = static_cast<std::uint8_t>(*qfi);
  settings.tunnel.source = std::string(arguments.text("n3-source"));
  settings.tunnel.destination = std::string(arguments.text("n3-destination"));
  settings.tunnel.container = arguments.text("container") == "0x86"
                                  ? gtpu::type_pdu_set_information_required
                                  : gtpu::type_pdu_set_information;
  settings.tunnel.keep_option = arguments.given("keep-option");
  return settings;
}

Exit convert_capture(const Arguments& arguments) {
  constexpr std::string_view what = "nothing was converted";
  const auto settings = convert_settings(arguments);
  if (!settings) return tell(what, settings.error(), "lobo pcap convert --help"), Exit::usage;
  auto source = adapters::CaptureSource::open(std::string(arguments.text("in")));
  if (!source) return tell(what, source.error());
  auto out = open_output(arguments, {source->identity()});
  if (!out) return tell(what, out.error());
  const auto done = convert(*source, *out, *settings);
  if (!done) return tell(what, done.error());
  fmt::print(stderr,
             "{} packets: {} with their mark in the new place, {} without a mark, {} left\n",
             done->packets, done->marked, done->unmarked, done->left);
  return tell_ending(*source);
}

Exit verify_captures(const Arguments& arguments) {
  constexpr std::string_view what = "not verified";
  const auto settings = read_settings(arguments);
  if (!settings) return tell(what, settings.error(), "lobo pcap verify --help"), Exit::usage;
  if (arguments.text("n6") == "-" && arguments.text("n3") == "-") return one_input(what);
  auto n6 = adapters::CaptureSource::open(std::string(arguments.text("n6")));
  if (!n6) return tell(what, n6.error());
  auto n3 = adapters::CaptureSource::open(std::string(arguments.text("n3")));
  if (!n3) return tell(what, n3.error());
  const auto result = verify(*n6, *n3, *settings);
  if (!result) return tell(what, result.error());
  Rows rows{.columns = {"what", "count", "well"}, .rows = {}};
  for (std::size_t i = 0; i < conveyances; ++i) {
    const auto one = static_cast<Conveyance>(i);
    if (result->of(one) == 0 && arguments.text("output") == "table") continue;
    const bool well = !is_wrong(one) || (one == Conveyance::lost && arguments.given("allow-loss"));
    rows.rows.push_back({std::string(to_string(one)), cell(result->of(one)), well});
  }
  print_rows(std::cout, rows, arguments.text("output"));
  const bool both = result->n6_packets > 0 && result->n3_packets > 0;
  const bool well = both && result->all_is_well(arguments.given("allow-loss"));
  if (!both)
    fmt::print(stderr, "lobo: {} has no {}\n", arguments.text(result->n6_packets > 0 ? "n3" : "n6"),
               result->n6_packets > 0 ? "G-PDU with a datagram" : "datagram outside of a tunnel");
  fmt::print(stderr, "{} datagrams on N6, {} on N3: {}\n", result->n6_packets, result->n3_packets,
             well ? "all is well" : "not all is well");
  const Exit endings = tell_ending(*n6) == Exit::ok ? tell_ending(*n3) : Exit::failed;
  return well ? endings : Exit::failed;
}

Result<SqueezeSettings> squeeze_settings(const Arguments& arguments) {
  SqueezeSettings settings;
  auto read = read_settings(arguments);
  if (!read) return fail(read.error());
  settings.read = std::move(*read);
  for (const auto policy : dataplane::policies)
    if (to_string(policy) == arguments.text("policy")) settings.policy = policy;
  const auto rate = arguments.text("rate");
  double number = 0;
  const auto [end, wrong] = std::from_chars(rate.data(), rate.data() + rate.size(), number);
  const std::string_view unit(end, static_cast<std::size_t>(rate.data() + rate.size() - end));
  constexpr double hundred = 100;
  constexpr double kilo = 1000;
  const bool sensible = wrong == std::errc{} && number > 0 && number < rate_number_max;
  if (sensible && unit == "%")
    settings.rate_share = number / hundred;
  else if (sensible && unit == "kbps")
    settings.rate = BitsPerSecond{static_cast<std::uint64_t>(number * kilo)};
  else
    return fail(Errc::pattern, fmt::format("--rate '{}': say 80% or 9600kbps", rate));
  const auto queue = number_option(arguments, "queue-ms", 1, milliseconds_max);
  if (!queue) return fail(queue.error());
  settings.queue = std::chrono::milliseconds(*queue);
  const auto budget = number_option(arguments, "psdb-ms", 0, milliseconds_max);
  if (!budget) return fail(budget.error());
  settings.budget = std::chrono::milliseconds(*budget);
  if (arguments.text("output").ends_with(".pcapng")) settings.format = capture::Format::pcapng;
  return settings;
}

Exit squeeze_capture(const Arguments& arguments) {
  constexpr std::string_view what = "nothing was squeezed";
  const auto settings = squeeze_settings(arguments);
  if (!settings) return tell(what, settings.error(), "lobo pcap squeeze --help"), Exit::usage;
  const std::string input(arguments.text("in"));
  auto source = adapters::CaptureSource::open(input);
  if (!source) return tell(what, source.error());
  auto out = open_output(arguments, {source->identity()});
  if (!out) return tell(what, out.error());
  const auto done = squeeze(input, *source, *out, *settings);
  if (!done) return tell(what, done.error());
  fmt::print(stderr, "a link of {} kbit/s with a queue of {} bytes, {}\n", done->rate.count / 1000,
             done->queue_bytes, arguments.text("policy"));
  fmt::print(stderr, "{} of {} packets passed, {} % of the bytes\n", done->passed, done->packets,
             percent(done->passed_bytes, done->bytes));
  for (std::size_t i = 0; i < done->dropped.size(); ++i)
    if (done->dropped[i].pdus > 0)
      fmt::print(stderr, "  {} dropped: {}\n", done->dropped[i].pdus,
                 to_string(static_cast<dataplane::DropReason>(i)));
  return tell_ending(*source);
}

Exit diff_captures(const Arguments& arguments) {
  if (arguments.text("a") == "-" && arguments.text("b") == "-") return one_input("not compared");
  const DiffSettings settings{
      .codec = arguments.text("codec") == "h265" ? rtp::VideoCodec::h265 : rtp::VideoCodec::h264,
      .decode = arguments.given("decode")};
  const auto found =
      diff(std::string(arguments.text("a")), std::string(arguments.text("b")), settings);
  if (!found) return tell("not compared", found.error());
  Rows rows{.columns = {"what", "count", "of", "percent"}, .rows = {}};
  const auto share = [&](std::string what, std::uint64_t part, std::uint64_t whole) {
    rows.rows.push_back({std::move(what), cell(part), cell(whole), percent(part, whole)});
  };
  share("packets that arrived", found->arrived, found->packets);
  share("bytes that arrived", found->arrived_bytes, found->bytes);
  share("pictures that arrived whole", found->pictures_whole, found->pictures);
  if (settings.decode) {
    share("pictures that can be shown", found->decodable, found->decoded);
    share("pictures that are bit-exact", found->bit_exact, found->decoded);
    share("useful bytes of those that arrived", found->useful_bytes, found->arrived_bytes);
    const auto number = [&](std::string what, double value) {
      rows.rows.push_back(
          {std::move(what), fmt::format("{:.2f}", value), std::string{}, std::string{}});
    };
    number("seconds frozen", found->frozen_seconds);
    number("longest freeze, seconds", found->longest_freeze_seconds);
    number("PSNR, dB (100: no difference)", found->psnr_db);
  }
  if (found->foreign > 0)
    share("packets that were not in the first", found->foreign, found->packets);
  print_rows(std::cout, rows, arguments.text("output"));
  if (!found->endings.empty()) fmt::print(stderr, "lobo: {}\n", found->endings);
  const bool same = found->arrived == found->packets && found->foreign == 0;
  return same && found->endings.empty() ? Exit::ok : Exit::failed;
}

std::vector<Option> convert_options() {
  std::vector<Option> own{
      input_option(),
      output_file_option(),
      {.name = "--to",
       .help = "the new carriage; n3 puts packets into G-PDUs, the others take them out",
       .required = true,
       .choices = {"rtp-he", "udp-option", "n3"}},
      {.name = "--teid", .help = "of the G-PDUs", .fallback = "1"},
      {.name = "--qfi", .help = "of the containers", .fallback = "9"},
      {.name = "--n3-source", .help = "IPv4 address of the UPF", .fallback = "192.0.2.10"},
      {.name = "--n3-destination", .help = "IPv4 address of the gNB", .fallback = "192.0.2.20"},
      {.name = "--container",
       .help = "extension header type of the PDU Set Information",
       .fallback = "0x04",
       .choices = {"0x04", "0x86"}},
      {.name = "--keep-option",
       .help = "the UDP option goes on to the UE",
       .takes = Option::Takes::nothing},
      {.name = "--write-keys", .help = "key file of the option that is written"}};
  // One option, one place: what is read and what is written share identifiers and kinds.
  auto all = joined(std::move(own), reading_options());
  for (auto& option : writing_options("rtp-he", false))
    if (option.name == "--form" || option.name == "--fields" || option.name == "--key-id" ||
        option.name == "--sid" || option.name == "--first-counter")
      all.push_back(std::move(option));
  return all;
}

}  // namespace

std::vector<Verb> pcap_compare_verbs() {
  return {{.path = "pcap convert",
           .summary = "the same marks in another carriage: header extension, UDP option, N3",
           .example = "  lobo pcap convert n6.pcap --to n3 -o n3.pcap\n"
                      "  lobo pcap convert n3.pcap --to udp-option -o n6.pcap",
           .options = convert_options(),
           .run = convert_capture},
          {.path = "pcap verify",
           .summary = "what a UPF should have told the gNB, against what it did",
           .example = "  lobo pcap verify --n6 n6.pcap --n3 n3.pcap",
           .options = joined({{.name = "--n6", .help = "captured before the UPF", .required = true},
                              {.name = "--n3", .help = "captured behind it", .required = true},
                              {.name = "--allow-loss",
                               .help = "a packet that is not on N3 is not wrong",
                               .takes = Option::Takes::nothing},
                              output_option()},
                             reading_options()),
           .run = verify_captures},
          {.path = "pcap squeeze",
           .summary = "a capture through a narrow link, by one of four policies",
           .example = "  lobo pcap squeeze n6.pcap --rate 80% --policy threshold -o b.pcap",
           .options = joined(
               {input_option(),
                output_file_option(),
                {.name = "--rate",
                 .help = "80% of what the capture offers, or 9600kbps",
                 .fallback = "80%"},
                {.name = "--policy",
                 .help = "what is dropped",
                 .fallback = "threshold",
                 .choices = {"taildrop", "psihi", "evict", "threshold"}},
                {.name = "--queue-ms",
                 .help = "length of the queue at the link's rate",
                 .fallback = "250"},
                {.name = "--psdb-ms", .help = "PDU Set delay budget; 0: none", .fallback = "270"}},
               reading_options()),
           .run = squeeze_capture},
          {.path = "pcap diff",
           .summary = "what of the video of one capture is left in another",
           .example = "  lobo pcap diff n6.pcap b.pcap --decode",
           .options = {{.name = "A", .help = "the capture before", .required = true},
                       {.name = "B", .help = "the capture after", .required = true},
                       {.name = "--codec",
                        .help = "of the video",
                        .fallback = "h264",
                        .choices = {"h264", "h265"}},
                       {.name = "--decode",
                        .help = "decode both by ffmpeg and compare the pictures",
                        .takes = Option::Takes::nothing},
                       output_option()},
           .run = diff_captures}};
}

}  // namespace lobo::app
