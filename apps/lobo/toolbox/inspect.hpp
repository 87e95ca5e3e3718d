#pragma once
// `lobo pcap inspect`: what each packet says, what each PDU Set adds up to, and whether all is
// well.

#include <array>
#include <cstdint>
#include <string>

#include "adapters/capture/sink.hpp"
#include "adapters/capture/source.hpp"
#include "base/result.hpp"
#include "toolbox/mark_reader.hpp"
#include "toolbox/reason.hpp"
#include "wire/xrm/unmarked.hpp"

namespace lobo::app {

struct InspectSettings {
  enum class Form : std::uint8_t { table, json, csv };
  enum class What : std::uint8_t { packets, sets, nothing };
  ReadSettings read;
  Form form = Form::table;
  What what = What::packets;
  bool wrong_only = false;
};

struct InspectResult {
  std::uint64_t packets = 0;
  std::uint64_t sets = 0;
  std::uint64_t sets_well = 0;
  ReasonCounts of_packets;
  ReasonCounts of_sets;
  std::array<std::uint64_t, xrm::warning_kinds> warnings{};  ///< how many packets have each
  std::uint64_t damaged_items = 0;
  std::string ending;  ///< what is wrong with the capture itself; empty: nothing
  bool all_is_well() const {
    return of_packets.wrong() == 0 && of_sets.wrong() == 0 && damaged_items == 0 && ending.empty();
  }
};

/// Reads to the end, or to where reading ends.
Result<InspectResult> inspect(adapters::CaptureSource& source, adapters::ByteSink& out,
                              const InspectSettings& settings);

/// A few lines for people, one JSON object, or rows of comma-separated values.
std::string summary_of(const InspectResult& result,
                       InspectSettings::Form form = InspectSettings::Form::table);

}  // namespace lobo::app
