#include "toolbox/inspect_lines.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <span>
#include <string_view>

#include "adapters/capture/sink.hpp"
#include "model/pdu_set.hpp"
#include "toolbox/flow_table.hpp"
#include "toolbox/inspect.hpp"
#include "toolbox/line.hpp"
#include "toolbox/mark_reader.hpp"
#include "toolbox/reason.hpp"
#include "toolbox/set_audit.hpp"
#include "wire/xrm/metadata.hpp"
#include "wire/xrm/unmarked.hpp"

namespace lobo::app {
namespace {

using Form = InspectSettings::Form;

struct Column {
  std::string_view name;
  std::size_t width;  ///< of the table
};

constexpr std::array packet_columns{
    Column{"frame", 7}, Column{"time", 21},    Column{"source", 22}, Column{"destination", 22},
    Column{"bytes", 6}, Column{"teid", 11},    Column{"seq", 6},     Column{"carry", 11},
    Column{"PSSN", 5},  Column{"PSN", 5},      Column{"PSI", 4},     Column{"E", 2},
    Column{"D", 2},     Column{"PSSize", 7},   Column{"NPDS", 5},    Column{"BSize", 7},
    Column{"TTNB", 6},  Column{"verdict", 20}, Column{"warnings", 0}};
constexpr std::array set_columns{
    Column{"source", 22}, Column{"destination", 22}, Column{"PSSN", 5},
    Column{"PSI", 4},     Column{"PDUs", 5},         Column{"NPDS", 5},
    Column{"bytes", 8},   Column{"PSSize", 8},       Column{"missing", 8},
    Column{"D", 2},       Column{"first", 21},       Column{"last", 21},
    Column{"verdict", 0}};

/// The cells of one row, in the order of its columns; one that is not there is left empty.
template <std::size_t count>
class Row {
 public:
  Row(adapters::ByteSink& out, Form form, const std::array<Column, count>& columns)
      : out_(out), line_(out.room(line_bytes_max)), form_(form), columns_(columns) {
    if (form_ == Form::json) line_.text("{");
  }
  Row(const Row&) = delete;
  Row& operator=(const Row&) = delete;
  ~Row() {
    line_.text(form_ == Form::json ? "}\n" : form_ == Form::csv ? "\r\n" : "\n");
    out_.commit(line_.size());
  }

  void number(std::optional<std::uint64_t> value) {
    if (begin(value.has_value(), false)) line_.number(*value);
    end();
  }
  void text(std::string_view value) {
    const bool there = !value.empty();
    if (begin(there, true)) line_.text(value);
    if (there && form_ == Form::json) line_.text("\"");
    end();
  }
  void flag(std::optional<bool> value) {
    if (begin(value.has_value(), false))
      line_.text(form_ == Form::json ? (*value ? "true" : "false") : (*value ? "1" : "0"));
    end();
  }
  void time(std::chrono::nanoseconds value) {
    // As text: a JSON number of 19 digits loses its last ones in many readers.
    if (begin(true, true)) line_.time(value);
    if (form_ == Form::json) line_.text("\"");
    end();
  }
  /// Several names in one cell.
  void list(std::span<const std::string_view> values) {
    if (begin(!values.empty(), false)) {
      const bool json = form_ == Form::json;
      for (std::size_t i = 0; i < values.size(); ++i) {
        line_.text(json ? (i == 0 ? "[\"" : "\",\"") : (i == 0 ? "" : " "));
        line_.text(values[i]);
      }
      if (json) line_.text("\"]");
    }
    end();
  }
  /// A member that JSON alone has.
  void json_number(std::string_view name, std::uint64_t value) {
    if (form_ != Form::json) return;
    line_.text(",\"");
    line_.text(name);
    line_.text("\":");
    line_.number(value);
  }

 private:
  /// Whether a value is to be written.
  bool begin(bool there, bool quoted) {
    switch (form_) {
      case Form::json:
        if (!there) return false;
        if (begun_) line_.text(",");
        begun_ = true;
        line_.text("\"");
        line_.text(columns_[at_].name);
        line_.text(quoted ? "\":\"" : "\":");
        return true;
      case Form::csv:
        if (at_ > 0) line_.text(",");
        return there;
      case Form::table:
        if (!there && at_ + 1 == count) return false;  // nothing at the end of most lines
        if (at_ > 0) line_.pad_to(cell_, columns_[at_ - 1].width);
        cell_ = line_.size();
        if (!there) line_.text("-");
        return there;
    }
    std::abort();
  }
  void end() { ++at_; }

  adapters::ByteSink& out_;
  Line line_;
  Form form_;
  const std::array<Column, count>& columns_;
  std::size_t at_ = 0;
  std::size_t cell_ = 0;
  bool begun_ = false;
};

template <std::size_t count>
void write_head(adapters::ByteSink& out, Form form, const std::array<Column, count>& columns) {
  if (form == Form::json) return;
  Row<count> row(out, form, columns);
  for (const auto& column : columns) row.text(column.name);
}

void write_warnings(Row<packet_columns.size()>& row, xrm::Warnings warnings) {
  std::array<std::string_view, xrm::warning_kinds> names;
  std::size_t count = 0;
  for (std::size_t i = 0; i < xrm::warning_kinds; ++i) {
    const auto one = static_cast<xrm::Warning>(i);
    if (warnings.has(one)) names[count++] = to_string(one);
  }
  row.list(std::span(names).first(count));
}

}  // namespace

void write_packet_head(adapters::ByteSink& out, Form form) {
  write_head(out, form, packet_columns);
}

void write_set_head(adapters::ByteSink& out, Form form) { write_head(out, form, set_columns); }

void write_packet(adapters::ByteSink& out, Form form, const PacketLine& line) {
  const Reading& reading = *line.reading;
  const PduSetMark& mark = reading.mark;
  const bool marked = reading.has_mark();
  const auto if_marked = [&](auto value) {
    return marked ? std::optional<std::uint64_t>(value) : std::nullopt;
  };
  // A number that says "unknown" is shown to programs as it came, and to people not at all.
  const auto member = [&](const auto& value, std::uint64_t unknown) {
    return marked && value && (form != Form::table || *value != unknown)
               ? std::optional<std::uint64_t>(*value)
               : std::nullopt;
  };
  Row row(out, form, packet_columns);
  row.number(line.number);
  row.time(line.packet->time);
  row.text(line.flow->source);
  row.text(line.flow->destination);
  row.number(line.packet->original_length);
  row.number(line.layers->tunnelled ? std::optional<std::uint64_t>(line.layers->tunnel.teid)
                                    : std::nullopt);
  row.number(reading.is_rtp ? std::optional<std::uint64_t>(reading.rtp.sequence_number)
                            : std::nullopt);
  row.text(reading.carriage == Carriage::none ? "" : to_string(reading.carriage));
  row.number(if_marked(mark.pssn.value()));
  row.number(marked && mark.psn16 ? std::optional<std::uint64_t>(*mark.psn16)
                                  : if_marked(mark.psn.value()));
  row.number(if_marked(mark.psi.value()));
  row.flag(marked ? std::optional(mark.end_of_pdu_set) : std::nullopt);
  row.flag(marked ? std::optional(mark.end_of_data_burst) : std::nullopt);
  row.number(member(mark.pdu_set_size, 0));
  row.number(member(mark.pdus_in_set, 0));
  row.number(member(mark.burst_size, 0));
  row.number(member(mark.time_to_next_burst, xrm::ttnb_unknown));
  row.text(to_string(line.reason));
  write_warnings(row, reading.warnings);
  if (form != Form::json) return;
  if (reading.is_rtp) {
    row.json_number("ssrc", reading.rtp.ssrc);
    row.json_number("rtp_timestamp", reading.rtp.timestamp);
    row.json_number("payload_type", reading.rtp.payload_type);
    row.json_number("marker", reading.rtp.marker ? 1 : 0);
  }
  if (reading.session) row.json_number("qfi", reading.session->qfi);
  if (reading.set_qfi) row.json_number("set_qfi", *reading.set_qfi);
}

void write_set(adapters::ByteSink& out, Form form, const Flow& flow, const AuditedSet& set) {
  const bool came = set.pdus > 0;
  Row row(out, form, set_columns);
  row.text(flow.source);
  row.text(flow.destination);
  row.number(set.pssn.value());
  row.number(came ? std::optional<std::uint64_t>(set.psi.value()) : std::nullopt);
  row.number(set.pdus);
  row.number(set.pdus_in_set ? std::optional<std::uint64_t>(*set.pdus_in_set) : std::nullopt);
  row.number(set.bytes);
  row.number(set.pdu_set_size ? std::optional<std::uint64_t>(*set.pdu_set_size) : std::nullopt);
  row.number(set.missing);
  row.flag(set.end_of_data_burst);
  row.time(std::chrono::nanoseconds(set.first_at_ns));
  row.time(std::chrono::nanoseconds(set.last_at_ns));
  row.text(set.reason == Reason::marked ? "complete" : to_string(set.reason));
  if (flow.key.ssrc != 0) row.json_number("ssrc", flow.key.ssrc);
}

}  // namespace lobo::app
