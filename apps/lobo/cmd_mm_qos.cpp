// `lobo nrm mm-qos` and `lobo nrm reliable`: QoS of metaverse services (TS 23.434 clause
// 14.3.5.4.2, T69 to T71) and reliable transmissions (14.3.10.2, T65 and T66), over the same API
// that applications use.
#include <fmt/format.h>

#include <cstdint>
#include <iostream>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api_client.hpp"
#include "base/result.hpp"
#include "base/text.hpp"
#include "cli.hpp"
#include "commands.hpp"
#include "exit_code.hpp"
#include "json_rows.hpp"
#include "model/address.hpp"
#include "nrm_command.hpp"
#include "output.hpp"
#include "wire/http/message.hpp"
#include "wire/http/url.hpp"
#include "wire/json/value.hpp"

namespace lobo::app {
namespace {

/// What the two nouns differ in.
struct Noun {
  std::string_view name;
  std::string_view collection;
  std::string_view id;      ///< member of an item that names it
  std::string_view member;  ///< member of an item that is it
  std::vector<Column> columns;
};

const Noun mm_qos{"mm-qos",
                  "/ss-nra/v1/mm-qos",
                  "mmQosId",
                  "management",
                  {{"id", "mmQosId"},
                   {"service", "management.mmServiceId"},
                   {"multi-modal id", "management.multiModalId"},
                   {"control plane", "management.mmQosState.controlPlane"},
                   {"ues", "management.mmQosState.ues.total"},
                   {"confirmed", "management.mmQosState.ues.confirmed"},
                   {"degraded", "management.mmQosState.ues.degraded"},
                   {"refused", "management.mmQosState.ues.refused"},
                   {"cause", "management.mmQosState.cause"},
                   {"ends", "management.duration"}}};
const Noun reliable{"reliable",
                    "/ss-nra/v1/reliable-transmissions",
                    "relTransId",
                    "transmission",
                    {{"id", "relTransId"},
                     {"ue", "transmission.valTgtUe.valUeId"},
                     {"user", "transmission.valTgtUe.valUserId"},
                     {"control plane", "transmission.relState.controlPlane"},
                     {"delivery", "transmission.relState.delivery"},
                     {"cause", "transmission.relState.cause"},
                     {"ends", "transmission.duration"}}};

std::string item_path(const Noun& noun, std::string_view id) {
  return fmt::format("{}/{}", noun.collection, http::percent_encode(id));
}

Exit show(const Noun& noun, const Arguments& arguments, std::string_view id, json::Value one) {
  json::Value::Object members;
  members.push_back({std::string(noun.id), json::Value{std::string(id)}});
  members.push_back({std::string(noun.member), std::move(one)});
  const json::Value item{std::move(members)};
  if (arguments.text("output") == "json")
    std::cout << json::to_text(item) << '\n';
  else
    print_rows(std::cout, rows_of(&item, noun.columns), arguments.text("output"));
  return Exit::ok;
}

Exit post(const Noun& noun, const Arguments& arguments, const Result<std::string>& body) {
  constexpr std::string_view what = "nothing was granted";
  if (!body) {
    tell(what, body.error(), fmt::format("lobo nrm {} create --help", noun.name));
    return Exit::usage;
  }
  const auto server = OneServer::from(arguments);
  if (!server) return tell_nrm(what, server.error(), noun.name);
  http::Headers headers;
  if (arguments.given("idempotency-key"))
    headers.set("idempotency-key", std::string(arguments.text("idempotency-key")));
  const auto answer = (*server)->api().call("POST", noun.collection, *body, std::move(headers));
  if (!answer) return tell_nrm(what, answer.error(), noun.name);
  const std::string_view location = answer->headers.find("location").value_or("");
  auto made = json::parse(answer->body);
  if (!made) return tell_nrm("the server's answer is not JSON", made.error(), noun.name);
  return show(noun, arguments, location.substr(location.rfind('/') + 1), std::move(*made));
}

Exit read(const Noun& noun, const Arguments& arguments) {
  constexpr std::string_view what = "cannot read it";
  const auto server = OneServer::from(arguments);
  if (!server) return tell_nrm(what, server.error(), noun.name);
  auto one = (*server)->api().ask("GET", item_path(noun, arguments.text("id")));
  if (!one) return tell_nrm(what, one.error(), noun.name);
  return show(noun, arguments, arguments.text("id"), std::move(*one));
}

Exit list(const Noun& noun, const Arguments& arguments) {
  constexpr std::string_view what = "cannot list them";
  const auto server = OneServer::from(arguments);
  if (!server) return tell_nrm(what, server.error(), noun.name);
  const auto items = all_of((*server)->api(), fmt::format("{}?limit=1000", noun.collection));
  if (!items) return tell_nrm(what, items.error(), noun.name);
  if (arguments.text("output") == "json")
    std::cout << json::to_text(*items) << '\n';
  else
    print_rows(std::cout, rows_of(&*items, noun.columns), arguments.text("output"));
  return Exit::ok;
}

Exit remove(const Noun& noun, const Arguments& arguments) {
  constexpr std::string_view what = "nothing was released";
  const auto server = OneServer::from(arguments);
  if (!server) return tell_nrm(what, server.error(), noun.name);
  for (const auto& id : arguments.all("id")) {
    const auto gone = (*server)->api().call("DELETE", item_path(noun, id));
    if (!gone) return tell_nrm(what, gone.error(), noun.name);
    std::cerr << fmt::format("{} released\n", id);
  }
  return Exit::ok;
}

// ---- bodies ------------------------------------------------------------------------------------

struct Place {
  std::string member;  ///< ipv4Addr or ipv6Addr
  std::string address;
  std::optional<std::uint64_t> port;
};
/// "192.0.2.10:4433", "192.0.2.10", "[2001:db8::1]:4433".
Result<Place> place_of(std::string_view text) {
  Place out;
  std::string_view host = text, port;
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    host = text.substr(1, end == std::string_view::npos ? end : end - 1);
    if (end != std::string_view::npos && text.size() > end + 1) port = text.substr(end + 2);
  } else if (const auto colon = text.rfind(':'); colon != std::string_view::npos) {
    host = text.substr(0, colon);
    port = text.substr(colon + 1);
  }
  if (model::Ipv4Address::parse(host))
    out.member = "ipv4Addr";
  else if (model::Ipv6Address::parse(host))
    out.member = "ipv6Addr";
  else
    return fail(Errc::pattern, fmt::format("'{}' is no address with or without a port", text));
  out.address = host;
  if (!port.empty()) {
    out.port = parse_decimal(port);
    if (!out.port || *out.port > 65535)
      return fail(Errc::pattern, fmt::format("'{}' has no port that there is", text));
  }
  return out;
}

Result<void> add_end(const Arguments& arguments, std::string& body) {
  if (!arguments.given("duration")) return {};
  const auto end = end_of(arguments.text("duration"));
  if (!end) return fail(end.error());
  add_member(body, "duration", json_quoted(*end));
  return {};
}

Result<std::string> mm_body(const Arguments& arguments) {
  std::string ues, servers;
  for (const auto& ue : arguments.all("ue"))
    ues += fmt::format("{}{{\"valUeId\":{}}}", ues.empty() ? "" : ",", json_quoted(ue));
  if (ues.empty() == !arguments.given("group"))
    return fail(Errc::missing, "name UEs by --ue, or a group by --group, not both");
  for (const auto& text : arguments.all("val-server")) {
    const auto place = place_of(text);
    if (!place) return fail(place.error());
    servers += fmt::format(R"({}{{"valServerId":{},"{}":{})", servers.empty() ? "" : ",",
                           json_quoted(text), place->member, json_quoted(place->address));
    servers += place->port ? fmt::format(R"(,"port":{}}})", *place->port) : "}";
  }
  std::string body = "{";
  if (!ues.empty()) add_member(body, "ues", "[" + ues + "]");
  if (arguments.given("group"))
    add_member(body, "valGroupId", json_quoted(arguments.text("group")));
  add_member(body, "valServers", "[" + servers + "]");
  if (arguments.given("service"))
    add_member(body, "mmServiceId", json_quoted(arguments.text("service")));
  add_member(body, "mmQos", std::string(arguments.text("qos")));
  if (arguments.given("session")) {
    std::string sessions;
    for (const auto& one : arguments.all("session"))
      sessions +=
          fmt::format("{}{{\"valSessionId\":{}}}", sessions.empty() ? "" : ",", json_quoted(one));
    add_member(body, "sessions", "[" + sessions + "]");
  }
  if (arguments.given("partial")) add_member(body, "partial", "true");
  if (const auto end = add_end(arguments, body); !end) return fail(end.error());
  add_member(body, "notifUri", json_quoted(arguments.text("notify")));
  return body + "}";
}

Result<std::string> reliable_body(const Arguments& arguments) {
  std::string pair;
  for (const std::string_view option : {"first", "second"}) {
    const auto place = place_of(arguments.text(option));
    if (!place) return fail(place.error());
    pair += fmt::format(R"({}{{"{}":{})", pair.empty() ? "" : ",", place->member,
                        json_quoted(place->address));
    // What runs over these is UDP (RFC 9000); a port without a protocol means nothing.
    pair += place->port ? fmt::format(R"(,"port":{},"protocol":17}})", *place->port) : "}";
  }
  std::string body = "{";
  add_member(body, "valTgtUe",
             fmt::format(R"({{"valUeId":{}}})", json_quoted(arguments.text("ue"))));
  add_member(body, "appDescs", "[" + pair + "]");
  if (const auto end = add_end(arguments, body); !end) return fail(end.error());
  if (arguments.given("notify"))
    add_member(body, "notifUri", json_quoted(arguments.text("notify")));
  return body + "}";
}

template <const Noun& noun>
Exit read_one(const Arguments& arguments) {
  return read(noun, arguments);
}
template <const Noun& noun>
Exit list_all(const Arguments& arguments) {
  return list(noun, arguments);
}
template <const Noun& noun>
Exit remove_some(const Arguments& arguments) {
  return remove(noun, arguments);
}

const Option the_id{.name = "ID", .help = "as create and list show it", .required = true};
const Option the_ids{.name = "ID",
                     .help = "as create and list show it",
                     .takes = Option::Takes::values,
                     .required = true};

}  // namespace

std::vector<Verb> mm_qos_verbs() {
  std::vector<Verb> out;
  out.push_back(
      {.path = "nrm mm-qos create",
       .summary = "manage the QoS of a metaverse service (T69): one reservation for each UE, all "
                  "or nothing",
       .example = "  lobo nrm mm-qos create --ue ue1 --ue ue2 --val-server 192.0.2.10:4433 "
                  "--service xr.meet --qos '{\"gbrDl\":\"4 Mbps\"}' --notify "
                  "http://127.0.0.1:9999/events",
       .options = with_server(
           {{.name = "--ue", .help = "VAL UE id; may stand often", .takes = Option::Takes::values},
            {.name = "--group", .help = "VAL group id, instead of UEs"},
            {.name = "--val-server",
             .help = "address and port of a VAL server; may stand often",
             .takes = Option::Takes::values,
             .required = true},
            {.name = "--service", .help = "metaverse service id"},
            {.name = "--session",
             .help = "VAL session id; may stand often",
             .takes = Option::Takes::values},
            {.name = "--qos", .help = "a requirement in JSON", .required = true},
            {.name = "--partial",
             .help = "it is a success where only some UEs get it",
             .takes = Option::Takes::nothing},
            {.name = "--notify", .help = "where notifications go", .required = true},
            {.name = "--duration", .help = "1h, 7d, or a date-time: when it ends by itself"},
            {.name = "--idempotency-key",
             .help = "a retry with the same key makes no second one"}}),
       .run = [](const Arguments& arguments) {
         return post(mm_qos, arguments, mm_body(arguments));
       }});
  out.push_back({.path = "nrm mm-qos get",
                 .summary = "one QoS management and what became of it",
                 .example = "  lobo nrm mm-qos get 3f0c…",
                 .options = with_server({the_id}),
                 .run = read_one<mm_qos>});
  out.push_back({.path = "nrm mm-qos list",
                 .summary = "all of the caller",
                 .example = "  lobo nrm mm-qos list -o csv",
                 .options = with_server({}),
                 .run = list_all<mm_qos>});
  out.push_back({.path = "nrm mm-qos delete",
                 .summary = "release what the network holds for it, and end it",
                 .example = "  lobo nrm mm-qos delete 3f0c…",
                 .options = with_server({the_ids}),
                 .run = remove_some<mm_qos>});
  out.push_back(
      {.path = "nrm reliable create",
       .summary = "have a UE reach a server over two redundant paths (T65)",
       .example = "  lobo nrm reliable create --ue ue1 --first 192.0.2.10:4433 --second "
                  "192.0.2.11:4433",
       .options = with_server(
           {{.name = "--ue", .help = "VAL UE id", .required = true},
            {.name = "--first", .help = "address and port over the first path", .required = true},
            {.name = "--second", .help = "the same over the second", .required = true},
            {.name = "--notify", .help = "where notifications go"},
            {.name = "--duration", .help = "1h, 7d, or a date-time: when it ends by itself"},
            {.name = "--idempotency-key",
             .help = "a retry with the same key makes no second one"}}),
       .run = [](const Arguments& arguments) {
         return post(reliable, arguments, reliable_body(arguments));
       }});
  out.push_back({.path = "nrm reliable get",
                 .summary = "one reliable transmission and what became of it",
                 .example = "  lobo nrm reliable get 3f0c…",
                 .options = with_server({the_id}),
                 .run = read_one<reliable>});
  out.push_back({.path = "nrm reliable list",
                 .summary = "all of the caller",
                 .example = "  lobo nrm reliable list -o csv",
                 .options = with_server({}),
                 .run = list_all<reliable>});
  out.push_back({.path = "nrm reliable delete",
                 .summary = "release what the network holds for it, and end it",
                 .example = "  lobo nrm reliable delete 3f0c…",
                 .options = with_server({the_ids}),
                 .run = remove_some<reliable>});
  return out;
}

}  // namespace lobo::app
