#pragma once
// Where packets come from and go to: a memory ring, a capture file, a network interface. One port
// belongs to one worker, which asks it for a batch, handles that and sends on to the same port or
// another; nothing here is called from two threads at once. After construction neither receive()
// nor send() allocates (a capture file's buffers excepted, which grow with its blocks).
//
// Who owns a frame. What receive() hands out is the port's own memory, lent until the next
// receive() of the same port, or its close(): then all of it goes back, sent or not. send() copies
// what it accepts and keeps no view, so a packet may come from any port and may be sent to several.
// What a queue holds longer than a turn it copies.

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>

#include "wire/packet_io/batch.hpp"

namespace lobo::packet_io {

/// Why a port did not hand over a packet, in either direction.
enum class DropReason : std::uint8_t {
  ring_full,     ///< it came faster than it was taken; the kernel counts
  aggregated,    ///< the kernel handed over several as one (GRO, or an offload of the sender)
  cut,           ///< not all of it is here
  too_long,      ///< longer than the port's frames, or to send than the interface carries
  checksum,      ///< the kernel left its checksum open, and it could not be completed
  not_ethernet,  ///< a capture's packet of another link
  link_down,     ///< taken to be sent, and then the interface went down
  refused,       ///< the kernel did not take it
};
inline constexpr std::size_t drop_reasons_count = 8;

constexpr std::string_view to_string(DropReason reason) {
  switch (reason) {
    case DropReason::ring_full: return "ring_full";
    case DropReason::aggregated: return "aggregated";
    case DropReason::cut: return "cut";
    case DropReason::too_long: return "too_long";
    case DropReason::checksum: return "checksum";
    case DropReason::not_ethernet: return "not_ethernet";
    case DropReason::link_down: return "link_down";
    case DropReason::refused: return "refused";
  }
  std::abort();
}

struct Tally {
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;
  void add(std::size_t size) {
    ++packets;
    bytes += size;
  }
  bool operator==(const Tally&) const = default;
};

struct Counters {
  Tally received;
  Tally sent;
  std::uint64_t checksums_completed = 0;  ///< of received packets, which the sender left open
  std::array<std::uint64_t, drop_reasons_count> dropped{};
  std::uint64_t& operator[](DropReason reason) { return dropped[static_cast<std::size_t>(reason)]; }
  std::uint64_t operator[](DropReason reason) const {
    return dropped[static_cast<std::size_t>(reason)];
  }
};

enum class PortState : std::uint8_t {
  open,
  link_down,  ///< the interface is down; it may come back, and the port with it
  ended,      ///< nothing more will come: the end of a capture, or the other side closed
  gone,       ///< the interface is no more
  failed,     ///< trouble() says why
  closed,     ///< by us
};

constexpr std::string_view to_string(PortState state) {
  switch (state) {
    case PortState::open: return "open";
    case PortState::link_down: return "link_down";
    case PortState::ended: return "ended";
    case PortState::gone: return "gone";
    case PortState::failed: return "failed";
    case PortState::closed: return "closed";
  }
  std::abort();
}

/// A call for each batch, not for each packet, so that it may be virtual.
class Port {
 public:
  Port() = default;
  Port(const Port&) = delete;
  Port& operator=(const Port&) = delete;
  virtual ~Port() = default;

  /// Takes back the frames that it lent, then fills `batch` anew with what is there now, in the
  /// order of arrival. Never waits. The number of packets; 0 may also mean that there will be no
  /// more, which state() tells.
  virtual std::size_t receive(Batch& batch) noexcept = 0;

  /// Takes packets from the front of `packets`, copies them and sends them in this order. How many
  /// it took; the rest had no room, is not counted anywhere and is the caller's to offer again or
  /// to drop. A packet that can never be sent (too_long) is taken and counted as dropped. Never
  /// waits: what a kernel does not send at once leaves with the calls that follow, be it
  /// about_to_wait() only.
  virtual std::size_t send(std::span<const Packet> packets) noexcept = 0;

  /// Asked when there is nothing to receive, or no room to send. Costs a system call on interfaces.
  virtual PortState state() noexcept = 0;

  /// What a worker waits on, by poll() for reading; -1 where there is nothing to wait for. Before
  /// it waits it calls about_to_wait(), and does not wait if that says true: something is here
  /// already. One wait may end for nothing.
  virtual int descriptor() const noexcept { return -1; }
  virtual bool about_to_wait() noexcept { return true; }

  /// Up to this moment, what the kernel dropped for want of room included.
  virtual const Counters& counters() noexcept = 0;

  /// Longest frame that can be received and sent now, Ethernet header included.
  virtual std::size_t frame_bytes_max() const noexcept = 0;

  /// Gives everything back: lent frames, kernel memory, attached programs; what was accepted has
  /// gone out or is written. Twice is once.
  virtual void close() noexcept = 0;

  /// A sentence for people, where state() is neither open nor ended.
  virtual std::string trouble() const { return {}; }
};

}  // namespace lobo::packet_io
