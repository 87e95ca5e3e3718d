#pragma once
// The best that any policy could do, with all of the future known: which frames to let through a
// link of a given rate and queue so that as many as possible decode exactly.
//
// What a frame needs is taken from its PSI, for a stream of one layer in decoding order:
//   1      nothing; it begins anew
//   2, 3   the frame before it that was no B frame, and so all of them since the last 1
//   4 … 7  the same
//   8 …    the same, and the last 4 … 7 since then, if there is one
//   0      nothing
// An encoder may make a frame need more (later frames may use a reference B frame), never less in
// practice.
//
// `bound` is an upper bound: the optimum over a relaxation of the problem. Of the needs only those
// above are asked for; the delay budget is not; the link is fluid and has room for one PDU in
// service more; and the exact dynamic programme over (bytes waiting, what still decodes) rounds
// bytes down.
// `chosen` can be done, and decodes whatever reference B frames are used for: the same programme
// with bytes rounded up, in which nothing decodes behind a reference B frame that was left out,
// until the stream begins anew. It need not be the best; the best lies between the two.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/quantity.hpp"
#include "dataplane/elapsed.hpp"
#include "model/pdu_set.hpp"

namespace lobo::dataplane {

inline constexpr std::size_t oracle_frames_max = 200'000;
inline constexpr std::size_t oracle_levels_max =
    1024;  ///< steps in which waiting bytes are counted

/// A frame of the stream, in decoding order.
struct OracleFrame {
  Psi psi;
  std::uint32_t first_pdu = 0;  ///< index into the PDUs
  std::uint32_t pdus = 0;
};
struct OraclePdu {
  std::uint32_t bytes = 0;
  Elapsed at{};
};

struct OracleResult {
  std::size_t bound = 0;         ///< frames; no policy makes more of them exact
  std::vector<bool> chosen;      ///< for each frame: let through
  std::size_t chosen_count = 0;  ///< frames; at most `bound`
};

/// At most oracle_frames_max frames; PDUs in the order of time, those of a frame together.
OracleResult best_frames(std::span<const OracleFrame> frames, std::span<const OraclePdu> pdus,
                         BitsPerSecond rate, std::uint64_t queue_bytes);

}  // namespace lobo::dataplane
