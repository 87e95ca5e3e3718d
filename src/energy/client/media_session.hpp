#pragma once
// The media session handler of a UE with its Energy Information Collector (TR 26.942 clause 7.13),
// for one media delivery session. It fetches service access information (M5), subscribes and
// listens (E5), tells the application what each entry point takes (M6), and has the player carry
// out what the AF decided (M11). It decides nothing itself: the collector relays (clause 7.13.2).
// Opens no socket and reads no clock: requests and orders come out as values.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "api/media_e5.hpp"
#include "api/media_m5.hpp"
#include "api/media_types.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/rng.hpp"
#include "wire/http/message.hpp"

namespace lobo::energy::client {

inline constexpr std::chrono::seconds poll_wait{10};  ///< what the AF allows
inline constexpr std::chrono::seconds retry_first{1};
inline constexpr std::chrono::seconds retry_most{60};
inline constexpr std::size_t orders_waiting_max = 8;     ///< recommendations that are not due yet
inline constexpr std::chrono::seconds report_usual{60};  ///< where the AF names no interval
inline constexpr std::size_t reportings_max = 16;    ///< configurations that are followed at once
inline constexpr std::size_t measurements_max = 16;  ///< that a cell may have configured
inline constexpr std::size_t steps_max = 256;        ///< that wait to be taken

using UeEnergyState = api::media_e5::UeEnergyState;
using SessionKind = api::media_e5::MediaSessionKind;

struct SessionSettings {
  std::string api_root;  ///< of the AF: "http://af.example"
  std::string m5 = "/3gpp-m5/v2";
  std::string provisioning_session;
  std::string session;           ///< mediaDeliverySessionId
  std::string policy_reference;  ///< which binding to take; empty: the first
  SessionKind kind = SessionKind::downlink;
  std::string bit_rate;  ///< "4 Mbps"; empty: not said
  std::vector<api::media_types::ComponentType> components;
  std::vector<std::string> codecs;
  bool user_consent = false;
  bool collect = true;  ///< false: no collector; somebody else steers the player
};

/// M6, step 15 (gap 4): an entry point with what is known of its service locations, best first.
struct EntryPoint {
  std::string locator;
  std::string content_type;
  std::vector<api::media_m5::M5ServiceLocation> locations;
  bool operator==(const EntryPoint&) const = default;
};

/// How an application, or this handler for it, chooses where to begin (step 16, gap 5).
enum class Choice : std::uint8_t {
  priority,  ///< as the AF orders them
  energy,    ///< the least Wh/GB
  carbon,    ///< the least gCO2e/GB
};

/// M11, step 10c (gap 1): QoE as it is now. The first one comes at once, also when the session has
/// been playing for long before anybody asked.
struct QoeMetrics {
  double throughput_mbps = 0;
  std::chrono::milliseconds buffer{};
  std::chrono::milliseconds startup{};
  std::chrono::milliseconds stalled{};
  std::uint64_t bit_rate = 0;  ///< of the operation point in use, bits per second
  std::string location;
  bool operator==(const QoeMetrics&) const = default;
};

// ---- orders to the player (M11) -----------------------------------------------------------------

struct TellMetrics {
  bool operator==(const TellMetrics&) const = default;
};
/// Step 35b: be served from the first of these that works; the session stays the same one.
struct SelectLocation {
  std::string move_id;
  std::vector<api::media_m5::M5ServiceLocation> locations;
  bool operator==(const SelectLocation&) const = default;
};
/// Step 35, gap 6: the service operation point. What is absent is not limited.
struct SelectOperationPoint {
  std::string move_id;
  std::optional<std::uint64_t> bit_rate_max;
  std::optional<std::int64_t> width_max, height_max;
  std::vector<std::string> codecs;
  std::vector<api::media_types::ComponentType> dropped;
  bool suspended = false;
  bool deferred = false;  ///< downloads that can wait shall wait
  bool operator==(const SelectOperationPoint&) const = default;
};
using Order = std::variant<TellMetrics, SelectLocation, SelectOperationPoint>;

/// Steps 10b and 31: what the cell has the UE measure, as the container in RRCReconfiguration says.
struct CellMeasurement {
  std::int64_t id = 0;  ///< measConfigAppLayerId
  std::string url;      ///< what stands for MeasurementReportAppLayer
  std::chrono::seconds interval{};
  std::vector<std::string> metrics;  ///< empty: all
  bool operator==(const CellMeasurement&) const = default;
};

/// What the player has done at application servers (M4), as it tells the handler on M11.
enum class Delivery : std::uint8_t {
  begun,      ///< step 17: media delivery starts
  requested,  ///< step 18: the first request at the selected location
  arriving,   ///< step 19: media from there
  connected,  ///< step 35c: the first request at the location of a move, beside the old one
  goes_on,    ///< step 35g: media from there after the move
};

// ---- the handler ------------------------------------------------------------------------------

class MediaSession {
 public:
  enum class Phase : std::uint8_t {
    idle,
    fetching,     ///< service access information
    choosing,     ///< the application has to select
    subscribing,  ///< plays, is not heard yet
    listening,
    without_energy,  ///< plays; the AF exposes nothing to collectors
    ended,
  };
  struct Call {
    std::uint64_t id = 0;
    http::Request request;
    std::chrono::milliseconds patience{};
  };
  struct Step {
    std::string_view number;
    std::string what;
  };
  struct Dues {
    std::vector<Call> calls;
    std::vector<Order> orders;
    std::vector<Step> steps;
  };

  /// `rng` outlives it: it spreads the moves of a herd within what the AF allows.
  MediaSession(SessionSettings settings, Rng& rng);

  // ---- M6, the application ----
  void start(Instant now);
  const std::vector<EntryPoint>& entry_points() const { return entry_points_; }
  /// The location to begin at; nothing where the entry point names none.
  std::optional<api::media_m5::M5ServiceLocation> best(std::size_t entry_point,
                                                       Choice choice) const;
  /// Step 16. False where there is no such thing, or it has been done.
  bool select(std::size_t entry_point, std::string_view location, Instant now);
  /// Optional, upstream (E5): a UE that saves gets lower operation points.
  void change_ue_energy(const UeEnergyState& state, Instant now);
  /// The newest metrics, for the application.
  const std::optional<QoeMetrics>& metrics() const { return metrics_; }
  void end(Instant now);

  // ---- M11, the player ----
  /// Reports that are due go out with these.
  void tell(const QoeMetrics& metrics);
  void delivers(Delivery what, std::string_view location);
  /// Steps 35d to 35f: what became of a move.
  void switched(std::string_view move_id, std::string_view from, std::string_view to,
                std::chrono::milliseconds stall, Instant now);
  void not_switched(std::string_view move_id, std::string_view from, std::string_view to,
                    Instant now);

  // ---- the cell ----
  /// Those that hold from now on; one that goes on is not begun again. A session that plays already
  /// reports too (gap 1).
  void measure(const std::vector<CellMeasurement>& wanted, Instant now);

  // ---- the AF ----
  void answered(std::uint64_t call, const Result<http::Response>& answer, Instant now);

  // ---- time ----
  std::optional<Instant> next_deadline() const;
  void advance(Instant now);
  Dues take_dues();

  Phase phase() const { return phase_; }
  const std::string& name() const { return settings_.session; }
  const std::string& location() const { return location_; }
  const std::string& subscription() const { return subscription_; }
  const std::string& steering_url() const { return steering_url_; }
  const std::string& policy() const { return policy_; }
  const std::optional<api::media_e5::ClientEnergyReport>& newest_report() const { return report_; }
  std::uint64_t refused() const { return refused_; }

 private:
  enum class Purpose : std::uint8_t {
    access,
    subscribe,
    events,
    ue_energy,
    change,
    metrics,
    consumption,
    measurement,  ///< a report to the cell
    unsubscribe,
  };
  /// What the AF wants to be told every so often (TS 26.512 clause 11). Holds from the beginning of
  /// a session to its end (TS 26.247 clause 10.1).
  struct Reporting {
    std::string url;
    bool consumption = false;
    std::optional<CellMeasurement> cell;  ///< the report goes by the radio
    std::chrono::seconds interval{};
    std::vector<std::string> metrics;  ///< empty: all
    Instant since{};                   ///< of the last report, or of the first picture
    std::chrono::milliseconds stalled{};
    bool first = true;
    bool due = false;
  };
  struct UnderWay {
    std::uint64_t id = 0;
    Purpose purpose{};
    std::string body;  ///< to be sent again
  };
  struct Later {
    Instant at{};
    Purpose purpose{};
  };
  struct Waiting {
    Instant due{}, not_after{};
    Order order;
  };

  // reports.cpp
  void follow_reporting(const api::media_m5::ServiceAccessInformationResource& access);
  bool playing() const;
  void begin_reporting(Instant now);
  bool reports_due(Instant now);
  void send_reports();
  void send_metrics(Reporting& reporting, const QoeMetrics& metrics);
  void send_consumption(const Reporting& reporting);

  void call(Purpose purpose, std::string method, const std::string& url, std::string body,
            std::chrono::milliseconds patience);
  void do_again(Purpose purpose);
  void retry(Purpose purpose, Instant now);
  void fetch();
  void subscribe();
  void listen();
  void send_ue_energy();
  void accessed(const http::Response& answer, Instant now);
  void subscribed(const http::Response& answer);
  void heard(const http::Response& answer, Instant now);
  void hear(const api::media_e5::ClientEnergyReport& report, Instant now);
  void recommended(const api::media_e5::EnergyAdaptationRecommendation& what, Instant now);
  std::optional<Order> order_of(const api::media_e5::EnergyAdaptationRecommendation& what) const;
  void changed(std::string_view move_id, std::string_view from, std::string_view to,
               api::media_e5::MoveOutcome outcome, std::chrono::milliseconds stall, Instant now);
  void step(std::string_view number, std::string what);

  SessionSettings settings_;
  Rng& rng_;
  Phase phase_ = Phase::idle;
  std::uint64_t calls_ = 0;
  std::vector<UnderWay> under_way_;
  std::vector<Later> later_;
  std::vector<Waiting> waiting_;
  std::chrono::seconds pause_ = retry_first;

  std::vector<EntryPoint> entry_points_;
  std::size_t entry_point_ = 0;
  std::string access_tag_, e5_, policy_, steering_url_, location_;
  std::string subscription_;  ///< its URL
  std::uint64_t after_ = 0;
  std::optional<api::media_e5::ClientEnergyReport> report_;
  std::optional<QoeMetrics> metrics_;
  std::vector<Reporting> reportings_;
  Instant reported_{};  ///< for when the reports that are due are
  std::optional<UeEnergyState> ue_;
  bool ue_told_ = true;  ///< the AF has been told ue_, or is about to be
  std::uint64_t refused_ = 0;
  Dues dues_;
};

}  // namespace lobo::energy::client
