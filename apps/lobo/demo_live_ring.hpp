#pragma once
// The packets of the live demo without a network: marked, through the UPF's packet path and the
// gNB's radio, over memory rings, in virtual time. The same code that the processes run.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "adapters/capture/sink.hpp"
#include "adapters/packet_io/memory.hpp"
#include "base/bytes.hpp"
#include "base/quantity.hpp"
#include "base/result.hpp"
#include "dataplane/elapsed.hpp"
#include "dataplane/radio/cell.hpp"
#include "dataplane/radio/radio.hpp"
#include "dataplane/rules/worker_event.hpp"
#include "dataplane/stages/neighbours.hpp"
#include "dataplane/stages/pipeline.hpp"
#include "dataplane/stages/rule_board.hpp"
#include "demo_live/clip.hpp"
#include "live/live_marks.hpp"
#include "toolbox/depacketize.hpp"
#include "wire/capture/writer.hpp"
#include "wire/packet_io/batch.hpp"
#include "wire/packet_io/port.hpp"
#include "wire/xrm/receiver.hpp"

namespace lobo::app {

/// Frames of one side, into a file.
class FrameFile {
 public:
  static Result<FrameFile> create(const std::string& path);
  void add(Bytes frame, dataplane::Elapsed at);
  Result<void> close() { return sink_.close(); }
  std::uint64_t frames() const { return frames_; }

 private:
  explicit FrameFile(adapters::ByteSink sink);
  adapters::ByteSink sink_;
  capture::Writer writer_;
  std::uint64_t frames_ = 0;
};

class MemoryRing {
 public:
  /// A picture of which something arrived at the UE.
  using Arrived = std::function<void(std::int64_t presentation, Bytes access_unit)>;

  /// `rules` is read as its worker 0; `key_file` has the context for both ends.
  static Result<std::unique_ptr<MemoryRing>> create(const std::string& directory,
                                                    const std::string& key_file,
                                                    dataplane::RuleBoard& rules,
                                                    dataplane::WorkerEvents& events,
                                                    const dataplane::RadioConfig& radio);

  dataplane::Radio& radio() { return radio_; }
  dataplane::Elapsed now() const { return now_; }

  void set_cell(BitsPerSecond rate, const dataplane::CellConfig& cell);
  /// Sends the clip from now on, at its pace; time goes on until nothing is under way.
  Result<void> send(const Clip& clip, const Arrived& arrived);
  /// Nothing is sent for a while.
  void rest(dataplane::Elapsed time);
  Result<void> close();
  std::uint64_t n6_frames() const { return n6_file_->frames(); }
  std::uint64_t n3_frames() const { return n3_file_->frames(); }

 private:
  MemoryRing(dataplane::RuleBoard& rules, dataplane::WorkerEvents& events,
             const dataplane::RadioConfig& radio);
  void send_picture(Bytes access_unit, std::uint32_t timestamp);
  void upf_turn();
  void gnb_turn();
  void advance_to(dataplane::Elapsed time);
  void take_fates();

  dataplane::RuleBoard& rules_;
  xrm::Receiver receiver_;
  dataplane::Pipeline pipeline_;
  dataplane::Neighbours neighbours_;
  dataplane::Radio radio_;
  adapters::packet_io::MemoryPair n6_, n3_;  ///< server and UPF, UPF and gNB
  std::unique_ptr<LiveMarks> marks_;
  std::optional<FrameFile> n6_file_, n3_file_;
  packet_io::Batch batch_;
  dataplane::Outgoing out_;
  dataplane::RadioFates fates_;
  std::vector<std::vector<std::byte>> packets_;  ///< under way on the radio, by handle
  std::unique_ptr<Depacketizer> receiver_side_;
  std::vector<std::byte> frame_;
  std::vector<std::byte> datagram_;
  dataplane::Elapsed now_{};
  std::uint16_t sequence_ = 0;
  std::uint32_t ssrc_ = 0x4C4F424F;
};

}  // namespace lobo::app
