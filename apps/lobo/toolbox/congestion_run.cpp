#include "toolbox/congestion_run.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "dataplane/bottleneck.hpp"
#include "dataplane/elapsed.hpp"
#include "dataplane/oracle.hpp"
#include "dataplane/set_queue.hpp"
#include "dataplane/set_tracker.hpp"
#include "toolbox/congestion_stream.hpp"
#include "toolbox/video.hpp"

namespace lobo::app {
namespace {

dataplane::Policy policy_of(Contender contender) {
  switch (contender) {
    case Contender::taildrop:
    case Contender::oracle: return dataplane::Policy::taildrop;
    case Contender::psihi: return dataplane::Policy::psihi;
    case Contender::evict: return dataplane::Policy::evict;
    case Contender::threshold: return dataplane::Policy::threshold;
  }
  std::abort();
}

}  // namespace

std::size_t RunResult::exact_frames() const {
  return static_cast<std::size_t>(std::ranges::count(verdicts, Verdict::exact));
}

double RunResult::exact_share() const {
  if (verdicts.empty()) return 0;
  return static_cast<double>(exact_frames()) / static_cast<double>(verdicts.size());
}

RunResult send(const Stream& stream, Contender contender, const Link& link) {
  RunResult run{.contender = contender,
                .arrived = std::vector<bool>(stream.packets.size(), false),
                .departed = std::vector<dataplane::Elapsed>(stream.packets.size())};
  const std::uint64_t queue_bytes = dataplane::bytes_in(link.rate, link.queue_time);
  std::vector<bool> offered(stream.frames.size(), true);
  if (contender == Contender::oracle) {
    const auto view = oracle_view(stream);
    auto best = dataplane::best_frames(view.frames, view.pdus, link.rate, queue_bytes);
    run.bound = best.bound;
    offered = std::move(best.chosen);
  }

  dataplane::Bottleneck bottleneck(link.rate, {.policy = policy_of(contender),
                                               .bytes_max = queue_bytes,
                                               .pdus_max = dataplane::queue_pdus_max / 16,
                                               .sets_max = 1024,
                                               .delay_budget = link.delay_budget});
  dataplane::SetTracker flow;
  const auto tell = [&](const dataplane::Fate& fate) {
    if (fate.dropped) return;
    const auto& packet = stream.packets[fate.handle];
    const auto& frame = stream.frames[packet.frame];
    run.bytes_delivered += fate.bytes;
    run.departed[fate.handle] = fate.at;
    if (fate.at - stream.packets[frame.first_packet].at <= link.delay_budget)
      run.arrived[fate.handle] = true;
  };
  for (std::size_t i = 0; i < stream.packets.size(); ++i) {
    const auto& packet = stream.packets[i];
    if (!offered[packet.frame]) continue;
    bottleneck.arrive(flow, &packet.mark, packet.sequence,
                      {i, packet.ip_bytes, packet.mark.end_of_pdu_set}, packet.at, tell);
  }
  bottleneck.drain(tell);
  for (const auto& frame : stream.frames) {
    const auto begin = run.arrived.begin() + frame.first_packet;
    if (std::find(begin, begin + frame.packets, false) == begin + frame.packets)
      ++run.sets_complete;
  }
  return run;
}

Result<void> judge(const Stream& stream, const DecodedPictures& reference, RunResult& run) {
  const auto input = received(stream, run.arrived);
  if (!input) return fail(input.error());
  const auto decoded = decode(*input);
  if (!decoded) return fail(decoded.error());

  std::map<std::int64_t, const StreamFrame*> by_presentation;
  for (const auto& frame : stream.frames) by_presentation.emplace(frame.presentation, &frame);
  run.verdicts.clear();
  run.bytes_useful = 0;
  run.shown.clear();
  for (const auto& [presentation, digest] : *decoded) run.shown.push_back(presentation);
  for (const auto& [presentation, frame] : by_presentation) {
    const auto expected = reference.find(presentation);
    const auto shown = decoded->find(presentation);
    Verdict verdict = Verdict::lost;
    if (shown != decoded->end())
      verdict = expected != reference.end() && shown->second == expected->second ? Verdict::exact
                                                                                 : Verdict::damaged;
    run.verdicts.push_back(verdict);
    if (verdict != Verdict::exact) continue;
    for (std::uint32_t k = 0; k < frame->packets; ++k)
      run.bytes_useful += stream.packets[frame->first_packet + k].ip_bytes;
  }
  return {};
}

Result<void> measure_psnr(const Stream& stream, RunResult& run) {
  run.psnr_db = 0;
  if (run.shown.empty()) return {};
  // Inputs of its own: two runs are measured at a time, and a file is read from one place.
  const auto whole = received(stream, std::vector<bool>(stream.packets.size(), true));
  if (!whole) return fail(whole.error());
  const auto arrived = received(stream, run.arrived);
  if (!arrived) return fail(arrived.error());
  const auto db = psnr(*whole, *arrived);
  if (!db) return fail(db.error());
  run.psnr_db = *db;
  return {};
}

std::size_t longest_freeze(const std::vector<Verdict>& verdicts) {
  std::size_t longest = 0;
  std::size_t now = 0;
  for (const auto verdict : verdicts) {
    now = verdict == Verdict::lost ? now + 1 : 0;
    longest = std::max(longest, now);
  }
  return longest;
}

}  // namespace lobo::app
