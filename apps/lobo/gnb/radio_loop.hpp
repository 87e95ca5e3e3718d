#pragma once
// The emulated radio on the event loop: N3 on its one side, the air on the other, and the clock.
// UEs are numbered by who calls.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "adapters/http/loop.hpp"
#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/rng.hpp"
#include "dataplane/elapsed.hpp"
#include "dataplane/radio/cell.hpp"
#include "dataplane/radio/conveyed.hpp"
#include "dataplane/radio/radio.hpp"
#include "dataplane/radio/rate_trace.hpp"
#include "gnb/air_side.hpp"
#include "gnb/gnb_config.hpp"
#include "gnb/n3_side.hpp"
#include "gnb/packet_store.hpp"
#include "gnb/session_terms.hpp"
#include "runtime/ports.hpp"
#include "wire/gtpu/containers.hpp"

namespace lobo::app {

/// A time stamp of QoS monitoring waits so long for an uplink packet, then goes in an empty one.
inline constexpr std::chrono::milliseconds stamp_wait{50};

class RadioLoop {
 public:
  struct Tells {
    std::function<AirAnswer(std::string_view name)> attach;
    std::function<void(std::uint32_t ue)> lost;
    std::function<void(const dataplane::RadioNotice&)> notice;
  };

  static Result<std::unique_ptr<RadioLoop>> open(adapters::EventLoop& loop, const Clock& clock,
                                                 Rng& rng, const GnbConfig& config,
                                                 dataplane::RateTrace rate, Tells tells);
  ~RadioLoop();
  RadioLoop(const RadioLoop&) = delete;
  RadioLoop& operator=(const RadioLoop&) = delete;

  /// The UE has a session, or another one; `teid` is ours. False: some flows share a bearer.
  bool serve(std::uint32_t ue, std::uint32_t teid, const SessionTerms& terms,
             const dataplane::RadioLink& link);
  /// It has none any more.
  void end(std::uint32_t ue);

  void set_rate(dataplane::RateTrace rate);
  void reconfigure(const dataplane::CellConfig& config);

  const dataplane::Radio& radio() const { return radio_; }
  const N3Side& n3() const { return *n3_; }
  const AirSide& air() const { return *air_; }
  AirSide& air() { return *air_; }
  dataplane::Elapsed now() const { return std::chrono::steady_clock::now() - begun_; }
  std::uint64_t stamps_answered() const { return stamps_answered_; }

 private:
  struct Served {
    std::uint32_t teid = 0;
    SessionTerms terms;
  };
  struct Stamp {
    std::uint64_t sent = 0;
    std::uint64_t received = 0;
    runtime::Scheduler::TimerId timer = 0;
  };
  using FlowKey = std::pair<std::uint32_t, std::uint8_t>;

  RadioLoop(adapters::EventLoop& loop, const Clock& clock, const GnbConfig& config,
            dataplane::RateTrace rate, Tells tells);
  void take_downlink(std::uint32_t ue, const dataplane::Conveyed& conveyed, Bytes packet);
  void take_uplink(std::uint32_t ue, Bytes packet);
  void keep_stamp(std::uint32_t ue, std::uint8_t qfi, std::uint64_t sent);
  void send_uplink(std::uint32_t ue, std::uint8_t qfi, Bytes packet);
  std::uint64_t stamp_now() const;
  void pump();
  void act();
  void arm();

  adapters::EventLoop& loop_;
  const Clock& clock_;
  Tells tells_;
  dataplane::Radio radio_;
  dataplane::RadioFates fates_;  ///< scratch
  PacketStore packets_;
  std::map<std::uint32_t, Served> served_;
  std::map<FlowKey, Stamp> stamps_;
  std::chrono::steady_clock::time_point begun_;
  std::optional<runtime::Scheduler::TimerId> timer_;
  std::optional<dataplane::Elapsed> armed_for_;
  std::uint64_t stamps_answered_ = 0;
  std::unique_ptr<N3Side> n3_;
  std::unique_ptr<AirSide> air_;
};

}  // namespace lobo::app
