#include "wire/qoe/report.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <pugixml.hpp>
#include <string>
#include <string_view>
#include <utility>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/text.hpp"
#include "model/date_time.hpp"
#include "wire/qoe/survey.hpp"

namespace lobo::qoe {
namespace {

using std::chrono::milliseconds;

constexpr std::string_view report_namespace = "urn:3gpp:metadata:2011:HSD:receptionreport";
constexpr std::uint64_t bits_per_octet = 8;
constexpr std::uint64_t ms_per_s = 1000;
constexpr std::uint64_t octets_max = 1ULL << 48U;  // times 8 bits and 1000 ms still fits
constexpr std::uint64_t period_s_max = 86'400;

/// Later years of the same namespace added to it.
bool is_ours(pugi::xml_node root) {
  const std::string_view name = root.name();
  const auto colon = name.find(':');
  const std::string attribute =
      colon == std::string_view::npos ? "xmlns" : "xmlns:" + std::string(name.substr(0, colon));
  const std::string_view value = root.attribute(attribute.c_str()).value();
  return value.starts_with("urn:3gpp:metadata:") && value.ends_with(":HSD:receptionreport");
}

class Reader {
 public:
  void read(pugi::xml_node root, ReceptionReport& out) {
    const std::string at = "/ReceptionReport";
    out.client_id = word(root.attribute("clientID").value(), at + "/clientID", name_bytes_max);
    out.content_uri = word(root.attribute("contentURI").value(), at + "/contentURI", url_bytes_max);
    std::size_t number = 0;
    for (const auto node : root.children()) {
      const auto name = local_name(node.name());
      if (name != "QoeReport" && name != "QoEReport") continue;
      const auto here = at + "/QoeReport/" + std::to_string(number);
      if (number++ >= reports_max) return blame(Errc::too_large, here, "too many reports");
      report(node, here, out.reports.emplace_back());
    }
    if (number == 0) blame(Errc::missing, at + "/QoeReport", "there is no report in it");
  }
  Error error;

 private:
  void blame(Errc code, std::string where, std::string why) {
    constexpr std::size_t faults_max = 16;
    if (error.faults.empty()) {
      error.code = code;
      error.detail = "the report is not as TS 26.247 clause 10.6 wants it";
    }
    if (error.faults.size() < faults_max)
      error.faults.push_back({code, std::move(where), std::move(why)});
  }
  std::string word(std::string_view text, const std::string& at, std::size_t max) {
    if (text.size() > max)
      blame(Errc::out_of_range, at, "is too long");
    else if (!is_printable(text))
      blame(Errc::pattern, at, "has a character that may not be there");
    else
      return std::string(text);
    return {};
  }
  /// A whole number without sign or unit.
  std::optional<std::uint64_t> number(std::string_view text, const std::string& at,
                                      std::uint64_t min, std::uint64_t max) {
    text = trim(text);
    const auto read = parse_decimal(text);
    if (!read)
      blame(text.empty() ? Errc::missing : Errc::malformed, at,
            "must be a whole number without sign and unit");
    else if (*read < min || *read > max)
      blame(Errc::out_of_range, at,
            "must be from " + std::to_string(min) + " to " + std::to_string(max));
    else
      return read;
    return std::nullopt;
  }
  std::optional<milliseconds> time(std::string_view text, const std::string& at) {
    const auto read = number(text, at, 0, static_cast<std::uint64_t>(figure_max.count()));
    if (!read) return std::nullopt;
    return milliseconds{static_cast<std::int64_t>(*read)};
  }
  std::optional<Instant> instant(std::string_view text, const std::string& at) {
    const auto read = model::parse_date_time(text);
    if (!read) blame(text.empty() ? Errc::missing : Errc::pattern, at, "must be a date-time");
    return read;
  }

  void report(pugi::xml_node node, const std::string& at, QoeReport& out) {
    out.recording_session = word(node.attribute("recordingSessionId").value(),
                                 at + "/recordingSessionId", name_bytes_max);
    out.time =
        instant(node.attribute("reportTime").value(), at + "/reportTime").value_or(Instant{});
    out.period = std::chrono::seconds{static_cast<std::int64_t>(
        number(node.attribute("reportPeriod").value(), at + "/reportPeriod", 1, period_s_max)
            .value_or(1))};
    for (const auto attribute : node.attributes())
      if (local_name(attribute.name()) == "serviceLocation")
        out.service_location = word(attribute.value(), at + "/serviceLocation", name_bytes_max);
    std::size_t metric = 0;
    for (const auto child : node.children()) {
      if (local_name(child.name()) != "QoeMetric" && local_name(child.name()) != "QoEMetric")
        continue;
      const auto here = at + "/QoeMetric/" + std::to_string(metric++);
      for (const auto one : child.children()) measure(one, here, out);
    }
  }

  void measure(pugi::xml_node node, const std::string& in, QoeReport& out) {
    const auto name = local_name(node.name());
    const auto at = in + '/' + std::string(name);
    if (name == "AvgThroughput") return throughput(node, at, out);
    if (name == "InitialPlayoutDelay") out.startup = time(node.text().get(), at);
    if (name == "BufferLevel") return buffer(node, at, out);
    if (name == "PlayList") play_list(node, at, out);
  }

  void throughput(pugi::xml_node node, const std::string& at, QoeReport& out) {
    const auto octets = number(node.attribute("numBytes").value(), at + "/numBytes", 0, octets_max);
    const auto active = number(node.attribute("activityTime").value(), at + "/activityTime", 0,
                               static_cast<std::uint64_t>(figure_max.count()));
    // Nothing was fetched in this time: no figure, and no fault.
    if (octets && active && *active > 0)
      out.throughput_bps = *octets * bits_per_octet * ms_per_s / *active;
  }

  void buffer(pugi::xml_node node, const std::string& at, QoeReport& out) {
    std::optional<Instant> newest;
    std::size_t entry = 0;
    for (const auto child : node.children()) {
      if (local_name(child.name()) != "BufferLevelEntry") continue;
      const auto here = at + "/BufferLevelEntry/" + std::to_string(entry++);
      const auto when = instant(child.attribute("t").value(), here + "/t");
      const auto level = time(child.attribute("level").value(), here + "/level");
      if (!when || !level || (newest && *when < *newest)) continue;
      newest = when;
      out.buffer = level;
    }
  }

  /// Between an entry that ended by rebuffering and the next one there was no picture.
  void play_list(pugi::xml_node node, const std::string& at, QoeReport& out) {
    std::optional<Instant> stopped;
    milliseconds played{}, stalled{};
    std::size_t entry = 0;
    for (const auto trace : node.children()) {
      if (local_name(trace.name()) != "Trace") continue;
      for (const auto child : trace.children()) {
        if (local_name(child.name()) != "TraceEntry") continue;
        const auto here = at + "/TraceEntry/" + std::to_string(entry++);
        const auto start = instant(child.attribute("start").value(), here + "/start");
        const auto duration = time(child.attribute("duration").value(), here + "/duration");
        if (!start || !duration) continue;
        if (stopped && *start > *stopped)
          stalled += std::chrono::duration_cast<milliseconds>(*start - *stopped);
        played += *duration;
        stopped = std::string_view(child.attribute("stopReason").value()) == "rebuffering"
                      ? std::optional(*start + *duration)
                      : std::nullopt;
      }
    }
    // No more than the time that it is about: clocks step.
    out.played = std::min(out.played.value_or(milliseconds{}) + played, figure_max);
    out.stalled = std::min(out.stalled + stalled, figure_max);
  }
};

struct ToString final : pugi::xml_writer {
  void write(const void* data, std::size_t size) override {
    text.append(static_cast<const char*>(data), size);
  }
  std::string text;
};

void set(pugi::xml_node node, const char* name, const std::string& value) {
  node.append_attribute(name).set_value(value.c_str());
}
std::string text_of(milliseconds time) { return std::to_string(time.count()); }

void write_one(pugi::xml_node root, const QoeReport& one) {
  auto node = root.append_child("QoeReport");
  if (!one.recording_session.empty()) set(node, "recordingSessionId", one.recording_session);
  set(node, "reportTime", model::format_date_time(one.time));
  set(node, "reportPeriod", std::to_string(one.period.count()));
  if (!one.service_location.empty()) set(node, "serviceLocation", one.service_location);
  const auto metric = [&] { return node.append_child("QoeMetric"); };
  if (one.throughput_bps) {
    // One second of activity, so that nothing is lost by rounding but parts of an octet.
    auto to = metric().append_child("AvgThroughput");
    set(to, "numBytes", std::to_string(*one.throughput_bps / bits_per_octet));
    set(to, "activityTime", std::to_string(ms_per_s));
    set(to, "t", model::format_date_time(one.time));
    set(to, "duration", text_of(one.period));
  }
  if (one.startup)
    metric().append_child("InitialPlayoutDelay").text().set(text_of(*one.startup).c_str());
  if (one.buffer) {
    auto to = metric().append_child("BufferLevel").append_child("BufferLevelEntry");
    set(to, "t", model::format_date_time(one.time));
    set(to, "level", text_of(*one.buffer));
  }
  if (!one.played) return;
  auto trace = metric().append_child("PlayList").append_child("Trace");
  set(trace, "startTime", model::format_date_time(one.time));
  auto first = trace.append_child("TraceEntry");
  set(first, "start", model::format_date_time(one.time));
  set(first, "duration", text_of(*one.played));
  if (one.stalled == milliseconds{}) return;
  set(first, "stopReason", "rebuffering");
  auto second = trace.append_child("TraceEntry");
  set(second, "start", model::format_date_time(one.time + *one.played + one.stalled));
  set(second, "duration", "0");
}

}  // namespace

std::optional<double> QoeReport::rebuffer_ratio() const {
  if (!played || *played + stalled == milliseconds{}) return std::nullopt;
  return static_cast<double>(stalled.count()) / static_cast<double>((*played + stalled).count());
}

Result<ReceptionReport> read_report(std::string_view xml) {
  if (xml.size() > report_bytes_max) return fail(Errc::too_large, "the report is too large");
  pugi::xml_document document;
  if (auto surveyed = load_surveyed(document, xml); !surveyed)
    return fail(std::move(surveyed.error()));
  const auto root = document.document_element();
  if (local_name(root.name()) != "ReceptionReport" || !is_ours(root))
    return fail(Errc::not_allowed, "this is no reception report",
                {{Errc::not_allowed, "/", "must be a ReceptionReport of its namespace"}});
  ReceptionReport out;
  Reader reader;
  reader.read(root, out);
  if (!reader.error.faults.empty()) return fail(std::move(reader.error));
  return out;
}

std::string write_report(const ReceptionReport& report) {
  pugi::xml_document document;
  auto root = document.append_child("ReceptionReport");
  set(root, "xmlns", std::string(report_namespace));
  if (!report.client_id.empty()) set(root, "clientID", report.client_id);
  if (!report.content_uri.empty()) set(root, "contentURI", report.content_uri);
  for (const auto& one : report.reports) write_one(root, one);
  ToString out;
  document.save(out, "", pugi::format_raw, pugi::encoding_utf8);
  return std::move(out.text);
}

}  // namespace lobo::qoe
