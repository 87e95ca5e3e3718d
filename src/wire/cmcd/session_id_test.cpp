#include "wire/cmcd/session_id.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <optional>
#include <string>

#include "wire/http/url.hpp"

namespace lobo::cmcd {
namespace {

// The lists are those of players: dash.js, hls.js and Shaka write them so.
TEST(cmcd_session, is_found_among_other_keys) {
  EXPECT_EQ(session_id(R"(sid="6e2fb550-c457-11e9-bb97-0800200c9a66")"),
            "6e2fb550-c457-11e9-bb97-0800200c9a66");
  EXPECT_EQ(session_id(R"(cid="faec5fc2",mtp=25400,ot=v,sf=d,sid="6e2f",st=v,tb=6000)"), "6e2f");
  EXPECT_EQ(session_id(R"(bs,su,nor="..%2F300kbps%2Ftrack.m4v",sid="a")"), "a");
  EXPECT_EQ(session_id(R"(cid="sid=\"no\",", sid="yes", v=2)"), "yes");
  EXPECT_EQ(session_id(R"(sid="a\\b\"c")"), R"(a\b"c)");
}

TEST(cmcd_session, is_nothing_where_there_is_none_or_it_is_no_string) {
  const std::string long_one = "sid=\"" + std::string(65, 'a') + '"';
  for (const std::string keys :
       {"", ",", "bl=2100", "sid", "sid=abc", "sid=\"\"", "sid=\"a b\"", "sid=\"open",
        "cid=\"x\"sid=\"a\"", "xsid=\"a\"", "cid=\"open,sid=\\\"a\\\"", "sid=\"a\x7f\""})
    EXPECT_EQ(session_id(keys), std::nullopt) << keys;
  EXPECT_EQ(session_id(long_one), std::nullopt);
}

TEST(cmcd_session, is_found_in_the_query_of_a_request) {
  EXPECT_EQ(session_id_in_query("t=1&CMCD=bl%3D2100%2Csid%3D%226e2f%22"), "6e2f");
  EXPECT_EQ(session_id_in_query("CMCD=sid%3D%22a+b%22"), "a+b");
  EXPECT_EQ(session_id_in_query("cmcd=sid%3D%22a%22"), std::nullopt);
  EXPECT_EQ(session_id_in_query("CMCD=%zz"), std::nullopt);
  EXPECT_EQ(session_id_in_query(""), std::nullopt);
}

RC_GTEST_PROP(cmcd_session, comes_back_from_any_place_in_the_list, (const std::string& any)) {
  std::string id;
  std::string quoted;
  for (const char c : any) {
    if (c <= ' ' || c > '~' || id.size() == session_id_bytes_max) continue;
    id += c;
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  RC_PRE(!id.empty());
  const auto list = "bl=1,cid=\"x,y\",sid=\"" + quoted + "\",su";
  RC_ASSERT(session_id(list) == id);
  RC_ASSERT(session_id_in_query("a=b&CMCD=" + http::percent_encode(list)) == id);
}

RC_GTEST_PROP(cmcd_session, of_any_octets_is_short_printable_or_none, (const std::string& any)) {
  const auto found = session_id(any);
  RC_ASSERT(!found || (!found->empty() && found->size() <= session_id_bytes_max));
}

}  // namespace
}  // namespace lobo::cmcd
