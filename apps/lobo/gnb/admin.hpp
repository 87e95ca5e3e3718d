#pragma once
// What the gNB's administration listener answers: metrics, health, readiness, a page for people,
// and the cell, which may be changed. Loopback only, as with the other servers.

#include <functional>
#include <string>
#include <utility>

#include "base/result.hpp"
#include "gnb/cell_change.hpp"
#include "runtime/ports.hpp"
#include "wire/http/message.hpp"

namespace lobo::app {

struct GnbPages {
  std::function<std::string()> metrics;  ///< Prometheus text
  std::function<std::string()> status;   ///< JSON
  std::function<std::string()> cell;     ///< JSON
  std::function<void(const CellChange&)> change;
  std::function<Result<void>()> ready;  ///< or why it is not
};

class GnbAdmin final : public runtime::HttpHandler {
 public:
  explicit GnbAdmin(GnbPages pages) : pages_(std::move(pages)) {}
  void handle(http::Request request, ReplyFn reply) override;

 private:
  http::Response answer(const http::Request& request) const;
  http::Response answer_cell(const http::Request& request) const;
  GnbPages pages_;
};

}  // namespace lobo::app
