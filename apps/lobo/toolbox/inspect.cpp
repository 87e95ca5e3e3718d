#include "toolbox/inspect.hpp"

#include <fmt/format.h>

#include <cstddef>
#include <optional>
#include <string>
#include <utility>

#include "adapters/capture/sink.hpp"
#include "adapters/capture/source.hpp"
#include "base/result.hpp"
#include "toolbox/flow_table.hpp"
#include "toolbox/inspect_lines.hpp"
#include "toolbox/layers.hpp"
#include "toolbox/mark_reader.hpp"
#include "toolbox/progress.hpp"
#include "toolbox/reason.hpp"
#include "toolbox/set_audit.hpp"
#include "wire/capture/capture.hpp"

namespace lobo::app {
namespace {

using What = InspectSettings::What;

class Inspection {
 public:
  Inspection(MarkReader reader, adapters::ByteSink& out, const InspectSettings& settings)
      : reader_(std::move(reader)), out_(out), settings_(settings) {}

  void begin() {
    if (settings_.what == What::packets) write_packet_head(out_, settings_.form);
    if (settings_.what == What::sets) write_set_head(out_, settings_.form);
  }

  void packet(const capture::Packet& packet) {
    ++result_.packets;
    take_apart(packet, layers_);
    reader_.read(layers_, reading_);
    Flow& flow = flows_.of(layers_.inner.flow);
    Reason reason = reading_.reason;
    if (reading_.has_mark()) {
      const Reason of_pdu = audit(packet, flow);
      if (reason == Reason::marked) reason = of_pdu;
    }
    result_.of_packets.add(reason);
    if (settings_.what != What::packets || (settings_.wrong_only && !is_wrong(reason))) return;
    write_packet(out_, settings_.form,
                 {.number = result_.packets,
                  .packet = &packet,
                  .layers = &layers_,
                  .reading = &reading_,
                  .flow = &flow,
                  .reason = reason});
  }

  InspectResult finish() {
    flows_.for_each([&](Flow& flow) {
      if (flow.audit) flow.audit->finish([&](const AuditedSet& set) { judged(flow, set); });
    });
    return std::move(result_);
  }

 private:
  Reason audit(const capture::Packet& packet, Flow& flow) {
    SetAudit* audit = flows_.audit_of(flow);
    if (!audit) return Reason::too_many_flows;
    const auto& inner = layers_.inner;
    return audit->add({.mark = reading_.mark,
                       .ip_bytes = inner.ip_end - inner.ip_at,
                       .rtp_sequence = reading_.is_rtp ? std::optional(reading_.rtp.sequence_number)
                                                       : std::nullopt,
                       .at_ns = packet.time.count()},
                      [&](const AuditedSet& set) { judged(flow, set); });
  }

  void judged(const Flow& flow, const AuditedSet& set) {
    ++result_.sets;
    if (set.reason == Reason::marked) ++result_.sets_well;
    result_.of_sets.add(set.reason);
    if (settings_.what != What::sets || (settings_.wrong_only && !is_wrong(set.reason))) return;
    write_set(out_, settings_.form, flow, set);
  }

  MarkReader reader_;
  adapters::ByteSink& out_;
  const InspectSettings& settings_;
  FlowTable flows_;
  Layers layers_;
  Reading reading_;
  InspectResult result_;
};

std::string counts(const ReasonCounts& of, bool wrong) {
  std::string text;
  for (std::size_t i = 0; i < reasons; ++i) {
    const auto reason = static_cast<Reason>(i);
    if (of.of(reason) == 0 || is_wrong(reason) != wrong) continue;
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", of.of(reason), to_string(reason));
  }
  return text;
}

}  // namespace

Result<InspectResult> inspect(adapters::CaptureSource& source, adapters::ByteSink& out,
                              const InspectSettings& settings) {
  auto reader = MarkReader::create(settings.read);
  if (!reader) return fail(reader.error());
  Inspection inspection(std::move(*reader), out, settings);
  Progress progress("inspect");
  inspection.begin();
  while (const auto* item = source.next()) {
    if (item->kind == capture::Item::Kind::packet) inspection.packet(item->packet);
    progress.packet(source);
    if (out.failed()) break;
  }
  auto result = inspection.finish();
  result.damaged_items = source.damaged();
  result.ending = source.what_is_wrong();
  if (auto done = out.flush(); !done) return fail(done.error());
  return result;
}

std::string summary_of(const InspectResult& result) {
  std::string text =
      fmt::format("{} packets: {}\n", result.packets, counts(result.of_packets, false));
  if (const auto wrong = counts(result.of_packets, true); !wrong.empty())
    text += fmt::format("  wrong: {}\n", wrong);
  if (result.sets > 0) {
    text += fmt::format("{} PDU Sets: {} complete", result.sets, result.sets_well);
    if (const auto edges = result.of_sets.of(Reason::edge); edges > 0)
      text += fmt::format(", {} at the edge of the capture", edges);
    text += "\n";
    if (const auto wrong = counts(result.of_sets, true); !wrong.empty())
      text += fmt::format("  wrong: {}\n", wrong);
  }
  if (result.damaged_items > 0)
    text += fmt::format("{} damaged blocks of the capture were passed by\n", result.damaged_items);
  if (!result.ending.empty()) text += result.ending + "\n";
  text += result.all_is_well() ? "all is well\n" : "not all is well\n";
  return text;
}

}  // namespace lobo::app
