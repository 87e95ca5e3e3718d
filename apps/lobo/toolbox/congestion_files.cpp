#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "adapters/capture/sink.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"
#include "model/address.hpp"
#include "toolbox/congestion.hpp"
#include "toolbox/congestion_report.hpp"
#include "toolbox/congestion_run.hpp"
#include "toolbox/congestion_stream.hpp"
#include "wire/capture/capture.hpp"
#include "wire/capture/writer.hpp"
#include "wire/packet/build.hpp"
#include "wire/packet/flow.hpp"

namespace lobo::app {
namespace {

// 1 January 2026, so that the same seed gives the same file.
constexpr std::chrono::nanoseconds capture_begin = std::chrono::seconds{1'767'225'600};
constexpr std::size_t frame_bytes_max = 2048;  ///< payload, headers, and room

Result<void> write_text(const std::string& path, std::string_view text) {
  auto sink = adapters::ByteSink::open(path);
  if (!sink) return fail(sink.error());
  sink->write(text);
  return sink->close();
}

Result<void> write_bytes(const std::string& path, Bytes bytes) {
  auto sink = adapters::ByteSink::open(path);
  if (!sink) return fail(sink.error());
  sink->write(bytes);
  return sink->close();
}

/// The packets of `stream` that `run` let through, at the time of their departure; all, as they
/// were offered, where there is no run.
Result<void> write_capture(const std::string& path, const Stream& stream, const RunResult* run) {
  auto sink = adapters::ByteSink::open(path);
  if (!sink) return fail(sink.error());
  const auto time_of = [&](std::size_t i) {
    return run == nullptr ? stream.packets[i].at : run->departed[i];
  };
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < stream.packets.size(); ++i)
    if (run == nullptr || run->departed[i].count() != 0) order.push_back(i);
  std::ranges::stable_sort(order, {}, time_of);

  const auto server = model::parse_ip_address("192.0.2.10");
  const auto viewer = model::parse_ip_address("10.45.0.2");
  if (!server || !viewer) return fail(Errc::internal, "an address of ours is none");
  const auto flow = packet::flow_between(*server, 5004, *viewer, 5004);
  capture::Writer writer(capture::Format::pcap_nanoseconds);
  std::array<std::byte, frame_bytes_max> frame{};
  for (const std::size_t i : order) {
    const auto length =
        packet::build_udp_frame(frame, {}, flow, {}, stream.datagram(stream.packets[i]));
    if (!length) return fail(Errc::internal, "a packet is larger than its frame");
    const auto room = sink->room(*length + capture::writer_room);
    const auto written = writer.packet({.time = capture_begin + time_of(i),
                                        .link_type = capture::LinkType::ethernet,
                                        .original_length = static_cast<std::uint32_t>(*length),
                                        .bytes = Bytes(frame).first(*length)},
                                       room);
    if (!written) return fail(written.error());
    sink->commit(*written);
  }
  return sink->close();
}

}  // namespace

Result<void> write_congestion(const CongestionOutcome& outcome) {
  const auto& directory = outcome.settings.directory;
  std::error_code wrong;
  std::filesystem::create_directories(directory, wrong);
  if (wrong) return fail(Errc::refused, fmt::format("{}: {}", directory, wrong.message()));
  const auto path = [&](std::string_view name) { return fmt::format("{}/{}", directory, name); };

  for (const auto& [name, text] : {std::pair{"shares.csv", shares_csv(outcome)},
                                   {"frames.csv", frames_csv(outcome)},
                                   {"timeline.svg", timeline_svg(outcome)},
                                   {"shares.svg", shares_svg(outcome)},
                                   {"report.html", congestion_page(outcome)}})
    if (const auto done = write_text(path(name), text); !done) return done;
  for (const auto& pictures : outcome.pictures) {
    if (const auto done = write_bytes(path("before.png"), pictures.before_png); !done) return done;
    if (const auto done = write_bytes(path("after.png"), pictures.after_png); !done) return done;
  }
  if (const auto done = write_capture(path("offered.pcap"), outcome.stream, nullptr); !done)
    return done;
  for (const auto contender : contenders) {
    const auto name = fmt::format("{}-{}.pcap", to_string(contender), shown_overload_percent);
    const auto& run = outcome.run(shown_overload_percent, contender);
    if (const auto done = write_capture(path(name), outcome.stream, &run); !done) return done;
  }
  return write_text(path("summary.json"), congestion_summary(outcome));
}

}  // namespace lobo::app
