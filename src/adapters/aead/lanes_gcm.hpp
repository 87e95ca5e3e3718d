#pragma once
// The arithmetic of lanes.hpp. GHASH is computed as POLYVAL of reversed octets (RFC 8452 appendix
// A), whose products need no shift. With one block of AAD, one of text and one of lengths, GHASH is
//
//   AAD H^3 + C H^2 + lengths H
//
// the last of which depends on the key alone: two products and one reduction a text.

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

#include "adapters/aead/lanes.hpp"
#include "base/bytes.hpp"
#include "wire/xrm/aead.hpp"

namespace lobo::adapters::aead::lanes {

inline constexpr std::size_t block_bytes = 16;
inline constexpr std::size_t round_keys_max = 15;  // of AES-256
using Block = std::array<std::byte, block_bytes>;

struct GcmKey {
  alignas(64) std::array<Block, round_keys_max> round_keys;
  Block h_2;  ///< as POLYVAL has it
  Block h_3;
  Block lengths;  ///< times H, reduced
  std::size_t rounds = 0;
};

// The block counters of GCM: 1 encrypts the tag, 2 the first block; as the last word of a block.
inline constexpr int counter_of_tag = 0x01000000;
inline constexpr int counter_of_text = 0x02000000;

inline constexpr std::size_t nonce_word_at = 8;

inline bool is_usual(const xrm::OpenJob& job) {
  return job.sealed.size() == block_bytes && job.aad.size() == block_bytes &&
         job.tag.size() == xrm::tag_bytes_full;
}

using Open = void (*)(const GcmKey& key, std::span<xrm::OpenJob> jobs) noexcept;

/// One kind of instructions.
struct Way {
  std::string_view name;
  void (*make_key)(Bytes key, GcmKey& made) noexcept = nullptr;
  /// Of jobs that are all usual. What is opened in place is read before it is written.
  Open open = nullptr;
};

/// Which of the jobs are opened in one go.
template <std::size_t lanes>
using Group = std::array<xrm::OpenJob*, lanes>;

/// Groups of `lanes`; the last one is filled up with its last job, which then is opened more than
/// once to the same end.
template <std::size_t lanes, void (*open_group)(const GcmKey&, const Group<lanes>&)>
void open_in(const GcmKey& key, std::span<xrm::OpenJob> jobs) noexcept {
  for (std::size_t begin = 0; begin < jobs.size(); begin += lanes) {
    Group<lanes> group{};
    for (std::size_t i = 0; i < lanes; ++i) group[i] = &jobs[std::min(begin + i, jobs.size() - 1)];
    open_group(key, group);
  }
}

/// Nothing where the processor lacks AES or carry-less products.
std::optional<Way> way_of(LanesPath path);

/// With instructions of 512 bits (lanes_wide.cpp), for keys that any Way made. Null where the
/// processor lacks them.
Open wide_open() noexcept;

}  // namespace lobo::adapters::aead::lanes
