#include "query/parser/lexer.h"

#include "query/parser/rune.h"
#include "storage/base/quote.h"

#include <cstdint>

namespace troupe::query {
namespace {

class scanner {
 public:
  scanner(std::string_view text, token_list& out) : text_(text), out_(out) {}

  void run() {
    while (!done_) {
      skip_blanks();
      start_ = pos_;
      if (brace_open_)
        inside_braces();
      else if (expect_duration_)
        duration_part();
      else
        statement();
    }
  }

 private:
  rune peek(size_t ahead = 0) const { return decode_rune(text_, pos_ + ahead); }
  // The byte `ahead`, 0 at the end; enough wherever only ASCII matters.
  char byte(size_t ahead = 0) const {
    return pos_ + ahead < text_.size() ? text_[pos_ + ahead] : '\0';
  }

  void emit(token_kind kind) {
    out_.tokens.push_back(
        {kind, static_cast<uint32_t>(start_), text_.substr(start_, pos_ - start_)});
    start_ = pos_;
  }
  void emit(token_kind kind, size_t bytes) {
    pos_ += bytes;
    emit(kind);
  }
  void fail(std::string message) {
    if (done_)
      return;
    out_.message = std::move(message);
    out_.tokens.push_back({token_kind::error, static_cast<uint32_t>(start_), out_.message});
    done_ = true;
  }

  void skip_blanks() {
    while (true) {
      while (is_space(static_cast<unsigned char>(byte())) && pos_ < text_.size())
        ++pos_;
      if (byte() != '#' || expect_duration_)
        return;
      while (pos_ < text_.size() && byte() != '\n' && byte() != '\r')
        ++pos_;
    }
  }

  void statement();
  void end_of_text();
  void inside_braces();
  void duration_part();
  void operators_and_brackets(char c);
  bool duration_keyword();
  void number_or_duration();
  bool number();
  bool duration_rest();
  void quoted_string();
  bool escape(char quote);
  void raw_string();
  void word();
  void close_paren() {
    if (--paren_depth_ >= 0)
      return emit(token_kind::right_paren, 1);
    start_ = ++pos_;
    fail("unexpected right parenthesis ')'");
  }

  std::string_view text_;
  token_list& out_;
  size_t pos_ = 0;
  size_t start_ = 0;
  bool done_ = false;
  bool brace_open_ = false;
  bool bracket_open_ = false;
  bool expect_duration_ = false;  ///< inside brackets, before a number
  bool got_colon_ = false;
  bool got_duration_ = false;
  int paren_depth_ = 0;
};

void scanner::end_of_text() {
  if (paren_depth_ != 0)
    return fail("unclosed left parenthesis");
  if (bracket_open_)
    return fail("unclosed left bracket");
  emit(token_kind::eof);
  done_ = true;
}

void scanner::statement() {
  if (pos_ >= text_.size())
    return end_of_text();
  const char c = byte();
  if (is_digit(static_cast<unsigned char>(c)) ||
      (c == '.' && is_digit(static_cast<unsigned char>(byte(1)))))
    return number_or_duration();
  if (c == '"' || c == '\'')
    return quoted_string();
  if (c == '`')
    return raw_string();
  if (is_alpha(static_cast<unsigned char>(c)) || c == ':') {
    if (!bracket_open_)
      return word();
    if (c == ':') {
      if (got_colon_)
        return fail("unexpected colon ':'");
      got_colon_ = true;
      return emit(token_kind::colon, 1);
    }
    if (!duration_keyword())
      fail("unexpected character: " + quoted_rune(static_cast<unsigned char>(c)) +
           ", expected ':'");
    return;
  }
  operators_and_brackets(c);
}

void scanner::operators_and_brackets(char c) {
  using enum token_kind;
  const char next = byte(1);
  switch (c) {
    case ',':
      return emit(comma, 1);
    case '*':
      return emit(mul, 1);
    case '/':
      return emit(div, 1);
    case '%':
      return emit(mod, 1);
    case '+':
      return emit(add, 1);
    case '-':
      return emit(sub, 1);
    case '^':
      return emit(pow, 1);
    case '@':
      return emit(at, 1);
    case '=':
      if (next == '=')
        return emit(eql, 2);
      if (next == '~')
        return fail("unexpected character after '=': '~'");
      return emit(equal, 1);
    case '!':
      if (next != '=')
        return fail("unexpected character after '!': " + quoted_rune(peek(1).code));
      return emit(neq, 2);
    case '<':
      if (next == '=')
        return emit(lte, 2);
      return next == '/' ? emit(trim_upper, 2) : emit(lss, 1);
    case '>':
      if (next == '=')
        return emit(gte, 2);
      return next == '/' ? emit(trim_lower, 2) : emit(gtr, 1);
    case '(':
      ++paren_depth_;
      return emit(left_paren, 1);
    case ')':
      return close_paren();
    case '{':
      brace_open_ = true;
      return emit(left_brace, 1);
    case '[':
      if (bracket_open_)
        return fail("unexpected left bracket '['");
      bracket_open_ = true;
      expect_duration_ = true;
      got_colon_ = got_duration_ = false;
      return emit(left_bracket, 1);
    case ']':
      if (!bracket_open_)
        return fail("unexpected right bracket ']'");
      bracket_open_ = false;
      return emit(right_bracket, 1);
    default:
      return fail("unexpected character: " + quoted_rune(peek().code));
  }
}

// Inside brackets where a duration may start.
void scanner::duration_part() {
  using enum token_kind;
  if (pos_ >= text_.size())
    return fail("unexpected end of input in duration expression");
  const char c = byte();
  switch (c) {
    case ']':
      bracket_open_ = expect_duration_ = false;
      return emit(right_bracket, 1);
    case ':':
      if (got_colon_ || !got_duration_) {
        start_ = ++pos_;
        return fail(got_duration_ ? "unexpected repeated colon in duration expression"
                                  : "unexpected colon before duration in duration expression");
      }
      got_colon_ = true;
      return emit(colon, 1);
    case '(':
      ++paren_depth_;
      return emit(left_paren, 1);
    case ')':
      return close_paren();
    case '+':
      return emit(add, 1);
    case '-':
      return emit(sub, 1);
    case '*':
      return emit(mul, 1);
    case '/':
      return emit(div, 1);
    case '%':
      return emit(mod, 1);
    case '^':
      return emit(pow, 1);
    case ',':
      return emit(comma, 1);
    default:
      break;
  }
  if (is_digit(static_cast<unsigned char>(c)) ||
      (c == '.' && is_digit(static_cast<unsigned char>(byte(1))))) {
    got_duration_ = true;
    expect_duration_ = false;
    return number_or_duration();
  }
  if (!duration_keyword())
    fail("unexpected character in duration expression: " + quoted_rune(peek().code));
}

// step, range, min_of, max_of inside brackets.
bool scanner::duration_keyword() {
  size_t n = 0;
  std::string word;
  while (is_alpha(static_cast<unsigned char>(byte(n)))) {
    word += static_cast<char>(byte(n) | 0x20);
    if (byte(n) == '_')
      word.back() = '_';
    ++n;
  }
  const auto kind = keyword_kind(word);
  if (kind != token_kind::step && kind != token_kind::range && kind != token_kind::min_of &&
      kind != token_kind::max_of)
    return false;
  emit(kind, n);
  got_duration_ = true;
  return true;
}

// Keywords are plain identifiers here.
void scanner::inside_braces() {
  using enum token_kind;
  if (pos_ >= text_.size())
    return fail("unexpected end of input inside braces");
  const char c = byte();
  if (is_alpha(static_cast<unsigned char>(c))) {
    while (is_alnum(static_cast<unsigned char>(byte())))
      ++pos_;
    return emit(identifier);
  }
  switch (c) {
    case ',':
      return emit(comma, 1);
    case '"':
    case '\'':
      return quoted_string();
    case '`':
      return raw_string();
    case '=':
      return byte(1) == '~' ? emit(equal_regex, 2) : emit(equal, 1);
    case '!':
      if (byte(1) == '~')
        return emit(not_equal_regex, 2);
      if (byte(1) == '=')
        return emit(neq, 2);
      return fail("unexpected character after '!' inside braces: " + quoted_rune(peek(1).code));
    case '{':
      return fail("unexpected left brace '{'");
    case '}':
      brace_open_ = false;
      return emit(right_brace, 1);
    default:
      return fail("unexpected character inside braces: " + quoted_rune(peek().code));
  }
}

void scanner::number_or_duration() {
  if (number())
    return emit(token_kind::number);
  if (duration_rest())
    return emit(token_kind::duration);
  fail("bad number or duration syntax: " + quoted(text_.substr(start_, pos_ - start_)));
}

// Decimal or hexadecimal, with underscores between digits. Moves pos_ past what it took even if it
// is no number, for the error message and for a duration that begins with digits.
bool scanner::number() {
  bool hex = false;
  if (byte() == '0' && (byte(1) == 'x' || byte(1) == 'X')) {
    hex = true;
    pos_ += byte(2) == '_' ? 3 : 2;
  }
  const auto digit = [&](char c) {
    return hex ? is_hex_digit(static_cast<unsigned char>(c))
               : is_digit(static_cast<unsigned char>(c));
  };
  const auto accept = [&](std::string_view set) {
    const bool found = pos_ < text_.size() && set.find(text_[pos_]) != std::string_view::npos;
    pos_ += found ? 1 : 0;
    return found;
  };
  bool dot = false;
  bool exponent = false;
  if (byte() == '.') {
    dot = true;
    ++pos_;
  }
  while (pos_ < text_.size()) {
    const char c = byte();
    if (digit(c)) {
      ++pos_;
    } else if (c == '.') {
      if (dot || hex) {
        ++pos_;
        return false;
      }
      dot = true;
      ++pos_;
      if (accept("_."))
        return false;
    } else if (!hex && (c == 'e' || c == 'E')) {
      ++pos_;
      if (exponent)
        return false;
      exponent = true;
      accept("+-");
      if (accept("._eE") || pos_ >= text_.size())
        return false;
    } else if (c == '_') {
      ++pos_;
      if (accept("._") || (!hex && accept("eE")) || pos_ >= text_.size())
        return false;
    } else {
      break;
    }
  }
  return !is_alnum(peek().code);
}

// pos_ is behind the first run of digits: units and more digits.
bool scanner::duration_rest() {
  const auto accept = [&](std::string_view set) {
    if (pos_ < text_.size() && set.find(text_[pos_]) != std::string_view::npos) {
      ++pos_;
      return true;
    }
    return false;
  };
  if (!accept("smhdwy"))
    return false;
  accept("s");  // ms; nonsense such as hs is caught when the duration is parsed
  while (accept("0123456789")) {
    while (accept("0123456789")) {
    }
    if (!accept("smhdw"))
      return false;
    accept("s");
  }
  const auto after = peek();
  if (!is_alnum(after.code))
    return true;
  pos_ += after.width;  // part of what the error quotes
  return false;
}

void scanner::quoted_string() {
  const char quote = byte();
  ++pos_;
  while (true) {
    const auto r = peek();
    if (r.code == end_of_input || r.code == '\n')
      return fail("unterminated quoted string");
    pos_ += r.width;
    if (r.code == rune_error)
      return fail("invalid UTF-8 rune");
    if (r.code == '\\' && !escape(quote))
      return;
    if (r.code == static_cast<unsigned char>(quote))
      return emit(token_kind::string);
  }
}

// pos_ is behind the backslash.
bool scanner::escape(char quote) {
  const auto first = peek();
  pos_ += first.width;
  uint32_t digits = 0;
  uint32_t base = 16;
  uint32_t max = 0x10ffff;
  switch (first.code) {
    case 'a':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
    case 'v':
    case '\\':
      return true;
    case 'x':
      digits = 2;
      max = 255;
      break;
    case 'u':
      digits = 4;
      break;
    case 'U':
      digits = 8;
      break;
    case end_of_input:
      fail("escape sequence not terminated");
      return false;
    default:
      if (first.code == static_cast<unsigned char>(quote))
        return true;
      if (first.code < '0' || first.code > '7') {
        fail("unknown escape sequence " + unicode_notation(first.code));
        return false;
      }
      digits = 3;
      base = 8;
      max = 255;
      pos_ -= 1;
  }
  uint64_t value = 0;
  for (; digits > 0; --digits) {
    const auto r = peek();
    if (r.code == end_of_input) {
      fail("escape sequence not terminated");
      return false;
    }
    const auto d = digit_value(r.code);
    if (d >= base) {
      fail("illegal character " + unicode_notation(r.code) + " in escape sequence");
      return false;
    }
    value = value * base + d;
    pos_ += r.width;
  }
  if (value > max || (value >= 0xd800 && value < 0xe000)) {
    fail("escape sequence is an invalid Unicode code point");
    return false;
  }
  return true;
}

void scanner::raw_string() {
  ++pos_;
  while (true) {
    const auto r = peek();
    if (r.code == end_of_input)
      return fail("unterminated raw string");
    pos_ += r.width;
    if (r.code == rune_error)
      return fail("invalid UTF-8 rune");
    if (r.code == '`')
      return emit(token_kind::string);
  }
}

void scanner::word() {
  std::string lower;
  bool colon = false;
  while (is_alnum(static_cast<unsigned char>(byte())) || byte() == ':') {
    const char c = byte();
    colon = colon || c == ':';
    lower += c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
    ++pos_;
  }
  auto kind = keyword_kind(lower);
  if (kind == token_kind::fill || kind == token_kind::fill_left || kind == token_kind::fill_right) {
    // Keywords only before a parenthesis, so that they stay usable as metric names.
    size_t ahead = 0;
    while (is_space(static_cast<unsigned char>(byte(ahead))))
      ++ahead;
    if (byte(ahead) != '(')
      kind = token_kind::identifier;
  }
  if (kind == token_kind::identifier && colon)
    kind = token_kind::metric_identifier;
  emit(kind);
}

}  // namespace

void scan(std::string_view text, token_list& out) {
  out.tokens.clear();
  out.message.clear();
  scanner(text, out).run();
}

}  // namespace troupe::query
