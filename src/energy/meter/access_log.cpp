#include "energy/meter/access_log.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/text.hpp"

namespace lobo::energy::meter {
namespace {

constexpr std::size_t words_before_uri = 7;
constexpr std::uint64_t port_max = 65535;

/// "1732300000.123" in milliseconds.
std::optional<std::uint64_t> parse_msec(std::string_view text) {
  const auto point = text.find('.');
  if (point == std::string_view::npos || text.size() - point != 4) return std::nullopt;
  const auto seconds = parse_decimal(text.substr(0, point));
  const auto rest = parse_decimal(text.substr(point + 1));
  constexpr std::uint64_t seconds_max = std::uint64_t{1} << 40U;
  if (!seconds || !rest || *seconds > seconds_max) return std::nullopt;
  return *seconds * 1000 + *rest;
}

bool covers(std::string_view prefix, std::string_view path) {
  if (!path.starts_with(prefix)) return false;
  return prefix.ends_with('/') || path.size() == prefix.size() || path[prefix.size()] == '/';
}

std::string key_of(std::string_view host, std::uint16_t port) {
  return std::string(host) + ' ' + std::to_string(port);
}

/// What is between quotes behind a space, without nginx's escapes (\xHH); empty for "-" and for
/// what is no such word.
std::string quoted_word(std::string_view text) {
  constexpr std::size_t escape_size = 4;
  if (!text.starts_with(" \"") || !text.ends_with('"') || text.size() < 4) return {};
  text = text.substr(2, text.size() - 3);
  if (text == "-") return {};
  std::string out;
  while (!text.empty()) {
    unsigned octet = 0;
    const auto digits = text.starts_with("\\x") ? text.substr(2, 2) : std::string_view{};
    if (digits.size() == 2 &&
        std::from_chars(digits.data(), digits.data() + 2, octet, 16).ptr == digits.data() + 2) {
      out += static_cast<char>(octet);
      text.remove_prefix(escape_size);
    } else {
      out += text.front();
      text.remove_prefix(1);
    }
  }
  return out;
}

/// The number behind `name` in "Reading: 0 Writing: 1 Waiting: 2".
std::optional<std::uint64_t> number_after(std::string_view text, std::string_view name) {
  const auto at = text.find(name);
  if (at == std::string_view::npos) return std::nullopt;
  auto rest = text.substr(at + name.size());
  rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
  return parse_decimal(rest.substr(0, rest.find_first_not_of("0123456789")));
}

}  // namespace

std::optional<LogEntry> parse_log_line(std::string_view line) {
  std::array<std::string_view, words_before_uri> words;
  for (auto& word : words) {
    const auto space = line.find(' ');
    if (space == std::string_view::npos || space == 0) return std::nullopt;
    word = line.substr(0, space);
    line.remove_prefix(space + 1);
  }
  const auto at = parse_msec(words[0]);
  const auto port = parse_decimal(words[2]);
  const auto status = parse_decimal(words[3]);
  const auto sent = parse_decimal(words[4]);
  const auto received = parse_decimal(words[5]);
  if (!at || !port || *port > port_max || !status || *status > 999 || !sent || !received)
    return std::nullopt;
  if (*sent > log_bytes_max || *received > log_bytes_max || line.empty()) return std::nullopt;
  const auto uri = line.substr(0, line.find(' '));
  const auto question = uri.find('?');
  return LogEntry{
      .at_ms = *at,
      .server_address = words[1],
      .server_port = static_cast<std::uint16_t>(*port),
      .status = static_cast<unsigned>(*status),
      .bytes_sent = *sent,
      .bytes_received = *received,
      .host = words[6],
      .path = uri.substr(0, question),
      .query = question == std::string_view::npos ? std::string_view{} : uri.substr(question + 1),
      .cmcd_session = quoted_word(line.substr(uri.size()))};
}

void LocationMap::add(const Reach& reach, std::size_t location) {
  by_host_[key_of(reach.host, reach.port)].push_back({reach.path, location});
}

const LocationMap::Prefix* LocationMap::among(std::string_view host, std::uint16_t port,
                                              std::string_view path) const {
  const auto found = by_host_.find(key_of(host, port));
  if (found == by_host_.end()) return nullptr;
  const Prefix* best = nullptr;
  for (const Prefix& prefix : found->second)
    if (covers(prefix.path, path) && (best == nullptr || prefix.path.size() > best->path.size()))
      best = &prefix;
  return best;
}

std::optional<std::size_t> LocationMap::find(const LogEntry& entry) const {
  const Prefix* found = among(entry.host, entry.server_port, entry.path);
  if (found == nullptr) found = among(entry.server_address, entry.server_port, entry.path);
  if (found == nullptr) return std::nullopt;
  return found->location;
}

Use& Use::operator+=(const Use& more) {
  bytes_tx += more.bytes_tx;
  bytes_rx += more.bytes_rx;
  requests += more.requests;
  errors_5xx += more.errors_5xx;
  return *this;
}

std::optional<Served> Traffic::count(const LocationMap& map, std::string_view line) {
  auto entry = parse_log_line(line);
  if (!entry) {
    ++lines_unreadable;
    return std::nullopt;
  }
  const auto location = map.find(*entry);
  const Use more{.bytes_tx = entry->bytes_sent,
                 .bytes_rx = entry->bytes_received,
                 .requests = 1,
                 .errors_5xx = entry->status >= 500 && entry->status < 600 ? 1U : 0U};
  (location && *location < of.size() ? of[*location] : other) += more;
  if (!location) return std::nullopt;
  if (*location < flows.size())
    if (const auto flow = flows[*location].find(entry->host); flow != flows[*location].end())
      flow->second += more;
  return Served{std::move(*entry), *location};
}

std::optional<std::uint64_t> parse_stub_status(std::string_view text) {
  const auto reading = number_after(text, "Reading:");
  const auto writing = number_after(text, "Writing:");
  if (!reading || !writing) return std::nullopt;
  const std::uint64_t all = *reading + *writing;
  return all > 0 ? all - 1 : 0;
}

}  // namespace lobo::energy::meter
