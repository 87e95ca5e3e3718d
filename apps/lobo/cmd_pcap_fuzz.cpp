// `lobo pcap fuzz`: a corpus of bad marks, and what has to be said of each.
#include <fmt/format.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/capture/sink.hpp"
#include "base/result.hpp"
#include "cli.hpp"
#include "cmd_pcap.hpp"
#include "exit_code.hpp"
#include "output.hpp"
#include "toolbox/bad_marks.hpp"
#include "toolbox/reason.hpp"
#include "wire/capture/capture.hpp"
#include "wire/capture/writer.hpp"

namespace lobo::app {
namespace {

constexpr std::chrono::seconds corpus_begin{1767225600};
constexpr std::chrono::milliseconds packet_apart{1};

class CorpusFiles {
 public:
  CorpusFiles(adapters::ByteSink& capture, adapters::ByteSink* expected, capture::Format format)
      : capture_(capture), expected_(expected), writer_(format) {}

  Result<void> packet(const BadPacket& packet) {
    ++frames_;
    const auto size =
        writer_.packet({.time = corpus_begin + packet_apart * frames_,
                        .link_type = capture::LinkType::ethernet,
                        .original_length = static_cast<std::uint32_t>(packet.frame.size()),
                        .bytes = packet.frame},
                       capture_.room(packet.frame.size() + capture::writer_room));
    if (!size) return fail(size.error());
    capture_.commit(*size);
    expect(fmt::format("{{\"frame\":{},\"case\":{},\"verdict\":\"{}\"}}\n", frames_,
                       json_quoted(packet.name), to_string(packet.verdict)));
    return {};
  }
  void expect(std::string_view line) {
    if (expected_) expected_->write(line);
  }
  std::uint64_t frames() const { return static_cast<std::uint64_t>(frames_); }

 private:
  adapters::ByteSink& capture_;
  adapters::ByteSink* expected_;
  capture::Writer writer_;
  std::int64_t frames_ = 0;
};

Result<void> write_corpus(CorpusFiles& files) {
  for (const auto& packet : bad_packets())
    if (auto done = files.packet(packet); !done) return done;
  for (const auto& set : bad_sets()) {
    for (const auto& packet : set.packets)
      if (auto done = files.packet(packet); !done) return done;
    files.expect(fmt::format("{{\"set\":{},\"source_port\":{},\"case\":{},\"verdict\":\"{}\"}}\n",
                             set.pssn, set.source_port, json_quoted(set.name),
                             set.verdict == Reason::marked ? "complete" : to_string(set.verdict)));
  }
  return {};
}

Exit fuzz(const Arguments& arguments) {
  constexpr std::string_view what = "no corpus";
  auto capture = open_output(arguments, {});
  if (!capture) return tell(what, capture.error());
  std::optional<adapters::ByteSink> expected;
  if (arguments.given("expect")) {
    if (arguments.text("expect") == "-" && arguments.text("output") == "-")
      return tell(what, {Errc::conflict, "standard output cannot have both"}), Exit::usage;
    const std::array others{capture->identity()};
    auto file = adapters::ByteSink::open(std::string(arguments.text("expect")), others);
    if (!file) return tell(what, file.error());
    expected = std::move(*file);
  }
  CorpusFiles files(*capture, expected ? &*expected : nullptr,
                    arguments.text("output").ends_with(".pcapng")
                        ? capture::Format::pcapng
                        : capture::Format::pcap_nanoseconds);
  if (auto done = write_corpus(files); !done) return tell(what, done.error());
  if (auto done = capture->close(); !done) return tell(what, done.error());
  if (expected)
    if (auto done = expected->close(); !done) return tell(what, done.error());
  fmt::print(stderr, "{} packets with known verdicts\n", files.frames());
  return Exit::ok;
}

}  // namespace

std::vector<Verb> pcap_fuzz_verbs() {
  return {{.path = "pcap fuzz",
           .summary = "a corpus of bad marks, and the verdict that each has to get",
           .example = "  lobo pcap fuzz -o bad.pcap --expect bad.json",
           .options = {output_file_option(),
                       {.name = "--expect",
                        .help = "where to write the expected verdicts, an object a line"}},
           .run = fuzz}};
}

}  // namespace lobo::app
