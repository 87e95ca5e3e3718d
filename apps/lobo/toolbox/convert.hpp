#pragma once
// `lobo pcap convert`: the same marks in another carriage, also into and out of the G-PDUs of N3.
// PSSize counts headers and options, so it changes with the carriage: a PDU Set waits until it is
// whole, and one that is not whole says that it does not know.

#include <cstdint>
#include <string>

#include "adapters/capture/sink.hpp"
#include "adapters/capture/source.hpp"
#include "base/result.hpp"
#include "toolbox/mark_reader.hpp"
#include "toolbox/mark_writer.hpp"

namespace lobo::app {

struct TunnelSettings {
  std::uint32_t teid = 1;
  std::uint8_t qfi = 9;
  std::string source = "192.0.2.10";  ///< of the UPF, IPv4
  std::string destination = "192.0.2.20";
  std::uint8_t container = 0x04;
  bool keep_option = false;  ///< the UDP option goes on to the UE
};

struct ConvertSettings {
  bool to_n3 = false;
  ReadSettings read;
  WriteSettings write;  ///< where it does not go to N3
  TunnelSettings tunnel;
};

struct Converted {
  std::uint64_t packets = 0;
  std::uint64_t marked = 0;    ///< with their mark in the new carriage
  std::uint64_t unmarked = 0;  ///< without one, as they came
  std::uint64_t left = 0;      ///< as they were: no IP, or no room
};

Result<Converted> convert(adapters::CaptureSource& source, adapters::ByteSink& out,
                          const ConvertSettings& settings);

}  // namespace lobo::app
