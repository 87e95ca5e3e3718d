-- AES-GCM for lobodon.lua, in plain Lua (Wireshark 4.0's Lua has no binding of libgcrypt). The tag is
-- made again and compared over as many octets as the packet has. Cost: about a millisecond a packet.

local gcm = {}
local band, bxor, rshift, lshift = bit.band, bit.bxor, bit.rshift, bit.lshift

local sbox = {}
do -- the field inverse and the affine map of FIPS 197 clause 5.1.1
  local p, q = 1, 1
  local function rotated(x, n) return band(lshift(x, n) + rshift(x, 8 - n), 255) end
  repeat
    p = band(bxor(p, lshift(p, 1), band(p, 128) ~= 0 and 0x1B or 0), 255)
    q = bxor(q, lshift(q, 1)); q = bxor(q, lshift(q, 2)); q = band(bxor(q, lshift(q, 4)), 255)
    if band(q, 128) ~= 0 then q = bxor(q, 9) end
    sbox[p] = band(bxor(q, rotated(q, 1), rotated(q, 2), rotated(q, 3), rotated(q, 4), 0x63), 255)
  until p == 1
  sbox[0] = 0x63
end

local function double(x) return band(bxor(lshift(x, 1), band(x, 128) ~= 0 and 0x1B or 0), 255) end

-- Round keys as one list of octets (FIPS 197 clause 5.2).
local function expand(key)
  local w, words = {}, #key / 4
  for i = 1, #key do w[i] = key:byte(i) end
  local total, rcon = 16 * (words + 7), 1
  for i = #key + 1, total, 4 do
    local a, b, c, d = w[i - 4], w[i - 3], w[i - 2], w[i - 1]
    local word = (i - 1) / 4
    if word % words == 0 then
      a, b, c, d = bxor(sbox[b], rcon), sbox[c], sbox[d], sbox[a]
      rcon = double(rcon)
    elseif words > 6 and word % words == 4 then
      a, b, c, d = sbox[a], sbox[b], sbox[c], sbox[d]
    end
    local from = i - #key
    w[i], w[i + 1], w[i + 2], w[i + 3] =
      bxor(w[from], a), bxor(w[from + 1], b), bxor(w[from + 2], c), bxor(w[from + 3], d)
  end
  return w, words + 6
end

-- One block: a list of 16 octets.
local function encrypt_block(keys, rounds, block)
  local s = {}
  for i = 1, 16 do s[i] = bxor(block[i], keys[i]) end
  for round = 1, rounds do
    local t = {}
    for column = 0, 3 do
      for row = 0, 3 do t[4 * column + row + 1] = sbox[s[4 * ((column + row) % 4) + row + 1]] end
    end
    if round < rounds then
      for i = 1, 13, 4 do
        local a, b, c, d = t[i], t[i + 1], t[i + 2], t[i + 3]
        local all = bxor(a, b, c, d)
        t[i], t[i + 1] = bxor(a, all, double(bxor(a, b))), bxor(b, all, double(bxor(b, c)))
        t[i + 2], t[i + 3] = bxor(c, all, double(bxor(c, d))), bxor(d, all, double(bxor(d, a)))
      end
    end
    for i = 1, 16 do s[i] = bxor(t[i], keys[16 * round + i]) end
  end
  return s
end

-- x * h in the field of GCM (SP 800-38D clause 6.3); lists of 16 octets.
local function multiply(x, h)
  local z, v = {}, {}
  for i = 1, 16 do z[i] = 0; v[i] = h[i] end
  for i = 1, 16 do
    for shift = 7, 0, -1 do
      if band(x[i], lshift(1, shift)) ~= 0 then
        for k = 1, 16 do z[k] = bxor(z[k], v[k]) end
      end
      local low = band(v[16], 1)
      for k = 16, 2, -1 do v[k] = rshift(v[k], 1) + lshift(band(v[k - 1], 1), 7) end
      v[1] = bxor(rshift(v[1], 1), low == 1 and 0xE1 or 0)
    end
  end
  return z
end

local function absorb(y, h, data)
  for at = 1, #data, 16 do
    for i = 1, 16 do y[i] = bxor(y[i], data:byte(at + i - 1) or 0) end
    y = multiply(y, h)
  end
  return y
end

local function counter_block(nonce, count)
  local block = {}
  for i = 1, 12 do block[i] = nonce:byte(i) end
  for i = 0, 3 do block[16 - i] = band(rshift(count, 8 * i), 255) end
  return block
end

local function length_block(aad, text)
  local out = ""
  for _, bits in ipairs({ 8 * #aad, 8 * #text }) do
    out = out .. string.char(0, 0, 0, 0, 0, 0, math.floor(bits / 256) % 256, bits % 256)
  end
  return out
end

-- All strings of octets; key of 16 or 32, nonce of 12. nil where the tag does not hold.
function gcm.open(key, nonce, aad, sealed, tag)
  local keys, rounds = expand(key)
  local zero = {}
  for i = 1, 16 do zero[i] = 0 end
  local h = encrypt_block(keys, rounds, zero)
  local y = absorb(zero, h, aad)
  y = absorb(y, h, sealed)
  y = absorb(y, h, length_block(aad, sealed))
  local mask = encrypt_block(keys, rounds, counter_block(nonce, 1))
  for i = 1, #tag do
    if bxor(y[i], mask[i]) ~= tag:byte(i) then return nil end
  end
  local text = {}
  for at = 1, #sealed, 16 do
    local stream = encrypt_block(keys, rounds, counter_block(nonce, 2 + (at - 1) / 16))
    for i = at, math.min(at + 15, #sealed) do
      text[#text + 1] = string.char(bxor(sealed:byte(i), stream[i - at + 1]))
    end
  end
  return table.concat(text)
end

return gcm
