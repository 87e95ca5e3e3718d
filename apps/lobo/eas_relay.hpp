#pragma once
// `lobo eas`: takes the datagrams of unmodified applications on local sockets, marks their RTP and
// sends it on; what the destination sends back (RTCP) goes to the application.

#include <netinet/in.h>
#include <sys/socket.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/capture/file.hpp"
#include "base/result.hpp"
#include "eas_key_watch.hpp"
#include "eas_keys.hpp"
#include "live/live_marks.hpp"
#include "live/live_sender.hpp"
#include "model/address.hpp"
#include "toolbox/mark_writer.hpp"

namespace lobo::app {

inline constexpr std::size_t eas_streams_max = 16;
inline constexpr std::size_t eas_datagrams_max = 64;  ///< taken from a socket before the next one

struct EasEnds {
  model::IpAddress in;
  std::uint16_t in_port = 0;  ///< 0: any that is free
  model::IpAddress to;
  std::uint16_t to_port = 0;
};

struct EasSettings {
  std::vector<EasEnds> streams;
  std::string tap;  ///< the application's interface; then no `streams`, and EasTap does it
  std::string interface;
  WriteSettings writing;
  LiveSettings live;
  bool by_socket = false;
  std::string counters;     ///< file of counters; empty: beside the key file
  EasKeys* keys = nullptr;  ///< where keys come from, where `writing.keys_come`; outlives the relay
  std::function<void(std::string_view)> tell;
};

/// One application: a socket in, a destination out.
class EasStream {
 public:
  static Result<std::unique_ptr<EasStream>> open(const EasSettings& settings, const EasEnds& ends,
                                                 std::size_t number);

  using Time = LiveSender::Time;
  /// Takes what is there, at most eas_datagrams_max; sends what is decided.
  void take(Time now);
  /// Hands what the destination sent to the application.
  void take_back();

  LiveSender& sender() { return *sender_; }
  const LiveSender& sender() const { return *sender_; }
  int socket_in() const { return in_.get(); }
  std::string in_text() const;  ///< "127.0.0.1:5004"
  std::uint64_t taken() const { return taken_; }
  std::uint64_t taken_back() const { return taken_back_; }

 private:
  EasStream() = default;
  Result<void> bind(const EasEnds& ends);

  adapters::UniqueFile in_;
  std::unique_ptr<LiveSender> sender_;
  std::vector<std::byte> room_;
  sockaddr_storage application_{};
  socklen_t application_size_ = 0;
  std::uint64_t taken_ = 0;
  std::uint64_t taken_back_ = 0;
};

class EasRelay {
 public:
  static Result<EasRelay> open(const EasSettings& settings);
  /// Until SIGINT, SIGTERM, or `at_most` (0: no end) is over.
  Result<void> run(std::chrono::seconds at_most);
  const std::vector<std::unique_ptr<EasStream>>& streams() const { return streams_; }

 private:
  EasKeyWatch keys_;
  std::vector<std::unique_ptr<EasStream>> streams_;
};

}  // namespace lobo::app
