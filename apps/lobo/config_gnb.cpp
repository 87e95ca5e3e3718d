#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/quantity.hpp"
#include "base/result.hpp"
#include "base/text.hpp"
#include "config.hpp"
#include "config_read.hpp"
#include "config_section.hpp"
#include "dataplane/radio/cell.hpp"
#include "dataplane/radio/guarantee.hpp"
#include "dataplane/radio/radio.hpp"
#include "dataplane/radio/rate_trace.hpp"
#include "dataplane/set_queue.hpp"
#include "gnb/gnb_config.hpp"
#include "model/address.hpp"
#include "wire/air/message.hpp"
#include "wire/gtpu/bits.hpp"
#include "wire/gtpu/packet.hpp"

namespace lobo::app {
namespace {

using namespace std::chrono_literals;
using dataplane::CellScheduler;
using dataplane::Policy;
using std::chrono::milliseconds;

constexpr std::uint16_t metrics_port = 9090;
constexpr std::uint64_t queue_octets_min = 1500;
constexpr std::uint64_t queue_octets_max = 1ULL << 30U;
constexpr std::uint64_t teid_max = 0xFFFFFFFF;
constexpr std::uint64_t mtu_min = 576;
constexpr std::uint64_t mtu_max = 9000;
constexpr double ppm_per_percent = 10'000;
constexpr std::size_t name_bytes_max = 64;

std::optional<model::IpAddress> read_address(Section& section, std::string_view key) {
  std::string text;
  if (!section.text(key, text)) return std::nullopt;
  const auto address = model::parse_ip_address(text);
  if (!address)
    section.complain(key, Errc::pattern, fmt::format("'{}' is no IPv4 or IPv6 address", text));
  return address;
}

GnbListen read_listen(Section& section, std::uint16_t port) {
  GnbListen read{.address = model::Ipv4Address{}, .port = port};
  section.require("address");
  std::uint64_t number = port;
  if (section.integer("port", 0, 65535, number)) read.port = static_cast<std::uint16_t>(number);
  if (const auto address = read_address(section, "address")) read.address = *address;
  return read;
}

void read_name(Section& section, std::string& out) {
  if (section.text("name", out) && out.size() > name_bytes_max)
    section.complain("name", Errc::out_of_range,
                     fmt::format("a name has at most {} octets", name_bytes_max));
}

void read_link(Section& section, dataplane::RadioLink& out) {
  milliseconds delay{};
  if (section.duration("delay", 0ms, 60s, delay)) out.delay = delay;
  double loss = 0;
  if (section.number("loss_percent", 0, 100, loss))
    out.loss_ppm = static_cast<std::uint32_t>(std::llround(loss * ppm_per_percent));
}

void read_policy(Section& section, dataplane::CellConfig& out) {
  section.choice<CellScheduler>(
      "scheduler", {{"by_flow", CellScheduler::by_flow}, {"plain", CellScheduler::plain}},
      out.scheduler);
  section.choice<Policy>("policy",
                         {{"taildrop", Policy::taildrop},
                          {"psihi", Policy::psihi},
                          {"evict", Policy::evict},
                          {"threshold", Policy::threshold}},
                         out.policy);
}

void read_thresholds(Section& section, dataplane::Thresholds& out) {
  std::vector<std::string> words;
  if (!section.texts("thresholds", words)) return;
  if (words.size() != out.size())
    return section.complain("thresholds", Errc::out_of_range,
                            fmt::format("{} percentages are wanted, for PSI 0 to 15", out.size()));
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto percent = parse_decimal(words[i]);
    if (!percent || *percent > 100)
      return section.complain("thresholds", Errc::out_of_range,
                              fmt::format("'{}' is no percentage", words[i]));
    out[i] = static_cast<std::uint8_t>(*percent);
  }
}

void read_rate(Section& section, std::string_view key, BitsPerSecond& out) {
  BitsPerSecond rate = out;
  if (!section.bit_rate(key, rate)) return;
  if (rate < dataplane::cell_rate_min || rate > dataplane::cell_rate_max)
    section.complain(key, Errc::out_of_range, "a rate is between 1 Kbps and 1 Tbps");
  else
    out = rate;
}

void read_cell(Section& section, GnbConfig& out) {
  read_rate(section, "rate", out.rate);
  section.text("trace", out.trace);
  if (section.has("trace") && section.has("rate"))
    section.complain("trace", Errc::not_allowed, "either rate or trace");
  read_policy(section, out.cell);
  section.integer("queue_octets", queue_octets_min, queue_octets_max, out.cell.queue_octets);
  read_thresholds(section, out.cell.thresholds);
  milliseconds budget{};
  if (section.duration("delay_budget", 0ms, 60s, budget)) out.cell.delay_budget = budget;
  section.integer("seed", 0, 1ULL << 62U, out.seed);
}

void read_flow(Section& section, std::vector<dataplane::RadioFlow>& out) {
  dataplane::RadioFlow flow;
  section.require("qfi");
  std::uint64_t qfi = 0;
  if (section.integer("qfi", 1, dataplane::radio_qfis - 1, qfi))
    flow.qfi = static_cast<std::uint8_t>(qfi);
  if (std::ranges::find(out, flow.qfi, &dataplane::RadioFlow::qfi) != out.end())
    section.complain("qfi", Errc::duplicate, "the session has that QoS flow already");
  auto& promise = flow.promise;
  read_rate(section, "gbr", promise.guaranteed);
  milliseconds budget{};
  if (section.duration("psdb", 1ms, 60s, budget)) promise.set_delay_budget = budget;
  double rate = 0;
  if (section.number("pser", 0, 1, rate)) promise.set_error_rate = rate;
  if (section.duration("pdb", 1ms, 60s, budget)) promise.packet_delay_budget = budget;
  if (section.number("per", 0, 1, rate)) promise.packet_error_rate = rate;
  section.boolean("psihi", flow.whole_sets);
  if (promise.set_delay_budget.has_value() != promise.set_error_rate.has_value())
    section.complain(promise.set_delay_budget ? "psdb" : "pser", Errc::missing,
                     "psdb and pser go together");
  out.push_back(flow);
}

void read_session(Section& section, GnbSessionConfig& out) {
  for (const auto key : {"address", "teid", "upf", "upf_teid", "flows"}) section.require(key);
  std::vector<std::string> words;
  section.texts("address", words);
  for (const auto& word : words) {
    const auto address = model::parse_ip_address(word);
    if (!address)
      section.complain("address", Errc::pattern,
                       fmt::format("'{}' is no IPv4 or IPv6 address", word));
    else if (address->index() == 0)
      out.v4 = std::get<model::Ipv4Address>(*address);
    else
      out.v6 = std::get<model::Ipv6Address>(*address);
  }
  if (const auto upf = read_address(section, "upf")) out.upf = *upf;
  for (const auto& [key, to] :
       {std::pair{"teid", &out.teid}, std::pair{"upf_teid", &out.upf_teid}}) {
    std::uint64_t teid = 0;
    if (section.integer(key, 1, teid_max, teid)) *to = static_cast<std::uint32_t>(teid);
  }
  section.each("flows", [&](Section& flow) { read_flow(flow, out.flows); });
}

void read_ues(Section& section, GnbConfig& out) {
  section.each("ues", [&](Section& item) {
    GnbUeConfig ue{.name = {}, .link = out.link, .session = std::nullopt};
    item.require("name");
    read_name(item, ue.name);
    read_link(item, ue.link);
    item.section("session", [&](Section& session) {
      if (!out.control.empty())
        item.complain("session", Errc::not_allowed, "with control, the network tells of sessions");
      read_session(session, ue.session.emplace());
    });
    if (std::ranges::find(out.ues, ue.name, &GnbUeConfig::name) != out.ues.end())
      item.complain("name", Errc::duplicate, "another UE has that name");
    out.ues.push_back(std::move(ue));
  });
  if (out.ues.size() > dataplane::radio_ues_max)
    section.complain("ues", Errc::too_many,
                     fmt::format("at most {} UEs", dataplane::radio_ues_max));
  for (std::size_t i = 0; i < out.ues.size(); ++i)
    for (std::size_t j = i + 1; j < out.ues.size(); ++j)
      if (out.ues[i].session && out.ues[j].session &&
          out.ues[i].session->teid == out.ues[j].session->teid)
        section.complain("ues", Errc::duplicate, "two sessions have one teid");
}

void read_guarantee(Section& section, dataplane::GuaranteeConfig& out) {
  const auto read = [&section](std::string_view key, milliseconds low, dataplane::Elapsed& to) {
    milliseconds value{};
    if (section.duration(key, low, 10min, value)) to = value;
  };
  read("window", 100ms, out.window);
  read("not_held_after", 0ms, out.not_held_after);
  read("held_after", 0ms, out.held_after);
  if (out.not_held_after < out.window)
    section.complain("not_held_after", Errc::out_of_range,
                     "is less than the window: one event alone would be a breach");
}

void read_listeners(Section& section, std::uint16_t port, std::vector<GnbListen>& out) {
  section.each("server", [&](Section& server) { out.push_back(read_listen(server, port)); });
}

}  // namespace

void read_gnb(Section& section, GnbConfig& out) {
  for (const auto key : {"n3", "air", "cell"}) section.require(key);
  read_name(section, out.name);
  section.section("n3", [&](Section& n3) {
    out.n3 = read_listen(n3, gtpu::udp_port);
    n3.choice<gtpu::Release>(
        "release",
        {{"17", gtpu::Release::rel17}, {"18", gtpu::Release::rel18}, {"19", gtpu::Release::rel19}},
        out.release);
  });
  section.section("air", [&](Section& air) {
    air.require("server");
    read_listeners(air, air::udp_port, out.air);
    std::uint64_t mtu = out.mtu;
    if (air.integer("mtu", mtu_min, mtu_max, mtu)) out.mtu = static_cast<std::uint16_t>(mtu);
  });
  if (section.text("control", out.control)) check_uri(section, "control", out.control);
  section.section("cell", [&](Section& cell) { read_cell(cell, out); });
  section.section("link", [&](Section& link) { read_link(link, out.link); });
  read_ues(section, out);
  section.section("guarantee",
                  [&](Section& guarantee) { read_guarantee(guarantee, out.guarantee); });
  section.section("metrics", [&](Section& metrics) {
    read_listeners(metrics, metrics_port, out.metrics);
    for (const auto& one : out.metrics)
      if (!is_loopback_address(model::to_text(one.address)))
        metrics.complain("server", Errc::not_allowed, "metrics and status are for loopback only");
  });
  const bool somebody =
      std::ranges::any_of(out.ues, [](const GnbUeConfig& ue) { return ue.session.has_value(); });
  if (out.control.empty() && !somebody)
    section.complain("control", Errc::missing,
                     "without it no UE has a session: give one in ues[].session");
}

}  // namespace lobo::app
