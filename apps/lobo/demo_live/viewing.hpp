#pragma once
// What a receiver made of a pass, held against the pictures of the clip, and the same instant of
// two passes.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "demo_live/clip.hpp"
#include "toolbox/congestion_run.hpp"
#include "toolbox/seen_pictures.hpp"
#include "toolbox/video.hpp"

namespace lobo::app {

struct Viewing {
  std::string file;                 ///< what the receiver wrote down, without loss
  std::vector<Verdict> verdicts;    ///< of the clip's pictures in the order of presentation
  std::vector<std::int64_t> shown;  ///< by the clip's time, of each picture in the file
  std::size_t count(Verdict verdict) const;
  double share(Verdict verdict) const;
};

/// A picture that has the digest of one of the clip is that one. For the others the receiver's time
/// tells which was due; how far its times are from the clip's, most of the former say.
Viewing judge_pictures(std::span<const PictureDigest> reference,
                       std::span<const PictureDigest> received);

/// The same of a file that a receiver wrote; nothing but lost pictures where it wrote none.
Result<Viewing> view(const Clip& clip, const std::string& file);

struct PicturePair {
  Instant instant;
  std::vector<std::byte> before_png, after_png, before_jpeg, after_jpeg;
};
/// None where `after` shows nothing better.
Result<std::optional<PicturePair>> same_instant(const Clip& clip, const Viewing& before,
                                                const Viewing& after);

}  // namespace lobo::app
