// A handshake that somebody on the path alters. Each record in turn, each way: what comes of it is
// a refusal, and no key is ever used.

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <optional>

#include "adapters/key_channel/client.hpp"
#include "adapters/key_channel/server.hpp"
#include "key_channel/ends.hpp"
#include "key_channel/record_proxy.hpp"
#include "wire/xrm_keys/failure.hpp"

namespace lobo::testing {
namespace {

class Altered : public KeyEnds {
 protected:
  void begin_anew() {
    client.reset();
    server.reset();
    in_use.reset();
    opened.clear();
    upf_ended.clear();
    eas_ended.clear();
    keys_used = 0;
  }
};

TEST_F(Altered, a_record_changed_on_its_way_is_a_refusal_and_never_a_key) {
  const auto of_eas = eas_files();
  const auto of_upf = upf_files();
  std::array<std::size_t, 2> records{};
  {
    serve(of_eas);
    const RecordProxy proxy(server->port(), std::nullopt);
    dial(of_upf, proxy.port());
    ASSERT_TRUE(run_until([this] { return in_use.has_value(); }));
    records = {proxy.records(Way::to_server), proxy.records(Way::to_client)};
    begin_anew();
  }
  // A ClientHello, a changed cipher spec, a certificate, its proof and Finished, Hello, Accept.
  ASSERT_GE(records[0], 5U);
  ASSERT_GE(records[1], 5U);
  std::size_t tried = 0;
  for (const Way way : {Way::to_server, Way::to_client})
    for (std::size_t record = 0; record < records[static_cast<std::size_t>(way)]; ++record)
      for (const unsigned place : {0U, 37U, 50U, 100U}) {
        SCOPED_TRACE(::testing::Message() << (way == Way::to_server ? "to server" : "to client")
                                          << ", record " << record << ", place " << place);
        serve(of_eas);
        const RecordProxy proxy(server->port(), Alteration{way, record, place});
        dial(of_upf, proxy.port());
        ASSERT_TRUE(run_until([this] { return !upf_ended.empty() && !eas_ended.empty(); }));
        EXPECT_TRUE(proxy.altered());
        EXPECT_TRUE(is_refusal(upf_ended[0].failure) || is_refusal(eas_ended[0].failure))
            << to_string(upf_ended[0].failure) << ", " << to_string(eas_ended[0].failure);
        EXPECT_EQ(keys_used, 0U);
        // Only where the acceptance itself was changed has the UPF a key; nobody seals with it.
        const bool acceptance = way == Way::to_server && record + 1 == records[0];
        EXPECT_EQ(opened.size(), acceptance ? 1U : 0U);
        ++tried;
        begin_anew();
      }
  EXPECT_GE(tried, 40U);
}

}  // namespace
}  // namespace lobo::testing
