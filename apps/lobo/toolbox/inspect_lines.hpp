#pragma once
// How a packet and a PDU Set look in the table, in JSON (an object a line) and in CSV.

#include <cstdint>

#include "adapters/capture/sink.hpp"
#include "toolbox/flow_table.hpp"
#include "toolbox/inspect.hpp"
#include "toolbox/layers.hpp"
#include "toolbox/mark_reader.hpp"
#include "toolbox/reason.hpp"
#include "toolbox/set_audit.hpp"
#include "wire/capture/capture.hpp"

namespace lobo::app {

struct PacketLine {
  std::uint64_t number = 0;  ///< from 1, as other tools count
  const capture::Packet* packet = nullptr;
  const Layers* layers = nullptr;
  const Reading* reading = nullptr;
  const Flow* flow = nullptr;
  Reason reason = Reason::unmarked;
};

void write_packet_head(adapters::ByteSink& out, InspectSettings::Form form);
void write_packet(adapters::ByteSink& out, InspectSettings::Form form, const PacketLine& line);
void write_set_head(adapters::ByteSink& out, InspectSettings::Form form);
void write_set(adapters::ByteSink& out, InspectSettings::Form form, const Flow& flow,
               const AuditedSet& set);

}  // namespace lobo::app
