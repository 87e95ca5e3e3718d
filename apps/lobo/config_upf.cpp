#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.hpp"
#include "base/text.hpp"
#include "config.hpp"
#include "config_read.hpp"
#include "config_section.hpp"
#include "dataplane/n4/config.hpp"
#include "model/address.hpp"
#include "upf/upf_config.hpp"
#include "wire/gtpu/bits.hpp"
#include "wire/gtpu/packet.hpp"
#include "wire/pfcp/header.hpp"
#include "wire/xrm/aead.hpp"
#include "wire/xrm/context.hpp"
#include "wire/xrm/metadata.hpp"
#include "wire/xrm/option.hpp"
#include "wire/xrm/receiver.hpp"
#include "wire/xrm_keys/terms.hpp"

namespace lobo::app {
namespace {

using namespace std::chrono_literals;

constexpr std::uint16_t metrics_port = 9090;
constexpr std::uint64_t queues_max = 8;  ///< of each side, all of one worker
constexpr std::uint64_t retransmissions_max = 20;
constexpr std::size_t ue_networks_max = 8;
constexpr std::size_t node_id_bytes_max = 255;  // RFC 1035 clause 2.3.4
constexpr std::size_t label_bytes_max = 63;
constexpr std::uint16_t key_channel_port = 7788;
/// KeyIDs of those that name none: the upper end, where those of a key file seldom are.
constexpr std::size_t key_ids_each = 4;
constexpr std::size_t key_ids_from = 256 - key_ids_each * upf_eas_max;

bool is_name(std::string_view name) {
  if (name.empty() || name.size() > node_id_bytes_max) return false;
  return std::ranges::all_of(split(name, '.'), [](std::string_view label) {
    return !label.empty() && label.size() <= label_bytes_max &&
           label.find_first_not_of(
               "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") ==
               std::string_view::npos;
  });
}

std::vector<model::IpAddress> read_addresses(Section& section, std::string_view key) {
  std::vector<std::string> words;
  std::vector<model::IpAddress> read;
  section.texts(key, words);
  for (const auto& word : words) {
    if (const auto address = model::parse_ip_address(word))
      read.push_back(*address);
    else
      section.complain(key, Errc::pattern, fmt::format("'{}' is no IPv4 or IPv6 address", word));
  }
  return read;
}

/// At most one of each IP version.
void read_pair(Section& section, std::string_view key, std::optional<model::Ipv4Address>& v4,
               std::optional<model::Ipv6Address>& v6) {
  for (const auto& address : read_addresses(section, key)) {
    const bool four = std::holds_alternative<model::Ipv4Address>(address);
    if (four ? v4.has_value() : v6.has_value())
      section.complain(key, Errc::duplicate,
                       fmt::format("more than one IPv{} address", four ? 4 : 6));
    else if (four)
      v4 = std::get<model::Ipv4Address>(address);
    else
      v6 = std::get<model::Ipv6Address>(address);
  }
}

void read_listeners(Section& section, std::uint16_t port, std::vector<UpfListen>& out) {
  section.each("server", [&](Section& server) {
    UpfListen read{.address = model::Ipv4Address{}, .port = port};
    server.require("address");
    std::string text;
    std::uint64_t number = port;
    if (server.integer("port", 0, 65535, number)) read.port = static_cast<std::uint16_t>(number);
    if (!server.text("address", text)) return;
    const auto address = model::parse_ip_address(text);
    if (!address)
      return server.complain("address", Errc::pattern,
                             fmt::format("'{}' is no IPv4 or IPv6 address", text));
    read.address = *address;
    out.push_back(read);
  });
}

void read_pfcp(Section& section, UpfConfig& out) {
  auto& n4 = out.n4;
  section.require("server");
  read_listeners(section, pfcp::udp_port, out.pfcp);
  for (const std::size_t version : {0U, 1U})
    if (std::ranges::count(out.pfcp, version,
                           [](const UpfListen& one) { return one.address.index(); }) > 1)
      section.complain("server", Errc::duplicate, "at most one address of each IP version");
  if (section.text("node_id", n4.node_id) && !model::parse_ip_address(n4.node_id) &&
      !is_name(n4.node_id))
    section.complain("node_id", Errc::pattern,
                     fmt::format("'{}' is neither an address nor a name", n4.node_id));
  n4.control_planes = read_addresses(section, "control_planes");
  std::uint64_t number = n4.control_port;
  if (section.integer("control_port", 0, 65535, number))
    n4.control_port = static_cast<std::uint16_t>(number);
  section.duration("retransmit_after", 10ms, 60s, n4.retransmit_after);
  number = n4.retransmissions;
  if (section.integer("retransmissions", 0, retransmissions_max, number))
    n4.retransmissions = static_cast<unsigned>(number);
  section.duration("heartbeat", 50ms, 1h, n4.heartbeat_every);
  section.duration("peer_lost_after", 1s, 24h, n4.peer_lost_after);
  section.duration("answers_kept", 1s, 10min, n4.answers_kept);
  const auto patience = n4.retransmit_after * (n4.retransmissions + 1);
  if (n4.peer_lost_after < patience)
    section.complain("peer_lost_after", Errc::out_of_range,
                     fmt::format("{} ms are over before a heartbeat is given up after {} ms",
                                 n4.peer_lost_after.count(), patience.count()));
}

void read_side(Section& section, UpfSideConfig& out) {
  section.require("interface");
  section.text("interface", out.interface);
  section.text("device", out.device);
  read_pair(section, "address", out.v4, out.v6);
  read_pair(section, "gateway", out.gateway_v4, out.gateway_v6);
}

std::optional<UpfConfig::Network> parse_network(std::string_view text) {
  const auto slash = text.find('/');
  const auto address = model::parse_ip_address(text.substr(0, slash));
  if (!address) return std::nullopt;
  if (slash == std::string_view::npos) return UpfConfig::Network{*address, address_bits(*address)};
  const auto length = parse_decimal(text.substr(slash + 1));
  if (!length || *length > address_bits(*address)) return std::nullopt;
  const auto bits = static_cast<unsigned>(*length);
  return UpfConfig::Network{model::network_of(*address, bits), bits};
}

void read_ue_networks(Section& section, UpfConfig& out) {
  std::vector<std::string> words;
  section.texts("ue_networks", words);
  if (words.size() > ue_networks_max)
    return section.complain("ue_networks", Errc::out_of_range,
                            fmt::format("at most {} networks", ue_networks_max));
  for (const auto& word : words) {
    if (const auto network = parse_network(word))
      out.ue_networks.push_back(*network);
    else
      section.complain("ue_networks", Errc::pattern,
                       fmt::format("'{}' is no network such as 10.45.0.0/16", word));
  }
}

/// Decimal, or hexadecimal with 0x, as people write an ExID.
std::optional<std::uint64_t> parse_number(std::string_view text) {
  if (!text.starts_with("0x")) return parse_decimal(text);
  std::uint64_t value = 0;
  const char* const last = text.data() + text.size();
  const auto [end, wrong] = std::from_chars(text.data() + 2, last, value, 16);
  if (wrong != std::errc{} || end != last) return std::nullopt;
  return value;
}

void read_option_kind(Section& section, xrm::OptionKind& out) {
  std::uint64_t kind = out.kind();
  section.integer("option_kind", 10, 127, kind);
  std::string text;
  std::uint64_t exid = out.exid();
  if (section.text("exid", text)) {
    const auto number = parse_number(text);
    if (!number || *number > 0xFFFF)
      section.complain("exid", Errc::out_of_range, fmt::format("'{}' is no 16-bit number", text));
    else if (kind != xrm::kind_exp)
      section.complain("exid", Errc::not_allowed, "only option_kind 127 (EXP) has one");
    else
      exid = *number;
  }
  out = kind == xrm::kind_exp
            ? xrm::OptionKind::experimental(static_cast<std::uint16_t>(exid))
            : xrm::OptionKind::safe(static_cast<std::uint8_t>(kind)).value_or(out);
}

void read_marks(Section& section, UpfMarksConfig& out) {
  read_option_kind(section, out.kind);
  section.choice<xrm::Accept>("accept",
                              {{"protected_only", xrm::Accept::protected_only},
                               {"clear_and_protected", xrm::Accept::clear_and_protected}},
                              out.receiver.accept);
  section.choice<xrm::Leniency>(
      "reading", {{"lenient", xrm::Leniency::lenient}, {"strict", xrm::Leniency::strict}},
      out.receiver.leniency);
  section.text("key_file", out.key_file);
}

/// "1-64", or one number.
std::optional<std::pair<std::uint64_t, std::uint64_t>> parse_range(std::string_view text,
                                                                   std::uint64_t most) {
  const auto parts = split(text, '-');
  if (parts.size() > 2) return std::nullopt;
  const auto first = parse_decimal(parts.front());
  const auto last = parse_decimal(parts.back());
  if (!first || !last || *last < *first || *last > most) return std::nullopt;
  return std::pair{*first, *last};
}

void read_senders(Section& section, xrm::SenderRange& out) {
  std::string text;
  if (!section.text("senders", text)) return;
  const auto range = parse_range(text, 0xFFFF);
  if (!range)
    return section.complain("senders", Errc::out_of_range,
                            fmt::format("'{}' is no range of SIDs such as 1-64", text));
  out = {xrm::SenderId{static_cast<std::uint16_t>(range->first)},
         xrm::SenderId{static_cast<std::uint16_t>(range->second)}};
}

void read_key_ids(Section& section, xrm::KeyIdRange& out) {
  std::string text;
  if (!section.text("key_ids", text)) return;
  const auto range = parse_range(text, 0xFF);
  if (!range || range->second - range->first + 1 < xrm::key_ids_min)
    return section.complain("key_ids", Errc::out_of_range,
                            fmt::format("'{}' is no range of at least {} KeyIDs such as 192-195",
                                        text, xrm::key_ids_min));
  out = {xrm::KeyId{static_cast<std::uint8_t>(range->first)},
         xrm::KeyId{static_cast<std::uint8_t>(range->second)}};
}

void read_algorithms(Section& section, std::vector<xrm::Algorithm>& out) {
  std::vector<std::string> names;
  if (!section.texts("algorithms", names)) return;
  std::vector<xrm::Algorithm> read;
  for (const auto& name : names) {
    const auto algorithm = xrm::algorithm_of(name);
    if (!algorithm || std::ranges::find(read, *algorithm) != read.end())
      return section.complain("algorithms", Errc::not_allowed,
                              fmt::format("'{}': aes-128-gcm, aes-256-gcm and chacha20-poly1305 "
                                          "there are, each once",
                                          name));
    read.push_back(*algorithm);
  }
  if (read.empty()) return section.complain("algorithms", Errc::missing, "none is none");
  out = std::move(read);
}

void read_eas(Section& section, UpfKeysConfig& out) {
  UpfEasConfig eas{.keys = {}, .address = {}, .port = key_channel_port};
  const std::size_t number = out.eas.size();
  const auto first = static_cast<std::uint8_t>(key_ids_from + number * key_ids_each);
  eas.keys.key_ids = {xrm::KeyId{first},
                      xrm::KeyId{static_cast<std::uint8_t>(first + key_ids_each - 1)}};
  section.require("name");
  section.require("address");
  if (section.text("name", eas.keys.eas) &&
      (!is_name(eas.keys.eas) || eas.keys.eas.size() > xrm::eas_name_max))
    section.complain("name", Errc::pattern,
                     fmt::format("'{}' is no DNS name, as a certificate has it", eas.keys.eas));
  if (section.text("address", eas.address) && !model::parse_ip_address(eas.address))
    section.complain("address", Errc::pattern,
                     fmt::format("'{}' is no IPv4 or IPv6 address", eas.address));
  std::uint64_t port = eas.port;
  if (section.integer("port", 1, 65535, port)) eas.port = static_cast<std::uint16_t>(port);
  read_senders(section, eas.keys.senders);
  read_key_ids(section, eas.keys.key_ids);
  read_algorithms(section, eas.keys.algorithms);
  section.boolean("short_tags", eas.keys.short_tags);
  section.boolean("bind_length", eas.keys.bind_length);
  section.duration("lifetime_max", xrm::key_lifetime_min, xrm::key_lifetime_max,
                   eas.keys.lifetime_max);
  if (out.eas.size() == upf_eas_max)
    return section.complain("name", Errc::too_many,
                            fmt::format("at most {} application servers", upf_eas_max));
  out.eas.push_back(std::move(eas));
}

/// What one has no other has, and each knows what is not its own.
void check_eas(Section& section, std::vector<UpfEasConfig>& all) {
  for (std::size_t i = 0; i < all.size(); ++i)
    for (std::size_t j = 0; j < all.size(); ++j) {
      if (i == j) continue;
      const auto& mine = all[i].keys;
      const auto& its = all[j].keys;
      all[i].keys.of_others.push_back(its.senders);
      if (j > i) continue;
      if (mine.eas == its.eas)
        section.complain("eas", Errc::duplicate, fmt::format("'{}' stands twice", mine.eas));
      if (mine.key_ids.overlaps(its.key_ids))
        section.complain("eas", Errc::conflict,
                         fmt::format("'{}' and '{}' share key_ids", its.eas, mine.eas));
      if (mine.senders.first <= its.senders.last && its.senders.first <= mine.senders.last)
        section.complain("eas", Errc::conflict,
                         fmt::format("'{}' and '{}' share SIDs: of several, each wants senders of "
                                     "its own",
                                     its.eas, mine.eas));
    }
}

void read_keys(Section& section, UpfKeysConfig& out) {
  for (const auto key : {"tls", "eas"}) section.require(key);
  section.section("tls", [&](Section& tls) {
    for (const auto key : {"ca", "cert", "key"}) tls.require(key);
    tls.text("ca", out.tls.ca);
    tls.text("cert", out.tls.certificate);
    tls.text("key", out.tls.key);
  });
  section.each("eas", [&](Section& eas) { read_eas(eas, out); });
  check_eas(section, out.eas);
}

void read_gtpu(Section& section, UpfConfig& out) {
  std::uint8_t container = 0;
  if (section.choice<std::uint8_t>("set_container",
                                   {{"0x04", gtpu::type_pdu_set_information},
                                    {"0x86", gtpu::type_pdu_set_information_required}},
                                   container))
    out.set_container = container;
  gtpu::Release release{};
  if (section.choice<gtpu::Release>("release",
                                    {{"17", gtpu::Release::rel17},
                                     {"18", gtpu::Release::rel18},
                                     {"19", gtpu::Release::rel19}},
                                    release))
    out.release = release;
  section.boolean("zero_udp_checksum_over_ipv6", out.zero_udp_checksum_over_ipv6);
}

std::string_view device_name(const UpfSideConfig& side) { return split(side.device, ',').front(); }

void check_io(Section& section, const UpfConfig& config) {
  if (!config.n3.interface.empty() && config.n3.interface == config.n6.interface)
    section.complain(
        "n6", Errc::not_allowed,
        "N3 and N6 want interfaces of their own: what came from which is told by them");
  const bool devices = !config.n3.device.empty() || !config.n6.device.empty();
  if (devices && config.io != UpfIo::dpdk)
    section.complain("io", Errc::not_allowed, "a device is for io: dpdk alone");
  if (!config.n3.device.empty() && device_name(config.n3) == device_name(config.n6))
    section.complain("n6", Errc::duplicate, "N3 and N6 want devices with names of their own");
  if (config.workers > 1 && config.io != UpfIo::af_packet && config.io != UpfIo::af_packet_plain)
    section.complain("workers", Errc::not_allowed,
                     "several workers want io: af_packet or af_packet_plain, whose packets the "
                     "kernel divides by UE; the queues of others are one worker's");
  if (config.io == UpfIo::af_xdp && config.ue_networks.empty())
    section.complain("ue_networks", Errc::missing,
                     "AF_XDP has to know what to take from the kernel on N6; name the networks of "
                     "the UEs");
}

}  // namespace

void read_upf(Section& section, UpfConfig& out) {
  for (const auto key : {"pfcp", "n3", "n6"}) section.require(key);
  section.section("pfcp", [&](Section& pfcp) { read_pfcp(pfcp, out); });
  section.section("n3", [&](Section& side) { read_side(side, out.n3); });
  section.section("n6", [&](Section& side) { read_side(side, out.n6); });
  read_ue_networks(section, out);
  section.choice<UpfIo>("io",
                        {{"auto", UpfIo::automatic},
                         {"af_packet", UpfIo::af_packet},
                         {"af_packet_plain", UpfIo::af_packet_plain},
                         {"af_xdp", UpfIo::af_xdp},
                         {"dpdk", UpfIo::dpdk}},
                        out.io);
  std::uint64_t queues = out.queues;
  if (section.integer("queues", 1, queues_max, queues))
    out.queues = static_cast<std::uint32_t>(queues);
  std::uint64_t workers = out.workers;
  if (section.integer("workers", 1, upf_workers_max, workers))
    out.workers = static_cast<std::uint32_t>(workers);
  section.section("xrm", [&](Section& marks) { read_marks(marks, out.marks); });
  section.section("keys", [&](Section& keys) { read_keys(keys, out.keys); });
  section.boolean("strip_options", out.strip_options);
  section.section("gtpu", [&](Section& gtpu) { read_gtpu(gtpu, out); });
  std::chrono::milliseconds interval{};
  if (section.duration("monitoring_interval", 10ms, 60s, interval))
    out.monitoring_interval = interval;
  section.boolean("clocks_agree", out.clocks_agree);
  section.section("metrics", [&](Section& metrics) {
    read_listeners(metrics, metrics_port, out.metrics);
    for (const auto& one : out.metrics)
      if (!is_loopback_address(model::to_text(one.address)))
        metrics.complain("server", Errc::not_allowed, "metrics and status are for loopback only");
  });
  check_io(section, out);
  if (out.n4.node_id.empty() && !out.pfcp.empty())
    out.n4.node_id = model::to_text(out.pfcp.front().address);
}

}  // namespace lobo::app
