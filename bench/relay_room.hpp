#pragma once
// A room in which everybody publishes states at one rate and hears the others, whatever carries
// them: what bench/relay_room.py asks of ours and of its peers.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/bytes.hpp"

namespace lobo::bench {

struct RoomLoad {
  std::string host = "127.0.0.1";  ///< of peers; a UE of ours is told by its line
  std::uint16_t port = 0;
  std::size_t members = 0;
  std::size_t hertz = 30;
  std::size_t nearest = 0;  ///< each hears so many only; 0: all others
  std::size_t seconds = 5;
};

inline constexpr std::size_t room_state_bytes = 200;
/// So much of a state says who made it and when; the rest is filling.
inline constexpr std::size_t room_stamp_bytes = 16;

/// Who publishes when, and what became of it. A carrier calls turn() about every millisecond, and
/// heard() for each state that arrives. Tells the time in which states counted by lines of JSON on
/// standard output: {"begin"…} and {"end"…, "published", "owed", "delivered", "agesUs",
/// "oldestUs"}.
class RoomDriver {
 public:
  using Publish = std::function<void(std::size_t member, Bytes state)>;

  RoomDriver(const RoomLoad& load, Publish publish);
  /// `all_up`: everybody is in the room. False: it is over.
  bool turn(bool all_up);
  void heard(std::size_t receiver, Bytes state);

 private:
  enum class Phase { waiting, warming, counting, draining };

  void publish(std::uint64_t now);
  void tell_end() const;

  RoomLoad load_;
  Publish publish_;
  Phase phase_ = Phase::waiting;
  std::uint64_t phase_until_ = 0;
  std::uint64_t count_from_ = 0;
  std::uint64_t count_until_ = 0;
  std::vector<std::uint64_t> due_;
  std::uint64_t published_ = 0;
  std::uint64_t delivered_ = 0;
  /// When the newest state was made that a receiver has of a publisher.
  std::vector<std::uint64_t> newest_;
  std::vector<std::uint32_t> ages_us_;    ///< of states as they come
  std::vector<std::uint32_t> oldest_us_;  ///< of what a receiver had until then
};

int load_sdd(const RoomLoad& load);
/// By the library of the enabler's client.
int load_mmec(const RoomLoad& load);
int load_nats(const RoomLoad& load);
/// Of Colyseus: one path of a seat in its room a line on standard input, until "go".
int load_colyseus(const RoomLoad& load);
/// The same where the room keeps states by a schema: a state is a text there.
int load_colyseus_schema(const RoomLoad& load);
/// Relays of the same room, as small as their libraries let them be; port 0: any. They tell their
/// port by a line on standard output, and go on until they are ended.
int serve_websocket(const std::string& host, std::uint16_t port);
int load_websocket(const RoomLoad& load);
#ifdef LOBO_ENET
int serve_enet(const std::string& host, std::uint16_t port);
int load_enet(const RoomLoad& load);
#endif

}  // namespace lobo::bench
