#include "demo_live/recorder.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "adapters/capture/sink.hpp"
#include "adapters/packet_io/af_packet.hpp"
#include "adapters/packet_io/wait.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"
#include "wire/capture/capture.hpp"
#include "wire/capture/writer.hpp"
#include "wire/packet_io/batch.hpp"
#include "wire/packet_io/port.hpp"

namespace lobo::app {
namespace {

/// Longest wait; a recorder that is to end notices within this time.
constexpr std::chrono::milliseconds wait_max{50};

}  // namespace

Result<std::unique_ptr<Recorder>> Recorder::start(const std::string& interface,
                                                  const std::string& path, Wanted wanted) {
  auto port = adapters::packet_io::open_af_packet({.interface = interface, .promiscuous = true});
  if (!port) return fail(port.error());
  auto sink = adapters::ByteSink::open(path);
  if (!sink) return fail(sink.error());
  std::unique_ptr<Recorder> made(
      new Recorder(std::move(*port), std::move(*sink), std::move(wanted)));
  made->thread_ = std::thread([recorder = made.get()] { recorder->run(); });
  return made;
}

Recorder::Recorder(std::unique_ptr<packet_io::Port> port, adapters::ByteSink sink, Wanted wanted)
    : port_(std::move(port)),
      sink_(std::move(sink)),
      wanted_(std::move(wanted)),
      writer_(capture::Format::pcap_nanoseconds) {}

Recorder::~Recorder() {
  if (thread_.joinable()) (void)stop();
}

Result<std::uint64_t> Recorder::stop() {
  stopping_.store(true, std::memory_order_relaxed);
  if (thread_.joinable()) thread_.join();
  port_->close();
  if (frames_.load() == 0)
    sink_.commit(writer_.headers(capture::LinkType::ethernet, sink_.room(capture::writer_room)));
  if (auto closed = sink_.close(); !closed) return fail(closed.error());
  return frames_.load();
}

/// Once more after it was told to stop, so that what came before is in the file.
void Recorder::run() {
  packet_io::Batch batch;
  std::array<packet_io::Port*, 1> ports{port_.get()};
  for (;;) {
    const bool last = stopping_.load(std::memory_order_relaxed);
    while (port_->receive(batch) > 0) take(batch);
    if (last) return;
    (void)adapters::packet_io::wait_for_packets(ports, wait_max);
  }
}

void Recorder::take(const packet_io::Batch& batch) {
  for (const auto& packet : batch.packets()) {
    const Bytes frame = packet.bytes();
    if (wanted_ && !wanted_(frame, packet.arrived)) continue;
    const auto written =
        writer_.packet({.time = packet.arrived,
                        .link_type = capture::LinkType::ethernet,
                        .original_length = static_cast<std::uint32_t>(frame.size()),
                        .bytes = frame},
                       sink_.room(frame.size() + capture::writer_room));
    if (!written) continue;
    sink_.commit(*written);
    frames_.fetch_add(1, std::memory_order_relaxed);
  }
}

}  // namespace lobo::app
