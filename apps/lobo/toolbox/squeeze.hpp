#pragma once
// `lobo pcap squeeze`: a capture through a link that is too narrow, under a policy.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "adapters/capture/sink.hpp"
#include "adapters/capture/source.hpp"
#include "base/quantity.hpp"
#include "base/result.hpp"
#include "dataplane/drop_reason.hpp"
#include "dataplane/set_queue.hpp"
#include "toolbox/mark_reader.hpp"
#include "wire/capture/capture.hpp"

namespace lobo::app {

struct SqueezeSettings {
  ReadSettings read;
  dataplane::Policy policy = dataplane::Policy::threshold;
  std::optional<double> rate_share;       ///< of what the capture offers on average
  BitsPerSecond rate{0};                  ///< without rate_share
  std::chrono::milliseconds queue{250};   ///< its length, at the link's rate
  std::chrono::milliseconds budget{270};  ///< PSDB; 0: none
  capture::Format format = capture::Format::pcap_nanoseconds;
};

struct Squeezed {
  BitsPerSecond rate{0};
  std::uint64_t queue_bytes = 0;
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;
  std::uint64_t passed = 0;
  std::uint64_t passed_bytes = 0;
  dataplane::DropTallies dropped{};
};

/// Bytes are those of IP packets. With a share the file is read twice: it cannot be a pipe.
Result<Squeezed> squeeze(const std::string& input, adapters::CaptureSource& source,
                         adapters::ByteSink& out, const SqueezeSettings& settings);

}  // namespace lobo::app
