// `lobo nrm`: unicast QoS for people, over the same API that applications use (TS 29.549, ss-nra).
#include <fmt/format.h>

#include <csignal>
#include <cstdint>
#include <iostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/http/loop.hpp"
#include "adapters/http/server.hpp"
#include "api_client.hpp"
#include "base/result.hpp"
#include "base/text.hpp"
#include "cli.hpp"
#include "commands.hpp"
#include "exit_code.hpp"
#include "json_rows.hpp"
#include "notification_sink.hpp"
#include "nrm_command.hpp"
#include "output.hpp"
#include "ready.hpp"
#include "wire/http/message.hpp"
#include "wire/http/url.hpp"
#include "wire/json/value.hpp"

namespace lobo::app {
namespace {

constexpr std::string_view collection = "/ss-nra/v1/unicast-subscriptions";

const std::vector<Column> item_columns{{"id", "uniSubId"},
                                       {"ue", "subscription.valTgtUe.valUeId"},
                                       {"user", "subscription.valTgtUe.valUserId"},
                                       {"qos", "subscription.uniQosReq"},
                                       {"control plane", "subscription.uniQosState.controlPlane"},
                                       {"user plane", "subscription.uniQosState.userPlane"},
                                       {"applied", "subscription.uniQosState.appliedQosRef"},
                                       {"cause", "subscription.uniQosState.cause"},
                                       {"untold", "subscription.uniQosState.lossesUntold"},
                                       {"ends", "subscription.duration"}};

std::string item_path(std::string_view id) {
  return fmt::format("{}/{}", collection, http::percent_encode(id));
}

/// One subscription as the list shows it: its id and what the server said of it.
json::Value item_of(std::string id, json::Value subscription) {
  json::Value::Object members;
  members.push_back({"uniSubId", json::Value{std::move(id)}});
  members.push_back({"subscription", std::move(subscription)});
  return json::Value{std::move(members)};
}

Exit show(const Arguments& arguments, std::string_view id, const json::Value& subscription) {
  if (arguments.text("output") == "json") {
    std::cout << json::to_text(item_of(std::string(id), subscription)) << '\n';
    return Exit::ok;
  }
  const json::Value item = item_of(std::string(id), subscription);
  print_rows(std::cout, rows_of(&item, item_columns), arguments.text("output"));
  return Exit::ok;
}

Result<std::string> create_body(const Arguments& arguments) {
  if (arguments.given("ue") == arguments.given("user"))
    return fail(Errc::missing, "name the UE by --ue or by --user, and by one of them only");
  std::string body = "{";
  const bool by_ue = arguments.given("ue");
  add_member(body, "valTgtUe",
             fmt::format(R"({{"{}":{}}})", by_ue ? "valUeId" : "valUserId",
                         json_quoted(arguments.text(by_ue ? "ue" : "user"))));
  if (arguments.given("qos")) add_member(body, "uniQosReq", json_quoted(arguments.text("qos")));
  if (arguments.given("duration")) {
    const auto end = end_of(arguments.text("duration"));
    if (!end) return fail(end.error());
    add_member(body, "duration", json_quoted(*end));
  }
  add_member(body, "notifUri", json_quoted(arguments.text("notify")));
  if (arguments.given("test-notification")) add_member(body, "reqTestNotif", "true");
  add_member(body, "suppFeat", json_quoted(arguments.text("features")));
  return body + "}";
}

Exit create(const Arguments& arguments) {
  constexpr std::string_view what = "no QoS";
  const auto body = create_body(arguments);
  if (!body) {
    tell(what, body.error(), "lobo nrm unicast create --help");
    return Exit::usage;
  }
  const auto server = OneServer::from(arguments);
  if (!server) return tell_nrm(what, server.error());
  http::Headers headers;
  if (arguments.given("idempotency-key"))
    headers.set("idempotency-key", std::string(arguments.text("idempotency-key")));
  const auto answer = (*server)->api().call("POST", collection, *body, std::move(headers));
  if (!answer) return tell_nrm(what, answer.error());
  const std::string_view location = answer->headers.find("location").value_or("");
  const auto subscription = json::parse(answer->body);
  if (!subscription) return tell_nrm("the server's answer is not JSON", subscription.error());
  return show(arguments, location.substr(location.rfind('/') + 1), *subscription);
}

Exit read(const Arguments& arguments) {
  constexpr std::string_view what = "cannot read the subscription";
  const auto server = OneServer::from(arguments);
  if (!server) return tell_nrm(what, server.error());
  const auto subscription = (*server)->api().ask("GET", item_path(arguments.text("id")));
  if (!subscription) return tell_nrm(what, subscription.error());
  return show(arguments, arguments.text("id"), *subscription);
}

Exit list(const Arguments& arguments) {
  constexpr std::string_view what = "cannot list the subscriptions";
  const auto server = OneServer::from(arguments);
  if (!server) return tell_nrm(what, server.error());
  const auto items = all_of((*server)->api(), std::string(collection));
  if (!items) return tell_nrm(what, items.error());
  if (arguments.text("output") == "json")
    std::cout << json::to_text(*items) << '\n';
  else
    print_rows(std::cout, rows_of(&*items, item_columns), arguments.text("output"));
  return Exit::ok;
}

Exit modify(const Arguments& arguments) {
  constexpr std::string_view what = "nothing was changed";
  std::string body = "{";
  if (arguments.given("qos")) add_member(body, "uniQosReq", json_quoted(arguments.text("qos")));
  if (arguments.given("notify"))
    add_member(body, "notifUri", json_quoted(arguments.text("notify")));
  if (arguments.given("duration")) {
    const bool for_ever = arguments.text("duration") == "none";
    const auto end = for_ever ? Result<std::string>("") : end_of(arguments.text("duration"));
    if (!end) return tell(what, end.error()), Exit::usage;
    add_member(body, "duration", for_ever ? "null" : json_quoted(*end));
  }
  if (body == "{") {
    tell(what, {Errc::missing, "say what to change", {}}, "give --qos, --duration or --notify");
    return Exit::usage;
  }
  const auto server = OneServer::from(arguments);
  if (!server) return tell_nrm(what, server.error());
  http::Headers headers{{"content-type", "application/merge-patch+json"}};
  if (arguments.given("if-match")) headers.set("if-match", std::string(arguments.text("if-match")));
  const auto changed = (*server)->api().ask("PATCH", item_path(arguments.text("id")), body + "}",
                                            std::move(headers));
  if (!changed) return tell_nrm(what, changed.error());
  return show(arguments, arguments.text("id"), *changed);
}

Exit remove(const Arguments& arguments) {
  constexpr std::string_view what = "nothing was released";
  const auto server = OneServer::from(arguments);
  if (!server) return tell_nrm(what, server.error());
  for (const auto& id : arguments.all("id")) {
    const auto gone = (*server)->api().call("DELETE", item_path(id));
    if (!gone) return tell_nrm(what, gone.error());
    std::cerr << fmt::format("{} released\n", id);
  }
  return Exit::ok;
}

Exit listen(const Arguments& arguments) {
  constexpr std::string_view what = "cannot listen";
  const auto port = parse_decimal(arguments.text("port"));
  const auto count = parse_decimal(arguments.text("count"));
  if (!port || *port > 65535 || !count)
    return tell(what, {Errc::malformed, "--port and --count want whole numbers", {}}), Exit::usage;
  adapters::EventLoop loop;
  std::uint64_t heard = 0;
  NotificationSink sink([&](const std::string& path, const std::string& body) {
    std::cout << (arguments.text("output") == "json" ? body : fmt::format("{} {}", path, body))
              << std::endl;
    if (*count != 0 && ++heard == *count) loop.stop();
  });
  adapters::HttpServer server(loop,
                              {.address = std::string(arguments.text("address")),
                               .port = static_cast<std::uint16_t>(*port)},
                              sink);
  if (const auto open = server.listen(); !open)
    return tell(what, open.error(), "choose another --port; 0 takes a free one");
  for (const int number : {SIGINT, SIGTERM}) loop.on_signal(number, [&] { loop.stop(); });
  if (const auto told =
          announce_ready({url_of(std::string(arguments.text("address")), server.port(), false)},
                         std::string(arguments.text("ready-file")), std::cout);
      !told)
    return tell(what, told.error(), "choose a --ready-file that can be written"), Exit::failed;
  loop.run();
  return Exit::ok;
}

const Option the_id{
    .name = "ID", .help = "of the subscription, as create and list show it", .required = true};

}  // namespace

std::vector<Verb> nrm_verbs() {
  return {
      {.path = "nrm unicast create",
       .summary = "ask for QoS for one UE (T7); says yes only after the network did",
       .example = "  lobo nrm unicast create --ue ue1 --qos xr-video --notify "
                  "http://127.0.0.1:9999/events",
       .options = with_server(
           {{.name = "--ue", .help = "VAL UE id"},
            {.name = "--user", .help = "VAL user id"},
            {.name = "--qos", .help = "VAL service, QoS reference, or a requirement in JSON"},
            {.name = "--notify", .help = "where notifications go", .required = true},
            {.name = "--duration", .help = "1h, 7d, or a date-time: when it ends by itself"},
            {.name = "--features",
             .help = "features to negotiate, hexadecimal",
             .fallback = "70000000001"},
            {.name = "--idempotency-key", .help = "a retry with the same key makes no second one"},
            {.name = "--test-notification",
             .help = "ask for a test notification",
             .takes = Option::Takes::nothing}}),
       .run = create},
      {.path = "nrm unicast get",
       .summary = "one subscription and its true state",
       .example = "  lobo nrm unicast get 3f0c…",
       .options = with_server({the_id}),
       .run = read},
      {.path = "nrm unicast list",
       .summary = "all subscriptions of the caller",
       .example = "  lobo nrm unicast list -o csv",
       .options = with_server({}),
       .run = list},
      {.path = "nrm unicast modify",
       .summary = "change a subscription (T9, extension)",
       .example = "  lobo nrm unicast modify 3f0c… --qos xr-silver",
       .options = with_server({the_id,
                               {.name = "--qos", .help = "the new requirement"},
                               {.name = "--duration", .help = "the new end; none: it has no end"},
                               {.name = "--notify", .help = "where notifications go from now on"},
                               {.name = "--if-match", .help = "only if it still has this ETag"}}),
       .run = modify},
      {.path = "nrm unicast delete",
       .summary = "release the reservation and end the subscription",
       .example = "  lobo nrm unicast delete 3f0c…",
       .options = with_server({{.name = "ID",
                                .help = "of the subscriptions",
                                .takes = Option::Takes::values,
                                .required = true}}),
       .run = remove},
      {.path = "nrm listen",
       .summary = "receive notifications and print them, one a line",
       .example = "  lobo nrm listen --port 9999",
       .options = {{.name = "--address", .help = "where to listen", .fallback = "127.0.0.1"},
                   {.name = "--port", .help = "0: any free one", .fallback = "9999"},
                   {.name = "--count", .help = "end after so many; 0: never", .fallback = "0"},
                   {.name = "--ready-file", .help = "where to write the URL once it listens"},
                   output_option()},
       .run = listen},
  };
}

}  // namespace lobo::app
