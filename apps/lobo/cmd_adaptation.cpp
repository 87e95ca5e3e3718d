// `lobo nrm adaptation`: QoS for many UEs or a group, over the same API that applications use
// (TS 23.434 clause 14.3.3.3.1, T1 and T2).
#include <fmt/format.h>

#include <iostream>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api_client.hpp"
#include "base/result.hpp"
#include "cli.hpp"
#include "commands.hpp"
#include "exit_code.hpp"
#include "json_rows.hpp"
#include "nrm_command.hpp"
#include "output.hpp"
#include "wire/http/message.hpp"
#include "wire/http/url.hpp"
#include "wire/json/value.hpp"

namespace lobo::app {
namespace {

constexpr std::string_view collection = "/ss-nra/v1/network-resource-adaptations";
constexpr std::string_view noun = "adaptation";

const std::vector<Column> item_columns{{"id", "adaptationId"},
                                       {"group", "adaptation.valGroupId"},
                                       {"qos", "adaptation.uniQosReq"},
                                       {"control plane", "adaptation.adaptState.controlPlane"},
                                       {"ues", "adaptation.adaptState.ues.total"},
                                       {"confirmed", "adaptation.adaptState.ues.confirmed"},
                                       {"negotiated", "adaptation.adaptState.ues.negotiated"},
                                       {"degraded", "adaptation.adaptState.ues.degraded"},
                                       {"refused", "adaptation.adaptState.ues.refused"},
                                       {"pending", "adaptation.adaptState.ues.pending"},
                                       {"cause", "adaptation.adaptState.cause"},
                                       {"ends", "adaptation.duration"}};
const std::vector<Column> ue_columns{{"ue", "valTgtUe.valUeId"},
                                     {"user", "valTgtUe.valUserId"},
                                     {"result", "result"},
                                     {"cause", "cause"},
                                     {"granted", "grantedQos.qosReference"},
                                     {"granted dl", "grantedQos.gbrDl"},
                                     {"applied", "appliedQosRef"},
                                     {"bdt", "bdtResult"}};

std::string item_path(std::string_view id) {
  return fmt::format("{}/{}", collection, http::percent_encode(id));
}

json::Value item_of(std::string_view id, json::Value adaptation) {
  json::Value::Object members;
  members.push_back({"adaptationId", json::Value{std::string(id)}});
  members.push_back({"adaptation", std::move(adaptation)});
  return json::Value{std::move(members)};
}

/// As a whole, and below it UE by UE. Where there are more than one answer holds, they are fetched.
Exit show(ApiClient& api, const Arguments& arguments, std::string_view id,
          const json::Value& adaptation) {
  const json::Value item = item_of(id, adaptation);
  const std::string_view form = arguments.text("output");
  if (form == "json") {
    std::cout << json::to_text(item) << '\n';
    return Exit::ok;
  }
  print_rows(std::cout, rows_of(&item, item_columns), form);
  const auto* shown = adaptation.find("ueResults");
  std::optional<json::Value> fetched;
  if (shown == nullptr) {
    auto results = all_of(api, item_path(id) + "/ue-results?limit=1000");
    if (!results) return tell_nrm("cannot read the results", results.error(), noun);
    fetched = std::move(*results);
    shown = &*fetched;
  }
  print_rows(std::cout, rows_of(shown, ue_columns), form);
  return Exit::ok;
}

/// UEs and users that were named, as a JSON array; empty where none was.
std::string targets_of(const Arguments& arguments) {
  std::string list;
  const auto add = [&](std::string_view option, std::string_view member) {
    for (const auto& id : arguments.all(option))
      list += fmt::format("{}{{\"{}\":{}}}", list.empty() ? "" : ",", member, json_quoted(id));
  };
  add("ue", "valUeId");
  add("user", "valUserId");
  return list.empty() ? list : "[" + list + "]";
}

Result<std::string> create_body(const Arguments& arguments) {
  const auto targets = targets_of(arguments);
  if (targets.empty() == !arguments.given("group"))
    return fail(Errc::missing, "name UEs by --ue and --user, or a group by --group, not both");
  std::string body = "{";
  if (!targets.empty()) add_member(body, "valUeIds", targets);
  if (arguments.given("group"))
    add_member(body, "valGroupId", json_quoted(arguments.text("group")));
  add_member(body, "uniQosReq", json_quoted(arguments.text("qos")));
  if (arguments.given("accept-offer")) add_member(body, "acceptOffer", "true");
  if (arguments.given("bdt")) add_member(body, "bdtRefId", json_quoted(arguments.text("bdt")));
  if (arguments.given("duration")) {
    const auto end = end_of(arguments.text("duration"));
    if (!end) return fail(end.error());
    add_member(body, "duration", json_quoted(*end));
  }
  add_member(body, "notifUri", json_quoted(arguments.text("notify")));
  if (arguments.given("test-notification")) add_member(body, "reqTestNotif", "true");
  return body + "}";
}

Exit create(const Arguments& arguments) {
  constexpr std::string_view what = "no adaptation";
  const auto body = create_body(arguments);
  if (!body) {
    tell(what, body.error(), "lobo nrm adaptation create --help");
    return Exit::usage;
  }
  const auto server = OneServer::from(arguments);
  if (!server) return tell_nrm(what, server.error(), noun);
  http::Headers headers;
  if (arguments.given("idempotency-key"))
    headers.set("idempotency-key", std::string(arguments.text("idempotency-key")));
  const auto answer = (*server)->api().call("POST", collection, *body, std::move(headers));
  if (!answer) return tell_nrm(what, answer.error(), noun);
  const std::string_view location = answer->headers.find("location").value_or("");
  const auto adaptation = json::parse(answer->body);
  if (!adaptation) return tell_nrm("the server's answer is not JSON", adaptation.error(), noun);
  return show((*server)->api(), arguments, location.substr(location.rfind('/') + 1), *adaptation);
}

Exit read(const Arguments& arguments) {
  constexpr std::string_view what = "cannot read the adaptation";
  const auto server = OneServer::from(arguments);
  if (!server) return tell_nrm(what, server.error(), noun);
  const auto adaptation = (*server)->api().ask("GET", item_path(arguments.text("id")));
  if (!adaptation) return tell_nrm(what, adaptation.error(), noun);
  return show((*server)->api(), arguments, arguments.text("id"), *adaptation);
}

Exit list(const Arguments& arguments) {
  constexpr std::string_view what = "cannot list the adaptations";
  const auto server = OneServer::from(arguments);
  if (!server) return tell_nrm(what, server.error(), noun);
  const auto items = all_of((*server)->api(), fmt::format("{}?limit=1000", collection));
  if (!items) return tell_nrm(what, items.error(), noun);
  if (arguments.text("output") == "json")
    std::cout << json::to_text(*items) << '\n';
  else
    print_rows(std::cout, rows_of(&*items, item_columns), arguments.text("output"));
  return Exit::ok;
}

Exit update(const Arguments& arguments) {
  constexpr std::string_view what = "nothing was changed";
  std::string body = "{";
  if (const auto targets = targets_of(arguments); !targets.empty())
    add_member(body, "valUeIds", targets);
  if (arguments.given("qos")) add_member(body, "uniQosReq", json_quoted(arguments.text("qos")));
  if (arguments.given("accept-offer"))
    add_member(body, "acceptOffer", arguments.text("accept-offer") == "yes" ? "true" : "false");
  if (arguments.given("notify"))
    add_member(body, "notifUri", json_quoted(arguments.text("notify")));
  if (arguments.given("duration")) {
    const bool for_ever = arguments.text("duration") == "none";
    const auto end = for_ever ? Result<std::string>("") : end_of(arguments.text("duration"));
    if (!end) return tell(what, end.error()), Exit::usage;
    add_member(body, "duration", for_ever ? "null" : json_quoted(*end));
  }
  if (body == "{") {
    tell(what, {Errc::missing, "say what to change", {}},
         "give --ue, --user, --qos, --accept-offer, --duration or --notify");
    return Exit::usage;
  }
  const auto server = OneServer::from(arguments);
  if (!server) return tell_nrm(what, server.error(), noun);
  http::Headers headers{{"content-type", "application/merge-patch+json"}};
  if (arguments.given("if-match")) headers.set("if-match", std::string(arguments.text("if-match")));
  const auto changed = (*server)->api().ask("PATCH", item_path(arguments.text("id")), body + "}",
                                            std::move(headers));
  if (!changed) return tell_nrm(what, changed.error(), noun);
  return show((*server)->api(), arguments, arguments.text("id"), *changed);
}

Exit remove(const Arguments& arguments) {
  constexpr std::string_view what = "nothing was released";
  const auto server = OneServer::from(arguments);
  if (!server) return tell_nrm(what, server.error(), noun);
  for (const auto& id : arguments.all("id")) {
    const auto gone = (*server)->api().call("DELETE", item_path(id));
    if (!gone) return tell_nrm(what, gone.error(), noun);
    std::cerr << fmt::format("{} released\n", id);
  }
  return Exit::ok;
}

const Option the_id{
    .name = "ID", .help = "of the adaptation, as create and list show it", .required = true};
const Option ues{
    .name = "--ue", .help = "VAL UE id; may stand often", .takes = Option::Takes::values};
const Option users{
    .name = "--user", .help = "VAL user id; may stand often", .takes = Option::Takes::values};

}  // namespace

std::vector<Verb> adaptation_verbs() {
  return {
      {.path = "nrm adaptation create",
       .summary = "ask for QoS for many UEs or a group (T1); the answer says UE by UE what became "
                  "of it",
       .example = "  lobo nrm adaptation create --ue ue1 --ue ue2 --qos xr-video --accept-offer "
                  "--notify http://127.0.0.1:9999/events",
       .options = with_server(
           {ues,
            users,
            {.name = "--group", .help = "VAL group id, instead of UEs"},
            {.name = "--qos",
             .help = "VAL service, QoS reference, or a requirement in JSON",
             .required = true},
            {.name = "--accept-offer",
             .help = "take what the network offers where it offers less",
             .takes = Option::Takes::nothing},
            {.name = "--bdt", .help = "background data transfer reference, applied to each UE"},
            {.name = "--notify", .help = "where notifications go", .required = true},
            {.name = "--duration", .help = "1h, 7d, or a date-time: when it ends by itself"},
            {.name = "--idempotency-key", .help = "a retry with the same key makes no second one"},
            {.name = "--test-notification",
             .help = "ask for a test notification",
             .takes = Option::Takes::nothing}}),
       .run = create},
      {.path = "nrm adaptation get",
       .summary = "one adaptation and the result of each UE",
       .example = "  lobo nrm adaptation get 3f0c…",
       .options = with_server({the_id}),
       .run = read},
      {.path = "nrm adaptation list",
       .summary = "all adaptations of the caller",
       .example = "  lobo nrm adaptation list -o csv",
       .options = with_server({}),
       .run = list},
      {.path = "nrm adaptation update",
       .summary = "change an adaptation: its UEs, their QoS, its end",
       .example = "  lobo nrm adaptation update 3f0c… --qos xr-silver",
       .options =
           with_server({the_id,
                        ues,
                        users,
                        {.name = "--qos", .help = "the new requirement"},
                        {.name = "--accept-offer",
                         .help = "whether to take what the network offers where it offers less",
                         .choices = {"yes", "no"}},
                        {.name = "--duration", .help = "the new end; none: it has no end"},
                        {.name = "--notify", .help = "where notifications go from now on"},
                        {.name = "--if-match", .help = "only if it still has this ETag"}}),
       .run = update},
      {.path = "nrm adaptation delete",
       .summary = "release the reservations of all UEs and end the adaptation",
       .example = "  lobo nrm adaptation delete 3f0c…",
       .options = with_server({{.name = "ID",
                                .help = "of the adaptations",
                                .takes = Option::Takes::values,
                                .required = true}}),
       .run = remove},
  };
}

}  // namespace lobo::app
