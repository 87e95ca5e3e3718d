#include "wiring.hpp"

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>

#include "adapters/http/server.hpp"
#include "adapters/http/tls_files.hpp"
#include "adapters/log/file_log.hpp"
#include "adapters/log/line.hpp"
#include "adapters/trace/trace_file.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "config.hpp"
#include "runtime/ports.hpp"

namespace lobo::app {

Result<std::unique_ptr<runtime::Log>> open_log(const LoggerConfig& config, std::string domain,
                                               runtime::Scheduler& scheduler, const Clock& clock) {
  const auto level = [&] {
    switch (config.level) {
      case LogLevel::debug: return runtime::Level::debug;
      case LogLevel::info: return runtime::Level::info;
      case LogLevel::warn: return runtime::Level::warn;
      case LogLevel::error: return runtime::Level::error;
    }
    std::abort();
  };
  auto log = adapters::log::FileLog::open(
      {.file = config.file,
       .format = config.format == LogFormat::json ? adapters::log::Format::json
                                                  : adapters::log::Format::text,
       .level = level(),
       .domain = std::move(domain)},
      scheduler, clock);
  if (!log) return fail(log.error());
  return std::unique_ptr<runtime::Log>(std::move(*log));
}

Result<std::unique_ptr<runtime::Trace>> open_trace(const TraceConfig& config,
                                                   const std::string& party) {
  if (config.directory.empty()) return std::unique_ptr<runtime::Trace>();
  auto trace = adapters::trace::TraceFile::open(
      {.folder = config.directory, .party = party, .run = config.run});
  if (!trace) return fail(trace.error());
  return std::unique_ptr<runtime::Trace>(std::move(*trace));
}

adapters::TlsFiles tls_files(const ServerTls& tls) {
  return {.certificate = tls.cert, .key = tls.key, .client_ca = tls.client_ca};
}
adapters::ClientTlsFiles tls_files(const ClientTls& tls) {
  return {.ca = tls.ca, .certificate = tls.cert, .key = tls.key};
}

adapters::ServerConfig server_config(const ServerAddress& address, const LimitsConfig& limits) {
  adapters::ServerConfig config;
  config.address = address.address;
  config.port = address.port;
  if (address.tls) {
    config.tls = tls_files(*address.tls);
    if (!address.tls->client_ca.empty())
      config.client_certificates = address.tls->require_client_certificate
                                       ? adapters::ClientCertificates::required
                                       : adapters::ClientCertificates::optional;
  }
  config.limits.connections_max = limits.connections;
  config.limits.streams_max = static_cast<std::uint32_t>(limits.streams_per_connection);
  config.limits.head_bytes_max = limits.header_bytes;
  config.limits.body_bytes_max = limits.body_bytes;
  config.limits.body_timeout = limits.request_time;
  config.limits.idle_timeout = limits.idle_time;
  return config;
}

}  // namespace lobo::app
