#include "pipeline/parse/json_reader.h"

namespace troupe::parse {

namespace {

void append_utf8(std::string& out, uint32_t c) {
  if (c < 0x80) {
    out += static_cast<char>(c);
    return;
  }
  if (c < 0x800) {
    out += static_cast<char>(0xc0 | c >> 6);
  } else {
    if (c < 0x10000) {
      out += static_cast<char>(0xe0 | c >> 12);
    } else {
      out += static_cast<char>(0xf0 | c >> 18);
      out += static_cast<char>(0x80 | (c >> 12 & 0x3f));
    }
    out += static_cast<char>(0x80 | (c >> 6 & 0x3f));
  }
  out += static_cast<char>(0x80 | (c & 0x3f));
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

}  // namespace

void json_reader::fail(std::string_view why) {
  if (failed_)
    return;
  failed_ = true;
  failed_at_ = at_;
  why_ = why;
  at_ = text_.size();
}

void json_reader::adopt_failure(const json_reader& other) {
  if (!other.failed_ || failed_)
    return;
  fail(other.why_);
  failed_at_ = other.offset_ + other.failed_at_ - offset_;
}

status json_reader::error() const {
  if (!failed_)
    return {};
  return {errc::invalid_argument,
          "malformed JSON at byte " + std::to_string(offset_ + failed_at_) + ": " + why_};
}

void json_reader::skip_blanks() {
  while (at_ < text_.size() &&
         (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\r' || text_[at_] == '\t'))
    ++at_;
}

bool json_reader::take(char c) {
  skip_blanks();
  if (at_ == text_.size() || text_[at_] != c)
    return false;
  ++at_;
  return true;
}

json_reader::kind json_reader::next() {
  skip_blanks();
  if (at_ == text_.size())
    return kind::none;
  switch (text_[at_]) {
    case '{':
      return kind::object;
    case '[':
      return kind::array;
    case '"':
      return kind::string;
    case 't':
    case 'f':
      return kind::boolean;
    case 'n':
      return kind::null;
    default:
      return text_[at_] == '-' || is_digit(text_[at_]) ? kind::number : kind::none;
  }
}

bool json_reader::enter(char open, std::string_view what) {
  if (failed_)
    return false;
  if (!take(open)) {
    fail("expected " + std::string(what));
    return false;
  }
  if (++depth_ > max_depth)
    fail("nested too deeply");
  return !failed_;
}

bool json_reader::closes(char close, bool first) {
  if (failed_ || take(close))
    return true;
  if (!first && !take(','))
    fail(std::string("expected ',' or '") + close + "'");
  return failed_;
}

std::string_view json_reader::member_key() {
  skip_blanks();
  const auto key = string();
  if (!take(':'))
    fail("expected ':'");
  return key;
}

/// Position of the closing quote of the string that begins at at_.
size_t json_reader::string_end() {
  for (size_t end = at_ + 1; end < text_.size(); ++end) {
    const char c = text_[end];
    if (c == '"')
      return end;
    if (static_cast<unsigned char>(c) < 0x20)
      break;
    end += c == '\\' ? 1 : 0;
  }
  fail("a string without an end");
  return at_;
}

std::string_view json_reader::string() {
  if (failed_)
    return {};
  if (next() != kind::string) {
    fail("expected a string");
    return {};
  }
  const size_t end = string_end();
  if (failed_)
    return {};
  const auto inside = text_.substr(at_ + 1, end - at_ - 1);
  const auto out = inside.find('\\') == inside.npos ? inside : unescaped(inside);
  if (!failed_)
    at_ = end + 1;
  return out;
}

bool json_reader::hex4(std::string_view inside, size_t at, uint32_t& out) const {
  if (inside.size() < at + 4)
    return false;
  out = 0;
  for (const char c : inside.substr(at, 4)) {
    const int digit = is_digit(c)            ? c - '0'
                      : c >= 'a' && c <= 'f' ? c - 'a' + 10
                      : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                             : -1;
    if (digit < 0)
      return false;
    out = out << 4 | static_cast<uint32_t>(digit);
  }
  return true;
}

std::string_view json_reader::unescaped(std::string_view inside) {
  std::string out;
  for (size_t i = 0; i < inside.size(); ++i) {
    if (inside[i] != '\\') {
      out += inside[i];
      continue;
    }
    constexpr std::string_view codes = "\"\\/bfnrt", meanings = "\"\\/\b\f\n\r\t";
    const char code = inside[++i];
    if (const size_t at = codes.find(code); at != codes.npos) {
      out += meanings[at];
      continue;
    }
    uint32_t c = 0, low = 0;
    if (code != 'u' || !hex4(inside, i + 1, c)) {
      fail("a malformed escape");
      return {};
    }
    i += 4;
    if (c >= 0xd800 && c < 0xdc00 && inside.substr(i + 1, 2) == "\\u" && hex4(inside, i + 3, low) &&
        low >= 0xdc00 && low < 0xe000) {
      c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
      i += 6;
    }
    // Half a pair is no character.
    append_utf8(out, c >= 0xd800 && c < 0xe000 ? 0xfffd : c);
  }
  return texts_.emplace_back(std::move(out));
}

std::string_view json_reader::number() {
  if (failed_)
    return {};
  skip_blanks();
  const size_t begin = at_;
  size_t at = at_;
  const auto digits = [&] {
    const size_t from = at;
    while (at < text_.size() && is_digit(text_[at]))
      ++at;
    return at - from;
  };
  const auto has = [&](std::string_view any) {
    const bool found = at < text_.size() && any.find(text_[at]) != any.npos;
    at += found;
    return found;
  };
  has("-");
  const size_t first = at, whole = digits();
  bool valid = whole != 0 && (whole == 1 || text_[first] != '0');
  if (valid && has("."))
    valid = digits() != 0;
  if (valid && has("eE")) {
    has("+-");
    valid = digits() != 0;
  }
  if (!valid) {
    fail("expected a number");
    return {};
  }
  at_ = at;
  return text_.substr(begin, at - begin);
}

void json_reader::literal(std::string_view word) {
  skip_blanks();
  if (text_.substr(at_, word.size()) == word)
    at_ += word.size();
  else
    fail("expected " + std::string(word));
}

bool json_reader::boolean() {
  if (failed_)
    return false;
  skip_blanks();
  const bool value = text_.substr(at_, 1) == "t";
  literal(value ? "true" : "false");
  return value && !failed_;
}

void json_reader::null() {
  if (!failed_)
    literal("null");
}

std::string_view json_reader::raw() {
  const kind type = next();
  const size_t begin = at_;
  switch (type) {
    case kind::object:
      object([this](std::string_view) { raw(); });
      break;
    case kind::array:
      array([this] { raw(); });
      break;
    case kind::string:
      if (const size_t end = string_end(); !failed_)
        at_ = end + 1;
      break;
    case kind::number:
      number();
      break;
    case kind::boolean:
      boolean();
      break;
    case kind::null:
      null();
      break;
    case kind::none:
      fail("expected a value");
  }
  return failed_ ? std::string_view() : text_.substr(begin, at_ - begin);
}

void json_reader::finish() {
  if (failed_)
    return;
  skip_blanks();
  if (at_ != text_.size())
    fail("text behind the value");
}

}  // namespace troupe::parse
