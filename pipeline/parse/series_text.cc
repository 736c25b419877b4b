#include "pipeline/parse/series_text.h"

#include "storage/base/quote.h"

namespace troupe::parse {
namespace {

bool is_label_start(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

const char* skip_label_name(const char* p, const char* end) {
  if (p == end || !is_label_start(*p))
    return p;
  while (p != end && (is_label_start(*p) || is_digit(*p)))
    ++p;
  return p;
}

std::string unescape(std::string_view text, bool quotes) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    const char next = text[i] == '\\' && i + 1 < text.size() ? text[i + 1] : '\0';
    if (next == '\\' || (next == '"' && quotes)) {
      out += next;
      ++i;
    } else if (next == 'n') {
      out += '\n';
      ++i;
    } else {
      out += text[i];
    }
  }
  return out;
}

// One pass over the braces; a member function per token keeps the state in one place.
class brace_reader {
 public:
  brace_reader(const char* p, const char* end, brace_rules rules, series_tokens& out)
      : p_(p), end_(end), rules_(rules), out_(out) {}

  const char* run() {
    skip_blanks();
    while (true) {
      if (at('}'))
        return p_ + 1;
      const bool quoted = at('"');
      const char* start = p_;
      const char* stop =
          quoted ? skip_quoted(p_, end_, rules_ == brace_rules::text) : skip_label_name(p_, end_);
      if (stop == nullptr || stop == start)
        return fail("expected label name", start);
      const std::string_view name = quoted ? inside(start, stop) : whole(start, stop);
      p_ = stop;
      skip_blanks();
      if (quoted && rules_ != brace_rules::exemplar && (at(',') || at('}'))) {
        if (out_.has_name)
          return fail("metric name already set", start);
        out_.name = name;
        out_.has_name = true;
        if (at(','))
          advance();
        continue;
      }
      if (!read_value(name) || !read_separator())
        return nullptr;
    }
  }

 private:
  bool at(char c) const { return p_ != end_ && *p_ == c; }
  void skip_blanks() {
    if (rules_ == brace_rules::text)
      while (at(' ') || at('\t'))
        ++p_;
  }
  void advance() {
    ++p_;
    skip_blanks();
  }
  static std::string_view whole(const char* a, const char* b) {
    return {a, static_cast<size_t>(b - a)};
  }
  static std::string_view inside(const char* a, const char* b) { return whole(a + 1, b - 1); }

  bool read_value(std::string_view name) {
    if (!at('='))
      return fail("expected equal", p_) != nullptr;
    advance();
    const char* stop = at('"') ? skip_quoted(p_, end_, rules_ == brace_rules::text) : nullptr;
    if (stop == nullptr)
      return fail("expected label value", p_) != nullptr;
    const auto value = inside(p_, stop);
    if (!is_valid_utf8(value))
      return fail("invalid UTF-8 label value", p_) != nullptr;
    if (out_.labels.size() == max_labels)
      return fail("too many labels in one series", p_) != nullptr;
    out_.labels.push_back({name, value});
    p_ = stop;
    skip_blanks();
    return true;
  }

  bool read_separator() {
    if (at(','))
      advance();
    else if (rules_ != brace_rules::text && !at('}'))
      return fail("expected comma or brace close", p_) != nullptr;
    return true;
  }

  const char* fail(std::string_view reason, const char* where) {
    out_.reason = reason;
    out_.at = where;
    return nullptr;
  }

  const char* p_;
  const char* end_;
  brace_rules rules_;
  series_tokens& out_;
};

}  // namespace

const char* read_braces(const char* p, const char* end, brace_rules rules, series_tokens& out) {
  return brace_reader(p, end, rules, out).run();
}

const char* skip_metric_name(const char* p, const char* end) {
  if (p == end || !(is_label_start(*p) || *p == ':'))
    return p;
  while (p != end && (is_label_start(*p) || is_digit(*p) || *p == ':'))
    ++p;
  return p;
}

const char* skip_quoted(const char* p, const char* end, bool line_breaks) {
  for (++p; p < end; ++p) {
    if (*p == '"')
      return p + 1;
    if (*p == '\n' && !line_breaks)
      return nullptr;
    if (*p == '\\' && (++p == end || *p == '\n'))
      return nullptr;
  }
  return nullptr;
}

std::string unescape_label(std::string_view text) {
  return unescape(text, true);
}
std::string unescape_help(std::string_view text) {
  return unescape(text, false);
}

}  // namespace troupe::parse
