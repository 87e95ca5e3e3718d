// `lobo net`: a person's hand on the simulated network, over its control API
// (api/net_control.yaml).
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iostream>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "api_client.hpp"
#include "base/result.hpp"
#include "base/text.hpp"
#include "cli.hpp"
#include "commands.hpp"
#include "config_section.hpp"
#include "exit_code.hpp"
#include "json_rows.hpp"
#include "output.hpp"
#include "wire/http/url.hpp"
#include "wire/json/value.hpp"

namespace lobo::app {
namespace {

constexpr std::string_view control = "/netsim-control/v1";
constexpr std::string_view default_server = "http://127.0.0.61:7777";
constexpr std::string_view default_gnb = "http://127.0.0.64:9090";

const std::vector<Column> ue_columns{{"name", "name"},
                                     {"cell", "cell"},
                                     {"ipv4", "ipv4Addr"},
                                     {"ipv6", "ipv6Addr"},
                                     {"mac", "macAddr"},
                                     {"session", "sessionUp"},
                                     {"loss %", "link.lossPercent"},
                                     {"delay ms", "link.delayMs"},
                                     {"reservations", "reservations"}};
const std::vector<Column> cell_columns{{"name", "name"},
                                       {"capacity dl", "capacityDl"},
                                       {"reserved dl", "reservedDl"},
                                       {"capacity ul", "capacityUl"},
                                       {"reserved ul", "reservedUl"},
                                       {"reservations", "reservations"}};
const std::vector<Column> reservation_columns{
    {"id", "subscriptionId"},  {"ue", "ue"},
    {"cell", "cell"},          {"state", "state"},
    {"asked", "qosReference"}, {"applied", "appliedQosRef"},
    {"dl", "reservedDl"},      {"ul", "reservedUl"},
    {"owner", "scsAsId"}};
const std::vector<Column> group_columns{
    {"group", "valGroupId"}, {"UEs", "valUeIds"}, {"users", "valUserIds"}};
const std::vector<Column> fault_columns{{"kind", "kind"},
                                        {"operation", "operation"},
                                        {"count", "count"},
                                        {"skip", "skip"},
                                        {"status", "status"}};
const std::vector<Column> journal_columns{
    {"#", "sequence"}, {"at", "at"},         {"direction", "direction"}, {"method", "method"},
    {"path", "path"},  {"status", "status"}, {"fault", "fault"}};
const std::vector<Column> summary_columns{{"ues", "ues"},
                                          {"cells", "cells"},
                                          {"sessions with QoS", "sessionsWithQos"},
                                          {"monitoring", "monitoringSubscriptions"},
                                          {"callbacks pending", "callbacksPending"},
                                          {"sent", "callbacksSent"},
                                          {"dropped", "callbacksDropped"},
                                          {"requests", "requests"}};

const std::vector<Column> gnb_columns{{"gnb", "gnbId"}, {"n3", "n3Addr"}};
const std::vector<Column> kpi_columns{{"cell", "cell"},
                                      {"avg W", "avgPower"},
                                      {"min W", "minPower"},
                                      {"max W", "maxPower"},
                                      {"energy J", "energyJ"},
                                      {"octets dl", "octetsDl"},
                                      {"bit/J", "energyEfficiency"}};
const std::vector<Column> upf_columns{{"name", "name"},
                                      {"address", "address"},
                                      {"port", "port"},
                                      {"associated", "associated"},
                                      {"cause", "cause"},
                                      {"pdu sets", "pduSets"},
                                      {"monitoring", "qosMonitoring"}};
const std::vector<Column> session_columns{
    {"ue", "ue"},         {"state", "state"},     {"cause", "cause"},
    {"gnb", "gnbId"},     {"ipv4", "ueIpv4Addr"}, {"ipv6", "ueIpv6Addr"},
    {"upf", "upfN3Addr"}, {"version", "version"}, {"flows", "qosFlows"}};
const std::vector<Column> radio_columns{{"rate", "rate"},
                                        {"scheduler", "scheduler"},
                                        {"policy", "policy"},
                                        {"queued octets", "queued_octets"}};

constexpr std::string_view where_to_look = "`lobo net list` shows what there is";

/// Asks the control API; what is wrong is told.
tl::expected<json::Value, Exit> ask(const Arguments& arguments, std::string_view what,
                                    std::string_view method, const std::string& path,
                                    std::string body, std::string_view advice = where_to_look) {
  const auto server = OneServer::from(arguments);
  if (!server)
    return tl::unexpected(tell(what, server.error(), "give the network's root URL with --server"));
  auto answer = (*server)->api().ask(method, std::string(control) + path, std::move(body));
  if (answer) return std::move(*answer);
  return tl::unexpected(tell(what, answer.error(),
                             exit_for(answer.error().code) == Exit::unreachable
                                 ? "is `lobo netsim` running there? --server names its root URL"
                                 : advice));
}

/// Asks and prints what comes: `member` of the answer (a list), or the answer itself.
Exit show(const Arguments& arguments, std::string_view what, std::string_view method,
          const std::string& path, std::string body, const std::vector<Column>& columns,
          std::string_view member = {}) {
  const auto answer = ask(arguments, what, method, path, std::move(body));
  if (!answer) return answer.error();
  if (answer->object() == nullptr) {
    std::cerr << "done\n";
    return Exit::ok;
  }
  const json::Value* shown = member.empty() ? &*answer : answer->find(member);
  print_rows(std::cout, rows_of(shown, columns), arguments.text("output"));
  return Exit::ok;
}

std::string ue_path(const Arguments& arguments, std::string_view verb) {
  return fmt::format("/ues/{}/{}", http::percent_encode(arguments.text("ue")), verb);
}

Exit usage(std::string_view what, std::string_view advice) {
  tell(what, {Errc::malformed, "the value is not understood", {}}, advice);
  return Exit::usage;
}

Exit list(const Arguments& arguments) {
  const std::string_view what = arguments.text("what");
  if (what == "cells")
    return show(arguments, "cannot list the cells", "GET", "/cells", {}, cell_columns, "cells");
  if (what == "gnbs")
    return show(arguments, "cannot list the gNBs", "GET", "/gnbs", {}, gnb_columns, "gnbs");
  if (what == "upfs")
    return show(arguments, "cannot list the UPFs", "GET", "/upfs", {}, upf_columns, "upfs");
  if (what == "groups")
    return show(arguments, "cannot list the groups", "GET", "/groups", {}, group_columns, "groups");
  if (what == "faults")
    return show(arguments, "cannot list the faults", "GET", "/faults", {}, fault_columns, "faults");
  if (what == "reservations")
    return show(arguments, "cannot list the reservations", "GET", "/reservations", {},
                reservation_columns, "reservations");
  return show(arguments, "cannot list the UEs", "GET", "/ues", {}, ue_columns, "ues");
}

/// Members of a body, each only if its option was given.
class Body {
 public:
  void raw(std::string_view name, std::string_view value) {
    text_ += fmt::format("{}\"{}\":{}", text_.empty() ? "" : ",", name, value);
  }
  void text(std::string_view name, std::string_view value) { raw(name, json_quoted(value)); }
  std::string take() { return "{" + text_ + "}"; }

 private:
  std::string text_;
};

bool is_number(std::string_view text) {
  double value = 0;
  const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), value);
  return wrong == std::errc{} && end == text.data() + text.size() && value >= 0;
}

/// Puts a duration option into `body` in whole milliseconds. False where it is no duration.
bool put_milliseconds(const Arguments& arguments, std::string_view option, std::string_view member,
                      Body& body) {
  if (!arguments.given(option)) return true;
  const auto value = parse_duration(arguments.text(option));
  if (value) body.raw(member, fmt::format("{}", value->count()));
  return value.has_value();
}

void put_text(const Arguments& arguments, std::string_view option, std::string_view member,
              Body& body) {
  if (arguments.given(option)) body.text(member, arguments.text(option));
}

Exit degrade(const Arguments& arguments) {
  Body body;
  if (arguments.given("loss")) {
    std::string_view loss = arguments.text("loss");
    if (loss.ends_with('%')) loss.remove_suffix(1);
    if (!is_number(loss)) return usage("cannot degrade", "write --loss 5 for five percent");
    body.raw("lossPercent", loss);
  }
  if (!put_milliseconds(arguments, "delay", "delayMs", body))
    return usage("cannot degrade", "write --delay 40ms");
  put_text(arguments, "rate-dl", "rateDl", body);
  put_text(arguments, "rate-ul", "rateUl", body);
  if (arguments.given("no-measurement")) body.raw("measurementFails", "true");
  return show(arguments, "cannot degrade", "POST", ue_path(arguments, "degrade"), body.take(),
              ue_columns);
}

Exit restore(const Arguments& arguments) {
  return show(arguments, "cannot restore", "POST", ue_path(arguments, "restore"), {}, ue_columns);
}

Exit move(const Arguments& arguments) {
  Body body;
  body.text("cell", arguments.text("cell"));
  return show(arguments, "cannot move", "POST", ue_path(arguments, "move"), body.take(),
              ue_columns);
}

Exit address(const Arguments& arguments) {
  Body body;
  put_text(arguments, "ipv4", "ipv4Addr", body);
  put_text(arguments, "ipv6", "ipv6Addr", body);
  return show(arguments, "cannot change the address", "POST", ue_path(arguments, "address"),
              body.take(), ue_columns);
}

Exit detach(const Arguments& arguments) {
  return show(arguments, "cannot detach", "POST", ue_path(arguments, "detach"), {}, ue_columns);
}

Exit attach(const Arguments& arguments) {
  return show(arguments, "cannot attach", "POST", ue_path(arguments, "attach"), {}, ue_columns);
}

Exit capacity(const Arguments& arguments) {
  Body body;
  put_text(arguments, "downlink", "capacityDl", body);
  put_text(arguments, "uplink", "capacityUl", body);
  const std::string path =
      fmt::format("/cells/{}/capacity", http::percent_encode(arguments.text("cell")));
  return show(arguments, "cannot change the capacity", "POST", path, body.take(), cell_columns);
}

Exit session(const Arguments& arguments) {
  return show(arguments, "cannot read the PDU session", "GET", ue_path(arguments, "pdu-session"),
              {}, session_columns);
}

/// The cell is the gNB's: it is asked, not the network.
Exit radio(const Arguments& arguments) {
  constexpr std::string_view what = "the cell is as it was";
  constexpr std::string_view path = "/status/gnb/cell";
  Body body;
  bool changes = false;
  for (const auto* member : {"rate", "scheduler", "policy"}) {
    changes = changes || arguments.given(member);
    put_text(arguments, member, member, body);
  }
  Arguments at = arguments;
  at.put("server", {std::string(arguments.text("gnb"))});
  const auto server = OneServer::from(at);
  if (!server) return tell(what, server.error(), "give the gNB's administration URL with --gnb");
  const auto answer = (*server)->api().ask(changes ? "PUT" : "GET", std::string(path),
                                           changes ? body.take() : std::string());
  if (!answer)
    return tell(what, answer.error(),
                "is `lobo gnb` running there? Its administration is for its own machine and "
                "network namespace");
  print_rows(std::cout, rows_of(&*answer, radio_columns), arguments.text("output"));
  return Exit::ok;
}

Exit group(const Arguments& arguments) {
  Body body;
  body.text(arguments.given("user") ? "valUserId" : "valUeId", arguments.text("ue"));
  const std::string path = fmt::format(
      "/groups/{}/{}", http::percent_encode(arguments.text("group")), arguments.text("what"));
  return show(arguments, "cannot change the group", "POST", path, body.take(), group_columns);
}

Exit terminate(const Arguments& arguments) {
  const std::string path = fmt::format("/reservations/{}/terminate",
                                       http::percent_encode(arguments.text("reservation")));
  return show(arguments, "cannot terminate", "POST", path, {}, {});
}

Exit plan_fault(const Arguments& arguments) {
  if (arguments.text("kind") == "clear")
    return show(arguments, "cannot clear the faults", "DELETE", "/faults", {}, {});
  Body body;
  std::string kind(arguments.text("kind"));
  std::ranges::transform(kind, kind.begin(), [](char c) {
    return c == '-' ? '_' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  });
  body.text("kind", kind);
  put_text(arguments, "operation", "operation", body);
  for (const auto& [option, member] :
       {std::pair{"count", "count"}, std::pair{"skip", "skip"}, std::pair{"status", "status"},
        std::pair{"retry-after", "retryAfter"}}) {
    if (!arguments.given(option)) continue;
    if (!parse_decimal(arguments.text(option)))
      return usage("cannot plan the fault", fmt::format("--{} wants a whole number", option));
    body.raw(member, arguments.text(option));
  }
  put_text(arguments, "cause", "cause", body);
  put_text(arguments, "location", "location", body);
  if (arguments.given("permanent")) body.raw("permanent", "true");
  if (!put_milliseconds(arguments, "delay", "delayMs", body))
    return usage("cannot plan the fault", "write --delay 500ms");
  return show(arguments, "cannot plan the fault", "POST", "/faults", body.take(), fault_columns,
              "faults");
}

Exit journal(const Arguments& arguments) {
  if (arguments.given("clear"))
    return show(arguments, "cannot clear the journal", "DELETE", "/journal", {}, {});
  const std::string path =
      fmt::format("/journal?after={}&limit={}", http::percent_encode(arguments.text("after")),
                  http::percent_encode(arguments.text("limit")));
  return show(arguments, "cannot read the journal", "GET", path, {}, journal_columns, "entries");
}

Exit summary(const Arguments& arguments) {
  return show(arguments, "cannot read the summary", "GET", "/summary", {}, summary_columns);
}

/// A row for each cell in each period.
Exit kpi(const Arguments& arguments) {
  const auto answer = ask(arguments, "cannot read the measurements", "GET",
                          "/kpis?periods=" + http::percent_encode(arguments.text("periods")), {},
                          "cells of the configuration need `power: {idle_w: 400, max_w: 1000}`");
  if (!answer) return answer.error();
  Rows all{.columns = {"until"}, .rows = {}};
  for (const auto& column : kpi_columns) all.columns.emplace_back(column.heading);
  for (const auto& period : *answer->find("periods")->array()) {
    auto until = *period.find("end")->text();
    if (*period.find("suspect")->boolean()) until += " (not whole)";
    for (auto& row : rows_of(period.find("cells"), kpi_columns).rows) {
      row.insert(row.begin(), until);
      all.rows.push_back(std::move(row));
    }
  }
  if (all.rows.empty()) std::cerr << "no period is over yet\n";
  print_rows(std::cout, all, arguments.text("output"));
  return Exit::ok;
}

Exit reset(const Arguments& arguments) {
  return show(arguments, "cannot reset", "POST", "/reset", {}, {});
}

std::vector<Option> with_server(std::vector<Option> own) {
  own.push_back({.name = "--server",
                 .help = "root URL of the simulated network",
                 .fallback = default_server,
                 .check = is_root_url});
  for (auto& option : tls_options()) own.push_back(std::move(option));
  own.push_back(output_option());
  return own;
}

const Option the_ue{
    .name = "UE", .help = "name of the UE, as `lobo net list` shows it", .required = true};

}  // namespace

std::vector<Verb> net_verbs() {
  return {
      {.path = "net list",
       .summary = "UEs, cells, reservations, groups, planned faults, gNBs or UPFs of the simulated "
                  "network",
       .example = "  lobo net list\n  lobo net list reservations -o json",
       .options = with_server(
           {{.name = "WHAT",
             .help = "what to list",
             .fallback = "ues",
             .choices = {"ues", "cells", "reservations", "groups", "faults", "gnbs", "upfs"}}}),
       .run = list},
      {.path = "net summary",
       .summary = "how much of everything there is: nothing left behind?",
       .example = "  lobo net summary",
       .options = with_server({}),
       .run = summary},
      {.path = "net kpi",
       .summary = "energy and performance of the cells in the last granularity periods",
       .example = "  lobo net kpi\n  lobo net kpi --periods 96 -o csv",
       .options = with_server(
           {{.name = "--periods", .help = "so many, the newest; at most 96", .fallback = "1"}}),
       .run = kpi},
      {.path = "net degrade",
       .summary = "make a UE's link worse",
       .example = "  lobo net degrade ue1 --loss 5 --delay 40ms",
       .options = with_server(
           {the_ue,
            {.name = "--loss", .help = "packets lost, in percent"},
            {.name = "--delay", .help = "added one-way delay, such as 40ms"},
            {.name = "--rate-dl", .help = "at most so much downlink, such as \"2 Mbps\""},
            {.name = "--rate-ul", .help = "at most so much uplink"},
            {.name = "--no-measurement",
             .help = "the network cannot measure the UE",
             .takes = Option::Takes::nothing}}),
       .run = degrade},
      {.path = "net restore",
       .summary = "take every degradation of a UE's link away",
       .example = "  lobo net restore ue1",
       .options = with_server({the_ue}),
       .run = restore},
      {.path = "net move",
       .summary = "hand a UE over to another cell",
       .example = "  lobo net move ue1 cell2",
       .options = with_server({the_ue, {.name = "CELL", .help = "where to", .required = true}}),
       .run = move},
      {.path = "net address",
       .summary = "give a UE new addresses, in a new PDU session",
       .example = "  lobo net address ue1 --ipv4 10.45.0.99",
       .options = with_server({the_ue,
                               {.name = "--ipv4", .help = "the new IPv4 address"},
                               {.name = "--ipv6", .help = "the new IPv6 address"}}),
       .run = address},
      {.path = "net detach",
       .summary = "a UE leaves the network",
       .example = "  lobo net detach ue1",
       .options = with_server({the_ue}),
       .run = detach},
      {.path = "net attach",
       .summary = "a UE comes back, with the addresses that it had",
       .example = "  lobo net attach ue1",
       .options = with_server({the_ue}),
       .run = attach},
      {.path = "net capacity",
       .summary = "narrow or widen a cell",
       .example = "  lobo net capacity cell1 --downlink \"20 Mbps\"",
       .options =
           with_server({{.name = "CELL", .help = "name of the cell", .required = true},
                        {.name = "--downlink", .help = "its new capacity, such as \"20 Mbps\""},
                        {.name = "--uplink", .help = "its new capacity"}}),
       .run = capacity},
      {.path = "net session",
       .summary = "the PDU session of a UE: its tunnels and QoS flows",
       .example = "  lobo net session ue1 -o json",
       .options = with_server({the_ue}),
       .run = session},
      {.path = "net radio",
       .summary = "show or change the cell of a running `lobo gnb`",
       .example = "  lobo net radio --rate \"3 Mbps\"\n"
                  "  lobo net radio --gnb http://127.0.0.64:9090 --scheduler plain",
       .options = {{.name = "--gnb",
                    .help = "root URL of the gNB's administration",
                    .fallback = default_gnb,
                    .check = is_root_url},
                   {.name = "--rate", .help = "downlink, such as \"3 Mbps\""},
                   {.name = "--scheduler",
                    .help = "by QoS flow, or one queue for all",
                    .choices = {"by_flow", "plain"}},
                   {.name = "--policy",
                    .help = "what a full queue drops",
                    .choices = {"taildrop", "psihi", "evict", "threshold"}},
                   output_option()},
       .run = radio},
      {.path = "net group",
       .summary = "who belongs to a VAL group, as the group management server tells it",
       .example = "  lobo net group add crew ue4\n  lobo net group remove crew ann --user",
       .options = with_server(
           {{.name = "WHAT",
             .help = "what happens",
             .required = true,
             .choices = {"add", "remove"}},
            {.name = "GROUP", .help = "identity of the VAL group; add makes it", .required = true},
            {.name = "UE", .help = "identity of the VAL UE", .required = true},
            {.name = "--user",
             .help = "UE is the identity of a VAL user",
             .takes = Option::Takes::nothing}}),
       .run = group},
      {.path = "net terminate",
       .summary = "the network ends a session with QoS and says so",
       .example = "  lobo net terminate 5f3c",
       .options = with_server({{.name = "RESERVATION",
                                .help = "its id, as `lobo net list reservations` shows it",
                                .required = true}}),
       .run = terminate},
      {.path = "net fail",
       .summary = "plan a fault for the next requests or callbacks; `clear` forgets all",
       .example = "  lobo net fail status --status 503 --count 2\n  lobo net fail never-answer\n  "
                  "lobo net fail clear",
       .options = with_server(
           {{.name = "KIND",
             .help = "what goes wrong",
             .required = true,
             .choices = {"refuse", "never-answer", "close-midway", "status", "redirect", "delay",
                         "early-callback", "allocation-fails", "duplicate-callback",
                         "reorder-callbacks", "drop-callback", "delay-callback", "clear"}},
            {.name = "--operation", .help = "operationId that it strikes; default: any"},
            {.name = "--count", .help = "how many it strikes; default 1"},
            {.name = "--skip", .help = "how many pass before"},
            {.name = "--status", .help = "with status; default 503"},
            {.name = "--cause", .help = "with status: cause of the problem"},
            {.name = "--retry-after", .help = "with status: seconds"},
            {.name = "--location", .help = "with redirect: the target"},
            {.name = "--permanent", .help = "with redirect: 308", .takes = Option::Takes::nothing},
            {.name = "--delay", .help = "with delay and delay-callback, such as 500ms"}}),
       .run = plan_fault},
      {.path = "net journal",
       .summary = "every request to the network and every callback of it",
       .example = "  lobo net journal\n  lobo net journal -o csv --after 100",
       .options = with_server(
           {{.name = "--after", .help = "only later entries than this number", .fallback = "0"},
            {.name = "--limit", .help = "at most so many", .fallback = "1000"},
            {.name = "--clear", .help = "empty it", .takes = Option::Takes::nothing}}),
       .run = journal},
      {.path = "net reset",
       .summary = "everything as after the start",
       .example = "  lobo net reset",
       .options = with_server({}),
       .run = reset},
  };
}

}  // namespace lobo::app
