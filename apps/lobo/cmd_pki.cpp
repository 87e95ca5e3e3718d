// `lobo pki`: a laboratory's authority, certificates and tokens. Keys lie in the clear: never for
// service.
#include <fmt/format.h>

#include <chrono>
#include <iostream>
#include <string>
#include <vector>

#include "adapters/crypto/pki.hpp"
#include "adapters/http/loop.hpp"
#include "base/result.hpp"
#include "cli.hpp"
#include "commands.hpp"
#include "config_section.hpp"
#include "exit_code.hpp"
#include "output.hpp"

namespace lobo::app {
namespace {

Exit init(const Arguments& arguments) {
  const std::string folder(arguments.text("dir"));
  const auto names = arguments.all("name");
  const auto clients = arguments.all("client");
  const auto made = adapters::crypto::make_pki({.folder = folder,
                                                .server_names = {names.begin(), names.end()},
                                                .clients = {clients.begin(), clients.end()}},
                                               adapters::SystemClock{}.now());
  if (!made)
    return tell("no keys were made", made.error(),
                "choose an empty folder; existing files are never replaced");
  Rows rows{.columns = {"file"}, .rows = {}};
  for (const auto& path : *made) rows.rows.push_back({path});
  print_rows(std::cout, rows, arguments.text("output"));
  std::cerr << fmt::format("note: for laboratories only; next: lobo pki token {} --subject app1\n",
                           folder);
  return Exit::ok;
}

Exit keys(const Arguments& arguments) {
  const std::string folder(arguments.text("dir"));
  const auto upfs = arguments.all("upf");
  const auto eas = arguments.all("eas");
  const auto life = parse_duration(arguments.text("life"));
  if (!life || *life < std::chrono::seconds{1}) {
    tell("no keys were made", {Errc::malformed, "--life is no duration of a second or more", {}},
         "write for example --life 30d");
    return Exit::usage;
  }
  const auto made = adapters::crypto::make_key_pki(
      {.folder = folder,
       .upfs = {upfs.begin(), upfs.end()},
       .eas = {eas.begin(), eas.end()},
       .life = std::chrono::duration_cast<std::chrono::seconds>(*life)},
      adapters::SystemClock{}.now());
  if (!made)
    return tell("no keys were made", made.error(),
                "choose an empty folder; existing files are never replaced");
  Rows rows{.columns = {"file"}, .rows = {}};
  for (const auto& path : *made) rows.rows.push_back({path});
  print_rows(std::cout, rows, arguments.text("output"));
  std::cerr << "note: for laboratories only; the section keys: of a UPF and lobo eas "
               "--keys-by-tls name these files\n";
  return Exit::ok;
}

Exit flow_key(const Arguments& arguments) {
  const auto made = adapters::crypto::make_flow_key_files(std::string(arguments.text("dir")));
  if (!made)
    return tell("no key was made", made.error(),
                "choose an empty folder; existing files are never replaced");
  Rows rows{.columns = {"file"}, .rows = {}};
  for (const auto& path : *made) rows.rows.push_back({path});
  print_rows(std::cout, rows, arguments.text("output"));
  std::cerr << "note: flow.key is for the SEALDD server alone; relay nodes trust flow.pub\n";
  return Exit::ok;
}

Exit token(const Arguments& arguments) {
  const auto life = parse_duration(arguments.text("life"));
  if (!life) {
    tell("no token", {Errc::malformed, "--life is no duration", {}}, "write for example --life 1h");
    return Exit::usage;
  }
  const auto scopes = arguments.all("scope");
  const auto made = adapters::crypto::issue_token(
      fmt::format("{}/token.key", arguments.text("dir")),
      {.issuer = std::string(arguments.text("issuer")),
       .audience = std::string(arguments.text("audience")),
       .subject = std::string(arguments.text("subject")),
       .scopes = {scopes.begin(), scopes.end()},
       .issued = adapters::SystemClock{}.now(),
       .life = std::chrono::duration_cast<std::chrono::seconds>(*life)});
  if (!made) {
    tell("no token", made.error(), "`lobo pki init DIR` makes the key");
    return Exit::configuration;
  }
  std::cout << *made << '\n';
  return Exit::ok;
}

}  // namespace

std::vector<Verb> pki_verbs() {
  return {{.path = "pki init",
           .summary = "make a laboratory's authority, certificates and token key",
           .example = "  lobo pki init out/pki\n  lobo pki init out/pki --name lab.example "
                      "--client app1 --client nef",
           .options = {{.name = "DIR",
                        .help = "folder for the files; made where it is missing",
                        .required = true},
                       {.name = "--name",
                        .help = "further names or addresses of the server",
                        .takes = Option::Takes::values},
                       {.name = "--client",
                        .help = "a client certificate each",
                        .takes = Option::Takes::values},
                       output_option()},
           .run = init},
          {.path = "pki keys",
           .summary = "make an authority and certificates for the keys of UPF and lobo eas",
           .example = "  lobo pki keys out/keys\n  lobo pki keys out/keys --upf upf1.example "
                      "--eas eas1.example --eas eas2.example",
           .options = {{.name = "DIR",
                        .help = "folder for the files; made where it is missing",
                        .required = true},
                       {.name = "--upf",
                        .help = "name of a UPF",
                        .takes = Option::Takes::values,
                        .fallback = "upf1.example"},
                       {.name = "--eas",
                        .help = "name of an application server",
                        .takes = Option::Takes::values,
                        .fallback = "eas1.example"},
                       {.name = "--life",
                        .help = "how long the certificates are good",
                        .fallback = "730d"},
                       output_option()},
           .run = keys},
          {.path = "pki flow-key",
           .summary = "make the key of the tokens that let a UE in at a relay node",
           .example = "  lobo pki flow-key out/flow",
           .options = {{.name = "DIR",
                        .help = "folder for the files; made where it is missing",
                        .required = true},
                       output_option()},
           .run = flow_key},
          {.path = "pki token",
           .summary = "sign a bearer token with the laboratory's key",
           .example = "  lobo pki token out/pki --subject app1 > out/app1.token",
           .options = {{.name = "DIR", .help = "folder of `lobo pki init`", .required = true},
                       {.name = "--subject", .help = "who the token names", .required = true},
                       {.name = "--issuer",
                        .help = "as the server's configuration expects it",
                        .fallback = "https://lobodon.lab"},
                       {.name = "--audience",
                        .help = "as the server's configuration expects it",
                        .fallback = "lobodon"},
                       {.name = "--scope",
                        .help = "what it allows",
                        .takes = Option::Takes::values,
                        .fallback = "ss-nra"},
                       {.name = "--life", .help = "how long it is good", .fallback = "1h"}},
           .run = token}};
}

}  // namespace lobo::app
