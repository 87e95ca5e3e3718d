#pragma once
// Where keys and certificates are; PEM everywhere.

#include <cstdint>
#include <string>

namespace lobo::adapters {

struct TlsFiles {
  std::string certificate;  ///< chain, leaf first
  std::string key;
  std::string client_ca;  ///< who may sign client certificates; empty where none are asked for
};

enum class ClientCertificates : std::uint8_t { none, optional, required };

struct ClientTlsFiles {
  std::string ca;           ///< who may sign server certificates; empty: the system's store
  std::string certificate;  ///< ours, empty for none
  std::string key;
};

}  // namespace lobo::adapters
