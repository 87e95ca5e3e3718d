// `lobo pcap`: PDU Sets in captures. What its verbs have in common.
#include "cmd_pcap.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "adapters/capture/file.hpp"
#include "adapters/capture/sink.hpp"
#include "adapters/capture/source.hpp"
#include "base/result.hpp"
#include "cli.hpp"
#include "commands.hpp"
#include "exit_code.hpp"
#include "toolbox/mark_reader.hpp"
#include "wire/udp_options/kinds.hpp"
#include "wire/xrm/metadata.hpp"
#include "wire/xrm/option.hpp"

namespace lobo::app {
namespace {

constexpr std::uint64_t extension_id_max = 255;
constexpr std::uint64_t exid_max = 0xFFFF;

Result<std::uint64_t> parse_number(std::string_view text) {
  const bool hexadecimal = text.starts_with("0x");
  const auto digits = hexadecimal ? text.substr(2) : text;
  std::uint64_t value = 0;
  const auto done =
      std::from_chars(digits.data(), digits.data() + digits.size(), value, hexadecimal ? 16 : 10);
  if (done.ec != std::errc{} || done.ptr != digits.data() + digits.size())
    return fail(Errc::malformed, fmt::format("'{}' is no whole number", text));
  return value;
}

}  // namespace

Result<std::uint64_t> number_option(const Arguments& arguments, std::string_view name,
                                    std::uint64_t least, std::uint64_t most) {
  const auto value = parse_number(arguments.text(name));
  if (!value || *value < least || *value > most)
    return fail(Errc::out_of_range, fmt::format("--{} wants a whole number from {} to {}, not '{}'",
                                                name, least, most, arguments.text(name)));
  return *value;
}

const Option& input_option() {
  static const Option option{
      .name = "IN", .help = "a capture, pcap or pcapng; - is standard input", .required = true};
  return option;
}

Option output_file_option() {
  return {.name = "-o,--output",
          .help = "the capture to write; - is standard output",
          .required = true};
}

std::vector<Option> joined(std::vector<Option> own, std::vector<Option> common) {
  for (auto& option : common) own.push_back(std::move(option));
  return own;
}

std::vector<Option> reading_options() {
  return {
      {.name = "--he-id",
       .help = "identifier of the PDU Set header extension, as SDP binds it",
       .fallback = "1"},
      {.name = "--option-kind",
       .help = "kind of the XRM UDP option: 127 (EXP) or 10 to 126",
       .fallback = "127"},
      {.name = "--exid", .help = "ExID of the option where its kind is 127", .fallback = "0x5852"},
      {.name = "--keys", .help = "key file, to open protected marks"},
      {.name = "--protected-only",
       .help = "with --keys: a clear option is refused",
       .takes = Option::Takes::nothing},
      {.name = "--strict",
       .help = "refuse the other readings of the draft",
       .takes = Option::Takes::nothing}};
}

Result<ReadSettings> read_settings(const Arguments& arguments) {
  ReadSettings settings;
  const auto id = number_option(arguments, "he-id", 1, extension_id_max);
  if (!id) return fail(id.error());
  settings.extension_id = static_cast<std::uint8_t>(*id);
  const auto kind = number_option(arguments, "option-kind", udp_options::kind_unassigned_first,
                                  udp_options::kind_exp);
  if (!kind) return fail(kind.error());
  const auto exid = number_option(arguments, "exid", 0, exid_max);
  if (!exid) return fail(exid.error());
  settings.option =
      *kind == udp_options::kind_exp
          ? xrm::OptionKind::experimental(static_cast<std::uint16_t>(*exid))
          : xrm::OptionKind::safe(static_cast<std::uint8_t>(*kind)).value_or(xrm::OptionKind{});
  settings.key_file = std::string(arguments.text("keys"));
  settings.protected_only = arguments.given("protected-only");
  if (settings.protected_only && settings.key_file.empty())
    return fail(Errc::missing, "--protected-only needs --keys");
  settings.leniency = arguments.given("strict") ? xrm::Leniency::strict : xrm::Leniency::lenient;
  return settings;
}

Result<adapters::ByteSink> open_output(const Arguments& arguments,
                                       std::vector<adapters::FileIdentity> inputs) {
  for (const std::string_view name : {"keys", "write-keys", "input"})
    if (arguments.given(name))
      inputs.push_back(adapters::identity_of_path(std::string(arguments.text(name)).c_str()));
  return adapters::ByteSink::open(std::string(arguments.text("output")), inputs);
}

Exit tell_ending(const adapters::CaptureSource& source) {
  if (source.damaged() > 0)
    fmt::print(stderr, "lobo: {} damaged blocks were passed by as they were\n", source.damaged());
  const auto wrong = source.what_is_wrong();
  if (!wrong.empty()) fmt::print(stderr, "lobo: {}\n", wrong);
  return wrong.empty() && source.damaged() == 0 ? Exit::ok : Exit::failed;
}

std::vector<Verb> pcap_verbs() {
  std::vector<Verb> all;
  for (auto&& some : {pcap_gen_verbs(), pcap_mark_verbs(), pcap_strip_verbs(), pcap_inspect_verbs(),
                      pcap_compare_verbs(), pcap_fuzz_verbs()})
    all.insert(all.end(), some.begin(), some.end());
  return all;
}

}  // namespace lobo::app
