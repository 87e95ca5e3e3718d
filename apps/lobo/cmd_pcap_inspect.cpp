// `lobo pcap inspect`: a table of packets or of PDU Sets, and an exit code that says whether all is
// well.
#include <fmt/format.h>

#include <cstdio>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/capture/sink.hpp"
#include "adapters/capture/source.hpp"
#include "base/result.hpp"
#include "cli.hpp"
#include "cmd_pcap.hpp"
#include "exit_code.hpp"
#include "output.hpp"
#include "toolbox/inspect.hpp"

namespace lobo::app {
namespace {

InspectSettings::Form form_of(std::string_view text) {
  if (text == "json") return InspectSettings::Form::json;
  return text == "csv" ? InspectSettings::Form::csv : InspectSettings::Form::table;
}

Exit inspect_capture(const Arguments& arguments) {
  constexpr std::string_view what = "not inspected";
  auto read = read_settings(arguments);
  if (!read) return tell(what, read.error(), "lobo pcap inspect --help"), Exit::usage;
  InspectSettings settings{.read = std::move(*read), .form = form_of(arguments.text("output"))};
  if (arguments.given("summary") && (arguments.given("sets") || arguments.given("wrong"))) {
    constexpr std::string_view why = "--summary has no lines: leave out --sets and --wrong";
    return tell(what, {Errc::conflict, std::string(why)}), Exit::usage;
  }
  if (arguments.given("sets")) settings.what = InspectSettings::What::sets;
  if (arguments.given("summary")) settings.what = InspectSettings::What::nothing;
  settings.wrong_only = arguments.given("wrong");

  auto source = adapters::CaptureSource::open(std::string(arguments.text("in")));
  if (!source) return tell(what, source.error());
  auto out = adapters::ByteSink::open("-");
  if (!out) return tell(what, out.error());
  const auto result = inspect(*source, *out, settings);
  if (!result) return tell(what, result.error());
  if (settings.what != InspectSettings::What::nothing) {
    fmt::print(stderr, "{}", summary_of(*result));
  } else {
    out->write(summary_of(*result, settings.form));
    if (auto done = out->flush(); !done) return tell(what, done.error());
  }
  return result->all_is_well() ? Exit::ok : Exit::failed;
}

}  // namespace

std::vector<Verb> pcap_inspect_verbs() {
  return {{.path = "pcap inspect",
           .summary = "what each packet says of its PDU Set, and whether all of it is well",
           .example = "  lobo pcap inspect n6.pcap\n"
                      "  lobo pcap inspect n6.pcap --sets -o csv\n"
                      "  tcpdump -w - -i eth0 udp | lobo pcap inspect - -o json --wrong",
           .options = joined({input_option(),
                              {.name = "--sets",
                               .help = "a line for each PDU Set instead of each packet",
                               .takes = Option::Takes::nothing},
                              {.name = "--summary",
                               .help = "no lines, only the counts, on standard output",
                               .takes = Option::Takes::nothing},
                              {.name = "--wrong",
                               .help = "only lines that say what is wrong",
                               .takes = Option::Takes::nothing},
                              output_option()},
                             reading_options()),
           .run = inspect_capture}};
}

}  // namespace lobo::app
