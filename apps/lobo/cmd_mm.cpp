// `lobo mm`: synchronisation sessions and their policies for people, over the same API that
// applications use (api/mm_das.yaml, api/mm_pol.yaml).
#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <fstream>
#include <iostream>
#include <iterator>
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
#include "mm_join.hpp"
#include "nrm_command.hpp"
#include "output.hpp"
#include "wire/http/message.hpp"
#include "wire/http/url.hpp"
#include "wire/json/value.hpp"

namespace lobo::app {
namespace {

constexpr std::string_view default_server = "http://127.0.0.67:7777";
constexpr std::size_t file_bytes_max = std::size_t{1} << 20U;

/// A kind of thing that the server has.
struct Noun {
  std::string_view name;
  std::string_view collection;
  std::vector<Column> columns;
};

const Noun session{"session",
                   "/mm-das/v1/sessions",
                   {{"id", "sessionId"},
                    {"service", "valServiceId"},
                    {"requester", "requesterId"},
                    {"state", "state"},
                    {"rev", "rev"},
                    {"ends", "expTime"},
                    {"cause", "cause"}}};
const Noun policy{"policy",
                  "/mm-pol/v1/policies",
                  {{"id", "policyId"},
                   {"version", "version"},
                   {"priority", "priority"},
                   {"effect", "effect"},
                   {"match", "match"},
                   {"ceiling", "qosCeil"},
                   {"ladder", "ladder"}}};
const std::vector<Column> granted_columns{
    {"asset", "assetId"},     {"ue", "hostUe.valUeId"}, {"user", "hostUe.valUserId"},
    {"decision", "decision"}, {"tier", "tier"},         {"flow", "flowState"},
    {"node", "nodeId"},       {"cause", "cause"}};

const Noun block{"block",
                 "/mm-mdrb/v1/blocks",
                 {{"id", "blockId"}, {"name", "name"}, {"description", "description"}}};
const Noun asset{"asset",
                 "/mm-mdrb/v1/assets",
                 {{"id", "assetId"},
                  {"block", "blockId"},
                  {"name", "name"},
                  {"class", "assetClass"},
                  {"media", "media.contentType"},
                  {"bytes", "media.bytes"},
                  {"uploaded", "upload.received"}}};
constexpr std::size_t answer_bytes = std::size_t{1} << 19U;  ///< of one answer of a download
constexpr std::size_t part_bytes = std::size_t{4} << 20U;    ///< of one request of an upload

Exit tell_mm(std::string_view what, const Error& error, const Noun& noun) {
  if (exit_for(error.code) == Exit::not_found)
    return tell(what, error, fmt::format("`lobo mm {} list` shows what there is", noun.name));
  return tell_nrm(what, error);
}

std::string item_path(const Noun& noun, std::string_view id) {
  return fmt::format("{}/{}", noun.collection, http::percent_encode(id));
}

Exit show(const Arguments& arguments, const Noun& noun, const json::Value& item) {
  if (arguments.text("output") == "json") {
    std::cout << json::to_text(item) << '\n';
    return Exit::ok;
  }
  print_rows(std::cout, rows_of(&item, noun.columns), arguments.text("output"));
  if (const auto* granted = item.find("granted"); granted != nullptr) {
    std::cout << '\n';
    print_rows(std::cout, rows_of(granted, granted_columns), arguments.text("output"));
  }
  return Exit::ok;
}

/// The whole of a file, or of standard input where its name is "-".
Result<std::string> text_of(std::string_view name, std::size_t bytes_max = file_bytes_max) {
  std::string text;
  if (name == "-") {
    text.assign(std::istreambuf_iterator<char>(std::cin), {});
  } else {
    std::ifstream file{std::string(name), std::ios::binary};
    if (!file) return fail(Errc::not_found, fmt::format("cannot read {}", name));
    text.assign(std::istreambuf_iterator<char>(file), {});
  }
  if (text.size() > bytes_max)
    return fail(Errc::too_large, fmt::format("{} is larger than {} bytes", name, bytes_max));
  return text;
}

/// A session of one asset at each UE that is named.
Result<std::string> session_body(const Arguments& arguments) {
  if (!arguments.given("asset") || !arguments.given("ue"))
    return fail(Errc::missing, "give --file, or --asset and --ue");
  std::string qos = "{";
  if (arguments.given("rate")) add_member(qos, "updateRateHz", arguments.text("rate"));
  if (arguments.given("bit-rate"))
    add_member(qos, "mbrDl", json_quoted(arguments.text("bit-rate")));
  if (arguments.given("delay")) add_member(qos, "pdbDl", arguments.text("delay"));
  qos += '}';
  std::string assets;
  for (const auto& ue : arguments.all("ue"))
    assets += fmt::format(
        R"({}{{"assetId":{},"serverEp":{{"id":{}}},"clientEp":{{"id":{}}},"hostUe":{{"valUeId":{}}},"qos":{}}})",
        assets.empty() ? "" : ",", json_quoted(arguments.text("asset")),
        json_quoted(arguments.text("requester")), json_quoted("mmec:" + ue), json_quoted(ue), qos);
  std::string body = "{";
  add_member(body, "valServiceId", json_quoted(arguments.text("service")));
  add_member(body, "requesterId", json_quoted(arguments.text("requester")));
  add_member(body, "assets", '[' + assets + ']');
  if (arguments.given("duration")) {
    const auto end = end_of(arguments.text("duration"));
    if (!end) return fail(end.error());
    add_member(body, "expTime", json_quoted(*end));
  }
  if (arguments.given("notify"))
    add_member(
        body, "notif",
        fmt::format(
            R"({{"uri":{},"events":["SESSION_STATE","FLOW_STATE","TIER_CHANGE","QOS_NOT_FULFILLED","QOS_RESTORED","POLICY_CHANGED","RELOCATED","SESSION_ENDING"]}})",
            json_quoted(arguments.text("notify"))));
  return body + '}';
}

Exit create(const Arguments& arguments, const Noun& noun, const Result<std::string>& body) {
  const auto what = fmt::format("no {}", noun.name);
  if (!body) {
    tell(what, body.error(), fmt::format("lobo mm {} create --help", noun.name));
    return Exit::usage;
  }
  const auto server = OneServer::from(arguments);
  if (!server) return tell_mm(what, server.error(), noun);
  http::Headers headers;
  if (arguments.given("idempotency-key"))
    headers.set("idempotency-key", std::string(arguments.text("idempotency-key")));
  const auto made = (*server)->api().ask("POST", noun.collection, *body, std::move(headers));
  if (!made) return tell_mm(what, made.error(), noun);
  return show(arguments, noun, *made);
}

std::string block_body(const Arguments& arguments) {
  std::string body = "{";
  add_member(body, "name", json_quoted(arguments.text("name")));
  if (arguments.given("description"))
    add_member(body, "description", json_quoted(arguments.text("description")));
  return body + '}';
}

std::string asset_body(const Arguments& arguments) {
  std::string body = "{";
  add_member(body, "blockId", json_quoted(arguments.text("block")));
  add_member(body, "name", json_quoted(arguments.text("name")));
  if (arguments.given("asset")) add_member(body, "assetId", json_quoted(arguments.text("asset")));
  if (arguments.given("class"))
    add_member(body, "assetClass", json_quoted(arguments.text("class")));
  return body + '}';
}

/// In parts, so that a large file needs no large request.
Exit upload(const Arguments& arguments) {
  constexpr std::string_view what = "the media were not uploaded";
  constexpr std::size_t bytes_max = std::size_t{1} << 30U;
  const auto octets = text_of(arguments.text("file"), bytes_max);
  if (!octets) return tell(what, octets.error(), "lobo mm asset upload --help"), Exit::usage;
  const auto server = OneServer::from(arguments);
  if (!server) return tell_mm(what, server.error(), asset);
  const auto path = item_path(asset, arguments.text("id")) + "/media";
  for (std::size_t from = 0; from < octets->size(); from += part_bytes) {
    auto part = octets->substr(from, part_bytes);
    http::Headers headers{{"content-type", std::string(arguments.text("type"))}};
    headers.add("content-range",
                fmt::format("bytes {}-{}/{}", from, from + part.size() - 1, octets->size()));
    const auto taken = (*server)->api().call("PUT", path, std::move(part), std::move(headers));
    if (!taken) return tell_mm(what, taken.error(), asset);
    std::cerr << fmt::format("{} of {} bytes\n", std::min(from + part_bytes, octets->size()),
                             octets->size());
  }
  const auto now = (*server)->api().ask("GET", item_path(asset, arguments.text("id")));
  if (!now) return tell_mm(what, now.error(), asset);
  return show(arguments, asset, *now);
}

Exit download(const Arguments& arguments) {
  constexpr std::string_view what = "the media were not downloaded";
  const auto server = OneServer::from(arguments);
  if (!server) return tell_mm(what, server.error(), asset);
  const auto path = item_path(asset, arguments.text("id")) + "/media";
  const auto media = (*server)->api().call(
      "GET", path, {},
      {{"range", fmt::format("bytes={}", arguments.given("range")
                                             ? std::string(arguments.text("range"))
                                             : fmt::format("0-{}", answer_bytes - 1))}});
  if (!media) return tell_mm(what, media.error(), asset);
  std::string octets = media->body;
  // "bytes 0-99/1000": the rest follows piece by piece, where all of it is wanted.
  const auto range = std::string(media->headers.find("content-range").value_or(""));
  const auto total = parse_decimal(std::string_view(range).substr(range.find('/') + 1));
  while (!arguments.given("range") && total && octets.size() < *total) {
    const auto more = (*server)->api().call(
        "GET", path, {},
        {
            {"range", fmt::format("bytes={}-{}", octets.size(), octets.size() + answer_bytes - 1)},
        });
    if (!more) return tell_mm(what, more.error(), asset);
    if (more->status != 206 || more->headers.find("etag") != media->headers.find("etag"))
      return tell(what, {Errc::conflict, "the media changed meanwhile", {}}, "try again"),
             Exit::failed;
    octets += more->body;
  }
  const std::string to(arguments.text("to"));
  if (to == "-") {
    std::cout << octets;
    return Exit::ok;
  }
  std::ofstream file(to, std::ios::binary);
  file << octets;
  if (!file.flush()) return tell(what, {Errc::unavailable, "cannot write " + to, {}}), Exit::failed;
  std::cerr << fmt::format("{} bytes\n", octets.size());
  return Exit::ok;
}

Exit read(const Arguments& arguments, const Noun& noun) {
  const auto what = fmt::format("cannot read the {}", noun.name);
  const auto server = OneServer::from(arguments);
  if (!server) return tell_mm(what, server.error(), noun);
  const auto item = (*server)->api().ask("GET", item_path(noun, arguments.text("id")));
  if (!item) return tell_mm(what, item.error(), noun);
  return show(arguments, noun, *item);
}

const std::vector<Column> state_columns{{"component", "component"},
                                        {"seq", "seq"},
                                        {"age ms", "ageMs"},
                                        {"state", "state"},
                                        {"delta", "delta"}};

/// The newest state of an asset, its octets in base64.
Exit read_state(const Arguments& arguments) {
  constexpr std::string_view what = "cannot read the state";
  const auto server = OneServer::from(arguments);
  if (!server) return tell_mm(what, server.error(), session);
  auto path = fmt::format("{}/state/{}", item_path(session, arguments.text("id")),
                          http::percent_encode(arguments.text("asset")));
  if (arguments.given("component"))
    path += fmt::format("?component={}", http::percent_encode(arguments.text("component")));
  const auto item = (*server)->api().ask("GET", path);
  if (!item) return tell_mm(what, item.error(), session);
  if (arguments.text("output") == "json")
    std::cout << json::to_text(*item) << '\n';
  else if (const auto* components = item->find("components"))
    print_rows(std::cout, rows_of(components, state_columns), arguments.text("output"));
  return Exit::ok;
}

Exit list(const Arguments& arguments, const Noun& noun) {
  const auto what = fmt::format("cannot list: {}", noun.name);
  const auto server = OneServer::from(arguments);
  if (!server) return tell_mm(what, server.error(), noun);
  const auto items = all_of((*server)->api(), std::string(noun.collection));
  if (!items) return tell_mm(what, items.error(), noun);
  if (arguments.text("output") == "json")
    std::cout << json::to_text(*items) << '\n';
  else
    print_rows(std::cout, rows_of(&*items, noun.columns), arguments.text("output"));
  return Exit::ok;
}

Exit remove(const Arguments& arguments, const Noun& noun) {
  const auto what = fmt::format("no {} was deleted", noun.name);
  const auto server = OneServer::from(arguments);
  if (!server) return tell_mm(what, server.error(), noun);
  for (const auto& id : arguments.all("id")) {
    const auto gone = (*server)->api().call("DELETE", item_path(noun, id));
    if (!gone) return tell_mm(what, gone.error(), noun);
    std::cerr << fmt::format("{} {}\n", id, gone->status == 202 ? "is being released" : "deleted");
  }
  return Exit::ok;
}

std::vector<Option> with_mm(std::vector<Option> own) {
  for (auto& option : server_options(default_server)) own.push_back(std::move(option));
  own.push_back(output_option());
  return own;
}

Option the_id() { return {.name = "ID", .help = "as create and list show it", .required = true}; }

template <const Noun& noun>
Exit read_one(const Arguments& arguments) {
  return read(arguments, noun);
}
template <const Noun& noun>
Exit list_all(const Arguments& arguments) {
  return list(arguments, noun);
}
template <const Noun& noun>
Exit remove_some(const Arguments& arguments) {
  return remove(arguments, noun);
}

std::vector<Option> of_some() {
  return with_mm(
      {{.name = "ID", .help = "one or more", .takes = Option::Takes::values, .required = true}});
}

}  // namespace

std::vector<Verb> mm_verbs() {
  const Option key{.name = "--idempotency-key",
                   .help = "a retry with the same key makes no second one"};
  std::vector<Verb> out{
      {.path = "mm session create",
       .summary = "ask for a synchronisation session; says yes only after SEALDD did",
       .example = "  lobo mm session create --service xr.meet --asset urn:avatar:alice --ue ue1 "
                  "--ue ue2 --rate 30",
       .options = with_mm(
           {{.name = "--file", .help = "the whole request in JSON; - is standard input"},
            {.name = "--service", .help = "VAL service id", .fallback = "lobo"},
            {.name = "--requester", .help = "VAL server id", .fallback = "lobo"},
            {.name = "--asset", .help = "a URI"},
            {.name = "--ue", .help = "VAL UE id; once for each UE", .takes = Option::Takes::values},
            {.name = "--rate", .help = "updates a second"},
            {.name = "--bit-rate", .help = "downlink at most: \"4 Mbps\""},
            {.name = "--delay", .help = "downlink packet delay budget in ms"},
            {.name = "--duration", .help = "1h, 7d, or a date-time"},
            {.name = "--notify", .help = "where events go"},
            key}),
       .run =
           [](const Arguments& arguments) {
             return create(arguments, session,
                           arguments.given("file") ? text_of(arguments.text("file"))
                                                   : session_body(arguments));
           }},
      {.path = "mm policy create",
       .summary = "make a policy (api/mm_pol.yaml, SyncPolicyReq)",
       .example = "  lobo mm policy create --file policy.json",
       .options = with_mm(
           {{.name = "--file", .help = "the policy in JSON; - is standard input", .required = true},
            key}),
       .run = [](const Arguments& arguments) {
         return create(arguments, policy, text_of(arguments.text("file")));
       }}};
  const std::vector<Verb> reading{
      {.path = "mm session get",
       .summary = "one session, and what each asset got",
       .example = "  lobo mm session get 3f0c…",
       .options = with_mm({the_id()}),
       .run = read_one<session>},
      {.path = "mm session state",
       .summary = "the newest state of an asset that ends at the enabler",
       .example = "  lobo mm session state 3f0c… --asset urn:avatar:alice",
       .options = with_mm({the_id(),
                           {.name = "--asset", .help = "its identifier", .required = true},
                           {.name = "--component", .help = "one of them; all without"}}),
       .run = read_state},
      {.path = "mm session list",
       .summary = "the sessions of the caller",
       .example = "  lobo mm session list -o csv",
       .options = with_mm({}),
       .run = list_all<session>},
      {.path = "mm session delete",
       .summary = "tear a session down, with its flows",
       .example = "  lobo mm session delete 3f0c…",
       .options = of_some(),
       .run = remove_some<session>},
      {.path = "mm policy get",
       .summary = "one policy",
       .example = "  lobo mm policy get 3f0c… -o json",
       .options = with_mm({the_id()}),
       .run = read_one<policy>},
      {.path = "mm policy list",
       .summary = "the policies of the caller",
       .example = "  lobo mm policy list",
       .options = with_mm({}),
       .run = list_all<policy>},
      {.path = "mm policy delete",
       .summary = "withdraw a policy; live sessions are resolved again",
       .example = "  lobo mm policy delete 3f0c…",
       .options = of_some(),
       .run = remove_some<policy>},
      {.path = "mm block create",
       .summary = "make a block of the MDRB",
       .example = "  lobo mm block create --name hall",
       .options = with_mm({{.name = "--name", .help = "for people", .required = true},
                           {.name = "--description", .help = "for people"},
                           key}),
       .run =
           [](const Arguments& arguments) {
             return create(arguments, block, block_body(arguments));
           }},
      {.path = "mm block get",
       .summary = "one block",
       .example = "  lobo mm block get 3f0c…",
       .options = with_mm({the_id()}),
       .run = read_one<block>},
      {.path = "mm block list",
       .summary = "the blocks of the caller",
       .example = "  lobo mm block list",
       .options = with_mm({}),
       .run = list_all<block>},
      {.path = "mm block delete",
       .summary = "delete blocks without assets",
       .example = "  lobo mm block delete 3f0c…",
       .options = of_some(),
       .run = remove_some<block>},
      {.path = "mm asset create",
       .summary = "put a digital asset into a block",
       .example = "  lobo mm asset create --block 3f0c… --name alice --asset urn:avatar:alice",
       .options = with_mm({{.name = "--block", .help = "its id", .required = true},
                           {.name = "--name", .help = "for people", .required = true},
                           {.name = "--asset", .help = "its URI; made from the block when absent"},
                           {.name = "--class", .help = "what kind it is, for policies"},
                           key}),
       .run =
           [](const Arguments& arguments) {
             return create(arguments, asset, asset_body(arguments));
           }},
      {.path = "mm asset get",
       .summary = "one asset, and which media it has",
       .example = "  lobo mm asset get urn:avatar:alice",
       .options = with_mm({the_id()}),
       .run = read_one<asset>},
      {.path = "mm asset list",
       .summary = "the assets of the caller",
       .example = "  lobo mm asset list -o csv",
       .options = with_mm({}),
       .run = list_all<asset>},
      {.path = "mm asset delete",
       .summary = "delete assets with their media",
       .example = "  lobo mm asset delete urn:avatar:alice",
       .options = of_some(),
       .run = remove_some<asset>},
      {.path = "mm asset upload",
       .summary = "upload the media of an asset, in parts",
       .example = "  lobo mm asset upload urn:avatar:alice --file alice.glb",
       .options =
           with_mm({the_id(),
                    {.name = "--file", .help = "- is standard input", .required = true},
                    {.name = "--type", .help = "content type", .fallback = "model/gltf-binary"}}),
       .run = upload},
      {.path = "mm asset download",
       .summary = "download the media of an asset",
       .example = "  lobo mm asset download urn:avatar:alice --to alice.glb --range 0-1023",
       .options = with_mm({the_id(),
                           {.name = "--to", .help = "- is standard output", .required = true},
                           {.name = "--range", .help = "0-1023, 1024- or -100"}}),
       .run = download}};
  out.insert(out.end(), reading.begin(), reading.end());
  out.push_back(mm_join_verb());
  out.push_back(mm_token_verb());
  return out;
}

}  // namespace lobo::app
