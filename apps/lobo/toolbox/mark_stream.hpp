#pragma once
// Packets in, the same packets out in the same order, marked: those of video streams wait until
// their access unit is whole, and whatever stands behind them waits with them.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include "base/bytes.hpp"
#include "dataplane/marker.hpp"
#include "model/pdu_set.hpp"
#include "toolbox/mark_writer.hpp"
#include "toolbox/packet_marker.hpp"
#include "toolbox/stream_key.hpp"
#include "wire/capture/capture.hpp"

namespace lobo::app {

/// Items that may wait. Beyond that the stream at the front is taken as ended for now.
inline constexpr std::size_t items_waiting_max = 32768;
inline constexpr std::size_t bytes_waiting_max = std::size_t{128} << 20U;
/// Video streams (flow and SSRC) that are marked; packets of more are left as they are.
inline constexpr std::size_t marked_streams_max = 256;

struct MarkTallies {
  std::uint64_t marked = 0;
  std::uint64_t left = 0;    ///< no rule for them, or no RTP
  std::uint64_t failed = 0;  ///< a rule, but the mark does not fit
  std::uint64_t streams = 0;
  std::uint64_t video_streams = 0;
  std::uint64_t foreign_streams = 0;  ///< of them, as finish() found: most likely of another codec
};

class MarkStream {
 public:
  /// Called for each item in order; `changed` is empty where its packet stays as it was.
  using Out = std::function<void(const capture::Item& item, Bytes changed)>;

  MarkStream(MarkWriter writer, const MarkSettings& settings, Out out);

  void push(const capture::Item& item);
  /// The end: decides and hands out what waits.
  void finish();
  const MarkTallies& tallies() const { return tallies_; }
  const MarkWriter& writer() const { return marker_.writer(); }

 private:
  struct Stream {
    explicit Stream(const dataplane::MarkerConfig& config) : marker(config) {}
    dataplane::SetMarker marker;
    std::deque<std::size_t> waiting;  ///< items of it without a mark, by number
  };
  struct Waiting {
    capture::Item item;  ///< its bytes are in `raw`
    std::vector<std::byte> raw;
    Stream* stream = nullptr;  ///< undecided
    bool to_mark = false;
    PduSetMark mark;
  };

  Waiting& wait(const capture::Item& item);
  void offer(Waiting& waiting);
  bool offer_lone(Waiting& waiting, const MarkWish& wish);
  bool offer_video(Waiting& waiting, const MarkWish& wish);
  Stream* stream_of(const StreamKey& key);
  void decided(Stream& stream, const PduSetMark& mark);
  void hand_out();
  void hand_out_front();
  void close(Stream& stream);

  PacketMarker marker_;
  dataplane::MarkerConfig config_;
  Out out_;
  std::deque<Waiting> waiting_;
  std::size_t first_ = 0;  ///< number of waiting_.front()
  std::size_t bytes_waiting_ = 0;
  std::vector<std::vector<std::byte>> spare_;  ///< buffers to use again
  std::unordered_map<StreamKey, std::unique_ptr<Stream>, StreamHash> streams_;
  std::unordered_map<StreamKey, dataplane::LoneMarker, StreamHash> lone_;
  std::vector<std::byte> frame_;
  MarkTallies tallies_;
};

}  // namespace lobo::app
