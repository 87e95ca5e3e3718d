#include "demo_live/viewing.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "demo_live/clip.hpp"
#include "toolbox/congestion_run.hpp"
#include "toolbox/seen_pictures.hpp"
#include "toolbox/video.hpp"

namespace lobo::app {
namespace {

/// What most pictures that are known say; 0 where none is.
std::int64_t offset_of(const std::map<std::string_view, std::int64_t>& known,
                       std::span<const PictureDigest> received) {
  std::map<std::int64_t, std::size_t> votes;
  for (const auto& picture : received)
    if (const auto found = known.find(picture.md5); found != known.end())
      ++votes[found->second - picture.presentation];
  const auto most =
      std::ranges::max_element(votes, {}, [](const auto& vote) { return vote.second; });
  return most == votes.end() ? 0 : most->first;
}

}  // namespace

std::size_t Viewing::count(Verdict verdict) const {
  return static_cast<std::size_t>(std::ranges::count(verdicts, verdict));
}

double Viewing::share(Verdict verdict) const {
  return verdicts.empty()
             ? 0
             : static_cast<double>(count(verdict)) / static_cast<double>(verdicts.size());
}

Viewing judge_pictures(std::span<const PictureDigest> reference,
                       std::span<const PictureDigest> received) {
  std::map<std::string_view, std::int64_t> known;
  std::map<std::int64_t, std::size_t> place;
  for (std::size_t i = 0; i < reference.size(); ++i) {
    known.emplace(reference[i].md5, reference[i].presentation);
    place.emplace(reference[i].presentation, i);
  }
  const std::int64_t offset = offset_of(known, received);
  Viewing viewing{.verdicts = std::vector<Verdict>(reference.size(), Verdict::lost)};
  std::int64_t newest = 0;
  for (const auto& picture : received) {
    const auto exact = known.find(picture.md5);
    const std::int64_t at = exact == known.end() ? picture.presentation + offset : exact->second;
    newest = viewing.shown.empty() ? at : std::max(newest, at);
    viewing.shown.push_back(newest);
    const auto due = place.find(at);
    if (due == place.end()) continue;
    auto& verdict = viewing.verdicts[due->second];
    if (verdict != Verdict::exact)
      verdict = exact == known.end() ? Verdict::damaged : Verdict::exact;
  }
  return viewing;
}

Result<Viewing> view(const Clip& clip, const std::string& file) {
  std::vector<PictureDigest> received;
  std::error_code none;
  if (std::filesystem::file_size(file, none) > 0 && !none) {
    auto digests = picture_digests({"-copyts", "-i", file});
    if (!digests) return fail(digests.error());
    received = std::move(*digests);
  }
  auto viewing = judge_pictures(clip.reference, received);
  viewing.file = file;
  return viewing;
}

Result<std::optional<PicturePair>> same_instant(const Clip& clip, const Viewing& before,
                                                const Viewing& after) {
  const auto small_before = thumbnails(source_of(before.file));
  if (!small_before) return fail(small_before.error());
  const auto small_after = thumbnails(source_of(after.file));
  if (!small_after) return fail(small_after.error());
  const auto instant = best_instant(
      clip.times, {.verdicts = before.verdicts, .shown = before.shown, .thumbnails = *small_before},
      {.verdicts = after.verdicts, .shown = after.shown, .thumbnails = *small_after});
  if (!instant) return std::nullopt;
  PicturePair pair{.instant = *instant};
  struct Wanted {
    const Viewing& viewing;
    std::size_t nth;
    PictureForm form;
    std::vector<std::byte>& out;
  };
  for (const auto& wanted :
       {Wanted{before, instant->before_nth, PictureForm::png, pair.before_png},
        Wanted{after, instant->after_nth, PictureForm::png, pair.after_png},
        Wanted{before, instant->before_nth, PictureForm::jpeg, pair.before_jpeg},
        Wanted{after, instant->after_nth, PictureForm::jpeg, pair.after_jpeg}}) {
    auto bytes = nth_picture(source_of(wanted.viewing.file), wanted.nth, wanted.form);
    if (!bytes) return fail(bytes.error());
    wanted.out = std::move(*bytes);
  }
  return pair;
}

}  // namespace lobo::app
