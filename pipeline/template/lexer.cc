#include "pipeline/template/lexer.h"

#include "pipeline/relabel/letter_case.h"
#include "query/parser/rune.h"
#include "storage/base/quote.h"

#include <algorithm>
#include <array>
#include <utility>

namespace troupe::templates {
namespace {

using type = token::type;

constexpr std::string_view left = "{{", right = "}}", left_comment = "/*", right_comment = "*/";
constexpr std::string_view spaces = " \t\r\n";
constexpr size_t trim_marker_size = 2;  // '-' and a space
constexpr char32_t end = query::end_of_input;

constexpr std::array<std::pair<std::string_view, type>, 11> keywords{
    {{"block", type::block_word},
     {"break", type::break_word},
     {"continue", type::continue_word},
     {"define", type::define_word},
     {"else", type::else_word},
     {"end", type::end_word},
     {"if", type::if_word},
     {"nil", type::nil_word},
     {"range", type::range_word},
     {"template", type::template_word},
     {"with", type::with_word}}};

bool is_space(char c) {
  return spaces.find(c) != std::string_view::npos;
}

bool is_alphanumeric(char32_t c) {
  return c < 0x80 ? query::is_alnum(c) : c != end && relabel::is_letter_or_digit(c);
}

bool has_left_trim_marker(std::string_view s) {
  return s.size() >= 2 && s[0] == '-' && is_space(s[1]);
}

bool has_right_trim_marker(std::string_view s) {
  return s.size() >= 2 && is_space(s[0]) && s[1] == '-';
}

size_t leading_spaces(std::string_view s) {
  return std::min(s.find_first_not_of(spaces), s.size());
}

size_t trailing_spaces(std::string_view s) {
  const auto last = s.find_last_not_of(spaces);
  return last == std::string_view::npos ? s.size() : s.size() - last - 1;
}

int newlines(std::string_view s) {
  return static_cast<int>(std::count(s.begin(), s.end(), '\n'));
}

}  // namespace

std::string to_string(const token& t) {
  constexpr size_t most = 10;
  if (t.is(type::eof))
    return "EOF";
  if (t.is(type::error))
    return t.text;
  if (t.kind >= type::block_word)
    return "<" + t.text + ">";
  if (t.text.size() <= most)
    return quoted(t.text);
  size_t at = 0;
  for (size_t n = 0; n < most && at < t.text.size(); ++n)
    at += query::decode_rune(t.text, at).width;
  return quoted(std::string_view(t.text).substr(0, at)) + "...";
}

token lexer::next() {
  token_ = {type::eof, pos_, "EOF", start_line_};
  for (step s = inside_ ? step::inside : step::text; s != step::done;)
    s = run(s);
  return std::move(token_);
}

lexer::step lexer::run(step s) {
  switch (s) {
    case step::text:
      return lex_text();
    case step::left_delimiter:
      return lex_left_delimiter();
    case step::comment:
      return lex_comment();
    case step::inside:
      return lex_inside();
    case step::right_delimiter:
      return lex_right_delimiter();
    case step::space:
      return lex_space();
    case step::done:
      break;
  }
  return step::done;
}

char32_t lexer::take() {
  const auto r = query::decode_rune(text_, pos_);
  pos_ += r.width;
  line_ += r.code == '\n' ? 1 : 0;
  return r.code;
}

char32_t lexer::peek() const {
  return query::decode_rune(text_, pos_).code;
}

bool lexer::accept(std::string_view valid) {
  if (pos_ >= text_.size() || valid.find(text_[pos_]) == std::string_view::npos)
    return false;
  ++pos_;
  return true;
}

void lexer::accept_run(std::string_view valid) {
  while (accept(valid)) {
  }
}

void lexer::make(token::type t) {
  token_ = {t, start_, std::string(text_.substr(start_, pos_ - start_)), start_line_};
  start_ = pos_;
  start_line_ = line_;
}

void lexer::ignore() {
  line_ += newlines(text_.substr(start_, pos_ - start_));
  start_ = pos_;
  start_line_ = line_;
}

lexer::step lexer::fail(std::string message) {
  token_ = {type::error, start_, std::move(message), start_line_};
  text_ = {};
  pos_ = start_ = 0;
  return step::done;
}

lexer::step lexer::lex_text() {
  const auto at = text_.find(left, pos_);
  if (at == std::string_view::npos) {
    pos_ = text_.size();
    if (pos_ == start_)
      return emit(type::eof);
    line_ += newlines(text_.substr(start_));
    return emit(type::text);
  }
  if (at > pos_) {
    const size_t begin = pos_;
    const size_t trimmed = has_left_trim_marker(rest(at + left.size()))
                               ? trailing_spaces(text_.substr(begin, at - begin))
                               : 0;
    pos_ = at - trimmed;
    line_ += newlines(text_.substr(start_, pos_ - start_));
    make(type::text);
    pos_ = at;
    ignore();
    if (!token_.text.empty())
      return step::done;
  }
  return step::left_delimiter;
}

bool lexer::at_right_delimiter(bool& trims) const {
  const auto t = rest(pos_);
  trims = has_right_trim_marker(t) && t.substr(trim_marker_size).starts_with(right);
  return trims || t.starts_with(right);
}

lexer::step lexer::lex_left_delimiter() {
  pos_ += left.size();
  const size_t marker = has_left_trim_marker(rest(pos_)) ? trim_marker_size : 0;
  if (rest(pos_ + marker).starts_with(left_comment)) {
    pos_ += marker;
    ignore();
    return step::comment;
  }
  make(type::left_delimiter);
  inside_ = true;
  pos_ += marker;
  ignore();
  paren_depth_ = 0;
  return step::done;
}

lexer::step lexer::lex_comment() {
  const auto at = text_.find(right_comment, pos_ + left_comment.size());
  if (at == std::string_view::npos)
    return fail("unclosed comment");
  pos_ = at + right_comment.size();
  bool trims = false;
  if (!at_right_delimiter(trims))
    return fail("comment ends before closing delimiter");
  if (trims)
    pos_ += trim_marker_size;
  pos_ += right.size();
  if (trims)
    pos_ += leading_spaces(rest(pos_));
  ignore();
  return step::text;
}

lexer::step lexer::lex_right_delimiter() {
  bool trims = false;
  (void)at_right_delimiter(trims);
  if (trims) {
    pos_ += trim_marker_size;
    ignore();
  }
  pos_ += right.size();
  make(type::right_delimiter);
  if (trims) {
    pos_ += leading_spaces(rest(pos_));
    ignore();
  }
  inside_ = false;
  return step::done;
}

lexer::step lexer::lex_inside() {
  bool trims = false;
  if (at_right_delimiter(trims))
    return paren_depth_ == 0 ? step::right_delimiter : fail("unclosed left paren");
  const size_t before = pos_;
  const char32_t c = take();
  switch (c) {
    case end:
      return fail("unclosed action");
    case ' ':
    case '\t':
    case '\r':
    case '\n':
      line_ -= c == '\n' ? 1 : 0;
      pos_ = before;
      return step::space;
    case '=':
      return emit(type::assign);
    case ':':
      return take() == '=' ? emit(type::declare) : fail("expected :=");
    case '|':
      return emit(type::pipe);
    case '"':
      return lex_quoted('"', "unterminated quoted string");
    case '\'':
      return lex_quoted('\'', "unterminated character constant");
    case '`':
      return lex_raw_string();
    case '$':
      return lex_field_or_variable(type::variable);
    case '(':
      ++paren_depth_;
      return emit(type::left_paren);
    case ')':
      return --paren_depth_ < 0 ? fail("unexpected right paren") : emit(type::right_paren);
    default:
      break;
  }
  if (c == '.' && pos_ < text_.size() && !query::is_digit(static_cast<unsigned char>(text_[pos_])))
    return lex_field_or_variable(type::field);
  if (c == '.' || c == '+' || c == '-' || query::is_digit(c)) {
    pos_ = before;
    return lex_number();
  }
  if (is_alphanumeric(c)) {
    pos_ = before;
    return lex_identifier();
  }
  if (c > ' ' && c < 0x7f)
    return emit(type::comma_or_other);
  return fail("unrecognized character in action: " + query::unicode_notation(c));
}

lexer::step lexer::lex_space() {
  size_t count = 0;
  size_t last = pos_;
  for (; pos_ < text_.size() && is_space(text_[pos_]); ++count) {
    last = pos_;
    (void)take();
  }
  // " -}}": the last space belongs to the marker.
  const auto t = rest(last);
  if (has_right_trim_marker(t) && t.substr(trim_marker_size).starts_with(right)) {
    line_ -= text_[last] == '\n' ? 1 : 0;
    pos_ = last;
    if (count == 1)
      return step::right_delimiter;
  }
  return emit(type::space);
}

lexer::step lexer::lex_identifier() {
  while (is_alphanumeric(peek()))
    (void)take();
  const auto word = text_.substr(start_, pos_ - start_);
  if (!at_terminator())
    return fail("bad character " + query::unicode_notation(peek()));
  for (const auto& [name, kind] : keywords)
    if (word == name)
      return emit(kind);
  return emit(word == "true" || word == "false" ? type::boolean : type::identifier);
}

lexer::step lexer::lex_field_or_variable(token::type t) {
  if (at_terminator())
    return emit(t == type::variable ? type::variable : type::dot);
  while (is_alphanumeric(peek()))
    (void)take();
  if (!at_terminator())
    return fail("bad character " + query::unicode_notation(peek()));
  return emit(t);
}

bool lexer::at_terminator() const {
  const char32_t c = peek();
  if (c == end || query::is_space(c))
    return true;
  return std::u32string_view(U".,|:)(").find(c) != std::u32string_view::npos ||
         rest(pos_).starts_with(right);
}

lexer::step lexer::lex_quoted(char quote, const char* what) {
  for (;;) {
    char32_t c = take();
    if (c == static_cast<char32_t>(quote))
      return emit(quote == '"' ? type::string : type::character);
    if (c == '\\')
      c = take();
    if (c == end || c == '\n')
      return fail(what);
  }
}

lexer::step lexer::lex_raw_string() {
  for (;;) {
    const char32_t c = take();
    if (c == end)
      return fail("unterminated raw quoted string");
    if (c == '`')
      return emit(type::raw_string);
  }
}

lexer::step lexer::lex_number() {
  const auto bad = [&] {
    return fail("bad number syntax: " + quoted(text_.substr(start_, pos_ - start_)));
  };
  if (!scan_number())
    return bad();
  if (const char32_t sign = peek(); sign == '+' || sign == '-') {
    if (!scan_number() || text_[pos_ - 1] != 'i')
      return bad();
    return emit(type::complex_number);
  }
  return emit(type::number);
}

bool lexer::scan_number() {
  constexpr std::string_view decimal = "0123456789_";
  constexpr std::string_view hexadecimal = "0123456789abcdefABCDEF_";
  accept("+-");
  auto digits = decimal;
  if (accept("0")) {
    if (accept("xX"))
      digits = hexadecimal;
    else if (accept("oO"))
      digits = "01234567_";
    else if (accept("bB"))
      digits = "01_";
  }
  accept_run(digits);
  if (accept("."))
    accept_run(digits);
  if ((digits == decimal && accept("eE")) || (digits == hexadecimal && accept("pP"))) {
    accept("+-");
    accept_run(decimal);
  }
  accept("i");
  if (!is_alphanumeric(peek()))
    return true;
  (void)take();
  return false;
}

}  // namespace troupe::templates
