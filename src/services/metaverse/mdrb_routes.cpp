#include "services/metaverse/mdrb_routes.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/mm_mdrb.hpp"
#include "api/state/mdrb.hpp"
#include "base/result.hpp"
#include "services/metaverse/mdrb.hpp"
#include "services/metaverse/mdrb_views.hpp"
#include "services/metaverse/media_store.hpp"
#include "services/metaverse/ports.hpp"
#include "wire/http/message.hpp"
#include "wire/http/problem.hpp"
#include "wire/http/url.hpp"
#include "wire/json/json.hpp"
#include "wire/resource/record.hpp"
#include "wire/resource/route.hpp"
#include "wire/resource/route_steps.hpp"

namespace lobo::metaverse {

namespace mdrb = api::mm_mdrb;
namespace op = api::mm_mdrb::operation;
namespace state = api::state::mdrb;
using resource::Decision;
using resource::Dispatch;
using resource::Handle;
using resource::json_answer;
using resource::list;
using resource::own;
using resource::page_of;
using resource::param;
using resource::RouteContext;
using resource::state_of;
using resource::to_new;
using resource::to_owner;

namespace {

constexpr std::string_view asset_name = "assetId";
constexpr std::string_view block_name = "blockId";

/// An asset is found by the identifier that it was given, or that follows from its block.
Result<Decision> to_new_asset(const RouteContext& context) {
  const auto said = json::read<mdrb::MdrbAssetReq>(context.request.body);
  if (!said) return fail(said.error());
  auto id = said->asset_id.value_or("urn:mdrb:" + http::percent_encode(said->block_id) + ':' +
                                    std::string(context.fresh_id));
  return Dispatch{.to = {std::string(asset_kind), std::move(id)}, .creates = true};
}

Handle read_block(const Settings& settings) {
  return [&settings](const RouteContext& context) -> Result<Decision> {
    const auto record = own(context, block_kind, block_name);
    if (!record) return fail(record.error());
    const auto stored = state_of<state::BlockState>(*record);
    if (!stored) return fail(stored.error());
    const auto view = block_view(*stored, record->key.id, settings);
    if (!view) return fail(view.error());
    return json_answer(json::write(*view), record->version);
  };
}

Handle list_blocks(const Settings& settings) {
  return [&settings](const RouteContext& context) -> Result<Decision> {
    return list<mdrb::MdrbBlockList>(
        context, block_kind,
        [&](mdrb::MdrbBlockList& out, const resource::Record& record) -> Result<void> {
          const auto stored = state_of<state::BlockState>(record);
          if (!stored) return fail(stored.error());
          auto view = block_view(*stored, record.key.id, settings);
          if (!view) return fail(view.error());
          out.items.push_back(std::move(*view));
          return {};
        });
  };
}

Handle read_asset(const Settings& settings) {
  return [&settings](const RouteContext& context) -> Result<Decision> {
    const auto record = own(context, asset_kind, asset_name);
    if (!record) return fail(record.error());
    const auto stored = state_of<state::AssetState>(*record);
    if (!stored) return fail(stored.error());
    const auto view = mdrb_asset_view(*stored, record->key.id, settings);
    if (!view) return fail(view.error());
    return json_answer(json::write(*view), record->version);
  };
}

/// Those of other blocks are passed over: a page may be shorter than asked for.
Handle list_assets(const Settings& settings) {
  return [&settings](const RouteContext& context) -> Result<Decision> {
    const auto page = page_of(context);
    if (!page) return fail(page.error());
    std::optional<std::string> block;
    for (const auto& [name, value] : page->rest)
      if (name == "block-id") block = value;
    return list<mdrb::MdrbAssetList>(
        context, asset_kind,
        [&](mdrb::MdrbAssetList& out, const resource::Record& record) -> Result<void> {
          const auto stored = state_of<state::AssetState>(record);
          if (!stored) return fail(stored.error());
          auto view = mdrb_asset_view(*stored, record.key.id, settings);
          if (!view) return fail(view.error());
          if (!block || view->block_id == *block) out.items.push_back(std::move(*view));
          return {};
        });
  };
}

Handle read_media(const MediaStore& media) {
  return [&media](const RouteContext& context) -> Result<Decision> {
    const auto record = own(context, asset_kind, asset_name);
    if (!record) return fail(record.error());
    const auto stored = state_of<state::AssetState>(*record);
    if (!stored) return fail(stored.error());
    if (!stored->media) return fail(Errc::not_found, "the asset has no media");
    const auto total = stored->media->bytes;
    ByteRange range{0, total - 1, total};
    const auto asked = context.request.headers.find("range");
    const auto part = asked ? parse_range(*asked, total) : std::nullopt;
    if (part && part->from > part->to) {
      auto refused = http::problem(416, "the range lies outside of the media");
      refused.headers.add("content-range", "bytes */" + std::to_string(total));
      return refused;
    }
    if (part) range = *part;
    auto octets = media.read(stored->media->file, range.from, range.to - range.from + 1);
    if (!octets) return fail(octets.error());
    http::Response out{part ? 206 : 200, {}, std::move(*octets)};
    out.headers.add("content-type", stored->media->content_type);
    out.headers.add("accept-ranges", "bytes");
    // Each file is used once: its name says which octets these are.
    out.headers.add("etag", '"' + stored->media->file + '"');
    if (part)
      out.headers.add("content-range", "bytes " + std::to_string(range.from) + '-' +
                                           std::to_string(range.to) + '/' + std::to_string(total));
    return out;
  };
}

Handle handle_of(std::string_view id, const Settings& settings, const MediaStore& media) {
  if (id == op::create_mdrb_block) return to_new(block_kind);
  if (id == op::list_mdrb_blocks) return list_blocks(settings);
  if (id == op::get_mdrb_block) return read_block(settings);
  if (id == op::replace_mdrb_block || id == op::delete_mdrb_block)
    return to_owner(block_kind, block_name);
  if (id == op::create_mdrb_asset) return to_new_asset;
  if (id == op::list_mdrb_assets) return list_assets(settings);
  if (id == op::get_mdrb_asset) return read_asset(settings);
  if (id == op::get_mdrb_media) return read_media(media);
  return to_owner(asset_kind, asset_name);
}

}  // namespace

std::vector<resource::Route> mdrb_routes(const Settings& settings, const MediaStore& media) {
  std::vector<resource::Route> out;
  for (auto operation : mdrb::operations()) {
    // Media are what they are: the router is not to ask for JSON.
    if (operation.id == op::get_mdrb_media) operation.content_type = "*/*";
    out.push_back({operation, handle_of(operation.id, settings, media)});
  }
  return out;
}

}  // namespace lobo::metaverse
