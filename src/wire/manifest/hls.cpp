#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "base/text.hpp"
#include "wire/manifest/steering_tags.hpp"

namespace lobo::manifest {
namespace {

constexpr std::size_t attributes_max = 64;

/// NAME=value or NAME="value", in their order (RFC 8216 clause 4.2). Values keep their quotes.
class Attributes {
 public:
  static std::optional<Attributes> parse(std::string_view text) {
    Attributes read;
    while (!text.empty()) {
      const auto equals = text.find('=');
      if (equals == 0 || equals == std::string_view::npos) return std::nullopt;
      std::size_t end = equals + 1;
      if (end < text.size() && text[end] == '"') {
        end = text.find('"', end + 1);
        if (end == std::string_view::npos) return std::nullopt;
        ++end;
      } else {
        end = std::min(text.find(',', end), text.size());
      }
      if (end < text.size() && text[end] != ',') return std::nullopt;
      if (read.all_.size() == attributes_max) return std::nullopt;
      read.all_.emplace_back(trim(text.substr(0, equals)),
                             text.substr(equals + 1, end - equals - 1));
      text.remove_prefix(std::min(end + 1, text.size()));
    }
    return read;
  }

  std::optional<std::string> quoted(std::string_view name) const {
    for (const auto& [key, value] : all_)
      if (key == name && value.size() >= 2 && value.front() == '"')
        return value.substr(1, value.size() - 2);
    return std::nullopt;
  }
  bool has(std::string_view name) const {
    for (const auto& [key, value] : all_)
      if (key == name) return true;
    return false;
  }
  void set_quoted(std::string_view name, std::string_view value) {
    std::string text = '"' + std::string(value) + '"';
    for (auto& [key, held] : all_) {
      if (key != name) continue;
      held = std::move(text);
      return;
    }
    all_.emplace_back(std::string(name), std::move(text));
  }
  std::string text() const {
    std::string out;
    for (const auto& [key, value] : all_) {
      if (!out.empty()) out += ',';
      ((out += key) += '=') += value;
    }
    return out;
  }

 private:
  std::vector<std::pair<std::string, std::string>> all_;
};

struct Entry {
  enum class Kind : std::uint8_t { media, variant, i_frames };
  Kind kind;
  Attributes attributes;
  std::string uri;  ///< of a variant: the line below
};

struct Playlist {
  std::vector<std::string> head;  ///< lines that hold for all pathways
  std::vector<Entry> entries;
};

constexpr std::string_view media_tag = "#EXT-X-MEDIA:";
constexpr std::string_view variant_tag = "#EXT-X-STREAM-INF:";
constexpr std::string_view i_frame_tag = "#EXT-X-I-FRAME-STREAM-INF:";

std::optional<std::pair<Entry::Kind, std::string_view>> entry_tag(std::string_view line) {
  if (line.starts_with(media_tag)) return std::pair{Entry::Kind::media, media_tag};
  if (line.starts_with(variant_tag)) return std::pair{Entry::Kind::variant, variant_tag};
  if (line.starts_with(i_frame_tag)) return std::pair{Entry::Kind::i_frames, i_frame_tag};
  return std::nullopt;
}

Result<Playlist> parse(std::string_view text) {
  Playlist read;
  Entry* waiting = nullptr;  // a variant whose URI is the next line
  std::size_t number = 0;
  const auto wrong = [&](std::string why) {
    return fail(Errc::malformed, "line " + std::to_string(number) + ": " + std::move(why));
  };
  for (const auto whole : split(text, '\n')) {
    ++number;
    const auto line = trim(whole);
    if (line.empty()) continue;
    if (const auto tag = entry_tag(line)) {
      if (waiting != nullptr) return wrong("the variant before has no URI");
      auto attributes = Attributes::parse(line.substr(tag->second.size()));
      if (!attributes) return wrong("its attributes cannot be read");
      if (attributes->has("PATHWAY-ID"))
        return fail(Errc::conflict, "line " + std::to_string(number) + " has a PATHWAY-ID already");
      auto uri = attributes->quoted("URI").value_or("");
      read.entries.push_back({tag->first, std::move(*attributes), std::move(uri)});
      waiting = tag->first == Entry::Kind::variant ? &read.entries.back() : nullptr;
    } else if (line.starts_with("#EXTINF") || line.starts_with("#EXT-X-TARGETDURATION")) {
      return wrong("this is a media playlist; the multivariant one is wanted");
    } else if (line.starts_with("#EXT-X-CONTENT-STEERING")) {
      return fail(Errc::conflict, "it has #EXT-X-CONTENT-STEERING already");
    } else if (line.starts_with('#')) {
      if (line.starts_with("#EXT")) read.head.emplace_back(line);
    } else if (waiting != nullptr) {
      waiting->uri = line;
      waiting = nullptr;
    } else {
      return wrong("a URI without a variant");
    }
    if (read.entries.empty()) continue;
    const auto& uri = read.entries.back().uri;
    if (uri.find("://") != std::string::npos || uri.starts_with("//"))
      return fail(Errc::conflict, "line " + std::to_string(number) +
                                      ": an absolute URI goes past steering: " + uri);
  }
  if (waiting != nullptr) return wrong("the last variant has no URI");
  // Renditions alone: nothing could be steered, and nothing would name a location.
  if (std::ranges::none_of(read.entries,
                           [](const Entry& one) { return one.kind == Entry::Kind::variant; }))
    return fail(Errc::malformed, "the playlist has no variant");
  return read;
}

std::string at(const std::string& base_url, const std::string& uri) {
  if (!uri.starts_with('/')) return base_url + uri;
  return base_url.substr(0, base_url.find('/', base_url.find("://") + 3)) + uri;
}

/// One entry as it is at one location. Numbers make what is the same at all of them recognisable.
std::string written(Entry entry, std::size_t number, const TaggedLocation& location) {
  auto& attributes = entry.attributes;
  const bool media = entry.kind == Entry::Kind::media;
  for (const auto* group : {"GROUP-ID", "AUDIO", "VIDEO", "SUBTITLES", "CLOSED-CAPTIONS"})
    if (const auto name = attributes.quoted(group))
      attributes.set_quoted(group, *name + '@' + location.id);
  const auto* stable = media ? "STABLE-RENDITION-ID" : "STABLE-VARIANT-ID";
  if (!attributes.has(stable))
    attributes.set_quoted(stable, (media ? "r" : "v") + std::to_string(number));
  if (!media) attributes.set_quoted("PATHWAY-ID", location.id);
  if (attributes.has("URI")) attributes.set_quoted("URI", at(location.base_url, entry.uri));
  switch (entry.kind) {
    case Entry::Kind::media: return std::string(media_tag) + attributes.text() + '\n';
    case Entry::Kind::i_frames: return std::string(i_frame_tag) + attributes.text() + '\n';
    case Entry::Kind::variant: break;
  }
  return std::string(variant_tag) + attributes.text() + '\n' + at(location.base_url, entry.uri) +
         '\n';
}

}  // namespace

Result<std::string> hls_with_steering(std::string_view text, const SteeringTags& tags) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  auto playlist = parse(text);
  if (!playlist) return fail(playlist.error());
  const auto& first =
      tags.default_location.empty() ? tags.locations.front().id : tags.default_location;
  std::string out;
  for (const auto& line : playlist->head) (out += line) += '\n';
  out += "#EXT-X-CONTENT-STEERING:SERVER-URI=\"" + tags.server_url + "\",PATHWAY-ID=\"" + first +
         "\"\n";
  // The default pathway comes first, for players that know nothing of pathways.
  std::vector<const TaggedLocation*> order;
  for (const auto& location : tags.locations)
    if (location.id == first) order.push_back(&location);
  for (const auto& location : tags.locations)
    if (location.id != first) order.push_back(&location);
  for (const auto* location : order)
    for (std::size_t i = 0; i < playlist->entries.size(); ++i) {
      out += written(playlist->entries[i], i + 1, *location);
      if (out.size() > written_bytes_max)
        return fail(Errc::too_large, "with all its locations the playlist is beyond 64 MiB");
    }
  return out;
}

}  // namespace lobo::manifest
