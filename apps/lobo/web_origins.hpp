#pragma once
// Pages of other origins at the APIs of media clients (Fetch standard, CORS): answers say which
// page may read them, and preflights are answered here. Only below the given prefixes; without
// origins nothing is added. Who may do what is decided behind it, by the token, and no cookie is
// let in.

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "runtime/ports.hpp"
#include "wire/http/message.hpp"

namespace lobo::app {

inline constexpr std::size_t web_origins_max = 64;

class WebOrigins final : public runtime::HttpHandler {
 public:
  /// `origins`: "https://page.example", or "*" for any. `inner` outlives it.
  WebOrigins(std::vector<std::string> origins, std::vector<std::string> prefixes,
             runtime::HttpHandler& inner)
      : origins_(std::move(origins)), prefixes_(std::move(prefixes)), inner_(inner) {}

  void handle(http::Request request, ReplyFn reply) override;

 private:
  /// The value of access-control-allow-origin; empty where the page is none of ours.
  std::string allowed(const http::Request& request) const;

  std::vector<std::string> origins_, prefixes_;
  runtime::HttpHandler& inner_;
};

}  // namespace lobo::app
