#pragma once
// Pieces that every server process of ours is wired from.

#include <memory>
#include <string>

#include "adapters/http/client.hpp"
#include "adapters/http/server.hpp"
#include "config.hpp"
#include "runtime/ports.hpp"

namespace lobo::app {

Result<std::unique_ptr<runtime::Log>> open_log(const LoggerConfig& config, std::string domain,
                                               runtime::Scheduler& scheduler, const Clock& clock);
/// Null where no directory is configured.
Result<std::unique_ptr<runtime::Trace>> open_trace(const TraceConfig& config,
                                                   const std::string& party);

adapters::ServerConfig server_config(const ServerAddress& address, const LimitsConfig& limits);
adapters::TlsFiles tls_files(const ServerTls& tls);
adapters::ClientTlsFiles tls_files(const ClientTls& tls);

}  // namespace lobo::app
