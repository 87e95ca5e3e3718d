#pragma once
// QoE reports of DASH clients (TS 26.247 clause 10.6) as plain values. What is read is strict in
// what it knows and passes over what it does not: metrics and attributes of others are no fault.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace lobo::qoe {

inline constexpr std::string_view report_media_type = "application/3gpdash-qoe-report+xml";

inline constexpr std::size_t report_bytes_max = 262'144;  ///< of XML
inline constexpr std::size_t depth_max = 12;
inline constexpr std::size_t elements_max = 8'192;
inline constexpr std::size_t reports_max = 16;  ///< QoeReport elements of one document
inline constexpr std::size_t name_bytes_max = 128;
inline constexpr std::size_t url_bytes_max = 2'048;
/// No figure in milliseconds is longer than a day.
inline constexpr std::chrono::milliseconds figure_max{86'400'000};

struct QoeReport {
  std::string recording_session;  ///< recordingSessionId, without which nobody is meant
  Instant time{};                 ///< reportTime
  std::chrono::seconds period{};  ///< reportPeriod; never zero
  std::optional<std::uint64_t> throughput_bps;       ///< AvgThroughput
  std::optional<std::chrono::milliseconds> startup;  ///< InitialPlayoutDelay
  std::optional<std::chrono::milliseconds> buffer;   ///< the newest of BufferLevel
  std::optional<std::chrono::milliseconds> played;   ///< of PlayList
  std::chrono::milliseconds stalled{};               ///< of PlayList: rebuffering
  std::string service_location;  ///< extension: an attribute of that name at the report
  bool operator==(const QoeReport&) const = default;

  /// Of the time that was to be played, the share without picture.
  std::optional<double> rebuffer_ratio() const;
};

struct ReceptionReport {
  std::string client_id;    ///< clientID
  std::string content_uri;  ///< contentURI: the MPD
  std::vector<QoeReport> reports;
  bool operator==(const ReceptionReport&) const = default;
};

/// Every fault says where, as a path of element names and their numbers. A document type, hence any
/// entity but XML's own five, is refused.
Result<ReceptionReport> read_report(std::string_view xml);
/// What read_report() reads as the same values.
std::string write_report(const ReceptionReport& report);

}  // namespace lobo::qoe
