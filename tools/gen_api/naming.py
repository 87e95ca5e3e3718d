"""From names of the specifications to names of C++."""

import re

KEYWORDS = frozenset(
    """alignas alignof and and_eq asm auto bitand bitor bool break case catch char char8_t char16_t
    char32_t class compl concept const consteval constexpr constinit const_cast continue co_await
    co_return co_yield decltype default delete do double dynamic_cast else enum explicit export extern
    false float for friend goto if inline int long mutable namespace new noexcept not not_eq nullptr
    operator or or_eq private protected public register reinterpret_cast requires return short signed
    sizeof static static_assert static_cast struct switch template this thread_local throw true try
    typedef typeid typename union unsigned using virtual void volatile wchar_t while xor xor_eq
    linux unix""".split())


def _words(name):
    name = re.sub(r"[^A-Za-z0-9]+", "_", name)
    name = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", name)
    name = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name)
    return name.strip("_")


def snake(name):
    """valTgtUe -> val_tgt_ue, 5gsInd -> n5gs_ind, default -> default_."""
    word = _words(name).lower()
    if not word or word[0].isdigit():
        word = "n" + word
    return word + "_" if word in KEYWORDS else word


def pascal(name):
    """uniQosState -> UniQosState; the letters of a name that is Pascal already stay as they are."""
    parts = [part for part in re.split(r"[^A-Za-z0-9]+", name) if part]
    word = "".join(part[0].upper() + part[1:] for part in parts)
    return "N" + word if not word or word[0].isdigit() else word


def cpp_string(text):
    out = []
    for byte in text.encode("utf-8"):
        char = chr(byte)
        if char in '"\\':
            out.append("\\" + char)
        elif 0x20 <= byte < 0x7F:
            out.append(char)
        else:
            out.append(f"\\{byte:03o}")
    return '"' + "".join(out) + '"'
