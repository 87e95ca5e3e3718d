#include "toolbox/squeeze.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "adapters/capture/sink.hpp"
#include "adapters/capture/source.hpp"
#include "base/quantity.hpp"
#include "base/result.hpp"
#include "dataplane/bottleneck.hpp"
#include "dataplane/elapsed.hpp"
#include "dataplane/set_queue.hpp"
#include "dataplane/set_tracker.hpp"
#include "toolbox/layers.hpp"
#include "toolbox/mark_reader.hpp"
#include "toolbox/progress.hpp"
#include "toolbox/stream_key.hpp"
#include "wire/capture/capture.hpp"
#include "wire/capture/writer.hpp"

namespace lobo::app {
namespace {

constexpr std::uint64_t queue_bytes_max = std::uint64_t{1} << 30U;
constexpr std::uint32_t queue_pdus = 1U << 16U;
constexpr std::uint32_t queue_sets = 1U << 12U;
/// Flows with a tracker of their own; marks of more are not looked at.
constexpr std::size_t tracked_flows_max = 1024;

std::uint32_t ip_bytes(const Layers& layers) {
  const auto& view = layers.outer;
  return view.has_ip() ? view.ip_end - view.ip_at : static_cast<std::uint32_t>(view.frame.size());
}

/// What the capture offers on average, from its first packet to its last.
Result<BitsPerSecond> offered(const std::string& path) {
  auto source = adapters::CaptureSource::open(path);
  if (!source) return fail(source.error());
  Layers layers;
  std::uint64_t bytes = 0;
  std::optional<std::chrono::nanoseconds> first;
  std::chrono::nanoseconds last{};
  while (const auto* item = source->next()) {
    if (item->kind != capture::Item::Kind::packet) continue;
    take_apart(item->packet, layers);
    bytes += ip_bytes(layers);
    if (!first) first = item->packet.time;
    last = std::max(last, item->packet.time);
  }
  const double seconds = std::chrono::duration<double>(last - first.value_or(last)).count();
  if (seconds <= 0)
    return fail(Errc::out_of_range, "the capture's packets all have one time: give --rate in kbps");
  constexpr double bits = 8;
  return BitsPerSecond{static_cast<std::uint64_t>(static_cast<double>(bytes) * bits / seconds)};
}

class Link {
 public:
  Link(MarkReader reader, BitsPerSecond rate, const dataplane::QueueConfig& queue,
       capture::Format format, adapters::ByteSink& out)
      : reader_(std::move(reader)), bottleneck_(rate, queue), writer_(format), out_(out) {}

  void packet(const capture::Packet& packet) {
    if (!begun_) begin_ = last_ = packet.time;
    begun_ = true;
    // A link takes packets as they come: a time that goes back is taken for the one before it.
    last_ = std::max(last_, packet.time);
    const dataplane::Elapsed now = last_ - begin_;
    take_apart(packet, layers_);
    reader_.read(layers_, reading_);
    const std::uint32_t bytes = ip_bytes(layers_);
    ++result_.packets;
    result_.bytes += bytes;
    const std::uint64_t handle = next_handle_++;
    waiting_.emplace(handle, Waiting{{packet.bytes.begin(), packet.bytes.end()}, packet});
    dataplane::SetTracker* flow = reading_.holds() ? tracker() : nullptr;
    const auto tell = [this](const dataplane::Fate& fate) { told(fate); };
    bottleneck_.arrive(flow ? *flow : nobody_, flow ? &reading_.mark : nullptr,
                       reading_.is_rtp ? std::optional(reading_.rtp.sequence_number) : std::nullopt,
                       {.handle = handle,
                        .bytes = bytes,
                        .end_of_pdu_set = reading_.has_mark() && reading_.mark.end_of_pdu_set},
                       now, tell);
  }

  Result<Squeezed> finish() {
    bottleneck_.drain([this](const dataplane::Fate& fate) { told(fate); });
    if (!written_) return fail(written_.error());
    return result_;
  }
  const Result<void>& written() const { return written_; }

 private:
  struct Waiting {
    std::vector<std::byte> bytes;
    capture::Packet packet;
  };

  dataplane::SetTracker* tracker() {
    const auto key = reading_.stream(layers_);
    const auto found = trackers_.find(key);
    if (found != trackers_.end()) return found->second.get();
    if (trackers_.size() >= tracked_flows_max) return nullptr;
    return trackers_.emplace(key, std::make_unique<dataplane::SetTracker>()).first->second.get();
  }

  void told(const dataplane::Fate& fate) {
    const auto found = waiting_.find(fate.handle);
    if (found == waiting_.end()) return;
    if (fate.dropped) {
      auto& tally = result_.dropped[static_cast<std::size_t>(*fate.dropped)];
      ++tally.pdus;
      tally.bytes += fate.bytes;
    } else {
      ++result_.passed;
      result_.passed_bytes += fate.bytes;
      write(found->second, fate.at);
    }
    waiting_.erase(found);
  }

  void write(const Waiting& waiting, dataplane::Elapsed at) {
    auto packet = waiting.packet;
    packet.bytes = waiting.bytes;
    packet.time = begin_ + at;
    const auto size = writer_.packet(packet, out_.room(packet.bytes.size() + capture::writer_room));
    if (size)
      out_.commit(*size);
    else if (written_)
      written_ = fail(size.error());
  }

  MarkReader reader_;
  dataplane::Bottleneck bottleneck_;
  capture::Writer writer_;
  adapters::ByteSink& out_;
  dataplane::SetTracker nobody_;  ///< of packets without a mark; never asked
  std::unordered_map<StreamKey, std::unique_ptr<dataplane::SetTracker>, StreamHash> trackers_;
  /// Bound: what the queue holds, and the one in service.
  std::unordered_map<std::uint64_t, Waiting> waiting_;
  Layers layers_;
  Reading reading_;
  std::chrono::nanoseconds begin_{};
  std::chrono::nanoseconds last_{};
  bool begun_ = false;
  std::uint64_t next_handle_ = 0;
  Squeezed result_;
  Result<void> written_;
};

}  // namespace

Result<Squeezed> squeeze(const std::string& input, adapters::CaptureSource& source,
                         adapters::ByteSink& out, const SqueezeSettings& settings) {
  BitsPerSecond rate = settings.rate;
  if (settings.rate_share) {
    if (input == "-")
      return fail(Errc::not_allowed, "a share of a pipe's rate is not known: give --rate in kbps");
    const auto all = offered(input);
    if (!all) return fail(all.error());
    rate.count = static_cast<std::uint64_t>(static_cast<double>(all->count) * *settings.rate_share);
  }
  if (rate.count == 0) return fail(Errc::out_of_range, "the link has no rate");
  auto reader = MarkReader::create(settings.read);
  if (!reader) return fail(reader.error());
  const dataplane::QueueConfig queue{
      .policy = settings.policy,
      .bytes_max = std::min(queue_bytes_max, dataplane::bytes_in(rate, settings.queue)),
      .pdus_max = queue_pdus,
      .sets_max = queue_sets,
      .delay_budget = settings.budget};
  Link link(std::move(*reader), rate, queue, settings.format, out);
  Progress progress("squeeze");
  while (const auto* item = source.next()) {
    if (item->kind == capture::Item::Kind::packet) link.packet(item->packet);
    if (!link.written()) return fail(link.written().error());
    progress.packet(source);
    if (out.failed()) break;
  }
  auto result = link.finish();
  if (!result) return fail(result.error());
  if (auto done = out.close(); !done) return fail(done.error());
  result->rate = rate;
  result->queue_bytes = queue.bytes_max;
  return result;
}

}  // namespace lobo::app
