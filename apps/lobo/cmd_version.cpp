#include <fmt/format.h>
#include <iostream>
#include <nghttp2/nghttp2.h>
#include <openssl/crypto.h>
#include <sqlite3.h>

#include "commands.hpp"
#include "output.hpp"
#include "version_info.hpp"

namespace lobo::app {
namespace {

Exit print_version(const Arguments& arguments) {
  Rows rows{.columns = {"part", "value"}, .rows = {}};
  const auto say = [&](std::string part, std::string value) {
    rows.rows.push_back({std::move(part), std::move(value)});
  };
  say("lobodon", std::string(build_version));
  say("commit", std::string(build_commit));
  say("compiler", std::string(build_compiler));
  say("flags", std::string(build_flags));
  say("sanitizers", build_sanitizers.empty() ? "off" : std::string(build_sanitizers));
  say("HTTP/2", fmt::format("nghttp2 {}", nghttp2_version(0)->version_str));
  say("TLS", OpenSSL_version(OPENSSL_VERSION));
  say("store", fmt::format("SQLite {}", sqlite3_libversion()));
  print_rows(std::cout, rows, arguments.text("output"));
  return Exit::ok;
}

}  // namespace

std::vector<Verb> version_verbs() {
  return {{.path = "version",
           .summary = "version, commit, compiler, and what is built in",
           .example = "  lobo version\n  lobo version -o json",
           .options = {output_option()},
           .run = print_version}};
}

}  // namespace lobo::app
