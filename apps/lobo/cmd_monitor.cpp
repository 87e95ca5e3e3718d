// `lobo nrm monitor`: what UEs, groups and streams really experience, over the API that
// applications use (TS 29.549, ss-nrm).
#include <fmt/format.h>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <iostream>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/http/loop.hpp"
#include "adapters/http/server.hpp"
#include "api_client.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/text.hpp"
#include "cli.hpp"
#include "commands.hpp"
#include "config_section.hpp"
#include "exit_code.hpp"
#include "json_rows.hpp"
#include "model/date_time.hpp"
#include "notification_sink.hpp"
#include "nrm_command.hpp"
#include "output.hpp"
#include "ready.hpp"
#include "wire/http/message.hpp"
#include "wire/http/url.hpp"
#include "wire/json/json.hpp"
#include "wire/json/value.hpp"

namespace lobo::app {
namespace {

constexpr std::string_view collection = "/ss-nrm/v1/subscriptions";
constexpr std::string_view default_server = "http://127.0.0.60:7777";
constexpr std::string_view all_features = "1f0000000001";

const std::vector<Column> item_columns{{"id", "subscriptionId"},
                                       {"group", "subscription.valGroupId"},
                                       {"targets", "subscription.monState.targets"},
                                       {"measures", "subscription.measReqs.measDataTypes"},
                                       {"mode", "subscription.reportReqs.reportingMode"},
                                       {"reports", "subscription.monState.reports"},
                                       {"ends", "subscription.monState.expiresAt"}};
const std::vector<Column> measure_columns{{"measure", "measDataType"}, {"state", "state"},
                                          {"flowing", "flowing"},      {"silent", "silent"},
                                          {"waiting", "waiting"},      {"refused", "refused"},
                                          {"cause", "cause"},          {"simulated", "simulated"}};
const std::vector<Column> report_columns{{"time", "timestamp"},
                                         {"dl delay ms", "measData.dlDelay"},
                                         {"ul delay ms", "measData.ulDelay"},
                                         {"rt delay ms", "measData.rtDelay"},
                                         {"loss 0.1 %", "measData.avgPlr"},
                                         {"rate", "measData.avgDataRate"},
                                         {"max rate", "measData.maxDataRate"},
                                         {"dl octets", "measData.avrDlTrafficVol"},
                                         {"ul octets", "measData.avrUlTrafficVol"},
                                         {"ends", "terminationCause"}};

Exit tell_monitor(std::string_view what, const Error& error) {
  switch (exit_for(error.code)) {
    case Exit::unreachable:
      return tell(what, error, "is `lobo serve` running there? --server names its root URL");
    case Exit::not_found: return tell(what, error, "`lobo nrm monitor list` shows what there is");
    case Exit::denied:
      return tell(what, error,
                  "give a token with --token-file, or a certificate with --cert and --key");
    case Exit::ok:
    case Exit::failed:
    case Exit::usage:
    case Exit::configuration:
    case Exit::interrupted: break;
  }
  return tell(what, error);
}

std::string item_path(std::string_view id) {
  return fmt::format("{}/{}", collection, http::percent_encode(id));
}

/// Members of an object, one after the other.
class Body {
 public:
  void raw(std::string_view name, std::string_view value) {
    text_ += fmt::format("{}\"{}\":{}", text_.empty() ? "" : ",", name, value);
  }
  void quoted(std::string_view name, std::string_view value) { raw(name, json::quoted(value)); }
  bool empty() const { return text_.empty(); }
  std::string object() const { return "{" + text_ + "}"; }

 private:
  std::string text_;
};

std::string list_of(std::span<const std::string> items, std::string_view member = {}) {
  std::string out = "[";
  for (const auto& item : items) {
    if (out.size() > 1) out += ',';
    out += member.empty() ? json::quoted(item)
                          : fmt::format("{{\"{}\":{}}}", member, json::quoted(item));
  }
  return out + "]";
}

tl::unexpected<Error> usage(std::string_view option, std::string_view text,
                            std::string_view wanted) {
  return fail(Errc::malformed, fmt::format("--{} '{}': {}", option, text, wanted));
}

Result<std::int64_t> seconds_of(const Arguments& arguments, std::string_view option) {
  const auto text = arguments.text(option);
  const auto span = parse_duration(text);
  if (!span || span->count() <= 0 || span->count() % 1000 != 0)
    return usage(option, text, "wants whole seconds, such as 10s or 5min");
  return span->count() / 1000;
}

/// "dlDelay:50" as a member of MeasurementData. A rate keeps its unit, as text.
Result<std::string> value_member(std::string_view option, std::string_view text) {
  const auto colon = text.find(':');
  if (colon == std::string_view::npos) return usage(option, text, "wants MEASURE:VALUE");
  const auto name = text.substr(0, colon);
  const auto value = text.substr(colon + 1);
  const bool rate = name.ends_with("DataRate");
  if (rate ? !parse_bit_rate(value) : !parse_decimal(value))
    return usage(option, text, rate ? "wants a rate, such as '2 Mbps'" : "wants a whole number");
  return fmt::format("\"{}\":{}", name, rate ? json::quoted(value) : std::string(value));
}

/// "dlDelay:50:CROSSED"
Result<std::string> thresholds_of(const Arguments& arguments) {
  std::string out = "[";
  for (const auto& text : arguments.all("threshold")) {
    const auto colon = text.rfind(':');
    if (colon == std::string::npos || text.find(':') == colon)
      return usage("threshold", text, "wants MEASURE:VALUE:ASCENDING, DESCENDING or CROSSED");
    const auto member = value_member("threshold", std::string_view(text).substr(0, colon));
    if (!member) return fail(member.error());
    out +=
        fmt::format("{}{{\"measThrValues\":{{{}}},\"thrDirection\":{}}}", out.size() > 1 ? "," : "",
                    *member, json::quoted(std::string_view(text).substr(colon + 1)));
  }
  return out + "]";
}

Result<void> put_end(const Arguments& arguments, Body& reporting) {
  if (arguments.given("count")) {
    if (!parse_decimal(arguments.text("count")))
      return usage("count", arguments.text("count"), "wants a whole number");
    reporting.quoted("repTerminMode", "EVENT_TRIGGERED_NUM_REPORTS_REACHED");
    reporting.raw("maxNumRep", arguments.text("count"));
  }
  if (arguments.given("for")) {
    const auto seconds = seconds_of(arguments, "for");
    if (!seconds) return fail(seconds.error());
    reporting.quoted("repTerminMode", "TIME_TRIGGERED");
    reporting.raw("expirationTimer", std::to_string(*seconds));
  }
  if (!arguments.given("until")) return {};
  std::string values;
  for (const auto& text : arguments.all("until")) {
    const auto member = value_member("until", text);
    if (!member) return fail(member.error());
    values += (values.empty() ? "" : ",") + *member;
  }
  reporting.quoted("repTerminMode", "EVENT_TRIGGERED_MEAS_THR_REACHED");
  reporting.raw("termThr", "{" + values + "}");
  if (arguments.given("until-mode"))
    reporting.quoted("termThrMode",
                     arguments.text("until-mode") == "all" ? "ALL_REACHED" : "ANY_REACHED");
  return {};
}

Result<void> put_measurements(const Arguments& arguments, Body& body) {
  Body measurements;
  if (arguments.given("measure"))
    measurements.raw("measDataTypes", list_of(arguments.all("measure")));
  if (arguments.given("window")) {
    const auto window = parse_duration(arguments.text("window"));
    if (!window) return usage("window", arguments.text("window"), "wants a time, such as 10s");
    if (window->count() % 1000 == 0)
      measurements.raw("aggrWindowSec", std::to_string(window->count() / 1000));
    else
      measurements.raw("measAggrGranWnd", std::to_string(window->count()));
  }
  if (arguments.given("from") || arguments.given("past")) {
    Instant start = adapters::SystemClock{}.now();
    std::int64_t seconds = 300;  // T30: five minutes where nothing is said
    if (arguments.given("past")) {
      const auto past = seconds_of(arguments, "past");
      if (!past) return fail(past.error());
      start -= std::chrono::seconds(*past);
      seconds = *past;
    }
    if (arguments.given("from")) {
      const auto from = model::parse_date_time(arguments.text("from"));
      if (!from) return usage("from", arguments.text("from"), "wants a date and time");
      start = *from;
    }
    if (arguments.given("period-length")) {
      const auto length = seconds_of(arguments, "period-length");
      if (!length) return fail(length.error());
      seconds = *length;
    }
    measurements.raw("measPeriod", fmt::format("{{\"measStartTime\":\"{}\",\"measDuration\":{}}}",
                                               model::format_date_time(start), seconds));
  }
  if (!measurements.empty()) body.raw("measReqs", measurements.object());
  return {};
}

/// `until_asked`: whoever asks ends it, where no other end is named; else it gets the server's.
Result<void> put_reporting(const Arguments& arguments, Body& body, bool until_asked = false) {
  Body reporting;
  if (arguments.given("period")) {
    const auto seconds = seconds_of(arguments, "period");
    if (!seconds) return fail(seconds.error());
    reporting.quoted("reportingMode", "PERIODIC");
    reporting.raw("reportingPeriod", std::to_string(*seconds));
  } else if (arguments.given("threshold")) {
    const auto thresholds = thresholds_of(arguments);
    if (!thresholds) return fail(thresholds.error());
    reporting.quoted("reportingMode", "ON_EVENT_DETECTION");
    reporting.raw("reportingThrs", *thresholds);
  }
  if (arguments.given("immediate")) reporting.raw("immRep", "true");
  if (auto ended = put_end(arguments, reporting); !ended) return ended;
  const bool end_named =
      arguments.given("count") || arguments.given("for") || arguments.given("until");
  if (until_asked && !end_named && !reporting.empty())
    reporting.quoted("repTerminMode", "USER_TRIGGERED");
  // T21 wants a threshold for each measure where reports are triggered by events.
  if (!reporting.empty() && !arguments.given("period") && !arguments.given("threshold"))
    return fail(Errc::missing, "say when to report as well: by --period or by --threshold");
  if (!reporting.empty()) body.raw("reportReqs", reporting.object());
  return {};
}

void put_target(const Arguments& arguments, Body& body) {
  if (arguments.given("ue")) body.raw("valUeIds", list_of(arguments.all("ue"), "valUeId"));
  if (arguments.given("group")) body.quoted("valGroupId", arguments.text("group"));
  if (arguments.given("stream")) body.raw("valStreamIds", list_of(arguments.all("stream")));
}

Result<std::string> subscription_of(const Arguments& arguments, std::string_view notify,
                                    bool until_asked = false) {
  const int targets =
      int{arguments.given("ue")} + int{arguments.given("group")} + int{arguments.given("stream")};
  if (targets != 1)
    return fail(Errc::missing, "name whom it is about by --ue, --group or --stream, one of them");
  Body body;
  put_target(arguments, body);
  if (auto put = put_measurements(arguments, body); !put) return fail(put.error());
  if (auto put = put_reporting(arguments, body, until_asked); !put) return fail(put.error());
  if (arguments.given("profile")) body.quoted("profileId", arguments.text("profile"));
  if (arguments.given("per-ue")) body.raw("perUeRep", "true");
  if (arguments.given("test-notification")) body.raw("reqTestNotif", "true");
  if (!notify.empty()) body.quoted("notifUri", notify);
  body.quoted("suppFeat", arguments.text("features"));
  return body.object();
}

json::Value item_of(std::string id, json::Value subscription) {
  json::Value::Object members;
  members.push_back({"subscriptionId", json::Value{std::move(id)}});
  members.push_back({"subscription", std::move(subscription)});
  return json::Value{std::move(members)};
}

/// The subscription, and below it what is really measured.
Exit show(const Arguments& arguments, std::string_view id, const json::Value& subscription) {
  const auto item = item_of(std::string(id), subscription);
  const auto format = arguments.text("output");
  if (format == "json") {
    std::cout << json::to_text(item) << '\n';
    return Exit::ok;
  }
  print_rows(std::cout, rows_of(&item, item_columns), format);
  if (const auto* measures = find_path(subscription, "monState.measures"); measures != nullptr) {
    std::cout << '\n';
    print_rows(std::cout, rows_of(measures, measure_columns), format);
  }
  return Exit::ok;
}

std::string id_of(const http::Response& response) {
  const auto location = response.headers.find("location").value_or("");
  return std::string(location.substr(location.rfind('/') + 1));
}

Exit bad_usage(std::string_view what, const Error& error, std::string_view verb) {
  tell(what, error, fmt::format("lobo nrm monitor {} --help", verb));
  return Exit::usage;
}

Exit create(const Arguments& arguments) {
  constexpr std::string_view what = "nothing is monitored";
  const auto body = subscription_of(arguments, arguments.text("notify"));
  if (!body) return bad_usage(what, body.error(), "create");
  const auto server = OneServer::from(arguments);
  if (!server) return tell_monitor(what, server.error());
  const auto answer = (*server)->api().call("POST", collection, *body);
  if (!answer) return tell_monitor(what, answer.error());
  const auto subscription = json::parse(answer->body);
  if (!subscription) return tell_monitor("the server's answer is not JSON", subscription.error());
  return show(arguments, id_of(*answer), *subscription);
}

Exit read(const Arguments& arguments) {
  constexpr std::string_view what = "cannot read the subscription";
  const auto server = OneServer::from(arguments);
  if (!server) return tell_monitor(what, server.error());
  const auto subscription = (*server)->api().ask("GET", item_path(arguments.text("id")));
  if (!subscription) return tell_monitor(what, subscription.error());
  return show(arguments, arguments.text("id"), *subscription);
}

Exit list(const Arguments& arguments) {
  constexpr std::string_view what = "cannot list the subscriptions";
  const auto server = OneServer::from(arguments);
  if (!server) return tell_monitor(what, server.error());
  const auto items = all_of((*server)->api(), std::string(collection));
  if (!items) return tell_monitor(what, items.error());
  if (arguments.text("output") == "json")
    std::cout << json::to_text(*items) << '\n';
  else
    print_rows(std::cout, rows_of(&*items, item_columns), arguments.text("output"));
  return Exit::ok;
}

Exit update(const Arguments& arguments) {
  constexpr std::string_view what = "nothing was changed";
  Body body;
  if (auto put = put_measurements(arguments, body); !put)
    return bad_usage(what, put.error(), "update");
  if (auto put = put_reporting(arguments, body); !put)
    return bad_usage(what, put.error(), "update");
  if (arguments.given("profile")) body.quoted("profileId", arguments.text("profile"));
  if (arguments.given("notify")) body.quoted("notifUri", arguments.text("notify"));
  if (body.empty()) return bad_usage(what, {Errc::missing, "say what to change", {}}, "update");
  const auto server = OneServer::from(arguments);
  if (!server) return tell_monitor(what, server.error());
  const auto changed =
      (*server)->api().ask("PATCH", item_path(arguments.text("id")), body.object(),
                           http::Headers{{"content-type", "application/merge-patch+json"}});
  if (!changed) return tell_monitor(what, changed.error());
  return show(arguments, arguments.text("id"), *changed);
}

Exit remove(const Arguments& arguments) {
  const auto server = OneServer::from(arguments);
  if (!server) return tell_monitor("nothing was ended", server.error());
  for (const auto& id : arguments.all("id")) {
    const auto gone = (*server)->api().call("DELETE", item_path(id));
    if (!gone) return tell_monitor("nothing was ended", gone.error());
    std::cerr << fmt::format("{} ended\n", id);
  }
  return Exit::ok;
}

void print_report(const json::Value& report, std::string_view format) {
  if (format == "json") {
    std::cout << json::to_text(report) << std::endl;
    return;
  }
  print_rows(std::cout, rows_of(&report, report_columns), format);
  if (const auto* failures = report.find("failureRep"); failures != nullptr && failures->array())
    for (const auto& one : *failures->array()) {
      const auto* type = one.find("measDataType");
      const auto* reason = one.find("failureReason");
      std::cout << fmt::format("no {}: {}\n", type && type->text() ? *type->text() : "data",
                               reason && reason->text() ? *reason->text() : "");
    }
  std::cout << std::flush;
}

/// T30 and T31: how it is now, or was.
Exit once(const Arguments& arguments) {
  constexpr std::string_view what = "nothing was measured";
  const auto body = subscription_of(arguments, {});
  if (!body) return bad_usage(what, body.error(), "once");
  const auto server = OneServer::from(arguments);
  if (!server) return tell_monitor(what, server.error());
  const auto report = (*server)->api().ask("POST", collection, *body);
  if (!report) return tell_monitor(what, report.error());
  print_report(*report, arguments.text("output"));
  return Exit::ok;
}

/// Subscribes with a sink of its own, prints what comes, and ends the subscription when it goes.
/// Until when, as the server says it: it may end by itself before anybody asks.
std::string lasts(const http::Response& made) {
  const auto body = json::parse(made.body);
  const auto* timer = body ? find_path(*body, "reportReqs.expirationTimer") : nullptr;
  const auto seconds = timer != nullptr ? timer->integer() : std::nullopt;
  return seconds ? fmt::format("for {} s at most", *seconds) : "until their end is reached";
}

Exit watch(const Arguments& arguments) {
  constexpr std::string_view what = "cannot watch";
  const auto server = OneServer::from(arguments);
  if (!server) return tell_monitor(what, server.error());
  auto& loop = (*server)->loop();
  bool over = false;
  bool interrupted = false;
  NotificationSink sink([&](const std::string&, const std::string& body) {
    const auto report = json::parse(body);
    if (!report || report->find("timestamp") == nullptr) return;
    print_report(*report, arguments.text("output"));
    if (report->find("terminationCause") != nullptr) {
      over = true;
      loop.stop();
    }
  });
  adapters::HttpServer ours(loop, {.address = std::string(arguments.text("address")), .port = 0},
                            sink);
  if (const auto open = ours.listen(); !open) return tell(what, open.error());
  const auto body = subscription_of(
      arguments,
      url_of(std::string(arguments.text("address")), ours.port(), false) + "/lobo-monitor", true);
  if (!body) return bad_usage(what, body.error(), "watch");
  const auto made = (*server)->api().call("POST", collection, *body);
  if (!made) return tell_monitor(what, made.error());
  const auto id = id_of(*made);
  std::cerr << fmt::format("{}: reports follow, {}; Ctrl-C ends it\n", id, lasts(*made));
  for (const int number : {SIGINT, SIGTERM})
    loop.on_signal(number, [&] {
      interrupted = true;
      loop.stop();
    });
  while (!over && !interrupted) loop.run();
  if (over) return Exit::ok;
  const auto gone = (*server)->api().call("DELETE", item_path(id));
  if (!gone) return tell_monitor("it was not ended", gone.error());
  return Exit::ok;
}

std::vector<Option> joined(std::vector<std::vector<Option>> parts) {
  std::vector<Option> all;
  for (auto& part : parts) all.insert(all.end(), part.begin(), part.end());
  for (auto& option : server_options(default_server)) all.push_back(std::move(option));
  all.push_back(output_option());
  return all;
}

std::vector<Option> target_options() {
  return {{.name = "--ue", .help = "VAL UE ids", .takes = Option::Takes::values},
          {.name = "--group", .help = "a VAL group"},
          {.name = "--stream", .help = "VAL stream ids", .takes = Option::Takes::values}};
}
std::vector<Option> measure_options() {
  return {{.name = "--measure",
           .help = "DL_DELAY, UL_DELAY, RT_DELAY, AVG_PLR, AVG_DATA_RATE, MAX_DATA_RATE, "
                   "AVG_DL_TRAFFIC_VOLUME, AVG_UL_TRAFFIC_VOLUME",
           .takes = Option::Takes::values},
          {.name = "--window", .help = "aggregation window; without it a minute"}};
}
std::vector<Option> report_options() {
  return {{.name = "--period", .help = "report so often"},
          {.name = "--threshold",
           .help = "report when reached: MEASURE:VALUE:ASCENDING, DESCENDING or CROSSED",
           .takes = Option::Takes::values},
          {.name = "--immediate",
           .help = "report at once what is known",
           .takes = Option::Takes::nothing},
          {.name = "--count", .help = "end after so many reports"},
          {.name = "--for", .help = "end after this time"},
          {.name = "--until",
           .help = "end when reached: MEASURE:VALUE",
           .takes = Option::Takes::values},
          {.name = "--until-mode", .help = "of several", .choices = {"all", "any"}},
          {.name = "--profile", .help = "a stored monitoring profile instead of all these"}};
}
std::vector<Option> period_options() {
  return {{.name = "--past", .help = "the last so long, up to now"},
          {.name = "--from", .help = "a date and time: where the period begins"},
          {.name = "--period-length", .help = "how long the period is; 5min"}};
}
std::vector<Option> shape_options() {
  return {{.name = "--per-ue",
           .help = "reports tell each UE or stream besides the aggregate",
           .takes = Option::Takes::nothing},
          {.name = "--features",
           .help = "features to negotiate, hexadecimal",
           .fallback = all_features}};
}

const Option the_id{
    .name = "ID", .help = "of the subscription, as create and list show it", .required = true};

}  // namespace

std::vector<Verb> monitor_verbs() {
  return {
      {.path = "nrm monitor create",
       .summary = "monitor the quality of UEs, a group or streams (T21)",
       .example = "  lobo nrm monitor create --group crew --measure DL_DELAY --window 5s "
                  "--threshold dlDelay:40:CROSSED --notify http://127.0.0.1:9999/events",
       .options = joined({target_options(),
                          measure_options(),
                          report_options(),
                          {{.name = "--notify", .help = "where reports go", .required = true},
                           {.name = "--test-notification",
                            .help = "ask for a test notification",
                            .takes = Option::Takes::nothing}},
                          shape_options()}),
       .run = create},
      {.path = "nrm monitor get",
       .summary = "one subscription, and what is really measured for it",
       .example = "  lobo nrm monitor get 3f0c…",
       .options = joined({{the_id}}),
       .run = read},
      {.path = "nrm monitor list",
       .summary = "all monitoring subscriptions of the caller",
       .example = "  lobo nrm monitor list -o csv",
       .options = joined({}),
       .run = list},
      {.path = "nrm monitor update",
       .summary = "change what is measured, when it is reported, or how it ends",
       .example = "  lobo nrm monitor update 3f0c… --period 10s --count 20",
       .options = joined({{the_id},
                          measure_options(),
                          report_options(),
                          {{.name = "--notify", .help = "where reports go from now on"}}}),
       .run = update},
      {.path = "nrm monitor delete",
       .summary = "end monitoring subscriptions",
       .example = "  lobo nrm monitor delete 3f0c…",
       .options = joined({{{.name = "ID",
                            .help = "of the subscriptions",
                            .takes = Option::Takes::values,
                            .required = true}}}),
       .run = remove},
      {.path = "nrm monitor watch",
       .summary = "subscribe, print the reports as they come, and end with Ctrl-C",
       .example = "  lobo nrm monitor watch --ue ue1 --measure DL_DELAY RT_DELAY --window 2s "
                  "--period 2s",
       .options = joined({target_options(),
                          measure_options(),
                          report_options(),
                          {{.name = "--address",
                            .help = "where the reports are received",
                            .fallback = "127.0.0.1"}},
                          shape_options()}),
       .run = watch},
      {.path = "nrm monitor once",
       .summary = "how it is now, or was in a past period (T30)",
       .example = "  lobo nrm monitor once --ue ue1 --measure DL_DELAY AVG_PLR --past 5min",
       .options = joined({target_options(), measure_options(), period_options(), shape_options()}),
       .run = once},
  };
}

}  // namespace lobo::app
