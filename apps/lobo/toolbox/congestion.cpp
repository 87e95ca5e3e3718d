#include "toolbox/congestion.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "base/require.hpp"
#include "base/result.hpp"
#include "toolbox/congestion_pictures.hpp"
#include "toolbox/congestion_run.hpp"
#include "toolbox/congestion_stream.hpp"
#include "toolbox/seen_pictures.hpp"
#include "toolbox/video.hpp"

namespace lobo::app {
namespace {

constexpr std::size_t decoders_at_once = 2;

tl::unexpected<Error> interrupted() { return fail(Errc::unavailable, "interrupted"); }

/// Decodes the runs, two at a time; the first fault ends it.
Result<void> judge_all(const Stream& stream, const DecodedPictures& reference,
                       std::vector<RunResult>& runs, const CongestionProgress& progress) {
  std::atomic<std::size_t> next{0};
  std::mutex mutex;
  std::optional<Error> fault;
  std::size_t done = 0;
  const auto work = [&] {
    for (std::size_t i = next++; i < runs.size(); i = next++) {
      if (progress.interrupted()) return;
      auto judged = judge(stream, reference, runs[i]);
      // Of one overload: it costs as much as decoding twice.
      if (judged && runs[i].overload_percent == shown_overload_percent)
        judged = measure_psnr(stream, runs[i]);
      const std::scoped_lock lock(mutex);
      if (!judged) fault = judged.error();
      if (fault) return;
      ++done;
      progress.at(
          fmt::format("decoding: {} % overload, {}: {:.1f} % bit-exact", runs[i].overload_percent,
                      to_string(runs[i].contender), runs[i].exact_share() * 100),
          static_cast<double>(done) / static_cast<double>(runs.size()));
    }
  };
  {
    std::vector<std::jthread> workers;
    workers.reserve(decoders_at_once);
    for (std::size_t i = 0; i < decoders_at_once; ++i) workers.emplace_back(work);
  }
  if (progress.interrupted()) return interrupted();
  if (fault) return fail(*fault);
  return {};
}

Result<void> take_pictures(CongestionOutcome& outcome) {
  const auto& stream = outcome.stream;
  const auto& before = outcome.run(shown_overload_percent, Contender::taildrop);
  const auto& after = outcome.run(shown_overload_percent, Contender::threshold);
  const auto instant = best_instant(stream, before, after);
  if (!instant) return fail(instant.error());
  if (!*instant) return {};
  CongestionPictures pictures{.instant = **instant};
  struct Wanted {
    const RunResult& run;
    std::size_t nth;
    PictureForm form;
    std::vector<std::byte>& out;
  };
  for (const auto& wanted :
       {Wanted{before, pictures.instant.before_nth, PictureForm::png, pictures.before_png},
        Wanted{after, pictures.instant.after_nth, PictureForm::png, pictures.after_png},
        Wanted{before, pictures.instant.before_nth, PictureForm::jpeg, pictures.before_jpeg},
        Wanted{after, pictures.instant.after_nth, PictureForm::jpeg, pictures.after_jpeg}}) {
    auto bytes = picture(stream, wanted.run, wanted.nth, wanted.form);
    if (!bytes) return fail(bytes.error());
    wanted.out = std::move(*bytes);
  }
  outcome.pictures.push_back(std::move(pictures));
  return {};
}

/// P pictures of a film may be intra all over, and decode without what they are said to need: what
/// was seen is then the better bound. The test picture has none: there it is a check.
void raise_bounds(CongestionOutcome& outcome) {
  for (auto& oracle : outcome.runs) {
    if (oracle.contender != Contender::oracle) continue;
    for (const auto& one : outcome.runs)
      if (one.overload_percent == oracle.overload_percent)
        oracle.bound = std::max(oracle.bound, one.exact_frames());
  }
}

}  // namespace

const RunResult& CongestionOutcome::run(unsigned overload_percent, Contender contender) const {
  const auto found = std::ranges::find_if(runs, [&](const RunResult& run) {
    return run.overload_percent == overload_percent && run.contender == contender;
  });
  require(found != runs.end());
  return *found;
}

bool CongestionOutcome::sound() const {
  const bool bounded = std::ranges::all_of(runs, [this](const RunResult& one) {
    const double bound = static_cast<double>(run(one.overload_percent, Contender::oracle).bound) /
                         static_cast<double>(stream.frames.size());
    return one.exact_share() <= bound;
  });
  if (!bounded || !settings.video.input.empty()) return bounded;
  const unsigned most = overload_percents.back();
  const double tail = run(most, Contender::taildrop).exact_share();
  return run(most, Contender::evict).exact_share() >= tail &&
         run(most, Contender::threshold).exact_share() >= tail;
}

std::uint64_t CongestionOutcome::largest_frame_bytes() const {
  std::uint64_t largest = 0;
  for (const auto& frame : stream.frames) {
    std::uint64_t bytes = 0;
    for (std::uint32_t k = 0; k < frame.packets; ++k)
      bytes += stream.packets[frame.first_packet + k].ip_bytes;
    largest = std::max(largest, bytes);
  }
  return largest;
}

Link link_of(const Stream& stream, unsigned overload_percent) {
  return {
      .rate = {std::max<std::uint64_t>(1, stream.rate().count * 100 / (100 + overload_percent))},
      .queue_time = congestion_queue_time,
      .delay_budget = congestion_delay_budget};
}

Result<CongestionOutcome> play_congestion(const CongestionSettings& settings,
                                          const CongestionProgress& progress) {
  CongestionOutcome outcome{.settings = settings};
  const auto video = encode(settings.video, [&](double share) { progress.at("encoding", share); });
  if (progress.interrupted()) return interrupted();
  if (!video) return fail(video.error());
  auto stream = stream_of(*video);
  if (!stream) return fail(stream.error());
  outcome.stream = std::move(*stream);
  if (outcome.stream.rate().count == 0) return fail(Errc::out_of_range, "there is one frame only");

  for (const unsigned percent : overload_percents)
    for (const auto contender : contenders) {
      outcome.runs.push_back(send(outcome.stream, contender, link_of(outcome.stream, percent)));
      outcome.runs.back().overload_percent = percent;
    }

  progress.at("decoding: the undisturbed stream", 0);
  const auto input =
      received(outcome.stream, std::vector<bool>(outcome.stream.packets.size(), true));
  if (!input) return fail(input.error());
  const auto reference = decode(*input);
  if (progress.interrupted()) return interrupted();
  if (!reference) return fail(reference.error());
  if (reference->empty()) return fail(Errc::refused, "ffmpeg decodes nothing of the stream");
  if (const auto judged = judge_all(outcome.stream, *reference, outcome.runs, progress); !judged)
    return fail(judged.error());
  if (!settings.video.input.empty()) raise_bounds(outcome);
  progress.at("taking the pictures", 1);
  const auto taken = take_pictures(outcome);
  if (progress.interrupted()) return interrupted();
  if (!taken) return fail(taken.error());
  return outcome;
}

}  // namespace lobo::app
