// Prometheus text format 0.0.4 and 1.0.0 (quoted UTF-8 names), as Prometheus 3 reads it. See
// exposition.h for the cursor.
#pragma once

#include "pipeline/parse/exposition.h"

namespace troupe::parse {

class text_parser final : public exposition_parser {
 public:
  static constexpr exposition_format format = exposition_format::text;
  explicit text_parser(std::string_view body) : exposition_parser(body) {
    help_keeps_quotes_ = true;
  }

  /// Reads one entry. After `error` or `end` it must not be called again.
  entry next();

  /// The line at position() is known to start with a series text of `length` bytes: reads only what
  /// follows. False, and nothing moved, if that is not a plain value with an optional timestamp.
  bool take_known(size_t length);
  /// Passes over blank lines and leading blanks, so that position() is at a line's first byte.
  void skip_blanks() {
    while (pos_ != end_ && (*pos_ == '\n' || *pos_ == ' ' || *pos_ == '\t'))
      ++pos_;
  }

 private:
  entry read_hash_line();
  entry read_metadata(const char* p, bool is_help);
  entry read_comment(const char* p);
  entry read_series();
  /// From behind the series text to behind the line break.
  entry read_tail(const char* p);
};

inline bool text_parser::take_known(size_t length) {
  const char* p = pos_ + length;
  if (p == end_ || (*p != ' ' && *p != '\t'))
    return false;
  do
    ++p;
  while (p != end_ && (*p == ' ' || *p == '\t'));
  const char* q = scan_float(p, end_, value_);
  if (q == nullptr || q == end_)
    return false;
  has_ts_ = false;
  if (*q != '\n') {
    while (q != end_ && (*q == ' ' || *q == '\t'))
      ++q;
    const char* digits = q;
    ts_ = 0;
    while (q != end_ && static_cast<unsigned char>(*q - '0') < 10 && q - digits < 18)
      ts_ = ts_ * 10 + (*q++ - '0');
    has_ts_ = q != digits;
    while (q != end_ && (*q == ' ' || *q == '\t'))
      ++q;
    if (q == end_ || *q != '\n')
      return false;
  }
  line_ = pos_;
  series_ = {pos_, length};
  pos_ = q + 1;
  return true;
}

}  // namespace troupe::parse
