#include "services/metaverse/mdrb_views.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "api/mm_mdrb.hpp"
#include "api/state/mdrb.hpp"
#include "base/result.hpp"
#include "base/text.hpp"
#include "services/metaverse/ports.hpp"
#include "wire/http/url.hpp"
#include "wire/json/json.hpp"

namespace lobo::metaverse {
namespace {

template <class View>
Result<View> read_as(const std::string& text, std::string_view added) {
  const auto merged = json::merge_patch(text, added);
  if (!merged) return fail(Errc::internal, "what is stored cannot be read");
  auto view = json::read<View>(*merged);
  if (!view) return fail(Errc::internal, "what is stored cannot be read");
  return view;
}

}  // namespace

std::string block_uri(const Settings& settings, std::string_view id) {
  return settings.api_root + "/mm-mdrb/v1/blocks/" + http::percent_encode(id);
}
std::string asset_uri(const Settings& settings, std::string_view id) {
  return settings.api_root + "/mm-mdrb/v1/assets/" + http::percent_encode(id);
}

Result<api::mm_mdrb::MdrbBlock> block_view(const api::state::mdrb::BlockState& state,
                                           std::string_view id, const Settings& settings) {
  return read_as<api::mm_mdrb::MdrbBlock>(
      state.text, R"({"self":)" + json::quoted(block_uri(settings, id)) + R"(,"blockId":)" +
                      json::quoted(id) + '}');
}

Result<api::mm_mdrb::MdrbAsset> mdrb_asset_view(const api::state::mdrb::AssetState& state,
                                                std::string_view id, const Settings& settings) {
  auto out = read_as<api::mm_mdrb::MdrbAsset>(
      state.text, R"({"self":)" + json::quoted(asset_uri(settings, id)) + R"(,"assetId":)" +
                      json::quoted(id) + '}');
  if (!out) return out;
  if (state.media) out->media = {state.media->content_type, state.media->bytes};
  if (state.upload)
    out->upload = {state.upload->content_type, state.upload->bytes, state.upload->received};
  return out;
}

std::optional<ByteRange> parse_content_range(std::string_view text) {
  constexpr std::string_view unit = "bytes ";
  if (!text.starts_with(unit)) return std::nullopt;
  text.remove_prefix(unit.size());
  const auto dash = text.find('-');
  const auto slash = text.find('/');
  if (dash == std::string_view::npos || slash == std::string_view::npos || slash < dash)
    return std::nullopt;
  const auto from = parse_decimal(text.substr(0, dash));
  const auto to = parse_decimal(text.substr(dash + 1, slash - dash - 1));
  const auto total = parse_decimal(text.substr(slash + 1));
  if (!from || !to || !total || *from > *to || *to >= *total) return std::nullopt;
  return ByteRange{*from, *to, *total};
}

std::optional<ByteRange> parse_range(std::string_view text, std::uint64_t total) {
  constexpr std::string_view unit = "bytes=";
  if (!text.starts_with(unit)) return std::nullopt;
  text.remove_prefix(unit.size());
  const auto dash = text.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const auto first = parse_decimal(text.substr(0, dash));
  const auto second = parse_decimal(text.substr(dash + 1));
  const ByteRange outside{1, 0, total};
  if (!first && dash == 0 && second)
    return *second == 0 || total == 0
               ? outside
               : ByteRange{total - std::min(*second, total), total - 1, total};
  if (!first || (!second && dash + 1 != text.size())) return std::nullopt;
  if (second && *second < *first) return std::nullopt;
  if (*first >= total) return outside;
  return ByteRange{*first, std::min(second.value_or(total - 1), total - 1), total};
}

}  // namespace lobo::metaverse
