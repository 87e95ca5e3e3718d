-- ChaCha20-Poly1305 (RFC 8439) for lobodon.lua, in plain Lua. The tag is made again and compared over as
-- many octets as the packet has. Cost: about a millisecond a packet.

local chacha = {}
local bxor, rol, tobit = bit.bxor, bit.rol, bit.tobit

local function words(text) -- little-endian, of 32 bits
  local list = {}
  for at = 1, #text, 4 do
    local a, b, c, d = text:byte(at, at + 3)
    list[#list + 1] = tobit(a + b * 256 + c * 65536 + d * 16777216)
  end
  return list
end

local function octets(word)
  word = word % 4294967296
  return string.char(word % 256, math.floor(word / 256) % 256, math.floor(word / 65536) % 256,
    math.floor(word / 16777216))
end

local function quarter(s, a, b, c, d)
  s[a] = tobit(s[a] + s[b]); s[d] = rol(bxor(s[d], s[a]), 16)
  s[c] = tobit(s[c] + s[d]); s[b] = rol(bxor(s[b], s[c]), 12)
  s[a] = tobit(s[a] + s[b]); s[d] = rol(bxor(s[d], s[a]), 8)
  s[c] = tobit(s[c] + s[d]); s[b] = rol(bxor(s[b], s[c]), 7)
end

local function block(key, count, nonce) -- RFC 8439 clause 2.3
  local first = words("expand 32-byte k" .. key .. octets(count) .. nonce)
  local s = {}
  for i = 1, 16 do s[i] = first[i] end
  for _ = 1, 10 do
    quarter(s, 1, 5, 9, 13); quarter(s, 2, 6, 10, 14); quarter(s, 3, 7, 11, 15); quarter(s, 4, 8, 12, 16)
    quarter(s, 1, 6, 11, 16); quarter(s, 2, 7, 12, 13); quarter(s, 3, 8, 9, 14); quarter(s, 4, 5, 10, 15)
  end
  local out = {}
  for i = 1, 16 do out[i] = octets(tobit(s[i] + first[i])) end
  return table.concat(out)
end

-- Numbers of 130 bits as ten limbs of 13: their products and sums stay exact in a double.
local LIMB = 8192

local function limbs(text)
  local list, rest, bits = {}, 0, 0
  for i = 1, #text do
    rest, bits = rest + text:byte(i) * 2 ^ bits, bits + 8
    if bits >= 13 then
      list[#list + 1], rest, bits = rest % LIMB, math.floor(rest / LIMB), bits - 13
    end
  end
  list[#list + 1] = rest
  for i = #list + 1, 10 do list[i] = 0 end
  return list
end

local function carried(h) -- modulo 2^130 - 5, each limb below 2^13
  for _ = 1, 3 do
    local carry = 0
    for i = 1, 10 do
      local sum = h[i] + carry
      h[i], carry = sum % LIMB, math.floor(sum / LIMB)
    end
    h[1] = h[1] + 5 * carry
  end
  return h
end

local function product(h, r)
  local out = {}
  for i = 1, 10 do
    local sum = 0
    for k = 1, 10 do
      if k <= i then sum = sum + h[k] * r[i - k + 1] else sum = sum + 5 * h[k] * r[i - k + 11] end
    end
    out[i] = sum
  end
  return carried(out)
end

local function clamped(text) -- clause 2.5: some bits of r are zero
  local list = { text:byte(1, 16) }
  for _, i in ipairs({ 4, 8, 12, 16 }) do list[i] = list[i] % 16 end
  for _, i in ipairs({ 5, 9, 13 }) do list[i] = list[i] - list[i] % 4 end
  return string.char((table.unpack or unpack)(list))
end

local function poly1305(key, data)
  local r, h = limbs(clamped(key)), limbs("")
  for at = 1, #data, 16 do
    local added = limbs(data:sub(at, at + 15) .. "\1")
    for i = 1, 10 do h[i] = h[i] + added[i] end
    h = product(h, r)
  end
  -- What is at least the modulus is so by 5 at most beyond 2^130.
  local over, carry = {}, 5
  for i = 1, 10 do
    local sum = h[i] + carry
    over[i], carry = sum % LIMB, math.floor(sum / LIMB)
  end
  if carry > 0 then h = over end
  local tag, rest, bits, limb, sum = {}, 0, 0, 1, 0
  for i = 1, 16 do
    while bits < 8 and limb <= 10 do
      rest, bits, limb = rest + h[limb] * 2 ^ bits, bits + 13, limb + 1
    end
    sum = math.floor(sum / 256) + rest % 256 + key:byte(16 + i)
    rest, bits = math.floor(rest / 256), bits - 8
    tag[i] = string.char(sum % 256)
  end
  return table.concat(tag)
end

local function padded(text) return text .. string.rep("\0", -#text % 16) end

-- All strings of octets; key of 32, nonce of 12. nil where the tag does not hold.
function chacha.open(key, nonce, aad, sealed, tag)
  local lengths = octets(#aad) .. "\0\0\0\0" .. octets(#sealed) .. "\0\0\0\0"
  local right = poly1305(block(key, 0, nonce):sub(1, 32), padded(aad) .. padded(sealed) .. lengths)
  if right:sub(1, #tag) ~= tag then return nil end
  local text = {}
  for at = 1, #sealed, 64 do
    local stream = block(key, 1 + (at - 1) / 64, nonce)
    for i = at, math.min(at + 63, #sealed) do
      text[i] = string.char(bxor(sealed:byte(i), stream:byte(i - at + 1)))
    end
  end
  return table.concat(text)
end

return chacha
