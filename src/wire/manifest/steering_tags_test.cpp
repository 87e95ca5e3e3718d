#include "wire/manifest/steering_tags.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"

namespace lobo::manifest {
namespace {

const SteeringTags tags{
    .locations = {{"SL1", "http://127.0.1.1:8080/"}, {"SL2", "http://127.0.1.2:8080/m4/"}},
    .server_url = "http://127.0.0.69:9000/steer/dash?g=all&p=SL1,SL2",
    .default_location = "SL2"};

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

constexpr std::string_view mpd =
    R"(<?xml version="1.0" encoding="utf-8"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static">
  <ProgramInformation><Title>T</Title></ProgramInformation>
  <!-- kept -->
  <Period id="0"><AdaptationSet><SegmentTemplate media="chunk-$Number$.m4s"/></AdaptationSet></Period>
</MPD>
)";

TEST(mpd_steering, locations_and_server_stand_behind_the_program_information) {
  const auto got = with_steering(mpd, tags);
  ASSERT_TRUE(got) << got.error().detail;
  const auto program = got->find("</ProgramInformation>");
  const auto first =
      got->find(R"(<BaseURL serviceLocation="SL1">http://127.0.1.1:8080/</BaseURL>)");
  const auto second =
      got->find(R"(<BaseURL serviceLocation="SL2">http://127.0.1.2:8080/m4/</BaseURL>)");
  const auto steering =
      got->find(R"(<ContentSteering defaultServiceLocation="SL2" queryBeforeStart="true">)"
                R"(http://127.0.0.69:9000/steer/dash?g=all&amp;p=SL1,SL2</ContentSteering>)");
  ASSERT_NE(steering, std::string::npos) << *got;
  EXPECT_LT(program, first);
  EXPECT_LT(first, second);
  EXPECT_LT(second, steering);
  EXPECT_LT(steering, got->find("<Period"));
  EXPECT_TRUE(has(*got, "<!-- kept -->"));
  EXPECT_TRUE(has(*got, R"(<?xml version="1.0" encoding="utf-8"?>)"));
}

TEST(mpd_steering, without_program_information_they_come_first) {
  const auto got = with_steering("<MPD><Period/></MPD>", tags);
  ASSERT_TRUE(got);
  EXPECT_LT(got->find("<BaseURL"), got->find("<ContentSteering"));
  EXPECT_LT(got->find("<ContentSteering"), got->find("<Period"));
}

TEST(mpd_steering, a_prefix_of_the_namespace_is_kept) {
  const auto got = with_steering("<d:MPD xmlns:d='urn:x'><d:Period/></d:MPD>", tags);
  ASSERT_TRUE(got);
  EXPECT_TRUE(has(*got, "<d:BaseURL serviceLocation=\"SL1\">"));
  EXPECT_TRUE(has(*got, "<d:ContentSteering "));
}

TEST(mpd_steering, a_relative_base_goes_on_to_hold_at_each_location) {
  const auto got = with_steering("<MPD><BaseURL> live/ </BaseURL><Period/></MPD>", tags);
  ASSERT_TRUE(got);
  EXPECT_TRUE(has(*got, ">http://127.0.1.2:8080/m4/live/<"));
  EXPECT_FALSE(has(*got, "<BaseURL> live/"));
}

TEST(mpd_steering, what_steering_would_not_reach_or_has_already_is_refused) {
  for (const auto* text :
       {"<MPD><BaseURL>http://x/</BaseURL><Period/></MPD>",
        "<MPD><Period><BaseURL>//x/</BaseURL></Period></MPD>",
        "<MPD><Period><SegmentTemplate media='https://x/$Number$'/></Period></MPD>",
        "<MPD><BaseURL>a/</BaseURL><BaseURL>b/</BaseURL><Period/></MPD>",
        "<MPD><BaseURL serviceLocation='a'>a/</BaseURL><Period/></MPD>",
        "<MPD><ContentSteering>http://x/</ContentSteering></MPD>",
        "<MPD><ServiceDescription><ContentSteering/></ServiceDescription></MPD>"}) {
    const auto got = with_steering(text, tags);
    ASSERT_FALSE(got) << text;
    EXPECT_EQ(got.error().code, Errc::conflict) << text;
  }
}

TEST(mpd_steering, what_is_no_mpd_is_refused) {
  std::string deep = "<MPD>";
  for (int i = 0; i < 100'000; ++i) deep += "<a>";
  for (const auto& text :
       std::vector<std::string>{"", "x", "<MPD>", "<html/>", "<MPD", deep,
                                "<!DOCTYPE MPD [<!ENTITY a 'b'>]><MPD><Period>&a;</Period></MPD>"})
    EXPECT_FALSE(with_steering(text, tags)) << text.substr(0, 80);
  for (int i = 0; i < 100'000; ++i) deep += "</a>";
  EXPECT_FALSE(with_steering(deep + "</MPD>", tags));
}

constexpr std::string_view hls = R"(#EXTM3U
#EXT-X-VERSION:6
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="A",NAME="main, stereo",DEFAULT=YES,URI="media_3.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=1300488,RESOLUTION=854x480,CODECS="avc1.4d401e,mp4a.40.2",AUDIO="A"
media_1.m3u8
#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=9,URI="/i.m3u8"
)";

TEST(hls_steering, each_location_gets_all_variants_and_renditions_under_the_same_stable_names) {
  const auto got = with_steering(hls, tags);
  ASSERT_TRUE(got) << got.error().detail;
  EXPECT_EQ(*got, R"(#EXTM3U
#EXT-X-VERSION:6
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-CONTENT-STEERING:SERVER-URI="http://127.0.0.69:9000/steer/dash?g=all&p=SL1,SL2",PATHWAY-ID="SL2"
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="A@SL2",NAME="main, stereo",DEFAULT=YES,URI="http://127.0.1.2:8080/m4/media_3.m3u8",STABLE-RENDITION-ID="r1"
#EXT-X-STREAM-INF:BANDWIDTH=1300488,RESOLUTION=854x480,CODECS="avc1.4d401e,mp4a.40.2",AUDIO="A@SL2",STABLE-VARIANT-ID="v2",PATHWAY-ID="SL2"
http://127.0.1.2:8080/m4/media_1.m3u8
#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=9,URI="http://127.0.1.2:8080/i.m3u8",STABLE-VARIANT-ID="v3",PATHWAY-ID="SL2"
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="A@SL1",NAME="main, stereo",DEFAULT=YES,URI="http://127.0.1.1:8080/media_3.m3u8",STABLE-RENDITION-ID="r1"
#EXT-X-STREAM-INF:BANDWIDTH=1300488,RESOLUTION=854x480,CODECS="avc1.4d401e,mp4a.40.2",AUDIO="A@SL1",STABLE-VARIANT-ID="v2",PATHWAY-ID="SL1"
http://127.0.1.1:8080/media_1.m3u8
#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=9,URI="http://127.0.1.1:8080/i.m3u8",STABLE-VARIANT-ID="v3",PATHWAY-ID="SL1"
)");
}

TEST(hls_steering, a_playlist_that_has_it_or_goes_past_it_is_refused) {
  const std::string start = "#EXTM3U\n";
  for (const auto* rest :
       {"#EXT-X-CONTENT-STEERING:SERVER-URI=\"x\"\n#EXT-X-STREAM-INF:BANDWIDTH=1\na\n",
        "#EXT-X-STREAM-INF:BANDWIDTH=1,PATHWAY-ID=\"x\"\na\n",
        "#EXT-X-STREAM-INF:BANDWIDTH=1\nhttp://x/a\n",
        "#EXT-X-MEDIA:TYPE=AUDIO,URI=\"//x/a\"\n#EXT-X-STREAM-INF:BANDWIDTH=1\na\n"}) {
    const auto got = with_steering(start + rest, tags);
    ASSERT_FALSE(got) << rest;
    EXPECT_EQ(got.error().code, Errc::conflict) << rest;
  }
}

TEST(hls_steering, what_is_no_multivariant_playlist_is_refused) {
  const std::string start = "#EXTM3U\n";
  for (const auto* rest : {"", "#EXT-X-VERSION:6\n", "#EXTINF:2,\na.ts\n", "a.m3u8\n",
                           "#EXT-X-STREAM-INF:BANDWIDTH=1\n",
                           "#EXT-X-STREAM-INF:BANDWIDTH=1\n#EXT-X-STREAM-INF:BANDWIDTH=1\na\n",
                           "#EXT-X-STREAM-INF:BANDWIDTH=1,CODECS=\"a\nb\n",
                           "#EXT-X-STREAM-INF:=1\na\n", "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\"\n",
                           "#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1,URI=\"a\"\n"}) {
    const auto got = with_steering(start + rest, tags);
    EXPECT_FALSE(got) << rest;
  }
}

TEST(steering_tags, that_some_player_would_misread_are_refused) {
  const auto with = [](std::string id, std::string url) {
    SteeringTags changed = tags;
    changed.locations.push_back({std::move(id), std::move(url)});
    return check(changed);
  };
  EXPECT_TRUE(with("SL3", "http://127.0.1.3:8080/"));
  EXPECT_FALSE(with("SL1", "http://127.0.1.3:8080/"));    // twice
  EXPECT_FALSE(with("S,3", "http://127.0.1.3:8080/"));    // lists are cut at commas
  EXPECT_FALSE(with("SL3", "http://127.0.1.3:8080/x"));   // would lose its last segment
  EXPECT_FALSE(with("SL3", "http://127.0.1.3:8081/"));    // another port
  EXPECT_FALSE(with("SL3", "http://127.0.1.1:8080/b/"));  // one host
  EXPECT_FALSE(with("SL3", "ftp://127.0.1.3/"));
  SteeringTags nowhere = tags;
  nowhere.default_location = "SL9";
  EXPECT_FALSE(check(nowhere));
}

RC_GTEST_PROP(steering_tags, any_text_is_refused_or_gets_its_tags, (const std::string& text)) {
  for (const auto* start : {"", "#EXTM3U\n", "<MPD>"}) {
    const auto got = with_steering(start + text, tags);
    if (got) RC_ASSERT(has(*got, "127.0.1.1") && has(*got, "127.0.1.2"));
  }
}

}  // namespace
}  // namespace lobo::manifest
