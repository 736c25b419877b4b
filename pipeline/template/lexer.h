// Template text → tokens, with trim markers and comments taken out. One owner.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace troupe::templates {

struct token {
  enum class type : uint8_t {
    error,  ///< `text` says what is wrong
    eof,
    text,
    left_delimiter,
    right_delimiter,
    space,
    assign,   ///< =
    declare,  ///< :=
    pipe,
    comma_or_other,  ///< a printable ASCII character without a meaning of its own
    left_paren,
    right_paren,
    identifier,
    boolean,
    field,     ///< ".name"
    variable,  ///< "$name"
    number,
    complex_number,
    character,
    string,
    raw_string,
    // keywords
    block_word,
    break_word,
    continue_word,
    dot,
    define_word,
    else_word,
    end_word,
    if_word,
    nil_word,
    range_word,
    template_word,
    with_word,
  };
  type kind = type::eof;
  size_t pos = 0;
  std::string text;
  int line = 1;

  bool is(type t) const { return kind == t; }
};

/// As Go shows a token in messages: "EOF", "<if>", `"abc"`, `"0123456789"...`.
std::string to_string(const token& t);

class lexer {
 public:
  /// `text` must outlive the lexer.
  explicit lexer(std::string_view text) : text_(text) {}
  token next();

 private:
  enum class step : uint8_t { text, left_delimiter, comment, inside, right_delimiter, space, done };
  step run(step s);
  step lex_text();
  step lex_left_delimiter();
  step lex_comment();
  step lex_right_delimiter();
  step lex_inside();
  step lex_space();
  step lex_identifier();
  step lex_field_or_variable(token::type t);
  step lex_quoted(char end, const char* what);
  step lex_raw_string();
  step lex_number();
  bool scan_number();

  char32_t take();
  char32_t peek() const;
  bool accept(std::string_view valid);
  void accept_run(std::string_view valid);
  bool at_terminator() const;
  bool at_right_delimiter(bool& trims) const;
  std::string_view rest(size_t from) const {
    return from < text_.size() ? text_.substr(from) : std::string_view();
  }
  void ignore();
  void make(token::type t);
  step emit(token::type t) {
    make(t);
    return step::done;
  }
  step fail(std::string message);

  std::string_view text_;
  size_t pos_ = 0, start_ = 0;
  int line_ = 1, start_line_ = 1;  ///< at start_, of the token in work
  int paren_depth_ = 0;
  bool inside_ = false;
  token token_;
};

}  // namespace troupe::templates
