#pragma once
// How blocks and assets are shown, and the ranges of media.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "api/mm_mdrb.hpp"
#include "api/state/mdrb.hpp"
#include "base/result.hpp"
#include "services/metaverse/ports.hpp"

namespace lobo::metaverse {

std::string block_uri(const Settings& settings, std::string_view id);
std::string asset_uri(const Settings& settings, std::string_view id);
Result<api::mm_mdrb::MdrbBlock> block_view(const api::state::mdrb::BlockState& state,
                                           std::string_view id, const Settings& settings);
Result<api::mm_mdrb::MdrbAsset> mdrb_asset_view(const api::state::mdrb::AssetState& state,
                                                std::string_view id, const Settings& settings);

struct ByteRange {
  std::uint64_t from = 0;
  std::uint64_t to = 0;  ///< the last octet
  std::uint64_t total = 0;
};
/// "bytes 0-99/1000" (RFC 9110 clause 14.4); the length is always told.
std::optional<ByteRange> parse_content_range(std::string_view text);
/// "bytes=0-99", "bytes=100-", "bytes=-5" of something that long (RFC 9110 clause 14.1.2). Nothing
/// for several ranges or another unit, which may be ignored; a range that lies outside has from >
/// to.
std::optional<ByteRange> parse_range(std::string_view text, std::uint64_t total);

}  // namespace lobo::metaverse
