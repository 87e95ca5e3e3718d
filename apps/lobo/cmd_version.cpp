#include <fmt/format.h>

#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include "adapters/aead/choose.hpp"
#include "adapters/packet_io/af_xdp.hpp"
#include "adapters/packet_io/dpdk.hpp"
#include "adapters/quic/quic.hpp"
#include "cli.hpp"
#include "commands.hpp"
#include "exit_code.hpp"
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
  say("HTTP/2", fmt::format("on, nghttp2 {}", build_nghttp2));
  say("TLS", fmt::format("on, OpenSSL {}", build_openssl));
  say("AEAD", adapters::aead::describe());
  say("packet I/O",
      fmt::format("{}; {}", adapters::packet_io::describe(), adapters::packet_io::describe_dpdk()));
  say("QUIC", adapters::quic::describe());
  say("GStreamer plugin", build_gstreamer.empty()
                              ? "off (built without libgstreamer-plugins-base1.0-dev)"
                              : fmt::format("on, GStreamer {}", build_gstreamer));
  say("store", fmt::format("SQLite {}", build_sqlite));
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
