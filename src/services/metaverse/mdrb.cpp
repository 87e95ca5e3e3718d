#include "services/metaverse/mdrb.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "api/mm_mdrb.hpp"
#include "api/state/mdrb.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/text.hpp"
#include "services/metaverse/mdrb_views.hpp"
#include "services/metaverse/ports.hpp"
#include "services/metaverse/views.hpp"
#include "wire/http/message.hpp"
#include "wire/json/json.hpp"
#include "wire/resource/effect.hpp"
#include "wire/resource/machine.hpp"
#include "wire/resource/record.hpp"

namespace lobo::metaverse {

namespace op = api::mm_mdrb::operation;
namespace state = api::state::mdrb;
using resource::Outcome;

namespace {

constexpr std::size_t assets_looked_at = 1000;

http::Response answer_of(int status, std::string body, const std::string& location = {}) {
  http::Response out{status, {{"content-type", "application/json"}}, std::move(body)};
  if (!location.empty()) out.headers.add("location", location);
  return out;
}

Outcome reply_only(const resource::Command& command, http::Response response,
                   bool representation = false) {
  Outcome out;
  out.effects.emplace_back(resource::Reply{command.request, std::move(response), representation});
  return out;
}

Outcome kept(std::string text, std::string owner, std::string_view subject) {
  Outcome out;
  out.change = resource::Change::put;
  out.state = std::move(text);
  out.owner = std::move(owner);
  out.subject = subject;
  out.clause = "23.700-21 7.y.1 precondition 0";
  return out;
}

Outcome erase(const resource::Command& command) {
  Outcome out;
  out.change = resource::Change::erase;
  out.clause = "23.700-21 7.y.1 precondition 0";
  out.effects.emplace_back(resource::Reply{command.request, {204, {}, {}}, false});
  return out;
}

/// Whether an asset of that owner is in the block.
Result<bool> in_use(const resource::Lookup& lookup, std::string_view owner,
                    std::string_view block) {
  for (std::string after;;) {
    const auto some = lookup.list(asset_kind, owner, after, assets_looked_at);
    if (!some) return fail(some.error());
    for (const auto& record : *some) {
      const auto stored = json::read<state::AssetState>(record.state);
      const auto said = stored ? json::read<api::mm_mdrb::MdrbAssetReq>(stored->text)
                               : Result<api::mm_mdrb::MdrbAssetReq>(fail(Errc::internal, ""));
      if (!said || said->block_id == block) return true;
      after = record.key.id;
    }
    if (some->size() < assets_looked_at) return false;
  }
}

}  // namespace

bool is_media_of_assets(std::string_view content_type) {
  static constexpr std::array known{
      std::string_view("model/gltf+json"),    std::string_view("model/gltf-binary"),
      std::string_view("model/vnd.usdz+zip"), std::string_view("model/x-vrm"),
      std::string_view("model/x-arf"),        std::string_view("application/octet-stream")};
  const auto type = trim(content_type.substr(0, content_type.find(';')));
  return std::ranges::any_of(known,
                             [&](std::string_view one) { return equal_ignoring_case(one, type); });
}

// ---- blocks ------------------------------------------------------------------------------------

Result<Outcome> BlockMachine::step(const resource::Record* current, const resource::Key& key,
                                   const resource::Event& event, Instant /*now*/,
                                   const resource::Lookup& lookup) const {
  const auto* command = std::get_if<resource::Command>(&event);
  if (command == nullptr) return Outcome{};
  const bool creates = command->operation == op::create_mdrb_block;
  if (current == nullptr && !creates) return fail(Errc::not_found, "no such block");
  if (current != nullptr && creates) {
    const auto stored = json::read<state::BlockState>(current->state);
    if (!stored) return fail(Errc::internal, "a stored block cannot be read");
    const auto view = block_view(*stored, key.id, settings_);
    if (!view) return fail(view.error());
    return reply_only(*command, answer_of(200, json::write(*view), block_uri(settings_, key.id)),
                      true);
  }
  if (command->operation == op::delete_mdrb_block) {
    const auto used = in_use(lookup, command->who.subject, key.id);
    if (!used) return fail(used.error());
    if (*used) return fail(Errc::conflict, "the block has assets");
    return erase(*command);
  }
  if (const auto said = json::read<api::mm_mdrb::MdrbBlockReq>(command->http.body); !said)
    return fail(said.error());
  const state::BlockState fresh{command->http.body};
  const auto view = block_view(fresh, key.id, settings_);
  if (!view) return fail(view.error());
  auto out = kept(json::write(fresh), command->who.subject, {});
  out.effects.emplace_back(
      resource::Reply{command->request,
                      answer_of(creates ? 201 : 200, json::write(*view),
                                creates ? block_uri(settings_, key.id) : std::string()),
                      true});
  return out;
}

// ---- assets ------------------------------------------------------------------------------------

namespace {

Result<Outcome> describe(const resource::Record* current, const resource::Key& key,
                         const resource::Command& command, state::AssetState asset,
                         const Settings& settings, const resource::Lookup& lookup) {
  const auto said = json::read<api::mm_mdrb::MdrbAssetReq>(command.http.body);
  if (!said) return fail(said.error());
  if (said->asset_id && *said->asset_id != key.id)
    return fail(Errc::not_allowed, "an asset keeps its identifier",
                {{Errc::not_allowed, "/assetId", "is another"}});
  const auto block = lookup.find({std::string(block_kind), said->block_id});
  if (!block) return fail(block.error());
  if (!*block || (*block)->owner != command.who.subject)
    return fail(Errc::not_found, "no such block");
  if (current == nullptr) {
    const auto all = lookup.count_by_subject(asset_kind, every_asset, assets_max);
    if (!all) return fail(all.error());
    if (*all >= assets_max) return fail(Errc::too_many, "there are as many assets as there may be");
  }
  asset.text = command.http.body;
  const auto view = mdrb_asset_view(asset, key.id, settings);
  if (!view) return fail(view.error());
  auto out = kept(json::write(asset), command.who.subject, every_asset);
  const bool made = current == nullptr;
  out.effects.emplace_back(
      resource::Reply{command.request,
                      answer_of(made ? 201 : 200, json::write(*view),
                                made ? asset_uri(settings, key.id) : std::string()),
                      true});
  return out;
}

/// Octets came. They go to the files first; what became of them is told later.
Result<Outcome> take_media(const resource::Command& command, const state::AssetState& asset,
                           const MediaLimits& limits) {
  const std::string type(command.http.headers.find("content-type").value_or(""));
  if (!is_media_of_assets(type))
    return fail(Errc::media_type,
                "media are model/gltf+json, model/gltf-binary, model/vnd.usdz+zip, model/x-vrm, "
                "model/x-arf or application/octet-stream");
  const std::uint64_t size = command.http.body.size();
  if (size == 0) return fail(Errc::missing, "there are no octets");
  ByteRange range{0, size - 1, size};
  if (const auto given = command.http.headers.find("content-range")) {
    const auto parsed = parse_content_range(*given);
    if (!parsed || parsed->to - parsed->from + 1 != size)
      return fail(Errc::malformed, "Content-Range does not fit the body",
                  {{Errc::malformed, "header:content-range", "bytes FROM-TO/LENGTH of the body"}});
    range = *parsed;
  }
  if (range.total > limits.asset_bytes_max)
    return fail(Errc::too_large, "the media of an asset are at most " +
                                     std::to_string(limits.asset_bytes_max) + " octets");
  state::MediaPart part;
  part.request = command.request;
  part.content_type = type;
  part.offset = range.from;
  part.bytes = size;
  part.total = range.total;
  if (range.from == 0) {
    part.file = command.secret;
  } else if (asset.upload && asset.upload->received == range.from &&
             asset.upload->bytes == range.total && asset.upload->content_type == type) {
    part.file = asset.upload->file;
  } else {
    return fail(Errc::conflict,
                "parts come in order: " +
                    (asset.upload ? "the next begins at " + std::to_string(asset.upload->received)
                                  : std::string("the first one begins at 0")));
  }
  Outcome out;
  out.effects.emplace_back(
      resource::Observe{"media_part", json::write(part) + '\n' + command.http.body});
  return out;
}

/// The files have the octets, or have refused them.
Result<Outcome> media_taken(const resource::Record& current, const resource::Key& key,
                            state::AssetState asset, const resource::Told& told,
                            const Settings& settings) {
  const auto part = json::read<state::MediaPart>(told.body);
  if (!part) return Outcome{};
  Outcome out;
  const auto answer = [&](http::Response response, bool representation = false) {
    out.effects.emplace_back(resource::Reply{part->request, std::move(response), representation});
  };
  if (part->failed) {
    if (part->offset == 0) out.effects.emplace_back(resource::Observe{"media_gone", part->file});
    answer(refusal(503, "INSUFFICIENT_RESOURCES", *part->failed));
    return out;
  }
  const bool first = part->offset == 0;
  const bool next =
      asset.upload && asset.upload->file == part->file && asset.upload->received == part->offset;
  if (!first && !next) {
    answer(refusal(409, "MODIFICATION_NOT_ALLOWED", "another upload has begun meanwhile"));
    return out;
  }
  const auto given_up = [&](const std::optional<state::MediaState>& old) {
    if (old && old->file != part->file)
      out.effects.emplace_back(resource::Observe{"media_gone", old->file});
  };
  given_up(asset.upload);
  state::MediaState now{part->file, part->content_type, part->total, part->offset + part->bytes};
  if (now.received == now.bytes) {
    given_up(asset.media);
    asset.media = std::move(now);
    asset.upload.reset();
  } else {
    asset.upload = std::move(now);
  }
  const auto view = mdrb_asset_view(asset, key.id, settings);
  if (!view) return fail(view.error());
  auto effects = std::move(out.effects);
  out = kept(json::write(asset), current.owner, every_asset);
  out.effects = std::move(effects);
  answer(answer_of(200, json::write(*view)), true);
  return out;
}

}  // namespace

Result<Outcome> AssetMachine::step(const resource::Record* current, const resource::Key& key,
                                   const resource::Event& event, Instant /*now*/,
                                   const resource::Lookup& lookup) const {
  const auto* command = std::get_if<resource::Command>(&event);
  const auto* told = std::get_if<resource::Told>(&event);
  if (command == nullptr && told == nullptr) return Outcome{};
  if (current == nullptr) {
    if (command != nullptr && command->operation == op::create_mdrb_asset)
      return describe(nullptr, key, *command, {}, settings_, lookup);
    if (command != nullptr) return fail(Errc::not_found, "no such asset");
    // It was deleted while octets were on their way.
    Outcome out;
    if (const auto part = json::read<state::MediaPart>(told->body)) {
      out.effects.emplace_back(resource::Observe{"media_gone", part->file});
      out.effects.emplace_back(resource::Reply{
          part->request, refusal(404, "CONTEXT_NOT_FOUND", "no such asset"), false});
    }
    return out;
  }
  auto asset = json::read<state::AssetState>(current->state);
  if (!asset) return fail(Errc::internal, "a stored asset cannot be read");
  if (told != nullptr) return media_taken(*current, key, std::move(*asset), *told, settings_);
  if (command->operation == op::create_mdrb_asset) {
    if (current->owner != command->who.subject || command->http.body != asset->text)
      return fail(Errc::conflict, "there is an asset of this identifier");
    const auto view = mdrb_asset_view(*asset, key.id, settings_);
    if (!view) return fail(view.error());
    return reply_only(*command, answer_of(200, json::write(*view), asset_uri(settings_, key.id)),
                      true);
  }
  if (command->operation == op::put_mdrb_media) return take_media(*command, *asset, limits_);
  if (command->operation == op::delete_mdrb_asset) {
    auto out = erase(*command);
    for (const auto& media : {asset->media, asset->upload})
      if (media) out.effects.emplace_back(resource::Observe{"media_gone", media->file});
    return out;
  }
  return describe(current, key, *command, std::move(*asset), settings_, lookup);
}

}  // namespace lobo::metaverse
