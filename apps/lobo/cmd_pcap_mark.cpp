// `lobo pcap mark` and `lobo pcap strip`: marks put into a capture, and taken out of it.
#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/capture/source.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"
#include "base/text.hpp"
#include "cli.hpp"
#include "cmd_pcap.hpp"
#include "dataplane/importance.hpp"
#include "exit_code.hpp"
#include "model/pdu_set.hpp"
#include "output.hpp"
#include "toolbox/edit.hpp"
#include "toolbox/layers.hpp"
#include "toolbox/mark_stream.hpp"
#include "toolbox/mark_writer.hpp"
#include "toolbox/progress.hpp"
#include "toolbox/rewrite_capture.hpp"
#include "wire/capture/capture.hpp"
#include "wire/packet/parse.hpp"
#include "wire/rtp/nal_unit.hpp"

namespace lobo::app {
namespace {

using Treatment = dataplane::PayloadRule::Treatment;

constexpr std::uint8_t dynamic_payload_type_first = 96;
constexpr std::uint8_t dynamic_payload_type_last = 127;
constexpr std::uint64_t port_max = 65535;

/// "5004,5006": what stands between the commas; nothing of nothing.
std::vector<std::string_view> list_of(std::string_view text) {
  return text.empty() ? std::vector<std::string_view>{} : split(text, ',');
}

/// "111" or "111:3": a payload type whose packets are PDU Sets of their own, and their PSI.
Result<dataplane::PayloadRule> lone_rule(std::string_view text) {
  const auto parts = split(text, ':');
  const auto type = parse_decimal(parts.front());
  const auto psi = parts.size() == 2 ? parse_decimal(parts[1]) : std::optional<std::uint64_t>(0);
  if (parts.size() > 2 || !type || *type > dynamic_payload_type_last || !psi || *psi > 15)
    return fail(Errc::pattern, fmt::format("'{}' is no payload type with a PSI: 111:3", text));
  return dataplane::PayloadRule{.payload_type = static_cast<std::uint8_t>(*type),
                                .treatment = Treatment::lone,
                                .psi = Psi::low_bits_of(static_cast<std::uint32_t>(*psi))};
}

Result<MarkSettings> mark_settings(const Arguments& arguments, const WriteSettings& writing) {
  MarkSettings settings{
      .old_marks = {.extension_id = writing.extension_id, .kind = writing.option}};
  auto marker = marker_config(arguments);
  if (!marker) return fail(marker.error());
  settings.marker = *marker;
  const bool h264 = arguments.text("codec") == "h264";
  settings.marker.codec = h264 ? rtp::VideoCodec::h264 : rtp::VideoCodec::h265;
  for (const auto text : list_of(arguments.text("lone"))) {
    const auto rule = lone_rule(text);
    if (!rule) return fail(rule.error());
    settings.rules.push_back(*rule);
  }
  std::uint64_t first = dynamic_payload_type_first;
  std::uint64_t last = dynamic_payload_type_last;
  if (arguments.given("payload-type")) {
    const auto type = number_option(arguments, "payload-type", 0, dynamic_payload_type_last);
    if (!type) return fail(type.error());
    first = last = *type;
  }
  for (std::uint64_t type = first; type <= last; ++type)
    settings.rules.push_back({.payload_type = static_cast<std::uint8_t>(type),
                              .treatment = h264 ? Treatment::h264 : Treatment::h265});
  for (const auto text : list_of(arguments.text("port"))) {
    const auto port = parse_decimal(text);
    if (!port || *port > port_max)
      return fail(Errc::out_of_range, fmt::format("--port '{}' is no port", text));
    settings.ports.push_back(static_cast<std::uint16_t>(*port));
  }
  return settings;
}

Exit mark(const Arguments& arguments) {
  constexpr std::string_view what = "nothing was marked";
  const auto writing = write_settings(arguments);
  if (!writing) return tell(what, writing.error(), "lobo pcap mark --help"), Exit::usage;
  auto settings = mark_settings(arguments, *writing);
  if (!settings) return tell(what, settings.error(), "lobo pcap mark --help"), Exit::usage;
  auto writer = MarkWriter::create(*writing);
  if (!writer) return tell(what, writer.error());
  auto source = adapters::CaptureSource::open(std::string(arguments.text("in")));
  if (!source) return tell(what, source.error());
  auto out = open_output(arguments, {source->identity()});
  if (!out) return tell(what, out.error());

  Progress progress("mark");
  MarkStream stream(
      std::move(*writer), std::move(*settings),
      [&](const capture::Item& item, Bytes changed) { write_item(*out, item, changed); });
  while (const auto* item = source->next()) {
    stream.push(*item);
    progress.packet(*source);
    if (out->failed()) break;
  }
  stream.finish();
  if (auto done = out->close(); !done) return tell("not all was written", done.error());
  const auto& tallies = stream.tallies();
  fmt::print(stderr, "{} packets: {} marked in {} streams, {} left as they were", source->packets(),
             tallies.marked, tallies.streams, source->packets() - tallies.marked);
  if (tallies.failed > 0) fmt::print(stderr, ", of them {} had no room", tallies.failed);
  fmt::print(stderr, "\n");
  const Exit ending = tell_ending(*source);
  if (tallies.marked == 0 && ending == Exit::ok) {
    fmt::print(
        stderr,
        "lobo: no packet was marked: no RTP of the video's payload types to the ports in "
        "question; see --payload-type, --port and --codec, or `lobo pcap inspect` the input\n");
    return Exit::failed;
  }
  if (tallies.foreign_streams > 0) {
    fmt::print(stderr,
               "lobo: {} of {} video streams do not look like {}: their marks say nothing; see "
               "--codec and --payload-type\n",
               tallies.foreign_streams, tallies.video_streams, arguments.text("codec"));
    return Exit::failed;
  }
  if (!stream.writer().exhausted()) return ending;
  fmt::print(stderr,
             "lobo: the key has no counters left for this sender: take another SID or key\n");
  return Exit::failed;
}

Exit strip(const Arguments& arguments) {
  constexpr std::string_view what = "nothing was stripped";
  const auto read = read_settings(arguments);
  if (!read) return tell(what, read.error(), "lobo pcap strip --help"), Exit::usage;
  auto source = adapters::CaptureSource::open(std::string(arguments.text("in")));
  if (!source) return tell(what, source.error());
  auto out = open_output(arguments, {source->identity()});
  if (!out) return tell(what, out.error());

  const auto which = arguments.text("carry");
  const bool all = which == "all";
  MarkStripper stripper({.extension = all || which == "rtp-he",
                         .option = all || which == "udp-option",
                         .whole_surplus = arguments.given("surplus"),
                         .extension_id = read->extension_id,
                         .kind = read->option});
  Layers layers;
  InnerEditor editor;
  std::vector<std::byte> frame(frame_room);
  std::vector<std::byte> without_containers(frame_room);
  const auto stripped =
      rewrite_capture(*source, *out, "strip", [&](const capture::Packet& packet) -> Bytes {
        take_apart(packet, layers);
        std::size_t outer = 0;
        if (all || which == "n3") {
          outer = editor.without_containers(without_containers, layers);
          if (outer != 0) {
            auto rest = packet;
            rest.bytes = Bytes(without_containers).first(outer);
            take_apart(rest, layers);
          }
        }
        const std::size_t size =
            layers.whole_udp() ? editor.edit(frame, layers,
                                             [&](MutableBytes to, const packet::PacketView& inner) {
                                               return stripper.strip(to, inner);
                                             })
                               : 0;
        return size != 0 ? Bytes(frame).first(size) : Bytes(without_containers).first(outer);
      });
  if (auto done = out->close(); !done) return tell("not all was written", done.error());
  fmt::print(stderr, "{} packets: marks taken out of {}\n", source->packets(), stripped);
  return tell_ending(*source);
}

}  // namespace

std::vector<Verb> pcap_mark_verbs() {
  std::vector<Option> own{
      input_option(),
      output_file_option(),
      {.name = "--codec",
       .help = "of the video payload types",
       .fallback = "h264",
       .choices = {"h264", "h265"}},
      {.name = "--payload-type", .help = "of the video; else every dynamic one, 96 to 127"},
      {.name = "--lone",
       .help = "payload types whose packets are PDU Sets of their own, with their PSI: 111:3,0"},
      {.name = "--port", .help = "destination ports to look at, 5004,5006; else all"}};
  return {{.path = "pcap mark",
           .summary = "write PDU Set marks into the video of a capture",
           .example = "  lobo pcap mark my.pcap --carry udp-option -o marked.pcap\n"
                      "  lobo pcap mark my.pcap --codec h265 --form two-byte -o marked.pcap",
           .options =
               joined(joined(std::move(own), marker_options()), writing_options("rtp-he", false)),
           .run = mark}};
}

std::vector<Verb> pcap_strip_verbs() {
  return {{.path = "pcap strip",
           .summary = "take PDU Set marks out of a capture again",
           .example = "  lobo pcap strip marked.pcap -o plain.pcap",
           .options = {input_option(),
                       output_file_option(),
                       {.name = "--carry",
                        .help = "which marks to take out",
                        .fallback = "all",
                        .choices = {"all", "rtp-he", "udp-option", "n3"}},
                       {.name = "--surplus",
                        .help = "with the XRM option go all UDP options: the whole surplus area",
                        .takes = Option::Takes::nothing},
                       {.name = "--he-id",
                        .help = "identifier of the PDU Set header extension, as SDP binds it",
                        .fallback = "1"},
                       {.name = "--option-kind",
                        .help = "kind of the XRM UDP option: 127 (EXP) or 10 to 126",
                        .fallback = "127"},
                       {.name = "--exid",
                        .help = "ExID of the option where its kind is 127",
                        .fallback = "0x5852"}},
           .run = strip}};
}

}  // namespace lobo::app
