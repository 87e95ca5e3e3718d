#include "toolbox/inspect.hpp"

#include <fmt/format.h>

#include <cstddef>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
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
#include "wire/json/json.hpp"
#include "wire/xrm/unmarked.hpp"

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
    Flow& flow = flows_.of(reading_.stream(layers_));
    Reason reason = reading_.reason;
    if (reading_.has_mark()) {
      const Reason of_pdu = audit(packet, flow);
      if (reason == Reason::marked) reason = of_pdu;
    }
    result_.of_packets.add(reason);
    if (!reading_.warnings.none()) count_warnings();
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

  void count_warnings() {
    for (std::size_t i = 0; i < xrm::warning_kinds; ++i)
      if (reading_.warnings.has(static_cast<xrm::Warning>(i))) ++result_.warnings[i];
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

std::string_view name_of_set(Reason reason) {
  return reason == Reason::marked ? "complete" : to_string(reason);
}

/// Calls `each(of, what, count, wrong)` for whatever was said at least once.
template <class Each>
void for_each_count(const InspectResult& result, Each&& each) {
  for (std::size_t i = 0; i < reasons; ++i) {
    const auto reason = static_cast<Reason>(i);
    if (const auto count = result.of_packets.of(reason); count > 0)
      each("packets", to_string(reason), count, is_wrong(reason));
  }
  for (std::size_t i = 0; i < reasons; ++i) {
    const auto reason = static_cast<Reason>(i);
    if (const auto count = result.of_sets.of(reason); count > 0)
      each("sets", name_of_set(reason), count, is_wrong(reason));
  }
  for (std::size_t i = 0; i < xrm::warning_kinds; ++i)
    if (result.warnings[i] > 0)
      each("warnings", to_string(static_cast<xrm::Warning>(i)), result.warnings[i], false);
}

std::string summary_for_people(const InspectResult& result) {
  const auto of_packets = counts(result.of_packets, false);
  std::string text =
      fmt::format("{} packets{}{}\n", result.packets, of_packets.empty() ? "" : ": ", of_packets);
  if (const auto wrong = counts(result.of_packets, true); !wrong.empty())
    text += fmt::format("  wrong: {}\n", wrong);
  for_each_count(result, [&](std::string_view of, std::string_view what, auto count, bool) {
    if (of == "warnings") text += fmt::format("  read with a warning: {} {}\n", count, what);
  });
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

std::string summary_as_json(const InspectResult& result) {
  std::string text = fmt::format("{{\"packets\":{},\"sets\":{},\"damaged_blocks\":{}",
                                 result.packets, result.sets, result.damaged_items);
  for (const std::string_view part : {"packets", "sets", "warnings"}) {
    text += fmt::format(",\"{}\":{{", part == "warnings"  ? part
                                      : part == "packets" ? "verdicts"
                                                          : "verdicts_of_sets");
    bool first = true;
    for_each_count(result, [&](std::string_view of, std::string_view what, auto count, bool) {
      if (of != part) return;
      text += fmt::format("{}\"{}\":{}", std::exchange(first, false) ? "" : ",", what, count);
    });
    text += "}";
  }
  if (!result.ending.empty()) text += ",\"ending\":" + json::quoted(result.ending);
  return text + fmt::format(",\"all_is_well\":{}}}\n", result.all_is_well());
}

std::string summary_as_csv(const InspectResult& result) {
  std::string text = "of,what,count,wrong\r\n";
  for_each_count(result, [&](std::string_view of, std::string_view what, auto count, bool wrong) {
    text += fmt::format("{},{},{},{}\r\n", of, what, count, wrong ? "yes" : "no");
  });
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

std::string summary_of(const InspectResult& result, InspectSettings::Form form) {
  switch (form) {
    case InspectSettings::Form::table: return summary_for_people(result);
    case InspectSettings::Form::json: return summary_as_json(result);
    case InspectSettings::Form::csv: return summary_as_csv(result);
  }
  std::abort();
}

}  // namespace lobo::app
