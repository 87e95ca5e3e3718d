// How marks are written: the options that `gen`, `mark` and `convert` share.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "base/text.hpp"
#include "cli.hpp"
#include "cmd_pcap.hpp"
#include "dataplane/importance.hpp"
#include "dataplane/marker.hpp"
#include "model/pdu_set.hpp"
#include "toolbox/mark_writer.hpp"
#include "toolbox/packet_marker.hpp"
#include "wire/rtp/nal_unit.hpp"
#include "wire/rtp/packet.hpp"

namespace lobo::app {
namespace {

constexpr std::uint64_t key_id_max = 255;
constexpr std::uint64_t sid_max = 0xFFFF;
constexpr std::uint64_t counter_max = 0x7FFFFFFF;

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

}  // namespace

std::vector<Option> writing_options(std::string_view carry_fallback, bool none_too) {
  std::vector<Option> options;
  Option carry{.name = "--carry",
               .help = "what carries the mark",
               .fallback = carry_fallback,
               .choices = {"rtp-he", "udp-option"}};
  if (none_too) carry.choices.emplace_back("none");
  options.push_back(std::move(carry));
  for (Option option :
       {Option{.name = "--form",
               .help = "of the header extension, where a packet has none yet",
               .fallback = "one-byte",
               .choices = {"one-byte", "two-byte"}},
        Option{.name = "--fields",
               .help = "of the header extension, beside those that must be there",
               .fallback = "both",
               .choices = {"both", "size", "count", "none"}},
        Option{.name = "--he-id",
               .help = "identifier of the PDU Set header extension, as SDP binds it",
               .fallback = "1"},
        Option{.name = "--option-kind",
               .help = "kind of the XRM UDP option: 127 (EXP) or 10 to 126",
               .fallback = "127"},
        Option{.name = "--exid",
               .help = "ExID of the option where its kind is 127",
               .fallback = "0x5852"},
        Option{.name = "--keys", .help = "key file: the option is protected"},
        Option{.name = "--apc",
               .help = "with the option, a checksum of the user data",
               .takes = Option::Takes::nothing},
        Option{.name = "--auth",
               .help = "with the option, AUTH by this key of the key file; experimental"},
        Option{.name = "--key-id", .help = "which context of the key file; the first one"},
        Option{
            .name = "--sid", .help = "sender identifier of the protected option", .fallback = "1"},
        Option{.name = "--first-counter",
               .help = "the protected option's first CTR; never use one again under a key",
               .fallback = "0"}})
    options.push_back(std::move(option));
  return options;
}

Result<WriteSettings> write_settings(const Arguments& arguments) {
  const auto read = read_settings(arguments);
  if (!read) return fail(read.error());
  WriteSettings settings{.extension_id = read->extension_id, .option = read->option};
  const auto carry = arguments.text("carry");
  settings.carry = carry == "rtp-he"       ? Carry::rtp_extension
                   : carry == "udp-option" ? Carry::option
                                           : Carry::none;
  settings.form.preferred =
      arguments.text("form") == "two-byte" ? rtp::Form::two_byte : rtp::Form::one_byte;
  constexpr std::uint8_t one_byte_id_max = 14;  // RFC 8285 clause 4.2
  if (settings.carry == Carry::rtp_extension && settings.extension_id > one_byte_id_max &&
      settings.form.preferred == rtp::Form::one_byte)
    return fail(Errc::not_allowed, "--he-id above 14 needs --form two-byte");
  const auto fields = arguments.text("fields");
  settings.with_size = fields == "both" || fields == "size";
  settings.with_count = fields == "both" || fields == "count";
  settings.key_file = std::string(arguments.text("keys"));
  if (!settings.key_file.empty() && settings.carry != Carry::option)
    return fail(Errc::not_allowed, "--keys protects the UDP option: give --carry udp-option");
  settings.apc = arguments.given("apc");
  if (settings.apc && settings.carry != Carry::option)
    return fail(Errc::not_allowed, "--apc is a UDP option: give --carry udp-option");
  if (arguments.given("auth")) {
    const auto id = number_option(arguments, "auth", 0, key_id_max);
    if (!id) return fail(id.error());
    if (settings.key_file.empty()) return fail(Errc::missing, "--auth needs --keys");
    settings.auth_key = static_cast<std::uint8_t>(*id);
  }
  if (arguments.given("key-id")) {
    const auto id = number_option(arguments, "key-id", 0, key_id_max);
    if (!id) return fail(id.error());
    settings.key_id = static_cast<std::uint8_t>(*id);
  }
  const auto sid = number_option(arguments, "sid", 0, sid_max);
  if (!sid) return fail(sid.error());
  settings.sid = static_cast<std::uint16_t>(*sid);
  if (arguments.given("first-counter")) {
    const auto counter = number_option(arguments, "first-counter", 0, counter_max);
    if (!counter) return fail(counter.error());
    settings.first_counter = static_cast<std::uint32_t>(*counter);
  }
  return settings;
}

std::vector<Option> marker_options() {
  return {{.name = "--set",
           .help = "what a PDU Set is",
           .fallback = "frame",
           .choices = {"frame", "slice"}},
          {.name = "--importance",
           .help = "PSI of intra, predicted, reference B and other pictures; 1 is most important",
           .fallback = "1,2,4,8"}};
}

Result<dataplane::MarkerConfig> marker_config(const Arguments& arguments) {
  dataplane::MarkerConfig config;
  using SetIs = dataplane::MarkerConfig::SetIs;
  config.set_is = arguments.text("set") == "slice" ? SetIs::slice : SetIs::frame;
  const auto numbers = split(arguments.text("importance"), ',');
  auto& rule = config.importance;
  const std::array places{&rule.intra, &rule.predicted, &rule.reference_bipredicted,
                          &rule.non_reference};
  bool right = numbers.size() == places.size();
  for (std::size_t i = 0; right && i < places.size(); ++i) {
    const auto value = parse_decimal(numbers[i]);
    const auto psi =
        value ? Psi::from(static_cast<std::uint32_t>(std::min<std::uint64_t>(*value, 16)))
              : std::nullopt;
    right = psi.has_value();
    if (right) *places[i] = *psi;
  }
  if (!right) return fail(Errc::pattern, "--importance wants four numbers from 0 to 15: 1,2,4,8");
  return config;
}

std::vector<Option> stream_options() {
  return {
      {.name = "--codec",
       .help = "of the video payload types",
       .fallback = "h264",
       .choices = {"h264", "h265"}},
      {.name = "--payload-type", .help = "of the video; else every dynamic one, 96 to 127"},
      {.name = "--lone",
       .help = "payload types whose packets are PDU Sets of their own, with their PSI: 111:3,0"},
      {.name = "--port", .help = "destination ports to look at, 5004,5006; else all"}};
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

}  // namespace lobo::app
