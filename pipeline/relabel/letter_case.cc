#include "pipeline/relabel/letter_case.h"

#include "storage/base/quote.h"

#include <locale.h>
#include <wctype.h>

namespace troupe::relabel {
namespace {

void append_utf8(std::string& out, uint32_t c) {
  const auto tail = [&](unsigned shift) { out += static_cast<char>(0x80 | ((c >> shift) & 0x3f)); };
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += static_cast<char>(0xc0 | (c >> 6));
    tail(0);
  } else if (c < 0x10000) {
    out += static_cast<char>(0xe0 | (c >> 12));
    tail(6);
    tail(0);
  } else {
    out += static_cast<char>(0xf0 | (c >> 18));
    tail(12);
    tail(6);
    tail(0);
  }
}

// glibc's table of code points; null where the locale is missing, then only ASCII has cases.
locale_t unicode_locale() {
  static const locale_t made = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
  return made;
}

template <class Ascii, class Wide>
std::string map_case(std::string_view text, Ascii ascii, Wide wide) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    if (static_cast<unsigned char>(text[0]) < 0x80) {
      out += ascii(text[0]);
      text.remove_prefix(1);
      continue;
    }
    uint32_t c = 0;
    size_t n = decode_utf8(text, c);
    if (n == 0) {
      c = 0xfffd;
      n = 1;
    }
    const auto where = unicode_locale();
    append_utf8(out, where ? static_cast<uint32_t>(wide(static_cast<wint_t>(c), where)) : c);
    text.remove_prefix(n);
  }
  return out;
}

}  // namespace

std::string to_lower(std::string_view text) {
  return map_case(
      text, [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; },
      [](wint_t c, locale_t l) { return towlower_l(c, l); });
}

std::string to_upper(std::string_view text) {
  return map_case(
      text, [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; },
      [](wint_t c, locale_t l) { return towupper_l(c, l); });
}

bool is_letter_or_digit(uint32_t code_point) {
  const auto c = static_cast<wint_t>(code_point);
  if (const auto where = unicode_locale())
    return iswalnum_l(c, where) != 0;
  return code_point < 0x80 && iswalnum(c) != 0;
}

}  // namespace troupe::relabel
