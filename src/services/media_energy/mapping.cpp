#include "services/media_energy/mapping.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "wire/http/url.hpp"

namespace lobo::media_energy {

namespace {

/// Each segment decoded and encoded again, so that "%7Ea" and "~a" are one; empty segments and
/// slashes stay as they are, since a server may tell them apart.
std::optional<std::string> canonical_path(std::string_view path) {
  std::string out;
  while (!path.empty()) {
    out += '/';
    path.remove_prefix(1);
    const auto segment = path.substr(0, path.find('/'));
    const auto decoded = http::percent_decode(segment);
    if (!decoded) return std::nullopt;
    out += http::percent_encode(*decoded);
    path.remove_prefix(segment.size());
  }
  return out;
}

}  // namespace

std::optional<std::string> canonical_url(std::string_view url) {
  const auto hash = url.find('#');
  const auto parsed = http::parse_url(url.substr(0, hash));
  if (!parsed) return std::nullopt;
  const auto path = canonical_path(http::split_target(parsed->target).path);
  if (!path) return std::nullopt;
  return parsed->origin() + *path;
}

bool LocationIndex::add(std::string_view base_url, std::string_view location) {
  auto url = canonical_url(base_url);
  if (!url) return false;
  if (!url->ends_with('/')) *url += '/';
  if (bases_.size() >= bases_max && !bases_.contains(*url)) return false;
  const auto [at, fresh] = bases_.emplace(std::move(*url), std::string(location));
  return fresh || at->second == location;
}

bool LocationIndex::claim(std::string_view base_url, std::string_view location) {
  const auto held = find(base_url);
  return (!held || *held == location) && add(base_url, location);
}

std::optional<std::string_view> LocationIndex::find(std::string_view url) const {
  const auto wanted = canonical_url(url);
  if (!wanted) return std::nullopt;
  std::string key = *wanted;
  if (!key.ends_with('/')) key += '/';
  // From the whole path upwards, one segment less each time: as many look-ups as there are
  // segments.
  const auto origin_end = key.find('/', key.find("://") + 3);
  while (true) {
    if (const auto found = bases_.find(key); found != bases_.end()) return found->second;
    if (key.size() <= origin_end + 1) return std::nullopt;
    key.pop_back();
    key.resize(key.rfind('/') + 1);
  }
}

std::optional<std::string_view> LocationIndex::at_authority(std::string_view authority) const {
  std::optional<std::string_view> out;
  for (const std::string_view scheme : {"https://", "http://"}) {
    const auto origin = canonical_url(std::string(scheme) + std::string(authority));
    if (!origin) continue;
    std::size_t looked = 0;
    for (auto at = bases_.lower_bound(*origin); at != bases_.end(); ++at) {
      if (!at->first.starts_with(*origin)) break;
      if (++looked > bases_of_host_max || (out && *out != at->second)) return std::nullopt;
      out = at->second;
    }
  }
  return out;
}

std::string_view to_string(Source source) {
  switch (source) {
    case Source::collector: return "collector";
    case Source::steering: return "steering";
    case Source::cmcd: return "cmcd";
    case Source::consumption: return "consumption";
    case Source::access_log: return "access_log";
    case Source::qoe: return "qoe";
  }
  std::abort();
}

bool SessionMap::saw(std::string_view session, std::string_view location, Source source,
                     Instant now, std::chrono::seconds validity) {
  const auto found = placements_.find(session);
  if (found == placements_.end()) {
    if (placements_.size() >= placements_max || (!proven(source) && unproven_ >= unproven_max)) {
      ++unmapped_;
      return false;
    }
    placements_.emplace(std::string(session), Placement{std::string(location), source, now, {}});
    count(source, 1);
    return true;
  }
  auto& placed = found->second;
  const bool outranked = placed.source < source && now - placed.seen < validity;
  if (outranked || now < placed.seen) return false;
  const bool moved = placed.location != location;
  count(placed.source, -1);
  count(source, 1);
  placed.location = location;
  placed.source = source;
  placed.seen = now;
  return moved;
}

double SessionMap::consumed(std::string_view session, Instant from, Instant to) {
  const auto found = placements_.find(session);
  if (found == placements_.end()) return 0;
  auto& until = found->second.consumed_to;
  from = std::max(from, until);
  if (to <= from) return 0;
  until = to;
  return std::chrono::duration<double>(to - from).count();
}

const Placement* SessionMap::find(std::string_view session) const {
  const auto found = placements_.find(session);
  return found == placements_.end() ? nullptr : &found->second;
}

void SessionMap::forget(std::string_view session) {
  const auto found = placements_.find(session);
  if (found == placements_.end()) return;
  count(found->second.source, -1);
  placements_.erase(found);
}

std::size_t SessionMap::expire(Instant before) {
  return std::erase_if(placements_, [&](const auto& one) {
    if (one.second.seen >= before) return false;
    count(one.second.source, -1);
    return true;
  });
}

}  // namespace lobo::media_energy
