#pragma once
// Frames of live streams in, the same frames out, marked. Packets of a video wait until their mark
// is known (dataplane::LookAhead says when that is) and then leave at once, not at the distances at
// which they came: a frame that came over 5 ms is then complete at the receiver when its last
// packet is, as it was without marking, whereas replaying the distances would add the 5 ms. Each
// stream keeps its order; no stream waits for another, and what is no RTP waits for nobody.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "dataplane/elapsed.hpp"
#include "dataplane/marker.hpp"
#include "model/pdu_set.hpp"
#include "toolbox/mark_writer.hpp"
#include "toolbox/packet_marker.hpp"
#include "toolbox/stream_key.hpp"
#include "wire/xrm/context.hpp"

namespace lobo::app {

inline constexpr std::size_t live_streams_max = 256;
/// A stream that was silent for so long gives its place to a new one: applications that start
/// again take another SSRC.
inline constexpr std::chrono::seconds live_stream_silence{10};
/// Of all streams together. Beyond it the sets that wait are cut.
inline constexpr std::size_t live_bytes_waiting_max = std::size_t{32} << 20U;

struct LiveSettings {
  MarkSettings marks;
  std::size_t ip_bytes_max = 1500;  ///< what the way out carries: its MTU
  dataplane::Elapsed patience = std::chrono::milliseconds{100};
};

struct LiveTallies {
  std::uint64_t packets = 0;
  std::uint64_t marked = 0;
  std::uint64_t left = 0;      ///< no RTP, or no rule for it
  std::uint64_t no_place = 0;  ///< cannot carry a mark, or no counter was left to seal it
  std::uint64_t over_mtu = 0;  ///< of sets that have a packet without room for the mark
  std::uint64_t sets = 0;
  std::uint64_t sets_cut = 0;  ///< their end did not come in time
  std::uint64_t streams = 0;
  std::uint64_t streams_refused = 0;  ///< packets of streams beyond live_streams_max
  dataplane::Elapsed waited{};        ///< by all packets that were marked
  dataplane::Elapsed waited_max{};
};

class LiveMarks {
 public:
  using Elapsed = dataplane::Elapsed;
  /// Takes an Ethernet frame that is to be sent now; it is lent for the call.
  using Out = std::function<void(Bytes frame)>;

  LiveMarks(MarkWriter writer, const LiveSettings& settings, Out out);

  /// `frame` is copied if it has to wait. Times never go back.
  void push(Bytes frame, Elapsed now);
  /// Cuts what has waited too long.
  void tick(Elapsed now);
  /// When tick() has something to do, if anything waits.
  std::optional<Elapsed> due() const;
  /// The end: what waits is decided with what is known.
  void finish(Elapsed now);

  /// From now on nothing is marked: no counter may be used any more.
  void stop_sealing() { marker_.stop_sealing(); }
  /// What waits is sealed by this key as well; null: there is none. See MarkWriter::rekey().
  Result<void> rekey(const xrm::ContextSettings* key) { return marker_.rekey(key); }

  const LiveTallies& tallies() const { return tallies_; }
  const MarkWriter& writer() const { return marker_.writer(); }

 private:
  struct Waiting {
    std::vector<std::byte> frame;
    Elapsed came{};
    std::uint32_t bytes = 0;  ///< of the IP packet with its mark
    bool to_mark = false;     ///< decided, and so
    PduSetMark mark;
  };
  struct Stream {
    explicit Stream(const dataplane::MarkerConfig& config, Psi psi) : video(config), lone(psi) {}
    dataplane::SetMarker video;
    dataplane::LoneMarker lone;
    std::deque<Waiting> waiting;
    std::size_t decided = 0;  ///< of `waiting`, from its front
    Elapsed last_came{};
  };

  Stream* stream_of(const MarkWish& wish, Elapsed now);
  bool make_room(Elapsed now);
  void wait(Stream& stream, Bytes frame, std::uint32_t bytes, Elapsed now);
  void decide(Stream& stream, const PduSetMark& mark);
  void leave(Stream& stream, Elapsed now);
  void check_room(Stream& stream);
  void cut(Stream& stream, Elapsed now);
  void write(Bytes frame, const PduSetMark& mark);

  PacketMarker marker_;
  LiveSettings settings_;
  Out out_;
  std::unordered_map<StreamKey, std::unique_ptr<Stream>, StreamHash> streams_;
  std::size_t bytes_waiting_ = 0;
  std::vector<std::vector<std::byte>> spare_;  ///< buffers to use again
  std::vector<std::byte> written_;
  LiveTallies tallies_;
};

}  // namespace lobo::app
