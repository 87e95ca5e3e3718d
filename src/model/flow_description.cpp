#include "model/flow_description.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "base/text.hpp"
#include "model/address.hpp"

namespace lobo::model {
namespace {

tl::unexpected<Error> refuse(std::string reason) {
  return fail(Errc::pattern, "This is no flow description.",
              {{Errc::pattern, "", std::move(reason)}});
}

std::optional<std::uint64_t> parse_up_to(std::string_view text, std::uint64_t most) {
  if (text.size() > 1 && text.front() == '0') return std::nullopt;
  const auto value = parse_decimal(text);
  return value && *value <= most ? value : std::nullopt;
}

std::optional<std::vector<PortRange>> parse_ports(std::string_view text) {
  std::vector<PortRange> ports;
  for (bool more = true; more;) {
    const auto comma = text.find(',');
    more = comma != std::string_view::npos;
    const auto part = text.substr(0, comma);
    if (more) text.remove_prefix(comma + 1);
    const auto dash = part.find('-');
    const auto first = parse_up_to(part.substr(0, dash), 65535);
    const auto last =
        dash == std::string_view::npos ? first : parse_up_to(part.substr(dash + 1), 65535);
    if (!first || !last || *first > *last || ports.size() == FlowDescription::ports_max)
      return std::nullopt;
    ports.push_back({static_cast<std::uint16_t>(*first), static_cast<std::uint16_t>(*last)});
  }
  return ports;
}

Result<FlowEndpoint> parse_network(std::string_view word) {
  const auto slash = word.find('/');
  const auto address = parse_ip_address(word.substr(0, slash));
  if (!address) return refuse("'" + std::string(word) + "' is no IP address, any or assigned");
  std::uint64_t length = address_bits(*address);
  if (slash != std::string_view::npos) {
    const auto given = parse_up_to(word.substr(slash + 1), length);
    if (!given) return refuse("'" + std::string(word) + "' has no valid prefix length");
    length = *given;
  }
  FlowEndpoint end;
  end.kind = FlowEndpoint::Kind::network;
  end.address = network_of(*address, static_cast<unsigned>(length));
  end.prefix_length = static_cast<std::uint8_t>(length);
  return end;
}

/// Takes words from the front of a text that begins with one, so that each step sees what is left.
struct Words {
  std::string_view left;

  /// Empty at the end.
  std::string_view front() const { return left.substr(0, left.find(' ')); }
  std::string_view next() {
    const auto word = front();
    left.remove_prefix(word.size());
    left.remove_prefix(std::min(left.find_first_not_of(' '), left.size()));
    return word;
  }
  bool take(std::string_view word) {
    if (front() != word) return false;
    next();
    return true;
  }
};

/// An address and, before `until` or the end, a list of ports.
Result<FlowEndpoint> parse_endpoint(Words& words, std::string_view name, std::string_view until) {
  const auto word = words.next();
  if (word.empty() || word == until)
    return refuse("there is no address after '" + std::string(name) + "'");
  FlowEndpoint end;
  if (word == "any") {
    end.kind = FlowEndpoint::Kind::any;
  } else if (word == "assigned") {
    end.kind = FlowEndpoint::Kind::assigned;
  } else if (auto network = parse_network(word)) {
    end = std::move(*network);
  } else {
    return network;
  }
  if (words.left.empty() || words.front() == until) return end;
  auto ports = parse_ports(words.front());
  if (!ports)
    return refuse("'" + std::string(words.front()) +
                  "' is no list of ports (no option may stand here)");
  end.ports = std::move(*ports);
  words.next();
  return end;
}

bool same_family(const FlowEndpoint& a, const FlowEndpoint& b) {
  if (a.kind != FlowEndpoint::Kind::network || b.kind != FlowEndpoint::Kind::network) return true;
  return a.address.index() == b.address.index();
}

std::string text_of(const FlowEndpoint& end) {
  std::string text;
  switch (end.kind) {
    case FlowEndpoint::Kind::any: text = "any"; break;
    case FlowEndpoint::Kind::assigned: text = "assigned"; break;
    case FlowEndpoint::Kind::network:
      text = to_text(end.address);
      if (end.prefix_length != address_bits(end.address))
        text += '/' + std::to_string(end.prefix_length);
      break;
  }
  char separator = ' ';
  for (const PortRange& range : end.ports) {
    text += separator;
    text += std::to_string(range.first);
    if (range.last != range.first) text += '-' + std::to_string(range.last);
    separator = ',';
  }
  return text;
}

}  // namespace

FlowEndpoint FlowEndpoint::host(const IpAddress& address, std::vector<PortRange> ports) {
  return {Kind::network, address, static_cast<std::uint8_t>(address_bits(address)),
          std::move(ports)};
}

// RFC 6733 clause 4.3.1: action dir proto from src [ports] to dst [ports].
Result<FlowDescription> FlowDescription::parse(std::string_view text) {
  if (text.size() > text_bytes_max)
    return refuse("it is longer than " + std::to_string(text_bytes_max) + " characters");
  if (text.starts_with(' ') || text.ends_with(' ')) return refuse("it begins or ends with a space");
  Words words{text};
  FlowDescription flow;

  if (!words.take("permit")) return refuse("it must begin with 'permit'");
  if (words.take("in")) {
    flow.direction = Direction::in;
  } else if (!words.take("out")) {
    return refuse("after 'permit' must stand 'out' or 'in'");
  }
  const auto protocol = words.next();
  if (protocol != "ip") {
    const auto number = parse_up_to(protocol, 255);
    if (!number)
      return refuse("after the direction must stand 'ip' or a protocol number up to 255");
    flow.protocol = static_cast<std::uint8_t>(*number);
  }
  if (!words.take("from")) return refuse("after the protocol must stand 'from'");
  auto from = parse_endpoint(words, "from", "to");
  if (!from) return fail(std::move(from.error()));
  if (!words.take("to")) return refuse("after the source must stand 'to'");
  auto to = parse_endpoint(words, "to", "");
  if (!to) return fail(std::move(to.error()));
  if (!words.left.empty())
    return refuse("'" + std::string(words.front()) + "': no option may stand at the end");
  if (!same_family(*from, *to)) return refuse("one end is IPv4, the other IPv6");
  flow.from = std::move(*from);
  flow.to = std::move(*to);
  return flow;
}

std::string FlowDescription::text() const {
  return fmt::format("permit {} {} from {} to {}", direction == Direction::out ? "out" : "in",
                     protocol ? std::to_string(*protocol) : "ip", text_of(from), text_of(to));
}

}  // namespace lobo::model
