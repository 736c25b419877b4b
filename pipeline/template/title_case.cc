#include "pipeline/template/title_case.h"

#include "pipeline/relabel/letter_case.h"
#include "query/parser/rune.h"

#include <algorithm>
#include <array>
#include <utility>

namespace troupe::templates {
namespace {

// Letters whose title case is more than one letter, or not their upper case.
constexpr std::array<std::pair<char32_t, std::string_view>, 20> special{
    {{0xdf, "Ss"},   {0x149, "ʼN"},  {0x1c4, "ǅ"},    {0x1c5, "ǅ"},    {0x1c6, "ǅ"},
     {0x1c7, "ǈ"},   {0x1c8, "ǈ"},   {0x1c9, "ǈ"},    {0x1ca, "ǋ"},    {0x1cb, "ǋ"},
     {0x1cc, "ǋ"},   {0x1f1, "ǲ"},   {0x1f2, "ǲ"},    {0x1f3, "ǲ"},    {0xfb00, "Ff"},
     {0xfb01, "Fi"}, {0xfb02, "Fl"}, {0xfb03, "Ffi"}, {0xfb04, "Ffl"}, {0xfb06, "St"}}};

bool is_letter(char32_t c) {
  return !query::is_digit(c) && c != '_' && c != query::end_of_input &&
         relabel::is_letter_or_digit(c);
}

bool is_combining(char32_t c) {
  return (c >= 0x300 && c <= 0x36f) || c == 0x200d;
}

// UAX 29: MidNumLet and Single_Quote part neither letters nor digits, MidLetter no letters, MidNum
// no digits.
bool joins(char32_t before, char32_t c, char32_t after) {
  const bool either = c == '.' || c == '\'' || c == 0x2018 || c == 0x2019 || c == 0x2024;
  const bool letters = either || c == ':' || c == 0xb7 || c == 0x387 || c == 0x2027;
  const bool digits = either || c == ',' || c == ';';
  return (letters && is_letter(before) && is_letter(after)) ||
         (digits && query::is_digit(before) && query::is_digit(after));
}

void append_title(std::string& out, char32_t c, std::string_view bytes) {
  const auto it = std::find_if(special.begin(), special.end(),
                               [c](const auto& entry) { return entry.first == c; });
  out += it == special.end() ? relabel::to_upper(bytes) : std::string(it->second);
}

}  // namespace

std::string title_case(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  bool has_letter = false;  // the current word
  char32_t before = query::end_of_input;
  for (size_t at = 0; at < text.size();) {
    const auto r = query::decode_rune(text, at);
    const auto bytes = text.substr(at, r.width);
    at += r.width;
    if (is_letter(r.code)) {
      const bool is_cased = relabel::to_lower(bytes) != bytes ||
                            relabel::to_upper(bytes) != bytes || r.code == 0xdf ||
                            r.code == 0x149 || r.code >= 0xfb00;
      if (is_cased && !std::exchange(has_letter, true))
        append_title(out, r.code, bytes);
      else
        out += bytes;
    } else {
      const bool in_word = query::is_digit(r.code) || r.code == '_' || is_combining(r.code) ||
                           joins(before, r.code, query::decode_rune(text, at).code);
      has_letter = has_letter && in_word;
      out += bytes;
    }
    if (!is_combining(r.code))
      before = r.code;
  }
  return out;
}

}  // namespace troupe::templates
