#include "gnb/admin.hpp"

#include <string_view>
#include <utility>

#include "gnb/cell_change.hpp"
#include "pages/status_pages.hpp"
#include "wire/http/message.hpp"
#include "wire/http/problem.hpp"
#include "wire/http/url.hpp"

namespace lobo::app {
namespace {

constexpr std::string_view cell_path = "/status/gnb/cell";

StatusSources beside_the_cell(StatusSources sources) {
  sources.name = "gnb";
  sources.more = ", ";
  sources.more += cell_path;
  return sources;
}

}  // namespace

GnbAdmin::GnbAdmin(StatusSources sources, CellPage cell)
    : pages_(beside_the_cell(std::move(sources))), cell_(std::move(cell)) {}

http::Response GnbAdmin::answer_cell(const http::Request& request) const {
  if (!request.peer.loopback) return not_from_here();
  if (request.method == "GET") return json_page(cell_.cell());
  if (request.method != "PUT") return no_method("GET, PUT");
  const auto change = read_cell_change(request.body);
  if (!change) return http::problem(change.error());
  cell_.change(*change);
  return json_page(cell_.cell());
}

void GnbAdmin::handle(http::Request request, ReplyFn reply) {
  if (http::split_target(request.target).path == cell_path) return reply(answer_cell(request));
  reply(pages_.answer(request));
}

}  // namespace lobo::app
