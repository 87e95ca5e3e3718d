#pragma once
// Coded video as RTP over UDP in a capture, marked or not. The video is always an encoder's.

#include <chrono>
#include <cstdint>
#include <string>

#include "adapters/capture/sink.hpp"
#include "base/result.hpp"
#include "toolbox/mark_stream.hpp"
#include "toolbox/mark_writer.hpp"
#include "toolbox/video.hpp"
#include "wire/capture/capture.hpp"

namespace lobo::app {

struct GenerateSettings {
  EncodeSettings video;
  WriteSettings marks;
  dataplane::MarkerConfig marker;
  capture::Format format = capture::Format::pcap_nanoseconds;
  std::string source = "192.0.2.1";  ///< IPv4 or IPv6, both of one kind
  std::string destination = "198.51.100.2";
  std::uint16_t source_port = 40000;
  std::uint16_t destination_port = 5004;
  std::uint16_t vlan = 0;  ///< 0: no tag
  std::uint8_t payload_type = 96;
  std::size_t payload_bytes = 1200;  ///< of RTP, at most
  bool aggregate = false;            ///< NAL units that fit one payload share it
  /// The first packet's time; the packets of a picture follow one another by `spacing`.
  std::chrono::nanoseconds begin = std::chrono::seconds{1767225600};
  std::chrono::nanoseconds spacing = std::chrono::microseconds{10};
};

struct Generated {
  std::uint64_t pictures = 0;
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;  ///< of frames
  MarkTallies marks;
};

Result<Generated> generate(const GenerateSettings& settings, adapters::ByteSink& out);

}  // namespace lobo::app
