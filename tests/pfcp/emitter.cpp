// Writes random PFCP messages for readers that are not ours, with what they were made of:
//
//   pfcp_emitter COUNT SEED
//
// A line of JSON each: {"hex": "…", "type": 50, "seid": "…", "sequence": …, "priority": …,
// "ies": […]}. Kinds of messages take turns.

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/require.hpp"
#include "support/golden.hpp"
#include "support/pfcp_any.hpp"
#include "support/pfcp_text.hpp"
#include "wire/pfcp/header.hpp"
#include "wire/pfcp/messages.hpp"

namespace lobo {
namespace {

template <class Message>
void emit(test::AnyPfcp& any) {
  const auto envelope = any.envelope(Message::type);
  const auto message = any.message<Message>();
  std::vector<std::byte> room(pfcp::message_bytes_max);
  const std::size_t size = pfcp::write_message(room, envelope, message);
  require(size > 0);
  std::string line = fmt::format(
      R"({{"hex": "{}", "type": {}, "sequence": "{}")", test::to_hex(Bytes(room).first(size)),
      static_cast<std::uint8_t>(Message::type), envelope.sequence_number);
  if (pfcp::has_seid(Message::type)) line += fmt::format(R"(, "seid": "{}")", envelope.seid);
  if (envelope.priority) line += fmt::format(R"(, "priority": "{}")", *envelope.priority);
  line += R"(, "ies": )" + test::pfcp_json(test::pfcp_tree(message)) + "}\n";
  std::fputs(line.c_str(), stdout);
}

int run(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("pfcp_emitter COUNT SEED\n", stderr);
    return 2;
  }
  const auto count = std::strtoull(argv[1], nullptr, 10);
  test::AnyPfcp any(std::strtoull(argv[2], nullptr, 10));
  std::uint64_t made = 0;
  while (made < count) {
    test::each_pfcp_message([&]<class Message>() {
      if (made < count) emit<Message>(any);
      ++made;
    });
  }
  return 0;
}

}  // namespace
}  // namespace lobo

int main(int argc, char** argv) { return lobo::run(argc, argv); }
