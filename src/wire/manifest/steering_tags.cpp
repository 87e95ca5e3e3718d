#include "wire/manifest/steering_tags.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/text.hpp"
#include "wire/http/url.hpp"

namespace lobo::manifest {

ManifestKind kind_of(std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  text = trim(text.substr(0, 4096));
  if (text.starts_with("#EXTM3U")) return ManifestKind::hls;
  return text.starts_with('<') ? ManifestKind::mpd : ManifestKind::unknown;
}

Result<void> check(const SteeringTags& tags) {
  std::vector<Fault> faults;
  constexpr std::string_view letters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";
  if (tags.locations.empty() || tags.locations.size() > manifest_locations_max)
    faults.push_back({Errc::out_of_range, "locations", "1 to 32 are wanted"});
  for (const auto& location : tags.locations) {
    const auto& [id, base_url] = location;
    if (id.empty() || id.size() > 64 || id.find_first_not_of(letters) != std::string::npos)
      faults.push_back({Errc::pattern, id, "letters, digits, '-', '_' and '.', at most 64"});
    const auto url = http::parse_url(base_url);
    if (!url || !base_url.ends_with('/') || base_url.find_first_of("?#\"") != std::string::npos)
      faults.push_back({Errc::pattern, id, base_url + " is no absolute URL with '/' at its end"});
    for (const auto& other : tags.locations) {
      if (&other == &location) break;
      if (other.id == id) faults.push_back({Errc::duplicate, id, "is there twice"});
      const auto its = http::parse_url(other.base_url);
      if (url && its &&
          (url->host.find(its->host) != std::string::npos ||
           its->host.find(url->host) != std::string::npos))
        faults.push_back({Errc::conflict, id,
                          "its host holds that of " + other.id +
                              ", or the other way round: Shaka Player bans both when one fails"});
      if (url && its && url->port != its->port)
        faults.push_back({Errc::conflict, id,
                          "has another port than " + other.id +
                              ": pathways of one manifest share it, because hls.js passes over "
                              "the port of a clone"});
    }
  }
  if (!http::parse_url(tags.server_url) || tags.server_url.find('"') != std::string::npos)
    faults.push_back({Errc::pattern, "server", "an absolute http or https URL is wanted"});
  if (!tags.default_location.empty() &&
      std::ranges::find(tags.locations, tags.default_location, &TaggedLocation::id) ==
          tags.locations.end())
    faults.push_back({Errc::not_found, "default", "is none of the locations"});
  if (!faults.empty()) return fail(faults.front().code, "the tags are not valid", faults);
  return {};
}

Result<std::string> with_steering(std::string_view text, const SteeringTags& tags) {
  if (text.size() > manifest_bytes_max)
    return fail(Errc::too_large, "a manifest is at most 16 MiB long");
  if (const auto good = check(tags); !good) return fail(good.error());
  switch (kind_of(text)) {
    case ManifestKind::mpd: return mpd_with_steering(text, tags);
    case ManifestKind::hls: return hls_with_steering(text, tags);
    case ManifestKind::unknown: break;
  }
  return fail(Errc::malformed, "this is neither an MPD nor an HLS playlist");
}

}  // namespace lobo::manifest
