#pragma once
// What the gNB's administration listener answers beside the pages that every program has: the cell,
// which may be changed.

#include <functional>
#include <string>
#include <utility>

#include "gnb/cell_change.hpp"
#include "pages/status_pages.hpp"
#include "runtime/ports.hpp"
#include "wire/http/message.hpp"

namespace lobo::app {

struct CellPage {
  std::function<std::string()> cell;  ///< JSON
  std::function<void(const CellChange&)> change;
};

class GnbAdmin final : public runtime::HttpHandler {
 public:
  GnbAdmin(StatusSources sources, CellPage cell);
  void handle(http::Request request, ReplyFn reply) override;

 private:
  http::Response answer_cell(const http::Request& request) const;
  StatusPages pages_;
  CellPage cell_;
};

}  // namespace lobo::app
