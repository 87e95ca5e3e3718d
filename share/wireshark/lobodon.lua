-- Wireshark and tshark: UDP options (RFC 9868), XRM Metadata (XRMeta) clear and protected, PDU Set
-- marking in RTP header extensions, and the PDU Set Information Container of GTP-U.
--
--   tshark -X lua_script:share/wireshark/lobodon.lua -r CAPTURE
--   -o xrm.key_file:PATH      keys (docs/xrm.md), to open what is protected
--   -o xrm.kind:127 -o xrm.exid:0x5852 -o pduset.rtp_id:1
--
-- Or put it with lobodon_gcm.lua and lobodon_chacha.lua into the folder of personal Lua plugins. The UDP dissector is
-- wrapped where IP hands over to it: there the buffer is the whole IP payload, also of IPv6, of
-- reassembled fragments and of packets inside a tunnel.

local band, rshift, bxor = bit.band, bit.rshift, bit.bxor

local udpopt = Proto("udpopt", "UDP Options")
local xrm = Proto("xrm", "XRM Metadata (XRMeta)")
local pduset = Proto("pduset", "PDU Set Information")

-- ---- fields ---------------------------------------------------------------------------------------

local kinds = { [0] = "EOL", [1] = "NOP", [2] = "APC", [3] = "FRAG", [4] = "MDS", [5] = "MRDS", [6] = "REQ",
  [7] = "RES", [8] = "TIME", [9] = "AUTH", [127] = "EXP", [192] = "UCMP", [193] = "UENC", [254] = "UEXP" }

local o = {
  surplus = ProtoField.uint16("udpopt.surplus_len", "Surplus area length"),
  ocs = ProtoField.uint16("udpopt.ocs", "OCS", base.HEX),
  ocs_status = ProtoField.string("udpopt.ocs.status", "OCS status"),
  verdict = ProtoField.string("udpopt.verdict", "Verdict"),
  kind = ProtoField.uint8("udpopt.kind", "Kind", base.DEC, kinds),
  len = ProtoField.uint16("udpopt.len", "Length"),
  value = ProtoField.bytes("udpopt.value", "Value"),
  exid = ProtoField.uint16("udpopt.exid", "ExID", base.HEX),
  apc = ProtoField.uint32("udpopt.apc", "CRC32c", base.HEX),
  start = ProtoField.uint16("udpopt.frag.start", "Frag. Start"),
  id = ProtoField.uint32("udpopt.frag.id", "Identification", base.HEX),
  offset = ProtoField.uint16("udpopt.frag.offset", "Frag. Offset"),
  rdos = ProtoField.uint16("udpopt.frag.rdos", "RDOS"),
  data = ProtoField.bytes("udpopt.frag.data", "Fragment data"),
  size = ProtoField.uint16("udpopt.size", "Size"),
  segs = ProtoField.uint8("udpopt.segs", "Segments"),
  token = ProtoField.uint32("udpopt.token", "Token", base.HEX),
  tsval = ProtoField.uint32("udpopt.tsval", "TSval"),
  tsecr = ProtoField.uint32("udpopt.tsecr", "TSecr"),
  key_id = ProtoField.uint8("udpopt.auth.key_id", "KeyID"),
  next_key = ProtoField.uint8("udpopt.auth.rnext_key_id", "RNextKeyID"),
  mac = ProtoField.bytes("udpopt.auth.mac", "MAC"),
}
local x = {
  form = ProtoField.string("xrm.form", "Form"),
  status = ProtoField.string("xrm.status", "Status"),
  key_id = ProtoField.uint8("xrm.key_id", "KeyID"),
  sid = ProtoField.uint16("xrm.sid", "SID"),
  ctr = ProtoField.uint32("xrm.ctr", "CTR"),
  short_tag = ProtoField.bool("xrm.short_tag", "Tag of 8 octets"),
  reading = ProtoField.string("xrm.reading", "Read as"),
}
local s = {
  carriage = ProtoField.string("pduset.carriage", "Carried in"),
  qfi = ProtoField.uint8("pduset.qfi", "QFI"),
  e = ProtoField.bool("pduset.e", "E (end PDU of the PDU Set)"),
  d = ProtoField.bool("pduset.d", "D (end of data burst)"),
  psi = ProtoField.uint8("pduset.psi", "PSI"),
  pssn = ProtoField.uint16("pduset.pssn", "PSSN"),
  psn = ProtoField.uint8("pduset.psn", "PSN"),
  pssize = ProtoField.uint24("pduset.pssize", "PSSize"),
  npds = ProtoField.uint16("pduset.npds", "NPDS"),
  bsize = ProtoField.uint24("pduset.bsize", "BSize"),
  ttnb = ProtoField.uint16("pduset.ttnb", "TTNB"),
  psn16 = ProtoField.uint16("pduset.psn16", "PSN16"),
}
local function all(fields)
  local list = {}
  for _, field in pairs(fields) do list[#list + 1] = field end
  return list
end
udpopt.fields, xrm.fields, pduset.fields = all(o), all(x), all(s)

local W, N = PI_WARN, PI_NOTE
local PROTOCOL, SEQUENCE, MALFORMED = PI_PROTOCOL, PI_SEQUENCE, PI_MALFORMED
local CHECKSUM, SECURITY = PI_CHECKSUM, PI_SECURITY or PI_PROTOCOL

local e = {
  bad_ocs = ProtoExpert.new("udpopt.ocs.bad", "Bad OCS: all options are ignored", CHECKSUM, W),
  bad = ProtoExpert.new("udpopt.bad", "The options are not accepted", MALFORMED, W),
  nops = ProtoExpert.new("udpopt.nops", "More than seven NOPs in a row", PROTOCOL, N),
  trailing = ProtoExpert.new("udpopt.trailing", "Something but zeros behind EOL", PROTOCOL, N),
  payload = ProtoExpert.new("udpopt.payload", "The payload's dissector found a malformed packet", PI_MALFORMED, PI_ERROR),
  apc = ProtoExpert.new("udpopt.apc.bad", "APC does not hold", CHECKSUM, W),
}
local xe = {
  bad = ProtoExpert.new("xrm.bad", "Malformed XRM metadata", MALFORMED, W),
  forged = ProtoExpert.new("xrm.not_authentic", "The tag does not hold", SECURITY, W),
  replay = ProtoExpert.new("xrm.replay", "This CTR was seen before: replay", SECURITY, W),
}
local se = {
  gap = ProtoExpert.new("pduset.gap", "A PDU is missing before this one", SEQUENCE, W),
  set_gap = ProtoExpert.new("pduset.set_gap", "PDU Sets are missing before this one", SEQUENCE, W),
  no_end = ProtoExpert.new("pduset.no_end", "The PDU Set before ended without E", SEQUENCE, N),
  size = ProtoExpert.new("pduset.pssize.wrong", "PSSize is not what the PDUs add up to", PROTOCOL, W),
  count = ProtoExpert.new("pduset.npds.wrong", "NPDS is not the number of PDUs", PROTOCOL, W),
}
udpopt.experts, xrm.experts, pduset.experts = all(e), all(xe), all(se)

xrm.prefs.kind = Pref.uint("Option kind", 127, "127 (EXP), or one of 10 to 126")
xrm.prefs.exid = Pref.string("ExID", "0x5852", "with kind 127; not registered")
xrm.prefs.key_file = Pref.string("Key file", "", "contexts as docs/xrm.md describes them")
pduset.prefs.rtp_id = Pref.uint("RTP extension identifier", 1, "of urn:3gpp:pdu-set-marking:rel-18; 0 for none")

-- ---- keys -----------------------------------------------------------------------------------------

local folder = debug.getinfo(1, "S").source:match("^@(.*[/\\])") or ""
local has_gcm, gcm = pcall(dofile, folder .. "lobodon_gcm.lua")
local has_chacha, chacha = pcall(dofile, folder .. "lobodon_chacha.lua")
local keys, keys_from = {}, nil

local function octets(hex)
  return (hex:gsub("%x%x", function(pair) return string.char(tonumber(pair, 16)) end))
end

local function load_keys()
  if keys_from == xrm.prefs.key_file then return end
  keys, keys_from = {}, xrm.prefs.key_file
  local file = keys_from ~= "" and io.open(keys_from, "r")
  if not file then return end
  for line in file:lines() do
    local fields = {}
    for name, value in line:gmatch("(%w+)=(%S+)") do fields[name] = value end
    if line:match("^context") and fields.id and fields.key and fields.iv then
      keys[tonumber(fields.id)] = { alg = fields.alg, key = octets(fields.key), iv = octets(fields.iv),
        short = fields.tag == "8", bind = fields.bind or "full" }
    end
  end
  file:close()
end

-- ---- state over packets ---------------------------------------------------------------------------

local flows, counters, findings = {}, {}, {}
function udpopt.init() flows, counters, findings, keys_from = {}, {}, {}, nil end

-- What was found for this PDU at its first reading is shown at each later one.
local function at_first_reading(pinfo, what, depth, find)
  local name = pinfo.number .. "/" .. what .. "/" .. depth
  if not pinfo.visited and findings[name] == nil then findings[name] = find() or {} end
  return findings[name] or {}
end

local function new_set(mark) return { pssn = mark.pssn, first = mark.psn, next = mark.psn, bytes = 0, count = 0 } end

-- TS 26.522 clause 4.2: PSSN one more a set, PSN one more a PDU; sizes are of IP packets.
local function follow(flow, mark, ip_bytes)
  local found, set = {}, flows[flow]
  if set and mark.pssn ~= set.pssn then
    local ahead = (mark.pssn - set.pssn) % 1024
    if ahead >= 512 then return found end -- an older set: reordering is no loss
    if not set.ended then found[#found + 1] = se.no_end end
    if ahead > 1 then found[#found + 1] = se.set_gap end
    set = nil
  end
  if not set then
    local begun = flows[flow] ~= nil
    set = new_set(mark)
    flows[flow] = set
    if begun and mark.psn ~= 0 then found[#found + 1] = se.gap; set.gap = true end
  elseif mark.psn ~= set.next then
    if (mark.psn - set.next) % 64 >= 32 then return found end
    found[#found + 1] = se.gap
    set.gap = true
  end
  set.next = (mark.psn + 1) % 64
  set.bytes, set.count = set.bytes + ip_bytes, set.count + 1
  if mark.e then
    set.ended = true
    if not set.gap and set.first == 0 then
      if (mark.pssize or 0) ~= 0 and mark.pssize ~= set.bytes then found[#found + 1] = se.size end
      if (mark.npds or 0) ~= 0 and mark.npds ~= set.count then found[#found + 1] = se.count end
    end
  end
  return found
end

-- ---- the mark, whatever carries it ----------------------------------------------------------------

local function mandatory(value)
  return { e = band(value, 0x800000) ~= 0, d = band(value, 0x100000) ~= 0, psi = band(rshift(value, 16), 15),
    pssn = band(rshift(value, 6), 1023), psn = band(value, 63) }
end

local order = { "qfi", "e", "d", "psi", "pssn", "psn", "pssize", "npds", "bsize", "ttnb", "psn16" }

local function show_mark(tree, range, carriage, mark, pinfo, context)
  local t = tree:add(pduset, range)
  t:add(s.carriage, range, carriage):set_generated()
  for _, name in ipairs(order) do
    if mark[name] ~= nil then t:add(s[name], range, mark[name]) end
  end
  t:append_text(string.format(", PSI %d, PSSN %d, PSN %d%s%s", mark.psi, mark.pssn, mark.psn,
    mark.e and ", E" or "", mark.d and ", D" or ""))
  if context.flow then
    local found = at_first_reading(pinfo, carriage, context.depth, function()
      return follow(carriage .. context.flow, mark, context.ip_bytes)
    end)
    for _, what in ipairs(found) do t:add_proto_expert_info(what) end
  end
end

-- ---- XRM metadata ---------------------------------------------------------------------------------

local function be(text, from, count)
  local value = 0
  for i = from, from + count - 1 do value = value * 256 + text:byte(i) end
  return value
end

-- Contents of the three groups, as the lengths count their contents plus `extra` octets.
local function groups_of(body, first_extra, extra)
  local at, groups = 1, {}
  for i = 1, 3 do
    if at > #body then break end
    local length = body:byte(at)
    length = length == 0 and 0 or length - (i == 1 and first_extra or extra)
    if length < 0 or at + length > #body then return nil end
    groups[i] = body:sub(at + 1, at + length)
    at = at + 1 + length
  end
  return groups, at - 1
end

-- The mark, and which reading of the draft gave it; nil if none does.
local function read_body(body, padded)
  local readings = { [3] = { 0, 0, "as written" }, [4] = { 1, 1, "lengths count themselves" },
    [6] = { 3, 1, "Len_EM counts Kind and Length" } }
  local reading = #body > 0 and readings[body:byte(1)]
  if not reading then return nil end
  local groups, used = groups_of(body, reading[1], reading[2])
  if not groups or #groups[1] ~= 3 then return nil end
  local rest = body:sub(used + 1)
  if (not padded and rest ~= "") or rest:find("[^%z]") then return nil end
  local mark, eo, en = mandatory(be(groups[1], 1, 3)), groups[2] or "", groups[3] or ""
  if #eo == 3 or #eo == 5 then mark.pssize = be(eo, 1, 3) end
  if #eo == 2 or #eo == 5 then mark.npds = be(eo, #eo - 1, 2) end
  if not ({ [0] = 1, [2] = 1, [3] = 1, [5] = 1 })[#eo] or #en == 1 or #en == 4 or #en == 6 then return nil end
  if #en == 2 then mark.ttnb = be(en, 1, 2) elseif #en >= 3 then mark.bsize = be(en, 1, 3) end
  if #en >= 5 then mark.ttnb = be(en, 4, 2) end
  local at = 6
  while at <= #en do -- type, length, value; each turn moves at least two octets
    if at + 1 > #en or at + 1 + en:byte(at + 1) > #en then return nil end
    if en:byte(at) == 1 then
      if en:byte(at + 1) ~= 2 then return nil end
      mark.psn16 = mark.psn16 or be(en, at + 2, 2)
    end
    at = at + 2 + en:byte(at + 1)
  end
  return mark, #groups < 3 and "trailing groups omitted" or reading[3]
end

local function open(body, header)
  local context = keys[body:byte(2)]
  if not context then return nil, "no key" end
  local tag = band(body:byte(1), 0x10) ~= 0 and 8 or 16
  if tag == 8 and not context.short then return nil, "short tag refused" end
  local sealed = body:sub(9, #body - tag)
  if #sealed < 16 or #sealed % 16 ~= 0 then return nil, "malformed" end
  local cipher = has_gcm and context.alg:match("gcm$") and gcm or
    has_chacha and context.alg == "chacha20-poly1305" and chacha
  if not cipher then return nil, "cipher not supported here" end
  if context.bind == "length" then header = "\0\0\0\0" .. header:sub(5, 6) .. "\0\0" end
  local mask, nonce = string.rep("\0", 6) .. body:sub(3, 8), {}
  for i = 1, 12 do nonce[i] = string.char(bxor(context.iv:byte(i), mask:byte(i))) end
  local text = cipher.open(context.key, table.concat(nonce), header .. body:sub(1, 8), sealed, body:sub(#body - tag + 1))
  if not text then return nil, "not authentic" end
  return text, "opened"
end

local function show_protected(t, range, body, pinfo, context)
  t:add(x.form, range, "protected")
  if #body < 8 or band(body:byte(1), 0x60) ~= 0 then
    t:add(x.status, range, #body < 8 and "malformed" or "unknown version"):set_generated()
    t:add_proto_expert_info(xe.bad)
    return
  end
  t:add(x.short_tag, range:range(0, 1), band(body:byte(1), 0x10) ~= 0)
  t:add(x.key_id, range:range(1, 1)); t:add(x.sid, range:range(2, 2)); t:add(x.ctr, range:range(4, 4))
  load_keys()
  local found = at_first_reading(pinfo, "xrm", context.depth, function()
    local text, status = open(body, context.header)
    local seen = context.depth .. "/" .. be(body, 2, 3) .. "/" .. be(body, 5, 4)
    local result = { text = text, status = status, replay = counters[seen] ~= nil and text ~= nil }
    if text then counters[seen] = true end
    return result
  end)
  t:add(x.status, range, found.status or "no key"):set_generated()
  if found.status == "not authentic" then t:add_proto_expert_info(xe.forged) end
  if found.status == "malformed" then t:add_proto_expert_info(xe.bad) end
  if found.replay then t:add_proto_expert_info(xe.replay) end
  local mark = found.text and read_body(found.text, true)
  if mark then show_mark(t, range, "XRM protected", mark, pinfo, context) end
end

local function show_xrm(tree, range, pinfo, context)
  local t = tree:add(xrm, range)
  local body = range:raw()
  if #body > 0 and body:byte(1) >= 128 then return show_protected(t, range, body, pinfo, context) end
  t:add(x.form, range, "clear")
  local mark, reading = read_body(body, false)
  t:add(x.status, range, mark and "read" or "malformed"):set_generated()
  if not mark then t:add_proto_expert_info(xe.bad) return end
  t:add(x.reading, range, reading):set_generated()
  show_mark(t, range, "XRM clear", mark, pinfo, context)
end

-- ---- UDP options ----------------------------------------------------------------------------------

local least = { [2] = 4, [3] = 8, [4] = 2, [5] = 3, [6] = 4, [7] = 4, [8] = 8, [127] = 2 }
local most = { [2] = 4, [3] = 10, [4] = 2, [5] = 3, [6] = 4, [7] = 4, [8] = 8 }

local function sum16(range, sum)
  local n = range:len()
  for i = 0, n - 2, 2 do sum = sum + range:range(i, 2):uint() end
  if n % 2 == 1 then sum = sum + range:range(n - 1, 1):uint() * 256 end
  while sum > 0xFFFF do sum = sum % 65536 + math.floor(sum / 65536) end
  return sum
end

local function crc32c(text)
  local crc = 0xFFFFFFFF
  for i = 1, #text do
    crc = bxor(crc, text:byte(i))
    for _ = 1, 8 do
      crc = band(crc, 1) ~= 0 and bxor(rshift(crc, 1), 0x82F63B78) or rshift(crc, 1)
    end
  end
  return bxor(crc, 0xFFFFFFFF) % 4294967296
end

-- The list of options and the verdict; nothing is shown before all of them are known to hold.
local function walk(area, at, user_bytes)
  local list, seen, nops, finish, fragment, remarks = {}, {}, 0, area:len(), nil, {}
  while at < finish do -- each turn moves at least one octet
    local kind = area:range(at, 1):uint()
    if kind == 0 then
      remarks.trailing = area:range(at, finish - at):raw():find("[^%z]") ~= nil
      break
    elseif kind == 1 then
      at, nops = at + 1, nops + 1
      remarks.nops = remarks.nops or nops > 7
    elseif kind >= 192 then
      return nil, fragment and "unsafe_option" or "unsafe_outside_fragment"
    else
      nops = 0
      if finish - at < 2 then return nil, "option_cut" end
      local header, length = 2, area:range(at + 1, 1):uint()
      if length == 255 then
        if finish - at < 4 then return nil, "option_cut" end
        header, length = 4, area:range(at + 2, 2):uint()
        if length < 255 then return nil, "option_length" end
      end
      if length < 2 then return nil, "option_length" end
      if at + length > finish then return nil, "option_cut" end
      if length - header < (least[kind] or 0) then return nil, "option_too_short" end
      local odd_length = length - header > (most[kind] or 65535) or (kind == 3 and length - header == 9)
      local repeated = seen[kind] and kind ~= 127
      if (not odd_length or kind == 2) and not repeated then
        if #list == 24 then return nil, "too_many_options" end
        seen[kind] = true
        list[#list + 1] = { at = at, kind = kind, length = length, header = header }
        if kind == 3 then
          if user_bytes > 0 then return nil, "fragment_with_user_data" end
          local start = area:range(at + header, 2):uint() - 8
          if start < at + length or start > area:len() then return nil, "fragment_bounds" end
          finish, fragment = start, start
        end
      end
      at = at + length
    end
  end
  return list, "accepted", remarks, fragment
end

local function show_value(t, kind, value, user)
  local function part(field, from, count) t:add(field, value:range(from, count)) end
  if kind == 2 and value:len() == 4 then
    part(o.apc, 0, 4)
    if crc32c(user) ~= value:uint() then t:add_proto_expert_info(e.apc) end
  elseif kind == 3 then
    part(o.start, 0, 2); part(o.id, 2, 4); part(o.offset, 6, 2)
    if value:len() == 10 then part(o.rdos, 8, 2) end
  elseif kind == 4 then part(o.size, 0, 2)
  elseif kind == 5 then part(o.size, 0, 2); part(o.segs, 2, 1)
  elseif kind == 6 or kind == 7 then part(o.token, 0, 4)
  elseif kind == 8 then part(o.tsval, 0, 4); part(o.tsecr, 4, 4)
  elseif kind == 9 and value:len() > 2 then
    part(o.key_id, 0, 1); part(o.next_key, 1, 1); part(o.mac, 2, value:len() - 2)
  elseif kind == 127 then part(o.exid, 0, 2) end
end

local function show_option(tree, area, option, user, pinfo, context)
  local range = area:range(option.at, option.length)
  local t = tree:add(range, "Option: " .. (kinds[option.kind] or ("kind " .. option.kind)))
  t:add(o.kind, range:range(0, 1))
  t:add(o.len, option.header == 4 and range:range(2, 2) or range:range(1, 1))
  if option.length == option.header then return end
  local value = range:range(option.header)
  t:add(o.value, value)
  show_value(t, option.kind, value, user)
  if option.kind ~= xrm.prefs.kind then return end
  if option.kind ~= 127 then return show_xrm(t, value, pinfo, context) end
  if value:range(0, 2):uint() == tonumber(xrm.prefs.exid) and value:len() > 2 then
    show_xrm(t, value:range(2), pinfo, context)
  end
end

local function refuse(t, area, verdict)
  t:add(o.verdict, area, verdict):set_generated()
  t:append_text(", " .. verdict)
  t:add_proto_expert_info(verdict == "checksum_wrong" and e.bad_ocs or e.bad)
end

local function show_surplus(tvb, pinfo, tree, user_end, context)
  local area = tvb:range(user_end)
  local t = tree:add(udpopt, area)
  t:add(o.surplus, area, area:len()):set_generated()
  local pad = user_end % 2
  if area:len() < 2 + pad then return refuse(t, area, "too_short") end
  if pad == 1 and area:range(0, 1):uint() ~= 0 then return refuse(t, area, "pad_not_zero") end
  local ocs = area:range(pad, 2)
  t:add(o.ocs, ocs)
  local status = "good"
  if ocs:uint() == 0 then
    status = tvb:range(6, 2):uint() == 0 and "unused" or "missing"
  elseif sum16(area:range(pad), area:len()) ~= 0xFFFF then
    status = "bad"
  end
  t:add(o.ocs_status, ocs, status):set_generated()
  if status == "bad" then return refuse(t, area, "checksum_wrong") end
  if status == "missing" then return refuse(t, area, "checksum_missing") end
  local list, verdict, remarks, fragment = walk(area, pad + 2, user_end - 8)
  if not list then return refuse(t, area, verdict) end
  t:add(o.verdict, area, verdict):set_generated()
  if remarks.nops then t:add_proto_expert_info(e.nops) end
  if remarks.trailing then t:add_proto_expert_info(e.trailing) end
  local user = user_end > 8 and tvb:range(8, user_end - 8):raw() or ""
  for _, option in ipairs(list) do show_option(t, area, option, user, pinfo, context) end
  if fragment and fragment < area:len() then t:add(o.data, area:range(fragment)) end
end

-- ---- GTP-U: the PDU Set Information Container (TS 38.415 clause 6.5) and burst fields ----------------

local function show_container(range, pinfo, tree, context)
  local first, word = range:range(0, 1):uint(), range:range(1, 2):uint()
  if first >= 16 or (band(first, 2) ~= 0 and range:len() < 8) then return end -- another type, or cut
  local mark = { qfi = rshift(word, 10), d = band(first, 8) ~= 0, e = band(first, 4) ~= 0,
    psi = band(range:range(3, 1):uint(), 15), pssn = band(word, 1023), psn = band(range:range(4, 1):uint(), 63) }
  if band(first, 2) ~= 0 then mark.pssize = range:range(5, 3):uint() end
  show_mark(tree, range, "GTP-U", mark, pinfo, context)
end

local function show_burst(range, tree)
  local first, second = range:range(0, 1):uint(), range:range(1, 1):uint()
  if first >= 16 or band(second, 0x80) == 0 or range:len() < 3 then return end
  local third, at = range:range(2, 1):uint(), 3
  at = at + (band(first, 8) ~= 0 and 8 or 0) + (band(first, 4) ~= 0 and 3 or 0) + (band(first, 2) ~= 0 and 4 or 0)
  if band(third, 3) == 0 then return end
  local t = tree:add(pduset, range)
  t:add(s.carriage, range, "GTP-U PDU Session Container"):set_generated()
  if band(third, 2) ~= 0 and range:len() >= at + 3 then t:add(s.bsize, range:range(at, 3)); at = at + 3 end
  if band(third, 1) ~= 0 and range:len() >= at + 2 then t:add(s.ttnb, range:range(at, 2)) end
end

-- Whose PDU Sets are counted together: those of a flow, or of one RTP stream of it (RFC 7983 tells RTP by
-- its first octet, RFC 5761 RTCP by its second). `udp_at` is where a UDP header is, `finish` its user data's end.
local function stream_of(tvb, udp_at, finish)
  if finish < udp_at + 20 then return "" end
  local first, second = tvb:range(udp_at + 8, 1):uint(), band(tvb:range(udp_at + 9, 1):uint(), 127)
  if rshift(first, 6) ~= 2 or (second >= 64 and second <= 95) then return "" end
  return string.format(" ssrc %u", tvb:range(udp_at + 16, 4):uint())
end

-- The user's packet in a tunnel: its addresses, ports and RTP stream.
local function inner_flow(tvb, at, finish)
  if at >= finish then return "" end
  local version = rshift(tvb:range(at, 1):uint(), 4)
  local head = version == 4 and band(tvb:range(at, 1):uint(), 15) * 4 or 40
  if (version ~= 4 and version ~= 6) or head < 20 or at + head + 8 > finish then return "" end
  local protocol = tvb:range(at + (version == 4 and 9 or 6), 1):uint()
  local addresses = version == 4 and tvb:range(at + 12, 8) or tvb:range(at + 8, 32)
  local flow = " " .. addresses:bytes():tohex()
  if protocol ~= 17 then return flow end
  return flow .. " " .. tvb:range(at + head, 4):uint() .. stream_of(tvb, at + head, finish)
end

local function show_gtpu(tvb, pinfo, tree, user_end, context)
  if user_end < 20 then return end
  local flags = tvb:range(8, 1):uint()
  if rshift(flags, 4) ~= 3 or band(flags, 4) == 0 then return end
  local at, kind = 20, tvb:range(19, 1):uint()
  for _ = 1, 8 do -- as many as the product reads
    if kind == 0 or at >= user_end then return end
    local length = tvb:range(at, 1):uint() * 4
    if length == 0 or at + length > user_end then return end
    local content = tvb:range(at + 1, length - 2)
    if (kind == 0x04 or kind == 0x86) and content:len() >= 5 then
      -- What follows may be more headers; the size is that of the user's packet.
      local ip = at + length
      local next_kind = tvb:range(ip - 1, 1):uint()
      while next_kind ~= 0 and ip < user_end and tvb:range(ip, 1):uint() > 0 and
            ip + tvb:range(ip, 1):uint() * 4 <= user_end do
        ip = ip + tvb:range(ip, 1):uint() * 4
        next_kind = tvb:range(ip - 1, 1):uint()
      end
      context.ip_bytes = user_end - ip
      context.flow = "teid " .. tvb:range(12, 4):uint() .. inner_flow(tvb, ip, user_end)
      show_container(content, pinfo, tree, context)
    elseif kind == 0x85 then
      show_burst(content, tree)
    end
    at = at + length
    kind = tvb:range(at - 1, 1):uint()
  end
end

-- ---- RTP header extension ---------------------------------------------------------------------------

local rtp_packet = {} -- what the UDP wrapper knows of the datagram that RTP is dissected in

local function show_rtp_element(tvb, pinfo, tree)
  local n = tvb:len()
  if n ~= 3 and n ~= 5 and n ~= 6 and n ~= 8 then return 0 end
  local mark = mandatory(tvb:range(0, 3):uint())
  if n >= 6 then mark.pssize = tvb:range(3, 3):uint() end
  if n == 5 or n == 8 then mark.npds = tvb:range(n - 2, 2):uint() end
  show_mark(tree, tvb:range(), "RTP header extension", mark, pinfo, rtp_packet)
  return n
end
function pduset.dissector(tvb, pinfo, tree) return show_rtp_element(tvb, pinfo, tree) end

local rtp_table, bound = DissectorTable.get("rtp.ext.rfc5285.id"), nil
local function bind_rtp_id()
  if not rtp_table then return end
  if bound and bound ~= 0 then rtp_table:remove(bound, pduset) end
  bound = pduset.prefs.rtp_id
  if bound ~= 0 then rtp_table:add(bound, pduset) end
end
bind_rtp_id()
pduset.prefs_changed = bind_rtp_id

-- ---- where IP hands over to UDP ---------------------------------------------------------------------

local ip_len, ip6_plen = Field.new("ip.len"), Field.new("ipv6.plen")
local depth = 0
local udp = DissectorTable.get("ip.proto"):get_dissector(17)

-- Bytes of the IP packet: the last IP header read is the one that we are in. Of a packet that came in
-- fragments the header tells one fragment only.
local function ip_bytes_of(tvb, pinfo)
  local v4, v6 = { ip_len() }, { ip6_plen() }
  local six = tostring(pinfo.net_src):find(":") ~= nil
  local told = six and (#v6 > 0 and v6[#v6].value + 40) or (#v4 > 0 and v4[#v4].value) or 0
  return math.max(told, tvb:len() + (six and 40 or 20))
end

function udpopt.dissector(tvb, pinfo, tree)
  local context = { depth = depth, ip_bytes = ip_bytes_of(tvb, pinfo) }
  if tvb:len() >= 8 then
    context.header = tvb:range(0, 8):raw()
    context.flow = string.format("%s %s %d", tostring(pinfo.net_src), tostring(pinfo.net_dst), tvb:range(0, 4):uint()) ..
      stream_of(tvb, 0, math.min(tvb:captured_len(), tvb:len()))
  end
  local outer = rtp_packet
  rtp_packet, depth = context, depth + 1
  local ok, failure = pcall(function() udp:call(tvb, pinfo, tree) end)
  rtp_packet, depth = outer, depth - 1
  -- What a dissector of the payload stumbles over is its affair; the surplus area is shown all the same.
  if not ok and not tostring(failure):find("Malformed", 1, true) then error(failure, 0) end
  if not ok then tree:add_proto_expert_info(e.payload) end
  if tvb:len() < 8 or tvb:captured_len() < tvb:reported_len() then return tvb:len() end
  local length = tvb:range(4, 2):uint()
  if length < 8 or length > tvb:len() then return tvb:len() end -- also 0: a jumbogram has no surplus area
  if length < tvb:len() then show_surplus(tvb, pinfo, tree, length, context) end
  -- G-PDUs go to this port (TS 29.281 clause 4.4.2); a source port may be anybody's.
  if tvb:range(2, 2):uint() == 2152 then
    show_gtpu(tvb, pinfo, tree, length, { depth = context.depth })
  end
  return tvb:len()
end
DissectorTable.get("ip.proto"):add(17, udpopt)
