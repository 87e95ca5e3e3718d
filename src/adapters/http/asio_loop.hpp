#pragma once
// What the I/O files of this folder share behind EventLoop. Only loop.cpp, link.cpp, listener.cpp,
// dialer.cpp, ../udp/socket.cpp and ../udp/readiness.cpp may include this: each Asio file costs
// seconds to compile.

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "adapters/http/loop.hpp"

namespace lobo::adapters {

namespace asio = boost::asio;
/// The concrete executor: the type-erased default costs a virtual call and an allocation per
/// operation.
using Executor = asio::io_context::executor_type;
using Socket = asio::basic_stream_socket<asio::ip::tcp, Executor>;

inline constexpr std::size_t read_buffer_bytes = 16384;
/// Read buffers kept for the next busy connection.
inline constexpr std::size_t spare_buffers_max = 64;

/// Pages of their own: what a burst of connections borrowed goes back to the system afterwards,
/// where the heap would keep it between smaller things.
struct Unmap {
  void operator()(char* pages) const;
};
using ReadBuffer = std::unique_ptr<char, Unmap>;

struct EventLoop::Impl {
  using SteadyTime = std::chrono::steady_clock::time_point;
  using Key = std::pair<SteadyTime, TimerId>;

  void arm();
  void fire();
  ReadBuffer lend();
  void give_back(ReadBuffer buffer);

  // Order matters: destroying `io` destroys pending handlers, and with them connections, which
  // still cancel their timers and give back their buffers.
  std::map<Key, std::function<void()>> timers;
  std::unordered_map<TimerId, SteadyTime> due;
  TimerId last_id = 0;
  SteadyTime armed = SteadyTime::max();
  std::vector<ReadBuffer> spare;
  std::string plain;  ///< scratch of whoever is flushing or decrypting; never kept across a return
  std::string wire;
  std::map<int, std::function<void()>> signals;

  asio::io_context io{1};
  asio::basic_waitable_timer<std::chrono::steady_clock,
                             asio::wait_traits<std::chrono::steady_clock>, Executor>
      timer{io.get_executor()};
  asio::basic_signal_set<Executor> signal_set{io.get_executor()};
};

}  // namespace lobo::adapters
