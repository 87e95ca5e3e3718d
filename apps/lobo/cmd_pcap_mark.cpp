// `lobo pcap mark` and `lobo pcap strip`: marks put into a capture, and taken out of it.
#include <fmt/format.h>

#include <cstddef>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/capture/source.hpp"
#include "base/bytes.hpp"
#include "cli.hpp"
#include "cmd_pcap.hpp"
#include "exit_code.hpp"
#include "output.hpp"
#include "toolbox/edit.hpp"
#include "toolbox/layers.hpp"
#include "toolbox/mark_stream.hpp"
#include "toolbox/mark_writer.hpp"
#include "toolbox/progress.hpp"
#include "toolbox/rewrite_capture.hpp"
#include "wire/capture/capture.hpp"
#include "wire/packet/parse.hpp"

namespace lobo::app {
namespace {

Exit mark(const Arguments& arguments) {
  constexpr std::string_view what = "nothing was marked";
  const auto writing = write_settings(arguments);
  if (!writing) return tell(what, writing.error(), "lobo pcap mark --help"), Exit::usage;
  const auto settings = mark_settings(arguments, *writing);
  if (!settings) return tell(what, settings.error(), "lobo pcap mark --help"), Exit::usage;
  auto writer = MarkWriter::create(*writing);
  if (!writer) return tell(what, writer.error());
  auto source = adapters::CaptureSource::open(std::string(arguments.text("in")));
  if (!source) return tell(what, source.error());
  auto out = open_output(arguments, {source->identity()});
  if (!out) return tell(what, out.error());

  Progress progress("mark");
  MarkStream stream(std::move(*writer), *settings, [&](const capture::Item& item, Bytes changed) {
    write_item(*out, item, changed);
  });
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
  std::vector<Option> own{input_option(), output_file_option()};
  return {{.path = "pcap mark",
           .summary = "write PDU Set marks into the video of a capture",
           .example = "  lobo pcap mark my.pcap --carry udp-option -o marked.pcap\n"
                      "  lobo pcap mark my.pcap --codec h265 --form two-byte -o marked.pcap",
           .options = joined(joined(joined(std::move(own), stream_options()), marker_options()),
                             writing_options("rtp-he", false)),
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
