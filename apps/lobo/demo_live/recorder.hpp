#pragma once
// A capture of what an interface of a namespace receives, written by a thread of its own while the
// demo goes on.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "adapters/capture/sink.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"
#include "wire/capture/writer.hpp"
#include "wire/packet_io/batch.hpp"
#include "wire/packet_io/port.hpp"

namespace lobo::app {

class Recorder {
 public:
  /// Which frames are kept; all without one. `arrived` is since 1970.
  using Wanted = std::function<bool(Bytes frame, std::chrono::nanoseconds arrived)>;

  /// Of `interface` where the calling thread is.
  static Result<std::unique_ptr<Recorder>> start(const std::string& interface,
                                                 const std::string& path, Wanted wanted = {});
  ~Recorder();
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  /// Ends it; how many frames the file has. A fault where they did not reach it.
  Result<std::uint64_t> stop();
  /// For any thread: frames kept so far.
  std::uint64_t frames() const { return frames_.load(std::memory_order_relaxed); }

 private:
  Recorder(std::unique_ptr<packet_io::Port> port, adapters::ByteSink sink, Wanted wanted);
  void run();
  void take(const packet_io::Batch& batch);

  std::unique_ptr<packet_io::Port> port_;
  adapters::ByteSink sink_;
  Wanted wanted_;
  capture::Writer writer_;
  std::atomic<std::uint64_t> frames_{0};
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace lobo::app
