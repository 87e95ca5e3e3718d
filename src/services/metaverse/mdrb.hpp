#pragma once
// Blocks and the digital assets in them (precondition 0): kinds "mm_block" and "mm_asset". The
// octets of an asset's media are in files (media_store.hpp); what is here says which file, and how
// much of it.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "services/metaverse/ports.hpp"
#include "wire/resource/machine.hpp"

namespace lobo::metaverse {

inline constexpr std::string_view block_kind = "mm_block";
inline constexpr std::string_view asset_kind = "mm_asset";
/// The subject of every asset, by which the files that count are found at the start.
inline constexpr std::string_view every_asset = "mm_asset";

inline constexpr std::size_t assets_max = 10'000;               ///< of all owners
inline constexpr std::size_t media_part_bytes_max = 4U << 20U;  ///< of one request

struct MediaLimits {
  std::uint64_t asset_bytes_max = std::uint64_t{64} << 20U;
};

class BlockMachine final : public resource::Machine {
 public:
  /// `settings` outlives it.
  explicit BlockMachine(const Settings& settings) : settings_(settings) {}
  std::string_view kind() const override { return block_kind; }
  Result<resource::Outcome> step(const resource::Record* current, const resource::Key& key,
                                 const resource::Event& event, Instant now,
                                 const resource::Lookup& lookup) const override;

 private:
  const Settings& settings_;
};

/// Its identifier is the record's: nobody else has an asset of that name.
///
/// Observe "media_part" hands octets over to the files: one line of JSON (MediaPart), then the
/// octets. What became of them comes back as Tell "media_part". Observe "media_gone" names a file
/// that nobody needs.
class AssetMachine final : public resource::Machine {
 public:
  /// `settings` outlives it.
  AssetMachine(const Settings& settings, MediaLimits limits)
      : settings_(settings), limits_(limits) {}
  std::string_view kind() const override { return asset_kind; }
  Result<resource::Outcome> step(const resource::Record* current, const resource::Key& key,
                                 const resource::Event& event, Instant now,
                                 const resource::Lookup& lookup) const override;

 private:
  const Settings& settings_;
  MediaLimits limits_;
};

/// glTF 2.0 and GLB, USDZ; VRM and ARF (ISO/IEC 23090-39) have no registered type that we know, and
/// come by names of ours.
bool is_media_of_assets(std::string_view content_type);

}  // namespace lobo::metaverse
