#include "storage/base/quote.h"

namespace troupe {
namespace {

constexpr char hex_digits[] = "0123456789abcdef";

void append_hex(std::string& out, uint32_t v, int digits) {
  for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4)
    out.push_back(hex_digits[(v >> shift) & 0xf]);
}

// The ranges of Unicode that people meet and that Go does not print: separators, format and private
// characters.
bool is_printable(uint32_t c) {
  if (c < 0xa1 || c == 0xad)
    return false;
  if (c >= 0x2000 && c <= 0x200f)
    return false;
  if ((c >= 0x2028 && c <= 0x202f) || (c >= 0x205f && c <= 0x206f))
    return false;
  if (c == 0x3000 || c == 0xfeff || (c >= 0xe000 && c <= 0xf8ff))
    return false;
  if ((c >= 0xfdd0 && c <= 0xfdef) || (c & 0xfffe) == 0xfffe || (c >= 0xfff0 && c <= 0xfffb))
    return false;
  return c < 0xe0000;
}

void append_ascii(std::string& out, unsigned char c) {
  static constexpr std::string_view from = "\a\b\f\n\r\t\v";
  static constexpr std::string_view to = "abfnrtv";
  if (c == '"' || c == '\\') {
    out.push_back('\\');
    out.push_back(static_cast<char>(c));
  } else if (const auto i = from.find(static_cast<char>(c)); i != std::string_view::npos) {
    out.push_back('\\');
    out.push_back(to[i]);
  } else if (c < 0x20 || c == 0x7f) {
    out += "\\x";
    append_hex(out, c, 2);
  } else {
    out.push_back(static_cast<char>(c));
  }
}

void append_escaped(std::string& out, std::string_view text, bool quotes) {
  for (const char c : text) {
    if (c == '\\')
      out += "\\\\";
    else if (c == '"' && quotes)
      out += "\\\"";
    else if (c == '\n')
      out += "\\n";
    else
      out.push_back(c);
  }
}

}  // namespace

size_t decode_utf8(std::string_view text, uint32_t& code_point) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t b = byte(0);
  if (b < 0x80) {
    code_point = b;
    return 1;
  }
  const size_t n = b >= 0xf0 ? 4 : b >= 0xe0 ? 3 : 2;
  if (b < 0xc2 || b > 0xf4 || text.size() < n)
    return 0;
  uint32_t c = b & (0x7fu >> n);
  for (size_t i = 1; i < n; ++i) {
    if ((byte(i) & 0xc0) != 0x80)
      return 0;
    c = (c << 6) | (byte(i) & 0x3f);
  }
  const bool overlong = (n == 3 && c < 0x800) || (n == 4 && c < 0x10000);
  if (overlong || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
    return 0;
  code_point = c;
  return n;
}

bool is_valid_utf8(std::string_view text) {
  uint32_t c = 0;
  while (!text.empty()) {
    const size_t n = decode_utf8(text, c);
    if (n == 0)
      return false;
    text.remove_prefix(n);
  }
  return true;
}

void append_quoted(std::string& out, std::string_view text) {
  out.push_back('"');
  while (!text.empty()) {
    uint32_t c = 0;
    const size_t n = decode_utf8(text, c);
    if (n == 1) {
      append_ascii(out, static_cast<unsigned char>(text[0]));
    } else if (n == 0) {
      out += "\\x";
      append_hex(out, static_cast<uint8_t>(text[0]), 2);
    } else if (is_printable(c)) {
      out += text.substr(0, n);
    } else if (c < 0x10000) {
      out += "\\u";
      append_hex(out, c, 4);
    } else {
      out += "\\U";
      append_hex(out, c, 8);
    }
    text.remove_prefix(n == 0 ? 1 : n);
  }
  out.push_back('"');
}

std::string quoted(std::string_view text) {
  std::string out;
  append_quoted(out, text);
  return out;
}

void append_escaped(std::string& out, std::string_view text) {
  append_escaped(out, text, true);
}

void append_escaped_help(std::string& out, std::string_view text) {
  append_escaped(out, text, false);
}

}  // namespace troupe
