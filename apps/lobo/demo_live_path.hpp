#pragma once
// The way that the live demo's video takes: a network of namespaces and processes, or the same code
// over memory rings in this process. The story is the same.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "adapters/trace/trace_view.hpp"
#include "base/quantity.hpp"
#include "base/result.hpp"
#include "demo_live/clip.hpp"
#include "demo_world.hpp"
#include "process.hpp"

namespace lobo::app {

// Where everybody is. The gNB's side of the air and of N3, N6 and its server are networks of their
// own; the core's loopback has the control plane.
inline constexpr std::string_view live_server_address = "10.100.6.2";
inline constexpr std::string_view live_n6_address = "10.100.6.1";
inline constexpr std::string_view live_n3_address = "10.100.3.1";
inline constexpr std::string_view live_gnb_address = "10.100.3.2";
inline constexpr std::string_view live_edge_address = "10.100.7.1";  ///< behind the server's router
inline constexpr std::string_view live_ue_address = "10.45.0.2";
inline constexpr std::uint16_t live_video_port = 5004;
inline constexpr std::string_view live_gnb_name = "gnb1";

/// What the cell does, with the video's rate as it is on N3.
struct CellTerms {
  BitsPerSecond rate;             ///< of the cell
  std::uint64_t queue_bytes = 0;  ///< before it
};

/// How a pass is scheduled.
struct PassTerms {
  std::string name;  ///< of its files: "plain", "pdu-sets"
  BitsPerSecond rate;
  bool pdu_sets = false;  ///< else one queue for all, which drops what does not fit
  std::int64_t qfi = 0;   ///< of the video's QoS flow
};

/// What the gNB saw of the video's QoS flow during a pass.
struct PassFigures {
  std::string received_file;  ///< the receiver's pictures
  std::uint64_t packets = 0;
  std::uint64_t delivered = 0;
  std::uint64_t sets = 0;
  std::uint64_t sets_delivered = 0;
  std::uint64_t receiver_losses = 0;  ///< that the receiver's own socket had no room for
};

class LivePath {
 public:
  virtual ~LivePath() = default;
  /// "namespaces" or "memory".
  virtual std::string_view network() const = 0;
  /// Configuration of `lobo netsim`.
  virtual std::string network_config(const Clip& clip) const = 0;
  /// The UPF and the RAN, and the UE is registered. What was done, in words.
  virtual Result<std::string> start(DemoWorld& world, const Clip& clip, const CellTerms& begin) = 0;
  /// Sends the clip once and sees what became of it.
  virtual Result<PassFigures> play(DemoWorld& world, const Clip& clip, const PassTerms& terms) = 0;
  /// Where a node has to listen so that the UE reaches it.
  virtual std::string edge_address() const = 0;
  /// Whether what the UE hears from there comes through the cell.
  virtual bool edge_is_behind_the_cell() const = 0;
  /// Runs this very program with `words` where the UE is.
  virtual Result<ChildProcess> start_at_ue(const std::vector<std::string>& words,
                                           const std::string& log_file) = 0;
  /// Ends the RAN and the UPF. What is left of them, in words; empty: nothing.
  virtual std::string end(DemoWorld& world) = 0;
  /// What passed besides HTTP.
  virtual std::vector<adapters::trace::SeenMessage> messages() const = 0;
  /// Figures of the way itself.
  virtual std::vector<std::pair<std::string, double>> figures() const = 0;
};

}  // namespace lobo::app
