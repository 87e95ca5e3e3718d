#pragma once
// A capture as a port: receive() reads one, send() writes another; either may be missing. Frames of
// links other than Ethernet, and those that were cut when they were captured, are counted as
// dropped. What is sent keeps the time at which it arrived, so that the same capture gives the same
// bytes.

#include <cstddef>
#include <memory>
#include <string>

#include "base/result.hpp"
#include "wire/capture/capture.hpp"
#include "wire/packet_io/port.hpp"

namespace lobo::adapters::packet_io {

struct CaptureOptions {
  std::string read;   ///< pcap or pcapng, "-" is standard input; empty: nothing is received
  std::string write;  ///< "-" is standard output; empty: nothing can be sent
  capture::Format format = capture::Format::pcap_nanoseconds;  ///< of what is written
  std::size_t frame_bytes_max = std::size_t{64} << 10U;
};

Result<std::unique_ptr<lobo::packet_io::Port>> open_capture(const CaptureOptions& options);

}  // namespace lobo::adapters::packet_io
