"""An independent reader of marked packets, written from the texts: RFC 9868 for the surplus area,
draft-jiang-tsvwg-5gxrm-metadata and docs/xrm.md for the option. It shares nothing with src/ and takes
the simplest way everywhere; whatever it does not find as the text says raises Wrong."""

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305


class Wrong(Exception):
    """The packet is not as the text says."""


def read_keys(text):
    """The key file: KeyID -> fields by name."""
    lines = text.splitlines()
    if lines[0] != "lobodon-xrm-keys 1":
        raise Wrong("first line")
    contexts = {}
    for line in lines[1:]:
        words = line.split()
        if not words or words[0] != "context":
            continue
        fields = dict(word.split("=", 1) for word in words[1:])
        contexts[int(fields["id"])] = {
            "alg": fields["alg"], "key": bytes.fromhex(fields["key"]), "iv": bytes.fromhex(fields["iv"]),
            "tag": int(fields.get("tag", "16")), "bind": fields.get("bind", "full"),
            "sid": tuple(map(int, fields.get("sid", "0-65535").split("-")))}
    return contexts


def check_ocs(udp, area):
    """RFC 9868 clause 9. Returns the options."""
    odd = int.from_bytes(udp[4:6], "big") % 2
    if odd and area[0] != 0:
        raise Wrong("pad is not zero")
    ocs = int.from_bytes(area[odd:odd + 2], "big")
    if ocs == 0:
        if udp[6:8] != b"\0\0":
            raise Wrong("no OCS although there is a UDP checksum")
    else:
        words = area[odd:] + (b"\0" if (len(area) - odd) % 2 else b"")
        total = len(area) + sum(int.from_bytes(words[i:i + 2], "big") for i in range(0, len(words), 2))
        while total > 0xFFFF:
            total = (total & 0xFFFF) + (total >> 16)
        if total != 0xFFFF:
            raise Wrong("OCS does not hold")
    return area[odd + 2:]


def find_option(options, kind, exid):
    """The body of the first option of this kind (and ExID, with EXP); None if there is none."""
    at = 0
    while at < len(options):
        if options[at] == 0:
            if any(options[at:]):
                raise Wrong("not zero behind EOL")
            break
        if options[at] == 1:
            at += 1
            continue
        length = options[at + 1]
        if length < 2 or length == 255 or at + length > len(options):
            raise Wrong("length of an option")
        value = options[at + 2:at + length]
        if options[at] == kind:
            if kind != 127:
                return value
            if int.from_bytes(value[:2], "big") == exid:
                return value[2:]
        at += length
    return None


def read_metadata(body, padded):
    """Len_EM EM Len_EO EO Len_EN EN -> a dictionary of the fields that are there."""
    if body[0] != 3:
        raise Wrong("Len_EM")
    em = int.from_bytes(body[1:4], "big")
    if (em >> 21) & 3:
        raise Wrong("R is not zero")
    mark = {"e": em >> 23, "d": (em >> 20) & 1, "psi": (em >> 16) & 15, "pssn": (em >> 6) & 1023, "psn": em & 63}
    at = 4

    def group(size_name, number_name, extensible):
        nonlocal at
        length = body[at]
        content = body[at + 1:at + 1 + length]
        at += 1 + length
        if len(content) != length or length in (1, 4) or (length > 5 and not extensible) or length == 6:
            raise Wrong(f"a group of {length}")
        if length in (3,) or length >= 5:
            mark[size_name] = int.from_bytes(content[:3], "big")
            content = content[3:]
        if content:
            mark[number_name] = int.from_bytes(content[:2], "big")
        return content[2:]

    group("pssize", "npds", False)
    tlvs = group("bsize", "ttnb", True)
    while tlvs:
        if len(tlvs) < 2 or len(tlvs) < 2 + tlvs[1]:
            raise Wrong("a TLV")
        if tlvs[0] == 1 and tlvs[1] == 2:
            mark["psn16"] = int.from_bytes(tlvs[2:4], "big")
        tlvs = tlvs[2 + tlvs[1]:]
    rest = body[at:]
    if any(rest) or (rest and not padded):
        raise Wrong("something behind the last group")
    return mark


def open_sealed(alg, key, nonce, aad, sealed, tag):
    if alg in ("aes-128-gcm", "aes-256-gcm"):
        opener = Cipher(algorithms.AES(key), modes.GCM(nonce, tag, min_tag_length=8)).decryptor()
        opener.authenticate_additional_data(aad)
        return opener.update(sealed) + opener.finalize()
    if len(tag) == 16:
        return ChaCha20Poly1305(key).decrypt(nonce, sealed + tag, aad)
    # The package takes whole tags only: the stream cipher is its own inverse, so sealing what was
    # sealed gives the plaintext, and sealing that gives the whole tag.
    cipher = ChaCha20Poly1305(key)
    plain = cipher.encrypt(nonce, sealed, aad)[:len(sealed)]
    again = cipher.encrypt(nonce, plain, aad)
    if again[:len(sealed)] != sealed or again[len(sealed):len(sealed) + len(tag)] != tag:
        raise InvalidTag
    return plain


def read_protected(body, udp, contexts):
    """The body of a protected option -> (metadata, KeyID, SID, CTR)."""
    flags, key_id = body[0], body[1]
    if flags not in (0x80, 0x90):
        raise Wrong("flags")
    context = contexts[key_id]
    sid, counter = int.from_bytes(body[2:4], "big"), int.from_bytes(body[4:8], "big")
    if not context["sid"][0] <= sid <= context["sid"][1] or counter >= 1 << 31:
        raise Wrong("SID or CTR")
    tag_size = 8 if flags & 0x10 else 16
    if tag_size != context["tag"]:
        raise Wrong("tag size")
    sealed, tag = body[8:-tag_size], body[-tag_size:]
    if not sealed or len(sealed) % 16:
        raise Wrong("size of what is sealed")
    nonce = bytes(a ^ b for a, b in zip(context["iv"], bytes(6) + body[2:8], strict=True))
    bound = udp if context["bind"] == "full" else bytes(4) + udp[4:6] + bytes(2)
    try:
        plain = open_sealed(context["alg"], context["key"], nonce, bound + body[:8], sealed, tag)
    except InvalidTag as error:
        raise Wrong("tag") from error
    return read_metadata(plain, True), key_id, sid, counter


def read_packet(udp, area, contexts, kinds=((127, 0x5852), (100, 0))):
    """UDP header and surplus area -> (metadata, KeyID, SID, CTR), the last three None if it was clear."""
    options = check_ocs(udp, area)
    for kind, exid in kinds:
        body = find_option(options, kind, exid)
        if body is not None:
            if body[0] & 0x80:
                return read_protected(body, udp, contexts)
            return read_metadata(body, False), None, None, None
    raise Wrong("no XRM option")
