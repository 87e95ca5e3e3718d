#include "demo_green/configs.hpp"

#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "demo_green/books.hpp"
#include "process.hpp"

namespace lobo::app {

std::string no_browser(const std::string& players) {
  for (const auto* program : {"/usr/bin/chromium", "/usr/bin/node"})
    if (!std::filesystem::exists(program)) return std::string(program) + " is missing";
  for (const auto& part : green_scripts)
    if (!std::filesystem::exists(players + "/node_modules/" + std::string(part)))
      return "no players in " + players + " (tools/install_packages.sh players)";
  return {};
}

std::string address_of(std::size_t place) { return fmt::format("127.0.1.{}", place + 1); }

std::uint16_t free_port() {
  for (int attempt = 0; attempt < 20; ++attempt) {
    std::vector<UniqueFd> taken;
    std::uint16_t port = 0;
    bool good = true;
    for (const std::uint32_t address : {0x7F000001U, 0x7F000101U, 0x7F000102U, 0x7F000103U}) {
      UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
      sockaddr_in at{};
      at.sin_family = AF_INET;
      at.sin_addr.s_addr = htonl(address);
      at.sin_port = htons(port);
      sockaddr any{};
      std::memcpy(&any, &at, sizeof at);
      socklen_t length = sizeof any;
      good = good && ::bind(fd.get(), &any, sizeof at) == 0 &&
             ::getsockname(fd.get(), &any, &length) == 0;
      std::memcpy(&at, &any, sizeof at);
      port = ntohs(at.sin_port);
      taken.push_back(std::move(fd));
    }
    if (good) return port;
  }
  return 0;
}

std::string nginx_text(const std::string& folder, std::uint16_t port, std::uint16_t state_port) {
  std::string servers;
  for (std::size_t i = 0; i < green_places; ++i)
    servers += fmt::format(R"(
  server {{
    listen {0}:{1}; root {2}/www; access_log {2}/access-{3}.log lobo;
    add_header Access-Control-Allow-Origin * always;
    add_header Cache-Control no-store;
    if (-f {2}/asleep-{3}) {{ return 503; }}
    rewrite ^/d[0-2]/(.*)$ /$1 last;
  }})",
                           address_of(i), port, folder, green_ids[i]);
  // Its workers are who started it: as root they would be somebody who may not read a folder of
  // root's.
  return (::geteuid() == 0 ? "user root; " : "") +
         fmt::format(
             R"(worker_processes 1; daemon off; pid {0}/nginx.pid; error_log {0}/nginx-error.log;
events {{ worker_connections 256; }}
http {{
  types {{ text/html html; application/dash+xml mpd; application/vnd.apple.mpegurl m3u8;
          video/mp4 m4s mp4; application/javascript js; }}
  log_format lobo '$msec $server_addr $server_port $status $bytes_sent $request_length $host $request_uri "$http_cmcd_session"';
  client_body_temp_path {0}/t1; proxy_temp_path {0}/t2; fastcgi_temp_path {0}/t3;
  uwsgi_temp_path {0}/t4; scgi_temp_path {0}/t5;
  server {{
    listen 127.0.0.1:{1}; root {0}/www; access_log off; index page.html;
    location /green/ {{ proxy_pass http://127.0.0.1:{2}; }}
  }}{3}
}}
)",
             folder, port, state_port, servers);
}

std::string af_text(const std::string& folder) {
  return fmt::format(R"(media_energy:
  server: {{address: 127.0.0.1, port: 0}}
  metrics: {{server: {{address: 127.0.0.1, port: 0}}}}
  store: {{path: {0}/media.sqlite}}
  auth: {{mode: "off"}}
  service_locations:
    - {{id: SL1, latency_ms: 10}}
    - {{id: SL2, latency_ms: 10}}
    - {{id: SL3, latency_ms: 10}}
  sinks: {{allow: [127.0.0.0/8], https_only: false}}
  sessions: {{usual_mbps: 250}}
  plan: {{every: 2s, spacing: 6s, release_share: 1, steering_ttl: 5s, spare_share: 0}}
)",
                     folder);
}

std::string agent_text(const std::string& folder, const std::string& af, std::size_t place,
                       std::uint16_t port) {
  return fmt::format(R"(energy_agent:
  as_instance_id: as-{0}
  af: {{uri: "{1}"}}
  locations: [{{id: {0}, base_urls: ["http://{2}:{3}/"]}}]
  host:
    capacity: 1 Gbps
    model: {{idle_w: {4}, max_w: {5}}}
    idle_w: {4}
    standby_w: {6}
    pue: {7}
    sys: {8}/sys-{0}
  access_log: {8}/access-{0}.log
  sampling: 500ms
  reporting: 1s
  supply: {{file: {8}/grid-{0}.txt}}
  commands:
    standby: [touch, "{8}/asleep-{0}"]
    wake: [rm, "-f", "{8}/asleep-{0}"]
    drain_deadline: 10s
)",
                     green_ids[place], af, address_of(place), port, green_idle_w, green_max_w,
                     green_standby_w, green_pue, folder);
}

std::string hosting_text(std::uint16_t port) {
  std::string list;
  for (std::size_t i = 0; i < green_places; ++i)
    list += fmt::format(
        R"({}{{"entryPoint":{{"relativePath":"p0.mpd","contentType":"application/dash+xml"}},)"
        R"("baseURL":"http://{}:{}/","serviceLocationId":"{}"}})",
        i == 0 ? "" : ",", address_of(i), port, green_ids[i]);
  return R"({"name":"green","ingestConfiguration":{},"distributionConfigurations":[)" + list + "]}";
}

std::string policy_text(std::uint16_t sink_port) {
  return fmt::format(
      R"({{"externalReference":"green","reporting":{{"mode":"PERIODIC","reportingInterval":2,)"
      R"("samplingPeriod":1,"minReportSpacing":1}},"serviceEnergyProfile":{{"objective":"CARBON",)"
      R"("switchCostJoule":0}},"recipients":[{{"type":"ASP_CALLBACK","notificationUri":)"
      R"("http://127.0.0.1:{}/m8"}}]}})",
      sink_port);
}

}  // namespace lobo::app
